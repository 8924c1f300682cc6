# A reload: nothing is lost, nothing comes twice, nobody waits for a slow call.

use strict;
use warnings;

use Compress::Raw::Zlib ();
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    workers => 2, profile => 'in_flight 16; retry 1s;',
    scripts => { '/busy' => [{ status => 200, delay => 0.005 }],
                 '/same' => [{ status => 200 }],
                 '/slow' => [{ status => 200, delay => 3 }] });
my $nginx = $shop->nginx;

# a worker hands on its subscriptions by buckets, each when it is settled
sub bucket { return Compress::Raw::Zlib::crc32($_[0]) % 64 }
sub subscribe_where {
    my ($fits, $path, @more) = @_;
    for (1 .. 2000) {
        my $id = $shop->subscribe($path, @more);
        return $id if $fits->(bucket($id));
        $shop->delete($id);
    }
    die "none fits\n";
}

my %busy = map { bucket($shop->subscribe("/busy?$_")) => 1 } 1 .. 4;
my $slow_id = subscribe_where(sub { !$busy{$_[0]} }, '/slow',
                              event => 'order.slow');
subscribe_where(sub { $_[0] == bucket($slow_id) }, '/same');
$shop->ready;


# under load

my (@ids, @old);

for my $round (1 .. 3) {
    push @old, $nginx->workers;
    push @ids, $shop->publish(100) for 1 .. 2;
    kill HUP => $nginx->pid;
    push @ids, $shop->publish(50) for 1 .. 4;
    eventually { my %now = map { $_ => 1 } $nginx->workers;
                 %now && !grep { $now{$_} } @old };
}

for my $n (1 .. 4) {
    eventually { !$shop->lacks("/busy?$n", @ids) }
               "what was published around reloads has come to receiver $n", 20
        or diag($shop->lacks("/busy?$n", @ids), ' of ', scalar @ids);
}

is($shop->again("/busy?$_"), 0, "nothing came twice to receiver $_")
    for 1 .. 4;
eventually { !$nginx->workers(exiting => 1) } 'the old workers have exited';


# requests that were begun before it, of each kind that asks Redis

my $body = '{"eventType":"order.late","data":1}';
my %begun = (
    publish => "POST /shop/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
               . "Content-Type: application/json\r\nContent-Length: "
               . length($body) . "\r\n\r\n$body",
    deltas  => "GET /shop/deltas HTTP/1.1\r\nHost: a\r\nConnection: close"
               . "\r\n\r\n",
    stream  => "GET /shop/deltas HTTP/1.1\r\nHost: a\r\n"
               . "Accept: text/event-stream\r\n\r\n",
);
my %socket;

for my $kind (sort keys %begun) {
    my $connection = $socket{$kind} = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1:' . $nginx->port) or die "$!\n";
    syswrite $connection, substr $begun{$kind}, 0, -3;
}

# the workers have read that by then; what else keeps them is over behind it
elapse 0.2;
$nginx->reload;
elapse 0.3;

for my $kind (sort keys %socket) {
    syswrite $socket{$kind}, substr $begun{$kind}, -3;
    my $answer = join '', readline $socket{$kind};
    close $socket{$kind};
    like($answer, qr{^HTTP/1\.1 20[02] }, "its $kind is answered");
}
eventually { !$nginx->workers(exiting => 1) } 'and the old workers exit', 15;


# a slow call in flight

my $slow = $shop->publish(1, eventType => 'order.slow');
eventually { $shop->receiver->count('/slow') == 1 } 'a slow call is under way';

my ($called) = map { $_->{time} } $shop->receiver->requests('/slow');
my %published;

kill HUP => $nginx->pid;
while (time < $called + 2) {
    my $now = time;
    $published{ $shop->publish(1) } = $now;
    elapse 0.05;
}

eventually { !$shop->lacks('/busy?1', keys %published) }
           'what is published meanwhile is delivered';
my @waited = sort { $a <=> $b }
             map { $_->{time} - $published{ $_->{headers}{'webhook-id'} } }
             grep { $published{ $_->{headers}{'webhook-id'} } }
             $shop->receiver->requests('/busy?1');
note(sprintf 'reload: the longest waited %.2f s, half of them %.2f s',
     $waited[-1], $waited[@waited / 2]);
cmp_ok($waited[-1], '<', 1.5, 'and does not wait for the slow call');
eventually { !$nginx->workers(exiting => 1) } 'the old worker exits after it',
           15;
eventually { !$shop->lacks('/same', @ids, keys %published) }
           'one that shares its bucket has got all of it as well';

$shop->publish(1);
$slow = $shop->publish(1, eventType => 'order.slow');
eventually { $shop->receiver->count('/slow') >= 2 } 'the next one is called';
is($shop->again('/slow'), 0, 'the slow one is not called again');
is($shop->again("/busy?$_"), 0, "receiver $_ has still got nothing twice")
    for 1 .. 4;
is($shop->again('/same'), 0, 'nor has the one in the bucket of the slow one');
unlike($nginx->log, qr/has another owner/, 'no result was fenced');

finish();
