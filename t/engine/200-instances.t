# Several nginx on one Redis: they share, and stand in for each other.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $profile = 'in_flight 8; retry 1s;';
my $one = NotifyTest::Shop->new(workers => 2, profile => $profile);
my $two = NotifyTest::Shop->new(workers => 2, profile => $profile,
                                redis => $one->redis,
                                receiver => $one->receiver);
my ($redis, $receiver) = ($one->redis, $one->receiver);
my $paths = 24;

# how many subscriptions lack any of the events, and calls made again
sub lacking { return scalar grep { $one->lacks("/s?$_", @_) } 1 .. $paths }
sub again { my $n = 0; $n += $one->again("/s?$_") for 1 .. $paths; return $n }

# owners and how many buckets each has
sub owners { return sort { $a <=> $b } values %{ +shares() } }
sub shares {
    my %all = $redis->cli('HGETALL', 'notify:{shop.0}:leases');
    my %count;
    for (values %all) {
        my ($owner, undef, $expires) = split / /;
        $owner =~ s/-\d+$//;
        $count{$owner}++ if $owner ne '-' && $expires > time * 1000;
    }
    return \%count;
}

# as if 10 s had passed since these have gone
sub expire {
    my %dead = map { $_ => 1 } @_;
    my %all = $redis->cli('HGETALL', 'notify:{shop.0}:leases');
    for my $bucket (keys %all) {
        my ($owner, $epoch) = split / /, $all{$bucket};
        next unless $dead{ $owner =~ s/-\d+$//r };
        $redis->cli('HSET', 'notify:{shop.0}:leases', $bucket,
                    "$owner $epoch 1");
        $redis->cli('ZREM', 'notify:{shop.0}:workers', $owner);
    }
}

$one->subscribe("/s?$_") for 1 .. $paths;
eventually { join(' ', owners()) eq '32 32' } 'they share the buckets evenly', 15
    or diag(join ' ', owners());


# both publish, both deliver

my @ids = map { ($one->publish(20), $two->publish(20)) } 1 .. 5;
eventually { !lacking(@ids) } 'every event reaches every subscription', 15
    or diag(lacking(@ids));
is(again(), 0, 'once');
my ($from_one, $from_two) = map {
    my $answer = http(GET => $_->nginx->url('/shop/health'));
    $answer->{status} } $one, $two;
is("$from_one $from_two", '200 200', 'both are well');


# a subscription made here is changed there

my $id = $one->subscribe('/moved');
is($two->show($id)->{id}, $id, 'a subscription is the same at both');
$two->change($id, url => $receiver->url('/here'));
my $began = time;
eventually { $one->publish(1); $receiver->count('/here') }
           'a change at one is used by both';
cmp_ok(time - $began, '<', $ENV{NOTIFY_TEST_SLOW} // 1, 'within 1 s');
$one->delete($id);


# one goes in order

$two->nginx->stop;
push @ids, $one->publish(50);
my $stopped = time;
eventually { !lacking(@ids) } 'when one is stopped the other takes over', 15;
cmp_ok(time - $stopped, '<', 4 * ($ENV{NOTIFY_TEST_SLOW} // 1), 'soon');
is(again(), 0, 'nothing comes twice');
my ($alive) = keys %{ shares() };
eventually { join(' ', owners()) eq '64' } 'it has all of the buckets';


# it comes back, and dies

$two->nginx->start;
eventually { join(' ', owners()) eq '32 32' } 'started, it has its share', 15;
push @ids, $one->publish(50);
eventually { !lacking(@ids) } 'both deliver';
is(again(), 0, 'and nothing twice');

kill KILL => $two->nginx->pid, $two->nginx->workers;
push @ids, $one->publish(50);
expire(grep { $_ ne $alive } keys %{ shares() });
eventually { !lacking(@ids) }
           'what a killed one had is taken over when its leases have run out',
           15;
cmp_ok(again(), '<=', 2 * 8 * $paths, 'no more twice than was in flight');


# a worker of a former version looks at the times of the leases alone

sub longest {
    my %all = $redis->cli('HGETALL', 'notify:{shop.0}:leases');
    my ($most) = sort { $b <=> $a } map { (split / /)[2] } values %all;
    return $most - 1000 * time;
}
cmp_ok(longest(), '>', 60_000, 'among its own a worker writes no times');
eventually {
    $redis->cli('ZADD', 'notify:{shop.0}:workers', int(1000 * time),
                'former-0');
    longest() < 11_000;
} 'while there is a former one it renews them', 15;

finish();
