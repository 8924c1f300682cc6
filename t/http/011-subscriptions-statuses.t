# The resource `subscriptions`: one request, one answer, status by status.

use strict;
use warnings;

use NotifyTest;
use NotifyTest::Socket;
use Test::Nginx::Socket 'no_plan';

socket_blocks(http => <<'HTTP', config => <<'CONFIG');
notify_profile local { allow 127.0.0.0/8; }
notify_profile tls   { schemes https; }
notify_channel shop {
    profile   local tls;
    event     order.paid alias=order.payed;
    event     order.sent;
    event     order.check sync iframe;
    attribute country "pattern=^[A-Z]{2}$";
    subscriptions_max 3;
}
HTTP
location /shop/  { notify_api shop; }
location /small/ { client_max_body_size 64; notify_api shop; }
location /own/   {
    client_max_body_size 64;
    error_page 413 /413;
    notify_api shop;
}
location = /413  { return 413 "a page of its own"; }
location /mine/  { notify_tenant $arg_tenant required; notify_api shop; }
CONFIG

__DATA__

=== TEST 1: a subscription is created with its place, its version and its secret
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9000/hook","event":"order.paid"}
--- response_headers_like
Location: /shop/subscriptions/sub_\w+
ETag: "\d+"
Content-Type: application/json
--- response_body_like: ^(?=.*"id":"sub_\w+")(?=.*"secret":"whsec_)(?=.*"status":"active")
--- error_code: 201


=== TEST 2: a subscription is read with the version that its creation told
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request
GET /shop/subscriptions/$ID
--- response_headers
ETag: $ETAG
--- response_body_like: "id":"$ID"
--- error_code: 200


=== TEST 3: secret, API key and headers are never shown again
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid","apiKey":"key-1","headers":{"X-A":"hidden"}}
--- request
GET /shop/subscriptions/$ID
--- response_body_unlike: "secret"|"apiKey"|"headers"|key-1|hidden
--- error_code: 200


=== TEST 4: HEAD has the headers of GET and no body
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request
HEAD /shop/subscriptions/$ID
--- response_headers
ETag: $ETAG
Content-Type: application/json
--- response_body:
--- error_code: 200


=== TEST 5: a version that is known is not sent again
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request
GET /shop/subscriptions/$ID
--- more_headers
If-None-Match: $ETAG
--- error_code: 304


=== TEST 6: without subscriptions the list is empty and not missing
--- request
GET /shop/subscriptions
--- response_body: []
--- error_code: 200


=== TEST 7: a list has one page after another
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/1","event":"order.paid"}
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/2","event":"order.paid"}
--- request
GET /shop/subscriptions?limit=1
--- response_headers_like
Link: <.*>; rel="next"
--- response_body_like: ^\[\{[^\[]*9000/1".*\]$
--- error_code: 200


=== TEST 8: the last page names no next one
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/1","event":"order.paid"}
--- request
GET /shop/subscriptions?limit=1
--- response_headers
! Link
--- error_code: 200


=== TEST 9: a limit is at least 1 and at most 250
--- request eval
[ map { "GET /shop/subscriptions?limit=$_" } 1, 250, 0, 251, -1, 'x', '' ]
--- error_code eval
[200, 200, 400, 400, 400, 400, 400]


=== TEST 10: names of members, attributes and their aliases have any case
--- request
POST /shop/subscriptions
{"CALLBACKURL":"http://127.0.0.1:9000/","Event":"order.payed","COUNTRY":"NO","InFlight":2}
--- response_body_like: ^(?=.*"url":"http://127)(?=.*"event":"order\.paid")(?=.*"country":"NO")(?=.*"inFlight":2)
--- error_code: 201


=== TEST 11: one member twice, if only its case differs, is a bad request
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9000/","URL":"http://127.0.0.1:9000/","event":"order.paid"}
--- response_headers
Content-Type: application/problem+json
--- error_code: 400


=== TEST 12: what is no JSON, no object or nothing is a bad request
--- request eval
["POST /shop/subscriptions\n{\"url\":", "POST /shop/subscriptions\n[]",
 "POST /shop/subscriptions\n5", 'POST /shop/subscriptions']
--- error_code eval
[400, 400, 400, 400]


=== TEST 13: an object and its event together are the name
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9000/","objectType":"order","eventType":"paid","entityTypeID":"3"}
--- response_body_like: ^(?=.*"event":"order\.paid")(?=.*"entityTypeID":3[,}])
--- error_code: 201


=== TEST 14: another media type is refused
--- request
POST /shop/subscriptions
url=http://127.0.0.1:9000/
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_headers
Content-Type: application/problem+json
--- error_code: 415


=== TEST 15: a body that grows too large is refused as a problem
--- request eval
"POST /small/subscriptions\n"
. sprintf("%x\r\n%s\r\n0\r\n\r\n", 80, 'x' x 80)
--- more_headers
Transfer-Encoding: chunked
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "status":413
--- error_code: 413


=== TEST 16: all bad members are named at once, each by its pointer
--- request
POST /shop/subscriptions
{"url":"ftp://a.test/","event":"order.lost","country":"no","mode":"push","rate":"fast","inFlight":0,"profile":"x","colour":1}
--- response_headers
Content-Type: application/problem+json
--- response_body_like eval
'^' . CORE::join '', map { "(?=.*\"pointer\":\"/$_\")" }
    qw(url event country mode rate inFlight profile colour)
--- error_code: 422


=== TEST 17: an error says its type, title, status, detail, code and request
--- request
POST /shop/subscriptions
{}
--- response_body_like eval
'^' . CORE::join '', map { "(?=.*\"$_\":)" }
    qw(type title status detail code errors request_id)
--- error_code: 422


=== TEST 18: hop-by-hop headers, ours and control characters are refused
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9000/","event":"order.paid","headers":{"Host":"a","Content-Length":"1","Transfer-Encoding":"a","Connection":"a","TE":"a","Trailer":"a","Upgrade":"a","Expect":"a","Proxy-Authorization":"a","webhook-id":"a","X-B":"a\r\nb"}}
--- response_body_like eval
'^' . CORE::join '', map { "(?=.*\"pointer\":\"/headers/$_\")" }
    qw(Host Content-Length Transfer-Encoding Connection TE Trailer Upgrade
       Expect Proxy-Authorization webhook-id X-B)
--- error_code: 422


=== TEST 19: a header of the subscriber's own is taken
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9000/","event":"order.paid","headers":{"X-Trace":"a"}}
--- error_code: 201


=== TEST 20: addresses of inner networks are refused, however they are written
--- request eval
[ map { "POST /shop/subscriptions\n{\"url\":\"$_\",\"event\":\"order.paid\"}" }
  'http://10.0.0.1/', 'http://169.254.169.254/latest/', 'http://192.168.1.1/',
  'http://172.16.0.1/', 'http://0.0.0.0/', 'http://[::1]/', 'http://[fe80::1]/',
  'http://[fd00::1]/', 'http://[::ffff:10.0.0.1]/', 'http://0177.0.0.1/',
  'http://2130706433/', 'http://0x7f.1/', 'http://100.64.0.1/',
  'http://[64:ff9b::10.0.0.1]/' ]
--- response_body_like eval
[ ('"pointer":"/url"') x 14 ]
--- error_code eval
[ (422) x 14 ]


=== TEST 21: reserved names, user info, fragments and service ports are refused
--- request eval
[ map { "POST /shop/subscriptions\n{\"url\":\"$_\",\"event\":\"order.paid\"}" }
  'http://localhost/', 'http://a.localhost/', 'http://LOCALHOST./',
  'http://db.internal/', 'http://db.internal./', 'http://a:b@example.com/',
  'http://example.com/#a', 'http://example.com:22/', 'http://example.com:25/',
  'file:///etc/passwd', 'gopher://example.com/', '//example.com/', '' ]
--- response_body_like eval
[ ('"pointer":"/url"') x 13 ]
--- error_code eval
[ (422) x 13 ]


=== TEST 22: a scheme that the profile does not allow is refused
--- request
POST /shop/subscriptions
{"url":"http://example.com/","event":"order.paid","profile":"tls"}
--- response_body_like: "pointer":"/url"
--- error_code: 422


=== TEST 23: a second sync subscription of an event is a conflict that names the first
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.check","mode":"sync"}
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9001/","event":"order.check","mode":"iframe"}
--- response_headers
Content-Type: application/problem+json
--- response_body_like: $ID
--- error_code: 409


=== TEST 24: more subscriptions than the channel allows are a conflict
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/1","event":"order.paid"}
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/2","event":"order.paid"}
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/3","event":"order.paid"}
--- request
POST /shop/subscriptions
{"url":"http://127.0.0.1:9000/4","event":"order.paid"}
--- error_code: 409


=== TEST 25: a change of another version is refused
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
["PATCH /shop/subscriptions/\$ID\n{\"name\":\"a\"}",
 "PUT /shop/subscriptions/\$ID\n{\"url\":\"http://127.0.0.1/\",\"event\":\"order.paid\"}",
 'DELETE /shop/subscriptions/$ID', 'POST /shop/subscriptions/$ID/disable']
--- more_headers
If-Match: "999999"
--- error_code eval
[412, 412, 412, 412]


=== TEST 26: a change of the version that it names is made, and makes another
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
["PATCH /shop/subscriptions/\$ID\n{\"name\":\"a\"}",
 "PATCH /shop/subscriptions/\$ID\n{\"name\":\"b\"}"]
--- more_headers
If-Match: $ETAG
--- response_body_like eval
['"name":"a"', '"status":412']
--- error_code eval
[200, 412]


=== TEST 27: PATCH merges, null takes away
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid","country":"NO","name":"a","metadata":{"a":"1","b":"2"}}
--- request
PATCH /shop/subscriptions/$ID
{"country":null,"metadata":{"a":null,"c":"3"}}
--- more_headers
Content-Type: application/merge-patch+json
--- response_body_like: ^(?!.*"country":"NO")(?=.*"name":"a")(?=.*"metadata":\{"b":"2","c":"3"\})
--- error_code: 200


=== TEST 28: PUT replaces and keeps the id
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid","name":"a"}
--- request
PUT /shop/subscriptions/$ID
{"url":"http://127.0.0.1:9000/new","event":"order.sent"}
--- response_body_like: ^(?!.*"name":"a")(?=.*"id":"$ID")(?=.*9000/new")(?=.*"event":"order\.sent")
--- error_code: 200


=== TEST 29: a change that is bad names all that is
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request
PATCH /shop/subscriptions/$ID
{"url":null,"event":"order.lost","rate":"0r/s"}
--- response_body_like: ^(?=.*"/url")(?=.*"/event")(?=.*"/rate")
--- error_code: 422


=== TEST 30: DELETE is 204 whether there is one or was one or never
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
['DELETE /shop/subscriptions/$ID', 'DELETE /shop/subscriptions/$ID',
 'DELETE /shop/subscriptions/whatever', 'GET /shop/subscriptions/$ID']
--- error_code eval
[204, 204, 204, 404]


=== TEST 31: what is not there is not found
--- request eval
['GET /shop/subscriptions/none', "PUT /shop/subscriptions/none\n{}",
 "PATCH /shop/subscriptions/none\n{}", 'POST /shop/subscriptions/none/enable',
 'POST /shop/subscriptions/none/disable', 'POST /shop/subscriptions/none/test',
 'POST /shop/subscriptions/none/rotate-secret',
 'GET /shop/subscriptions/none/deliveries']
--- response_body_like eval
[ ('"status":404') x 8 ]
--- error_code eval
[ (404) x 8 ]


=== TEST 32: another tenant's subscription is not found
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
['GET /shop/subscriptions/$ID', "PATCH /shop/subscriptions/\$ID\n{}",
 'POST /shop/subscriptions/$ID/disable', 'GET /shop/subscriptions']
--- more_headers
X-Tenant: other
--- response_body_like eval
['"status":404', '"status":404', '"status":404', '^\[\]$']
--- error_code eval
[404, 404, 404, 200]


=== TEST 33: a tenant that does not delete another's leaves it there
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
['DELETE /shop/subscriptions/$ID', 'GET /shop/subscriptions/$ID']
--- more_headers eval
['X-Tenant: other', 'X-Tenant: t33']
--- error_code eval
[204, 200]


=== TEST 34: where a tenant is required, nobody is unauthorized
--- request
GET /mine/subscriptions
--- response_headers
Content-Type: application/problem+json
--- error_code: 401


=== TEST 35: another method on the list is not allowed, and Allow says which are
--- request eval
["PUT /shop/subscriptions\n{}", "PATCH /shop/subscriptions\n{}",
 'DELETE /shop/subscriptions', 'OPTIONS /shop/subscriptions']
--- response_headers_like eval
[ ('Allow: (?=.*\bGET\b)(?=.*\bPOST\b)(?!.*(PUT|PATCH|DELETE)).*') x 4 ]
--- error_code eval
[ (405) x 4 ]


=== TEST 36: another method on one is not allowed, and Allow says which are
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
["POST /shop/subscriptions/\$ID\n{}", 'OPTIONS /shop/subscriptions/$ID']
--- response_headers_like eval
[ ('Allow: (?=.*GET)(?=.*PUT)(?=.*PATCH)(?=.*DELETE)(?!.*POST).*') x 2 ]
--- error_code eval
[405, 405]


=== TEST 37: another method on an action is not allowed, and Allow says which is
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
['GET /shop/subscriptions/$ID/test', 'GET /shop/subscriptions/$ID/enable',
 'DELETE /shop/subscriptions/$ID/rotate-secret',
 'GET /shop/subscriptions/$ID/redeliver']
--- response_headers eval
[ ('Allow: POST') x 4 ]
--- error_code eval
[ (405) x 4 ]


=== TEST 38: one is disabled with a reason and enabled again
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
['POST /shop/subscriptions/$ID/disable', 'POST /shop/subscriptions/$ID/enable']
--- response_body_like eval
['^(?=.*"status":"disabled")(?=.*"reason":")', '^(?=.*"status":"active")(?!.*"reason":")']
--- error_code eval
[200, 200]


=== TEST 39: a new secret is told once, for as long as the grace says beside the old
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
["POST /shop/subscriptions/\$ID/rotate-secret\n{\"grace\":\"24h\"}",
 "POST /shop/subscriptions/\$ID/rotate-secret\n{\"grace\":\"long\"}"]
--- response_body_like eval
['"secret":"whsec_', '"pointer":"/grace"']
--- error_code eval
[200, 422]


=== TEST 40: a redelivery is accepted, or its bad members named
--- given
POST /shop/subscriptions {"url":"http://127.0.0.1:9000/","event":"order.paid"}
--- request eval
["POST /shop/subscriptions/\$ID/redeliver\n{\"since\":\"2026-01-01T00:00:00Z\",\"all\":true}",
 "POST /shop/subscriptions/\$ID/redeliver\n{\"since\":\"yesterday\",\"all\":1}"]
--- response_body_like eval
['', '^(?=.*"/since")(?=.*"/all")']
--- error_code eval
[202, 422]


=== TEST 41: a filter is kept as it was, and a condition that is none is named
--- request eval
["POST /shop/subscriptions\n{\"url\":\"http://127.0.0.1:9000/\",\"event\":\"order.paid\",\"filter\":{\"data.amount\":{\"\$gte\":100},\"data.state\":\"open\"}}",
 "POST /shop/subscriptions\n{\"url\":\"http://127.0.0.1:9000/\",\"event\":\"order.paid\",\"filter\":{\"data.amount\":{\"\$near\":1}}}"]
--- response_body_like eval
['"filter":\{"data\.amount":\{"\$gte":100\},"data\.state":"open"\}',
 '"pointer":"/filter/data.amount/\$near"']
--- error_code eval
[201, 422]


=== TEST 42: a body that says that it is too large is refused the same way
--- request eval
"POST /small/subscriptions\n" . 'x' x 80
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "status":413.*"code":"body_too_large"
--- error_code: 413


=== TEST 43: an error_page that is configured stays
--- request eval
"POST /own/subscriptions\n" . 'x' x 80
--- response_body: a page of its own
--- error_code: 413
