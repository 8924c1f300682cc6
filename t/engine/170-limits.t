# Limits of a subscription: calls at a time, calls a second, their order; and
# that nobody waits for somebody else.

use strict;
use warnings;

use Test::More;
use List::Util qw(max);
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    workers => 2, profile => 'in_flight 8;',
    server => 'location /strict/ { notify_api strict; }
               location /rate/   { notify_api rate; } }
        notify_profile strict { allow 127.0.0.0/8; sign standard; order strict;
                                retry 300ms jitter=0%; }
        notify_profile rate { allow 127.0.0.0/8; sign standard;
                              rate 20r/s burst=5; }
        notify_channel strict { profile strict; }
        notify_channel rate { profile rate; }
        server { listen 127.0.0.1:%%OTHER%%;',
    vars => { OTHER => NotifyTest::free_port() });
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $slow = $ENV{NOTIFY_TEST_SLOW} // 1;

sub other {
    my ($channel, $path, $json) = @_;
    my $answer = http(POST => $nginx->url("/$channel/$path"), json => $json);
    ok($answer->{success}, "channel $channel: $path")
        or diag($answer->{content});
    return $answer->{json};
}
sub other_publish {
    my ($channel, $n) = @_;
    return map { $_->{id} } @{ other($channel => 'events',
        [ map { { eventType => 'order.paid', data => $_ } } 1 .. $n ]) };
}

# how many calls are open at most, of a receiver that answers after a time
sub overlap {
    my ($path, $delay) = @_;
    my ($open, $most) = (0, 0);
    my @edges = map { [$_->{time}, 1], [$_->{time} + $delay, -1] }
                $receiver->requests($path);

    for my $edge (sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } @edges) {
        $open += $edge->[1];
        $most = max($most, $open);
    }
    return $most;
}

sub times_of { return map { $_->{time} } $receiver->requests($_[0]) }

$receiver->script($_, { status => 200, delay => 0.1 }) for qw(/wide /narrow);
$shop->ready;


# at a time

my $wide = $shop->subscribe('/wide');
my $narrow = $shop->subscribe('/narrow', inFlight => 3);
my @ids = $shop->publish(40);

for my $case (['/wide', 8, 'the profile'], ['/narrow', 3, 'a subscription']) {
    my ($path, $limit, $whose) = @$case;
    eventually { !$shop->lacks($path, @ids) } "in_flight of $whose: all come";
    is(overlap($path, 0.099), $limit, "$limit at a time");
    is($shop->again($path), 0, 'none of them twice');
}
$shop->delete($_) for $wide, $narrow;


# a second

my $rate = other(rate => 'subscriptions', { url => $receiver->url('/rate'),
                                            event => 'order.paid' })->{id};
my $less = other(rate => 'subscriptions', {
    url => $receiver->url('/less'), event => 'order.paid',
    rate => 10 })->{id};
@ids = other_publish(rate => 25);
eventually { !$shop->lacks('/rate', @ids) } 'all of them come';
my @times = times_of('/rate');
cmp_ok($times[-1] - $times[0], '>=', 0.9, 'twenty a second after a burst');
cmp_ok($times[-1] - $times[0], '<', 2 * $slow, 'and hardly less');
cmp_ok(scalar(grep { $_ < $times[0] + 0.5 } @times), '<=', 16,
       'also in between');
eventually { !$shop->lacks('/less', @ids) } 'a subscription may set lower';
@times = times_of('/less');
cmp_ok($times[-1] - $times[0], '>=', 1.8, 'ten a second');


# in order

my $strict = other(strict => 'subscriptions', {
    url => $receiver->url('/strict'), event => 'order.paid' })->{id};
$receiver->script('/strict', { status => 200, delay => 0.02 },
    { status => 500 }, { status => 200, delay => 0.02 }, { status => 200 },
    { status => 500 }, { status => 500 }, { status => 200, delay => 0.02 });
@ids = other_publish(strict => 12);
eventually { !$shop->lacks('/strict', @ids) } 'order strict: all come';
my @want = (@ids[0, 1, 1, 2, 3, 3], @ids[4 .. 11]);
is(join(' ', $shop->ids('/strict')), join(' ', @want),
   'in their order, the next one only after success or the end');


# a slow one, one that refuses, one that never answers

$receiver->script('/slow', { status => 200, delay => 0.5 });
$receiver->script('/hangs', { hold => 1 });
my $closed = NotifyTest::free_port();

sub latencies {
    my ($n) = @_;
    my %at;
    for (1 .. $n) {
        my $began = time;
        $at{ $shop->publish(1) } = $began;
    }
    eventually(sub { !$shop->lacks('/healthy', keys %at) });
    my @took = sort { $a <=> $b }
               map { $_->{time} - $at{ $_->{headers}{'webhook-id'} } }
               grep { $at{ $_->{headers}{'webhook-id'} } }
               $receiver->requests('/healthy');
    return @took;
}

$shop->subscribe('/healthy');
latencies(10);
my @alone = latencies(150);
$shop->subscribe('/slow');
$shop->subscribe('/hangs');
$shop->subscribe("http://127.0.0.1:$closed/");
@ids = $shop->publish(300);
eventually { $receiver->count('/hangs') >= 8 && $receiver->count('/slow') >= 8 }
           'others are busy';
eventually { !$shop->lacks('/healthy', @ids) } 'a healthy one is not';
my @beside = latencies(150);

is(scalar @beside, 150, 'it gets everything');
my ($median, $before) = ($beside[75], $alone[75]);
note(sprintf 'median %.1f ms alone, %.1f beside; the slowest of 150: %.1f, %.1f',
     map { $_ * 1000 } $before, $median, $alone[-1], $beside[-1]);
cmp_ok($median, '<', 5 * $before + 0.005, 'as soon as without the others');
cmp_ok($beside[-1], '<', 0.4 * $slow, 'and none of it waits for them');

$receiver->stop;         # or nginx would wait for what it holds
finish();
