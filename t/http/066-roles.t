# role=partner: every route of openapi.json with a partner's token, another
# tenant's ids and operators' actions.  Nothing is shown, nothing is done; what
# is the partner's own works.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(encode_base64url);
use Test::More;
use NotifyTest;

my $key = 'portal-key-0123456789abcdef0123456789';
my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(
    scripts => { '/globex' => [{ status => 500 }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, start => 0,
                                   http => <<'END');
notify_profile local { allow 127.0.0.0/8; sign standard; retry 1h; }
notify_channel shop {
    profile  local;
    event    order.paid sync;
    event    order.sent;
    setting  region optional;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /ops/ {
        notify_tenant $http_x_tenant;
        notify_api    shop role=operator;
    }
    location /all/    { notify_api shop; }
    location /portal/ {
        notify_verify jwt alg=HS256 key=%%DIR%%/portal.key;
        notify_tenant $notify_jwt_claim_sub required;
        notify_api    shop role=partner security=bearer;
    }
    location /publish { notify_tenant acme; notify_api shop events role=partner; }
    location /bare/   { notify_api shop role=partner; }
}
END
spew($nginx->dir . '/portal.key', "$key\n");
$nginx->start;

sub token {
    my ($sub) = @_;
    my ($head, $body) = map { encode_base64url(to_json($_)) }
        { alg => 'HS256' }, { sub => $sub, exp => time + 3600 };
    return "$head.$body." . encode_base64url(hmac_sha256("$head.$body", $key));
}

my $token = token('acme');

sub ops {
    my ($tenant, $method, $path, @more) = @_;
    return http($method => $nginx->url("/ops/$path"),
                headers => { 'X-Tenant' => $tenant }, @more);
}

sub partner {
    my ($method, $path, @more) = @_;
    return http($method => $nginx->url("/portal/$path"),
                headers => { Authorization => "Bearer $token" }, @more);
}

http_served(GET => $nginx->url('/ops/health'));
is(http(GET => $nginx->url('/portal/subscriptions'))->{status}, 401,
   'nobody gets in without a token');


# each has a subscription, an event, a delivery, a session and more

my %of;
for my $tenant (qw(acme globex)) {
    my $id = ops($tenant, POST => 'subscriptions', json => {
        url => $receiver->url("/$tenant"), event => 'order.sent',
        name => "of-$tenant" })->{json}{id};
    my $event = ops($tenant, POST => 'events', json => {
        eventType => 'order.sent', entityID => "entity-of-$tenant",
        data => "data-of-$tenant" })->{json}{id};
    my $delivery;
    eventually {
        my ($one) = @{ ops($tenant, GET => "subscriptions/$id/deliveries")
                       ->{json} };
        $delivery = $one->{id} if $one && $one->{attemptCount};
    } "$tenant has a delivery";
    is(ops($tenant, PUT => "sessions/session-of-$tenant", json => {
           token => "token-of-$tenant" })->{status} / 100 | 0, 2,
       "$tenant has a session");
    is(ops($tenant, PUT => "settings/$tenant", json => {
           flags => { 'order.sent' => JSON::PP::true } })->{status}, 200,
       "$tenant has settings");
    my $cursor = ops($tenant, GET => 'deltas')->{json}{cursor};
    is(ops($tenant, POST => "deltas/consumers/consumer-of-$tenant", json => {
           cursor => $cursor })->{status} / 100 | 0, 2,
       "$tenant has a consumer");
    $of{$tenant} = { subscription => $id, event => $event,
                     delivery => $delivery };
}

sub state_of {
    my ($tenant) = @_;
    my $of = $of{$tenant};
    return to_json([map { ops($tenant, GET => $_)->{json} }
        'subscriptions', "subscriptions/$of->{subscription}/deliveries",
        "events/$of->{event}", 'deltas', "settings/$tenant",
        "sessions/session-of-$tenant", 'stats']);
}

my $before = state_of('globex');
my $calls = $receiver->count('/globex');


# every route, as the operator's openapi.json has them

my $api = ops('acme', GET => 'openapi.json')->{json};
my $theirs = partner(GET => 'openapi.json')->{json};
my %refused;

sub example {
    my ($operation) = @_;
    my $content = ($operation->{requestBody} // {})->{content} // return;
    my ($media) = values %$content;
    return $media->{example} // {};
}

for my $template (sort keys %{ $api->{paths} }) {
    my $item = $api->{paths}{$template};
    my ($rest) = $template =~ m{^/ops/(.*)};
    ok(defined $rest, "$template is a route") or next;

    for my $method (sort grep { ref $item->{$_} eq 'HASH' } keys %$item) {
        for my $whose (qw(acme globex)) {
            next if $whose eq 'acme' && $method eq 'delete';

            my $of = $of{$whose};
            my %id = (event => 'order.paid', scope => $whose,
                      name => "consumer-of-$whose");
            my $path = $rest =~ s/\{(\w+)\}/
                $id{$1} \/\/ ($rest =~ m{^subscriptions} ? $of->{subscription}
                            : $rest =~ m{^events}        ? $of->{event}
                            : $rest =~ m{^deliveries}    ? $of->{delivery}
                            : $rest =~ m{^sessions} ? "session-of-$whose"
                            : 'some')/gerx;
            my $body = example($item->{$method});
            my $answer = partner(uc $method, $path,
                                 $method =~ /^(?:get|delete)$/ ? ()
                                 : (json => $body // {}));

            my $role = $answer->{status} == 403
                && ($answer->{json}{code} // '') eq 'role';
            $refused{"$method $rest"} = 1 if $role;
            cmp_ok($answer->{status}, '<', 500, "$method $path is answered");
            unlike($answer->{content}, qr/(?:entity|data|token)-of-globex/,
                   'and shows nothing of another tenant');
            next if $whose eq 'acme' || $path eq $rest || $role
                 || $rest =~ /^(?:samples|event-types)/;

            # what is named is another tenant's: it is not there
            like($answer->{status},
                 $method eq 'delete' || $rest =~ /consumers/ ? qr/^(?:2|4)/
                                                             : qr/^4/,
                 "$method $path is not there") or diag($answer->{content});
        }
    }
}

is_deeply([sort keys %refused], [sort
    'post events', 'post sync/{event}',
    'put settings', 'patch settings', 'put settings/{scope}',
    'patch settings/{scope}', 'put sessions/{id}', 'delete sessions/{id}',
    'post sessions/{id}/connected', 'post sessions/{id}/heartbeat',
    'post sessions/{id}/disconnected',
    (grep { /^(?:delete events|post event-types)/ } keys %refused)],
    'what is the operators\' is refused');

is(state_of('globex'), $before, 'nothing of another tenant has changed');
is($receiver->count('/globex'), $calls, 'and nobody was called');

my %theirs = map { my $path = s{^/portal/}{}r;
                   my $item = $theirs->{paths}{$_};
                   map { ("$_ $path" => 1) }
                   grep { ref $item->{$_} eq 'HASH' } keys %$item }
             keys %{ $theirs->{paths} };
ok(!(grep { $theirs{$_} } keys %refused), 'their openapi.json lacks it');
ok(!(grep { !$theirs{$_} } 'get stats', 'post subscriptions',
     'patch subscriptions/{id}', 'post subscriptions/{id}/test',
     'post events/{id}/redeliver', 'get deliveries/{id}', 'get settings'),
   'and has what they may');
is_deeply($theirs->{security}, [{ bearer => [] }], 'and how they get in');


# what is their own

my $stats = partner(GET => 'stats')->{json};
is($stats->{tenant}, 'acme', 'they see their own stats');
is($stats->{counters}{published}, 1, 'with what was published for them');
my $all = http(GET => $nginx->url('/all/stats'))->{json};
is($all->{counters}{published}, 2, 'the operators see the sum');
my $answer = partner(POST => 'subscriptions', json => {
    url => $receiver->url('/own'), event => 'order.sent' });
is($answer->{status}, 201, 'they subscribe') or diag($answer->{content});
is(partner(POST => "subscriptions/$answer->{json}{id}/test", json => {})
   ->{json}{success}, JSON::PP::true, 'and test');
is(partner(DELETE => "subscriptions/$answer->{json}{id}")->{status}, 204,
   'and end it');
is(partner(POST => 'events', json => { eventType => 'order.sent' })->{json}
   {code}, 'role', 'a publish is refused by name');
is(http(POST => $nginx->url('/publish'), json => {
       eventType => 'order.sent' })->{status}, 403,
   'also where events are mounted alone');
is(http(GET => $nginx->url("/publish/$of{acme}{event}"))->{status}, 200,
   'where they can be read');
is(http(GET => $nginx->url("/bare/$_"))->{json}{code}, 'role',
   "without a tenant there are no $_") for qw(stats settings);

finish();
