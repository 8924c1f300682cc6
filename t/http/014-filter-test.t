# What a filter says of an event that is shown to it: every operator and path,
# without a subscription, and what is wrong with either.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile local { allow 127.0.0.0/8; }
notify_channel shop {
    profile      local;
    attribute    country alias=land;
    attribute    shop required;
    event        order.paid alias=order.payed;
    event        order.sent;
    entity_type  order 1 Small;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

http_served(GET => $nginx->url('/shop/health'));

sub ask {
    my ($body) = @_;
    return http(POST => $nginx->url('/shop/filter/test'), body => $body,
                headers => { 'Content-Type' => 'application/json' });
}

sub data { return qq({"eventType":"order.paid","data":$_[0]}) }

my $items = data('{"items":[{"sku":"a","n":1,"tags":["x"]},{"sku":"b","n":5},'
                 . '{"n":9,"tags":["y","z"]}],"none":[]}');

for (
    # an element of an array
    ['{"data":{"$contains":"b"}}', data('["a","b"]'), 1],
    ['{"data":{"$contains":"B"}}', data('["a","b"]'), 0],
    ['{"data":{"$contains":1}}', data('["a",10e-1]'), 1],
    ['{"data":{"$contains":9007199254740993}}',
     data('[9007199254740992,9007199254740994]'), 0],
    ['{"data":{"$contains":[1,{"a":2}]}}', data('[[1,{"a":2.0}],3]'), 1],
    ['{"data":{"$contains":null}}', data('[null]'), 1],
    ['{"data":{"$contains":true}}', data('[false]'), 0],
    ['{"data":{"$contains":"a"}}', data('{"a":"a"}'), 0],
    ['{"data":{"$not":{"$contains":"c"}}}', data('["a","b"]'), 1],

    # a piece of a text, and its ends
    ['{"data":{"$contains":"lo W"}}', data('"Hello World"'), 1],
    ['{"data":{"$contains":"low"}}', data('"Hello World"'), 0],
    ['{"data":{"$contains":""}}', data('""'), 1],
    ['{"data":{"$contains":1}}', data('"a1"'), 0],
    ['{"data":{"$contains":"1"}}', data('11'), 0],
    ['{"data":{"$contains":"aab"}}', data('"aaab"'), 1],
    ['{"data":{"$contains":"abab\\u00e9"}}',
     data('"ab\\u0061bab\\u00E9c"'), 1],
    ['{"data":{"$contains":"\\"\\n"}}', data('"a\\u0022\\u000ab"'), 1],
    ['{"data":{"$contains":"\\ud83d\\ude00"}}', data("\"x\xf0\x9f\x98\x80\""),
     1],
    ['{"data":{"$suffix":"rld"}}', data('"world"'), 1],
    ['{"data":{"$suffix":"rl"}}', data('"world"'), 0],
    ['{"data":{"$suffix":"aab"}}', data('"aabaaab"'), 1],
    ['{"data":{"$suffix":"b"}}', data('"ba"'), 0],
    ['{"data":{"$suffix":""}}', data('"a"'), 1],
    ['{"data":{"$suffix":"a"}}', data('["a"]'), 0],
    ['{"data":{"$suffix":"\\u00e9"}}', data("\"caf\xc3\xa9\""), 1],
    ['{"country":{"$suffix":"O"}}', '{"country":"NO"}', 1],
    ['{"country":{"$contains":"OR"}}', '{"country":"NORWAY"}', 1],
    ['{"eventType":{"$suffix":".paid"}}', '{"eventType":"order.payed"}', 1],

    # any element
    ['{"data.items.*.sku":"b"}', $items, 1],
    ['{"data.items.*.sku":"c"}', $items, 0],
    ['{"data.items.*":{"$eq":{"sku":"b","n":5}}}', $items, 1],
    ['{"data.items.*.tags.*":"z"}', $items, 1],
    ['{"data.items.*.tags.1":"z"}', $items, 1],
    ['{"data.items.*.tags":{"$contains":"x"}}', $items, 1],
    ['{"data.items.*.n":{"$gt":5,"$lt":9}}', $items, 0],
    ['{"data.items.*.n":{"$gt":1,"$lt":9}}', $items, 1],
    ['{"data.items.*.n":{"$in":[8,9]}}', $items, 1],
    ['{"data.items.*.sku":{"$ne":"a"}}', $items, 0],
    ['{"data.items.*.sku":{"$ne":"c"}}', $items, 1],
    ['{"data.items.*.n":{"$nin":[9]}}', $items, 0],
    ['{"data.items.*.n":{"$gt":4,"$ne":2}}', $items, 1],
    ['{"data.items.*.tags":{"$exists":true}}', $items, 1],
    ['{"data.items.*.price":{"$exists":false}}', $items, 1],
    ['{"data.items.*.sku":{"$exists":false}}', $items, 0],
    ['{"data.items.*.n":{"$not":{"$gt":9}}}', $items, 1],
    ['{"data.items.*.n":{"$not":{"$gt":8}}}', $items, 0],
    ['{"data.items.*.n":{"$not":{"$ne":9}}}', $items, 1],
    ['{"data.none.*":{"$exists":true}}', $items, 0],
    ['{"data.none.*":{"$ne":1}}', $items, 1],
    ['{"data.*":2}', data('[1,2]'), 1],
    ['{"data.*.a":2}', data('{"*":{"a":2},"b":{"a":3}}'), 1],
    ['{"data.*.a":3}', data('{"*":{"a":2},"b":{"a":3}}'), 0],

    # JSON pointers
    ['{"/data/a.b":1}', data('{"a.b":1}'), 1],
    ['{"/data/a.b":1}', data('{"a":{"b":1}}'), 0],
    ['{"/data/a~1b/c~0d":1}', data('{"a/b":{"c~d":1}}'), 1],
    ['{"/data/0":1}', data('[1]'), 1],
    ['{"/data/*":1}', data('[1]'), 0],
    ['{"/data/*":1}', data('{"*":1}'), 1],
    ['{"/data/":1}', data('{"":1}'), 1],
    ['{"/data":[1,2]}', data('[1,2.0]'), 1],
    ['{"/country":"NO"}', '{"land":"NO"}', 1],

    # an event as the API shows it, or a part
    ['{"entityType":1}' =~ s/entityType/entityTypeID/r,
     '{"eventType":"order.sent","entityType":"small"}', 1],
    ['{"id":"evt_01a22c95ac450000"}', '{"id":"evt_01a22c95ac450000"}', 1],
    ['{"time":{"$lt":"2026-01-01T00:00:00Z"}}',
     '{"time":"2025-06-01T00:00:00Z"}', 1],
    ['{"eventType":{"$prefix":"notify."}}',
     '{"eventType":"notify.subscription.disabled"}', 1],
    ['{"data":{"$exists":false}}', '{}', 1],
    ['{}', '{}', 1],
) {
    my ($filter, $event, $want) = @$_;
    my $answer = ask(qq({"filter":$filter,"event":$event}));
    is($answer->{content}, '{"match":' . ($want ? 'true' : 'false') . '}',
       "$filter, $event");
}

# a long text, and a piece that almost is in it

my $long = 'a' x 200_000;
my $answer = ask('{"filter":{"data":{"$contains":"' . 'a' x 30_000 . 'b"}},'
                 . '"event":' . data(qq("$long")) . '}');
is($answer->{content}, '{"match":false}', 'a long text is looked through');


# what is wrong

for (['{"filter":{"data.a":{"$near":1}},"event":{}}', '/filter/data.a/$near'],
     ['{"filter":{"data.a":{"$suffix":1}},"event":{}}',
      '/filter/data.a/$suffix'],
     ['{"filter":{"time":{"$contains":"x"}},"event":{}}',
      '/filter/time/$contains'],
     ['{"filter":{"/data/~2":1},"event":{}}', '/filter/~1data~1~02'],
     ['{"filter":{"/":1},"event":{}}', '/filter/~1'],
     ['{"filter":{"/country/a":1},"event":{}}', '/filter/~1country~1a'],
     ['{"filter":{"city":1},"event":{}}', '/filter'],
     ['{"filter":"x","event":{}}', '/filter'],
     ['{"filter":{"data.a":{}},"event":{"time":"now"}}',
      '/event/time /filter/data.a'],
     ['{"filter":{},"event":[]}', '/event'],
     ['{"filter":{},"event":{"city":"Oslo"}}', '/event/city'],
     ['{"filter":{},"event":{"eventType":"order.lost"}}', '/event/eventType'],
     ['{"event":{}}', '/filter'],
     ['{"filter":{}}', '/event'],
     ['{}', '/event /filter'],
     ['{"filter":{},"event":{},"events":[]}', '/events'])
{
    my ($body, $pointers) = @$_;
    my $refused = ask($body);
    is($refused->{status}, 422, "$body is refused");
    is(join(' ', sort map { $_->{pointer} } @{ $refused->{json}{errors} }),
       $pointers, "by $pointers");
}

is(ask($_)->{status}, 400, "$_ is none")
    for '', '[]', '{"filter":{},"Filter":{},"event":{}}',
        '{"filter":{"a":1,"a":1},"event":{"data":{"a":1,"a":2}}}';
is(http(GET => $nginx->url('/shop/filter/test'))->{headers}{allow},
   'POST', 'it is a POST');
is(http(POST => $nginx->url('/shop/filter'))->{status}, 404,
   'nothing is at its root');

finish();
