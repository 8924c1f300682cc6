# A key that somebody has made by hand, of a type that it must not have: what
# Redis refuses holds its own bucket, the others go on; when the key is gone,
# so does that one, and nothing is lost, even by a worker that dies meanwhile.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

my $in_flight = 4;
my $shop = NotifyTest::Shop->new(
    profile => "in_flight $in_flight; retry 200ms 200ms 200ms until=10m "
             . 'jitter=0%; breaker off;', allow => qr/exited on signal 9/);
my ($redis, $nginx, $receiver) = ($shop->redis, $shop->nginx, $shop->receiver);

my %to = map { $_ => $shop->subscribe($_) } map { "/good$_" } 1 .. 8;
$receiver->script('/bad', { status => 500 });
$to{'/bad'} = my $bad = $shop->subscribe('/bad');
$shop->ready;
my $ledger = NotifyTest::Ledger->new(shop => $shop, to => \%to);
my $key = "notify:{shop.0}:retry:$bad";

sub counter { return $shop->ask(GET => 'stats')->{json}{counters}{stuck} }
sub lines { return grep { /bucket \d+ of channel "shop" is held/ }
                   split /\n/, $nginx->log }
sub good { my (@ids) = @_;
           return grep { !$shop->lacks($_, @ids) } map { "/good$_" } 1 .. 8 }

# all in one commit, which is what they were held by; of the eight one may be in
# the bucket that is held, once in a hundred runs two

$redis->cli('SET', $key, 'by hand');
my @ids = $ledger->add($shop->publish(1));
eventually { $receiver->count('/bad') && good(@ids) == 8 } 'all are called';
eventually { lines() == 1 } 'what Redis refuses is said';
like((lines())[0], qr/WRONGTYPE/, 'with what it was');

push @ids, $ledger->add($shop->publish(20)) for 1 .. 5;
eventually { good(@ids) >= 6 } 'the other buckets go on'
    or diag(scalar good(@ids));
sub missed { my ($path) = @_;
             return scalar @{ $shop->ask(GET => 'deltas?missed=true&limit=250'
                              . "&subscription=$to{$path}")->{json}{data} } }
eventually { 2 >= grep { missed($_) } map { "/good$_" } 1 .. 8 }
           'and have committed what they did';
is(scalar(lines()), 1, 'it is said once') or diag(join "\n", lines());
is(counter(), 1, 'and counted');
cmp_ok($receiver->count('/bad'), '<=', 2 * $in_flight,
       'the one that is held is not called over and over');

# a worker dies with it

my ($worker) = $nginx->workers;
kill KILL => $worker;
eventually { my ($now) = $nginx->workers; $now && $now != $worker }
           'the worker is killed';
my $after;
eventually { my $answer = $shop->ask(POST => 'events',
                                     { eventType => 'order.paid' });
             $after = $answer->{json}{id} if $answer->{status} == 202 }
           'another one takes events';
push @ids, $ledger->add($after);
eventually { good(@ids) >= 6 } 'and delivers them';

# a reload does not wait for it

eventually { lines() == 2 } 'which meets the same', 15;
($worker) = $nginx->workers;
$nginx->reload;
eventually { !grep { $_ == $worker } $nginx->workers(exiting => 1) }
           'the worker of a reload ends in spite of it', 15;

# and the key goes

$redis->cli('DEL', $key);
$receiver->script('/bad', { status => 200 });
$ledger->holds('when the key is gone', seconds => 30,
               twice => 3 * $in_flight + @ids);
my $said = lines();
push @ids, $ledger->add($shop->publish(20));
$ledger->holds('and after it', twice => 3 * $in_flight + @ids);
is(scalar(lines()), $said, 'nothing is held any more');

# without anybody who dies

$receiver->script('/bad', { status => 500 }, { status => 500 }, {});
$redis->cli('SET', $key, 'by hand');
push @ids, $ledger->add($shop->publish(1));
eventually { lines() == $said + 1 } 'held again';
$redis->cli('DEL', $key);
eventually { $nginx->log =~ /bucket \d+ of channel "shop" goes on/ }
           'that it goes on is said, too';
$ledger->holds('in the same worker', twice => 3 * $in_flight + @ids);

finish();
