# compress: a subscriber that lags, a tail that pauses and a reader that was
# stopped go on in segments, and retention takes what is too old from these.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    allow => qr{exited on signal 9},
    profile => 'in_flight 1; retry 1s 1s; breaker off;',
    channel => 'compress after=1s;',
    scripts => { '/slow' => [{ status => 200, delay => 0.2 }] });
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $key = 'notify:{shop.0}';

sub packed { return $redis->cli('HGET', "$key:seg", 'n') || 0 }

# as many events, with more than a queue holds
sub published {
    my ($n, @ids) = @_;
    push @ids, $shop->publish(500, data => 'x' x 100) for 1 .. $n / 500;
    return @ids;
}


# all are busy: the tail pauses, and what it would read next is packed

$shop->subscribe('/slow');
$shop->ready;
my @ids = published(3000);
my $n = @ids;
eventually { packed() >= $n - 1 } 'all but the last are in segments', 20;
cmp_ok($receiver->count('/slow'), '<', $n / 2, 'and most not delivered yet');

# one that is created now follows from here on

my $late = $shop->subscribe('/late');
$receiver->script('/slow', { status => 200 });
eventually { !$shop->lacks('/slow', @ids) } 'all are delivered from segments',
           60;
is($shop->again('/slow'), 0, 'each once');
is($receiver->count('/late'), 0, 'and none to one that came later');


# one is slow and another is not: the slow one reads by itself

$receiver->script('/slow', { status => 200, delay => 0.2 });
@ids = published(3000);
eventually { !$shop->lacks('/late', @ids) } 'one gets all at once', 60;
eventually { packed() >= $n + @ids - 1 } 'what the other has before it is packed', 20;
cmp_ok($shop->lacks('/slow', @ids), '>', $n / 2, 'and most of it is');
$receiver->script('/slow', { status => 200 });
eventually { !$shop->lacks('/slow', @ids) } 'it gets all of it', 60;
is($shop->again('/slow') + $shop->again('/late'), 0, 'each once');
is_deeply([($shop->ids('/late'))], [@ids], 'in their order');


# killed in the midst of it

$receiver->script('/slow', { status => 200, delay => 0.05 });
@ids = published(2000);
eventually { packed() >= 2 * $n + @ids - 1 } 'more is packed', 20;
my @pids = $nginx->workers;
kill KILL => @pids;
$receiver->script('/slow', { status => 200 });
eventually { !$shop->lacks('/slow', @ids) } 'after a kill all of it arrives', 60;
eventually { !$shop->lacks('/late', @ids) } 'to the other, too', 60;

finish;
