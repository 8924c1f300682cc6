# A cursor that was made from a time may lie ahead of the log's last event:
# the reader waits.  A place that was read and is not there any more is a loss.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_channel shop { }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
    }
END

my $deltas = $nginx->url('/shop/deltas');
eventually { http(GET => $deltas)->{status} == 200 };

sub publish {
    my ($type) = @_;
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => $type })->{json}{id};
}
sub ids { return join ' ', map { $_->{id} } @{ $_[0]{json}{data} } }
sub at {
    my ($time) = @_;
    return strftime('%Y-%m-%dT%H:%M:%S', gmtime $time)
           . sprintf('.%03dZ', 1000 * ($time - int $time));
}

# a request under way; ends with answer()
sub start {
    my ($query, @headers) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
                                                   . $nginx->port) or die $!;
    syswrite $socket, join "\r\n", "GET /shop/deltas?$query HTTP/1.1",
        'Host: a', 'Connection: close', @headers, '', '';
    return $socket;
}
sub answer {
    my ($socket) = @_;
    local $/;
    my ($body) = (<$socket> // '') =~ /\r\n\r\n(.*)/s;
    return { json => eval { NotifyTest::from_json($body) } };
}
# what a stream has sent until it says what is looked for, or is silent
sub heard {
    my ($socket, $for, $seconds) = @_;
    my ($text, $end) = ('', time + $seconds);

    while ($text !~ $for && (my $left = $end - time) > 0) {
        my $set = '';
        vec($set, fileno $socket, 1) = 1;
        last unless select $set, undef, undef, $left;
        last unless sysread $socket, $text, 65536, length $text;
    }

    return $text;
}
sub waits {
    return scalar grep { /cmd=xread/ && /name=\S*watch|flags=\S*b/ }
                  $redis->cli('CLIENT', 'LIST');
}
my $reads = waits();
sub watched { return waits() > $reads }

# reads with the query wait for $seconds, then for the next event
sub waits_ok {
    my ($query, $name) = @_;
    my $began = time;
    my $answer = http(GET => "$deltas?$query&wait=400ms");
    cmp_ok(time - $began, '>=', 0.39, "$name: it waits");
    is(ids($answer), '', "$name: nothing comes of the past");
    ok(!$answer->{json}{resync}, "$name: nothing is lost");

    my $wait = start("$query&wait=20s");
    eventually { watched() };
    my $id = publish('next');
    $answer = answer($wait);
    is(ids($answer), $id, "$name: the next event answers");
    ok(!$answer->{json}{resync}, "$name: which is no loss");
    return $answer->{json}{cursor};
}


publish('old');
elapse 1;
waits_ok('since=' . at(time), 'since now');
elapse 0.05;
my $empty = http(GET => "$deltas?since=" . at(time))->{json};
is_deeply($empty->{data}, [], 'an empty page');
elapse 0.05;
my $page = http(GET => "$deltas?cursor=$empty->{cursor}");
ok(!$page->{json}{resync}, 'has a cursor that can be gone on with');
is($page->{json}{cursor}, $empty->{cursor}, 'and stays');
my $cursor = waits_ok("cursor=$empty->{cursor}", 'the cursor of an empty page');
$empty = http(GET => "$deltas?since=" . at(time + 0.001))->{json};
is(http(POST => "$deltas/consumers/me", json => { cursor => $empty->{cursor} })
       ->{status}, 200, 'a consumer takes it');
elapse 0.05;
waits_ok('consumer=me', 'the consumer');

my $since = at(time + 0.001);
elapse 0.05;
for (['since=' . $since], ["cursor=$empty->{cursor}"],
     ['', "Last-Event-ID: $empty->{cursor}"])
{
    my ($query, @headers) = @$_;
    my $cursor = http(GET => "$deltas?since=" . at(time + 0.001))
                     ->{json}{cursor};
    elapse 0.05;
    s/\Q$empty->{cursor}\E/$cursor/ for $query, @headers;
    $query = 'since=' . at(time) if $query =~ /^since/;
    my $stream = start($query, 'Accept: text/event-stream', @headers);
    my $name = 'a stream, ' . ($headers[0] // $query);
    like(heard($stream, qr/\n\nretry|retry: \d+\n\n/, 2), qr/retry/, $name);
    eventually { watched() } undef, 1;
    my $id = publish('next');
    my $text = heard($stream, qr/"id":"\w+"/, 5);
    like($text, qr/"id":"\Q$id\E"/, 'sends the next event');
    unlike($text, qr/resync/, 'and says of no loss');
    is(scalar(() = $text =~ /"id":/g), 1, 'nothing but that');
}


# what one waits for is no place of the others

my $end = http(GET => $deltas)->{json}{cursor};
my $future = start('wait=3s&since=' . at(time + 3600));
eventually { watched() };
my $now = start("wait=20s&cursor=$end");
my $third = start('wait=20s&since=' . at(time + 0.001));
elapse 0.2;
my $id = publish('now');
is(ids(answer($now)), $id, 'another reader gets what comes');
is(ids(answer($third)), $id, 'and one more');
is(ids(answer($future)), '', 'which is not of the time that one waits for');


# a loss is one still, a time is none

$end = http(GET => $deltas)->{json}{cursor};
elapse 0.05;
my $lost = start("wait=20s&cursor=$end");
my $time = start('wait=3s&since=' . at(time));
eventually { watched() };
elapse 0.2;
$redis->cli('DEL', 'notify:{shop.0}:log');
$redis->cli('XADD', 'notify:{shop.0}:log', '1000-0', 't', 'a', 'w', 1);
unlike($nginx->log, qr/has lost its end/, 'nothing was lost before');
$redis->cli('CLIENT', 'KILL', 'ID', $_)
    for map { /^id=(\d+) .*cmd=xread/ } $redis->cli('CLIENT', 'LIST');
ok(answer($lost)->{json}{resync}, 'a place that is gone is told of');
my $answer = answer($time);
is(ids($answer), '', 'a time has no events that are older');
ok(!$answer->{json}{resync}, 'and loses none');
ok(http_served(GET => "$deltas?cursor=$end&wait=5s")->{json}{resync},
   'a cursor ahead of what is there is told of');

finish();
