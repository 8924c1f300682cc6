# notify_sync in front of a backend: gate and answer, bodies of all sizes,
# redirects, clients that leave, a cache that is not there.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $backend = NotifyTest::Receiver->new;
my ($h2, $redirects, $private) = map { free_port() } 1 .. 3;
my $nginx = NotifyTest::Nginx->new(redis => $redis,
    vars => { BACKEND => $backend->port, H2 => $h2,
              REDIRECTS => $redirects, PRIVATE => $private,
              DEAD => free_port() }, http => <<'END');
    notify_profile plain { allow 127.0.0.1; schemes http; }
    notify_channel retail {
        profile   plain;
        event     contact.search sync iframe;
        event     document.pricing sync;
        attribute country;
    }
    client_max_body_size 0;
    client_body_buffer_size 128k;
    proxy_http_version 1.1;
    proxy_set_header Connection "";

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%H2%% http2;
        notify_tenant $http_x_tenant optional;

        location /retail/ { notify_api retail; }

        location /gate {
            notify_sync retail document.pricing gate timeout=1s limit=2m
                        entity_type_id=$http_x_type
                        entity_id=$notify_body_id country=$http_x_country;
            proxy_set_header X-Success $notify_sync_success;
            proxy_set_header X-Message $notify_sync_message;
            proxy_set_header X-Level   $notify_sync_error_level;
            proxy_set_header X-Code    $notify_sync_error_code;
            proxy_set_header X-Data    $notify_sync_data;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /pass {
            notify_sync retail document.pricing gate timeout=500ms
                        on_error=pass refused=403;
            proxy_set_header X-Success $notify_sync_success;
            proxy_set_header X-Code    $notify_sync_error_code;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /answer {
            notify_sync retail contact.search answer timeout=500ms;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /answer/fail {
            notify_sync retail contact.search answer timeout=500ms
                        on_error=fail;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /data {
            notify_sync retail document.pricing gate
                        data=$arg_data entity_id=$arg_id id=$arg_id
                        session_id=s-$arg_id tenant=$arg_tenant optional;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /iframe {
            notify_sync retail contact.search gate;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /streamed {
            notify_sync retail document.pricing gate;
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
    }

    server {
        listen 127.0.0.1:%%REDIRECTS%%;
        notify_sync retail document.pricing gate;
        root %%DIR%%/html;
        error_page 404 /missing;

        location /tried   { try_files /nothing /nothing/ @fallback; }
        location @fallback {
            proxy_set_header X-Success $notify_sync_success;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /missing {
            proxy_set_header X-Success $notify_sync_success;
            proxy_pass http://127.0.0.1:%%BACKEND%%/missing;
        }
        location /off { notify_sync off; proxy_pass http://127.0.0.1:%%BACKEND%%; }
        location /fails {
            error_page 502 504 = @fallback;
            proxy_pass http://127.0.0.1:%%DEAD%%;
        }
    }

    server {
        listen 127.0.0.1:%%PRIVATE%%;
        location / {
            auth_basic "private";
            auth_basic_user_file %%DIR%%/htpasswd;
            notify_sync retail document.pricing gate;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
    }
END

NotifyTest::spew($nginx->dir . '/htpasswd', "ann:{PLAIN}secret\n");

sub req {
    my ($method, $path, %option) = @_;
    my $port = delete $option{port} // $nginx->port;
    return http($method => "http://127.0.0.1:$port$path", %option);
}

sub subscribe {
    my (%member) = @_;
    my $tenant = delete $member{tenant};
    my $answer = req(POST => '/retail/subscriptions',
        headers => { $tenant ? ('X-Tenant' => $tenant) : () },
        json => { mode => 'sync', url => $receiver->url('/sync'), %member });
    is($answer->{status}, 201, "subscribed to $member{event}")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub unsubscribe { req(DELETE => "/retail/subscriptions/$_[0]") }

# what it has answered is in its log behind this
sub settle { $_[0]->script('/settle') }

my $asked = 0;
sub asked {
    my ($n, $name) = @_;
    settle($receiver);
    my $now = $receiver->count;
    is($now - $asked, $n, $name);
    $asked = $now;
}

sub last_at {
    my ($at, $path) = @_;
    settle($at);
    return ($at->requests($path))[-1];
}

my $yes = '{"success":true}';

# nobody is subscribed

eventually { req(GET => '/gate/a')->{status} == 200 } 'gate: to the backend';
is(req(POST => '/answer/a', body => 'x')->{status}, 200, 'answer: too');
asked(0, 'nobody is asked');
is(last_at($backend, '/gate/a')->{headers}{'x-success'}, undef,
   'and nothing is said of it');

my $gate = subscribe(event => 'document.pricing');
eventually {
    $receiver->script('/sync', { body => '{"success":false}' });
    req(GET => '/gate/a')->{status} == 422;
} 'a subscription is used', 2;

# gate

settle($receiver);
$asked = $receiver->count;
$receiver->script('/sync', { body =>
    '{"success":true,"message":"well\r\nX-Evil: 1","errorLevel":20,'
    . '"errorCode":"A-1","data":{"a":' . "\r\n" . ' 9007199254740993}}' });
my $n = $backend->count('/gate/b');
my $r = req(POST => '/gate/b', json => { id => '9007199254740993', x => 1 });
is($r->{status}, 200, 'gate: success lets it through');
asked(1, 'asked once');
is($backend->count('/gate/b'), $n + 1, 'to the backend, once');
my $got = last_at($backend, '/gate/b');
is($got->{headers}{'x-success'}, 'true', '$notify_sync_success');
is($got->{headers}{'x-message'}, 'well  X-Evil: 1',
   '$notify_sync_message, in one line');
is($got->{headers}{'x-level'}, '20', '$notify_sync_error_level');
is($got->{headers}{'x-code'}, 'A-1', '$notify_sync_error_code');
is($got->{headers}{'x-data'}, '{"a":   9007199254740993}',
   '$notify_sync_data');
is($got->{headers}{'x-evil'}, undef, 'no header is smuggled in');
is(last_at($receiver, '/sync')->{body},
   '{"eventType":"document.pricing","entityTypeID":null,'
   . '"entityID":9007199254740993,'
   . '"data":{"id":"9007199254740993","x":1}}', 'B8: the call');

$receiver->script('/sync', { body =>
    '{"success":false,"message":"no","data":[1.10]}' });
$n = $backend->count;
$r = req(POST => '/gate/b', body => 'text');
is($r->{status}, 422, 'gate: refused');
is($r->{reason}, $r->{protocol} eq 'HTTP/2' ? '' : 'Unprocessable Content',
   'with a reason, where HTTP has them');
is($r->{content}, '{"success":false,"message":"no","errorLevel":40,'
   . '"errorCode":null,"data":[1.10]}', 'and B9');
is($r->{headers}{'content-type'}, 'application/json', 'which is JSON');
is($backend->count, $n, 'the backend hears nothing');
like(last_at($receiver, '/sync')->{body}, qr/"data":null\}$/,
     'a body that is no JSON is null');
is(req(POST => '/pass/b')->{status}, 403, 'refused= says how');
my $answer = req(HEAD => '/gate/b');
is($answer->{status}, 422, 'HEAD is asked about');

for my $case ([{ status => 500 }, 502, 'STATUS'],
              [{ status => 204 }, 502, 'STATUS'],
              [{ body => 'x' }, 502, 'BAD_JSON'],
              [{ body => '{"success":true,"statusCode":201}' }, 502, 'STATUS'],
              [{ body => '{"success":true,"data":"' . 'x' x 2200000 . '"}' },
               502, 'TOO_LARGE'],
              [{ drop => 1 }, 502, 'CONNECT_FAILED'],
              [{ hold => 1 }, 504, 'TIMEOUT'])
{
    my ($script, $status, $code) = @$case;
    $receiver->script('/sync', $script);
    $n = $backend->count;
    $r = req(POST => '/gate/c', body => '{}');
    is($r->{status}, $status, "gate: $code is $status");
    is($r->{json}{errorCode}, "NOTIFICATION_$code", 'with its code');
    is($r->{json}{errorLevel}, 50, 'and level 50');
    is($backend->count, $n, 'and no backend');

    next if $code eq 'TOO_LARGE';
    is(req(POST => '/pass/c', body => '{}')->{status}, 200,
       'on_error=pass: goes on');
    is(last_at($backend, '/pass/c')->{headers}{'x-code'},
       "NOTIFICATION_$code", 'and the backend knows');
}

$receiver->script('/sync', { body => '{"success":false}' });
is(req(POST => '/pass/c')->{status}, 403, 'a refusal is no error of ours');

# bodies reach the backend as they are

$receiver->script('/sync', { body => $yes });

for my $size (0, 1, 65536, 1 << 20, 20 << 20) {
    my $body = join '', map { chr(65 + $_ % 26) } 1 .. 997;
    $body = substr($body x (1 + $size / 997), 0, $size);

    for my $path ('/gate/body', '/streamed/body') {
        is(req(POST => $path, body => $body)->{status}, 200, "$size bytes");
        $got = last_at($backend, $path);
        is(sha1_hex($got->{body}), sha1_hex($body), "$path: unchanged");
    }

    my $at = 0;
    $r = req(POST => '/gate/chunked', body => sub {
        my $piece = substr $body, $at, 100_000;
        $at += length $piece;
        return length $piece ? $piece : undef;
    });
    is($r->{status}, 200, "$size bytes in chunks");
    is(sha1_hex(last_at($backend, '/gate/chunked')->{body}), sha1_hex($body),
       'unchanged');
}

my $big = '{"id":7,"text":"' . 'x' x 300_000 . '"}';
req(POST => '/gate/big', body => $big);
like(last_at($receiver, '/sync')->{body}, qr/"data":\Q$big\E\}$/,
     'a body on disk is sent whole');

SKIP: {
    skip 'no curl with HTTP/2', 8
        unless `curl --version 2>/dev/null` =~ /\bHTTP2\b/;
    my $file = test_dir() . '/body';

    for my $size (0, 65536, 20 << 20) {
        NotifyTest::spew($file, 'b' x $size);
        my $status = `curl -s -o /dev/null -w '%{http_code} %{http_version}' \\
            --http2-prior-knowledge --data-binary \@$file \\
            http://127.0.0.1:$h2/gate/h2`;
        is($status, '200 2', "HTTP/2: $size bytes");
        is(length last_at($backend, '/gate/h2')->{body}, $size, 'unchanged');
    }

    $receiver->script('/sync', { body => '{"success":false}' });
    my $status = `curl -s -o /dev/null -w '%{http_code} %{http_version}' \\
        --http2-prior-knowledge --data-binary \@$file \\
        http://127.0.0.1:$h2/gate/h2`;
    is($status, '422 2', 'HTTP/2: refused');

    # a client that leaves
    $receiver->script('/sync', { hold => 1 });
    system "curl -s -m 0.2 -o /dev/null --http2-prior-knowledge -d '{}' "
           . "http://127.0.0.1:$h2/gate/left";
    $receiver->script('/sync', { body => $yes });
    is(req(GET => '/gate/h2')->{status}, 200, 'HTTP/2: one has left');
}

# redirects: asked once

my %host = (port => $redirects);
settle($receiver);
$asked = $receiver->count;
is(req(GET => '/tried/x', %host)->{status}, 200, 'try_files');
asked(1, 'asked once');
is(last_at($backend, '/tried/x')->{headers}{'x-success'}, 'true',
   'what was said is still known');
is(req(GET => '/nowhere', %host)->{status}, 404, 'error_page');
asked(1, 'asked once');
is(last_at($backend, '/missing')->{headers}{'x-success'}, 'true',
   'what was said is still known');
is(req(POST => '/fails', %host, body => 'kept')->{status}, 200,
   'a backend that is away, and another');
asked(1, 'asked once');
is(last_at($backend, '/fails')->{body}, 'kept', 'with the body');
is(req(GET => '/off', %host)->{status}, 200, 'off');
asked(0, 'not asked');
$receiver->script('/sync', { body => '{"success":false}' });
is(req(GET => '/nowhere', %host)->{status}, 422, 'refused');
asked(1, 'asked once');

# behind nginx's own authentication

settle($receiver);
$asked = $receiver->count;
is(req(GET => '/p', port => $private)->{status}, 401,
   'no password');
asked(0, 'strangers cause no calls');
$receiver->script('/sync', { body => $yes });
is(req(GET => '/p', port => $private,
       headers => { Authorization => 'Basic YW5uOnNlY3JldA==' })->{status}, 200,
   'a password');
asked(1, 'asked then');

# what the event is made of

is(req(GET => '/data?id=A7&data=%7B&tenant=')->{status}, 200, 'parameters');
like(last_at($receiver, '/sync')->{body},
     qr/"entityID":"A7","data":"%7B"\}$/, 'as they are');
settle($receiver);
$asked = $receiver->count;
is(req(GET => '/data?id=A7&tenant=acme')->{status}, 200, 'tenant=');
asked(0, 'has no subscriber');

# a subscription for one entity type or attribute

unsubscribe($gate);
$gate = subscribe(event => 'document.pricing', entityTypeID => 3,
                  country => 'NO');
$receiver->script('/sync', { body => '{"success":false}' });
my %order = (headers => { 'X-Type' => 3, 'X-Country' => 'NO' });
eventually {
    req(GET => '/gate/t')->{status} == 200
    && req(GET => '/gate/t', %order)->{status} == 422;
} 'it is asked about its own', 3;
settle($receiver);
$asked = $receiver->count;
req(GET => '/gate/t', headers => { 'X-Type' => 1, 'X-Country' => 'NO' });
req(GET => '/gate/t', headers => { 'X-Type' => 3, 'X-Country' => 'SE' });
req(GET => '/gate/t', headers => { 'X-Type' => 3 });
req(GET => '/gate/t');
asked(0, 'for others it is not');
unsubscribe($gate);

# answer

my $search = subscribe(event => 'contact.search');
$receiver->script('/sync', { body =>
    '{"success":true,"data":[{"id":9007199254740993}]}' });
eventually { req(POST => '/answer/a', body => '{}')->{content} =~ /success/ }
    'it is used', 2;
$n = $backend->count;
$r = req(POST => '/answer/a', body => '{"name":"x"}');
is($r->{status}, 200, 'answer: in place of the backend');
is($r->{content}, '{"success":true,"message":null,"errorLevel":0,'
   . '"errorCode":null,"data":[{"id":9007199254740993}]}', 'with B9');
is($backend->count, $n, 'which hears nothing');
$receiver->script('/sync', { body => '{"success":false}' });
$r = req(POST => '/answer/a');
is($r->{status}, 200, 'answer: a failure is an answer');
is($r->{json}{errorLevel}, 40, 'with its level');
$receiver->script('/sync', { hold => 1 });
is(req(POST => '/answer/b', body => 'kept')->{status}, 200,
   'answer: a timeout');
is(last_at($backend, '/answer/b')->{body}, 'kept', 'goes to the backend');
is(req(POST => '/answer/fail')->{status}, 504, 'on_error=fail: 504');
$receiver->script('/sync', { drop => 1 });
is(req(POST => '/answer/fail')->{status}, 502, 'or 502');
unsubscribe($search);

# iframe

my $frame = subscribe(event => 'contact.search', mode => 'iframe');
eventually { req(POST => '/answer/a')->{content} =~ /"mode":"iframe"/ }
    'B3: an iframe subscriber answers with its page', 2;
$r = req(POST => '/iframe');
is($r->{status}, 502, 'but is an error at a gate');
is($r->{json}{errorCode}, 'NOTIFICATION_IFRAME_AT_GATE', 'of its own');
unsubscribe($frame);

# loops

my $loop = subscribe(event => 'document.pricing',
                     url => $nginx->url('/pass/loop'));
eventually { req(POST => '/pass/loop')->{status} == 508 }
    'a URL that leads back: 508', 2;
unsubscribe($loop);
$loop = subscribe(event => 'contact.search',
                  url => $nginx->url('/answer/loop'));
eventually { req(POST => '/answer/loop')->{status} == 508 }
    'for answers too', 2;
unsubscribe($loop);

# clients that leave

$gate = subscribe(event => 'document.pricing');
$receiver->script('/sync', { hold => 1 });
eventually { req(GET => '/gate/x')->{status} == 504 } 'it waits', 3;

for (1 .. 20) {
    http_raw($nginx->port, "POST /gate/left HTTP/1.1\r\nHost: x\r\n"
             . "Content-Length: 2\r\n\r\n{}", 0.02);
    http_raw($nginx->port, "POST /gate/left HTTP/1.1\r\nHost: x\r\n"
             . "Content-Length: 200\r\n\r\n{}", 0.02);
}

is($backend->count('/gate/left'), 0, 'those who left reach no backend');
$receiver->script('/sync', { body => $yes });
is(req(GET => '/gate/x')->{status}, 200, 'the others do');

# two workers' worth of trouble: without Redis the cache grows old

$redis->kill;
is(req(GET => '/gate/x')->{status}, 200, 'without Redis, for a while');
eventually { req(GET => '/gate/x')->{status} == 502 }
    'a cache older than 10 s: on_error decides', 15;
is(req(GET => '/gate/x')->{json}{errorCode}, 'NOTIFICATION_UNAVAILABLE',
   'and says so');
is(req(GET => '/pass/x')->{status}, 200, 'on_error=pass');
is(req(POST => '/answer/x', body => 'b')->{status}, 200, 'answer: pass');
$redis->start;
eventually { req(GET => '/gate/x')->{status} == 200 } 'it comes back', 15;

# the backend gets headers of a client's own too, and a reload keeps it all

$nginx->reload;
eventually { req(GET => '/gate/x')->{status} == 200 } 'after a reload', 5;

finish();
