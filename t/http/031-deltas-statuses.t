# The resource `deltas`: one request, one answer, status by status.

use strict;
use warnings;

use NotifyTest;
use NotifyTest::Socket;
use Test::Nginx::Socket 'no_plan';

socket_blocks(http => <<'HTTP', config => <<'CONFIG');
notify_profile local { allow 127.0.0.0/8; retry off; }
notify_channel shop {
    profile   local;
    event     order.paid;
    event     order.sent;
    attribute country;
}
notify_channel other { event order.paid; }
HTTP
location /shop/  { notify_api shop; }
location /other/ { notify_api other; }
location /mine/  { notify_tenant $arg_tenant required; notify_api shop; }
CONFIG

__DATA__

=== TEST 1: a log without events is empty, has a cursor and no more
--- request
GET /shop/deltas
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"data":\[\],"cursor":"[^"]+","hasMore":false\}$
--- error_code: 200


=== TEST 2: without a cursor it begins with the oldest, in the order of the log
--- given
POST /shop/events [{"eventType":"order.paid","entityID":1},{"eventType":"order.sent","entityID":2},{"eventType":"order.paid","entityID":3}]
--- request
GET /shop/deltas
--- response_body_like: ^\{"data":\[.*"entityID":1,.*"entityID":2,.*"entityID":3,.*\],"cursor":"[^"]+","hasMore":false\}$
--- error_code: 200


=== TEST 3: an entry is the call format with its id, time, uid and attributes
--- given
POST /shop/events {"eventType":"order.paid","entityTypeID":3,"entityID":9007199254740993,"data":{"a":1.10},"uid":"u-1","country":"NO","time":"2026-03-18T12:00:24.481Z"}
--- request
GET /shop/deltas
--- response_body_like: ^\{"data":\[\{"eventType":"order\.paid","entityTypeID":3,"entityID":9007199254740993,"data":\{"a":1\.10\},"id":"$ID","time":"2026-03-18T12:00:24\.481Z","uid":"u-1","country":"NO"\}\]
--- error_code: 200


=== TEST 4: a page has as many as limit says, and says that there is more
--- given
POST /shop/events [{"eventType":"order.paid","entityID":1},{"eventType":"order.paid","entityID":2}]
--- request
GET /shop/deltas?limit=1
--- response_body_like: ^\{"data":\[\{[^{}]*"entityID":1,[^{}]*\}\],.*"hasMore":true\}$
--- error_code: 200


=== TEST 5: the cursor of a page goes on behind it
--- given
POST /shop/events [{"eventType":"order.paid","entityID":1},{"eventType":"order.paid","entityID":2}]
GET /shop/deltas?limit=1
--- request
GET /shop/deltas?cursor=$CURSOR&limit=1
--- response_body_like: ^\{"data":\[\{[^{}]*"entityID":2,[^{}]*\}\],.*"hasMore":false\}$
--- error_code: 200


=== TEST 6: the cursor of the end stays, and finds what comes later
--- given
POST /shop/events {"eventType":"order.paid","entityID":1}
GET /shop/deltas
--- request eval
['GET /shop/deltas?cursor=$CURSOR',
 "POST /shop/events\n{\"eventType\":\"order.sent\",\"entityID\":2}",
 'GET /shop/deltas?cursor=$CURSOR']
--- response_body_like eval
['^\{"data":\[\],"cursor":"$CURSOR","hasMore":false\}$', '"id"',
 '^\{"data":\[\{[^{}]*"entityID":2,[^{}]*\}\],']
--- error_code eval
[200, 202, 200]


=== TEST 7: the cursor of a publish lies behind its event
--- given
POST /shop/events {"eventType":"order.paid"}
--- request
GET /shop/deltas?cursor=$CURSOR
--- response_body_like: ^\{"data":\[\],
--- error_code: 200


=== TEST 8: a cursor that is not ours is a bad request
--- request eval
[ map { "GET /shop/deltas?cursor=$_" } 'forged', 'A' x 40, '0' ]
--- response_headers eval
[ ('Content-Type: application/problem+json') x 3 ]
--- error_code eval
[400, 400, 400]


=== TEST 9: a cursor that was changed or cut is a bad request
--- given
POST /shop/events {"eventType":"order.paid"}
--- request eval
['GET /shop/deltas?cursor=A$CURSOR', 'GET /shop/deltas?cursor=$CURSOR-']
--- error_code eval
[400, 400]


=== TEST 10: the cursor of another tenant or channel is a bad request
--- given
POST /shop/events {"eventType":"order.paid"}
--- request eval
['GET /shop/deltas?cursor=$CURSOR', 'GET /other/deltas?cursor=$CURSOR',
 'GET /shop/deltas?cursor=$CURSOR']
--- more_headers eval
['X-Tenant: other', 'X-Tenant: t10', 'X-Tenant: t10']
--- error_code eval
[400, 400, 200]


=== TEST 11: a limit is at least 1 and at most 250
--- request eval
[ map { "GET /shop/deltas?limit=$_" } 1, 250, 0, 251, -1, 'x', '' ]
--- error_code eval
[200, 200, 400, 400, 400, 400, 400]


=== TEST 12: a page without a limit has a hundred
--- given eval
'POST /shop/events [' . CORE::join(',', map { qq({"eventType":"order.paid","entityID":$_}) } 1 .. 101) . ']'
--- request
GET /shop/deltas
--- response_body_like: "entityID":100,(?!.*"entityID":101,).*"hasMore":true\}$
--- error_code: 200


=== TEST 13: eventType leaves only that event
--- given
POST /shop/events [{"eventType":"order.paid","entityID":1},{"eventType":"order.sent","entityID":2}]
--- request
GET /shop/deltas?eventType=order.sent
--- response_body_like: ^\{"data":\[\{[^{}]*"entityID":2,[^{}]*\}\],
--- error_code: 200


=== TEST 14: entityTypeID leaves only that entity type
--- given
POST /shop/events [{"eventType":"order.paid","entityTypeID":3,"entityID":1},{"eventType":"order.paid","entityTypeID":4,"entityID":2}]
--- request
GET /shop/deltas?entityTypeID=4
--- response_body_like: ^\{"data":\[\{[^{}]*"entityID":2,[^{}]*\}\],
--- error_code: 200


=== TEST 15: subscription leaves only what that one selects
--- given
POST /shop/events [{"eventType":"order.paid","entityID":1},{"eventType":"order.sent","entityID":2}]
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.sent","enabled":false}
--- request
GET /shop/deltas?subscription=$ID
--- response_body_like: ^\{"data":\[\{[^{}]*"entityID":2,[^{}]*\}\],
--- error_code: 200


=== TEST 16: missed is what a subscription that was disabled has not got
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid","enabled":false}
POST /shop/events [{"eventType":"order.paid","entityID":1},{"eventType":"order.sent","entityID":2}]
--- request
GET /shop/deltas?subscription=$ID&missed=true
--- response_body_like: ^\{"data":\[\{[^{}]*"entityID":1,[^{}]*\}\],
--- error_code: 200


=== TEST 17: a subscription that is not there, or another tenant's, is not found
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
['GET /shop/deltas?subscription=none', 'GET /shop/deltas?subscription=$ID']
--- more_headers
X-Tenant: other
--- error_code eval
[404, 404]


=== TEST 18: missed without a subscription is a bad request
--- request
GET /shop/deltas?missed=true
--- error_code: 400


=== TEST 19: since an event is what comes behind it
--- given
POST /shop/events {"eventType":"order.paid","entityID":1}
--- request eval
["POST /shop/events\n{\"eventType\":\"order.paid\",\"entityID\":2}",
 'GET /shop/deltas?since=$ID']
--- response_body_like eval
['"id"', '^\{"data":\[\{[^{}]*"entityID":2,[^{}]*\}\],']
--- error_code eval
[202, 200]


=== TEST 20: since a time is what comes after it
--- given
POST /shop/events {"eventType":"order.paid","entityID":1}
--- request eval
['GET /shop/deltas?since=2000-01-01T00:00:00Z',
 'GET /shop/deltas?since=2100-01-01T00:00:00Z']
--- response_body_like eval
['"entityID":1', '^\{"data":\[\],']
--- error_code eval
[200, 200]


=== TEST 21: parameters that are none are bad requests
--- request eval
[ map { "GET /shop/deltas?$_" } 'since=yesterday', 'eventType=',
  'limit=1&limit=1', 'missed=perhaps', 'wait=long',
  'since=2000-01-01T00:00:00Z&consumer=a' ]
--- response_headers eval
[ ('Content-Type: application/problem+json') x 6 ]
--- error_code eval
[ (400) x 6 ]


=== TEST 22: what another tenant publishes is not seen
--- given
POST /shop/events {"eventType":"order.paid"}
--- request
GET /shop/deltas
--- more_headers
X-Tenant: other
--- response_body_like: ^\{"data":\[\],
--- error_code: 200


=== TEST 23: where a tenant is required, nobody is unauthorized
--- request
GET /mine/deltas
--- error_code: 401


=== TEST 24: HEAD has no body
--- given
POST /shop/events {"eventType":"order.paid"}
--- request
HEAD /shop/deltas
--- response_headers
Content-Type: application/json
--- response_body:
--- error_code: 200


=== TEST 25: another method is not allowed, and Allow says which are
--- request eval
["POST /shop/deltas\n{}", "PUT /shop/deltas\n{}", 'DELETE /shop/deltas',
 'OPTIONS /shop/deltas']
--- response_headers_like eval
[ ('Allow: (?=.*GET)(?!.*(POST|PUT|DELETE)).*') x 4 ]
--- error_code eval
[ (405) x 4 ]


=== TEST 26: waiting ends when nothing has come
--- request
GET /shop/deltas?wait=1s
--- response_body_like: ^\{"data":\[\],
--- error_code: 200


=== TEST 27: waiting ends at once where there is something
--- given
POST /shop/events {"eventType":"order.paid"}
--- request
GET /shop/deltas?wait=30s
--- timeout: 5
--- response_body_like: "eventType":"order\.paid"
--- error_code: 200


=== TEST 28: a consumer begins with what it has committed, reading moves it not
--- given
POST /shop/events [{"eventType":"order.paid","entityID":1},{"eventType":"order.paid","entityID":2}]
GET /shop/deltas?limit=1
--- request eval
['GET /shop/deltas?consumer=c&limit=1', 'GET /shop/deltas?consumer=c&limit=1',
 "POST /shop/deltas/consumers/c\n{\"cursor\":\"\$CURSOR\"}",
 'GET /shop/deltas?consumer=c&limit=1']
--- response_body_like eval
['"entityID":1', '"entityID":1', '', '"entityID":2']
--- error_code_like eval
['^200$', '^200$', '^20[04]$', '^200$']


=== TEST 29: a consumer does not commit a cursor that is not ours
--- request
POST /shop/deltas/consumers/c
{"cursor":"forged"}
--- response_headers
Content-Type: application/problem+json
--- error_code: 400


=== TEST 30: a stream has the cursor of each event before its data
--- given
POST /shop/events {"eventType":"order.paid","entityID":1}
--- raw_request eval
"GET /shop/deltas HTTP/1.0\r\nAccept: text/event-stream\r\nX-Tenant: t30\r\n\r\n"
--- abort
--- timeout: 500ms
--- response_headers
Content-Type: text/event-stream
--- response_body_like: id: ?\S+\n(event:[^\n]*\n)?data: ?\{.*"entityID":1
--- error_code: 200
