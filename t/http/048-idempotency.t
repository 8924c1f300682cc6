# Idempotency-Key on every POST: done once, answered as it was.

use strict;
use warnings;

use MIME::Base64;
use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/ask' => [{ body => '{"success":true,"data":7}' }],
    '/slow' => [{ delay => 1, body => '{"success":true}' }] });
my $key_file = test_dir() . '/secret.key';
spew($key_file, encode_base64('x' x 32, '') . "\n");
my $nginx = NotifyTest::Nginx->new(redis => $redis, http2 => 1,
    vars => { KEY => $key_file }, http => <<'END');
    notify_secret_key %%KEY%%;
    notify_profile local { sign standard; allow 127.0.0.0/8; timeout 20s; }
    notify_channel shop { profile local; event paid; event asked sync;
                          event slow sync; }
    notify_tenant $http_x_tenant optional;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/  { notify_api shop; }
        location /hooks/ { notify_api shop subscriptions; }
        location /try/   { notify_api shop samples; }
    }
END
eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 }
           'it serves';

sub post {
    my ($path, $key, $json, %option) = @_;
    my $tenant = delete $option{tenant};
    return http(POST => $nginx->url($path),
        defined $json ? (ref $json ? (json => $json) : (body => $json)) : (),
        headers => { defined $key ? ('Idempotency-Key' => $key) : (),
                     'Content-Type' => 'application/json',
                     defined $tenant ? ('X-Tenant' => $tenant) : () }, %option);
}
sub count { return scalar @{ http(GET => $nginx->url('/shop/subscriptions'))
                                 ->{json} } }

my $wanted = { url => $receiver->url('/a'), event => 'paid' };


# a subscription

for my $client (qw(close late http2)) {
    my $before = count();
    my $first = post('/shop/subscriptions', "k-$client", $wanted,
                     client => $client);
    is($first->{status}, 201, "$client: created");
    is($first->{headers}{'idempotent-replayed'}, undef, 'by this request');
    my $again = post('/shop/subscriptions', "k-$client", $wanted,
                     client => $client);
    is($again->{status}, 201, 'and again');
    is($again->{content}, $first->{content}, 'the same body, with its secret');
    is($again->{headers}{$_}, $first->{headers}{$_}, "the same $_")
        for qw(location etag content-type);
    is($again->{headers}{'idempotent-replayed'}, 'true', 'and says so');
    is(count(), $before + 1, 'there is one');
}

my $first = post('/shop/subscriptions', 'k1', $wanted)->{json};
my $answer = post('/shop/subscriptions', 'k1', { %$wanted, name => 'x' });
is($answer->{status}, 422, 'the key with another body');
is($answer->{json}{code}, 'idempotency_conflict', 'is a conflict');
is(post('/shop/subscriptions?a=1', 'k1', $wanted)->{status} =~ /^(?:422|400)$/,
   1, 'so is one with another query');
isnt(post('/shop/subscriptions', 'k1', $wanted, tenant => 't')->{json}{id},
     $first->{id}, "another tenant's key is another key");
is(post('/hooks/', 'k1', $wanted)->{json}{id}, $first->{id},
   'wherever the resource is mounted');
is(post('/shop/events', 'k1', { eventType => 'paid' })->{status}, 202,
   'the key of one path says nothing of another');

my $secret = $first->{secret};
my @kept = grep { length } map { $redis->cli('--raw', 'GET', $_) }
           grep { /:once:/ } split /\n/, $redis->cli('KEYS', '*');
cmp_ok(scalar @kept, '>', 3, 'answers are kept');
is(scalar(grep { /\Q$secret\E|whsec_/ } @kept), 0, 'no secret of them is plain');
is(scalar(grep { $redis->cli('PTTL', $_) < 3_600_000 }
          grep { /:once:/ } split /\n/, $redis->cli('KEYS', '*')), 0,
   'for a day');

$answer = post('/shop/subscriptions', 'bad', { event => 'paid' });
is($answer->{status}, 422, 'a refused request');
is(post('/shop/subscriptions', 'bad', $wanted)->{status}, 201,
   'keeps nothing: its key may be used again');
for my $key ('', 'x' x 257) {
    is(post('/shop/subscriptions', $key, $wanted)->{json}{code},
       'invalid_idempotency_key', 'a key of ' . length($key) . ' bytes');
}


# each of the other actions

my $id = $first->{id};
my $at = "/shop/subscriptions/$id";
my $event = post('/shop/events', undef, { eventType => 'paid' })->{json}{id};
eventually { @{ http(GET => $nginx->url("$at/deliveries"))->{json} } }
           'it is delivered';
my ($delivery) = map { $_->{id} }
                 @{ http(GET => $nginx->url("$at/deliveries"))->{json} };
is(post('/shop/subscriptions', undef, { url => $receiver->url("/$_"),
        event => $_ eq 'ask' ? 'asked' : 'slow', mode => 'sync' })->{status},
   201, "a sync subscription to $_") for qw(ask slow);

is(http(PUT => $nginx->url('/shop/sessions/s'), json => {})->{status}, 201,
   'a session');

my %body = (
    "$at/test"                => undef,
    "$at/disable"             => undef,
    "$at/enable"              => undef,
    "$at/rotate-secret"       => { grace => '1h' },
    "$at/redeliver"           => { since => '2024-01-01T00:00:00Z' },
    "/shop/events/$event/redeliver"        => { subscription => $id },
    "/shop/deliveries/$delivery/redeliver" => undef,
    '/shop/deltas/consumers/c' => { cursor =>
        http(GET => $nginx->url('/shop/deltas'))->{json}{cursor} },
    '/shop/sync/asked'        => { data => { a => 1 } },
    '/shop/sessions/s/connected'    => {},
    '/shop/sessions/s/heartbeat'    => {},
    '/shop/sessions/s/disconnected' => undef,
);

for my $path (sort keys %body) {
    my $calls = $receiver->count('/ask');
    my $one = post($path, 'all', $body{$path});
    my $two = post($path, 'all', $body{$path});
    my $short = $path =~ s/(?:sub|dlv|evt)_\w+/x/r;
    like($one->{status}, qr/^20[024]$/, "$short: done");
    is($two->{status}, $one->{status}, 'again the same status');
    is($two->{content}, $one->{content}, 'the same body');
    is($two->{headers}{'idempotent-replayed'}, 'true', 'it is said');
    is(post($path, 'all', { %{ $body{$path} // {} }, name => 'other' })
           ->{status}, 422, 'with another body it is a conflict');
    is($receiver->count('/ask'), $calls + 1, 'one call')
        if $path =~ /asked/;
}

my $rotated = post("$at/rotate-secret", 'r', { grace => '1h' })->{json};
is(post("$at/rotate-secret", 'r', { grace => '1h' })->{json}{secret},
   $rotated->{secret}, 'a secret is rotated once');


# events: the request is what the key names

for my $n (1 .. 2) {
    my ($one, $other) = ({ eventType => 'paid' }, [{ eventType => 'paid' }]);
    ($one, $other) = ($other, $one) if $n == 2;
    is(post('/shop/events', "e$n", $one)->{status}, 202, 'published');
    is(post('/shop/events', "e$n", $one)->{status}, 200, 'repeated');
    $answer = post('/shop/events', "e$n", $other);
    is($answer->{status}, 422, 'an event and an array of it are two requests');
    is($answer->{json}{code}, 'idempotency_conflict', 'a conflict');
}
is(post('/shop/events', 'e3', { uid => 'u1', eventType => 'paid' })->{status},
   202, 'an event with a uid');
is(post('/shop/events', 'e3', { uid => 'u2', eventType => 'paid' })->{status},
   422, 'another uid with the same key is a conflict, too');
is(post('/shop/events', 'e4', { eventType => 'none' })->{status}, 422,
   'an event that is refused');
is(post('/shop/events', 'e4', { eventType => 'paid' })->{status}, 202,
   'leaves its key');


# at the same time, and by clients that do not wait

my $before = $receiver->count('/slow');
my @pids = map { NotifyTest::spawn(sub {
    post('/shop/sync/slow', 'same', { data => 1 });
}) } 1 .. 2;
eventually { $receiver->count('/slow') == $before + 1 } 'it is called';
$answer = post('/shop/sync/slow', 'same', { data => 1 });
is($answer->{status}, 409, 'while a request is done');
is($answer->{json}{code}, 'idempotency_busy', 'another one is told so');
eventually { post('/shop/sync/slow', 'same', { data => 1 })->{status} == 200 }
           'then its answer is there';
NotifyTest::reap($_, undef, 10) for @pids;
is($receiver->count('/slow'), $before + 1, 'it was called once');

my $body = to_json({ %$wanted, name => 'leaves' });
for my $n (1 .. 20) {
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1:' . $nginx->port) or die;
    print $socket "POST /shop/subscriptions HTTP/1.1\r\nHost: x\r\n",
        "Idempotency-Key: leaves$n\r\nContent-Type: application/json\r\n",
        'Content-Length: ', length $body, "\r\n\r\n$body";
    close $socket;
}
for my $n (1 .. 20) {
    eventually {
        $answer = post('/shop/subscriptions', "leaves$n", $body);
        $answer->{status} == 201;
    } "created once, attempt $n";
}
is(scalar(grep { ($_->{name} // '') eq 'leaves' }
          @{ http(GET => $nginx->url('/shop/subscriptions'))->{json} }), 20,
   'a client that leaves and comes again has one');


# a worker that dies after the write: the same id, not a second subscription

my $key;
my %was = map { $_ => 1 } grep { /:once:/ } split /\n/, $redis->cli('KEYS', '*');
my $made = post('/shop/subscriptions', 'killed', { %$wanted, name => 'killed' });
($key) = grep { /:once:/ && !exists $was{$_} }
         split /\n/, $redis->cli('KEYS', '*');
my ($print) = $redis->cli('--raw', 'GET', $key) =~ /^(\w{32}) =201/;
ok(defined $print, 'what is kept begins with its digest');
my ($nonce) = $made->{json}{id} =~ /^sub_(\w+)/;
$redis->cli('SET', $key, "$print 1 $nonce");
$answer = post('/shop/subscriptions', 'killed', { %$wanted, name => 'killed' });
is($answer->{status}, 201, 'a request whose worker died is done again');
is($answer->{json}{id}, $made->{json}{id}, 'with the same id');
is($answer->{json}{secret}, $made->{json}{secret}, 'and secret');
is(scalar(grep { ($_->{name} // '') eq 'killed' }
          @{ http(GET => $nginx->url('/shop/subscriptions'))->{json} }), 1,
   'there is one');
finish();
