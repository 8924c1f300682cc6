# compress under kills: of workers and of Redis, whenever they come, and of a
# worker whose segment is on its way.  Each acknowledged event is in deltas once
# and in order, and at each subscriber.

use strict;
use warnings;

use List::Util qw(shuffle);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    allow => qr{exited on signal 9},
    profile => 'in_flight 8; retry 200ms 1s until=5m; breaker off;',
    channel => 'compress after=1s;',
    scripts => { '/slow' => [{ status => 200, delay => 0.05 }] });
my ($redis, $nginx) = ($shop->redis, $shop->nginx);
my $key = 'notify:{shop.0}';

sub packed { return $redis->cli('HGET', "$key:seg", 'n') || 0 }

sub deltas {
    my ($cursor, @ids) = ('');
    while (1) {
        my $page = http(GET => $nginx->url("/shop/deltas?limit=250$cursor"))
                       ->{json};
        next if !$page || ref $page->{data} ne 'ARRAY';
        push @ids, map { $_->{id} } @{ $page->{data} };
        return @ids if !$page->{hasMore};
        $cursor = "&cursor=$page->{cursor}";
    }
}

# those of a publish that was acknowledged
my @acknowledged;
sub publish {
    my $answer = http(POST => $nginx->url('/shop/events'), timeout => 2,
        json => [map { { eventType => 'order.paid', entityID => $_,
                         data => { text => join ' ', shuffle(1 .. 60) } } }
                 1 .. 20]);
    push @acknowledged, map { $_->{id} } @{ $answer->{json} }
        if $answer->{status} == 202;
}

# what deltas have is in order, each once, and all that was acknowledged
sub whole {
    my ($title) = @_;
    my @ids = deltas();
    my (%seen, %there);
    is(scalar(grep { $seen{$_}++ } @ids), 0, "$title: each once");
    is_deeply(\@ids, [sort @ids], "$title: in order");
    $there{$_} = 1 for @ids;
    is(scalar(grep { !$there{$_} } @acknowledged), 0, "$title: none is lost");
}

my %paths = map { $_ => $shop->subscribe($_) } '/fast', '/slow';
$shop->ready;

for my $who ('worker', 'Redis', 'both') {
    my $end = time + 8;
    my $kills = 0;
    while (time < $end) {
        publish() for 1 .. 5;
        elapse 0.2 + rand 0.3;
        $nginx->kill_worker if $who ne 'Redis';
        $redis->restart if $who eq 'Redis' || $who eq 'both' && $kills % 3 == 0;
        $kills++;
    }
    my $n = @acknowledged;
    eventually { packed() > $n * 0.8 } "$who killed $kills times: it is packed", 40;
    whole("$who killed");
}


# Redis stands still, and has a segment to write that nobody waits for any more

for my $round (1 .. 3) {
    publish() for 1 .. 20;
    my $before = packed();
    eventually { packed() > $before } undef, 20;
    $redis->pause;
    elapse 0.1;
    kill KILL => $nginx->workers;
    elapse 0.1;
    $redis->resume;
    eventually { my @pids = $nginx->workers; @pids == 2 };
}
eventually { packed() > @acknowledged * 0.9 } 'it goes on after all of it', 40;
whole('a segment that nobody waited for');

for my $path (sort keys %paths) {
    eventually { !$shop->lacks($path, @acknowledged) } "all came to $path", 60;
}

my ($n, $bytes) = (0, 0);
for my $name ($redis->cli('ZRANGE', "$key:segs", 0, -1)) {
    $bytes += $redis->cli('HSTRLEN', "$key:seg", $name);
}
is($redis->cli('HGET', "$key:seg", 'bytes'), $bytes,
   'what segments take was counted right');

finish;
