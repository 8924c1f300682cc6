# Retention: what is too old goes, and whoever lags behind jumps.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'in_flight 2; retry 200ms 1m until=1h jitter=0%; breaker off;',
    channel => 'retention 1s;');
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $log = 'notify:{shop.0}:log';

sub lines { return grep { length } $redis->cli(@_) }
sub gaps  { return lines('LRANGE', "notify:{shop.0}:gap:$_[0]", 0, -1) }

$receiver->script('/paused', { status => 503,
                               headers => { 'Retry-After' => 4 } },
                  { status => 200 });
my $paused = $shop->subscribe('/paused');
my $watch = $shop->subscribe('/watch');
my $rare = $shop->subscribe('/rare', event => 'order.rare');
$shop->ready;
eventually { 0 == $redis->cli('XLEN', $log) } 'the log starts empty';


# deltas

my $id = $shop->publish(1);
my $began = time;
eventually { $receiver->count('/paused') == 1 } 'a subscriber asks for a pause';
is(scalar @{ $shop->ask(GET => 'deltas')->{json}{data} }, 1,
   'an event is in deltas');
my $cursor = $shop->ask(GET => 'deltas?limit=1')->{json}{cursor};
my @lost = $shop->publish(20);
eventually { !$shop->lacks('/watch', @lost) } 'others get what follows';
eventually { !@{ $shop->ask(GET => 'deltas')->{json}{data} } }
           'after the retention the events are out of deltas';
cmp_ok(time - $began, '>=', 0.99, 'not before');
is($shop->ask(GET => "events/$id")->{status}, 404, 'and found by no id');
is($shop->ask(GET => "deltas?cursor=$cursor")->{status}, 410,
   'a cursor older than the log is gone');
eventually { 0 == $redis->cli('XLEN', $log) } 'Redis has them no more';


# who lags

eventually { lines('ZRANGE', "notify:{shop.0}:dead:$paused", 0, -1) }
           'what was to be tried again and is gone is dead';
like(join(' ', lines('ZRANGE', "notify:{shop.0}:dead:$paused", 0, -1)),
     qr/^\d+-\d+ expired$/, 'as expired');
is($shop->lacks('/paused', @lost), 20,
   'what it had not got is not delivered any more');
eventually { $nginx->log =~ /"\Q$paused\E" was overtaken/ } 'the log says so';

my @next = $shop->publish(5);
eventually { !$shop->lacks('/paused', @next) } 'it goes on with what follows';
for my $other ($watch, $rare) {
    is(scalar(gaps($other)), 0, 'who was not late has no gap');
    unlike($nginx->log, qr/"\Q$other\E" was overtaken/, 'and no line');
}
is($shop->again('/watch'), 0, 'and nothing comes twice');

my $r = $shop->publish(1, eventType => 'order.rare');
eventually { !$shop->lacks('/rare', $r) } 'who wants little gets it';


# all was away for longer than the retention

$nginx->stop;
my $n = $receiver->count('/watch');
my @away = map { $redis->cli('XADD', $log, '*', 't', 'order.paid',
                             'd', '{"n":1}') } 1 .. 3;
eventually { time > ($away[-1] =~ /^(\d+)/)[0] / 1000 + 1.1 };
$nginx->start;
$shop->ready;
@next = $shop->publish(3);
eventually { !$shop->lacks('/watch', @next) }
           'a late start goes on with what follows';
ok($receiver->count('/watch') == $n + 6
   || $nginx->log =~ /"\Q$watch\E" was overtaken/,
   'what came meanwhile is delivered or said to be lost');
eventually { 0 == $redis->cli('XLEN', $log) } 'the old ones go';
is($shop->again($_), 0, "nothing comes twice to $_") for qw(/watch /paused);

finish();
