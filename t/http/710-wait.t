# Long poll: deltas that wait for what comes.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $waiters = $ENV{WAITERS} // 1000;
my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, connections => 4096,
                                   http => <<'END');
    notify_channel shop { }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /mine/ { notify_tenant $http_x_tenant optional; notify_api shop; }
    }
END

my $deltas = $nginx->url('/shop/deltas');
eventually { http(GET => $deltas)->{status} == 200 };

sub publish {
    my ($path, @types) = @_;
    return map { $_->{id} } @{ http(POST => $nginx->url("/$path/events"),
        headers => { 'X-Tenant' => 'ann' },
        json => [ map { +{ eventType => $_ } } @types ])->{json} };
}
sub ids { return join ' ', map { $_->{id} } @{ $_[0]{json}{data} } }

# a request under way; ends with answer()
sub start {
    my ($query, $path, %headers) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
                                                   . $nginx->port) or die $!;
    $path //= 'shop';
    syswrite $socket, "GET /$path/deltas?$query HTTP/1.1\r\nHost: a\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } keys %headers)
        . "Connection: close\r\n\r\n";
    return $socket;
}
sub answer {
    my ($socket) = @_;
    local $/;
    my $text = <$socket>;
    my ($status) = $text =~ m{^HTTP/1.1 (\d+)};
    my ($body) = $text =~ /\r\n\r\n(.*)/s;
    return { status => $status, json => eval { NotifyTest::from_json($body) } };
}
sub connections {
    return scalar grep { /cmd=xread/ } $redis->cli('CLIENT', 'LIST');
}
sub end { return http(GET => $deltas)->{json}{cursor} }


# time is up

my $began = time;
my $answer = http(GET => "$deltas?wait=300ms");
cmp_ok(time - $began, '>=', 0.29, 'an empty log is waited for');
is($answer->{status}, 200, 'and answered');
is(ids($answer), '', 'with nothing');
is($answer->{json}{hasMore}, JSON::PP::false, 'nor more');

my ($first) = publish(shop => 'a');
$began = time;
is(ids(http(GET => "$deltas?wait=20s")), $first, 'what is there is given');
cmp_ok(time - $began, '<', 5, 'at once');


# something comes

my $cursor = end();
my $wait = start("wait=20s&cursor=$cursor");
eventually { connections() == 2 } 'a waiter has a connection to Redis';
my ($id) = publish(shop => 'b');
$answer = answer($wait);
is(ids($answer), $id, 'what is published is answered');
is(ids(http(GET => "$deltas?cursor=$answer->{json}{cursor}")), '',
   'with the cursor behind it');
is(ids(http(GET => "$deltas?cursor=$cursor")), $id, 'nothing was between');


# filters

$wait = start("wait=800ms&eventType=z&cursor=$cursor");
publish(shop => ('c') x 10);
$answer = answer($wait);
is(ids($answer), '', 'what is not wanted is not waited for');
is($answer->{json}{cursor}, end(), 'the cursor is behind it');
$wait = start("wait=20s&eventType=z&limit=2&cursor=" . end());
elapse 0.1;
my @z = publish(shop => qw(c z c z c z c));
$answer = answer($wait);
is(ids($answer), "@z[1, 3]", 'of a batch as many as the limit');
ok($answer->{json}{hasMore}, 'and there are more');
is(ids(http(GET => "$deltas?eventType=z&cursor=$answer->{json}{cursor}")),
   $z[5], 'behind the cursor');

$wait = start('wait=20s&cursor=' . end());
my $hers = start('wait=20s', 'mine', 'X-Tenant' => 'ann');
elapse 0.1;
my ($anns) = publish(mine => 'a');
is(ids(answer($hers)), $anns, 'a tenant is told of its own');
($id) = publish(shop => 'b');
is(ids(answer($wait)), $id, 'and nobody else');


# many wait, with one connection, and few have to

$cursor = end();
my @many = map { start("wait=60s&eventType=never&cursor=$cursor") }
               1 .. $waiters;
eventually { http(GET => $nginx->url('/shop/stats'))->{status} };
is(connections(), 2, "$waiters waiters have one connection, too");

my (@latency, @redis);
for (1 .. 50) {
    my $wait = start("wait=20s&eventType=ping&cursor=$cursor");
    elapse 0.03;
    my $socket = IO::Socket::INET->new(PeerAddr => $redis->address) or die;
    my $entry = "*9\r\n" . join '', map { '$' . length($_) . "\r\n$_\r\n" }
        'XADD', 'notify:{shop.0}:log', '*', 't', 'ping', 'w', '1', 'n', '';
    my $start = time;
    syswrite $socket, $entry;
    sysread $socket, my $reply, 1000;
    push @redis, time - $start;
    answer($wait);
    push @latency, time - $start;
    close $socket;
    $cursor = end();
}

my ($round) = (sort { $a <=> $b } @redis)[25];
my ($median) = (sort { $a <=> $b } @latency)[25];
note(sprintf 'published to answered: median %.2f ms, Redis %.2f ms, with %d '
             . 'waiters', $median * 1000, $round * 1000, $waiters);
cmp_ok($median - $round, '<', 0.002 * ($ENV{NOTIFY_TEST_SLOW} // 1),
       'an answer comes within 2 ms of a round trip to Redis');
publish(shop => 'never');
is(scalar(grep { ids(answer($_)) ne '' } @many), $waiters, 'all are told');
eventually { connections() == 1 } 'the connection goes with the last', 15;


# Redis goes and comes back

$cursor = end();
$wait = start("wait=30s&cursor=$cursor");
eventually { connections() == 2 };
$redis->kill;
elapse 0.2;
$redis->start;
my @ids;
eventually { @ids = publish(shop => 'late'); @ids } 'Redis is back';
is(ids(answer($wait)), $ids[0], 'a waiter has lost nothing');


# the worker goes

$wait = start('wait=60s&cursor=' . end());
eventually { connections() == 2 };
$began = time;
$nginx->reload;
is(answer($wait)->{status}, 200, 'a worker that ends answers');
cmp_ok(time - $began, '<', 10, 'at once');

is(http(GET => "$deltas?wait=$_")->{status}, 400, "wait=$_ is refused")
    for '', 'x', '1h', '-1';

finish();
