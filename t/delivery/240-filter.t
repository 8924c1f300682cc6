# Filters end to end: which events reach which subscription, byte for byte the
# same events for all; and what else a subscription may set for itself.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
notify_profile local { allow 127.0.0.0/8; sign standard; }
notify_profile set {
    payload '{"id":"$notify_subscription_id",
              "for":"$notify_subscription_name",
              "plan":"$notify_subscription_plan",
              "level":"is $notify_subscription_level",
              "none":"$notify_subscription_none",
              "text":"[$notify_subscription_none]"}';
    method  PUT;
    header  X-Fixed    a;
    header  X-Country  $notify_attribute_country;
    header  X-Key      "key $notify_subscription_api_key";
    header  X-Empty    $notify_conversation_id;
    header  Content-Type  application/vnd.shop+json;
    allow   127.0.0.0/8;
}
notify_channel shop {
    profile   local set;
    attribute country;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

my @events = (
    '{"eventType":"order.paid","entityID":1,"country":"NO",'
        . '"sessionId":"s","customerId":7,'
        . '"data":{"amount":100,"state":"open","tags":["a","b"],"to":null}}',
    '{"eventType":"order.paid","entityID":2,"country":"SE",'
        . '"data":{"amount":99.5,"state":"closed"}}',
    '{"eventType":"order.sent","entityID":9007199254740993,'
        . '"data":{"amount":"100","state":"open","at":{"city":"Oslo"}}}',
    '{"eventType":"order.sent","entityTypeID":3,"entityID":4,"uid":"u-4",'
        . '"conversationId":"c","data":[1]}',
    '{"eventType":"order.lost","entityID":5,"data":null}',
);

# name, filter, the events that fulfil it
my @filters = (
    [equal     => { 'data.state' => 'open' },                   '1 3'],
    [eq        => { 'data.state' => { '$eq' => 'open' } },      '1 3'],
    [ne        => { 'data.state' => { '$ne' => 'open' } },      '2 4 5'],
    [in        => { 'data.state' => { '$in' => [qw(open x)] } }, '1 3'],
    [nin       => { 'data.state' => { '$nin' => ['open'] } },   '2 4 5'],
    [gte       => { 'data.amount' => { '$gte' => 100 } },       '1'],
    [gt        => { 'data.amount' => { '$gt' => 99 } },         '1 2'],
    [lt        => { 'data.amount' => { '$lt' => 100 } },        '2'],
    [lte       => { 'data.amount' => { '$lte' => 99.5 } },      '2'],
    [both      => { 'data.amount' => { '$gt' => 99, '$lt' => 100 } }, '2'],
    [exists    => { 'data.amount' => { '$exists' => JSON::PP::true } },
                                                                '1 2 3'],
    [absent    => { 'data.at' => { '$exists' => JSON::PP::false } },
                                                                '1 2 4 5'],
    [prefix    => { 'data.at.city' => { '$prefix' => 'Os' } },  '3'],
    [and       => { 'data.state' => 'open', country => 'NO' },  '1'],
    [text      => { entityID => '9007199254740993' },           '3'],
    [all       => { '$and' => [{ 'data.state' => 'open' },
                               { eventType => 'order.sent' }] }, '3'],
    [or        => { '$or' => [{ country => 'SE' },
                              { eventType => 'order.lost' }] }, '2 5'],
    [not       => { '$not' => { eventType => { '$prefix' => 'order.s' } } },
                                                                '1 2 5'],
    [type      => { entityTypeID => 3 },                        '4'],
    [session   => { sessionId => 's' },                         '1'],
    [customer  => { CustomerID => 7 },                          '1'],
    [conversation => { conversationId => { '$prefix' => 'c' } }, '4'],
    [uid       => { uid => { '$in' => ['u-4'] } },              '4'],
    [object    => { objectType => 'order', 'data.amount' => 100 }, '1'],
    [strangers => { sessionId => { '$exists' => JSON::PP::false } },
                                                                '2 3 4 5'],
    [element   => { 'data.tags.0' => 'a' },                     '1'],
    [second    => { 'data.tags.1' => { '$in' => [qw(a b)] } },  '1'],
    [array     => { 'data.tags' => [qw(a b)] },                 '1'],
    [part      => { 'data.tags' => 'a' },                       ''],
    [listed    => { 'data.tags' => { '$in' => ['a', ['a', 'b']] } }, '1'],
    [contains  => { 'data.tags' => { '$contains' => 'b' } },    '1'],
    [piece     => { 'data.state' => { '$contains' => 'lose' } }, '2'],
    [suffix    => { 'data.state' => { '$suffix' => 'n' } },     '1 3'],
    [any       => { 'data.tags.*' => 'b' },                     '1'],
    [one       => { 'data.*' => 1 },                            '4'],
    [pointer   => { '/data/at/city' => 'Oslo' },                '3'],
    [nothing   => { 'data.nowhere' => 1 },                      ''],
    [none      => undef,                                        '1 2 3 4 5'],
);

sub create {
    my ($path, %more) = @_;
    return http_served(
        POST => $nginx->url('/shop/subscriptions'), json => {
            url => $receiver->url("/$path"), event => '*', %more });
}

sub numbers {
    my ($path) = @_;
    my %number = ('9007199254740993' => 3, map { $_ => $_ } 1, 2, 4, 5);
    return join ' ', sort map { $_->{body} =~ /"entityID":(\d+)/;
                                $number{$1} // "?$1" }
                          $receiver->requests("/$path");
}

my %id;
for (@filters) {
    my ($name, $filter) = @$_;
    my $answer = create($name, $filter ? (filter => $filter) : ());
    is($answer->{status}, 201, "a filter: $name") or diag($answer->{content});
    $id{$name} = $answer->{json}{id};
}

for my $path (qw(amount subscription country2)) {
    for my $filter ({ $path => 1 },
                    { '$or' => [{ country => 'NO' }, { $path => 1 }] })
    {
        my $refused = create('typo', filter => $filter);
        is($refused->{status}, 422, 'a filter of what no event has');
        is($refused->{json}{errors}[0]{pointer}, '/filter', 'is refused');
        like($refused->{json}{detail}, qr/"\Q$path\E"/, "$path is named");
    }
}

# a number as JSON has it
my $answer = http(POST => $nginx->url('/shop/subscriptions'),
    body => '{"url":"' . $receiver->url('/number') . '","event":"*",'
          . '"filter":{"entityID":9007199254740993}}',
    headers => { 'Content-Type' => 'application/json' });
is($answer->{status}, 201, 'a filter with a number beyond 2^53')
    or diag($answer->{content});
like($answer->{content}, qr/"entityID":9007199254740993\b/, 'which it keeps');

sub publish {
    my ($body) = @_;
    is(http(POST => $nginx->url('/shop/events'), body => $body,
            headers => { 'Content-Type' => 'application/json' })->{status}, 202,
       'an event is accepted');
}

publish($_) for @events;
eventually { numbers('none') eq '1 2 3 4 5' } 'all events without a filter';

for (@filters, ['number', undef, '3']) {
    my ($name, $filter, $want) = @$_;
    eventually { length numbers($name) >= length $want };
    is(numbers($name), $want, "those of $name");
}


# a filter that is changed, and taken away

for my $change ([{ 'data.state' => 'closed' }, '"entityID":2'],
                [undef, '"entityID":5'])
{
    my ($filter, $mark) = @$change;
    is(http(PATCH => $nginx->url("/shop/subscriptions/$id{type}"),
            json => { filter => $filter })->{status}, 200, 'a new filter');
    eventually { http(POST => $nginx->url('/shop/events'), body => $_,
                      headers => { 'Content-Type' => 'application/json' })
                     for @events[1, 4];
                 grep { $_->{body} =~ /$mark/ } $receiver->requests('/type') }
        'is used soon';
}
is(scalar(grep { $_->{body} =~ /"entityID":1\b/ } $receiver->requests('/type')),
   0, 'and for nothing that is past');


# those that are none

for (['/filter',                  'text'],
     ['/filter',                  [1]],
     ['/filter/data.a/$near',     { 'data.a' => { '$near' => 1 } }],
     ['/filter/$near',            { '$near' => [] }],
     ['/filter/$or',              { '$or' => {} }],
     ['/filter/data.a/$in',       { 'data.a' => { '$in' => 1 } }],
     ['/filter/data.a/$exists',   { 'data.a' => { '$exists' => 1 } }],
     ['/filter/data.a/$prefix',   { 'data.a' => { '$prefix' => 1 } }],
     ['/filter/data.a/$suffix',   { 'data.a' => { '$suffix' => [] } }],
     ['/filter/~1data~1~0',       { '/data/~' => 1 }])
{
    my ($pointer, $filter) = @$_;
    my $answer = create('bad', filter => $filter);
    is($answer->{status}, 422, 'refused: ' . to_json($filter));
    is($answer->{json}{errors}[0]{pointer}, $pointer, "at $pointer");
}

my ($deep, $wide) = ({ 'data.a' => 1 }, [map { { 'data.a' => $_ } } 1 .. 300]);
$deep = { '$not' => $deep } for 1 .. 20;
is(create('bad', filter => $_)->{status}, 422, 'refused: too deep or too wide')
    for $deep, { '$or' => $wide };


# headers, apiKey, metadata, name

$answer = create('set', profile => 'set', name => 'A "name"', apiKey => 'k-1',
    headers => { 'X-Own' => 'b', 'X-Other' => 'c d' },
    metadata => { plan => 'gold', level => '7' });
is($answer->{status}, 201, 'a subscription with all of them')
    or diag($answer->{content});
my $id = $answer->{json}{id};
eventually { publish($events[0]); $receiver->count('/set') } 'its call';
my ($call) = $receiver->requests('/set');

is($call->{method}, 'PUT', 'the method');
is($call->{body}, '{"id":"' . $id . '","for":"A \"name\"","plan":"gold",'
   . '"level":"is 7","none":null,"text":"[]"}', 'the template, typed');
is($call->{headers}{$_->[0]}, $_->[1], $_->[0])
    for ['x-fixed', 'a'], ['x-country', 'NO'], ['x-key', 'key k-1'],
        ['x-own', 'b'], ['x-other', 'c d'],
        ['content-type', 'application/vnd.shop+json'];
ok(!exists $call->{headers}{'x-empty'}, 'an empty value sends no header');
ok(!exists $call->{headers}{'webhook-id'}, 'unsigned where nothing signs');

is(create('bad', profile => 'set', headers => { $_ => 'x' })->{status}, 422,
   "refused: a header " . to_json($_))
    for 'Host', 'Content-Length', 'Transfer-Encoding', 'webhook-id',
        'Proxy-Authorization', "X\nY";

finish();
