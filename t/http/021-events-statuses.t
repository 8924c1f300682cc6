# The resource `events`: one request, one answer, status by status.

use strict;
use warnings;

use NotifyTest;
use NotifyTest::Socket;
use Test::Nginx::Socket 'no_plan';

socket_blocks(http => <<'HTTP', config => <<'CONFIG');
notify_channel shop {
    event     order.paid alias=order.payed;
    event     order.sent;
    event     order.quiet off;
    event     order.check sync;
    attribute country "pattern=^[A-Z]{2}$";
}
notify_channel tight { event order.paid; max_size 1; }
HTTP
location /shop/  { notify_api shop; }
location /small/ { client_max_body_size 64; notify_api shop; }
location /tight/ { notify_api tight; }
location /mine/  { notify_tenant $arg_tenant required; notify_api shop; }
CONFIG

__DATA__

=== TEST 1: an event is accepted with its id and a cursor
--- request
POST /shop/events
{"eventType":"order.paid","data":{"n":1}}
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"id":"[^".]+","cursor":"[^"]+"\}$
--- error_code: 202


=== TEST 2: an event is read by its id, its data byte for byte
--- given
POST /shop/events {"eventType":"order.paid","entityTypeID":"3","entityID":9007199254740993,"data": {"a" : 1.10, "b":[1e400]} }
--- request
GET /shop/events/$ID
--- response_body_like: ^(?=.*"id":"$ID")(?=.*"eventType":"order\.paid")(?=.*"entityTypeID":3,"entityID":9007199254740993)(?=.*"data":\{"a" : 1\.10, "b":\[1e400\]\})
--- error_code: 200


=== TEST 3: HEAD of an event has no body
--- given
POST /shop/events {"eventType":"order.paid"}
--- request
HEAD /shop/events/$ID
--- response_headers
Content-Type: application/json
--- response_body:
--- error_code: 200


=== TEST 4: an event that is not there is not found
--- request eval
['GET /shop/events/none', 'GET /shop/events/evt_0123456789ab0000',
 'GET /shop/events/none/deliveries', 'GET /shop/events/a/b/c']
--- response_headers eval
[ ('Content-Type: application/problem+json') x 4 ]
--- error_code eval
[404, 404, 404, 404]


=== TEST 5: another tenant's event is not found
--- given
POST /shop/events {"eventType":"order.paid"}
--- request eval
['GET /shop/events/$ID', 'GET /shop/events/$ID/deliveries']
--- more_headers
X-Tenant: other
--- error_code eval
[404, 404]


=== TEST 6: an event that nobody subscribed has no deliveries
--- given
POST /shop/events {"eventType":"order.paid"}
--- request
GET /shop/events/$ID/deliveries
--- response_body: []
--- error_code: 200


=== TEST 7: an alias is the canonical name
--- given
POST /shop/events {"eventType":"order.payed"}
--- request
GET /shop/events/$ID
--- response_body_like: "eventType":"order\.paid"
--- error_code: 200


=== TEST 8: an object with the action, or with the whole name, is the same event
--- given
POST /shop/events {"objectType":"order","eventType":"paid","entityID":1}
POST /shop/events {"objectType":"order","eventType":"order.paid","entityID":2}
--- request
GET /shop/deltas
--- response_body_like: "eventType":"order\.paid".*"eventType":"order\.paid"
--- error_code: 200


=== TEST 9: members have any case, attributes come back by their name
--- given
POST /shop/events {"EVENTTYPE":"order.paid","EntityId":"A4","COUNTRY":"NO"}
--- request
GET /shop/events/$ID
--- response_body_like: ^(?=.*"entityID":"A4")(?=.*"country":"NO")
--- error_code: 200


=== TEST 10: a time comes back in UTC
--- given
POST /shop/events {"eventType":"order.paid","time":"2026-03-18T12:00:24.481+01:00"}
--- request
GET /shop/events/$ID
--- response_body_like: "time":"2026-03-18T11:00:24\.481Z"
--- error_code: 200


=== TEST 11: a key again is answered with 200 and the first answer
--- request eval
["POST /shop/events\n{\"eventType\":\"order.paid\"}",
 "POST /shop/events\n{\"eventType\":\"order.paid\"}", 'GET /shop/deltas']
--- more_headers
Idempotency-Key: key-1
--- response_body_like eval
['^\{"id":"[^"]+","cursor":"[^"]+"\}$', '^\{"id":"[^"]+","cursor":"[^"]+"\}$',
 '^\{"data":\[\{[^{}]*\}\],']
--- error_code eval
[202, 200, 200]


=== TEST 12: a uid again is answered with the id it had
--- given
POST /shop/events {"eventType":"order.paid","uid":"u-1"}
--- request
POST /shop/events
{"eventType":"order.paid","uid":"u-1"}
--- response_body_like: ^\{"id":"$ID","cursor":"$CURSOR"\}$
--- error_code: 200


=== TEST 13: an event is found by its uid
--- given
POST /shop/events {"eventType":"order.paid","uid":"u-2"}
--- request
GET /shop/events/u-2
--- response_body_like: ^(?=.*"id":"$ID")(?=.*"uid":"u-2")
--- error_code: 200


=== TEST 14: the same key with another body is refused
--- request eval
["POST /shop/events\n{\"eventType\":\"order.paid\"}",
 "POST /shop/events\n{\"eventType\":\"order.sent\"}"]
--- more_headers
Idempotency-Key: key-1
--- response_body_like eval
['"id"', '"status":422.*"code":"idempotency_conflict"']
--- error_code eval
[202, 422]


=== TEST 15: the same uid with another body is refused, a member id is one
--- given
POST /shop/events {"eventType":"order.paid","id":"u-3"}
--- request
POST /shop/events
{"eventType":"order.sent","uid":"u-3"}
--- response_headers
Content-Type: application/problem+json
--- error_code: 422


=== TEST 16: a key of another tenant is another key
--- given
POST /shop/events {"eventType":"order.paid","uid":"u-4"}
--- request
POST /shop/events
{"eventType":"order.sent","uid":"u-4"}
--- more_headers
X-Tenant: other
--- error_code: 202


=== TEST 17: an array is accepted with an answer for each, in its order
--- request
POST /shop/events
[{"eventType":"order.paid"},{"eventType":"order.sent"}]
--- response_body_like: ^\[\{"id":"[^"]+","cursor":"[^"]+"\},\{"id":"[^"]+","cursor":"[^"]+"\}\]$
--- error_code: 202


=== TEST 18: one bad event in an array spoils all, every bad one is named
--- request eval
["POST /shop/events\n[{\"eventType\":\"order.paid\"},{\"eventType\":\"x\"},{\"eventType\":\"order.sent\",\"colour\":1},5]",
 'GET /shop/deltas']
--- response_body_like eval
['^(?=.*"/1/eventType")(?=.*"/2/colour")(?=.*"/3")(?!.*"/0)',
 '^\{"data":\[\],']
--- error_code eval
[422, 200]


=== TEST 19: an array has at most a thousand events, and one at least
--- request eval
[ map { "POST /shop/events\n[" . CORE::join(',', ('{"eventType":"order.paid"}') x $_) . ']' }
  1000, 1001, 0 ]
--- error_code eval
[202, 422, 422]


=== TEST 20: lines are accepted with an answer for each
--- request eval
"POST /shop/events\n{\"eventType\":\"order.paid\"}\n{\"eventType\":\"order.sent\"}\n"
--- more_headers
Content-Type: application/x-ndjson
--- response_body_like: ^\[\{"id":"[^"]+","cursor":"[^"]+"\},\{"id":"[^"]+","cursor":"[^"]+"\}\]$
--- error_code: 202


=== TEST 21: a line that is cut spoils all
--- request eval
["POST /shop/events\n{\"eventType\":\"order.paid\"}\n{\"eventTy", 'GET /shop/deltas']
--- more_headers
Content-Type: application/x-ndjson
--- response_body_like eval
['"status":400', '^\{"data":\[\],']
--- error_code eval
[400, 200]


=== TEST 22: what is no JSON, twice, too deep or nothing is a bad request
--- request eval
["POST /shop/events\n{\"eventType\":", 'POST /shop/events',
 "POST /shop/events\n{\"eventType\":\"order.paid\",\"EventType\":\"order.paid\"}",
 "POST /shop/events\n{\"eventType\":\"order.paid\",\"data\":\"\xff\"}",
 "POST /shop/events\n{\"eventType\":\"order.paid\",\"data\":" . '[' x 1000 . ']' x 1000 . '}']
--- response_headers eval
[ ('Content-Type: application/problem+json') x 5 ]
--- error_code eval
[ (400) x 5 ]


=== TEST 23: another media type is refused
--- request
POST /shop/events
eventType=order.paid
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_headers
Content-Type: application/problem+json
--- error_code: 415


=== TEST 24: a media type may have a charset
--- request
POST /shop/events
{"eventType":"order.paid"}
--- more_headers
Content-Type: application/json; charset=utf-8
--- error_code: 202


=== TEST 25: a body that grows too large is refused as a problem
--- request eval
"POST /small/events\n" . sprintf("%x\r\n%s\r\n0\r\n\r\n", 80, 'x' x 80)
--- more_headers
Transfer-Encoding: chunked
--- response_headers
Content-Type: application/problem+json
--- error_code: 413


=== TEST 26: all bad members are named at once, each by its pointer
--- request
POST /shop/events
{"eventType":"order.lost","entityTypeID":[],"entityID":{},"time":"now","country":"no","sessionId":"a\n","colour":1}
--- response_headers
Content-Type: application/problem+json
--- response_body_like eval
'^' . CORE::join '', map { "(?=.*\"pointer\":\"/$_\")" }
    qw(eventType entityTypeID entityID time country sessionId colour)
--- error_code: 422


=== TEST 27: an event without a name is refused
--- request
POST /shop/events
{"data":1}
--- response_body_like: "pointer":"/eventType"
--- error_code: 422


=== TEST 28: an event that is off is accepted and skipped, not logged
--- request eval
["POST /shop/events\n{\"eventType\":\"order.quiet\"}", 'GET /shop/deltas']
--- response_body_like eval
['^\{"id":null,"skipped":"off"\}$', '^\{"data":\[\],']
--- error_code eval
[202, 200]


=== TEST 29: a log that is full takes no more and loses nothing
--- given
POST /tight/events {"eventType":"order.paid"}
--- request eval
["POST /tight/events\n{\"eventType\":\"order.paid\"}",
 'GET /tight/events/$ID']
--- response_headers eval
['Content-Type: application/problem+json', 'Content-Type: application/json']
--- error_code eval
[507, 200]


=== TEST 30: where a tenant is required, nobody is unauthorized
--- request
POST /mine/events
{"eventType":"order.paid"}
--- response_headers
Content-Type: application/problem+json
--- error_code: 401


=== TEST 31: another method is not allowed, and Allow says which are
--- request eval
["PUT /shop/events\n{}", "PATCH /shop/events\n{}",
 'DELETE /shop/events', 'OPTIONS /shop/events']
--- response_headers eval
[ ('Allow: GET, HEAD, POST') x 4 ]
--- error_code eval
[ (405) x 4 ]


=== TEST 32: one event can be read and erased, not changed
--- request eval
["PATCH /shop/events/evt_1\n{}", "PUT /shop/events/evt_1\n{}",
 'OPTIONS /shop/events/evt_1']
--- response_headers_like eval
[ ('Allow: GET, HEAD, DELETE') x 3 ]
--- error_code eval
[ (405) x 3 ]


=== TEST 33: an event can be sent again to a subscription that is there
--- given
POST /shop/events {"eventType":"order.paid"}
--- request eval
["POST /shop/events/\$ID/redeliver\n{\"subscription\":\"none\"}",
 "POST /shop/events/\$ID/redeliver\n{}", 'GET /shop/events/$ID/redeliver']
--- response_body_like eval
['"/subscription"|"status":404', '"pointer":"/subscription"', '"status":405']
--- error_code_like eval
['^(404|422)$', '^422$', '^405$']


=== TEST 34: a body that says that it is too large is refused the same way
--- request eval
"POST /small/events\n" . 'x' x 80
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "status":413.*"code":"body_too_large"
--- error_code: 413
