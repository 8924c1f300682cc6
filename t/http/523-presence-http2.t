# Presence over HTTP/2: streams of one connection are several requests.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Chat;

my $redis = NotifyTest::Redis->new;
my $chat = NotifyTest::Chat->new;
my $port = NotifyTest::free_port();
my $nginx = NotifyTest::Nginx->new(redis => $redis,
    vars => { CHAT => $chat->address, H2 => $port }, http => <<'END');
    notify_channel chat { }

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%H2%% http2;

        location /stream {
            proxy_pass http://%%CHAT%%;
            proxy_buffering off;
            notify_session chat id=$arg_session presence grace=500ms lease=3s;
        }
        location /create {
            proxy_pass http://%%CHAT%%;
            notify_session chat id=$chat_id commit;
        }
        location / { notify_api chat; }
    }
    notify_var $chat_id response chatId;
END

sub connected {
    my ($id) = @_;
    my $answer = http(GET => $nginx->url("/sessions/$id"));
    return $answer->{status} == 200 && $answer->{json}{connected} ? 1 : 0;
}

sub curl {
    return NotifyTest::spawn(['curl', '-sN', '--http2-prior-knowledge', @_],
                             test_dir() . '/curl.log');
}

sub url { return "http://127.0.0.1:$port$_[0]" }

eventually { http(GET => $nginx->url('/health'))->{status} == 200 } 'ready';

open my $pipe, '-|', 'curl', '-si', '--http2-prior-knowledge', '-XPOST',
     url('/create?id=h-1') or die $!;
my $answer = join '', <$pipe>;
close $pipe;
like($answer, qr{^HTTP/2 201}, 'a chat is created over HTTP/2');
like($answer, qr/^x-notify-session: registered/m, 'and acknowledged');
like($answer, qr/\{"chatId":"h-1"\}$/, 'with its body');
is(http(GET => $nginx->url('/sessions/h-1'))->{status}, 200, 'it is there');

# three streams of one connection; the last ends when told to
my $both = NotifyTest::spawn(['node', '-e', <<'END', url('')],
    const session = require("http2").connect(process.argv[1]);
    const open = id => {
        const r = session.request({ ":path": "/stream?session=" + id });
        r.on("error", () => {}).resume().end();
        return r;
    };
    const streams = ["a", "b", "c"].map(open);
    session.on("error", () => {});
    process.on("SIGUSR2", () => streams[2].close(8));
    setInterval(() => {}, 1000);
END
    test_dir() . '/node.log');
my $one = curl(url('/stream?session=a'));
eventually { 3 == grep { connected($_) } 'a', 'b', 'c' }
    'three streams connect three sessions';

throughout { connected('a') && connected('b') } 'for longer than the lease', 4;

kill 'USR2', $both;
eventually { !connected('c') } 'one of the streams ends, and its session';
ok(connected('a') && connected('b'), 'the others are there');

NotifyTest::reap($both, 'KILL');
eventually { !connected('b') } 'their connection is cut';
throughout { connected('a') } 'who has another is there', 1;
NotifyTest::reap($one, 'KILL');
eventually { !connected('a') } 'until it is cut, too';

finish();
