# compress and retention: segments go as a whole, and whoever lags is told.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'retry 1h 1h; breaker off;',
    channel => 'compress after=1s; retention 4s; max_size 200k;');
my ($redis, $nginx) = ($shop->redis, $shop->nginx);
my $key = 'notify:{shop.0}';

sub packed { return $redis->cli('HGET', "$key:seg", 'n') || 0 }
sub data   { return @{ $shop->ask(GET => 'deltas?limit=250')->{json}{data} } }

$shop->ready;
eventually { 0 == $redis->cli('XLEN', "$key:log") } 'the log starts empty';

my $began = time;
my @ids = $shop->publish(100, data => 'x' x 300);
my $cursor = $shop->ask(GET => 'deltas?limit=10')->{json}{cursor};
eventually { packed() == 99 } 'they are packed';
is(scalar(data()), 100, 'and there');
is($shop->ask(GET => "deltas?cursor=$cursor")->{status}, 200,
   'a cursor in a segment is good');
eventually { !data() } 'after the retention they are gone';
cmp_ok(time - $began, '>=', 3.99, 'not before');
is($redis->cli('EXISTS', "$key:segs"), 0, 'no segment is left');
is($redis->cli('HGET', "$key:seg", $_), 0, "nor counted: $_")
    for qw(n raw bytes);
is($shop->ask(GET => "deltas?cursor=$cursor")->{status}, 410,
   'a cursor of before is gone');
is($shop->ask(GET => "events/$ids[3]")->{status}, 404, 'and each by its id');


# max_size counts segments

my $full = 0;
eventually {
    my $answer = $shop->ask(POST => 'events', [map { { eventType => 'order.paid',
        entityID => int(rand(1e9)), data => join '', map { chr(33 + rand(90)) }
        1 .. 1000 } } 1 .. 20]);
    $full = $answer->{status} == 507;
} 'the log is full', 20;
eventually { packed() > 50 } 'most of it is packed';
my $answer = $shop->ask(POST => 'events', { eventType => 'order.paid',
                                            entityID => 1 });
ok($answer->{status} == 507 || $answer->{status} == 202, 'and may be full');
eventually { $shop->ask(POST => 'events', { eventType => 'order.paid',
                 entityID => 1 })->{status} == 202 } 'until retention helps', 10;

finish;
