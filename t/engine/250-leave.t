# QUIT while a worker's claim of buckets is under way, or while it has no
# connection: what it is given, or has, it gives back, and it ends.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

# nginx waits for it longer than it stands still
{
    package PatientlyAsked;
    our @ISA = ('NotifyTest::Redis');
    sub address { return $_[0]->SUPER::address . ' timeout=8s' }
}

my $redis = PatientlyAsked->new;
my $shop = NotifyTest::Shop->new(redis => $redis);

$shop->subscribe('/a');
$shop->ready;

my ($leases) = grep { /:leases$/ } split /\n/, $redis->cli('keys', '*');
ok($leases, 'there are leases');

# a claim is sent every three seconds; the one that waits while Redis stands
# still finds all buckets free

$redis->cli('hset', $leases, map { ($_ => '- 7 0') } 0 .. 63);
$redis->pause;
elapse 3.3;
kill 'QUIT', $shop->nginx->pid;
elapse 0.2;
$redis->resume;

my $began = time;
$shop->nginx->stop;
my $took = time - $began;
cmp_ok($took, '<', 8 * ($ENV{NOTIFY_TEST_SLOW} // 1),
       'a worker that is given buckets while it leaves does not stay');
note(sprintf 'QUIT took %.1f s', $took);

my @held = grep { !/^(?:\d+|- )/ } split /\n/, $redis->cli('hgetall', $leases);
is("@held", '', 'and no bucket is left to it');

$shop->nginx->start;
$shop->ready;
my @ids = $shop->publish(3);
eventually { !$shop->lacks('/a', @ids) } 'who starts next delivers at once', 5;


# Redis closes its connections during a reload: the worker that leaves
# makes another one to say so, and nobody waits for its leases to run out

for my $n (1 .. 3) {
    kill HUP => $shop->nginx->pid;
    my $end = time + 0.1;
    $redis->cli('CLIENT', 'KILL', 'TYPE', 'normal') while time < $end;
    @ids = $shop->publish(3);
    eventually { !$shop->lacks('/a', @ids) }
               "whoever was cut off gives its buckets back ($n)", 5;
    elapse 0.5;
}

finish();
