# Whatever is done to subscriptions while events flow: each event is delivered
# or recorded as missed, and a redelivery brings what was missed.
# SEED=n repeats a run.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use NotifyTest;
use NotifyTest::Shop;

my $seed = $ENV{SEED} // int rand 1e6;
srand $seed;
note("SEED=$seed");

my $shop = NotifyTest::Shop->new(
    workers => 2, profile => 'in_flight 4; retry 100ms 100ms until=1h;
                              breaker failures=4 window=1m cooldown=200ms;');
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $n = 6;

$receiver->cycle("/$_", ({ status => 200, delay => 0.003 }) x 9,
                 ({ status => 500 }) x ($_ - 1)) for 1 .. $n;
my %id = map { $_ => $shop->subscribe("/$_") } 1 .. $n;
$shop->ready;

my (@ids, %off);
my @verbs = (
    sub { my ($i) = @_; $shop->act($id{$i}, 'disable'); $off{$i} = 1 },
    sub { my ($i) = @_; $shop->act($id{$i}, 'enable'); delete $off{$i} },
    sub { my ($i) = @_; $shop->act($id{$i}, 'disable');
                        $shop->act($id{$i}, 'enable'); delete $off{$i} },
    sub { my ($i) = @_; $shop->change($id{$i}, name => "n" . rand) },
    sub { my ($i) = @_; $shop->change($id{$i}, events => ['order.*']) },
    sub { my ($i) = @_; $shop->change($id{$i}, inFlight => 1 + int rand 4) },
    sub { my ($i) = @_; $shop->act($id{$i}, 'redeliver',
                                   { since => $ids[rand @ids] }) if @ids },
    sub { $redis->cli('CLIENT', 'KILL', 'TYPE', 'normal') },
    sub { kill HUP => $nginx->pid },
);

my $end = time + 3;
while (time < $end) {
    push @ids, $shop->publish(1 + int rand 12);
    my $verb = int rand 3 ? rand @verbs - 2 : rand @verbs;
    $verbs[$verb]->(1 + int rand $n) if int rand 2;
    sleep 0.02 * rand;
}

$receiver->script("/$_", { status => 200 }) for 1 .. $n;
$shop->act($id{$_}, 'enable') for keys %off;
my $last = $shop->publish(1);
push @ids, $last;
note(scalar @ids, ' events');

for my $i (1 .. $n) {
    eventually { !$shop->lacks("/$i", $last) }
               "receiver $i gets what comes at last", 20;
}

# what waits for another attempt comes by itself
for my $i (1 .. $n) {
    eventually { 0 == $redis->cli('ZCARD', "notify:{shop.0}:retry:$id{$i}") }
               "receiver $i has nothing to be tried again", 20;
    $shop->act($id{$i}, 'redeliver', { since => $ids[0] });
}

for my $i (1 .. $n) {
    eventually { !$shop->lacks("/$i", @ids) }
               "what receiver $i had missed is redelivered", 20
        or diag($shop->lacks("/$i", @ids), ' of ', scalar @ids, ' lack');
    eventually { !$redis->cli('EXISTS', "notify:{shop.0}:replay:$id{$i}") }
               'and the redelivery ends';
}

is(scalar(() = $nginx->log =~ /exited on signal/g), 0, 'no worker has died');

finish();
