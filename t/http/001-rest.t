# One request, one answer: the statuses of the REST API, in Test::Nginx's form.

use strict;
use warnings;

my $redis;

BEGIN {
    require NotifyTest;
    NotifyTest->import;
    NotifyTest::socket_suite();

    if (!eval { require Test::Nginx::Socket; 1 }) {
        require Test::More;
        Test::More::plan(skip_all => 'Test::Nginx::Socket is not installed');
    }

    $redis = NotifyTest::Redis->new;
}

use Test::Nginx::Socket 'no_plan';

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', sprintf <<'END', $redis->address);
notify_redis %s;
notify_profile local { allow 127.0.0.0/8; }
notify_channel shop {
    profile   local;
    event     order.paid alias=order.payed;
    event     order.sent;
    attribute country "pattern=^[A-Z]{2}$";
}
END
    $block->set_value('config', 'location /shop/ { notify_api shop; }')
        unless defined $block->config;
    # a worker that has only just started answers 503 until Redis is reached
    $block->set_value('init', 'main::ready()');
    NotifyTest::socket_block($block);
});

sub ready {
    my $url = 'http://127.0.0.1:' . server_port() . '/shop/health';
    eventually { http(GET => $url)->{status} == 200 };
}

no_shuffle();
no_long_string();
run_tests();

__DATA__

=== TEST 1: an event is accepted with its id and a cursor
--- request
POST /shop/events
{"eventType":"order.paid","data":{"n":9007199254740993}}
--- more_headers
Content-Type: application/json
--- response_body_like: ^\{"id":"evt_[0-9a-f]+","cursor":"[\w-]+"\}$
--- error_code: 202


=== TEST 2: an alias is the canonical name
--- request
POST /shop/events
{"eventType":"order.payed"}
--- more_headers
Content-Type: application/json
--- error_code: 202


=== TEST 3: an event that is not in the catalogue is refused, with its member
--- request
POST /shop/events
{"eventType":"order.lost"}
--- more_headers
Content-Type: application/json
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "pointer":"/eventType"
--- error_code: 422


=== TEST 4: bad JSON is 400
--- request
POST /shop/events
{"eventType":
--- more_headers
Content-Type: application/json
--- error_code: 400


=== TEST 5: another content type is 415
--- request
POST /shop/events
eventType=order.paid
--- more_headers
Content-Type: text/plain
--- error_code: 415


=== TEST 6: a method that is not there is 405, and Allow says which are
--- request
DELETE /shop/events
--- response_headers_like
Allow: .*POST.*
--- error_code: 405


=== TEST 7: OPTIONS is 405
--- request
OPTIONS /shop/subscriptions
--- error_code: 405


=== TEST 8: a resource that is not there is 404
--- request
GET /shop/nothing
--- error_code: 404


=== TEST 9: every bad member of a subscription is named at once
--- request
POST /shop/subscriptions
{"url":"ftp://example.com/","event":"order.lost","country":"no"}
--- more_headers
Content-Type: application/json
--- response_body_like: (?s)(?=.*"/url")(?=.*"/event")(?=.*"/country")
--- error_code: 422


=== TEST 10: a private address is refused, and the directive that allows it named
--- request
POST /shop/subscriptions
{"url":"http://10.0.0.1/","event":"order.paid"}
--- more_headers
Content-Type: application/json
--- response_body_like: allow
--- error_code: 422


=== TEST 11: a subscription is created, with its place and its version
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9000/","event":"order.paid","country":"NO"}
--- more_headers
Content-Type: application/json
--- response_headers_like
Location: /shop/subscriptions/sub_\w+
ETag: "\d+"
--- response_body_like: "secret":"whsec_
--- error_code: 201


=== TEST 12: deleting one that is not there is 204
--- request
DELETE /shop/subscriptions/sub_0000000000000000000000
--- error_code: 204


=== TEST 13: a cursor that is not ours is 400
--- request
GET /shop/deltas?cursor=AAAA
--- error_code: 400


=== TEST 14: HEAD is GET
--- request
HEAD /shop/deltas
--- error_code: 200
