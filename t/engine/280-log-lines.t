# What the error log says of events, subscriptions and calls: in names that
# the reader knows, and without what nobody may read.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my ($gone, $dead) = map { free_port() } 1 .. 2;
my $nginx = NotifyTest::Nginx->new(redis => $redis, vars => {
    GONE => $gone, DEAD => $dead, HOOK => $receiver->port }, http => <<'END');
    notify_profile plain {
        allow 127.0.0.0/8; schemes http; retry 100ms jitter=0%;
        header X-Key k-$notify_subscription_api_key;
        breaker failures=3 window=1m cooldown=1h;
    }
    notify_provider push {
        url http://127.0.0.1:%%DEAD%%/push/secret-path; message hello;
    }
    notify_channel shop {
        profile plain; event a; event b sync; event c;
        setting url target;
        setting days unit=1s;
        retention 2s;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        notify_tenant $http_x_tenant optional;
        location /shop/ { notify_api shop; }
        location /gate { notify_sync shop b gate;
                         proxy_pass http://127.0.0.1:%%HOOK%%; }
        location /session { notify_session shop id=$arg_id
                                           subscription=$arg_sub;
                            proxy_pass http://127.0.0.1:%%HOOK%%; }
        location /emit { notify_emit shop c data=$arg_data
                                     entity_id=$arg_long;
                         proxy_pass http://127.0.0.1:%%HOOK%%; }
    }
END

sub call {
    my ($method, $path, $json, $tenant) = @_;
    return http($method => $nginx->url("/shop/$path"), json => $json,
                headers => { $tenant ? ('X-Tenant' => $tenant) : () });
}
sub subscribe {
    my ($url, $event, $tenant, %more) = @_;
    my $answer = call(POST => 'subscriptions', { url => $url, event => $event,
        secret => 'whsec_' . 'c2VjcmV0LW9mLW91cnMtdGhhdC1pcy1sb25n',
        apiKey => 'key-of-ours', %more }, $tenant);
    is($answer->{status}, 201, "a subscription of $event")
        or diag($answer->{content});
    return $answer->{json}{id};
}
sub publish {
    my ($type, $tenant, %more) = @_;
    return call(POST => 'events', { eventType => $type,
        data => { text => 'payload-of-ours' }, %more }, $tenant)->{json}{id};
}
sub line {
    my ($what, $title) = @_;
    my $found;
    eventually { ($found) = grep { $_ =~ $what } split /\n/, $nginx->log }
        $title;
    return $found // '';
}
# the context that follows the line
sub says {
    my ($line, @context) = @_;
    my $end = join ', ', @context;
    like($line, qr/, \Q$end\E(?:,|$)/, "with @context");
}

eventually { call(GET => 'health')->{status} == 200 } 'ready';


# an event that is given up, of a tenant and of none

for my $tenant ('ann', undef) {
    my $id = subscribe("http://127.0.0.1:$gone/path-of-ours?q=query-of-ours",
                       'a', $tenant);
    my $event = publish('a', $tenant);
    my @context = ('channel: "shop"', $tenant ? 'tenant: "ann"' : (),
                   qq{host: "127.0.0.1:$gone"});

    my $for = qr/event \Q$event\E for subscription "\Q$id\E"/;
    says(line(qr/attempt 1 of $for failed: connection refused/,
              'a failed attempt'), @context);
    says(line(qr/$for given up/, 'the end of it'), @context);
    my $line = line(qr/notify call: connect\(\) failed .*\Q$event\E/,
                    "nginx' own line");
    says($line, qq{event: "$event"}, qq{subscription: "$id"}, @context);
    publish('a', $tenant) for 1 .. 3;
    says(line(qr/breaker of subscription "\Q$id\E" opened/, 'a breaker'),
         @context);
    unlike($line, qr/tenant: ""/, 'no tenant is not said');
}

$receiver->script('/gone', { status => 410 });
my $id = subscribe($receiver->url('/gone'), 'a', 'bob');
publish('a', 'bob');
says(line(qr/subscription "\Q$id\E" is disabled/, 'one that is disabled'),
     'channel: "shop"', 'tenant: "bob"',
     'host: "127.0.0.1:' . $receiver->port . '"');


# the target, pushes

is(call(PATCH => 'settings', { url => "http://127.0.0.1:$gone/" })->{status},
   200, 'a target');
my $event = publish('c', 'ann');
says(line(qr/event \Q$event\E for subscription "target" given up/,
          "the target's end"),
     'channel: "shop"', 'tenant: "ann"', qq{host: "127.0.0.1:$gone"});

for (['push', qr/connection refused/], ['none', qr/unknown provider/]) {
    my ($provider, $why) = @$_;
    is(call(PUT => "sessions/s-$provider", { provider => $provider,
        deviceId => 'd', card => 'value-of-ours' }, 'ann')->{status}, 201,
       "a session of provider $provider");
    my $event = publish('c', 'ann', sessionId => "s-$provider");
    my $line = line(qr/notify push: event \Q$event\E dropped/, 'a drop');
    like($line, $why, 'says why');
    like($line, qr/wanted provider "$provider"/, 'and for which provider');
    like($line, qr/channel: "shop", tenant: "ann"/, 'and where');
}
like(line(qr/s-push|d", group ""/, 'the push'), qr/host: "127.0.0.1:$dead"/,
     'has a host');


# gates and captured events

$id = subscribe("http://127.0.0.1:$gone/", 'b', 'ann', mode => 'sync');
is(http(GET => $nginx->url('/gate'), headers => { 'X-Tenant' => 'ann' })
   ->{status}, 502, 'a gate whose subscriber is away');
says(line(qr/notify sync: "b" failed/, 'a line'), qq{subscription: "$id"},
     'channel: "shop"', 'tenant: "ann"', qq{host: "127.0.0.1:$gone"});
$receiver->script('/session', { status => 200 });
http(GET => $nginx->url('/session?id=s-9&sub=sub_none'),
     headers => { 'X-Tenant' => 'ann' });
says(line(qr/a session of "shop" is not registered: there is no such/,
          'a session that cannot be'), 'channel: "shop"', 'tenant: "ann"');
$receiver->script('/emit', { status => 200 });
http(GET => $nginx->url('/emit?long=' . 'x' x 600),
     headers => { 'X-Tenant' => 'ann' });
says(line(qr/notify emit: "c" is not emitted/, 'an event that is not valid'),
     'channel: "shop"', 'tenant: "ann"');


# days above what the log keeps

for (['days', 3, 422], ['days', '3', 422], ['days', 2, 200]) {
    my ($name, $value, $status) = @$_;
    my $answer = call(PATCH => 'settings', { $name => $value });
    is($answer->{status}, $status, "$name of $value: $status");
    like($answer->{content}, qr/from 0 to 2, events are kept no longer/,
         'with the bound') if $status == 422;
}
is(call(GET => 'settings')->{json}{days}, 2, 'what is kept is the last');


# nothing else

my $log = $nginx->log;
unlike($log, qr/\bnotify [a-z]+: [^\n]*\d{13}-\d/, 'no id of a stream');
unlike($log, qr/notify [a-z]+: [^\n]*\Q$_\E/, "not $_")
    for qw(payload-of-ours c2VjcmV0LW9mLW91cnMtdGhhdC1pcy1sb25n key-of-ours
           value-of-ours path-of-ours query-of-ours secret-path);

finish();
