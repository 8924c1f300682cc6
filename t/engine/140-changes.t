# Changes of a subscription: used within a second; 410 ends it.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2, profile => 'retry 1s 1s;',
    scripts => { '/gone' => [{ status => 410 }],
                 '/slow' => [{ status => 200, delay => 1 }] });
my ($redis, $receiver) = ($shop->redis, $shop->receiver);
my $slack = $ENV{NOTIFY_TEST_SLOW} // 1;
$shop->ready;

# seconds until what is published, again and again, comes to a path
sub soon {
    my ($path, %more) = @_;
    my $began = time;
    my $n = $receiver->count($path);
    eventually(sub { $shop->publish(1, %more); elapse 0.03;
                     $receiver->count($path) > $n });
    return time - $began;
}

my $id = $shop->subscribe('/a');
cmp_ok(soon('/a'), '<', $slack, 'a new subscription is used within 1 s');

$shop->change($id, url => $receiver->url('/b'));
cmp_ok(soon('/b'), '<', $slack, 'so is a new URL');
my $n = $receiver->count('/a');
$shop->publish(1);
soon('/b');
is($receiver->count('/a'), $n, 'and the old one is not called any more');

$shop->change($id, event => 'order.refunded');
cmp_ok(soon('/b', eventType => 'order.refunded'), '<', $slack,
       'so is another event');
my @other = $shop->publish(3);
soon('/b', eventType => 'order.refunded');
is($shop->lacks('/b', @other), 3, 'and the old one does not come any more');

$shop->change($id, events => ['order.*']);
cmp_ok(soon('/b'), '<', $slack, 'so is a wildcard');

my $secret = 'whsec_bmdpbngtbm90aWZ5LWV4YW1wbGUtc2VjcmV0';
$shop->change($id, secret => $secret);
my $began = time;
my $verdict;
eventually {
    my $event = $shop->publish(1);
    eventually(sub { !$shop->lacks('/b', $event) });
    my ($call) = grep { $_->{headers}{'webhook-id'} eq $event }
                 $receiver->requests('/b');
    ($verdict) = judge({ %$call, secret => $secret });
    ($verdict->{standardwebhooks} // '') eq 'ok';
} 'so is a secret', 5;
cmp_ok(time - $began, '<', 2 * $slack, 'within 1 s and a judge');

$shop->change($id, filter => { 'data.state' => 'open' });
cmp_ok(soon('/b', data => { state => 'open' }), '<', $slack, 'so is a filter');
my @closed = $shop->publish(3, data => { state => 'closed' });
soon('/b', data => { state => 'open' });
is($shop->lacks('/b', @closed), 3, 'and what does not match does not come');

$shop->change($id, headers => { 'X-Colour' => 'blue' });
$began = time;
eventually {
    soon('/b', data => { state => 'open' });
    (($receiver->requests('/b'))[-1]{headers}{'x-colour'} // '') eq 'blue'
} 'so are headers';
cmp_ok(time - $began, '<', $slack, 'within 1 s');

is($shop->delete($id), 204, 'it is deleted');


# a call in flight when its subscription goes

$id = $shop->subscribe('/slow');
$shop->publish(1);
eventually { $receiver->count('/slow') == 1 } 'a call is under way';
is($shop->delete($id), 204, 'its subscription is deleted meanwhile');
my $called = time;
my $watch = $shop->subscribe('/watch');
eventually { !$redis->key("cursor:$id") && soon('/watch') } 'life goes on';
eventually { time > $called + 1.2 };
is(join(' ', grep { /\Q$id\E/ } $redis->cli('--scan')), '',
   'its result is discarded');
is($receiver->count('/slow'), 1, 'it is not called again');


# 410

my $gone = $shop->subscribe('/gone');
my $first = $shop->publish(1);
eventually { $receiver->count('/gone') == 1 } 'a receiver answers with 410';
eventually { ($shop->show($gone)->{status} // '') eq 'disabled' }
           'the subscription is disabled';
is($shop->show($gone)->{reason}, 'gone', 'with its reason');
ok(!$shop->show($gone)->{enabled}, 'and not enabled any more');

(my $log_id) = $redis->cli('XREVRANGE', 'notify:{shop.0}:log', '+', '-',
                           'COUNT', 1);
eventually { my ($dead) = $redis->cli('ZRANGE', "notify:{shop.0}:dead:$gone",
                                      0, 0);
             ($dead // '') eq "$log_id gone" } 'the event is dead, as "gone"';
$shop->publish(3);
soon('/watch');
is($receiver->count('/gone'), 1, 'it is not called any more');

$receiver->script('/gone', { status => 200 });
$shop->act($gone, 'enable');
my @after = $shop->publish(2);
eventually { !$shop->lacks('/gone', @after) } 'enabled, it gets what follows';
is($receiver->count('/gone'), 3, 'but not what it was disabled for');
is($shop->show($gone)->{status}, 'active', 'it is active');
ok(!defined $shop->show($gone)->{reason}, 'without a reason');
is(scalar($redis->cli('LRANGE', "notify:{shop.0}:gap:$gone", 0, -1)) ? 1 : 0, 1,
   'what it was disabled for is a gap');



# deleted as soon as created: a worker may still be reading it

$shop->delete($shop->subscribe('/short')) for 1 .. 300;
soon('/watch');
$shop->publish(5);
soon('/watch');
is($receiver->count('/short'), 0,
   'what was deleted as soon as it was created is not called');

finish();
