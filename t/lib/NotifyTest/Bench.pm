package NotifyTest::Bench;

# What the benches measure by.

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET;
use Time::HiRes qw(clock_gettime time);

our @EXPORT = qw(backlog cpu median pipeline received request sink);


# microseconds that a process has spent, of all its threads: CPUCLOCK_SCHED of
# clock_getcpuclockid()
sub cpu { return 1e6 * clock_gettime((~(0 + $_[0]) << 3) | 2) }

# a receiver that is no part of what is measured, and the calls that have come
sub sink {
    return NotifyTest::Nginx->new(level => 'error', connections => 4096,
                                  http => <<'END');
    access_log off;
    keepalive_requests 100000000;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /count { stub_status; }
        location /      { return 200; }
    }
END
}

my %asked;
sub received {
    my ($sink) = @_;
    my ($n) = NotifyTest::http(GET => $sink->url('/count'))->{content}
        =~ /^ \d+ \d+ (\d+)/m;
    return $n - ++$asked{ $sink->port };
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[@sorted / 2] }

# an HTTP request with a JSON body, to be sent by pipeline()
sub request {
    my ($method, $path, $json) = @_;
    my $body = NotifyTest::to_json($json);
    return "$method $path HTTP/1.1\r\nHost: x\r\nContent-Type: "
        . 'application/json' . "\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";
}

# sends requests over one connection, some at a time; the answers are counted,
# they all have this status
sub pipeline {
    my ($nginx, $at_once, $status, @requests) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1:' . $nginx->port) or die $!;

    while (my @some = splice @requests, 0, $at_once) {
        my ($in, $n) = ('', 0);
        print $socket join '', @some;
        $socket->flush;
        while ($n < @some) {
            sysread $socket, $in, 1 << 20, length $in or die "closed\n";
            $n = () = $in =~ m{HTTP/1\.1 $status }g;
            die "not $status: $in\n" if $in =~ m{HTTP/1\.1 (?!$status )\d+ };
        }
    }
}

# backlog($shop, $url, PROFILE, ARRAYS of 1000 events, N): a subscription is
# paused, N events come, and it is resumed; deliveries a second, and
# microseconds of the worker and of Redis a delivery
sub backlog {
    my ($shop, $url, $profile, $arrays, $n) = @_;
    my ($worker) = $shop->nginx->workers;
    my $redis = $shop->redis->pid;
    my $delivered = sub {
        return $shop->ask(GET => 'stats')->{json}{counters}{delivered};
    };
    my $id = $shop->subscribe($url, profile => $profile);

    $shop->ask(POST => "subscriptions/$id/pause", { for => '1h' });
    $shop->insist(POST => 'events', $arrays->[$_ % @$arrays])
        for 1 .. $n / 1000;

    my $end = $delivered->() + $n;
    my ($began, @before) = (time, cpu($worker), cpu($redis));
    $shop->act($id, 'resume');
    NotifyTest::eventually(sub { $delivered->() >= $end }, undef, 60)
        or die "not all came\n";

    my %figure = (rate => $n / (time - $began),
                  cpu => (cpu($worker) - $before[0]) / $n,
                  redis => (cpu($redis) - $before[1]) / $n);
    $figure{both} = $figure{cpu} + $figure{redis};
    $shop->delete($id);
    return \%figure;
}

1;
