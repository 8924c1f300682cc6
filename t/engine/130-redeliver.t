# Redeliveries: what was missed, everything again, two in a row.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(profile => 'retry off; breaker off;',
    scripts => { '/failing' => [{ status => 500 }] });
my ($redis, $receiver) = ($shop->redis, $shop->receiver);
$shop->ready;


# of a log that is empty

my $early = $shop->subscribe('/early');
# nginx's clock may be a tick behind ours
my $now = strftime('%Y-%m-%dT%H:%M:%S', gmtime(time - 1));
my $nothing = $shop->act($early, 'redeliver', {});
cmp_ok($nothing->{until}, 'ge', $now,
       'a redelivery of an empty log ends with now')
    or diag(explain($nothing));
is($shop->act($early, 'redeliver', { until => '2001-02-03T04:05:06Z' })->{until},
   '2001-02-03T04:05:06.000Z', 'or where it was told to');
$shop->delete($early);


# where a subscription starts

my @before = $shop->publish(5);
my $id = $shop->subscribe('/a');
my @after = $shop->publish(5);
eventually { !$shop->lacks('/a', @after) } 'a subscription gets what follows';
is($shop->lacks('/a', @before), 5, 'but nothing from before it');

$shop->act($id, 'redeliver', { since => $before[2], all => JSON::PP::true,
                               until => $before[4] });
eventually { !$shop->lacks('/a', @before[2 .. 4]) }
           'a redelivery brings what was before'
    or diag($shop->lacks('/a', @before[2 .. 4]), ' of 3 lack');
is($shop->lacks('/a', @before[0, 1]), 2, 'from its `since` on');
is($shop->again('/a'), 0, 'and nothing that it has got');


# disabled

is($shop->act($id, 'disable')->{status}, 'disabled', 'it is disabled');
my @disabled = $shop->publish(6);
my $watch = $shop->subscribe('/watch');
my @more = $shop->publish(2);
eventually { !$shop->lacks('/watch', @more) } 'others get what follows';
push @disabled, @more;
is($shop->lacks('/a', @disabled), 8, 'it gets nothing while it is disabled');
is($shop->act($id, 'enable')->{status}, 'active', 'it is enabled');
my @enabled = $shop->publish(3);
eventually { !$shop->lacks('/a', @enabled) } 'enabled, it gets what follows';
is($shop->lacks('/a', @disabled), 8, 'but not what it has missed');

$shop->act($id, 'redeliver', { since => $disabled[0] });
eventually { !$shop->lacks('/a', @disabled) } 'until it is redelivered'
    or diag($shop->lacks('/a', @disabled), ' of 8 lack');
is($shop->again('/a'), 0, 'nothing of it twice');
eventually { !$redis->cli('EXISTS', "notify:{shop.0}:replay:$id") }
           'the redelivery has ended';


# all

$shop->act($id, 'redeliver', { since => $after[0], all => JSON::PP::true });
my @all = (@after, @disabled, @enabled);
eventually { $shop->again('/a') == @all } '`all` brings everything again'
    or diag($shop->again('/a'), ' of ', scalar @all);


# given up

my $failing = $shop->subscribe('/failing');
my @failed = $shop->publish(4);
eventually { 4 == $redis->cli('ZCARD', "notify:{shop.0}:dead:$failing") }
           'with `retry off` what fails is dead';
$receiver->script('/failing', { status => 200 });
$shop->act($failing, 'redeliver', { since => $failed[0] });
eventually { $receiver->count('/failing') == 8 } 'it is redelivered';
eventually { 0 == $redis->cli('ZCARD', "notify:{shop.0}:dead:$failing") }
           'and not dead any more';


# two in a row, of a subscription with many intervals (made up here: such
# ones come of a breaker that opens often)

my $key = "notify:{shop.0}:gap:$id";
$redis->cli('EVAL', 'for i = 0, 899 do redis.call("RPUSH", KEYS[1], '
            . '(1000 + i) .. "-0 " .. (1001 + i) .. "-0") end', 1, $key);
my @workers = $shop->nginx->workers;
my $again = $shop->again('/a');

for (1 .. 5) {
    $shop->act($id, 'redeliver', { since => $disabled[0],
                                   all => JSON::PP::true });
    $shop->act($id, 'redeliver', { since => $disabled[0] });
    $shop->act($id, 'redeliver', { since => $after[0],
                                   all => JSON::PP::true });
}

eventually { !$redis->cli('EXISTS', "notify:{shop.0}:replay:$id") }
           'of many redeliveries in a row the last one ends';
cmp_ok($shop->again('/a') - $again, '>=', scalar @all, 'and brings everything');
is(join(' ', $shop->nginx->workers), "@workers", 'no worker died of them');


# another one takes its place while its last call is under way, which a worker
# may learn after it has ended the first

$receiver->script('/late', { status => 200, delay => 0.5 });
my $late = $shop->subscribe('/late');
my @late = $shop->publish(3);
eventually { $receiver->count('/late') == 3 } 'three events come';
$shop->act($late, 'redeliver', { since => $late[0], all => JSON::PP::true });
eventually { $receiver->count('/late') >= 4 } 'they begin to come again';
$redis->cli('HSET', "notify:{shop.0}:replay:$late", 'ver', 999999);
ok(!eventually(sub { !$redis->cli('HGET', "notify:{shop.0}:replay:$late",
                                  'to') }, undef, 2),
   'the end of a redelivery does not end the one that took its place');
$shop->delete($late);


# deleted

is($shop->delete($id), 204, 'a subscription is deleted');
my $n = $receiver->count('/a');
my $other = $shop->subscribe('/b');
my @last = $shop->publish(3);
eventually { !$shop->lacks('/b', @last) } 'others get what follows';
is($receiver->count('/a'), $n, 'it gets nothing any more');
is(join(' ', grep { /\Q$id\E/ } $redis->cli('--scan')), '',
   'and nothing is left of it in Redis');

finish();
