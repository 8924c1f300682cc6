# What a subscription selects is changed while it has not got all that it was
# for: each event goes by the document of its time, or is known as missed.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'order strict; breaker off; retry 500ms jitter=0% until=1h;',
    profiles => { wide  => 'breaker off; retry 4s jitter=0% until=1h;',
                  frail => 'breaker off; retry off;' },
    scripts => { map { $_ => [{ status => 200, delay => 0.04 }] }
                     qw(/strict /many) },
    allow => qr{exited on signal 9});
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $others = $shop->subscribe('/others', event => '*', profile => 'wide');
$shop->ready;

sub events { my ($type, $n) = @_;
             return $shop->publish($n, eventType => $type) }

sub missed {
    my ($id) = @_;
    my ($cursor, @missed);
    while (1) {
        my $page = $shop->ask(GET => "deltas?subscription=$id&missed=true"
            . '&limit=250' . ($cursor ? "&cursor=$cursor" : ''))->{json};
        push @missed, map { $_->{id} } @{ $page->{data} };
        return @missed unless $page->{hasMore};
        $cursor = $page->{cursor};
    }
}

sub lacks { my ($got, @ids) = @_; my %got = map { $_ => 1 } @$got;
            return scalar grep { !$got{$_} } @ids }

# in the order of their first coming
sub came { my ($path) = @_; my %seen; return grep { !$seen{$_}++ }
                                             $shop->ids($path) }

sub kill_all { my @pids = $nginx->workers;
               kill KILL => @pids;
               eventually { my %now = map { $_ => 1 } $nginx->workers;
                            keys %now == 2 && !grep { $now{$_} } @pids } }

sub formers { return grep { / former$/ } map { $redis->cli('HKEYS', $_) }
                     $redis->cli('--scan', '--pattern', '*:cursor:*') }


# a strict backlog

for my $killed (0, 1) {
    my $how = $killed ? 'with a kill' : 'a strict backlog';
    my $path = $killed ? '/many' : '/strict';
    my $id = $shop->subscribe($path, event => 'old.event');
    my @old = events('old.event', 100);
    eventually { $receiver->count($path) >= 3 } "$how: it is being delivered";

    $shop->change($id, event => 'new.event');
    my @missed = missed($id);
    cmp_ok(scalar(@missed), '>=', 60, "$how: after a change of what is "
           . 'selected the rest of it is still missed');
    my @late = events('old.event', 10);
    my @new = events('new.event', 10);
    is(lacks([missed($id)], @new), 0, "$how: so is what follows");

    kill_all() if $killed;
    eventually { !$shop->lacks($path, @old, @new) }
               "$how: what was before the change is delivered", 30
        or diag($shop->lacks($path, @old), ' of 100, ',
                $shop->lacks($path, @new), ' of 10 lack');
    is_deeply([came($path)], [@old, @new], "$how: in its order");
    is($shop->lacks($path, @late), 10, "$how: what was behind it is not");
    eventually { !missed($id) } "$how: nothing is missed";
    eventually { !formers() } "$how: the former document is forgotten";
    $shop->delete($id);
}


# what waits for a retry, and what is dead

$receiver->script('/wide', { status => 500 });
$receiver->script('/frail', { status => 500 });
my $wide = $shop->subscribe('/wide', event => 'old.event',
                            profile => 'wide');
my $frail = $shop->subscribe('/frail', event => 'old.event',
                             profile => 'frail');
my @old = events('old.event', 10);
eventually { $receiver->count("/wide") == 10
             && $receiver->count("/frail") == 10 }
           'ten have failed';
$shop->change($_, filter => { 'data.n' => -1 }) for $wide, $frail;
eventually { !lacks([missed($wide)], @old) }
           'after a change what waits for a retry is missed'
    or diag(scalar missed($wide));
eventually { !lacks([missed($frail)], @old) } 'and what is dead';
$receiver->script($_, { status => 200 }) for '/wide', '/frail';
kill_all();
eventually { my @all = $shop->ids('/wide'); @all >= 20 && !missed($wide) }
           'it is tried again, over a kill', 20;
is(lacks([missed($frail)], @old), 0, 'what is dead is still missed');
$shop->act($frail, 'redeliver', { since => $old[0] });
eventually { $receiver->count('/frail') == 20 } 'and a redelivery brings it'
    or diag($receiver->count('/frail'));
eventually { !missed($frail) } 'then it is not missed any more';
$shop->delete($_) for $wide, $frail;


# several changes in a row, and disabled meanwhile

for my $killed (0, 1) {
    my $how = $killed ? 'several, with a kill' : 'several changes';
    my $path = "/several$killed";
    $receiver->script($path, { status => 503 });
    my $id = $shop->subscribe($path, event => 'a.event');
    my (@mine, @not);
    push @mine, events('a.event', 30);
    push @not, events('b.event', 3);
    $shop->change($id, event => 'b.event');
    push @not, events('a.event', 3);
    push @mine, events('b.event', 30);
    $shop->change($id, event => 'c.*');
    $shop->change($id, filter => { 'data.n' => { '$lte' => 5 } });
    my @c = events('c.event', 10);
    push @mine, @c[0 .. 4];
    push @not, @c[5 .. 9], events('b.event', 3);

    eventually { $receiver->count($path) } "$how: it fails";
    $shop->act($id, 'disable');
    my @d = events('c.event', 6);
    push @mine, @d[0 .. 4];
    push @not, $d[5];
    $shop->change($id, filter => undef, event => 'd.event');
    push @mine, events('d.event', 5);
    kill_all() if $killed;
    $shop->act($id, 'enable');
    $shop->change($id, event => 'e.event');
    push @not, events('d.event', 3);

    my @missed = missed($id);
    is(lacks(\@missed, @mine), 0, "$how: what each document was for is missed")
        or diag(lacks(\@missed, @mine), ' of ', scalar @mine);
    is(lacks(\@missed, @not), @not, "$how: nothing else is")
        or diag(lacks(\@missed, @not), ' of ', scalar @not);

    $receiver->script($path, { status => 200 });
    my @e = events('e.event', 5);
    eventually { !$shop->lacks($path, @e) } "$how: it goes on";
    $shop->act($id, 'redeliver', { since => $mine[0] });
    eventually { !$shop->lacks($path, @mine) }
               "$how: a redelivery brings it", 20
        or diag($shop->lacks($path, @mine), ' of ', scalar @mine);
    is($shop->lacks($path, @not), scalar @not, "$how: and nothing else");
    eventually { !missed($id) } "$how: then nothing is missed"
        or diag(scalar missed($id));
    eventually { !formers() } "$how: the former documents are forgotten";
    $shop->delete($id);
}


# of those that are not looked at again

my $path = '/kept';
$receiver->script($path, { hold => 1 });
my $id = $shop->subscribe($path, event => 'x.0');
events('x.0', 1);
eventually { $receiver->count($path) } 'one hangs';
for my $i (1 .. 40) {
    $shop->change($id, event => "x.$i");
    events("x.$i", 1);
}
my ($key) = grep { $redis->cli('HEXISTS', $_, "$id former") eq '1' }
            $redis->cli('--scan', '--pattern', '*:cursor:*');
is(scalar(grep { length } $redis->cli('HGET', $key // '-', "$id former")), 32,
   'so many former documents are kept');
$shop->delete($id);
is(scalar formers(), 0, 'and none of one that is deleted');

finish();
