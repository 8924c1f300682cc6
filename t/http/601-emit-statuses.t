# notify_emit: events of the traffic that passes, read back from the log.

use strict;
use warnings;

use NotifyTest;
use NotifyTest::Socket;
use Test::Nginx::Socket 'no_plan';

socket_blocks(http => <<'HTTP', config => <<'CONFIG');
notify_body_size 1k;
notify_trusted 127.0.0.1;
notify_channel shop {
    event     order.made;
    event     order.seen;
    event     order.mark;
    attribute country "pattern=^[A-Z]{2}$";
}
map $upstream_http_x_saved $saved { yes 1; default 0; }
HTTP
notify_var $order_id response order.id;
notify_var $option   request userData[KEY];
location /shop/ { notify_api shop; }
location = /orders {
    notify_emit shop order.made entity_type_id=3 entity_id=$order_id
                country=$arg_country data=response;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app?$args;
}
location = /commit {
    notify_emit shop order.made data=request commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app?$args;
}
location = /form {
    notify_emit shop order.made id=$option commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location = /if {
    notify_emit shop order.made if=$saved commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app?$args;
}
location = /asked {
    notify_emit shop order.made on=request data=request
                entity_id=$notify_body_id commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/fails;
}
location = /fails-too {
    notify_emit shop order.made commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/fails;
}
location = /two {
    notify_emit shop order.made 'data={"a":1.10}' id=$arg_id commit;
    notify_emit shop order.seen commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location /outer {
    notify_emit shop order.made commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
    location /outer/inner {
        notify_emit shop order.seen commit;
        proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
    }
    location /outer/off {
        notify_emit off;
        proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
    }
}
location = /invalid {
    notify_emit shop order.made country=none commit on_error=fail;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location = /mark {
    notify_emit shop order.mark commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location = /app {
    default_type application/json;
    add_header   X-Saved $arg_saved;
    return 200 '{"order":{"id":"$arg_id"},"sum":12.50}';
}
location = /fails { return 500; }
location = /304 {
    notify_emit shop order.made commit;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/unchanged;
}
location = /unchanged { return 304; }
CONFIG

__DATA__

=== TEST 1: an answer becomes an event, with what it says, and is not changed
--- request
POST /orders?id=9007199254740993&country=NO
a=b
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_headers
Content-Type: application/json
--- response_body: {"order":{"id":"9007199254740993"},"sum":12.50}
--- error_code: 200


=== TEST 2: the event of an answer is in the log, in the call format
--- given
POST /orders?id=9007199254740993&country=NO {}
--- until
GET /shop/deltas => order\.made
--- request
GET /shop/deltas
--- response_body_like: ^\{"data":\[\{"eventType":"order\.made","entityTypeID":3,"entityID":9007199254740993,"data":\{"order":\{"id":"9007199254740993"\},"sum":12\.50\},"id":"[^"]+","time":"[^"]+","uid":null,"country":"NO"\}\],
--- error_code: 200


=== TEST 3: with commit the event is in the log when the client has its answer
--- request eval
["POST /commit\n{\"a\":1.10}", 'GET /shop/deltas']
--- response_body_like eval
['"sum":12\.50', '"eventType":"order\.made".*"data":\{"a":1\.10\}']
--- error_code eval
[200, 200]


=== TEST 4: an event is made for GET, never for HEAD and OPTIONS
--- request eval
['HEAD /commit', 'OPTIONS /commit', 'GET /shop/deltas', 'GET /commit',
 'GET /shop/deltas']
--- response_body_like eval
['', '', '^\{"data":\[\],', '', '^\{"data":\[\{[^{}]*order\.made[^{}]*\}\],']
--- error_code eval
[ (200) x 5 ]


=== TEST 5: a body that is no JSON is null, never an error to the client
--- request eval
["POST /commit\nno JSON", 'GET /shop/deltas']
--- more_headers
Content-Type: text/plain
--- response_body_like eval
['"sum"', '"eventType":"order\.made".*"data":null']
--- error_code eval
[200, 200]


=== TEST 6: a body that is larger than notify_body_size is null
--- request eval
["POST /commit\n{\"a\":\"" . 'x' x 2000 . '"}', 'GET /shop/deltas']
--- response_body_like eval
['"sum"', '"eventType":"order\.made".*"data":null']
--- error_code eval
[200, 200]


=== TEST 7: an answer that fails makes no event
--- request eval
['GET /fails-too', 'GET /shop/deltas']
--- response_body_like eval
['500', '^\{"data":\[\],']
--- error_code eval
[500, 200]


=== TEST 8: an answer that is 304 makes one
--- request eval
['GET /304', 'GET /shop/deltas']
--- response_body_like eval
['', '"eventType":"order\.made"']
--- error_code eval
[304, 200]


=== TEST 9: on=request does not wait for what the backend says
--- request eval
["POST /asked\n{\"ID\":\"5\"}", 'GET /shop/deltas']
--- response_body_like eval
['500', '"eventType":"order\.made".*"entityID":5,.*"data":\{"ID":"5"\}']
--- error_code eval
[500, 200]


=== TEST 10: if= is judged by what the backend said
--- request eval
['GET /if?saved=no', 'GET /shop/deltas', 'GET /if?saved=yes',
 'GET /shop/deltas']
--- response_body_like eval
['', '^\{"data":\[\],', '', '"eventType":"order\.made"']
--- error_code eval
[200, 200, 200, 200]


=== TEST 11: each directive makes an event, data may be a JSON value
--- request eval
['GET /two?id=u-11', 'GET /shop/deltas?eventType=order.made',
 'GET /shop/deltas?eventType=order.seen']
--- response_body_like eval
['', '"data":\{"a":1\.10\}.*"uid":"u-11"', '"data":null']
--- error_code eval
[200, 200, 200]


=== TEST 12: an id that comes again makes no second event
--- request eval
['GET /two?id=u-12', 'GET /two?id=u-12', 'GET /shop/deltas?eventType=order.made']
--- response_body_like eval
['', '', '^\{"data":\[\{[^{}]*\{[^{}]*\}[^{}]*\}\],']
--- error_code eval
[200, 200, 200]


=== TEST 13: an inner level's list replaces the outer one's
--- request eval
['GET /outer/inner', 'GET /shop/deltas']
--- response_body_like eval
['', '^\{"data":\[\{[^{}]*order\.seen[^{}]*\}\],']
--- error_code eval
[200, 200]


=== TEST 14: off at an inner level is none
--- request eval
['GET /outer/off', 'GET /outer', 'GET /shop/deltas']
--- response_body_like eval
['', '', '^\{"data":\[\{[^{}]*order\.made[^{}]*\}\],']
--- error_code eval
[200, 200, 200]


=== TEST 15: a key of a form's userData is a value
--- request eval
["POST /form\nuserData[KEY]=u-15&a=b", 'GET /shop/events/u-15']
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_body_like eval
['"sum"', '"eventType":"order\.made".*"uid":"u-15"']
--- error_code eval
[200, 200]


=== TEST 16: an event that is not valid is dropped, even with commit
--- request eval
['GET /invalid', 'GET /shop/deltas']
--- response_body_like eval
['"sum":12\.50', '^\{"data":\[\],']
--- error_code eval
[200, 200]


=== TEST 17: our own endpoints make no events
--- request eval
['GET /shop/health', 'GET /shop/stats', 'GET /shop/deltas']
--- response_body_like eval
['', '', '^\{"data":\[\],']
--- error_code eval
[200, 200, 200]


=== TEST 18: a call that came through five of ours makes no event
--- request eval
['GET /mark', 'GET /shop/deltas']
--- more_headers eval
['X-Notify-Hops: 5', 'X-A: b']
--- response_body_like eval
['', '^\{"data":\[\],']
--- error_code eval
[200, 200]


=== TEST 19: events belong to the tenant of the request
--- request eval
['GET /mark', 'GET /shop/deltas', 'GET /shop/deltas']
--- more_headers eval
['X-Tenant: one', 'X-Tenant: one', 'X-Tenant: two']
--- response_body_like eval
['', '"eventType":"order\.mark"', '^\{"data":\[\],']
--- error_code eval
[200, 200, 200]


=== TEST 20: what is dropped is counted
--- given
GET /invalid
--- request
GET /shop/stats
--- response_body_like: "refused":[1-9]
--- error_code: 200
