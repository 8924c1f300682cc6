# A session is connected as long as its requests last: WebSockets, streams and
# long polls, several at once, over workers, instances and reloads.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Chat;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $chat = NotifyTest::Chat->new;

my $http = <<'END';
    notify_profile push {
        allow 127.0.0.0/8;
        schemes http;
        payload '{"n":"$notify_conversation_id"}';
        retry off;
    }
    notify_channel chat { profile push; }

    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_read_timeout 60s;

        location /ws {
            proxy_pass http://%%CHAT%%;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            notify_session chat id=$arg_session presence grace=2s lease=3s;
        }
        location /stream {
            proxy_pass http://%%CHAT%%;
            proxy_buffering off;
            notify_session chat id=$arg_session presence grace=500ms lease=3s;
        }
        location /poll {
            proxy_pass http://%%CHAT%%;
            notify_session chat id=$arg_session presence grace=1s lease=3s;
        }
        location /brief {
            proxy_pass http://%%CHAT%%/stream;
            proxy_buffering off;
            notify_session chat id=$arg_session presence grace=0 lease=3s;
        }
        location /own/ {
            location /own/deltas {
                notify_api chat deltas;
                notify_session chat id=$arg_session presence grace=0 lease=3s;
            }
        }
        location /say { proxy_pass http://%%CHAT%%; }
        location / { notify_api chat; }
    }
END

my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    connections => 2048, http => $http, vars => { CHAT => $chat->address },
    allow => qr/exited on signal 9/);

my $n = 0;

sub publish {
    my ($session) = @_;
    http(POST => $nginx->url('/events'), json => {
        eventType => 'message.new', sessionId => $session,
        conversationId => ++$n . '', data => { text => 'S3CRET' } })
        ->{status} == 202 or die "not published\n";
    return $n;
}

sub pushed {
    my ($event) = @_;
    return scalar grep { from_json($_->{body})->{n} == $event }
                       $receiver->requests('/push');
}

# the log goes on: what was before it has been judged
sub skipped {
    my (@events) = @_;
    my $behind = publish('nobody');
    eventually { pushed($behind) } undef;
    return pushed($behind) && !grep { pushed($_) } @events;
}

sub connected {
    my ($id) = @_;
    my $answer = http(GET => $nginx->url("/sessions/$id"));
    return $answer->{status} == 200 && $answer->{json}{connected} ? 1 : 0;
}

sub away { return !connected($_[0]) }

eventually { http(GET => $nginx->url('/health'))->{status} == 200 } 'ready';
is(http(POST => $nginx->url('/subscriptions'), json => {
    url => $receiver->url('/push'), event => 'message.new' })->{status}, 201,
   'a subscription');


note('a WebSocket');
{
    my $event = publish('w-1');
    eventually { pushed($event) } 'a session unknown is pushed to';

    my $socket = $chat->connect($nginx->port, '/ws?session=w-1');
    ok($socket, 'it connects') or diag $@;
    is($chat->talk($socket, 'hello'), 'hello', 'and speaks');
    eventually { connected('w-1') } 'it is connected';
    my @skipped = map { publish('w-1') } 1 .. 3;
    ok(skipped(@skipped), 'pushes are skipped while it is there');

    # for longer than the lease
    throughout { !away('w-1') } 'it stays connected, without a word', 4;
    is($chat->talk($socket, 'still'), 'still', 'and still speaks');

    $chat->cut($socket);
    my $cut = time;
    push @skipped, publish('w-1');
    ok(skipped(@skipped), 'cut without a close: skipped within its grace');
    cmp_ok(time - $cut, '<', 2, '(which was not over)');
    eventually { away('w-1') } 'it is away then';
    my $after = time - $cut;
    cmp_ok($after, '>', 1.8, 'after its grace');
    cmp_ok($after, '<', 4.5, 'and not much later');
    $event = publish('w-1');
    eventually { pushed($event) } 'pushes start';
    ok(skipped(@skipped), 'and those that were skipped do not come');

    ok(!$chat->connect($nginx->port, '/ws?session=w-1&status=403'),
       'a WebSocket that the backend refuses');
    eventually { away('w-1') } 'connects nobody, not even for its grace', 1.5;
    ok($socket = $chat->connect($nginx->port, '/ws'), 'one without an id');
    is($chat->talk($socket, 'hello'), 'hello', 'is one all the same');
    $chat->cut($socket);
}


note('two tabs');
{
    my @tabs = map { $chat->connect($nginx->port, '/ws?session=t-1') } 1 .. 6;
    eventually { connected('t-1') } 'six connections of a session';
    $chat->cut(splice @tabs, 0, 5);
    throughout { !away('t-1') } 'with one that is left it is connected', 3;
    $chat->cut(@tabs);
    eventually { away('t-1') } 'and away without any';
    my $tab = $chat->connect($nginx->port, '/ws?session=t-1');
    eventually { connected('t-1') } 'it comes back';
    $chat->cut($tab);
    $tab = $chat->connect($nginx->port, '/ws?session=t-1');
    throughout { !away('t-1') } 'within its grace as if it had not been away', 3;
    $chat->cut($tab);
}


note('streams and polls');
{
    my $socket = NotifyTest::Chat::request($nginx->port, 'GET',
                                           '/stream?session=e-1');
    eventually { connected('e-1') } 'a stream';
    $chat->cut($socket);
    eventually { away('e-1') } 'that is cut';

    $socket = NotifyTest::Chat::request($nginx->port, 'GET',
                                        '/poll?session=p-1');
    elapse 0.3;
    ok(away('p-1'), 'a poll of a session unknown, before its answer');
    http(POST => $nginx->url('/say'));
    eventually { connected('p-1') } 'is registered with it';
    eventually { away('p-1') } 'for its grace';
    close $socket;

    $socket = NotifyTest::Chat::request($nginx->port, 'GET',
                                        '/poll?session=p-1');
    eventually { connected('p-1') } 'the next poll, before its answer';
    throughout { !away('p-1') } 'as long as it lasts', 3;
    $chat->cut($socket);
    eventually { away('p-1') } 'and is cut';

    http(GET => $nginx->url('/poll?session=p-1&status=401'));
    ok(away('p-1'), 'one that is refused');

    $socket = NotifyTest::Chat::request($nginx->port, 'GET',
                                        '/brief?session=b-1');
    eventually { connected('b-1') } 'without a grace';
    $chat->cut($socket);
    eventually { away('b-1') } 'it is away at once', 2;

    $socket = NotifyTest::Chat::request($nginx->port, 'GET',
        '/own/deltas?session=o-1', Accept => 'text/event-stream');
    eventually { connected('o-1') } 'the stream of our own deltas';
    $chat->cut($socket);
    eventually { away('o-1') } 'counts, too';
}


note('with others');
{
    http(PUT => $nginx->url('/sessions/r-1'), json => {
        device => 'kept', ttl => 4000 });
    my $socket = $chat->connect($nginx->port, '/ws?session=r-1');
    eventually { connected('r-1') } 'who is registered connects';
    my $s = http(GET => $nginx->url('/sessions/r-1'))->{json};
    is("$s->{device} $s->{ttl}", 'kept 4000', 'and keeps what it keeps');
    http(POST => $nginx->url('/sessions/r-1/disconnected'));
    ok(connected('r-1'), 'nobody can say that a connection is not there');
    http(PUT => $nginx->url('/sessions/r-1'), json => { device => 'new' });
    ok(connected('r-1'), 'registered anew it is connected');
    http(DELETE => $nginx->url('/sessions/r-1'));
    my $event = publish('r-1');
    eventually { pushed($event) } 'forgotten, it is unknown';
    $chat->cut($socket);
}


note('another nginx');
my $other = NotifyTest::Nginx->new(redis => $redis, workers => 1,
    http => $http, vars => { CHAT => $chat->address });
{
    my $here = $chat->connect($nginx->port, '/ws?session=i-1');
    my $there = $chat->connect($other->port, '/ws?session=i-1');
    eventually { connected('i-1') } 'connected to two';
    $chat->cut($here);
    throughout { !away('i-1') } 'connected by the one that is left', 4;
    $chat->cut($there);
    eventually { away('i-1') } 'then no more';

    $there = $chat->connect($other->port, '/ws?session=i-2');
    eventually { connected('i-2') } 'connected to the other one';
    kill 'KILL', $other->pid, $other->workers;   # or it makes new ones
    eventually { away('i-2') } 'which dies as a whole', 8;
    delete $other->{pid};
}


note('a reload');
{
    my @sockets = map { $chat->connect($nginx->port, "/ws?session=l-$_") }
                  1 .. 10;
    eventually { 10 == grep { connected("l-$_") } 1 .. 10 } 'ten connect';
    $nginx->reload;
    my @old = $nginx->workers(exiting => 1);
    cmp_ok(scalar @old, '>', 0, 'a worker of the old configuration is there');
    my $end = time + 4;
    my $gone = 0;
    while (time < $end) {
        $gone += grep { away("l-$_") } 1 .. 10;
        elapse 0.2;
    }
    is($gone, 0, 'for longer than the lease they stay connected');
    is($chat->talk($sockets[0], 'old'), 'old', 'to the old worker');
    $chat->cut(shift @sockets);
    eventually { away('l-1') } 'one is cut, and then away';
    $chat->cut(@sockets);
    eventually { !grep { connected("l-$_") } 1 .. 10 } 'then all';
    eventually { !$nginx->workers(exiting => 1) } 'the old workers end', 20;
}


note('workers that are killed');
{
    my @sockets = map { $chat->connect($nginx->port, "/ws?session=k-$_") }
                  1 .. 100;
    is(scalar(grep { $_ } @sockets), 100, 'a hundred connect');
    eventually { 100 == grep { connected("k-$_") } 1 .. 100 }
        'all are connected';
    kill 'KILL', $nginx->workers;
    my $killed = time;
    ok(connected('k-1'), 'right behind it they are connected');
    eventually { http(GET => $nginx->url('/health'))->{status} == 200 }
        'others come';
    eventually { !grep { connected("k-$_") } 1 .. 100 }
        'within the lease all are away', 8;
    cmp_ok(time - $killed, '<', 3 + 2 * ($ENV{NOTIFY_TEST_SLOW} // 1),
           'which is 3 s');
    my $event = publish('k-1');
    eventually { pushed($event) } 'and pushed to';
    close $_ for @sockets;
}


note('Redis is away');
{
    my $socket = $chat->connect($nginx->port, '/ws?session=a-1');
    my $leaves = $chat->connect($nginx->port, '/ws?session=a-2');
    eventually { connected('a-1') && connected('a-2') } 'two connect';
    $redis->cli('SAVE');
    $redis->kill;
    is($chat->talk($socket, 'alone'), 'alone', 'a connection needs no Redis');
    $chat->cut($leaves);
    ok(my $new = $chat->connect($nginx->port, '/ws?session=a-3'),
       'a new one connects');
    elapse 1;
    $redis->start;
    my $until = sub { http(GET => $nginx->url('/sessions/a-1'))->{json}
                      {connectedUntil} // '' };
    my $was;
    eventually { $was = $until->(); $was ne '' } undef, 2;
    eventually { $until->() gt ($was // '') } 'who is there is said to be so';
    eventually { away('a-2') } 'who has left is away';
    throughout { !away('a-1') } 'and stays', 4;
    $chat->cut($socket, $new);
    eventually { away('a-1') } 'until it leaves';
}


note('the content');
{
    my @bytes = map { ($_->{body}, %{ $_->{headers} }, $_->{path}) }
                $receiver->requests;
    cmp_ok(scalar @bytes, '>', 50, 'of all that was sent');
    is(scalar(grep { /S3CRET/ } @bytes), 0, 'not a byte is of the content');
}

finish();
