# What is there to look at it: metrics, the console, OpenAPI, and the small
# resources beside them.

use strict;
use warnings;

use NotifyTest;
use NotifyTest::Socket;
use Test::Nginx::Socket 'no_plan';

socket_blocks(http => <<'HTTP', config => <<'CONFIG');
notify_channel shop {
    event     order.paid alias=order.payed;
    event     order.check sync iframe;
    attribute country;
}
HTTP
location /shop/           { notify_api shop; }
location = /shop/console  { notify_console; }
location = /metrics       { notify_metrics; }
location = /types         { notify_api shop event-types; }
location /samples/        { notify_api shop samples; }
CONFIG

__DATA__

=== TEST 1: metrics are Prometheus text
--- request
GET /metrics
--- response_headers_like
Content-Type: text/plain; version=0\.0\.4.*
--- response_body_like: (?s)^# HELP notify_\w+ .*\n# TYPE notify_\w+ (counter|gauge).*\n$
--- error_code: 200


=== TEST 2: metrics count what was published
--- given
POST /shop/events {"eventType":"order.paid"}
--- until
GET /metrics => notify_events\w*\{[^}]*channel="shop"[^}]*\} [1-9]
--- request
GET /metrics
--- response_body_like: \nnotify_events\w*\{[^}]*channel="shop"[^}]*\} [1-9]
--- error_code: 200


=== TEST 3: HEAD of metrics has no body
--- request
HEAD /metrics
--- response_headers_like
Content-Type: text/plain.*
--- response_body:
--- error_code: 200


=== TEST 4: metrics can only be read
--- request eval
["POST /metrics\na", "PUT /metrics\na", 'DELETE /metrics', 'OPTIONS /metrics']
--- response_headers_like eval
[ ('Allow: .*GET.*') x 4 ]
--- error_code eval
[ (405) x 4 ]


=== TEST 5: the console is a page that loads nothing from elsewhere
--- request
GET /shop/console
--- response_headers_like
Content-Type: text/html; charset=utf-8
Content-Security-Policy: .*default-src 'none'.*
X-Content-Type-Options: nosniff
--- response_body_unlike: (?:src|href)="(?:https?:)?//
--- error_code: 200


=== TEST 6: HEAD of the console has no body
--- request
HEAD /shop/console
--- response_headers
Content-Type: text/html; charset=utf-8
--- response_body:
--- error_code: 200


=== TEST 7: the console can only be read
--- request eval
["POST /shop/console\na", "PUT /shop/console\na", 'DELETE /shop/console',
 'OPTIONS /shop/console']
--- response_headers_like eval
[ ('Allow: .*GET.*') x 4 ]
--- error_code eval
[ (405) x 4 ]


=== TEST 8: OpenAPI is a document of 3.1 with the paths of the location
--- request
GET /shop/openapi.json
--- response_headers_like
Content-Type: application/(json|openapi\+json).*
--- response_body_like: ^(?=.*"openapi":\s*"3\.1\.\d")(?=.*"/shop/subscriptions")(?=.*"/shop/events")(?=.*"/shop/deltas")(?=.*order\.paid)(?=.*country)
--- error_code: 200


=== TEST 9: the key set is there, and empty without a jwt directive
--- request
GET /shop/jwks.json
--- response_headers_like
Content-Type: application/(json|jwk-set\+json)
--- response_body_like: ^\{"keys":\[\]\}$
--- error_code: 200


=== TEST 10: the catalogue has every event with what it is
--- request
GET /shop/event-types
--- response_headers
Content-Type: application/json
--- response_body_like: ^\[(?=.*order\.paid)(?=.*order\.payed)(?=.*order\.check).*\]$
--- error_code: 200


=== TEST 11: a resource may be mounted by itself
--- request
GET /types
--- response_body_like: order\.paid
--- error_code: 200


=== TEST 12: health and stats are JSON
--- request eval
['GET /shop/health', 'GET /shop/stats']
--- response_headers eval
[ ('Content-Type: application/json') x 2 ]
--- response_body_like eval
['^(?=.*"status":"(ok|warning)")(?=.*"channel":"shop")', '^\{.*\}$']
--- error_code eval
[200, 200]


=== TEST 13: what can only be read takes no other method
--- request eval
[ map { ("POST /shop/$_\n{}", "DELETE /shop/$_", "OPTIONS /shop/$_") }
  'openapi.json', 'jwks.json', 'event-types', 'health', 'stats' ]
--- response_headers_like eval
[ ('Allow: GET(, HEAD)?') x 15 ]
--- error_code eval
[ (405) x 15 ]


=== TEST 14: HEAD of each of them has no body
--- request eval
[ map { "HEAD /shop/$_" }
  'openapi.json', 'jwks.json', 'event-types', 'health', 'stats' ]
--- response_body eval
[ ('') x 5 ]
--- error_code eval
[ (200) x 5 ]


=== TEST 15: samples answer success, or what they are asked for
--- request eval
["POST /samples/order.check\n{}",
 "POST /samples/order.check?success=false&errorLevel=40&errorCode=E-1\n{}",
 "POST /samples/order.check?status=503\n{}"]
--- response_body_like eval
['"success":true', '^(?=.*"success":false)(?=.*"errorLevel":40)(?=.*"errorCode":"E-1")', '']
--- error_code eval
[200, 200, 503]


=== TEST 16: samples are not there but where they are mounted by name
--- request
POST /shop/samples/order.check
{}
--- response_headers
Content-Type: application/problem+json
--- error_code: 404
