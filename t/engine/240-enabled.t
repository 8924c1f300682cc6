# What waits when a subscription is disabled waits no longer than until it is
# enabled: attempts that are due, and redeliveries.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'retry 1s 1s until=1h jitter=0%; breaker off;',
    scripts => { '/a' => [{ status => 500 }] });
my ($redis, $receiver) = ($shop->redis, $shop->receiver);

sub waiting { return $redis->cli('ZCARD', "notify:{shop.0}:retry:$_[0]") }

my $id = $shop->subscribe('/a');
my $watch = $shop->subscribe('/watch');
$shop->ready;


# attempts

my @ids = $shop->publish(5);
eventually { waiting($id) == 5 } 'some events wait for another attempt';
$shop->act($id, 'disable');
my @off = $shop->publish(3);
eventually { !$shop->lacks('/watch', @off) } 'others get what follows';
$receiver->script('/a', { status => 200 });
$shop->act($id, 'enable');
eventually { waiting($id) == 0 } 'enabled, they are tried again';
my %good = map { $_->{headers}{'webhook-id'} => 1 }
           grep { $_->{status} == 200 } $receiver->requests('/a');
is(join(' ', sort keys %good), join(' ', sort @ids), 'those and no others');


# a redelivery

$shop->act($id, 'disable');
push @off, $shop->publish(2);
eventually { !$shop->lacks('/watch', @off) } 'others get what follows';
my $n = $receiver->count('/a');
$shop->act($id, 'redeliver', { since => $off[0], all => JSON::PP::true });
my $last = $shop->publish(1);
eventually { !$shop->lacks('/watch', $last) } 'others get what follows';
is($receiver->count('/a'), $n, 'while it is disabled nothing is redelivered');
$shop->act($id, 'enable');
eventually { !$shop->lacks('/a', @off) } 'enabled, it is'
    or diag($shop->lacks('/a', @off));
eventually { !$redis->cli('EXISTS', "notify:{shop.0}:replay:$id") }
           'and comes to its end';

finish();
