# compress: what is old is in segments, and nobody sees it.  The same log as a
# whole in one channel and in segments in another.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'retry 1h 1h; breaker off; response_log 1k;',
    channel => 'compress after=1s; attribute country;',
    scripts => { '/fails' => [{ status => 500 }] });
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $key = 'notify:{shop.0}';

sub packed { return $redis->cli('HGET', "$key:seg", 'n') || 0 }
# all pages of deltas, with this query
sub all {
    my ($query, $limit, $cursor) = @_;
    $limit ||= 250;
    $cursor //= '';
    my @found;
    while (1) {
        my $page = $shop->ask(GET => "deltas?limit=$limit$query$cursor")->{json};
        die "deltas?$query: ", explain($page) if ref $page->{data} ne 'ARRAY';
        push @found, @{ $page->{data} };
        return \@found if !$page->{hasMore};
        $cursor = "&cursor=$page->{cursor}";
    }
}

# all pages of the list of events
sub list {
    my ($query, @found) = ('?limit=100');
    while (1) {
        my $answer = $shop->ask(GET => "events$query");
        push @found, @{ $answer->{json} };
        ($query) = ($answer->{headers}{link} // '') =~ /events(\?[^>]+)>/
            or return \@found;
    }
}

sub ids { return map { $_->{id} } @{ $_[0] } }

my $watch = $shop->subscribe('/watch');
my $fails = $shop->subscribe('/fails', event => 'order.failed');
my $off = $shop->subscribe('/off');
$shop->act($off, 'disable');
$shop->ready;

my @ids = $shop->publish(300);
my @failed = $shop->publish(3, eventType => 'order.failed');
push @ids, @failed;
push @ids, $shop->publish(1, data => { large => 'x' x 200_000 });
push @ids, $shop->publish(300, country => 'NO');
my ($last) = $shop->publish(1);
push @ids, $last;
eventually { !$shop->lacks('/watch', grep { my $id = $_;
    !grep { $_ eq $id } @failed } @ids) } 'all are delivered';
eventually { $receiver->count('/fails') >= 3 } 'some fail';

my $whole = all('');
my @pages = map { $shop->ask(GET => "events/$_")->{content} } @ids;
my $list = list();

eventually { packed() >= @ids } 'what is older than a second is in segments';
is($redis->cli('XLEN', "$key:log"), 1, 'and only the last one in the log');
cmp_ok($redis->cli('HGET', "$key:seg", 'bytes'), '<',
       $redis->cli('HGET', "$key:seg", 'raw') / 2, 'they are smaller');
cmp_ok($redis->cli('ZCARD', "$key:segs"), '>', 3, 'there are several');

is_deeply(all(''), $whole, 'deltas are the same');
is_deeply(list(), $list,
          'the list of events is the same');
is_deeply([map { $shop->ask(GET => "events/$_")->{content} } @ids], \@pages,
          'each event is the same by its id');
is($shop->ask(GET => 'stats')->{json}{events}, @ids + 1,
   'stats count all of them');
is($shop->ask(GET => 'stats')->{json}{counters}{compressed}, packed(),
   'and those that were compressed');

is_deeply(all('', 7), $whole, 'small pages are the same, in order');
is_deeply([ids(all('&eventType=order.failed'))], [@failed], 'a filtered page is the same');
is(@{ $shop->ask(GET => 'events?eventType=order.failed')->{json} }, 3,
   'and a list of one type');

is_deeply([ids(all("&missed=true&subscription=$off"))],
          [grep { my $id = $_; !grep { $_ eq $id } @failed } @ids],
          'what a disabled one has missed is found');
is_deeply([ids(all("&missed=true&subscription=$fails"))], [@failed],
          'what waits for a retry, too');

my $rows = $shop->ask(GET => "subscriptions/$fails/deliveries")->{json};
is_deeply([map { $_->{eventId} } @$rows],
          [reverse @failed], 'deliveries show them');

my $counted = { status => 'all', dryRun => JSON::PP::true };
is($shop->ask(POST => 'redeliver', $counted)->{json}{count}, @ids - @failed,
   'what was delivered is counted from them');

$shop->act($off, 'enable');
is($shop->ask(POST => 'redeliver', { since => $ids[0], dryRun => JSON::PP::true })
       ->{json}{count}, @ids - @failed, 'and what was missed');
$receiver->script('/off', { status => 200 });
$shop->act($off, 'redeliver', { since => '2020-01-01T00:00:00Z' });
eventually { !$shop->lacks('/off', grep { my $id = $_;
    !grep { $_ eq $id } @failed } @ids) } 'a redelivery brings them', 30;
is($shop->again('/off'), 0, 'each once');

$receiver->script('/fails', { status => 200 });
$shop->insist(POST => "subscriptions/$fails/redeliver",
              { since => '2020-01-01T00:00:00Z' });
eventually { @{ all("&missed=true&subscription=$fails") } == 0 }
           'what failed is delivered from a segment';

# erased

for my $n (0, 5, 150, 303, $#ids - 1) {
    my $id = $ids[$n];
    is($shop->ask(DELETE => "events/$id")->{status}, 204, "$n: one is erased");
    is($shop->ask(GET => "events/$id")->{status}, 404, "$n: it is gone");
}
my %gone = map { $ids[$_] => 1 } 0, 5, 150, 303, $#ids - 1;
my @left = grep { !$gone{$_} } ids($whole);
is_deeply([ids(all(''))], \@left, 'all others are there');
is($shop->ask(GET => 'stats')->{json}{events}, @ids + 1 - 5, 'and counted');
is($redis->cli('HGET', "$key:seg", 'bytes'),
   eval { my $n = 0; $n += $redis->cli('HSTRLEN', "$key:seg", $_)
          for $redis->cli('ZRANGE', "$key:segs", 0, -1); $n },
   'their bytes are known');

# a cursor in a segment

my $half = $shop->ask(GET => 'deltas?limit=100')->{json}{cursor};
is_deeply([ids(all("", 250, "&cursor=$half"))], [@left[100 .. $#left]],
          'a cursor within a segment goes on there');

finish;
