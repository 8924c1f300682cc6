# Retries: the schedule, its spread and its end; Retry-After.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $server = <<'END';
    location /long/ { notify_api long; }
    location /wide/  { notify_api wide; }
    location /once/  { notify_api once; }
END
my $shop = NotifyTest::Shop->new(
    profile => 'retry 200ms 600ms 1s jitter=0%; breaker off; in_flight 4;',
    server => "$server }
        notify_profile long { allow 127.0.0.0/8; breaker off;
                               retry 100ms 200ms jitter=0% until=1s; }
        notify_profile wide { allow 127.0.0.0/8; breaker off; in_flight 64;
                              retry 1s jitter=50%; }
        notify_profile once { allow 127.0.0.0/8; breaker off; retry off; }
        notify_channel long { profile long; }
        notify_channel wide { profile wide; }
        notify_channel once { profile once; }
        server { listen 127.0.0.1:%%OTHER%%;",
    vars => { OTHER => NotifyTest::free_port() });
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $slack = 0.25 * ($ENV{NOTIFY_TEST_SLOW} // 1);

$receiver->script($_, { status => 500 }) for qw(/shop /long /wide /once);

# in another channel
sub subscribe {
    my ($channel) = @_;
    my $answer = http(POST => $nginx->url("/$channel/subscriptions"), json => {
        url => $receiver->url("/$channel"), event => 'order.paid' });
    is($answer->{status}, 201, "channel $channel has a subscription")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    my ($channel, $n) = @_;
    http(POST => $nginx->url("/$channel/events"),
         json => [ map { { eventType => 'order.paid', data => $_ } }
                   1 .. $n ]);
}

sub dead { my ($channel, $id) = @_;
           return map { s/^\S+ //r } grep { length }
                  $redis->cli('ZRANGE', "notify:{$channel.0}:dead:$id", 0, -1) }
sub left { my ($channel, $id) = @_;
           return grep { $redis->cli('EXISTS',
                                     "notify:{$channel.0}:$_:$id") }
                  qw(retry tries) }
sub came { return map { $_->{time} } $receiver->requests($_[0]) }

$shop->ready;


# all of them at a time; the waiting is done once

my $id = $shop->subscribe('/shop');
my %id = map { $_ => subscribe($_) } qw(long wide once);
publish(long => 1);
publish(wide => 40);
publish(once => 1);
my $event = $shop->publish(1);

eventually { dead(shop => $id) } 'what fails to the end is dead', 15;
is(join(' ', dead(shop => $id)), 'exhausted', 'with its reason');
is(join(' ', left(shop => $id)), '', 'and waits for nothing any more');
my @times = came('/shop');
is(scalar @times, 4, 'a schedule of three times is four attempts');
my @steps = (0.2, 0.6, 1);
for my $i (0 .. 2) {
    my $step = $times[$i + 1] - $times[$i];
    ok($step >= $steps[$i] - 0.02 && $step < $steps[$i] + $slack,
       "attempt @{[$i + 2]} comes after its time") or diag($step);
}
my %ids = map { $_ => 1 } $shop->ids('/shop');
is(join(' ', keys %ids), $event, 'all of them have the event\'s id');

eventually { dead(long => $id{long}) } 'with `until` it is dead, too';
is(join(' ', dead(long => $id{long})), 'exhausted', 'when that is over');
@times = came('/long');
cmp_ok($times[-1] - $times[0], '<=', 1 + $slack, 'not later');
cmp_ok($times[-1] - $times[0], '>=', 0.6, 'not earlier');
cmp_ok(scalar @times, '>=', 5, 'the last step repeats until then');
cmp_ok(scalar @times, '<=', 6, 'and no other');

eventually { dead(once => $id{once}) } 'with `retry off` it is dead';
is(join(' ', dead(once => $id{once})), 'failed', 'as failed');
is($receiver->count('/once'), 1, 'after one attempt');

eventually { 80 == $receiver->count('/wide') } 'forty have been tried twice';
my (%first, @waits);
for my $call ($receiver->requests('/wide')) {
    my $event = $call->{headers}{'webhook-id'} // $call->{body};
    push @waits, $call->{time} - $first{$event} if $first{$event};
    $first{$event} //= $call->{time};
}
@waits = sort { $a <=> $b } @waits;
cmp_ok($waits[0], '>=', 0.48, 'with jitter=50% none waits less than half');
cmp_ok($waits[-1], '<=', 1.5 + $slack, 'none more than half as much again');
cmp_ok($waits[-1] - $waits[0], '>=', 0.4, 'and they spread');
$shop->delete($id);


# success in between

$receiver->script('/third', { status => 500 }, { status => 503 },
                  { status => 200 });
$id = $shop->subscribe('/third');
$shop->publish(1);
eventually { $receiver->count('/third') == 3 } 'it is tried until it succeeds';
eventually { !left(shop => $id) } 'and then it is done';
is(join(' ', dead(shop => $id)), '', 'not dead');
$shop->delete($id);


# Retry-After

$receiver->script('/busy', { status => 503, headers => { 'Retry-After' => 2 } },
                  { status => 200 });
$id = $shop->subscribe('/busy');
my $watch = $shop->subscribe('/watch');
my @ids = ($shop->publish(1));
eventually { $receiver->count('/busy') == 1 } 'an answer asks for a pause';
push @ids, $shop->publish(5);
eventually { !$shop->lacks('/watch', @ids) } 'others get what follows';
eventually { ($shop->show($id)->{status} // '') eq 'paused' }
           'the subscription is paused' or diag(explain $shop->show($id));
is($receiver->count('/busy'), 1, 'all of it');
eventually { !$shop->lacks('/busy', @ids) && $receiver->count('/busy') == 7 }
           'after the pause everything comes';
@times = came('/busy');
cmp_ok($times[1] - $times[0], '>=', 1.98, 'not before it is over');
cmp_ok($times[-1] - $times[0], '<', 2 + 2 * $slack, 'and at once then');
eventually { $shop->show($id)->{status} eq 'active' } 'it is active again';

$receiver->script('/later', { status => 503, headers => {
                      'Retry-After' => 10 * 86400 } }, { status => 200 });
my $later = $shop->subscribe('/later');
$shop->publish(1);
my $until;
eventually {
    my %cursor = map { my @all = $redis->cli('HGETALL', $_); @all }
                 $redis->cli('--scan', '--pattern', '*:cursor:*');
    ($until) = ($cursor{$later} // '') =~ / paused (\d+) /;
} 'a pause of ten days is taken';
cmp_ok(($until // 0) / 1000, '<=', time + 86400,
       'but for a day at most');

finish();
