# The last event of the log is erased when all others are in segments: nothing
# is left in the log, and a worker that starts knows where it ended.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(channel => 'compress after=1s;');
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $key = 'notify:{shop.0}';

$shop->subscribe('/all');
$shop->ready;

my @ids = $shop->publish(30);
eventually { !$shop->lacks('/all', @ids) } 'all are delivered';
eventually { $redis->cli('XLEN', "$key:log") == 1 }
           'all but the last one are in segments';
is($shop->ask(DELETE => "events/$ids[-1]")->{status}, 204,
   'the last one is erased');

$nginx->stop;
$nginx->start;
$shop->ready;

my @more = $shop->publish(5);
eventually { !$shop->lacks('/all', @more) } 'a new worker goes on';
is($shop->again('/all'), 0, 'nothing is delivered again');

my $new = $shop->subscribe('/new');
my @last = $shop->publish(5);
eventually { !$shop->lacks('/new', @last) } 'a new one gets what is new';
is($receiver->count('/new'), 5, 'and no more');

finish;
