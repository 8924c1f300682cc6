#!/usr/bin/env perl
#
# A log of 1 KB events as it is, and in segments: the memory of Redis, what
# reading costs (CPU of the worker and of Redis together, per request), and how
# long publishes take while it is compressed.
# usage: BENCH=segments make -f Makefile.dev bench
#        perl -It/lib t/bench/segments.pl     ENTRIES=100000

use strict;
use warnings;

use HTTP::Tiny;
use IO::Socket::INET;
use Time::HiRes qw(clock_gettime time);
use NotifyTest;

alarm 600;

my $entries = $ENV{ENTRIES} // 100_000;
my $now = int(time * 1000);
my $redis = NotifyTest::Redis->new(args => ['--appendonly', 'no']);
my $receiver = NotifyTest::Receiver->new;
my @words = qw(order shipped customer warehouse payment pending refund street
               address delivery express standard note gift parcel tracking);

srand 7;
sub words { return join ' ', map { $words[rand @words] } 1 .. $_[0] }

# JSON of some 1,000 bytes, of which no two are alike
sub data {
    return to_json({
        number => sprintf('A-%07d', rand 1e7), total => int(rand 1e6) / 100,
        customer => { id => sprintf('%08x%08x', rand 2**32, rand 2**32),
                      name => ucfirst words(2), mail => words(1) . int(rand 1e6)
                                                        . '@example.com' },
        items => [map { { sku => sprintf('SKU-%05d', rand 1e5), title => words(6),
                          quantity => 1 + int rand 9,
                          price => int(rand 1e5) / 100 } } 1 .. 5],
        note => words(30) });
}

# the same events in both channels, two hours old, one a millisecond
my $size = 0;
open my $pipe, '|-', 'redis-cli', '-p', $redis->port, '--pipe' or die "$!\n";
$SIG{PIPE} = 'DEFAULT';
for my $n (1 .. $entries) {
    my $data = data();
    $size += length $data;
    for my $channel ('whole', 'packed') {
        my @argv = ('XADD', "notify:{$channel.0}:log",
                    ($now - 7_200_000 + $n) . '-0', t => 'order.paid',
                    i => $n, d => $data, w => $now - 7_200_000 + $n);
        print $pipe '*', scalar @argv, "\r\n",
            map { '$' . length($_) . "\r\n$_\r\n" } @argv;
    }
}
open my $stdout, '>&', \*STDOUT;
open STDOUT, '>', '/dev/null';
close $pipe;
open STDOUT, '>&', $stdout;

my $nginx = NotifyTest::Nginx->new(redis => $redis, level => 'error',
    connections => 2048, http => <<'END');
    access_log off;
    keepalive_requests 100000000;
    notify_profile local { allow 127.0.0.0/8; schemes http; in_flight 64; }
    notify_channel whole  { profile local; compress off; }
    notify_channel packed { profile local; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /whole/  { notify_api whole; }
        location /packed/ { notify_api packed; }
    }
END
my ($worker) = $nginx->workers;

sub packed { return $redis->cli('HGET', 'notify:{packed.0}:seg', 'n') || 0 }

# milliseconds of which 99 % of single publishes take less, at 200 a second
sub publishes {
    my ($seconds) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port)
        or die "nginx: $!\n";
    my @took;
    my $at = time;
    for my $n (1 .. 200 * $seconds) {
        my $body = to_json({ eventType => 'order.paid', entityID => $n,
                             data => 'x' x 1000 });
        my $begin = time;
        # in one piece, or the client's kernel waits for an acknowledgement
        syswrite $socket, "POST /packed/events HTTP/1.1\r\nHost: bench\r\n"
            . "Content-Type: application/json\r\nContent-Length: "
            . length($body) . "\r\n\r\n$body";
        sysread $socket, my $answer, 65536;
        $answer =~ m{^HTTP/1.1 202} or die "a publish failed\n";
        push @took, 1000 * (time - $begin);
        $at += 0.005;
        elapse $at - time;          # 200 a second
    }
    @took = sort { $a <=> $b } @took;
    return @took[@took * 0.5, @took * 0.99];
}

eventually { packed() > 0 } or die "nothing is compressed\n";
my ($from, $began) = (packed(), time);
my ($busy50, $busy99) = publishes(6);
my $speed = (packed() - $from) / (time - $began);
eventually { packed() >= $entries - 1000 } undef, 200
    or die "not all is compressed: ", packed(), "\n";
my ($idle50, $idle99) = publishes(6);

sub memory { my $sum = 0;
             $sum += $redis->cli('MEMORY', 'USAGE', "notify:$_", 'SAMPLES', 0)
                 || 0 for @_;
             return $sum }

my $whole = memory('{whole.0}:log');
my $small = memory('{packed.0}:seg', '{packed.0}:segs', '{packed.0}:seg:end');


# what reading costs

sub cpu {
    my $sum = 0;
    $sum += 1e6 * clock_gettime((~(0 + $_) << 3) | 2) for $worker, $redis->pid;
    return $sum;
}

# of requests to random ones of these paths, microseconds
sub cost {
    my (@paths) = @_;
    my $client = HTTP::Tiny->new(keep_alive => 1, timeout => 20);
    my @chosen = map { $paths[rand @paths] } 1 .. 150;
    $client->get($nginx->url($_))->{status} == 200 or die "$_\n"
        for @chosen[0 .. 50];
    my $before = cpu();
    $client->get($nginx->url($_)) for @chosen;
    return (cpu() - $before) / @chosen;
}

my %paths;
for my $channel ('whole', 'packed') {
    my $sub = http(POST => $nginx->url("/$channel/subscriptions"),
                   json => { event => 'order.paid',
                             url => $receiver->url("/$channel") })->{json}{id};
    http(POST => $nginx->url("/$channel/subscriptions/$sub/disable"));
    $redis->cli('RPUSH', "notify:{$channel.0}:gap:$sub",
                ($now - 7_200_000) . '-0 ' . ($now - 7_200_000 + $entries)
                . '-0');
    $paths{$channel}{sub} = $sub;

    for my $n (1 .. 500) {
        my $id = sprintf 'evt_%012x0000',
                         $now - 7_200_000 + 1 + int rand $entries;
        push @{ $paths{$channel}{one} }, "/$channel/events/$id";
        push @{ $paths{$channel}{page} },
             "/$channel/deltas?limit=100&since=$id";
        push @{ $paths{$channel}{missed} },
             "/$channel/deltas?limit=100&missed=true&subscription=$sub"
             . "&since=$id";
    }
}

my %cost;
for my $what ('one', 'page', 'missed') {
    for my $round (1 .. 3) {
        for my $channel ('whole', 'packed') {
            push @{ $cost{$what}{$channel} }, cost(@{ $paths{$channel}{$what} });
        }
    }
}

# redelivery of 5,000 events, a call each
for my $channel ('whole', 'packed') {
    my $sub = $paths{$channel}{sub};
    my $first = sprintf 'evt_%012x0000', $now - 7_200_000 + int $entries / 2;
    my $last = sprintf 'evt_%012x0000', $now - 7_200_000 + $entries / 2 + 5000;
    http(POST => $nginx->url("/$channel/subscriptions/$sub/enable"));
    eventually { http(GET => $nginx->url("/$channel/subscriptions/$sub"))
                     ->{json}{enabled} };
    my $count = $receiver->count("/$channel");
    my $before = cpu();
    http(POST => $nginx->url("/$channel/subscriptions/$sub/redeliver"),
         json => { since => $first, until => $last, all => JSON::PP::true() });
    eventually { $receiver->count("/$channel") >= $count + 4990 } undef, 60
        or die "not redelivered: ", $receiver->count("/$channel"), "\n";
    push @{ $cost{redelivery}{$channel} }, (cpu() - $before) / 5000;
}

sub middle { my @all = sort { $a <=> $b } @_; return $all[@all / 2] }

printf "%d events of %d bytes of JSON\n\n", $entries, $size / $entries;
printf "%-44s %10s %10s %8s %8s\n", '', 'as it is', 'segments', 'ratio', 'goal';
printf "%-44s %10.0f %10.0f %8.3f %8s\n", 'Redis, bytes an event',
    $whole / $entries, $small / $entries, $small / $whole, '<= 0.3';
for ([one => 'GET of one event'], [page => 'a page of 100 deltas'],
     [missed => 'a page of 100 missed'], [redelivery => 'a redelivered event'])
{
    my ($what, $title) = @$_;
    my ($of, $to) = map { middle(@{ $cost{$what}{$_} }) } 'whole', 'packed';
    printf "%-44s %10.1f %10.1f %8.2f %8s\n", "$title, microseconds of CPU",
        $of, $to, $to / $of, '<= 2';
}
printf "%-44s %10.2f %10.2f %8.2f %8s\n",
    'publish, p50 ms: idle, while compressing', $idle50, $busy50,
    $busy50 / $idle50, '';
printf "%-44s %10.2f %10.2f %8.2f %8s\n",
    'publish, p99 ms: idle, while compressing', $idle99, $busy99,
    $busy99 / $idle99, '<= 1.2';
printf "%-44s %10s %10.0f\n", 'compressed events a second', '', $speed;
exit 0;
