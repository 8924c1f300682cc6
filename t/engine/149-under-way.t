# What is under way when a subscription changes.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(profile => 'retry off; breaker off;',
    profiles => { strict => 'order strict; retry 200ms; breaker off;',
                  slow => 'retry off; breaker off; in_flight 1;' },
    scripts => { '/strict' => [{ status => 200, delay => 1 }],
                 '/slow' => [{ status => 200 }] });
my $receiver = $shop->receiver;
$shop->ready;


# in order, also through disable and enable

my $id = $shop->subscribe('/strict', profile => 'strict');
my ($first) = $shop->publish(1);
eventually { !$shop->lacks('/strict', $first) } 'a call of a strict one begins';
$shop->act($id, 'disable');
$shop->act($id, 'enable');
my ($next) = $shop->publish(1);
eventually { !$shop->lacks('/strict', $next) }
           'enabled again, it gets what follows', 5;
my %at = map { $_->{headers}{'webhook-id'} => $_->{time} }
             $receiver->requests('/strict');
cmp_ok($at{$next} - $at{$first}, '>=', 0.95,
       'but only when that call has ended');
is($shop->again('/strict'), 0, 'and nothing twice');
$shop->delete($id);


# a redelivery, as one is now

$id = $shop->subscribe('/slow', profile => 'slow');
my @odd = map { scalar $shop->publish(1, data => { n => $_ % 2 }) } 1 .. 40;
eventually { !$shop->lacks('/slow', @odd) } 'events come';
$receiver->script('/slow', { status => 200, delay => 0.03 });
$shop->act($id, 'redeliver', { since => $odd[0], all => JSON::PP::true });
eventually { $shop->again('/slow') >= 5 } 'they come again';
$shop->change($id, filter => { 'data.n' => 1 });
my @came = $shop->ids('/slow');
eventually { !$shop->redis->cli('EXISTS', "notify:{shop.0}:replay:$id") }
           'the redelivery ends';
my %odd = map { $odd[$_ - 1] => $_ % 2 } 1 .. 40;
my @since = $shop->ids('/slow');
splice @since, 0, @came + 1;        # and the one that was under way
cmp_ok(scalar(@since), '>', 5, 'the rest of what the filter is for comes');
is(scalar(grep { !$odd{$_} } @since), 0,
   'and nothing that a filter set meanwhile is against');

finish();
