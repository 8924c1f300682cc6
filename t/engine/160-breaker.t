# The breaker: it opens, one call probes, the first success releases all.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'in_flight 4; retry 1s 1m until=1h jitter=0%;
                breaker failures=3 window=1m cooldown=1s ignore=400;',
    server => 'location /drop/ { notify_api drop; } }
        notify_profile drop { allow 127.0.0.0/8; sign standard; retry off;
                       breaker failures=2 window=1m cooldown=1s; }
        notify_channel drop { profile drop; }
        server { listen 127.0.0.1:%%OTHER%%;',
    vars => { OTHER => NotifyTest::free_port() });
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $slack = 0.3 * ($ENV{NOTIFY_TEST_SLOW} // 1);

sub lines { return grep { length } $redis->cli(@_) }

$receiver->script('/a', { status => 500 });
my $id = $shop->subscribe('/a');
my $watch = $shop->subscribe('/watch');
$shop->ready;


# with retries

my @ids = map { scalar $shop->publish(1) } 1 .. 3;
eventually { ($shop->show($id)->{status} // '') eq 'paused' }
           'some failures in a row open the breaker: paused';
my $n = $receiver->count('/a');
cmp_ok($n, '>=', 3, 'not fewer than were asked for');

push @ids, $shop->publish(30);
eventually { !$shop->lacks('/watch', @ids) } 'others get what follows';
eventually { $receiver->count('/a') > $n } 'after the cool-down it is probed';
my @calls = $receiver->requests('/a');
cmp_ok($calls[$n]{time} - $calls[$n - 1]{time}, '>=', 0.95,
       'not before that is over');
is($calls[$n]{headers}{'webhook-id'}, $ids[0],
   'the probe is the one that waits longest');
eventually { $receiver->count('/a') > $n + 1 } 'when it fails, again later';
@calls = $receiver->requests('/a');
cmp_ok($calls[$n + 1]{time} - $calls[$n]{time}, '>=', 0.95,
       'by another cool-down');
is(scalar @calls, $n + 2, 'each time by one call');

$receiver->script('/a', { status => 200 });
eventually { !$shop->lacks('/a', @ids) } 'the first success releases all'
    or diag($shop->lacks('/a', @ids), ' of ', scalar @ids, ' lack');
my @good = grep { $_->{status} == 200 } $receiver->requests('/a');
is(scalar @good, scalar @ids, 'each of them once');
cmp_ok($good[-1]{time} - $good[0]{time}, '<', 0.9 + $slack,
       'at once, whenever they were due');
eventually { $shop->show($id)->{status} eq 'active' } 'it is active again';
eventually { !lines('ZRANGE', "notify:{shop.0}:retry:$id", 0, -1) }
           'and nothing waits any more';
is(scalar(lines('ZRANGE', "notify:{shop.0}:dead:$id", 0, -1)), 0,
   'nor is dead');


# what does not count

$receiver->script('/bad', ({ status => 400 }) x 6, { status => 200 });
my $bad = $shop->subscribe('/bad');
@ids = $shop->publish(5);
eventually { $receiver->count('/bad') >= 5 } 'statuses that are ignored';
is($shop->show($bad)->{status}, 'active', 'do not open it');
$shop->delete($bad);

$receiver->cycle('/half', { status => 500 }, { status => 500 },
                 { status => 200 });
my $half = $shop->subscribe('/half');
$shop->change($half, inFlight => 1);
@ids = $shop->publish(12);
eventually { !$shop->lacks('/half', @ids) } 'successes in between';
unlike($nginx->log, qr/breaker of subscription "\Q$half\E" opened/,
       'keep it closed');
$shop->delete($half);


# with `retry off`

sub drop {
    my ($method, $path, $json) = @_;
    my $answer = http($method => $nginx->url("/drop/$path"), json => $json);
    ok($answer->{success}, "$method $path") or diag($answer->{content});
    return $answer->{json};
}
sub drop_publish {
    return map { $_->{id} } @{ drop(POST => 'events',
        [ map { { eventType => 'order.paid' } } 1 .. $_[0] ]) };
}

$receiver->script('/drop', { status => 500 });
my $drop = drop(POST => 'subscriptions', { url => $receiver->url('/drop'),
    event => 'order.paid', inFlight => 1 })->{id};
drop(POST => 'subscriptions', { url => $receiver->url('/other'),
                                event => 'order.paid' });

my @open = drop_publish(2);
eventually { $nginx->log =~ /breaker of subscription "\Q$drop\E" opened/ }
           'without retries it opens, too';
my @dropped = drop_publish(10);
eventually { !$shop->lacks('/other', @dropped) } 'others get what follows';
is($receiver->count('/drop'), 2, 'nothing is tried in the cool-down');

$receiver->script('/drop', { status => 200 });
eventually { lines('LRANGE', "notify:{drop.0}:gap:$drop", 0, -1) }
           'what is dropped in it is on record as a gap';
eventually { http(GET => $nginx->url("/drop/subscriptions/$drop"))
             ->{json}{status} eq 'active' } 'and the cool-down ends';
my @later = drop_publish(5);
eventually { !$shop->lacks('/drop', @later) }
           'what comes after it is delivered';
is($shop->lacks('/drop', @dropped), 10, 'but not what was dropped');
is($receiver->count('/drop'), 7, 'each once');
is(scalar(lines('LRANGE', "notify:{drop.0}:gap:$drop", 0, -1)), 1,
   'it was one interval');

drop(POST => "subscriptions/$drop/redeliver", { since => $open[0] });
eventually { !$shop->lacks('/drop', @dropped) }
           'a redelivery brings what was dropped';
eventually { $shop->again('/drop') == 2 } 'and what had failed';
is($receiver->count('/drop'), 7 + 12, 'and nothing else');

finish();
