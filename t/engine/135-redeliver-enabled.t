# Whatever a redelivery meets, what was missed after it began is missed still,
# and the next one brings it.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'retry off; breaker off; in_flight 2;',
    scripts => { '/a' => [{ status => 200, delay => 0.004 }] });
$shop->ready;

my $id = $shop->subscribe('/a');
my @ids;

for (1 .. 40) {
    push @ids, $shop->publish(10);
    $shop->act($id, 'redeliver', { since => $ids[-10] });
    $shop->act($id, 'disable');
    $shop->act($id, 'enable');
}

my $replay = "notify:{shop.0}:replay:$id";
eventually { !$shop->redis->cli('EXISTS', $replay) } 'a redelivery ends';
$shop->act($id, 'redeliver', { since => $ids[0] });
eventually { !$shop->lacks('/a', @ids) } 'nothing is lost'
    or diag($shop->lacks('/a', @ids), ' of ', scalar @ids, ' lack');
eventually { !$shop->redis->cli('EXISTS', $replay) } 'and it ends, too';

finish();
