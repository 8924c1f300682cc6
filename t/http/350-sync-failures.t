# The failures of notify_sync that are our own: what the client is told, and
# that many at once are no failure.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $h2 = free_port();
my $nginx = NotifyTest::Nginx->new(redis => $redis, connections => 1024,
    vars => { H2 => $h2 }, http => <<'END');
    notify_profile plain { allow 127.0.0.0/8; schemes http; }
    notify_profile other { allow 127.0.0.0/8; schemes http; }
    notify_channel retail {
        profile     plain other;
        event       document.pricing sync;
        entity_type document 3 Order;
        attribute   country "pattern=^[A-Z]{2}$";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%H2%% http2;
        location /retail/ { notify_api retail; }
        location /gate {
            notify_sync retail document.pricing gate timeout=2s
                        country=$arg_country entity_type_id=$arg_type;
            proxy_pass http://127.0.0.1:%%PORT%%/app;
        }
        location /pass {
            notify_sync retail document.pricing gate on_error=pass
                        country=$arg_country;
            add_header X-Code $notify_sync_error_code;
            proxy_pass http://127.0.0.1:%%PORT%%/app;
        }
        location /app { return 200 app; }
    }
END

sub req {
    my ($method, $path, %option) = @_;
    return http($method => $nginx->url($path), %option);
}

my $yes = { body => '{"success":true}' };
my $id = req(POST => '/retail/subscriptions', json => {
    event => 'document.pricing', mode => 'sync', profile => 'other',
    url => $receiver->url('/sync') })->{json}{id};
$receiver->script('/sync', $yes);
eventually { req(GET => '/gate'); $receiver->count('/sync') } 'it is used', 3;
is(req(GET => '/gate?country=NO&type=Order')->{content}, 'app',
   'a good event goes through');

# what is no event

my $before = $receiver->count('/sync');
for my $args ('country=norway', 'type=Invoice', 'country=%00') {
    my $r = req(GET => "/gate?$args");
    is($r->{status}, 502, "$args: 502");
    is($r->{json}{errorCode}, 'NOTIFICATION_INVALID_EVENT', 'says why');
    is($r->{json}{errorLevel}, 50, 'at level 50');
}
my $r = req(GET => '/pass?country=norway');
is($r->{content}, 'app', 'on_error=pass goes on');
is($r->{headers}{'x-code'}, 'NOTIFICATION_INVALID_EVENT', 'and says so');
$receiver->script('/settle');
is($receiver->count('/sync'), $before, 'nobody was asked');

# many at once are asked at once

my @sockets = map {
    IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port)
} 1 .. 200;
req(GET => '/gate');
my ($worker) = $nginx->workers;
kill STOP => $worker;
syswrite $_, "GET /gate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for @sockets;
kill CONT => $worker;
my %status;
for my $socket (@sockets) {
    my $answer = '';
    1 while IO::Select->new($socket)->can_read(10)
            && sysread $socket, $answer, 65536, length $answer;
    $status{ substr $answer, 9, 3 }++;
}
is(to_json(\%status), '{"200":200}', '200 of one turn are all asked about');

# more than there may be

$nginx->stop;
$nginx->write_conf(connections => 64);
$nginx->start;
eventually { req(GET => '/gate')->{content} eq 'app' }
    'with 64 worker_connections', 5;
$receiver->script('/sync', { hold => 1 });

# all on one connection
spew(test_dir() . '/streams.js', <<"END");
const client = require('http2').connect('http://127.0.0.1:$h2');
let left = 50;
for (let i = 0; i < 50; i++) {
    const stream = client.request({ ':path': '/gate' });
    let status, text = '';
    stream.on('response', headers => { status = headers[':status']; });
    stream.on('data', data => { text += data; });
    stream.on('end', () => {
        console.log(status, text);
        if (--left == 0) client.close();
    });
}
END
my @said = split /\n/, `timeout 20 node ${\ test_dir()}/streams.js`;
is(scalar(grep { /^504 .*_TIMEOUT"/ } @said), 32, '32 calls');
is(scalar(grep { /^502 .*_TOO_MANY_CALLS"/ } @said), 18, 'and no more');
$receiver->script('/sync', $yes);
is(req(GET => '/gate')->{content}, 'app', 'then there is room again');
$nginx->stop;
$nginx->write_conf(connections => 1024);
$nginx->start;

# a profile that a reload took away

$receiver->script('/sync', $yes);
$nginx->write_conf(http => $nginx->{http} =~ s/plain other;/plain;/r);
$nginx->reload;
eventually {
    $r = req(GET => '/gate');
    $r->{status} == 502
} 'without its profile', 5;
is($r->{json}{errorCode}, 'NOTIFICATION_NOT_SENT', 'the call is not made');
like($r->{json}{message}, qr/profile/, 'and says why');

finish();
