# Whatever is done to subscriptions and to workers while events flow: each event
# is delivered or recorded as missed, and a redelivery brings what was missed.
# SEED=n repeats a run.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $seed = $ENV{SEED} // int rand 1e6;
srand $seed;
note("SEED=$seed");

my $shop = NotifyTest::Shop->new(
    workers => 2, allow => qr/ exited on signal 9$/,
    profile => 'in_flight 4; retry 100ms 100ms 200ms;
                breaker failures=4 window=1m cooldown=200ms;');
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $n = 6;

# each has two URLs, and fails more than the one before it
sub paths { return map { ("/$_", "/$_.b") } @_ }

for my $i (1 .. $n) {
    $receiver->cycle($_, ({ status => 200, delay => 0.003 }) x 9,
                     ({ status => 500 }) x ($i - 1)) for paths($i);
}

my %id = map { $_ => $shop->subscribe("/$_") } 1 .. $n;
$shop->ready;

my (@ids, %off);

sub some { my ($most) = @_; return $ids[-1 - rand($most < @ids ? $most : @ids)] }

my @verbs = (
    sub { my ($i) = @_; $shop->act($id{$i}, 'disable'); $off{$i} = 1 },
    sub { my ($i) = @_; $shop->act($id{$i}, 'enable'); delete $off{$i} },
    sub { my ($i) = @_; $shop->act($id{$i}, 'disable');
                        $shop->act($id{$i}, 'enable'); delete $off{$i} },
    sub { my ($i) = @_; $shop->change($id{$i}, name => "n" . rand) },
    sub { my ($i) = @_; $shop->change($id{$i}, events => ['order.*']) },
    sub { my ($i) = @_; $shop->change($id{$i}, inFlight => 1 + int rand 4) },
    sub { my ($i) = @_; $shop->change($id{$i},
              url => $receiver->url((paths($i))[rand 2])) },
    sub { my ($i) = @_; $shop->change($id{$i},
              filter => rand() < 0.5 ? { eventType => 'order.paid' } : undef) },
    sub { my ($i) = @_; $shop->act($id{$i}, 'rotate-secret',
                                   { grace => '1h' }) },
    sub { my ($i) = @_; $shop->act($id{$i}, 'redeliver',
                                   { since => some(1e6) }) },
    sub { my ($i) = @_; $shop->act($id{$i}, 'redeliver',
                                   { since => some(30), all => JSON::PP::true
                                   }) },
    sub { my ($i) = @_; $shop->ask(POST => "events/" . some(1e6) . "/redeliver",
                                   { subscription => $id{$i} }) },
);
my @faults = (
    sub { $redis->cli('CLIENT', 'KILL', 'TYPE', 'normal') },
    sub { kill HUP => $nginx->pid },
    sub { $nginx->kill_worker },
    sub { my @pids = $nginx->workers or return;
          my $pid = $pids[rand @pids];
          kill STOP => $pid; elapse 0.3; kill CONT => $pid },
);

my $end = time + ($ENV{NOTIFY_TEST_LONG} ? 20 : 3);
while (time < $end) {
    push @ids, $shop->publish(1 + int rand 12);
    my $verb = int rand 6 ? $verbs[rand @verbs] : $faults[rand @faults];
    $verb->(1 + int rand $n) if int rand 2;
    elapse 0.02 * rand;
}

$receiver->script($_, { status => 200 }) for paths(1 .. $n);
$shop->act($id{$_}, 'enable') for keys %off;
my $last = $shop->publish(1);
push @ids, $last;
note(scalar @ids, ' events');

# how many of them receiver N has not got
sub lacks {
    my ($i, @wanted) = @_;
    my %seen = map { $_ => 1 } map { $shop->ids($_) } paths($i);
    return scalar grep { !$seen{$_} } @wanted;
}

for my $i (1 .. $n) {
    eventually { !lacks($i, $last) }
               "receiver $i gets what comes at last", 20;
}

# what waits for another attempt comes by itself
for my $i (1 .. $n) {
    eventually { 0 == $redis->cli('ZCARD', "notify:{shop.0}:retry:$id{$i}") }
               "receiver $i has nothing to be tried again", 20;
    $shop->act($id{$i}, 'redeliver', { since => $ids[0] });
}

for my $i (1 .. $n) {
    eventually { !lacks($i, @ids) }
               "what receiver $i had missed is redelivered", 20
        or diag(lacks($i, @ids), ' of ', scalar @ids, ' lack');
    eventually { !$redis->cli('EXISTS', "notify:{shop.0}:replay:$id{$i}") }
               'and the redelivery ends';
}

is(scalar(() = $nginx->log =~ /exited on signal (?!9$)/mg), 0,
   'no worker has died but by our hand');

finish();
