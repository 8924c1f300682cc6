# Many subscriptions in one channel, of which one matches.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $many = $ENV{SUBSCRIPTIONS} // 5000;
my $shop = NotifyTest::Shop->new(
    workers => 2, channel => "subscriptions_max 100000; attribute country;");
my ($redis, $receiver) = ($shop->redis, $shop->receiver);
my $slow = $ENV{NOTIFY_TEST_SLOW} // 1;
$shop->ready;

# seconds until $n events have come to a path, one published at a time
sub took {
    my ($path, $n, %more) = @_;
    my $began = time;
    my @ids = map { scalar $shop->publish(1, %more) } 1 .. $n;
    eventually(sub { !$shop->lacks($path, @ids) }, undef, 20);
    return time - $began;
}

$shop->subscribe('/one', country => 'NO');
took('/one', 20, country => 'NO');
my $alone = took('/one', 100, country => 'NO');


# the others: each kind fails to match by something else

my @kinds = ({ country => 'NO', event => 'order.refunded' },
             { country => 'DK', event => 'order.paid' },
             { country => 'NO', event => 'stock.*' },
             { country => 'FI', event => 'order.*' });
$shop->subscribe('/others', %{ $kinds[$_ % 4] }) for 1 .. $many;


# one matches

$shop->subscribe('/last');
eventually { took('/last', 1) } 'the newest of many is used';

# one that is loaded behind the last event has its own place until the next
eventually { took('/last', 1);
             my @left = grep { length && !/ health$/ }
                        map { $redis->cli('HKEYS', $_) }
                        $redis->cli('--scan', '--pattern', '*:cursor:*');
             @left < 10 } 'all of them stand where the log does', 20;

my $among = took('/one', 100, country => 'NO');
note(sprintf 'a hundred events: %.0f ms alone, %.0f among %d', $alone * 1000,
     $among * 1000, $many);
cmp_ok($among, '<', 2 * $alone + 0.5 * $slow,
       'what matches one of many is not slower for that');
is($receiver->count('/others'), 0, 'the others get nothing');

my @ids = $shop->publish(3, country => 'NO', eventType => 'stock.low');
my $began = time;
my $quarter = 3 * int(($many + 2) / 4);
eventually { $receiver->count('/others') == $quarter }
           'an event for a quarter of them reaches all of these', 30
    or diag($receiver->count('/others'), ' of ', $quarter);
note(sprintf '%d calls in %.1f s', $receiver->count('/others'), time - $began);


# a start with many

$shop->nginx->reload;
$began = time;
my $id = $shop->publish(1, country => 'NO');
eventually { !$shop->lacks('/one', $id) } 'a worker that loads them goes on';
cmp_ok(time - $began, '<', 3 * $slow, 'soon');
eventually { !$shop->nginx->workers(exiting => 1) } 'the old ones exit', 20;
is($shop->again('/one'), 0, 'and nothing has come twice');

finish();
