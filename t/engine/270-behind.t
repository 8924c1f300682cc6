# Several subscribers behind the tail: what one has read serves the others.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'in_flight 16; timeout 30s; order strict;', workers => 1);
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my @all = map { "/all/$_" } 1 .. 4;

$shop->subscribe($_) for @all;
$shop->subscribe('/some', filter => { 'data.n' => { '$lt' => 100 } });
$shop->subscribe('/other', event => 'order.rare');
$shop->ready;

sub reads {
    my ($calls) = $redis->cli('INFO', 'commandstats')
        =~ /^cmdstat_xread:calls=(\d+)/m;
    return $calls // 0;
}


# nobody answers until all of them are behind

kill STOP => $receiver->{pid} or die "receiver: $!\n";
my $before = reads();
my @ids = map { $shop->publish(1000) } 1 .. 3;
my $rare = $shop->publish(1, eventType => 'order.rare');
eventually { 4 <= grep { $_->{status} eq 'lagging' }
                 @{ $shop->ask(GET => 'subscriptions')->{json} } }
           'a queue is bounded: who is not called lags behind';
kill CONT => $receiver->{pid};

eventually { !grep { $receiver->count($_) < @ids } @all }
           'all of them catch up', 60;
is_deeply([ $shop->ids($_) ], \@ids, "$_ gets each event once and in order")
    for @all;
eventually { $receiver->count('/some') == 3 * 99 && $receiver->count('/other') }
           'who wants little gets it';
is($shop->again('/some') + $shop->again('/other'), 0, 'once');
is(($shop->ids('/other'))[0], $rare, 'and what it wants');

my $reads = reads() - $before;
note "$reads reads";
cmp_ok($reads, '<', 45, 'they share what they read, by 256 entries');

my @next = $shop->publish(3);
eventually { !grep { $shop->lacks($_, @next) } @all } 'then they follow again';

finish();
