package NotifyTest::Redis;

# A Redis of one suite: append-only, on a port of its own, which it keeps when
# it is killed and started again.  What it has answered is in its file then:
# with "everysec" it would not write while the disk is busy.

use strict;
use warnings;

use File::Path qw(make_path);

my $number = 0;


# new(args => [...], start => 0): further redis-server options
sub new {
    my ($class, %option) = @_;
    my $self = bless {
        port => NotifyTest::free_port(),
        dir  => NotifyTest::test_dir() . '/redis' . ++$number,
        args => $option{args} // [],
    }, $class;

    make_path($self->{dir});
    NotifyTest::started($self);
    $self->start unless exists $option{start} && !$option{start};
    return $self;
}

sub port    { return $_[0]{port} }
sub address { return "127.0.0.1:$_[0]{port}" }
sub pid     { return $_[0]{pid} }

sub start {
    my ($self) = @_;
    return if NotifyTest::alive($self->{pid});

    $self->{pid} = NotifyTest::spawn([
        'redis-server', '--bind', '127.0.0.1', '--port', $self->{port},
        '--dir', $self->{dir}, '--appendonly', 'yes',
        '--appendfsync', 'no', '--save', '',
        '--maxmemory-policy', 'noeviction', '--daemonize', 'no',
        '--enable-debug-command', 'yes', @{ $self->{args} },
    ], "$self->{dir}/redis.log");

    for (1 .. 500) {
        last if ($self->cli('PING') // '') eq 'PONG';
        die "redis-server: " . NotifyTest::slurp("$self->{dir}/redis.log")
            unless NotifyTest::alive($self->{pid});
        Time::HiRes::sleep(0.02);
    }
}

# the reply as redis-cli prints it; lines in list context; {auth} is a password
sub cli {
    my ($self, @command) = @_;
    my $pid = open(my $pipe, '-|') // return;

    if (!$pid) {
        open STDERR, '>', '/dev/null';
        $ENV{REDISCLI_AUTH} = $self->{auth} if defined $self->{auth};
        { exec 'redis-cli', '-h', '127.0.0.1', '-p', $self->{port}, @command }
        POSIX::_exit(127);
    }

    my @lines = <$pipe>;
    close $pipe;
    chomp @lines;
    return wantarray ? @lines : join "\n", @lines;
}

# the first key with this end, whatever prefix it has
sub key {
    my ($self, $end) = @_;
    my ($key) = $self->cli('--scan', '--pattern', "*$end");
    return $key;
}

# of a replica: what came from its master is in its own file, begun anew
sub kept {
    my ($self) = @_;
    my $info = join "\n", $self->cli('INFO', 'persistence'),
                          $self->cli('INFO', 'replication');
    return $info =~ /master_link_status:up/ && $info =~ /aof_enabled:1/
        && $info !~ /aof_rewrite_(?:in_progress|scheduled):1/;
}

# SIGKILL, as a crash
sub kill {
    my ($self) = @_;
    NotifyTest::reap(delete $self->{pid}, 'KILL');
}

sub restart { my ($self) = @_; $self->kill; $self->start }

# unresponsive but connected, and back
sub pause  { CORE::kill 'STOP', $_[0]{pid} }
sub resume { CORE::kill 'CONT', $_[0]{pid} }

sub stop {
    my ($self) = @_;
    return unless defined $self->{pid};
    CORE::kill 'CONT', $self->{pid};
    NotifyTest::reap(delete $self->{pid}, 'TERM');
}

1;
