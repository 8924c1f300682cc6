# A worker that stands still for longer than its lease: another one goes on
# with its subscriptions, and what it does when it wakes counts for nothing.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

my $lease = 10;             # s; NGX_HTTP_NOTIFY_LEASE_TTL
my $in_flight = 4;
my $shop = NotifyTest::Shop->new(
    workers => 2, profile => "in_flight $in_flight; retry 200ms 1s until=5m;",
    profiles => { brief => 'retry 100ms 200ms jitter=0%; breaker off;' },
    scripts => { '/broken' => [{ status => 500 }],
                 map { ("/r$_" => [{ status => 204, delay => 0.01 }]) } 1 .. 8 });
my $nginx = $shop->nginx;
my @paths = map { "/r$_" } 1 .. 8;

my %id = map { $_ => $shop->subscribe($_) } @paths;
$id{'/broken'} = $shop->subscribe('/broken', profile => 'brief');
$shop->ready;
my $ledger = NotifyTest::Ledger->new(shop => $shop, to => \%id);

# a client whose connection the sleeper has taken goes elsewhere
sub publish {
    my @events = map { { eventType => 'order.paid', entityID => $_ } } 1 .. 10;
    my $answer = http(POST => $nginx->url('/shop/events'), json => \@events,
                      timeout => 1);
    return $answer->{status} == 202 ? map { $_->{id} } @{ $answer->{json} } : ();
}

my @ids = map { publish() } 1 .. 5;
eventually { !$shop->lacks($paths[0], @ids) } 'events flow';
$ledger->mark;
my ($stopped, $other) = $nginx->workers;
kill STOP => $stopped;

my $end = time + $lease + 2;
while (time < $end) {
    push @ids, publish();
    elapse 0.2;
}
cmp_ok(scalar @ids, '>', 100, 'events are accepted while a worker stands still');

for my $path (@paths) {
    eventually { !$shop->lacks($path, @ids) }
               "all of them have come to $path, without it";
}
my %calls = map { $_ => scalar $shop->ids($_) } @paths;

kill CONT => $stopped;
eventually { slurp("/proc/$stopped/stat") =~ /\) [SR] / } 'it wakes';
my @later = map { publish() } 1 .. 10;

for my $path (@paths) {
    eventually { !$shop->lacks($path, @later) }
               "what is published then comes to $path";
}

$ledger->add(@ids, @later);
$ledger->holds('a worker stood still', twice => 2 * $in_flight,
               spare => 2 * @paths * $in_flight);

my $again = 0;
$again += $shop->again($_) for @paths;
note("$again calls were made again, $in_flight in flight each");
cmp_ok($again, '<=', 2 * @paths * $in_flight,
       'no more came twice than was in flight or not committed');
is(scalar(grep { $_ eq $stopped } $nginx->workers), 1,
   'the worker that slept is still one of them');

finish();
