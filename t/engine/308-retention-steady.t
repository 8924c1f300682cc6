# retention under a steady load: the log is trimmed in its intervals, not as
# often as an event becomes too old.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    channel => 'compress off; retention 4s;');
my $redis = $shop->redis;
my $key = 'notify:{shop.0}';

$shop->ready;

my ($published, $began, $counted) = (0, time, 0);

while (time - $began < 9) {
    $published += () = $shop->publish(20);
    if (!$counted && time - $began > 5) {
        $redis->cli('CONFIG', 'RESETSTAT');
        ($counted, $published) = (time, 0);
    }
}

my ($calls) = $redis->cli('INFO', 'commandstats')
                  =~ /cmdstat_xsetid:calls=(\d+)/;
my $span = time - $counted;
diag "$published events, $calls trims in $span s";

cmp_ok($calls, '>', 5, 'the log is trimmed');
cmp_ok($calls, '<', 2.5 * $span + $published / 250 + 10,
       'no more often than its interval and its slices want');
eventually { $redis->cli('XLEN', "$key:log") == 0 } 'until it is empty';

finish;
