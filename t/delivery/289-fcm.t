# notify_provider of `type fcm`: the token request next to the one that
# google-auth-library makes, messages as the reference of HTTP v1 has them, and
# what each of its errors leads to.

use strict;
use warnings;

use Encode qw(decode_utf8);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Tool;

my $modules = NotifyTest::Tool::npm_library('google-auth-library', '9.15.1');
my $dir = NotifyTest::test_dir();
my $receiver = NotifyTest::Receiver->new;
my $origin = 'http://127.0.0.1:' . $receiver->port;
my $send = '/v1/projects/shop-7/messages:send';

is(system("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 "
          . "-out $dir/rsa.pem 2> $dir/openssl.log && "
          . "openssl pkey -in $dir/rsa.pem -pubout -out $dir/rsa.pub"), 0,
   'a key is made');
spew("$dir/account.json", to_json({
    type => 'service_account', project_id => 'shop-7',
    private_key_id => 'key-1', private_key => slurp("$dir/rsa.pem"),
    client_email => 'push@shop-7.iam.gserviceaccount.com',
    token_uri => "$origin/token" }));

$receiver->script('/token', map { { body => to_json({
    access_token => "token-$_", expires_in => 3599,
    token_type => 'Bearer' }) } } 1 .. 3);
$receiver->script($send, { body => to_json({
    name => 'projects/shop-7/messages/0:15' }) });

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    http => <<"END");
    notify_provider default {
        type             fcm;
        service_account  $dir/account.json;
        url              $origin$send;
        message          "News in \$notify_event_type";
        debug_message    "Debug: \$notify_entity_id";
        android          '{"priority":"HIGH","ttl":"3600s",
                           "collapse_key":"k-\$notify_entity_id"}';
        payload          on;
        retry            1s 1s 1s;
        breaker          failures=20 window=5m cooldown=2s;
    }
    notify_provider silent {
        type             fcm;
        service_account  $dir/account.json;
        url              $origin/silent;
        data             '{"type":"\$notify_event_type","n":7,"yes":true,
                           "none":null,"of":"\${notify_data.order}",
                           "text":"\${notify_data.text} \$notify_entity_id",
                           "list":[1,"2"]}';
        retry            off;
    }
    notify_provider noted {
        type             fcm;
        service_account  $dir/account.json;
        url              $origin/noted;
        notification     '{"title":"Order \$notify_entity_id",
                           "body":"\${notify_data.text}"}';
        data             '"\$notify_data"';
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

sub device {
    my ($id, %more) = @_;
    my $r = req(PUT => "/sessions/$id", json => { push => \1,
        deviceId => "device-$id", %more });
    ok($r->{status} == 200 || $r->{status} == 201, "$id registers")
        or diag $r->{content};
}

sub publish {
    my ($session, %more) = @_;
    my $r;
    eventually {
        $r = req(POST => '/events', json => { eventType => 'chat.message',
                 sessionId => $session, %more });
        $r->{status} != 503;
    };
    is($r->{status}, 202, "published for $session") or diag $r->{content};
}

sub calls { my ($id, $path) = @_;
            return grep { $_->{body} =~ /"device-\Q$id\E"/ }
                   $receiver->requests($path // $send) }
sub message { my ($call) = @_;
              return from_json(decode_utf8($call->{body}))->{message} }
sub counter { my ($name) = @_;
              return req(GET => '/stats')->{json}{counters}{$name} // 0 }
sub drops { return grep { /notify push: event/ } split /\n/, $nginx->log }

# what the service answers, as its reference has it
sub refusal {
    my ($status, $canonical, $code, %more) = @_;
    return { status => $status, %more, body => to_json({ error => {
        code => $status, message => 'of the stand-in',
        status => $canonical,
        details => [
            { '@type' => 'type.googleapis.com/google.rpc.BadRequest',
              fieldViolations => [] },
            $code ? { '@type' =>
                'type.googleapis.com/google.firebase.fcm.v1.FcmError',
                errorCode => $code } : () ] } }) };
}

eventually { req(GET => '/health')->{status} == 200 } 'ready';

note('one token');
device("d$_") for 1 .. 20;
publish("d$_") for map { (1 .. 20) } 1 .. 5;
eventually { 100 == $receiver->count($send) } 'a hundred pushes';
is($receiver->count('/token'), 1, 'take one token, of both workers');
is_deeply([grep { $_->{headers}{authorization} ne 'Bearer token-1' }
           $receiver->requests($send)], [], 'which each carries');

my ($asked) = $receiver->requests('/token');
spew("$dir/asked", to_json({ body => $asked->{body},
                             headers => $asked->{headers} }));
my $judged = from_json(scalar qx{node $NotifyTest::TOP/t/clients/google.js \\
    $modules $dir/account.json $dir/rsa.pub < $dir/asked});
my ($ours, $theirs) = @$judged{qw(ours theirs)};
ok($theirs->{verified}, 'google-auth-library makes such a request');
ok($ours->{verified}, "the account's key has signed ours");
is($ours->{type}, 'application/x-www-form-urlencoded', 'a form');
is($ours->{form}{grant_type}, $theirs->{form}{grant_type}, 'of that grant');
is($ours->{header}{$_}, $theirs->{header}{$_}, "the same $_")
    for grep { $_ ne 'typ' } keys %{ $theirs->{header} };
is($ours->{header}{kid}, 'key-1', "with the key's id");
is($ours->{claims}{$_}, $theirs->{claims}{$_}, "the same $_")
    for qw(iss scope);
is($ours->{claims}{aud}, "$origin/token", "for the account's token_uri");
is_deeply([grep { !exists $ours->{claims}{$_} }
           grep { defined $theirs->{claims}{$_} } keys %{ $theirs->{claims} }],
          [], 'all claims are there');
my $life = $ours->{claims}{exp} - $ours->{claims}{iat};
ok($life > 0 && $life <= 3600, 'for an hour at most');

note('messages');
publish('d1', entityId => 7, data => { text => 'not sent' });
eventually { 6 == calls('d1') } 'a push';
is_deeply(message((calls('d1'))[5]),
          { token => 'device-d1',
            notification => { body => 'News in chat.message' },
            android => { priority => 'HIGH', ttl => '3600s',
                         collapse_key => 'k-7' } },
          'a notification with the message, and no data');
device('debug', debug => \1, payload => \1);
publish('debug', entityId => 8,
        data => { text => "Gr\x{fc}\x{df}e \"\x{263a}\"", n => 10000000000000001,
                  f => 1.50, no => \0, none => undef, deep => { a => [1] } });
eventually { 1 == calls('debug') } 'a push with payload';
is_deeply(message((calls('debug'))[0]),
          { token => 'device-debug', notification => { body => 'Debug: 8' },
            android => { priority => 'HIGH', ttl => '3600s',
                         collapse_key => 'k-8' },
            data => { text => "Gr\x{fc}\x{df}e \"\x{263a}\"",
                      n => '10000000000000001', f => '1.5', no => 'false',
                      deep => '{"a":[1]}' } },
          'the data as texts, nulls left out');

device('quiet', provider => 'silent');
publish('quiet', entityId => 9, data => { order => 17, text => 'a"b' });
eventually { 1 == calls('quiet', '/silent') } 'a push of data';
is_deeply(message((calls('quiet', '/silent'))[0]),
          { token => 'device-quiet',
            data => { type => 'chat.message', n => '7', yes => 'true',
                      of => '17', text => 'a"b 9', list => '[1,"2"]' } },
          'with no notification, all of them texts');

device('noted', provider => 'noted');
for (['text', { data => 'text' }], [[1, 2], { data => '[1,2]' }],
     [undef, {}], [{}, {}], [{ text => 't' }, { text => 't' }])
{
    my ($data, $sent) = @$_;
    my $n = calls('noted', '/noted');
    publish('noted', entityId => 'o-1', defined $data ? (data => $data) : ());
    eventually { $n + 1 == calls('noted', '/noted') } 'a push of both';
    my $message = message((calls('noted', '/noted'))[$n]);
    is_deeply($message->{data}, $sent, 'data that are ' . to_json($data));
    is($message->{notification}{title}, 'Order o-1', 'and a title');
}

note('errors that end here');
my %ends = (
    invalid => refusal(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'),
    field   => refusal(400, 'INVALID_ARGUMENT', undef),
    sender  => refusal(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'),
    party   => refusal(401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'),
    denied  => refusal(403, 'PERMISSION_DENIED', undef),
    project => refusal(404, 'NOT_FOUND', undef),
);
my %said = (invalid => 'INVALID_ARGUMENT', field => 'INVALID_ARGUMENT',
            sender => 'SENDER_ID_MISMATCH', party => 'THIRD_PARTY_AUTH_ERROR');
for my $name (sort keys %ends) {
    my $n = drops();
    $receiver->script("$send device-$name", $ends{$name});
    device($name);
    publish($name);
    eventually { $n + 1 == drops() } "$name: a drop";
    my $what = $said{$name} // 'status';
    like((drops())[-1], qr/by provider "default": $what, status $ends{$name}{status}, device "device-/,
         'that says why');
    eventually { 1 == calls($name) } 'after one call';
    is(req(GET => "/sessions/$name")->{status}, 200, 'and it stays');
}
is($receiver->count('/token'), 1, 'none of them was the token\'s fault');
eventually { counter('pushFailed') == keys %ends } 'each is counted';

publish('invalid') for 1 .. 20;
eventually { 21 == calls('invalid') } 'what is said of one device';
is(() = $nginx->log =~ /breaker of subscription/g, 0, 'opens no breaker');

note('UNREGISTERED');
my $gone = refusal(404, 'NOT_FOUND', 'UNREGISTERED');
$receiver->script("$send device-gone", $gone);
$receiver->script("$send device-old", { %$gone, delay => 1 });
device('gone', debug => \0);
device('old');
device('chat', deviceId => undef, GCTI_GMS_PushDeviceId => 'device-gone');
publish($_) for qw(gone chat);
eventually { 404 == req(GET => '/sessions/gone')->{status}
             && 404 == req(GET => '/sessions/chat')->{status} }
    'ends the registration, however the token was named';
publish('old');
eventually { 1 == calls('old') } 'a call is under way';
device('old', deviceId => 'device-new');
my $n = drops();
eventually { grep { /status 404, device "device-old"/ } drops() }
    'and is answered so';
publish('old');
eventually { 1 == calls('new') } 'a token that was renewed meanwhile stays';
unlike(join("\n", drops()), qr/device-unregistered/, 'the log has no token');
is(calls('gone'), 2, 'nothing is sent again');
device('long', deviceId => 'device-gone' . 'x' x 150);
publish('long');
eventually { grep { /UNREGISTERED/ && /device "device-gonex"/ } drops() }
    'of a token the log has the beginning';

note('errors that pass');
for (['internal', refusal(500, 'INTERNAL', 'INTERNAL')],
     ['away', refusal(503, 'UNAVAILABLE', 'UNAVAILABLE')],
     ['gateway', { status => 502, body => '<html>Bad Gateway</html>' }],
     ['dropped', { drop => 1 }])
{
    my ($name, @answers) = @$_;
    $n = drops();
    $receiver->script("$send device-$name", @answers, { body => '{}' });
    device($name);
    publish($name);
    eventually { 2 == calls($name) } "$name: it is sent again";
    is(drops(), $n, 'and not dropped');
}
$receiver->script("$send device-never", refusal(503, 'UNAVAILABLE',
                                                'UNAVAILABLE'));
device('never');
publish('never');
eventually { 4 == calls('never') } 'as often as "retry" says';
eventually { grep { /UNAVAILABLE, status 503, device "device-neve/ } drops() }
    'then it is dropped';
is(1, scalar(grep { /device "device-neve/ } drops()), 'once');

$receiver->script("$send device-reload", refusal(503, 'UNAVAILABLE', undef),
                  { body => '{}' });
device('reload');
publish('reload');
eventually { 1 == calls('reload') } 'a push fails';
$nginx->reload;
eventually { 2 == calls('reload') } 'it is sent again over a reload';

$receiver->script("$send device-back", refusal(500, 'INTERNAL', 'INTERNAL'));
device('back');
publish('back');
eventually { 1 == calls('back') } 'a push fails';
req(DELETE => '/sessions/back');
device('other');
publish('other');
eventually { 1 == calls('other') } 'others are sent';
elapse(2);
is(calls('back'), 1, 'a session that has ended is not tried again');

$receiver->script("$send device-quota",
    refusal(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED',
            headers => { 'Retry-After' => 3 }), { body => '{}' });
device('quota');
my $from = time;
publish('quota');
eventually { 1 == calls('quota') } 'QUOTA_EXCEEDED';
eventually { 2 == calls('quota') } 'is sent again';
cmp_ok(time - $from, '>=', 2.9, 'after Retry-After');

$receiver->script("$send device-often",
    refusal(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'), { body => '{}' });
device('often');
publish('often');
eventually { 1 == calls('often') } 'without Retry-After';
elapse(1);
publish('other');
eventually { 2 == calls('other') } 'others go on';
elapse(1);
is(calls('often'), 1, 'and it waits for a minute');

note('the token');
$receiver->script("$send device-renew",
    refusal(401, 'UNAUTHENTICATED', undef), { body => '{}' });
device('renew');
$n = drops();
publish('renew');
eventually { 2 == calls('renew') } 'a 401 asks for another token';
is(drops(), $n, 'within the attempt');
is_deeply([map { $_->{headers}{authorization} } calls('renew')],
          ['Bearer token-1', 'Bearer token-2'], 'and uses it');
is($receiver->count('/token'), 2, 'which is fetched once');
$receiver->script("$send device-refused",
                  refusal(401, 'UNAUTHENTICATED', undef));
device('refused');
publish('refused');
eventually { $n + 1 == drops() } 'a second 401 is a drop';
is(calls('refused'), 2, 'after two calls');

note('the breaker');
$receiver->script("$send device-down", refusal(503, 'UNAVAILABLE', undef));
device('down');
publish('down') for 1 .. 20;
eventually { $nginx->log =~ /breaker of subscription "provider-default" opened/ }
    'what is said of the service opens it';
$receiver->script("$send device-down", { body => '{}' });
publish('other');
eventually { 3 == calls('other') } 'pushes wait for it';
eventually { $nginx->log =~ /breaker of subscription "provider-default" closed/ }
    'and go on';

note('all that was sent');
my @wrong = grep { my $m = message($_);
    !defined $m->{token} || ref $m->{token}
    || grep({ !/^(?:token|notification|android|data)$/ } keys %$m)
    || grep({ to_json([$_]) !~ /^\["/ } values %{ $m->{data} // {} })
    || $_->{method} ne 'POST'
    || $_->{headers}{'content-type'} ne 'application/json'
} map { $receiver->requests($_) } $send, '/silent', '/noted';
is_deeply(\@wrong, [], 'is a message of HTTP v1');
my $text = $nginx->log;
unlike($text, qr/PRIVATE KEY|Bearer|token-\d/, 'no secret is in the log');

finish;
