# The mistakes that users of the API are likely to make, over 200 of them, and
# what they are told: a status, a code, the words, and which member it is.  The
# words name the member or the parameter, and what is wanted in its place.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $dir = NotifyTest::test_dir();
spew("$dir/order.json", <<'END');
{"type": "object", "required": ["total"], "additionalProperties": false,
 "properties": {
    "total": {"type": "number", "minimum": 0},
    "state": {"enum": ["open", "closed"]},
    "lines": {"type": "array", "maxItems": 2,
              "items": {"type": "object", "required": ["sku"]}},
    "note": {"type": "string", "maxLength": 4}
}}
END
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<"END");
notify_profile local { sign standard; }
notify_profile tls   { schemes https; }
notify_profile plain { retry off; }
notify_channel shop {
    profile      local tls;
    event        order.paid schema=$dir/order.json alias=order.payed;
    event        order.sent;
    event        order.check sync iframe;
    attribute    country "pattern=^[A-Z]{2}\$";
    attribute    shop required;
    entity_type  order 1 Small;
    entity_type  order 2 Large;
}
notify_channel app {
    profile  plain;
    event    order.paid off alias=order.payed;
    event    order.sent off;
    setting  url target;
    setting  days unit=1d;
    setting  region optional;
}
notify_channel few {
    event              order.paid;
    subscriptions_max  2;
    sessions_max       2;
    subscription_size  1k;
    publish_rate       2r/m;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/  { notify_api shop; }
    location /app/   { notify_api app; }
    location /few/   { notify_api few; }
    location /small/ { client_max_body_size 64; notify_api shop; }
    location /mine/  { notify_tenant \$arg_tenant required; notify_api shop; }
    location /one/   { notify_tenant acme; notify_api shop; }
    location /try/   { notify_api shop samples; }
}
END


# what is right, but for what is given; undef leaves a member away

sub with {
    my ($members) = @_;
    return { map { $_ => $members->{$_} }
             grep { defined $members->{$_} } keys %$members };
}

sub sub_of {
    return with({ url => 'https://a.test/', event => 'order.sent',
                  shop => 'oslo', @_ });
}

sub event_of { return with({ eventType => 'order.sent', shop => 'oslo', @_ }) }
sub few      { return sub_of(event => 'order.paid', shop => undef, @_) }
sub paid     { return event_of(eventType => 'order.paid', data => $_[0]) }
sub filter   { return sub_of(filter => $_[0]) }

sub nested {
    my ($depth) = @_;
    my $filter = { 'data.a' => 1 };
    $filter = { '$not' => $filter } for 1 .. $depth;
    return $filter;
}

# bytes and headers, in place of what is sent as JSON
sub raw {
    my ($body, %headers) = @_;
    return \{ body => $body,
              headers => { 'Content-Type' => 'application/json', %headers } };
}

sub req {
    my ($method, $path, $body) = @_;
    my %option = ref $body eq 'REF' ? %$$body
               : defined $body      ? (json => $body)
               :                      ();
    return http_served($method => $nginx->url($path), %option);
}


# what there is: a subscription, an event, a session, a key that was used

my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my @ndjson = ('Content-Type' => 'application/x-ndjson');
my $line = to_json(event_of());
my @form = ('Content-Type' => 'application/x-www-form-urlencoded');
my @new = (POST => '/shop/subscriptions');
my @publish = (POST => '/shop/events');
my @bad = (422, 'invalid_members');
my @bad_parameter = (400, 'invalid_parameter');
my @not_json = (400, 'invalid_json');
my @not_found = (404, 'not_found');
my @not_allowed = (405, 'method_not_allowed');

sub given {
    my ($answer) = @_;
    like($answer->{status}, qr/^20/, 'what is right is accepted')
        or diag($answer->{content});
    return $answer->{json};
}

my $one = '/shop/subscriptions/' . given(req(@new, sub_of()))->{id};
my $published = given(req(@publish, raw(to_json(event_of(country => 'SE')),
                                        'Idempotency-Key' => 'used')));
my ($event, $cursor) = ("/shop/events/$published->{id}", $published->{cursor});
given(req(@new, raw(to_json(sub_of(name => 'used')),
                    'Idempotency-Key' => 'used')));
given(req(PUT => '/shop/sessions/s-0', {}));
for my $n (1, 2) {
    given(req(PUT => "/few/sessions/s-$n", {}));
    given(req(POST => '/few/subscriptions', few()));
}


# [METHOD => PATH, what is sent, STATUS, CODE, WORDS, POINTER]: what is sent is
# JSON, raw(), or left out; with a pointer the words are those of that member

my @mistakes = (
    # a subscription: where it calls, and for what

    [@new, sub_of(url => undef),
     @bad, 'is missing', '/url'],
    [@new, sub_of(url => ''),
     @bad, 'is empty', '/url'],
    [@new, sub_of(url => 5),
     @bad, 'must be a string', '/url'],
    [@new, sub_of(url => 'a.test/hook'),
     @bad, 'is not acceptable: the URL does not begin with "http://" or '
      . '"https://"', '/url'],
    [@new, sub_of(url => 'https://me:secret@a.test/'),
     @bad, 'is not acceptable: the URL has user information', '/url'],
    [@new, sub_of(url => 'https://a.test/#part'),
     @bad, 'is not acceptable: the URL has a fragment', '/url'],
    [@new, sub_of(url => 'http://127.0.0.1/'),
     @bad, 'is not acceptable: address 127.0.0.1 is in 127.0.0.0/8, not '
      . 'allowed ("allow" in the profile)', '/url'],
    [@new, sub_of(url => 'https://a.test/' . 'x' x 2048),
     @bad, 'is not acceptable: the URL is longer than 2048 bytes', '/url'],
    [@new, sub_of(url => 'http://a.test/', profile => 'tls'),
     @bad, 'is not acceptable: scheme "http" is not allowed ("schemes" in '
      . 'the profile)', '/url'],
    [@new, sub_of(callbackUrl => 'https://b.test/'),
     @bad, 'is given twice, as "url" too', '/callbackUrl'],
    [@new, sub_of(timeout => '5s'),
     @bad, 'cannot be set: the profile has no "customize timeout"',
     '/timeout'],
    [@new, sub_of(uid => 'crm/1'),
     @bad, 'must not be empty nor have a "/"', '/uid'],
    [@new, sub_of(uid => 'x' x 257),
     @bad, 'is longer than 256 bytes', '/uid'],
    [@new, sub_of(event => undef),
     @bad, 'is missing', '/event'],
    [@new, sub_of(event => 'order.payd'),
     @bad, '"order.payd" is not an event of this channel, event-types lists '
      . 'them: order.paid, order.sent, order.check', '/event'],
    [@new, sub_of(event => 7),
     @bad, 'must be a string', '/event'],
    [@new, sub_of(event => ['order.sent']),
     @bad, 'must be a string', '/event'],
    [@new, sub_of(events => ['order.sent', 5], event => undef),
     @bad, 'must be a string', '/events/1'],
    [@new, sub_of(events => ['order.sent', 'order.gone'], event => undef),
     @bad, '"order.gone" is not an event of this channel, event-types lists '
      . 'them: order.paid, order.sent, order.check', '/events/1'],
    [@new, sub_of(events => [('order.sent') x 101], event => undef),
     @bad, 'has more than 100 names', '/events'],
    [@new, sub_of(events => [], event => undef),
     @bad, 'is empty', '/events'],
    [@new, sub_of(event => ''),
     @bad, 'is empty', '/event'],
    [@new, sub_of(profile => 'gold'),
     @bad, '"gold" is not a profile of this channel: local, tls', '/profile'],
    [@new, sub_of(entityType => 'Huge'),
     @bad, '"Huge" is not an entity type of order.sent: Small, Large',
     '/entityType'],
    [@new, sub_of(events => ['order.paid']),
     @bad, 'contradicts "events"', '/event'],
    [@new, sub_of(event => undef, objectType => 'order'),
     @bad, 'is missing', '/eventType'],
    [@new, sub_of(entityTypeID => 1.5),
     @bad, 'must be an integer or a string', '/entityTypeID'],
    [@new, sub_of(entityTypeID => 1, entityType => 'Small'),
     @bad, 'is given twice, as "entityTypeID" too', '/entityType'],

    # a subscription: what else it may say

    [@new, sub_of(colour => 'red'),
     @bad, 'is not a member of a subscription', '/colour'],
    [@new, sub_of(country => 'no'),
     @bad, 'does not match ^[A-Z]{2}$', '/country'],
    [@new, sub_of(mode => 'push'),
     @bad, 'must be "webhook", "sync" or "iframe"', '/mode'],
    [@new, sub_of(mode => 'sync'),
     @bad, 'the event "order.sent" is not declared "sync"', '/mode'],
    [@new, sub_of(mode => 'sync', event => undef,
                   events => ['order.check', 'order.sent']),
     @bad, '"sync" takes exactly one event, named in full', '/mode'],
    [@new, sub_of(mode => 'sync', event => '*'),
     @bad, '"sync" takes exactly one event, named in full', '/mode'],
    [@new, sub_of(secret => 'hunter2'),
     @bad, 'cannot be used: it is not base64 of 24 to 64 bytes, as Standard '
      . 'Webhooks has it', '/secret'],
    [@new, sub_of(secret => 12345),
     @bad, 'must be a string', '/secret'],
    [@new, sub_of(secret => 'whsec_c2hvcnQ='),
     @bad, 'cannot be used: what follows "whsec_" is not base64 of 24 to 64 '
      . 'bytes', '/secret'],
    [@new, sub_of(secret => 'whsk_AAAA'),
     @bad, 'cannot be used: what follows "whsk_" is not base64 of an Ed25519 '
      . 'key of 32 or 64 bytes', '/secret'],
    [@new, sub_of(signature => 'rsa'),
     @bad, 'must be "ed25519" or "hmac"', '/signature'],
    [@new, sub_of(signature => 'ed25519', secret => 'whsec_' . 'A' x 32),
     @bad, 'is not what the secret is for; give a "secret" of that kind',
     '/signature'],
    [@new, sub_of(apiKey => 'k' x 1025),
     @bad, 'is longer than 1024 bytes', '/apiKey'],
    [@new, sub_of(headers => 'X-A: 1'),
     @bad, 'must be an object of strings', '/headers'],
    [@new, sub_of(headers => { 'X-A' => 1 }),
     @bad, 'must be a string', '/headers/X-A'],
    [@new, sub_of(headers => { 'X A' => '1' }),
     @bad, 'is not the name of a header', '/headers/X A'],
    [@new, sub_of(headers => { Host => 'a' }),
     @bad, 'is a header that a subscription may not set', '/headers/Host'],
    [@new, sub_of(headers => { 'X-A' => "1\r\nX-B: 2" }),
     @bad, 'has control characters', '/headers/X-A'],
    [@new, sub_of(headers => { map { ("X-$_" => 'a') } 1 .. 33 }),
     @bad, 'has more than 32 members', '/headers'],
    [@new, sub_of(headers => { 'X-A' => 'a' x 4097 }),
     @bad, 'is longer than 4096 bytes', '/headers/X-A'],
    [@new, sub_of(rate => 'fast'),
     @bad, 'must be like "10r/s" or "30r/m", or a number per second', '/rate'],
    [@new, sub_of(inFlight => 'many'),
     @bad, 'must be an integer from 1 to 10000', '/inFlight'],
    [@new, sub_of(inFlight => 10001),
     @bad, 'must be an integer from 1 to 10000', '/inFlight'],
    [@new, sub_of(name => 5),
     @bad, 'must be a string', '/name'],
    [@new, sub_of(name => 'n' x 257),
     @bad, 'is longer than 256 bytes', '/name'],
    [@new, sub_of(metadata => ['a']),
     @bad, 'must be an object of strings', '/metadata'],
    [@new, sub_of(metadata => { a => 1 }),
     @bad, 'must be a string', '/metadata/a'],
    [@new, sub_of(metadata => { map { ("k$_" => 'a') } 1 .. 51 }),
     @bad, 'has more than 50 members', '/metadata'],
    [@new, sub_of(enabled => 'yes'),
     @bad, 'must be true or false', '/enabled'],
    [@new, [sub_of()],
     @not_json, 'the body must be a JSON object'],

    # a subscription: its filter

    [@new, filter('data.amount > 5'),
     @bad, 'must be an object', '/filter'],
    [@new, filter({ amount => 5 }),
     @bad, 'begins a path with "amount", which no event has', '/filter'],
    [@new, filter({ 'data.amount' => {} }),
     @bad, 'has no conditions; that it is an empty object is {"$eq":{}}',
     '/filter/data.amount'],
    [@new, filter({ 'data.amount' => { '$gt' => $true } }),
     @bad, 'must be a number or a string', '/filter/data.amount/$gt'],
    [@new, filter({ 'data.state' => { '$in' => 'open' } }),
     @bad, 'must be an array of values', '/filter/data.state/$in'],
    [@new, filter({ 'data.state' => { '$exists' => 'yes' } }),
     @bad, 'must be true or false', '/filter/data.state/$exists'],
    [@new, filter({ 'data.state' => { '$prefix' => 5 } }),
     @bad, 'must be a string', '/filter/data.state/$prefix'],
    [@new, filter({ '$or' => { 'data.a' => 1 } }),
     @bad, 'must be an array of filters', '/filter/$or'],
    [@new, filter({ 'data..a' => 1 }),
     @bad, 'must be names separated by dots', '/filter/data..a'],
    [@new, filter({ time => { '$gt' => 'yesterday' } }),
     @bad, 'must be an RFC 3339 time', '/filter/time/$gt'],
    [@new, filter(nested(9)),
     @bad, 'is nested too deeply',
     '/filter/$not/$not/$not/$not/$not/$not/$not/$not/$not'],

    # a subscription that there is

    [PATCH => $one, { url => undef },
     @bad, 'is missing', '/url'],
    [PATCH => $one, { filter => { colour => 1 } },
     @bad, 'begins a path with "colour", which no event has', '/filter'],
    [PATCH => $one, raw('[{"op":"replace"}]'),
     @not_json, 'the body must be a JSON object'],
    [PATCH => $one, raw('{"name":"a"}', 'If-Match' => '"999"'),
     412, 'version_mismatch', 'the subscription has changed since the '
      . 'version in If-Match'],
    [PATCH => $one, raw('{"name":"a"}', 'If-Match' => '999'),
     @bad_parameter, 'If-Match must be an ETag as it was given out, with its '
      . 'quotes, as "1"'],
    [POST => "$one/test", { event => 'order.sent' },
     @bad, 'is not a member of this request', '/event'],
    [POST => "$one/enable", { enabled => $true },
     @bad, 'is not a member of this request', '/enabled'],
    [PATCH => '/shop/subscriptions/sub_none', { name => 'a' },
     @not_found, 'there is no such subscription'],
    [GET => '/one' . substr($one, 5),
     @not_found, 'there is no such subscription'],
    [POST => "$one/redeliver", { since => 'yesterday' },
     @bad, 'must be an RFC 3339 time or the id of an event', '/since'],
    [POST => "$one/redeliver", { since => undef },
     @bad, 'must be an RFC 3339 time or the id of an event', '/since'],
    [POST => "$one/redeliver", { since => '2026-01-02T00:00:00Z',
         until => '2026-01-01T00:00:00Z' },
     @bad, 'is before "since"', '/until'],
    [POST => "$one/redeliver", { all => 'yes' },
     @bad, 'must be true or false', '/all'],
    [POST => "$one/redeliver", { from => '2026-01-01T00:00:00Z' },
     @bad, 'is not a member of this request', '/from'],
    [POST => "$one/rotate-secret", { grace => 'soon' },
     @bad, 'must be a time like "24h", at most "30d"', '/grace'],
    [POST => "$one/rotate-secret", { secret => 'whsec_A' },
     @bad, 'is not a member of this request', '/secret'],
    [POST => "$one/stop",
     @not_found, 'there is nothing at this path'],
    [POST => '/shop/subscriptions/sub_none/test',
     @not_found, 'there is no such subscription'],
    [GET => "$one/deliveries?status=failed",
     @bad_parameter, '"status" must be succeeded, pending, retrying, dead or '
      . 'skipped'],
    [GET => "$one/deliveries?before=yesterday",
     @bad_parameter, '"before" must be the id of an event'],

    # an event

    [@publish, event_of(eventType => undef),
     @bad, 'is missing', '/eventType'],
    [@publish, event_of(eventType => 'order.payd'),
     @bad, '"order.payd" is not an event of this channel, event-types lists '
      . 'them: order.paid, order.sent, order.check', '/eventType'],
    [@publish, event_of(eventType => ['order.sent']),
     @bad, 'must be a string', '/eventType'],
    [@publish, event_of(event => 'order.sent'),
     @bad, 'is given twice, as "event" too', '/eventType'],
    [@publish, event_of(objectType => 'invoice'),
     @bad, '"invoice.order.sent" is not an event of this channel, '
      . 'event-types lists them: order.paid, order.sent, order.check',
     '/eventType'],
    [@publish, event_of(shop => undef),
     @bad, 'is missing', '/shop'],
    [@publish, event_of(country => 'Norway'),
     @bad, 'does not match ^[A-Z]{2}$', '/country'],
    [@publish, event_of(shop => 'x' x 513),
     @bad, 'is longer than 512 bytes', '/shop'],
    [@publish, event_of(entityId => [1]),
     @bad, 'must be a whole number of 64 bits, or a string', '/entityId'],
    [@publish, event_of(entityID => 1.5),
     @bad, 'must be a whole number of 64 bits, or a string', '/entityID'],
    [@publish, event_of(entityTypeID => $true),
     @bad, 'must be a whole number of 64 bits, or a string', '/entityTypeID'],
    [@publish, event_of(entityType => 'Huge'),
     @bad, '"Huge" is not an entity type of order.sent: Small, Large',
     '/entityType'],
    [@publish, event_of(time => 'yesterday'),
     @bad, 'must be an RFC 3339 date and time', '/time'],
    [@publish, event_of(time => '2026-02-30T00:00:00Z'),
     @bad, 'must be an RFC 3339 date and time', '/time'],
    [@publish, event_of(time => 1767225600),
     @bad, 'must be an RFC 3339 date and time', '/time'],
    [@publish, event_of(uid => 'u' x 513),
     @bad, 'is longer than 512 bytes', '/uid'],
    [@publish, event_of(customerId => 'c' x 513),
     @bad, 'is longer than 512 bytes', '/customerId'],
    [@publish, event_of(payload => {}),
     @bad, 'is not a member of an event', '/payload'],
    [@publish, event_of(Data => 1, sent => 1),
     @bad, 'is not a member of an event', '/sent'],
    [@publish, 'order.sent',
     @bad, 'must be an object', ''],

    # an event's data, against the schema of its type

    [@publish, event_of(eventType => 'order.paid'),
     @bad, 'must be an object, not null', '/data'],
    [@publish, paid({}),
     @bad, 'is required', '/data/total'],
    [@publish, paid('12.50'),
     @bad, 'must be an object, not a string', '/data'],
    [@publish, paid({ total => '12.50' }),
     @bad, 'must be a number, not a string', '/data/total'],
    [@publish, paid({ total => -1 }),
     @bad, 'is less than 0', '/data/total'],
    [@publish, paid({ total => 1, state => 'paid' }),
     @bad, 'must be one of "open", "closed"', '/data/state'],
    [@publish, paid({ total => 1, vat => 2 }),
     @bad, 'is not allowed', '/data/vat'],
    [@publish, paid({ total => 1, note => 'too long' }),
     @bad, 'is longer than 4 characters', '/data/note'],
    [@publish, paid({ total => 1, lines => {} }),
     @bad, 'must be an array, not an object', '/data/lines'],
    [@publish, paid({ total => 1, lines => [{}] }),
     @bad, 'is required', '/data/lines/0/sku'],
    [@publish, paid({ total => 1, lines => [({ sku => 1 }) x 3] }),
     @bad, 'has more than 2 elements', '/data/lines'],

    # many events

    [@publish, [],
     422, 'no_events', 'a request takes 1 to 1000 events'],
    [@publish, [(event_of()) x 1001],
     422, 'too_many_events', 'a request takes 1 to 1000 events'],
    [@publish, [event_of(), event_of(time => 'now')],
     @bad, 'must be an RFC 3339 date and time', '/1/time'],
    [@publish, [event_of(), 5],
     @bad, 'must be an object', '/1'],
    [@publish, raw(qq([$line,{"eventType":"order.sent","uid":1,"uid":2}])),
     400, 'duplicate_member', 'the member "uid" is given twice, in /1'],
    [@publish, raw('{"eventType":"order.sent","data":{"a":[{"b":1,"b":2}]}}'),
     400, 'duplicate_member', 'the member "b" is given twice'],
    [@publish, raw(qq($line\n{"eventType":\n), @ndjson),
     @not_json, 'line 2 is not acceptable JSON: unexpected end at byte 13'],
    [@publish, raw("$line\n[]\n", @ndjson),
     @bad, 'must be an object', '/1'],
    [@publish, raw(qq($line\n{"eventType":"x","shop":"a"}\n), @ndjson),
     @bad, '"x" is not an event of this channel, event-types lists them: '
      . 'order.paid, order.sent, order.check', '/1/eventType'],
    [POST => '/few/events', [({ eventType => 'order.paid' }) x 9],
     429, 'publish_rate', '9 events at once are more than the burst of '
      . 'publish_rate, 1'],

    # what there is of an event

    [GET => '/shop/events/evt_none',
     @not_found, 'there is no such event (any more)'],
    [POST => '/shop/events/evt_none/redeliver', { subscription => 'sub_x' },
     @not_found, 'there is no such event (any more)'],
    [POST => "$event/redeliver", {},
     @bad, 'must be the id of a subscription', '/subscription'],
    [POST => "$event/redeliver", { subscription => 'sub_none' },
     @not_found, 'there is no such subscription'],
    [GET => '/shop/deliveries?status=failed',
     @bad_parameter, '"status" must be succeeded, pending, retrying, dead or '
     . 'skipped'],
    [GET => '/shop/deliveries?event=order.paid',
     @bad_parameter, '"event" must be the id of an event'],
    [GET => '/shop/events?since=yesterday',
     @bad_parameter, '"since" must be an RFC 3339 time or the id of an event'],
    [POST => '/shop/redeliver', {},
     @bad, 'or "status" must be there: nothing is redelivered from the log\'s '
     . 'beginning by chance', '/since'],
    [POST => '/shop/redeliver', { status => 'failed' },
     @bad, 'must be "dead", "missed" or "all"', '/status'],
    [POST => '/shop/redeliver', { status => 'all', subscriptions => 'sub_1' },
     @bad, 'must be an array of 1 to 1000 ids', '/subscriptions'],
    [POST => '/shop/filter/test', { filter => { 'data.a' => 1 } },
     @bad, 'is missing', '/event'],
    [POST => '/shop/filter/test',
     { filter => { 'data.a' => { '$suffix' => 1 } }, event => {} },
     @bad, 'must be a string', '/filter/data.a/$suffix'],
    [POST => '/shop/filter/test', { filter => { '/data/~' => 1 },
                                    event => {} },
     @bad, 'is not a JSON pointer into an event', '/filter/~1data~1~0'],
    [GET => '/shop/deliveries/dlv_none',
     @not_found, 'there is no such delivery'],
    [POST => '/shop/deliveries/dlv_none/redeliver',
     @not_found, 'there is no such delivery'],

    # deltas, their cursors and consumers

    [GET => '/shop/deltas?cursor=abc',
     400, 'invalid_cursor', 'the cursor was not given out here'],
    [GET => '/shop/deltas', \{ headers => { 'Last-Event-ID' => 'abc',
         Accept => 'text/event-stream' } },
     400, 'invalid_cursor', 'Last-Event-ID was not given out here'],
    [GET => '/shop/deltas?subscription=none',
     @not_found, 'there is no such subscription: "none"'],
    [GET => '/shop/deltas?eventType=order.payd',
     @bad_parameter, '"eventType" is "order.payd", which is not an event of '
      . 'this channel, event-types lists them: order.paid, order.sent, '
      . 'order.check'],
    [GET => '/shop/deltas?since=yesterday',
     @bad_parameter, '"since" must be an RFC 3339 time or the id of an event'],
    [GET => '/shop/deltas?limit=0',
     @bad_parameter, '"limit" must be between 1 and 250'],
    [GET => '/shop/deltas?limit=1000',
     @bad_parameter, '"limit" must be between 1 and 250'],
    [GET => '/shop/deltas?limit=1&limit=2',
     @bad_parameter, 'the parameter "limit" is given twice'],
    [GET => '/shop/deltas?page=2',
     400, 'unknown_parameter', '"page" is not a parameter of this request; '
      . 'there are cursor, since, limit, eventType, entityTypeID, '
      . 'subscription, missed, wait, consumer'],
    [GET => '/shop/deltas?wait=long',
     @bad_parameter, '"wait" must be a time of at most 5m, as 30s'],
    [GET => '/shop/deltas?missed=true',
     @bad_parameter, '"missed" goes with a "subscription"'],
    [GET => '/shop/deltas?subscription=x&missed=yes',
     @bad_parameter, '"missed" must be true or false'],
    [GET => "/shop/deltas?since=2026-01-01T00:00:00Z&cursor=$cursor",
     @bad_parameter, '"since", "cursor" and "consumer" exclude each other'],
    [GET => '/shop/deltas?consumer=a%20b',
     @bad_parameter, '"consumer" must be 1 to 128 characters of '
      . '[A-Za-z0-9_.-]'],
    [GET => '/shop/deltas/consumers/none',
     @not_found, 'no such consumer has committed yet'],
    [POST => '/shop/deltas/consumers/erp', {},
     @bad, 'must be a cursor that was given out here', '/cursor'],
    [POST => '/shop/deltas/consumers/erp', { cursor => 'abc' },
     400, 'invalid_cursor', 'the cursor was not given out here'],
    [POST => '/shop/deltas/consumers/erp', { cursor => 5 },
     @bad, 'must be a cursor that was given out here', '/cursor'],
    [POST => '/shop/deltas/consumers/erp', { cursor => $cursor, limit => 1 },
     @bad, 'is not a member of this request', '/limit'],
    [POST => '/one/deltas/consumers/erp', { cursor => $cursor },
     400, 'invalid_cursor', 'the cursor was not given out here'],

    # questions to one subscriber

    [POST => '/shop/sync/order.payd', {},
     @not_found, '"order.payd" is not an event of this channel, event-types '
      . 'lists them: order.paid, order.sent, order.check'],
    [POST => '/shop/sync/order.check', {},
     @bad, 'is missing', '/shop'],
    [POST => '/shop/sync/order.check', { shop => 'oslo',
         eventType => 'order.sent' },
     @bad, 'is not "order.check", as the path says', '/eventType'],
    [POST => '/shop/sync/order.check', [],
     @bad, 'must be an object', ''],
    [POST => '/shop/sync/order.check', raw('{"shop":}'),
     @not_json, 'the body is not JSON: a value is expected at byte 8'],
    [POST => '/shop/sync/order.check', { shop => 'oslo' },
     404, 'NOTIFICATION_NO_SUBSCRIBER', 'nobody is subscribed to '
      . '"order.check" in sync or iframe mode'],

    # sessions

    [PUT => '/shop/sessions/s-1', { ttl => 'long' },
     @bad, 'must be a time of 1 to 31622400 seconds', '/ttl'],
    [PUT => '/shop/sessions/s-1', { ttl => '400d' },
     @bad, 'must be a time of 1 to 31622400 seconds', '/ttl'],
    [PUT => '/shop/sessions/s-1', { subscription => 'sub_none' },
     @bad, 'there is no such subscription', '/subscription'],
    [PUT => '/shop/sessions/s-1', { subscription => {} },
     @bad, 'is a browser\'s, but the provider is not of type webpush',
     '/subscription'],
    [PUT => '/shop/sessions/s-1', { deviceId => ['d'] },
     @bad, 'must be a text, a number or a boolean', '/deviceId'],
    [POST => '/shop/sessions/s-0/connected', { timeout => 'long' },
     @bad, 'must be a time of 1 to 86400 seconds', '/timeout'],
    [POST => '/shop/sessions/s-0/heartbeat', { timeout => '2d' },
     @bad, 'must be a time of 1 to 86400 seconds', '/timeout'],
    [POST => '/shop/sessions/s-0/connected', { ttl => '1m' },
     @bad, 'is not a member of this request', '/ttl'],
    [POST => '/shop/sessions/s-0/disconnected', { timeout => '1m' },
     @bad, 'is not a member of this request', '/timeout'],
    [PUT => '/shop/sessions/s-1', raw('a=1&=2', @form),
     400, 'invalid_form', 'the field "" of the form has no name'],
    [PUT => '/shop/sessions/s-1', raw('a=1&A=2', @form),
     400, 'invalid_form', 'the field "A" of the form is given twice'],
    [PUT => '/shop/sessions/s-1', raw('a=%ff', @form),
     400, 'invalid_form', 'the field "a" of the form is not UTF-8, or its '
      . 'name has a NUL'],
    [PUT => '/shop/sessions/s-1',
     raw(join('&', map { "a$_=1" } 1 .. 65), @form),
     400, 'invalid_form', 'the field "a65" of the form is one too many, 64 '
      . 'are allowed'],
    [POST => '/shop/sessions/none/connected',
     @not_found, 'there is no such session'],
    [GET => '/shop/sessions/none',
     @not_found, 'there is no such session'],

    # settings

    [PATCH => '/app/settings', { colour => 'red' },
     @bad, 'is not a setting of this channel', '/colour'],
    [PATCH => '/app/settings', { flags => ['order.paid'] },
     @bad, 'must be an object of types and booleans', '/flags'],
    [PATCH => '/app/settings', { flags => { 'order.payd' => $true } },
     @bad, 'is not an event that this channel declares', '/flags/order.payd'],
    [PATCH => '/app/settings', { flags => { 'order.paid' => 'on' } },
     @bad, 'must be true, false or null', '/flags/order.paid'],
    [PATCH => '/app/settings', { flags => { 'order.paid' => $true,
         'order.payed' => $true } },
     @bad, 'is given twice, by an alias too', '/flags/order.payed'],
    [PATCH => '/app/settings', { days => 'soon' },
     @bad, 'must be an integer from 0 to 15, events are kept no longer '
      . '(retention)', '/days'],
    [PATCH => '/app/settings', { url => 'a.test' },
     @bad, 'is not acceptable: the URL does not begin with "http://" or '
      . '"https://"', '/url'],
    [PATCH => '/app/settings', { region => 5 },
     @bad, 'must be a string', '/region'],
    [PATCH => '/app/settings/acme', { region => 'north' },
     @bad, 'is global: it cannot be set for one scope', '/region'],
    [PATCH => '/app/settings', { flags => { 'order.sent' => $true } },
     409, 'settings_missing', 'is not set', '/url'],
    [GET => '/one/settings/other',
     @not_found, 'there are no settings at this path'],

    # a request: method, path, type, body, headers, tenant

    [DELETE => '/shop/events',
     @not_allowed, 'this path takes GET, HEAD, POST'],
    [PUT => '/shop/subscriptions', sub_of(),
     @not_allowed, 'this path takes GET, HEAD, POST'],
    [POST => $one, {},
     @not_allowed, 'this path takes GET, HEAD, PUT, PATCH, DELETE'],
    [GET => "$one/test",
     @not_allowed, 'this path takes POST'],
    [POST => '/shop/deltas', {},
     @not_allowed, 'this path takes GET, HEAD'],
    [POST => '/shop/health',
     @not_allowed, 'this path takes GET, HEAD'],
    [GET => '/shop/webhooks',
     @not_found, 'there is nothing at this path'],
    [GET => '/shop/',
     @not_found, 'there is nothing at this path'],
    [@publish, raw('eventType=order.sent', @form),
     415, 'unsupported_media_type', 'the body must be JSON: send it with '
      . '"Content-Type: application/json"'],
    [@publish, raw('{}', 'Content-Type' => 'application/json',
         'Content-Encoding' => 'gzip'),
     415, 'unsupported_media_type', 'the body must not be compressed'],
    [@new, raw(''),
     @not_json, 'the body is not acceptable JSON: empty text at byte 0'],
    [@new, raw('{"url":"https://a.test/",}'),
     @not_json, 'the body is not acceptable JSON: a member name is expected '
      . 'at byte 25'],
    [@new, raw('{"url":"https://a.test/"'),
     @not_json, 'the body is not acceptable JSON: unexpected end at byte 24'],
    [@new, raw("{'url':'https://a.test/'}"),
     @not_json, 'the body is not acceptable JSON: a member name is expected '
      . 'at byte 1'],
    [@new, raw('{"url":"https://a.test/"}}'),
     @not_json, 'the body is not acceptable JSON: text after the value at '
      . 'byte 25'],
    [@new, raw('null'),
     @not_json, 'the body must be a JSON object'],
    [@new, raw('{"url":"https://a.test/","url":"https://b.test/"}'),
     @not_json, 'the body is not acceptable JSON: the member "url" is given '
      . 'twice, at byte 26'],
    [@new, raw('{"url":"https://a.test/","URL":"https://b.test/"}'),
     400, 'duplicate_member', 'the member "URL" is given twice'],
    [@publish, raw(''),
     @not_json, 'the body is not acceptable JSON: empty text at byte 0'],
    [@publish, raw('{"eventType":"order.sent",}'),
     @not_json, 'the body is not acceptable JSON: a member name is expected '
      . 'at byte 26'],
    [@publish, raw('{"eventType":undefined}'),
     @not_json, 'the body is not acceptable JSON: a value is expected at '
      . 'byte 13'],
    [@publish, raw("{\"eventType\":\"\xff\"}"),
     @not_json, 'the body is not acceptable JSON: invalid UTF-8 at byte 14'],
    [@publish, raw("\xef\xbb\xbf{}"),
     @not_json, 'the body is not acceptable JSON: a byte order mark, which '
      . 'JSON does not have, at byte 0'],
    [POST => '/small/events', event_of(data => 'x' x 64),
     413, 'body_too_large', 'the body is larger than this location\'s '
      . 'client_max_body_size, 64 bytes'],
    [@publish, raw('{"data":' . '[' x 600 . ']' x 600 . '}'),
     @not_json, 'the body is not acceptable JSON: nested more than 512 '
      . 'levels deep at byte 520'],
    [@publish, raw('{"data":01}'),
     @not_json, 'the body is not acceptable JSON: invalid number at byte 8'],
    [@publish, raw(to_json(event_of()), 'Idempotency-Key' => ''),
     400, 'invalid_idempotency_key', 'Idempotency-Key must have 1 to 256 '
      . 'bytes'],
    [@publish, raw(to_json(event_of()), 'Idempotency-Key' => 'k' x 257),
     400, 'invalid_idempotency_key', 'Idempotency-Key must have 1 to 256 '
      . 'bytes'],
    [@publish, raw(to_json(event_of()), 'Idempotency-Key' => 'used'),
     422, 'idempotency_conflict', 'the key was used with another body within '
      . 'the last 24 hours'],
    [@new, raw(to_json(sub_of()), 'Idempotency-Key' => 'used'),
     422, 'idempotency_conflict', 'the key was used with another body within '
      . 'the last 24 hours'],
    [POST => "$one/pause", { for => '367d' },
     @bad, 'must be a time like "2h", at most "366d"', '/for'],
    [POST => "$one/secret", {},
     @bad, 'must be the new secret', '/secret'],
    [POST => '/mine/events', event_of(),
     401, 'tenant_required', 'this request belongs to no tenant'],
    [GET => '/mine/subscriptions?tenant=' . 't' x 300,
     400, 'invalid_tenant', 'the tenant\'s name is longer than 256 bytes, is '
      . 'not UTF-8, or has control characters'],
    [GET => '/shop/subscriptions?limit=251',
     @bad_parameter, '"limit" must be between 1 and 250'],
    [GET => '/shop/subscriptions?after=x',
     @bad_parameter, '"after" is not what a Link gave'],
    [GET => '/shop/subscriptions?offset=10',
     400, 'unknown_parameter', '"offset" is not a parameter of this request; '
      . 'there are limit, after, search, status'],
    [GET => '/shop/subscriptions?limit=%ff',
     @bad_parameter, 'the parameter "limit" is not URL-encoded UTF-8'],
    [POST => '/shop/events?dryRun=true', event_of(),
     400, 'unknown_parameter', '"dryRun" is not a parameter of this request; '
      . 'there are none'],

    # limits of the channel

    [POST => '/few/subscriptions', few(),
     409, 'too_many_subscriptions', 'there are as many subscriptions as '
      . 'subscriptions_max allows, 2'],
    [POST => '/few/subscriptions', few(name => 'n' x 200,
         metadata => { a => 'a' x 1000 }),
     413, 'subscription_too_large',
     qr/ takes \d+ bytes, the limit is 1024 \(subscription_size\)$/],
    [PUT => '/few/sessions/s-3', {},
     409, 'too_many_sessions', 'the tenant has as many sessions as '
      . 'sessions_max allows, 2'],

    # samples

    [POST => '/try/order.check?success=maybe',
     400, 'invalid_argument', 'success must be true or false'],
    [POST => '/try/order.check?delay=2m',
     400, 'invalid_argument', 'delay must be a time of at most 60s'],
    [POST => '/try/order.check?status=999',
     400, 'invalid_argument', 'status must be a number from 200 to 599'],
    [POST => '/try/order.payd',
     @not_found, '"order.payd" is not an event of this channel, event-types '
      . 'lists them: order.paid, order.sent, order.check'],
);

cmp_ok(scalar @mistakes, '>', 200, 'the mistakes are as many as the head says');

for my $mistake (@mistakes) {
    my ($method, $path, @rest) = @$mistake;
    my $body = $rest[0] =~ /^\d{3}$/ ? undef : shift @rest;
    my ($status, $code, $words, $pointer) = @rest;
    my $answer = req($method, $path, $body);
    my $json = ref $answer->{json} eq 'HASH' ? $answer->{json} : {};
    my $told = $json->{detail};

    if (defined $pointer) {
        my ($error) = grep { $_->{pointer} eq $pointer }
                           @{ $json->{errors} // [] };
        $told = $error && $error->{detail};
    }

    my $name = substr("$method $path", 0, 50);
    $name .= " at $pointer" if length($pointer // '');
    is($answer->{status} . ' ' . ($json->{code} // 'none'), "$status $code",
       "$name is $status $code") or diag($answer->{content});
    like($told, ref $words ? $words : qr/^\Q$words\E$/, "$name: $words");

    my ($member) = ($pointer // '') =~ m{^/(.*)};
    ok(($answer->{headers}{'content-type'} // '') eq 'application/problem+json'
       && $json->{status} == $status && $json->{type} eq "README.md#$code"
       && index($json->{detail}, $member // '') >= 0,
       "$name: the problem is whole and its detail names what is wrong")
        or diag($answer->{content});
}

finish();
