# notify_provider of `type webpush`: browsers' subscriptions in sessions,
# messages that http_ece decrypts and whose token jose accepts, and what the
# answers of a push service lead to.

use strict;
use warnings;

use Encode qw(decode_utf8);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $dir = NotifyTest::test_dir();
my $clients = "$NotifyTest::TOP/t/clients/webpush.js";

is(system("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
          . "-out $dir/vapid.pem 2> $dir/openssl.log"), 0,
   'a key of VAPID is made');

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $origin = 'http://127.0.0.1:' . $receiver->port;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    http => <<"END");
    notify_provider default {
        url  $origin/http;
    }
    notify_provider browsers {
        type           webpush;
        vapid_key      $dir/vapid.pem;
        vapid_subject  mailto:ops\@shop.example;
        ttl            1h;
        urgency        high;
        topic          \$notify_entity_id;
        message        "News in \$notify_event_type";
        payload        on;
        schemes        http https;
        allow          127.0.0.0/8;
    }
    notify_provider strict {
        type           webpush;
        vapid_key      $dir/vapid.pem;
        vapid_subject  https://shop.example/contact;
    }
    notify_channel chat {
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { notify_api chat; }
    }
END

sub req {
    my ($method, $path, %option) = @_;
    return http($method => $nginx->url($path), %option);
}

sub decrypt {
    my (@calls) = @_;
    NotifyTest::spew("$dir/messages", join '', map { to_json({
        private => $_->[0]{private}, auth => $_->[0]{auth},
        body => $_->[1]{body},
        authorization => $_->[1]{headers}{authorization} }) . "\n" } @calls);
    return map { from_json($_) }
           split /\n/, (`node $clients < $dir/messages`);
}

my @browsers = map { from_json($_) } split /\n/, `node $clients keys 24`;
is(scalar(@browsers), 24, 'browsers make their keys');

sub browser {
    my ($n, %more) = @_;
    return { endpoint => "$origin/push/$n", expirationTime => undef,
             keys => { map { $_ => $browsers[$n]{$_} } qw(p256dh auth) },
             %more };
}

sub publish {
    my ($session, %more) = @_;
    my $r;
    eventually {
        $r = req(POST => '/events', json => { eventType => 'chat.message',
                 sessionId => $session, %more });
        $r->{status} != 503;
    };
    is($r->{status}, 202, 'published') or diag $r->{content};
}

sub drops { return grep { /notify push: event/ } split /\n/, $nginx->log }

eventually { req(GET => '/health')->{status} == 200 } 'ready';

my $vapid = req(GET => '/vapid.json');
is($vapid->{status}, 200, 'vapid.json is there');
like($vapid->{json}{publicKey}, qr/^B[\w-]{86}$/, 'with the public key');
is($vapid->{json}{provider}, 'browsers', 'of the first provider of the type');
is(req(GET => '/vapid.json?provider=default')->{status}, 404,
   'another provider has none');

my $r = req(PUT => '/sessions/b0', json => { subscription => browser(0),
                                             payload => \1 });
is($r->{status}, 201, 'a browser registers') or diag $r->{content};
is_deeply($r->{json}{subscription}, browser(0), 'and is kept as it was given');
is($r->{json}{provider}, 'browsers', 'with the provider for browsers');
is(req(PUT => '/sessions/b0', json => $r->{json})->{status}, 200,
   'what an answer said may be sent back');

for (['/subscription/endpoint', endpoint => 7],
     ['/subscription/endpoint', endpoint => 'ftp://push.example/'],
     ['/subscription/endpoint', endpoint => 'http://10.0.0.1/'],
     ['/subscription/keys', keys => 'none'],
     ['/subscription/keys/p256dh', keys => { auth => $browsers[0]{auth} }],
     ['/subscription/keys/p256dh', keys => { auth => $browsers[0]{auth},
      p256dh => 'BA' . 'A' x 85 }],
     ['/subscription/keys/auth', keys => { auth => 'AAAA',
      p256dh => $browsers[0]{p256dh} }])
{
    my ($member, @bad) = @$_;
    $r = req(PUT => '/sessions/bad', json => { subscription => browser(0, @bad) });
    is($r->{status}, 422, 'what is no subscription is refused');
    is($r->{json}{errors}[0]{pointer}, $member, "naming $member");
}
for my $provider (qw(default none)) {
    is(req(PUT => '/sessions/bad', json => { subscription => browser(0),
           provider => $provider })->{status}, 422,
       'and so is a provider of another type, or none');
}
$r = req(PUT => '/sessions/bad', json => { subscription => browser(0),
                                           provider => 'strict' });
is($r->{status}, 422, 'without "schemes" an endpoint is https');
like($r->{content}, qr{"/subscription/endpoint"}, 'and it is named');

note('messages');
publish('b0', data => { text => "Gr\x{fc}\x{df}e" }, entityId => 'order-7');
eventually { 1 == $receiver->count('/push/0') } 'an event is pushed';
my ($call) = $receiver->requests('/push/0');
my %headers = (ttl => 3600, urgency => 'high', topic => 'order-7',
               'content-encoding' => 'aes128gcm',
               'content-type' => 'application/octet-stream');
is($call->{headers}{$_}, $headers{$_}, "its $_") for sort keys %headers;
my ($seen) = decrypt([$browsers[0], $call]);
is_deeply(from_json(decode_utf8($seen->{plain} // '{}')),
          { message => 'News in chat.message',
            payload => { text => "Gr\x{fc}\x{df}e" } },
          'http_ece decrypts it') or diag explain $seen;
is($seen->{key}, $vapid->{json}{publicKey}, 'the key is that of vapid.json');
is($seen->{header}{alg}, 'ES256', 'jose accepts the token');
is($seen->{claims}{aud}, $origin, 'for the origin of the endpoint');
is($seen->{claims}{sub}, 'mailto:ops@shop.example', 'with the subject');
my $left = $seen->{claims}{exp} - time;
ok($left > 60 && $left <= 86400, 'for a day at most');

# 3,993 bytes in all are what a message may have
my @texts = ('', 'x', map { 'y' x ($_ * 170) } 1 .. 20);
for my $n (1 .. $#browsers) {
    $r = req(PUT => "/sessions/b$n", json => { subscription => browser($n),
                                               payload => 'true' });
    is($r->{status}, 201, "browser $n") or diag $r->{content};
    publish("b$n", data => $texts[$n % @texts], entityId => "a.b/$n");
}
eventually { $#browsers == grep { $receiver->count("/push/$_") }
             1 .. $#browsers } 'messages of many lengths';
my @calls = map { [$browsers[$_], ($receiver->requests("/push/$_"))[0]] }
            1 .. $#browsers;
my @seen = decrypt(@calls);
is_deeply([map { from_json($_->{plain} // '{}')->{payload} } @seen],
          [map { $texts[$_ % @texts] } 1 .. $#browsers],
          'are decrypted, each by its browser');
my %salts = map { substr($_->[1]{body}, 0, 86) => 1 } @calls;
is(scalar(keys %salts), $#browsers, 'salt and key are new for each');
my %tokens = map { $_->[1]{headers}{authorization} => 1 } @calls;
cmp_ok(scalar(keys %tokens), '<=', 2, 'a worker uses its token again');
like($_->[1]{headers}{topic}, qr/^[\w-]{32}$/, 'a topic of other characters '
     . 'is a digest') for $calls[0], $calls[1];

my $room = 3993 - length '{"message":"News in chat.message","payload":""}';
publish('b0', data => 'z' x $room);
eventually { 2 == $receiver->count('/push/0') } 'the longest message';
is(length(($receiver->requests('/push/0'))[1]{body}), 4096, 'is 4096 bytes');
publish('b0', data => 'z' x ($room + 1));
eventually { 1 == drops() } 'one byte more is a drop';
like((drops())[0], qr/message too long/, 'that is said');
eventually { req(GET => '/stats')->{json}{counters}{pushFailed} == 1 }
    'and counted';

note('answers');
$receiver->script('/push/1', { status => 410 });
$receiver->script('/push/2', { status => 404 });
publish("b$_") for 1, 2;
eventually { 404 == req(GET => '/sessions/b1')->{status}
             && 404 == req(GET => '/sessions/b2')->{status} }
    '410 and 404 end the registration';
publish('b1');
publish('b3');
eventually { 2 == $receiver->count('/push/3') }
    'others are pushed to as before';
is($receiver->count('/push/1'), 2, 'and it is not');
eventually { 3 == drops() } 'each is a drop';

$receiver->script('/push/6', { status => 410, delay => 1 });
publish('b6');
eventually { 2 == $receiver->count('/push/6') } 'a call is under way';
req(PUT => '/sessions/b6', json => {
    subscription => browser(6, endpoint => "$origin/push/anew") });
eventually { 4 == drops() } 'and gets 410';
publish('b6');
eventually { 1 == $receiver->count('/push/anew') }
    'a registration that was made anew meanwhile stays';

$receiver->script('/push/4', { status => 429,
                               headers => { 'Retry-After' => 2 } });
publish('b4');
eventually { 5 == drops() } '429 is a drop';
my $from = time;
publish('b5');
eventually { 2 == $receiver->count('/push/5') } 'the next waits';
cmp_ok(time - $from, '>=', 1, 'for Retry-After');
is($receiver->count('/push/4'), 2, 'nothing is sent again');
is(() = $nginx->log =~ /breaker of subscription/g, 0,
   'no breaker opens by what some browsers are');
note('a thousand');
srand 8291;
for my $n (0 .. $#browsers) {
    req(PUT => "/sessions/many$n", json => { payload => \1,
        subscription => browser($n, endpoint => "$origin/many/$n") });
}
my @random = map { join '', map { chr(32 + int rand 90) } 0 .. rand 3000 }
             1 .. 1000;
for (my $i = 0; $i < @random; $i += 100) {
    is(req(POST => '/events', json => [ map { {
           eventType => 'chat.message', data => $random[$_],
           sessionId => 'many' . $_ % @browsers } } $i .. $i + 99 ])->{status},
       202, 'a hundred are published');
}
eventually { 1000 == grep { $_->{path} =~ m{^/many/} } $receiver->requests }
    'a thousand random messages';
@seen = decrypt(map { my $n = $_; map { [$browsers[$n], $_] }
                      $receiver->requests("/many/$n") } 0 .. $#browsers);
is_deeply([sort map { from_json($_->{plain} // '{}')->{payload} // 'none' }
           @seen], [sort @random], 'http_ece decrypts each of them');

unlike($nginx->log, qr{/push/\d|\Q$browsers[0]{auth}\E},
       'no endpoint and no key is in the log');

finish();
