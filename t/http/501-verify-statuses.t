# notify_verify: what is authentic reaches the backend, all else gets one and
# the same 401.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha256_base64 hmac_sha256_hex);
use MIME::Base64 qw(encode_base64 encode_base64url);
use NotifyTest;
use NotifyTest::Socket;
use Test::Nginx::Socket 'no_plan';

my $dir = test_dir();
my $key = 'a key of at least thirty-two bytes';
my $text = 'a text of a secret';

spew("$dir/standard", 'whsec_' . encode_base64($key, '') . "\n");
spew("$dir/hmac", "$text\n");
spew("$dir/jwt", "$key\n");

# headers of a call by Standard Webhooks; `with` are wrong on purpose
sub standard {
    my ($body, %with) = @_;
    my $time = $with{time} // time;
    my $id = $with{id} // 'msg_1';
    my $code = hmac_sha256_base64("$id.$time.$body", $with{key} // $key);
    $code .= '=' while length($code) % 4;
    return "webhook-id: $id\nwebhook-timestamp: $time\n"
           . "webhook-signature: v1,$code";
}

sub hmac { return 'X-Sig: sha256=' . hmac_sha256_hex($_[0], $_[1] // $text) }

sub push_of { return 'X-hmac: ' . hmac_sha256_hex($_[0], $text) }

sub jwt {
    my (%with) = @_;
    my $head = delete $with{head} // { alg => 'HS256', typ => 'JWT' };
    my $secret = delete $with{key} // $key;
    my %claims = (aud => 'us', iss => 'them', iat => time, exp => time + 60,
                  %with);
    delete @claims{ grep { !defined $claims{$_} } keys %claims };
    my $token = join '.', map { encode_base64url(to_json($_)) } $head, \%claims;
    return "Authorization: Bearer $token."
           . encode_base64url(hmac_sha256($token, $secret));
}

# all bodies of 401, of whichever reason, are the same
my $refused;
add_response_body_check(sub {
    my ($block, $body, $request, $repeated) = @_;
    return unless ($body // '') =~ /\b401\b/;
    $refused //= $body;
    is($body, $refused, $block->name . ' - the same 401 as all others');
});

socket_blocks(http => <<'HTTP', config => <<"CONFIG");
notify_channel shop { event order.paid; }
HTTP
location /shop/ { notify_api shop; }
location /app   { return 200 "the backend\\n"; }
location /standard {
    notify_verify standard secret_file=$dir/standard;
    proxy_pass http://127.0.0.1:\$TEST_NGINX_SERVER_PORT/app;
    location /standard/off {
        notify_verify off;
        proxy_pass http://127.0.0.1:\$TEST_NGINX_SERVER_PORT/app;
    }
}
location /hmac {
    notify_verify hmac header=X-Sig prefix=sha256= secret_file=$dir/hmac
                  limit=1k;
    proxy_pass http://127.0.0.1:\$TEST_NGINX_SERVER_PORT/app;
}
location /push {
    notify_verify hmac header=X-hmac secret_file=$dir/hmac
                  data=\$notify_body_eventId\$notify_body_sessionId
                  once=\$notify_body_eventId;
    proxy_pass http://127.0.0.1:\$TEST_NGINX_SERVER_PORT/app;
}
location /jwt {
    notify_verify jwt alg=HS256 key=$dir/jwt aud=us iss=them window=1m;
    proxy_pass http://127.0.0.1:\$TEST_NGINX_SERVER_PORT/app;
}
CONFIG

__DATA__

=== TEST 1: a call that Standard Webhooks signed reaches the backend
--- request
POST /standard
{"a":1}
--- more_headers eval
main::standard('{"a":1}')
--- response_body
the backend
--- error_code: 200


=== TEST 2: one signature that is right among others is enough
--- request
POST /standard
{"a":1}
--- more_headers eval
main::standard('{"a":1}') . ' v1,AAAA v2,b'
--- error_code: 200


=== TEST 3: a call without a signature is refused
--- request
POST /standard
{"a":1}
--- error_code: 401


=== TEST 4: another body, id or time than what was signed is refused
--- request eval
[ ("POST /standard\n{\"a\":1}") x 3 ]
--- more_headers eval
[ main::standard('{"a":2}'),
  main::standard('{"a":1}') =~ s/msg_1/msg_2/r,
  main::standard('{"a":1}') =~ s/(timestamp: \d+)(\d)/$1 . ($2 + 1) % 10/er ]
--- error_code eval
[401, 401, 401]


=== TEST 5: a signature by another secret is refused
--- request
POST /standard
{"a":1}
--- more_headers eval
main::standard('{"a":1}', key => 'another')
--- error_code: 401


=== TEST 6: a time outside of the window is refused, inside it is not
--- request eval
[ ("POST /standard\n{\"a\":1}") x 4 ]
--- more_headers eval
[ map { main::standard('{"a":1}', time => time + $_) } -330, 330, -270, 270 ]
--- error_code eval
[401, 401, 200, 200]


=== TEST 7: each of the three headers is needed
--- request eval
[ ("POST /standard\n{\"a\":1}") x 3 ]
--- more_headers eval
[ map { my $all = main::standard('{"a":1}'); $all =~ s/^webhook-$_:.*\n?//mr }
  qw(id timestamp signature) ]
--- error_code eval
[401, 401, 401]


=== TEST 8: where it is off nothing is asked
--- request
POST /standard/off
{"a":1}
--- error_code: 200


=== TEST 9: a call with the HMAC of its body reaches the backend
--- request
POST /hmac
{"a":1}
--- more_headers eval
main::hmac('{"a":1}')
--- response_body
the backend
--- error_code: 200


=== TEST 10: hex may be written in capitals
--- request
POST /hmac
{"a":1}
--- more_headers eval
main::hmac('{"a":1}') =~ s/=(.*)/'=' . uc $1/er
--- error_code: 200


=== TEST 11: no HMAC, one of another body or secret, one that is cut or bare is refused
--- request eval
[ ("POST /hmac\n{\"a\":1}") x 5 ]
--- more_headers eval
['X-A: b', main::hmac('{"a":2}'), main::hmac('{"a":1}', 'another'),
 substr(main::hmac('{"a":1}'), 0, -2),
 main::hmac('{"a":1}') =~ s/sha256=//r ]
--- error_code eval
[401, 401, 401, 401, 401]


=== TEST 12: a body that is larger than the limit is 413
--- request eval
"POST /hmac\n" . 'x' x 2000
--- more_headers eval
main::hmac('x' x 2000)
--- error_code: 413


=== TEST 13: a call is let in once, and answered alone when it comes again
--- request eval
[ ("POST /push\n{\"eventId\":\"e-1\",\"sessionId\":\"s-1\"}") x 2 ]
--- more_headers eval
main::push_of('e-1s-1')
--- response_body eval
["the backend\n", '']
--- error_code eval
[200, 200]


=== TEST 14: a forger does not use up the value of the one who may
--- request eval
[ ("POST /push\n{\"eventId\":\"e-2\",\"sessionId\":\"s-1\"}") x 2 ]
--- more_headers eval
['X-hmac: ' . '0' x 64, main::push_of('e-2s-1')]
--- error_code eval
[401, 200]


=== TEST 15: a member that is given twice is refused
--- request
POST /push
{"eventId":"e-3","sessionId":"s-1","eventid":"e-4"}
--- more_headers eval
main::push_of('e-3s-1')
--- error_code: 401


=== TEST 16: a token that is signed, of us and in time reaches the backend
--- request
GET /jwt
--- more_headers eval
main::jwt()
--- response_body
the backend
--- error_code: 200


=== TEST 17: no token, or what is none, is refused
--- request eval
[ ('GET /jwt') x 5 ]
--- more_headers eval
['X-A: b', 'Authorization: Bearer', 'Authorization: Bearer a.b.c',
 'Authorization: Basic YTpi', main::jwt() =~ s/\.[^.]+$/./r ]
--- error_code eval
[401, 401, 401, 401, 401]


=== TEST 18: a token by another key, or with a changed algorithm is refused
--- request eval
[ ('GET /jwt') x 4 ]
--- more_headers eval
[ main::jwt(key => 'another key of thirty-two bytes and more'),
  main::jwt(head => { alg => 'none' }), main::jwt(head => { alg => 'HS512' }),
  main::jwt(head => { alg => 'RS256' }) ]
--- error_code eval
[401, 401, 401, 401]


=== TEST 19: a token of others, late, old, or without an end is refused
--- request eval
[ ('GET /jwt') x 7 ]
--- more_headers eval
[ main::jwt(aud => 'them'), main::jwt(iss => 'us'), main::jwt(aud => undef),
  main::jwt(iss => undef), main::jwt(exp => time - 120),
  main::jwt(iat => time - 300), main::jwt(exp => undef) ]
--- error_code eval
[ (401) x 7 ]


=== TEST 20: an audience may be one of several
--- request
GET /jwt
--- more_headers eval
main::jwt(aud => ['them', 'us'])
--- error_code: 200


=== TEST 21: an access token is a token, of other kinds it is not
--- request eval
[ ('GET /jwt') x 4 ]
--- more_headers eval
[ map { main::jwt(head => { alg => 'HS256', typ => $_ }) }
  'at+jwt', 'application/at+jwt', 'application/jwt', 'secevent+jwt' ]
--- error_code eval
[200, 200, 200, 401]


=== TEST 22: a date may be a fraction
--- request eval
[ ('GET /jwt') x 3 ]
--- more_headers eval
[ main::jwt(exp => time + 60.5), main::jwt(iat => time - 0.5),
  main::jwt(exp => time - 1.5) ]
--- error_code eval
[200, 200, 401]
