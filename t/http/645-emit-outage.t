# Redis is killed under a steady rate of captured requests: the clients see
# nothing of it, and every event is there afterwards, once, in order.
#
# The large form: make -f Makefile.dev test TESTS=t/http/645-emit-outage.t \
#                      OUTAGE=10 RATE=2000

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $outage = $ENV{OUTAGE} // 3;     # seconds
my $rate = $ENV{RATE} // 500;       # requests a second, all clients together
my $clients = 4;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    http => <<'END');
    notify_buffer 32m;
    keepalive_requests 1000000;
    notify_channel shop { event e; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /e {
            notify_emit shop e entity_id=$arg_n customer_id=$arg_c
                        session_id=$pid data=response;
            proxy_pass http://127.0.0.1:%%PORT%%/app;
        }
        location /app { return 200 '{"n":$arg_n}'; }
    }
END

# at its rate until told to stop; a line per answer: number, status, seconds
sub client {
    my ($c, $file) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port)
        or die "connect: $!";
    my ($start, $text) = (time, '');

    for my $n (1 .. 1_000_000) {
        last if -e "$file.stop";
        my $due = $start + $n * $clients / $rate;
        elapse $due - time if $due > time;

        my $sent = time;
        syswrite $socket, "GET /e?n=$n&c=$c HTTP/1.1\r\nHost: a\r\n\r\n";
        my $answer = '';
        sysread $socket, $answer, 65536, length $answer or last
            until $answer =~ /\{"n":$n\}$/;
        my ($status) = $answer =~ m{^HTTP/1\.1 (\d+)};
        $text .= "$n $status " . (time - $sent) . "\n";
    }

    spew($file, $text);
}

my $dir = test_dir();
my @pids = map {
    my $c = $_;
    NotifyTest::spawn(sub { client($c, "$dir/client$c") });
} 1 .. $clients;

elapse 1.5;
my $before = $redis->cli('XLEN', $redis->key('}:log'));
cmp_ok($before, '>', 0, 'events are captured');
$redis->kill;
elapse $outage;
$redis->start;
elapse 2;

my ($n, $slowest, @bad) = (0, 0);
for my $c (1 .. $clients) {
    spew("$dir/client$c.stop", '');
    NotifyTest::reap($pids[$c - 1], undef, 10);
    for my $line (split /\n/, slurp("$dir/client$c")) {
        my ($number, $status, $seconds) = split / /, $line;
        push @bad, "$c/$number: $status" if $status != 200;
        $slowest = $seconds if $seconds > $slowest;
        $n++;
    }
}

cmp_ok($n, '>', $rate * ($outage + 3) / 2, "$n requests");
is(join(', ', @bad), '', 'each was answered with 200');
cmp_ok($slowest, '<', 1, sprintf 'none waited: %.3f s at most', $slowest);

my $log = $redis->key('}:log');
eventually { $redis->cli('XLEN', $log) >= $n } 'every event arrives', 20;

my (%last, %time, %seen, $id, $field, %entry, $disorder, $back);
$disorder = $back = 0;

my $end = sub {
    my ($client, $worker) = @entry{qw(c s)};
    $seen{"$client/$entry{i}"}++;
    $disorder++ if $entry{i} <= ($last{$client} // 0);
    $back++ if $entry{w} < ($time{$worker} // 0);
    $last{$client} = $entry{i};
    $time{$worker} = $entry{w};
};

for my $line ($redis->cli('XRANGE', $log, '-', '+')) {
    if (!defined $field && $line =~ /^\d+-\d+$/) {
        $end->() if defined $id;
        ($id, %entry) = ($line);
    } elsif (defined $field) {
        $entry{$field} = $line;
        undef $field;
    } else {
        $field = $line;
    }
}
$end->();

is(scalar(keys %seen), $n, 'one for each request');
is(scalar(grep { $_ > 1 } values %seen), 0, 'none of them twice');
is($disorder, 0, 'in order for each client');
is($back, 0, 'in order for each worker');

my $counters = http_served(GET => $nginx->url('/shop/stats'))
                   ->{json}{counters};
is($counters->{lost}, 0, 'nothing was lost');

finish();
