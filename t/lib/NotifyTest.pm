package NotifyTest;

# What the suites share: ports and folders of their own, waiting without
# sleeping, an HTTP client, and the end of a suite, where everything that was
# started is stopped and every error.log is looked at.
#
#   use NotifyTest;                       # before Test::Nginx::Socket
#   my $redis = NotifyTest::Redis->new;
#   my $receiver = NotifyTest::Receiver->new;
#   my $nginx = NotifyTest::Nginx->new(http => '...', redis => $redis);
#   my $r = http(POST => $nginx->url('/shop/events'), json => {...});
#   eventually { $receiver->count('/a') == 1 } 'it arrives';
#   finish();                             # instead of done_testing

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use Fcntl qw(:flock);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use JSON::PP ();
use POSIX qw(_exit WNOHANG);
use Test::More ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(elapse eventually finish free_port from_json http http_raw
                 http_served judge slurp spew test_dir throughout to_json);

our ($TOP, $BUILD, $MODULE, $NGINX);

my (%lock, %child, $dir, @started);
my $owner = $$;

BEGIN {
    $TOP = abs_path(dirname(__FILE__) . '/../..');
    $BUILD = abs_path($ENV{BUILD} // "$TOP/.build") // "$TOP/.build";
    $MODULE = $ENV{NOTIFY_TEST_MODULE}
              // "$BUILD/modules/ngx_http_notify_module.so";
    $NGINX = $ENV{TEST_NGINX_BINARY} // 'nginx';
    $ENV{NODE_PATH} //= "$BUILD/npm/node_modules";

    # asks for names of its own when it is inherited
    delete $ENV{NGINX};
}


# a folder of this suite, empty at its start and kept behind its end
sub test_dir {
    return $dir if defined $dir;

    my $name = abs_path($0);
    $name =~ s{^\Q$TOP\E/(?:t/)?}{};
    $name =~ s/\.t$//;
    $name =~ s/[^\w.-]+/-/g;

    $dir = "$BUILD/t/$name";
    remove_tree($dir);
    make_path($dir);
    chmod 0755, $dir;
    return $dir;
}


# Nobody else's: below the ephemeral range, locked against the other suites.
sub free_port {
    my ($from, $to) = split /-/, $ENV{NOTIFY_TEST_PORTS} // '20000-29999';
    my $locks = "$BUILD/t/ports";
    make_path($locks);

    for (1 .. 1000) {
        my $port = $from + int rand($to - $from + 1);
        next if $lock{$port};

        open my $file, '>', "$locks/$port" or die "$locks/$port: $!";
        next unless flock $file, LOCK_EX | LOCK_NB;

        my $probe = IO::Socket::INET->new(
            LocalAddr => "127.0.0.1:$port", Listen => 1, ReuseAddr => 1)
            or next;
        close $probe;

        $lock{$port} = $file;
        return $port;
    }

    die "no free port in $from-$to\n";
}


# eventually { condition } 'name', seconds: a test that passes as soon as the
# condition holds and fails when it has not in time; returns the value
sub eventually (&;$$) {
    my ($condition, $name, $seconds) = @_;
    my $end = time + ($seconds // 10) * ($ENV{NOTIFY_TEST_SLOW} // 1);
    my ($value, $error);

    while (1) {
        $value = eval { $condition->() };
        $error = $@;
        last if $value || time > $end;
        sleep 0.02;
    }

    if (defined $name) {
        local $Test::Builder::Level = $Test::Builder::Level + 1;
        Test::More::ok($value, $name);
        Test::More::diag($error) if $error && !$value;
    }

    return $value;
}


# throughout { condition } 'name', seconds: a test that fails as soon as the
# condition does not hold
sub throughout (&$$) {
    my ($condition, $name, $seconds) = @_;
    my $end = time + $seconds;
    my $holds = 1;

    while ($holds && time < $end) {
        $holds = $condition->();
        sleep 0.05;
    }

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok($holds, $name);
}


# Lets a time pass that is itself part of what is tested: one that the
# configuration names, one in which nothing must come, the pace of a load, how
# long a fault lasts.  For a state there is eventually.
sub elapse { sleep $_[0] if $_[0] > 0 }


# http(METHOD => url, json => {}, body => '', headers => {}, timeout => s,
# client => 'late'): HTTP::Tiny's answer with `json`, its content decoded, or
# undef; NotifyTest::Client says which clients there are
sub http {
    my ($method, $url, %option) = @_;
    my %headers = %{ $option{headers} // {} };

    if (exists $option{json}) {
        $option{body} = to_json($option{json});
        $headers{'Content-Type'} //= 'application/json';
    }

    my $answer = NotifyTest::Client::request($method, $url, %option,
                                             headers => \%headers);
    $answer->{json} = eval { from_json($answer->{content}) };
    return $answer;
}


# the same, again while the answer is 503: until a worker that has just started
# is connected to Redis
sub http_served {
    my @request = @_;
    my $answer;

    eventually { $answer = http(@request); $answer->{status} != 503 };
    return $answer;
}


# the bytes that come back for bytes, until the peer closes or time is up
sub http_raw {
    my ($port, $bytes, $seconds) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or return '';
    my $answer = '';
    my $end = time + ($seconds // 5);

    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, $bytes;

    while ((my $left = $end - time) > 0) {
        my $set = '';
        vec($set, fileno $socket, 1) = 1;
        last unless select $set, undef, undef, $left;
        last unless sysread $socket, $answer, 65536, length $answer;
    }

    return $answer;
}


# what the npm packages say of calls: judge({secret, headers, body}, ...) is a
# list of { standardwebhooks => 'ok' or why not, svix => ... }; with judges =>
# [NAME, ...] those of t/clients/verify.js, which describes what else there is
sub judge {
    my @calls = @_;
    my $input = test_dir() . '/judge.jsonl';

    spew($input, join '', map { JSON::PP->new->ascii->encode($_) . "\n" } @calls);

    open my $pipe, '-|', "node '$TOP/t/clients/verify.js' < '$input'"
        or die "node: $!";
    my @verdicts = map { from_json($_) } <$pipe>;
    close $pipe or die "node t/clients/verify.js failed\n";
    return @verdicts;
}


sub from_json { return JSON::PP->new->allow_nonref->decode($_[0]) }
sub to_json   { return JSON::PP->new->allow_nonref->canonical
                                ->utf8->encode($_[0]) }

# the path of one of our Redis scripts, whole
sub script {
    my ($name) = @_;
    my $lua = "$TOP/src/store/lua";
    my $path = test_dir() . "/$name.lua";
    open my $file, '>', $path or die "$path: $!\n";
    print $file slurp("$lua/$name.lua")
                =~ s{^-- include (\w+)$}{slurp("$lua/include/$1.lua")}mger;
    close $file;
    return $path;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or return '';
    local $/;
    return scalar <$file> // '';
}

sub spew {
    my ($path, $text) = @_;
    open my $file, '>:raw', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
}


# runs a command (or a sub) as a child that dies with this process
sub spawn {
    my ($command, $output) = @_;
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        # a job in the background has them ignored, and so its children
        $SIG{$_} = 'DEFAULT' for qw(INT QUIT);

        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $output if defined $output;
        open STDERR, '>&', \*STDOUT if defined $output;

        if (ref $command eq 'CODE') {
            eval { $command->(); 1 } or warn $@;
            _exit(0);
        }

        { exec 'setpriv', '--pdeathsig', 'TERM', '--', @$command }
        _exit(127);
    }

    $child{$pid} = 1;
    return $pid;
}

# ends a child and waits for it; KILL when it has not gone in time
sub reap {
    my ($pid, $signal, $seconds) = @_;
    return unless defined $pid && $child{$pid};

    kill $signal, $pid if $signal;

    my $end = time + ($seconds // 20);
    while (waitpid($pid, WNOHANG) == 0) {
        if (time > $end) {
            kill 'KILL', $pid;
            waitpid $pid, 0;
            delete $child{$pid};
            return 0;
        }
        sleep 0.01;
    }

    delete $child{$pid};
    return 1;
}

sub alive { my ($pid) = @_; return defined $pid && $child{$pid}
                                   && waitpid($pid, WNOHANG) == 0 }


sub started { push @started, @_ }

# ends the suite: stops everything, in the reverse order of its start
sub finish {
    $_->stop for reverse splice @started;
    Test::More::done_testing();
}

END {
    if ($$ == $owner) {
        my $status = $?;

        # TERM: an nginx takes its workers along
        kill 'CONT', keys %child;
        kill 'TERM', keys %child;
        reap($_, undef, 5) for keys %child;
        $? = $status;
    }
}


# For Test::Nginx::Socket: a place and a port of this suite's own, and blocks
# that fail on what must not be in an error.log:
#   BEGIN { NotifyTest::socket_suite() }
#   use Test::Nginx::Socket 'no_plan';
#   add_block_preprocessor(\&NotifyTest::socket_block);

our $TROUBLE = qr/\[(?:alert|emerg)\]|Sanitizer|runtime\ error:
                  |exited\ on\ signal/x;

sub socket_suite {
    $ENV{TEST_NGINX_SERVROOT} = test_dir() . '/servroot';
    $ENV{TEST_NGINX_PORT} = $ENV{TEST_NGINX_SERVER_PORT} = free_port();
    $ENV{TEST_NGINX_BINARY} = $NGINX;
    $ENV{TEST_NGINX_LOAD_MODULES} = $MODULE;
}

sub socket_block {
    my ($block) = @_;

    if (!defined $block->must_die && !defined $block->no_error_log) {
        $block->set_value('no_error_log',
                          "[alert]\n[emerg]\nSanitizer\nruntime error:");
    }

    NotifyTest::Client::test_nginx($block);
}


require NotifyTest::Client;
require NotifyTest::Nginx;
require NotifyTest::Receiver;
require NotifyTest::Redis;

1;
