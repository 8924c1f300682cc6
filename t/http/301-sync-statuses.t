# sync/{event} and notify_sync: the one subscriber is asked, and what it says
# comes back in one form.  The subscribers are locations of the same nginx.

use strict;
use warnings;

use NotifyTest;
use NotifyTest::Socket;
use Test::Nginx::Socket 'no_plan';

socket_blocks(http => <<'HTTP', config => <<'CONFIG');
notify_profile local { allow 127.0.0.1; timeout 1s; }
notify_trusted 127.0.0.1;
notify_channel shop {
    profile local;
    event   order.check sync iframe;
    event   order.price sync;
    event   order.paid;
}
HTTP
location /shop/    { notify_api shop; }
location /samples/ { notify_api shop samples; }
location /app {
    add_header X-Backend yes;
    return 200 "the backend\n";
}
location = /answer {
    notify_sync shop order.check answer;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location = /answer-fail {
    notify_sync shop order.check answer on_error=fail;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location = /gate {
    notify_sync shop order.check gate timeout=1s;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location = /gate-402 {
    notify_sync shop order.check gate refused=402;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location = /gate-pass {
    notify_sync shop order.check gate timeout=1s on_error=pass;
    proxy_pass  http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app;
}
location = /says/ok     { return 200 '{"success":true,"data":{"id":9007199254740993,"p":1.10}}'; }
location = /says/no     { return 200 '{"success":false,"message":"no","errorLevel":40,"errorCode":"E-1"}'; }
location = /says/bare   { return 200 '{"success":false}'; }
location = /says/note   { return 200 '{"success":true,"errorLevel":20,"message":"m"}'; }
location = /says/level  { return 200 '{"success":true,"errorLevel":50}'; }
location = /says/odd    { return 200 '{"success":true,"errorLevel":7}'; }
location = /says/500    { return 500; }
location = /says/201    { return 201 '{"success":true}'; }
location = /says/inner  { return 200 '{"statusCode":500,"success":true}'; }
location = /says/text   { return 200 'success'; }
location = /says/array  { return 200 '[]'; }
location = /says/302    { return 302 /says/ok; }
CONFIG

__DATA__

=== TEST 1: without a subscriber the event is answered by 404 and says so
--- request
POST /shop/sync/order.check
{"entityID":1}
--- response_body_like: "NOTIFICATION_NO_SUBSCRIBER"
--- error_code: 404


=== TEST 2: success comes back in the one form, its data byte for byte
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{"entityID":1}
--- response_headers
Content-Type: application/json
--- response_body: {"success":true,"message":null,"errorLevel":0,"errorCode":null,"data":{"id":9007199254740993,"p":1.10}}
--- error_code: 200


=== TEST 3: a refusal keeps its message, level and code
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/no","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body: {"success":false,"message":"no","errorLevel":40,"errorCode":"E-1","data":null}
--- error_code: 200


=== TEST 4: a refusal without a level is 40
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/bare","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body_like: "success":false.*"errorLevel":40
--- error_code: 200


=== TEST 5: success with a level below 40 is a success
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/note","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body: {"success":true,"message":"m","errorLevel":20,"errorCode":null,"data":null}
--- error_code: 200


=== TEST 6: success with 40 or more is a failure
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/level","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body_like: "success":false.*"errorLevel":50
--- error_code: 200


=== TEST 7: a level that is none is 50
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/odd","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body_like: "success":false.*"errorLevel":50
--- error_code: 200


=== TEST 8: a status other than 200 is NOTIFICATION_STATUS
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/500","event":"order.check","mode":"sync"}
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/201","event":"order.price","mode":"sync"}
--- until
POST /shop/sync/order.price {} => ^200
--- request eval
["POST /shop/sync/order.check\n{}", "POST /shop/sync/order.price\n{}"]
--- response_body_like eval
[ ('"success":false.*"errorLevel":50,"errorCode":"NOTIFICATION_STATUS"') x 2 ]
--- error_code eval
[200, 200]


=== TEST 9: a redirect is not followed
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/302","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body_like: "success":false.*"NOTIFICATION_STATUS"
--- error_code: 200


=== TEST 10: a statusCode in the answer is one, too
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/inner","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body_like: "success":false.*"errorLevel":50,"errorCode":"NOTIFICATION_STATUS"
--- error_code: 200


=== TEST 11: an answer that is no JSON is a failure with its code
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/text","event":"order.check","mode":"sync"}
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/array","event":"order.price","mode":"sync"}
--- until
POST /shop/sync/order.price {} => ^200
--- request eval
["POST /shop/sync/order.check\n{}", "POST /shop/sync/order.price\n{}"]
--- response_body_like eval
['"success":false.*"errorLevel":50,"errorCode":"NOTIFICATION_BAD_JSON"',
 '"success":false.*"errorLevel":50,"errorCode":"NOTIFICATION_BAD_']
--- error_code eval
[200, 200]


=== TEST 12: a subscriber that is too slow is NOTIFICATION_TIMEOUT
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/samples/order.check?delay=3s","event":"order.check","mode":"sync"}
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.price","mode":"sync"}
--- until
POST /shop/sync/order.price {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body_like: "success":false.*"errorLevel":50,"errorCode":"NOTIFICATION_TIMEOUT"
--- error_code: 200


=== TEST 13: a subscriber that is not there is NOTIFICATION_CONNECT_FAILED
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:1025/","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{}
--- response_body_like: "success":false.*"errorLevel":50,"errorCode":"NOTIFICATION_CONNECT_FAILED"
--- error_code: 200


=== TEST 14: an iFrame subscriber is not called, its page is named
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/page","event":"order.check","mode":"iframe"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /shop/sync/order.check
{"entityTypeID":3,"entityID":5}
--- response_body_like: ^\{"success":true,.*"data":\{"mode":"iframe","url":"http://127\.0\.0\.1:$PORT/page\?(?=[^"]*eventType=)(?=[^"]*entityTypeID=3)(?=[^"]*entityID=5)(?=[^"]*token=)[^"]*"\}\}$
--- error_code: 200


=== TEST 15: sync calls are not logged
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
GET /shop/deltas
--- response_body_like: ^\{"data":\[\],
--- error_code: 200


=== TEST 16: a disabled subscriber is none
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.check","mode":"sync"}
POST /shop/subscriptions/$ID/disable
--- until
POST /shop/sync/order.check {} => ^404
--- request
POST /shop/sync/order.check
{}
--- response_body_like: "NOTIFICATION_NO_SUBSCRIBER"
--- error_code: 404


=== TEST 17: what is bad JSON or no such event is refused as everywhere
--- request eval
["POST /shop/sync/order.check\n{", "POST /shop/sync/order.lost\n{}",
 "POST /shop/sync/order.check\na"]
--- more_headers eval
['X-A: b', 'X-A: b', 'Content-Type: text/plain']
--- response_headers eval
[ ('Content-Type: application/problem+json') x 3 ]
--- error_code eval
[400, 404, 415]


=== TEST 18: sync takes POST alone
--- request eval
['GET /shop/sync/order.check', "PUT /shop/sync/order.check\n{}",
 'DELETE /shop/sync/order.check', 'OPTIONS /shop/sync/order.check']
--- response_headers eval
[ ('Allow: POST') x 4 ]
--- error_code eval
[ (405) x 4 ]


=== TEST 19: sync needs an event that is declared so
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9000/","event":"order.paid","mode":"sync"}
--- response_body_like: "pointer":"/(mode|event)"
--- error_code: 422


=== TEST 20: without a subscriber answer and gate go straight to the backend
--- request eval
["POST /answer\n{}", "POST /gate\n{}"]
--- response_headers eval
[ ('X-Backend: yes') x 2 ]
--- response_body eval
[ ("the backend\n") x 2 ]
--- error_code eval
[200, 200]


=== TEST 21: answer replies in place of the backend
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /answer
{"name":"Smith"}
--- response_headers
! X-Backend
--- response_body_like: ^\{"success":true,.*"data":\{"id":9007199254740993,"p":1\.10\}\}$
--- error_code: 200


=== TEST 22: answer replies a refusal, too: on_error is not about it
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/no","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request eval
["POST /answer\n{}", "POST /answer-fail\n{}"]
--- response_body_like eval
[ ('"success":false,"message":"no"') x 2 ]
--- error_code eval
[200, 200]


=== TEST 23: when the call fails, answer passes, or fails if it is told so
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:1025/","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request eval
["POST /answer\n{}", "POST /answer-fail\n{}"]
--- response_body_like eval
['^the backend$', '"errorLevel":50,"errorCode":"NOTIFICATION_CONNECT_FAILED"']
--- error_code eval
[200, 502]


=== TEST 24: a gate goes on to the backend when the subscriber agrees
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /gate
{}
--- response_headers
X-Backend: yes
--- response_body
the backend
--- error_code: 200


=== TEST 25: a gate refuses with 422, or the status it is told, and the response
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/no","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request eval
["POST /gate\n{}", "POST /gate-402\n{}", "POST /gate-pass\n{}"]
--- response_headers eval
[ ('! X-Backend') x 3 ]
--- response_body_like eval
[ ('^\{"success":false,"message":"no","errorLevel":40,"errorCode":"E-1","data":null\}$') x 3 ]
--- error_code eval
[422, 402, 422]


=== TEST 26: a gate whose call fails is 502, or passes if it is told so
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/500","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request eval
["POST /gate\n{}", "POST /gate-pass\n{}"]
--- response_body_like eval
['"errorLevel":50,"errorCode":"NOTIFICATION_STATUS"', '^the backend$']
--- error_code eval
[502, 200]


=== TEST 27: a gate whose call takes too long is 504, or passes if it is told so
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/samples/order.check?delay=3s","event":"order.check","mode":"sync"}
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.price","mode":"sync"}
--- until
POST /shop/sync/order.price {} => ^200
--- request eval
["POST /gate\n{}", "POST /gate-pass\n{}"]
--- response_body_like eval
['"errorLevel":50,"errorCode":"NOTIFICATION_TIMEOUT"', '^the backend$']
--- error_code eval
[504, 200]


=== TEST 28: a page at a gate is a mistake of that subscriber
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/page","event":"order.check","mode":"iframe"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /gate
{}
--- response_body_like: "errorLevel":50,"errorCode":"NOTIFICATION_IFRAME_AT_GATE"
--- error_code: 502


=== TEST 29: a body that is no JSON is asked about with null, and the backend gets it
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request
POST /gate
no JSON
--- more_headers
Content-Type: text/plain
--- response_body
the backend
--- error_code: 200


=== TEST 30: a call that came through five of ours is a loop
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/ok","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request eval
["POST /shop/sync/order.check\n{}", "POST /gate-pass\n{}"]
--- more_headers
X-Notify-Hops: 5
--- error_code eval
[508, 508]


=== TEST 31: a subscriber of another tenant is not asked
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:$PORT/says/no","event":"order.check","mode":"sync"}
--- until
POST /shop/sync/order.check {} => ^200
--- request eval
["POST /gate\n{}", "POST /shop/sync/order.check\n{}"]
--- more_headers
X-Tenant: other
--- response_body_like eval
['^the backend$', '"NOTIFICATION_NO_SUBSCRIBER"']
--- error_code eval
[200, 404]
