package NotifyTest::Nginx;

# An nginx of one suite.  What goes into http {} is given; everything around it
# is here.  Its error.log is looked at when it stops.

use strict;
use warnings;

use File::Path qw(make_path);

my $number = 0;


# new(http => TEXT, main => TEXT, workers => N, redis => REDIS, start => 0,
#     allow => REGEX): allow: lines of trouble that this suite makes itself.
# example => NAME takes conf.examples/NAME.conf as it stands, instead of http;
# with hook => PORT for 8081, where examples call; 8082, an application of an
# example's own, gets a port by itself.  http2 => 1: http() may ask it by HTTP/2.
# In the texts %%PORT%%, %%DIR%% are replaced, and %%NAME%% by vars => {NAME}.
sub new {
    my ($class, %option) = @_;
    my $self = bless {
        port    => NotifyTest::free_port(),
        dir     => NotifyTest::test_dir() . '/nginx' . ++$number,
        workers => 1,
        vars    => {},
        %option,
    }, $class;

    make_path(map { "$self->{dir}/$_" } qw(conf logs temp html));
    NotifyTest::started($self);
    $self->write_conf;
    $self->start unless exists $option{start} && !$option{start};
    return $self;
}

sub port { return $_[0]{port} }
sub dir  { return $_[0]{dir} }
sub url  { return "http://127.0.0.1:$_[0]{port}" . ($_[1] // '/') }
sub conf { return "$_[0]{dir}/conf/nginx.conf" }
sub log  { return NotifyTest::slurp("$_[0]{dir}/logs/error.log") }

# the configuration's text, changed first by what is given
sub write_conf {
    my ($self, %option) = @_;
    @$self{keys %option} = values %option;

    my $dir = $self->{dir};
    my $temp = join "\n", map { "    ${_}_temp_path $dir/temp/$_;" }
                          qw(client_body proxy fastcgi uwsgi scgi);
    my $user = $> == 0 ? 'user root;' : '';
    my $redis = $self->{redis}
                ? 'notify_redis ' . $self->{redis}->address . ';' : '';
    my $level = $self->{level} // 'info';
    my $main = $self->{main} // '';
    my $text = <<"END";
daemon off;
pid $dir/nginx.pid;
error_log $dir/logs/error.log $level;
$user
$main
END

    if (defined $self->{example}) {
        $text .= $self->example($temp);

    } else {
        $text .= <<"END";
load_module $NotifyTest::MODULE;
worker_processes $self->{workers};
events {
    worker_connections @{[ $self->{connections} // 1024 ]};
}
http {
$temp
    access_log $dir/logs/access.log;
    $redis
$self->{http}
}
END
    }

    # any suite, with channels that are divided
    $text =~ s/^(\s*notify_channel\s+\S+\s*\{)/$1 partitions $ENV{NOTIFY_TEST_PARTITIONS};/mg
        if $ENV{NOTIFY_TEST_PARTITIONS} && $text !~ /\bpartitions\b/;

    my %vars = (PORT => $self->{port}, DIR => $dir, %{ $self->{vars} });
    $text =~ s/%%(\w+)%%/$vars{$1} \/\/ die "no value for %%$1%%\n"/ge;
    $text = $self->listening($text);
    NotifyTest::spew($self->conf, $text);
}

# http() learns the addresses, which may speak HTTP/2, too
sub listening {
    my ($self, $text) = @_;
    my $http2 = $self->{http2} || NotifyTest::Client::way() eq 'http2';

    $text =~ s{\blisten\s+((?:127\.0\.0\.1:)?(\d+))\b([^;\n]*);}{
        my ($address, $port, $rest) = ($1, $2, $3);
        my $plain = $rest !~ /\b(?:ssl|http2|proxy_protocol)\b/;

        NotifyTest::Client::knows($port) if $plain;
        my $more = $plain && $http2 ? http2_listen($port, $rest) : '';
        "listen $address$rest;" . ($more =~ /^listen/ ? " $more" : '');
    }ge;

    $text =~ s/^(http \{\n)/$1    http2 on;\n/m if $http2 && http2_same();

    return $text;
}

# before nginx 1.25.1 HTTP/2 has a port of its own
my %twins;

sub http2_same {
    my ($major, $minor, $patch) = nginx_version();
    return $major > 1 || $minor * 1000 + $patch >= 25001;
}

# of a server
sub http2_listen {
    my ($port, $rest) = @_;
    my $same = http2_same();
    my $twin = $same ? $port : $twins{$port} //= NotifyTest::free_port();

    NotifyTest::Client::knows($port, $twin);
    return $same ? 'http2 on;'
                 : "listen 127.0.0.1:$twin" . ($rest // '') . ' http2;';
}

sub nginx_version {
    my $said = `$NotifyTest::NGINX -v 2>&1`;
    return $said =~ m{/(\d+)\.(\d+)\.(\d+)};
}

# the files beside an example that it names
sub example_files {
    my ($self, $name) = @_;

    for my $path (glob "$NotifyTest::TOP/conf.examples/$name.*") {
        my ($file) = $path =~ m{([^/]+)$};
        NotifyTest::spew("$self->{dir}/conf/$file", NotifyTest::slurp($path))
            unless $file =~ /\.conf$/;
    }
}

# an example with this suite's module, folders, port and Redis; the files that
# it says must be made, "#     $ command", are made
sub example {
    my ($self, $temp) = @_;
    $self->example_files($self->{example});
    my $text = NotifyTest::slurp(
        "$NotifyTest::TOP/conf.examples/$self->{example}.conf");

    $text =~ s{^load_module modules/\S+;}{load_module $NotifyTest::MODULE;}m;
    $text =~ s/^http \{\n/http {\n    access_log off;\n$temp\n/m;
    $text =~ s{127\.0\.0\.1:8080}{127.0.0.1:$self->{port}}g;
    $text =~ s{127\.0\.0\.1:8081}{127.0.0.1:$self->{hook}}g if $self->{hook};
    $text =~ s{127\.0\.0\.1:8082}{'127.0.0.1:' . ($self->{app} //= NotifyTest::free_port())}ge;

    for my $command ($text =~ /^# *\$ (.*)/mg) {
        system("cd '$self->{dir}/conf' && $command 2> make.log") == 0
            or die "$self->{example}: $command: "
                   . NotifyTest::slurp("$self->{dir}/conf/make.log");
    }

    if (my $redis = $self->{redis}) {
        $text =~ s{^(\s*notify_redis\s+)[^\s;]+}{$1 . $redis->address}me;
    }

    return $text;
}

sub command {
    my ($self, @more) = @_;
    return ($NotifyTest::NGINX, '-p', "$self->{dir}/", '-c', $self->conf,
            '-e', "$self->{dir}/logs/error.log", @more);
}

# what nginx -t says, and whether it was content
sub check {
    my ($self) = @_;
    my @command = $self->command('-t');
    my $pid = open my $pipe, '-|';

    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        # nginx -t frees nothing
        $ENV{ASAN_OPTIONS} = join ':', grep { defined }
            $ENV{ASAN_OPTIONS}, 'detect_leaks=0';
        { exec @command }
        POSIX::_exit(127);
    }

    local $/;
    my $text = <$pipe> // '';
    close $pipe;
    return wantarray ? ($text, $? == 0) : $text;
}

sub start {
    my ($self) = @_;
    return if NotifyTest::alive($self->{pid});

    $self->{logged} = length $self->log;
    $self->{pid} = NotifyTest::spawn([$self->command],
                                     "$self->{dir}/logs/stderr.log");
    for (1 .. 1000) {
        my $socket = IO::Socket::INET->new(
            PeerAddr => "127.0.0.1:$self->{port}");
        return $self->connected if $socket;
        last unless NotifyTest::alive($self->{pid});
        Time::HiRes::sleep(0.02);
    }

    die "nginx: " . NotifyTest::slurp("$self->{dir}/logs/stderr.log")
        . $self->log;
}

# every worker has reached Redis, if there is one: until then it answers 503
sub connected {
    my ($self) = @_;
    return unless $self->{redis} && NotifyTest::alive($self->{redis}->pid);

    NotifyTest::eventually(sub {
        my $log = substr $self->log, $self->{logged};
        my $up = () = $log =~ /notify redis: "commands" is up/g;
        return $up >= $self->{workers};
    }, undef, 2);
}

sub pid { return $_[0]{pid} }

# the pids of the workers; with exiting => 1 of those that are shutting down
sub workers {
    my ($self, %option) = @_;
    open my $pipe, '-|', 'ps', '-o', 'pid=,args=', '--ppid', $self->{pid};
    my @lines = <$pipe>;
    close $pipe;

    my $want = $option{exiting} ? qr/worker process is shutting down/
                                : qr/worker process$/;
    return map { /^\s*(\d+)/ } grep { $_ =~ $want } @lines;
}

# a worker dies at once; the master starts another
sub kill_worker {
    my ($self) = @_;
    my @pids = $self->workers or return;
    my $pid = $pids[rand @pids];
    CORE::kill 'KILL', $pid;
    return $pid;
}

# SIGHUP, and the new workers have come
sub reload {
    my ($self) = @_;
    my %old = map { $_ => 1 } $self->workers;
    CORE::kill 'HUP', $self->{pid};
    NotifyTest::eventually(sub {
        my @now = $self->workers;
        return @now && !grep { $old{$_} } @now;
    });
}

sub stop {
    my ($self, $signal) = @_;
    return unless defined $self->{pid};

    my $ended = NotifyTest::reap(delete $self->{pid}, $signal // 'QUIT', 45);
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    Test::More::ok($ended, 'nginx ends when asked to');
    $self->check_logs;
}

sub check_logs {
    my ($self) = @_;
    my $allow = $self->{allow};
    my @bad;

    for my $path (glob "$self->{dir}/logs/*.log $self->{dir}/logs/san*") {
        push @bad, grep { $_ =~ $NotifyTest::TROUBLE
                          && !(defined $allow && $_ =~ $allow) }
                   split /\n/, NotifyTest::slurp($path);
    }

    Test::More::is(join("\n", @bad[0 .. ($#bad > 9 ? 9 : $#bad)]), '',
                   'no alert, emerg or sanitizer line');
}

1;
