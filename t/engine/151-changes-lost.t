# The change log keeps the last ten thousand changes or so: a worker that stood
# still while there were more of them reads its subscriptions anew.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $n = 12;
my @profile = (profile => 'retry 500ms; breaker off;');
my $shop = NotifyTest::Shop->new(@profile);
my $redis = $shop->redis;
$shop->ready;

my $late = NotifyTest::Shop->new(@profile, redis => $redis,
                                 receiver => $shop->receiver);
eventually {
    my %workers = map { (split ' ')[0] => 1 }
                  $redis->cli('HVALS', 'notify:{shop.0}:leases');
    2 == keys %workers;
} 'two instances share the subscriptions';

my %id = map { $_ => $shop->subscribe("/old$_") } 1 .. $n;
my ($before) = $shop->publish(1);
eventually { !grep { $shop->lacks("/old$_", $before) } 1 .. $n }
           'all are there';

my ($worker) = $late->nginx->workers;
kill STOP => $worker;
eventually { slurp("/proc/$worker/stat") =~ /\) T / } 'one stands still';

$shop->publish(1, eventType => 'ready');
$shop->change($id{$_}, url => $shop->receiver->url("/new$_")) for 1 .. $n;
my @new = map { $shop->subscribe("/created$_") } 1 .. $n;

# as of a client that asks for one event of a subscription again and again
$redis->cli('EVAL', <<'END', 2, map { "notify:{shop.0}:subs:$_" } qw(log ver));
for i = 1, 10400 do
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'id', 'sub_none',
               'op', 'due', 'ver', redis.call('INCR', KEYS[2]))
end
END

kill CONT => $worker;
my ($event) = $shop->publish(1);

eventually { !grep { $shop->lacks("/new$_", $event) } 1 .. $n }
           'an event goes to the new URLs of all that have changed', 10
    or diag(scalar(grep { $shop->lacks("/new$_", $event) } 1 .. $n), ' lack');
is(scalar(grep { !$shop->lacks("/old$_", $event) } 1 .. $n), 0,
   'and to no old one');
eventually { !grep { $shop->lacks("/created$_", $event) } 1 .. $n }
           'and to all that are new', 10
    or diag(scalar(grep { $shop->lacks("/created$_", $event) } 1 .. $n),
            ' lack');
is(scalar(() = $late->nginx->log =~ /has lost changes/g), 1,
   'which is logged once');

finish();
