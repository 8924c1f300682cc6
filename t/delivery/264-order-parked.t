# order key=, where entities have several events at once: those that only wait
# for calls under way do not go by the retry set, whatever becomes of them.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 1,
    profile => 'order key=$notify_entity_id; in_flight 32; breaker off;
                retry 20ms 20ms 20ms until=1h;',
    scripts => { '/fails "entityID":3,' => [{ status => 500 }, {}] });
my ($receiver, $redis) = ($shop->receiver, $shop->redis);
$receiver->cycle('/calm', { delay => 0.02 });
$shop->ready;

# pairs of an entity and a number, as they came
sub came {
    my ($path) = @_;
    return map { [$_->{body} =~ /"entityID":(\d+)/, $_->{body} =~ /"n":(\d+)/] }
           $receiver->requests($path);
}
sub publish {
    my ($from, $to, $keys) = @_;
    my $answer = $shop->insist(POST => 'events', [map { {
        eventType => 'order.paid', entityID => 1 + $_ % $keys,
        data => { n => $_ } } } $from .. $to]);
    return map { $_->{id} } @$answer;
}
sub inverted {
    my (%last, $n);
    for (@_) { $n++ if ($last{$_->[0]} // 0) > $_->[1]; $last{$_->[0]} = $_->[1] }
    return $n // 0;
}

# two of each, side by side

my $calm = $shop->subscribe('/calm');
for my $n (0 .. 9) {
    publish(20 * $n + 1, 20 * $n + 20, 10);
    eventually { $receiver->count('/calm') == 20 * $n + 20 } 'all arrive';
}
is(inverted(came('/calm')), 0, 'in the order of each entity');
my ($calls) = $redis->cli('INFO', 'commandstats')
              =~ /cmdstat_zadd:calls=(\d+)/;
# a hundred wait; some thirty are of other things
cmp_ok($calls // 0, '<', 90, 'and seldom by the retry set');

# the first of an entity fails

my $fails = $shop->subscribe('/fails');
my @ids = publish(1001, 1030, 10);
eventually { 31 == $receiver->count('/fails') } 'one comes again';
my @third = grep { $_->[0] == 3 } came('/fails');
is(join(' ', map { $_->[1] } @third), '1002 1002 1012 1022',
   'those after it wait for that');
$shop->delete($fails);

# a subscription is changed, paused and disabled while they wait

$receiver->cycle('/slow', { delay => 0.2 });
my $slow = $shop->subscribe('/slow');
publish(2001, 2020, 4);
eventually { $receiver->count('/slow') >= 4 } 'calls are under way';
$shop->change($slow, name => 'other');
publish(2021, 2040, 4);
$shop->act($slow, 'pause', { for => '1s' });
eventually { $receiver->count('/slow') >= 40 } 'all arrive after a pause';
my @slow = came('/slow');
is(scalar @slow, 40, 'each once');
is(inverted(@slow), 0, 'in their order');

publish(2041, 2060, 4);
eventually { $receiver->count('/slow') > 41 } 'more calls';
$shop->nginx->reload;
eventually { $receiver->count('/slow') >= 60 } 'go on after a reload';
@slow = came('/slow');
is(scalar @slow, 60, 'each once');
is(inverted(@slow), 0, 'in their order');

publish(2061, 2080, 4);
eventually { $receiver->count('/slow') > 61 } 'more calls';
$shop->act($slow, 'disable');
$shop->act($slow, 'enable');
publish(2081, 2084, 4);
eventually { 4 == grep { $_->[1] > 2080 } came('/slow') }
    'one that was disabled goes on';
is(inverted(came('/slow')), 0, 'in their order');

finish();
