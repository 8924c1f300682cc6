# What templates take from inside the data: names and indexes with dots, which
# keep their type; and dollars.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile inside {
    payload '{"number":"${notify_data.total}",
              "text":"${notify_data.customer.name}",
              "empty":"${notify_data.empty}",
              "yes":"${notify_data.yes}",
              "null":"${notify_data.nothing}",
              "absent":"${notify_data.no.such.thing}",
              "first":"${notify_data.items.0.sku}",
              "beyond":"${notify_data.items.7.sku}",
              "zero":"${notify_data.items.00.sku}",
              "object":"${notify_data.items.1}",
              "array":"${notify_data.items}",
              "odd":"${notify_data.odd name-é.a}",
              "part":"<${notify_data.customer.name}> is ${notify_data.yes}",
              "gone":"<${notify_data.nothing}${notify_data.no}>",
              "price":"$$${notify_data.total}",
              "dollar":"$$",
              "$$ref":"a$$b$$",
              "plain":"$notify_entity_id.total"}';
    header  X-Total  "$$ ${notify_data.total}";
    header  X-Name   ${notify_data.customer.name};
    header  X-None   ${notify_data.none};
    allow   127.0.0.0/8;
}
notify_channel shop { profile inside; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

is(http_served(POST => $nginx->url('/shop/subscriptions'), json => {
       url => $receiver->url('/a'), event => '*' })->{status}, 201,
   'a subscription');

sub call_of {
    my ($data) = @_;
    my $before = $receiver->count('/a');
    is(http(POST => $nginx->url('/shop/events'),
            body => '{"eventType":"order.paid","entityID":7,"data":' . $data
                  . '}',
            headers => { 'Content-Type' => 'application/json' })->{status},
       202, 'an event');
    eventually { $receiver->count('/a') > $before } 'its call';
    return ($receiver->requests('/a'))[-1];
}

my $call = call_of('{"total":12345678901234567890.10, "yes":true, "empty":"",'
    . '"customer":{"na\u006de":"A \"B\" \u00e9 \ud83d\ude00"},'
    . '"nothing":null,"odd name-é":{"a":1e400},'
    . '"items":[{"sku":"A-1"},{"sku": "B" , "n":[1, 2]}]}');

is($call->{body}, '{"number":12345678901234567890.10,'
    . '"text":"A \"B\" \u00e9 \ud83d\ude00",'
    . '"empty":"",'
    . '"yes":true,"null":null,"absent":null,'
    . '"first":"A-1","beyond":null,"zero":null,'
    . '"object":{"sku": "B" , "n":[1, 2]},'
    . '"array":[{"sku":"A-1"},{"sku": "B" , "n":[1, 2]}],'
    . '"odd":1e400,'
    . "\"part\":\"<A \\\"B\\\" \xc3\xa9 \xf0\x9f\x98\x80> is true\","
    . '"gone":"<>","price":"$12345678901234567890.10",'
    . '"dollar":"$","$ref":"a$b$","plain":"7.total"}',
   'each is what is there, with its type');
is($call->{headers}{'x-total'}, '$ 12345678901234567890.10',
   'in a header it is text');
is($call->{headers}{'x-name'}, "A \"B\" \xc3\xa9 \xf0\x9f\x98\x80",
   'without quotes');
ok(!exists $call->{headers}{'x-none'}, 'what is absent sends no header');

for my $data ('"text"', '[1]', 'null', '7') {
    my $body = call_of($data)->{body};
    like($body, qr/"number":null,"text":null.*"part":"<> is "/,
         "nothing is in $data");
}

finish();
