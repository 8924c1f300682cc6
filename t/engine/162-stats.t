# GET {id}/stats: what came of a subscription's calls, by hours and by five
# minutes; kept over reloads and a restart of Redis, for so long and so large.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'retry off; breaker off;',
    server => 'location /acme/ { notify_tenant acme; notify_api shop; }',
    scripts => { '/slow' => [{ status => 200, delay => 0.25 }],
                 '/ill' => [{ status => 500 }] });
my ($nginx, $receiver, $redis) = ($shop->nginx, $shop->receiver, $shop->redis);
$shop->ready;

sub stats { my ($id, $query) = @_;
            return $shop->insist(GET => "subscriptions/$id/stats"
                                        . ($query // '')) }
sub total { my ($id, $query) = @_;
            my $total = stats($id, $query)->{total};
            return "$total->{succeeded} $total->{failed}" }


# as they are shown

my $id = $shop->subscribe('/ok', uid => 'mine');
my $none = stats($id);
is($none->{window}, '24h', 'a day is the default');
is(scalar @{ $none->{series} }, 24, 'by hours');
is_deeply($none->{total}, { succeeded => 0, failed => 0, p50 => undef,
                            p99 => undef }, 'without calls there is nothing');
is(join(' ', sort keys %{ $none->{series}[0] }), 'at failed p50 p99 succeeded',
   'each hour has the same');

my $ill = $shop->subscribe('/ill');
my $slow = $shop->subscribe('/slow');
$shop->publish(20);
eventually { total($id) eq '20 0' } 'successes are counted';
eventually { total($ill) eq '0 20' } 'so are failures';
eventually { total($slow) eq '20 0' } 'of each by itself';

my $hour = stats($id, '?window=1h');
is($hour->{window}, '1h', 'an hour may be asked for');
is(scalar @{ $hour->{series} }, 12, 'by five minutes');
my @at = map { $_->{at} } @{ $hour->{series} };
is_deeply([sort @at], \@at, 'in their order');
is(scalar(grep { !/:\d[05]:00\.000Z$/ } @at), 0, 'which begin with these');
is(scalar(grep { !/:00:00\.000Z$/ }
          map { $_->{at} } @{ stats($id)->{series} }), 0, 'and hours so');
my $sum = 0;
$sum += $_->{succeeded} for @{ $hour->{series} };
is($sum, 20, 'their sum is the total');
is($hour->{total}{succeeded}, 20, 'which is there, too');

my $total = stats($slow)->{total};
cmp_ok($total->{p50}, '>=', 200, 'half of the slow calls took that long');
cmp_ok($total->{p99}, '>=', $total->{p50}, '99 of 100 no less');
cmp_ok(stats($id)->{total}{p50}, '<', $total->{p50}, 'others are faster');


# kept

$shop->publish(5);
$nginx->reload;
eventually { total($id) eq '25 0' } 'a reload loses nothing of it'
    or diag(total($id));
is(total($ill), '0 25', 'of the others neither');
$redis->restart;
is(total($id), '25 0', 'nor does a restart of Redis');
$shop->publish(1);
eventually { total($id) eq '26 0' } 'and it goes on';
is(total($id, '?window=1h'), '26 0', 'in both windows');

my $key = $redis->key(":stats:$id");
my $ttl = $redis->cli('PTTL', $key);
cmp_ok($ttl, '>', 6 * 86_400_000, 'it is kept for days');
cmp_ok($ttl, '<=', 7 * 86_400_000, 'for seven of them');

# 10,000 calls a second for eight days, evenly over all latencies, as a commit
# counts them
my $full = 'full:';
my $counts = join ' ', 1_500_000, 1_500_000, map { "$_:120000" } 0 .. 24;
my $first = 12 * 490_000;
my $script = "$NotifyTest::TOP/src/store/lua/commit.lua";
$redis->cli('HSET', "${full}leases", 0, 'me 1 0');
$redis->cli('HSET', "${full}subs", 'sub_a', 1);
is($redis->cli('--eval', $script, (map { "$full$_" } qw(leases subs pos cursor
       due replays attempted retry tries dead gap replay attempts stats)), ',',
       'me', 1, 0, 'B', 0, 1, '1-0', 'S', 'sub_a',
       map { ('u', $first + $_, $counts) } 0 .. 12 * 192 - 1), '',
   'eight days are counted');
is($redis->cli('HLEN', "${full}stats"), 12 + 168, 'an hour and a week remain');
my ($last) = $redis->cli('HGET', "${full}stats", 'h' . ((490_191) % 168))
             =~ /^490191 (.*)/;
like($last, qr/^18000000 18000000 0:1440000 .*24:1440000$/, 'by sums');
my $size = $redis->cli('MEMORY', 'USAGE', "${full}stats", 'SAMPLES', 0);
cmp_ok($size, '<=', 64 * 1024, 'in 64 KB') or diag("$size bytes");
$redis->cli('DEL', map { "$full$_" } qw(leases subs stats pos));
cmp_ok($redis->cli('MEMORY', 'USAGE', $key), '<', 2048, 'and small by nature');


# a ring: what is older than its round is not shown

my ($field) = grep { /^m/ } $redis->cli('HKEYS', $key);
my ($number) = split / /, $redis->cli('HGET', $key, $field);
my $other = 'm' . (($number + 5) % 12);
$redis->cli('HSET', $key, $other, ($number - 7) . ' 70 0 3:70');
is(total($id, '?window=1h'), '96 0', 'one within the hour is counted');
$redis->cli('HSET', $key, $other, ($number - 7 - 12) . ' 70 0 3:70');
is(total($id, '?window=1h'), '26 0', 'the one of an earlier round is not');
$redis->cli('HSET', $key, $other, 'not ours');
is(total($id, '?window=1h'), '26 0', 'nor what somebody else wrote');

my ($oldest) = map { int($_ / 12) - 167 } $number;
$redis->cli('HSET', $key, 'h' . ($oldest % 168), "$oldest 70 0 3:70");
is(total($id), '26 0', 'what was six days ago is not of the day');
my $week = stats($id, '?window=7d');
is(scalar @{ $week->{series} }, 168, 'seven days are told by hours');
is($week->{series}[0]{succeeded}, 70, 'from the first hour');
is($week->{total}{succeeded}, 96, 'to the last');


# of all of a tenant's subscriptions together

my @each = map { stats($_, '?window=1h') } $id, $ill, $slow;
my $all = $shop->ask(GET => 'stats?window=1h')->{json};
is(join(' ', sort keys %$all), 'channel series total window',
   'all together are told in place of the counters');
for my $count (qw(succeeded failed)) {
    my $sum = 0;
    $sum += $_->{total}{$count} for @each;
    is($all->{total}{$count}, $sum, "$count: their sum");
}
is_deeply([map { $_->{at} } @{ $all->{series} }],
          [map { $_->{at} } @{ $each[0]{series} }], 'in the same spans');
is(scalar @{ $shop->ask(GET => 'stats?window=7d')->{json}{series} }, 168,
   'of a week, too');
is($shop->ask(GET => 'stats?window=1d')->{json}{code}, 'invalid_parameter',
   'and of no other span');


# asked otherwise

is($shop->ask(GET => "subscriptions/uid:mine/stats")->{json}{total}{succeeded},
   26, 'by its uid');
is($shop->ask(GET => "subscriptions/$id/stats?window=2h")->{json}{code},
   'invalid_parameter', 'another window is refused');
is($shop->ask(GET => "subscriptions/$id/stats?since=1")->{json}{code},
   'unknown_parameter', 'another parameter, too');
is($shop->ask(GET => 'subscriptions/sub_none/stats')->{status}, 404,
   'there must be a subscription');
is(http(GET => $nginx->url("/acme/subscriptions/$id/stats"))->{status}, 404,
   'of the tenant');
$shop->delete($id);
is($redis->cli('EXISTS', $key), 0, 'they go with it');

finish();
