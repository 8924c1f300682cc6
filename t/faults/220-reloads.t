# Reloads in a row under load: nothing is lost, nothing comes twice, memory and
# file descriptors stay what they are.  RELOADS=50 is the long form.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

my $reloads = $ENV{RELOADS} // ($ENV{NOTIFY_TEST_LONG} ? 50 : 12);
my $shop = NotifyTest::Shop->new(
    workers => 2, profile => 'in_flight 8; retry 200ms 1s until=5m;',
    profiles => { brief => 'retry 100ms 200ms jitter=0%; breaker off;' },
    scripts => { '/a' => [{ status => 204, delay => 0.005 }],
                 '/broken' => [{ status => 500 }] });
my $nginx = $shop->nginx;
my @ids;

my %id = map { $_ => $shop->subscribe($_) } map { "/a?$_" } 1 .. 4;
$id{'/broken'} = $shop->subscribe('/broken', profile => 'brief');
$shop->ready;
my $ledger = NotifyTest::Ledger->new(shop => $shop, to => \%id);

sub descriptors { return scalar(() = glob "/proc/$_[0]/fd/*") }
sub memory      { return NotifyTest::slurp("/proc/$_[0]/status")
                         =~ /^VmRSS:\s+(\d+)/m ? $1 : 0 }
sub clients     { return scalar(grep { /nginx-notify/ }
                                $shop->redis->cli('CLIENT', 'LIST')) }
sub settled     { return eventually { !$nginx->workers(exiting => 1)
                                      && $nginx->workers == 2 } undef, 20 }

sub reload {
    my %old = map { $_ => 1 } $nginx->workers;

    kill HUP => $nginx->pid;
    push @ids, $shop->publish(20);
    eventually { my @now = $nginx->workers;
                 @now == 2 && !grep { $old{$_} } @now };
    push @ids, $shop->publish(20);
}

# what the first ones cost is the allocator's, and that of the libraries
reload() for 1 .. 4;
settled();
push @ids, $shop->publish(20);
eventually { !$shop->lacks("/a?1", @ids) };

$ledger->mark;
my @before = (descriptors($nginx->pid), memory($nginx->pid), clients());

reload() for 1 .. $reloads;
ok(settled(), 'the old workers are gone');
push @ids, $shop->publish(20);

eventually { !$shop->lacks("/a?$_", @ids) } "receiver $_ got every event", 30
    or diag($shop->lacks("/a?$_", @ids), ' of ', scalar @ids) for 1 .. 4;
is($shop->again("/a?$_"), 0, "receiver $_ got none twice") for 1 .. 4;

$ledger->add(@ids);
$ledger->holds("$reloads reloads", spare => 64);

is(descriptors($nginx->pid), $before[0], 'the master has no more descriptors');
eventually { clients() == $before[2] } 'Redis has no more clients';

SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $ENV{ASAN_OPTIONS};
    my $grown = memory($nginx->pid) - $before[1];
    note("$reloads reloads: the master grew by $grown kB");
    cmp_ok($grown, '<', 1024 + 8 * $reloads,
           'the master does not grow by reloads');
}

# and those of the workers do not depend on how much has been done

my ($worker) = $nginx->workers;
my %was = map { $_ => descriptors($_) } $nginx->workers;
push @ids, $shop->publish(50) for 1 .. 10;
eventually { !$shop->lacks("/a?1", @ids) };
cmp_ok(descriptors($_), '<=', $was{$_} + 4 * 8,
       'a worker has no more descriptors than calls') for sort keys %was;

finish();
