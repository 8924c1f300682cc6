# A log that is full, a Redis that is, and one that is away: publishers are
# told, and what is there is delivered.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'in_flight 4; retry 300ms jitter=0%; breaker off;',
    channel => 'max_size 300k;');
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $data = { text => 'x' x 4000 };

sub publish { return $shop->ask(POST => 'events', { eventType => 'order.paid',
                                                    data => $data }) }
sub ends {
    my ($status) = @_;
    my (@ids, $answer);
    for (1 .. 1000) {
        $answer = publish();
        last if $answer->{status} != 202;
        push @ids, $answer->{json}{id};
    }
    is($answer->{status}, $status, "a publish is answered with $status then");
    is($answer->{headers}{'content-type'}, 'application/problem+json',
       'as problem+json');
    return @ids;
}

$shop->ready;
my $id = $shop->subscribe('/a');


# the log has its size

my @ids = ends(507);
cmp_ok(scalar @ids, '>=', 50, 'max_size is about that of the events');
cmp_ok(scalar @ids, '<=', 85, 'not much more');
eventually { !$shop->lacks('/a', @ids) } 'what is in the log is delivered';
my ($total, $cursor) = (0, '');
for (1 .. 10) {
    my $page = $shop->ask(GET => "deltas?limit=250$cursor")->{json};
    $total += @{ $page->{data} };
    $cursor = "&cursor=$page->{cursor}";
    last unless $page->{hasMore};
}
is($total, @ids + 1, 'and nothing of it is trimmed early');
is(publish()->{status}, 507, 'it stays so');
$redis->cli('DEL', 'notify:{shop.0}:log');
is(publish()->{status}, 202, 'until there is room');


# Redis has no memory

$receiver->script('/b', ({ status => 500 }) x 5,
                  { status => 200, delay => 0.1 });
my $b = $shop->subscribe('/b');
@ids = $shop->publish(20);
my ($used) = map { /^used_memory:(\d+)/ } $redis->cli('INFO', 'memory');
$redis->cli('CONFIG', 'SET', 'maxmemory', $used - 100_000);
is(publish()->{status}, 507, 'Redis is out of memory');
is($shop->ask(POST => 'subscriptions', { url => $receiver->url('/c'),
                                         event => 'order.paid' })->{status},
   507, 'a new subscription is refused, too');
is($shop->ask(GET => "subscriptions/$b")->{status}, 200, 'reading goes on');
is($shop->ask(GET => 'deltas')->{status}, 200, 'deltas, too');

eventually { !$shop->lacks('/b', @ids) } 'what is there is delivered';
eventually { $receiver->count('/b') == 25 } 'failures are tried again';
eventually { my ($waits) = $redis->cli('ZCARD', "notify:{shop.0}:retry:$b");
             $waits == 0 } 'and its results are committed';
is($redis->cli('ZCARD', "notify:{shop.0}:dead:$b"), 0, 'nothing is dead');
$nginx->reload;
$redis->cli('CONFIG', 'SET', 'maxmemory', 0);
my $after = $shop->publish(1);
eventually { !$shop->lacks('/b', $after) && !$shop->lacks('/a', $after) }
           'when it has memory again, it goes on', 20;
is($receiver->count('/b'), 26, 'nothing came twice');


# Redis is away

# lines of our own about Redis
sub complaints {
    return grep { /\[(?:warn|error|crit)\]/ && /notify/ && /redis/i }
           split /\n/, $nginx->log;
}

my $before = complaints();
$redis->kill;
my $answer;
eventually { $answer = publish(); $answer->{status} == 503 }
           'without Redis a publish is answered with 503';
like($answer->{headers}{'retry-after'} // '', qr/^\d+$/, 'with Retry-After');
publish() for 1 .. 50;
eventually { complaints() > $before } 'the log says so';
cmp_ok(complaints() - $before, '<=', 2, 'once for each connection');
$redis->start;
eventually { $answer = publish(); $answer->{status} == 202 }
           'when it is back, work goes on', 20;
eventually { !$shop->lacks('/a', $answer->{json}{id}) } 'deliveries, too', 20;

finish();
