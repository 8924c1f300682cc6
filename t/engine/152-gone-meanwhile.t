# A client that changes a subscription while its receiver says 410: what the
# client wrote holds.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $n = 24;
my @profile = (profile => 'retry 100ms 100ms; breaker off;');
my $shop = NotifyTest::Shop->new(@profile,
    scripts => { map { ("/gone$_" => [{ status => 410, delay => 0.4 }]) }
                 1 .. $n });
my $receiver = $shop->receiver;
$shop->ready;

my $late = NotifyTest::Shop->new(@profile, redis => $shop->redis,
                                 receiver => $receiver);
eventually {
    my %workers = map { (split ' ')[0] => 1 }
                  $shop->redis->cli('HVALS', 'notify:{shop.0}:leases');
    2 == keys %workers;
} 'two instances share the subscriptions';

my %id = map { $_ => $shop->subscribe("/gone$_") } 1 .. $n;
my ($first) = $shop->publish(1);
eventually { !grep { $shop->lacks("/gone$_", $first) } 1 .. $n }
           'all are called';

# one of them knows of the changes before the answers, the other learns of
# both at once

my ($worker) = $late->nginx->workers;
kill STOP => $worker;
$shop->change($id{$_}, url => $receiver->url("/here$_")) for 1 .. $n;
elapse 0.6;
kill CONT => $worker;
elapse 0.3;

my ($next) = $shop->publish(1);
eventually { !grep { $shop->lacks("/here$_", $next) } 1 .. $n }
           'they get what follows, and at once', 2
    or diag(scalar(grep { $shop->lacks("/here$_", $next) } 1 .. $n), ' lack');
is(scalar(grep { !$shop->show($id{$_})->{enabled} } 1 .. $n), 0,
   'none is disabled');

# the other way: nobody has changed it

my $gone = $shop->subscribe('/gone1');
$shop->publish(1);
eventually { !$shop->show($gone)->{enabled} }
           'one that nobody has changed is disabled by its 410';

finish();
