# QUIT while receivers are slow: nginx ends, and who starts again calls those
# that had not answered.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    workers => 2, profile => 'in_flight 4; timeout 8s; retry 200ms until=5m;',
    profiles => { brief => 'retry 100ms 200ms jitter=0%; breaker off;' },
    scripts => { '/fast'    => [{ status => 204 }],
                 '/broken'  => [{ status => 500, delay => 0.3 }],
                 '/slow'    => [{ status => 204, delay => 2 }],
                 '/trickle' => [{ status => 200, body => 'x' x 200,
                                  trickle => 0.05 }, { status => 200 }],
                 '/hold'    => [({ hold => 1 }) x 4, { status => 200 }] });
my $nginx = $shop->nginx;
my @paths = qw(/fast /slow /trickle /hold);

my %id = map { $_ => $shop->subscribe($_) } @paths;
$id{'/broken'} = $shop->subscribe('/broken', profile => 'brief');
$shop->ready;

my $ledger = NotifyTest::Ledger->new(shop => $shop, to => \%id);
my @ids = $ledger->add($shop->publish(8));
for my $path (@paths) {
    eventually { $shop->receiver->count($path) } "$path is called";
}

$ledger->mark;
my $began = time;
$nginx->stop;
my $took = time - $began;
note(sprintf 'QUIT took %.1f s', $took);
cmp_ok($took, '<', 9 * ($ENV{NOTIFY_TEST_SLOW} // 1),
       'which is no longer than a call may take');
my %called = map { $_ => scalar $shop->ids($_) } @paths;

elapse 0.3;
is(scalar($shop->ids($_)), $called{$_}, "$_ is not called by nobody")
    for @paths;

$nginx->start;
for my $path (@paths) {
    eventually { !$shop->lacks($path, @ids) }
               "after the start $path has got every event", 20;
}

is($shop->again('/fast'), 0, 'who had answered is not called again');
cmp_ok($shop->again($_), '<=', 4, "$_ is called again at most for what was "
       . 'in flight') for '/slow', '/trickle';

# the calls that were never answered are made again, and then succeed
eventually { my $n = 0;
             $n += $_ > 1 for values %{{ map { my $i = $_; ($i =>
                 scalar grep { $_ eq $i } $shop->ids('/hold')) } @ids }};
             $n == 4 } 'what /hold did not answer is sent to it again';

$ledger->holds('after the start', twice => 4, spare => 16);

finish();
