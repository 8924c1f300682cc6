# What a subscription has missed is delivered when it is asked for, whatever it
# goes through meanwhile: nothing of it is forgotten.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my %slow = map { ("/queue$_" => [{ status => 200, delay => 0.05 }]) } 1 .. 12;

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'retry off; breaker off;',
    profiles => { slow => 'retry off; breaker off; in_flight 1;',
                  fragile => 'retry off; breaker failures=2 window=10s '
                             . 'cooldown=2s;' },
    scripts => { %slow, '/down' => [{ status => 500 }] });
my ($redis, $receiver) = ($shop->redis, $shop->receiver);
$shop->ready;


sub gaps    { return $redis->cli('LRANGE', "notify:{shop.0}:gap:$_[0]", 0, -1) }
sub replays { return $redis->cli('EXISTS', "notify:{shop.0}:replay:$_[0]") }

sub redelivered {
    my ($id, $since) = @_;
    $shop->act($id, 'redeliver', { since => $since });
    eventually { !replays($id) } undef, 20;
}


# disabled and enabled once more, and nothing published in between

my ($lost, $again) = (0, 0);

for my $i (1 .. 20) {
    my $id = $shop->subscribe("/twice$i");
    my ($before) = $shop->publish(1);
    eventually { !$shop->lacks("/twice$i", $before) }
        or die "a new one gets nothing\n";

    $shop->act($id, 'disable');
    my @missed = $shop->publish(2);
    $shop->act($id, 'enable');
    elapse 0.15 if $i % 2;
    $shop->act($id, 'disable');
    $shop->act($id, 'enable');
    elapse 0.15;

    redelivered($id, $before);
    eventually { !$shop->lacks("/twice$i", @missed) } undef, 1;
    $lost += $shop->lacks("/twice$i", @missed);
    $again += $shop->again("/twice$i");
    $shop->delete($id);
}

is($lost, 0, 'what one missed while it was disabled is not forgotten when it '
             . 'is disabled and enabled once more');
is($again, 0, 'and what it has got does not come twice');


# the end of a redelivery that had passed what was missed only then

($lost, $again) = (0, 0);

for my $i (1 .. 12) {
    my $path = "/queue$i";
    my $id = $shop->subscribe($path, profile => 'slow');
    my ($before) = $shop->publish(1);
    eventually { !$shop->lacks($path, $before) }
        or die "a slow one gets nothing\n";
    elapse 0.15;

    my @queued = $shop->publish(10);
    $shop->act($id, 'redeliver', { since => $before });
    $shop->act($id, 'disable');
    $shop->act($id, 'enable');
    eventually { !replays($id) } undef, 10;

    redelivered($id, $before);
    eventually { !$shop->lacks($path, @queued) } undef, 1;
    $lost += $shop->lacks($path, @queued);
    $again += $shop->again($path);
    $shop->delete($id);
}

is($lost, 0, 'a redelivery that ends does not forget what was missed after it '
             . 'had passed');
cmp_ok($again, '<=', 12, 'what was under way may come twice, no more');


# what an open breaker drops is on record when it closes; asked for earlier

my $id = $shop->subscribe('/down', profile => 'fragile');
my @failed = $shop->publish(2);
eventually { 2 == $redis->cli('ZCARD', "notify:{shop.0}:dead:$id") }
           'two fail';
my @dropped = $shop->publish(5);
elapse 0.3;
$shop->act($id, 'redeliver', { since => $failed[0] });
$receiver->script('/down', { status => 200 });
my @more = $shop->publish(2);
elapse 2.2;
my @probe = $shop->publish(1);
eventually { !$shop->lacks('/down', @probe) } 'the breaker has closed', 5;
eventually { !replays($id) } 'the redelivery ends', 10;
eventually { !$shop->lacks('/down', @failed, @dropped) } undef, 2;
is($shop->lacks('/down', @dropped), 0, 'a redelivery that was asked for while '
   . 'a breaker was open brings what was dropped until then')
    or diag(join ' | ', gaps($id));
redelivered($id, $failed[0]);
eventually { !$shop->lacks('/down', @more) } undef, 2;
is($shop->lacks('/down', @more), 0, 'and the next one what was dropped later');
is($shop->again('/down') - @failed, 0, 'nothing comes twice');

finish();
