# notify_sync answer: bodies of all sizes over HTTP/1.1 and HTTP/2, what the
# subscriber is sent of them and what the backend gets, redirects, clients that
# leave; and the page of an iframe subscriber, whose token its side believes.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 sha1_hex);
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;
use NotifyTest;

my $secret = 'the-secret-of-an-iframe-subscriber';
my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $backend = NotifyTest::Receiver->new;
my ($h2, $redirects, $page) = map { free_port() } 1 .. 3;

spew(test_dir() . '/page.key', "$secret\n");

my $nginx = NotifyTest::Nginx->new(redis => $redis,
    vars => { BACKEND => $backend->port, H2 => $h2, REDIRECTS => $redirects,
              PAGE => $page, KEY => test_dir() . '/page.key' },
    http => <<'END');
    notify_profile plain { allow 127.0.0.1; schemes http; }
    notify_channel retail { profile plain; event contact.search sync iframe; }
    client_max_body_size 0;
    client_body_buffer_size 128k;
    notify_body_size 1k;
    proxy_http_version 1.1;
    proxy_set_header Connection "";

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%H2%% http2;
        location /retail/ { notify_api retail; }
        location /answer {
            notify_sync retail contact.search answer timeout=2s
                        entity_id=$notify_body_id;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /wide {
            notify_sync retail contact.search answer limit=32m;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /streamed {
            notify_sync retail contact.search answer;
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /fail {
            notify_sync retail contact.search answer on_error=fail;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
    }
    server {
        listen 127.0.0.1:%%REDIRECTS%%;
        notify_sync retail contact.search answer;
        root %%DIR%%/html;
        error_page 404 /missing;
        location /tried { try_files /nothing /nothing/ @fallback; }
        location @fallback { proxy_pass http://127.0.0.1:%%BACKEND%%; }
        location /missing  { proxy_pass http://127.0.0.1:%%BACKEND%%; }
    }
    server {
        listen 127.0.0.1:%%PAGE%%;
        location /page {
            notify_verify jwt alg=HS256 key=%%KEY%% token=$arg_token;
            try_files /nothing @page;
        }
        location @page { return 200 "page of $arg_entityID\n"; }
    }
END

my $yes = { body => '{"success":true,"data":["theirs"]}' };
my $theirs = '{"success":true,"message":null,"errorLevel":0,"errorCode":null,'
             . '"data":["theirs"]}';

sub req {
    my ($method, $path, %option) = @_;
    my $port = delete $option{port} // $nginx->port;
    return http($method => "http://127.0.0.1:$port$path", %option);
}

sub subscribe {
    my $answer = req(POST => '/retail/subscriptions', json => {
        event => 'contact.search', mode => 'sync',
        url => $receiver->url('/sync'), @_ });
    is($answer->{status}, 201, 'subscribed') or diag($answer->{content});
    return $answer->{json}{id};
}

# what it has answered is in its log behind this
sub last_at {
    my ($at, $path) = @_;
    $at->script('/settle');
    return ($at->requests($path))[-1];
}

sub unread { return req(GET => '/retail/stats')->{json}{counters}{unread} }

# JSON of so many bytes
sub body_of { return $_[0] ? '"' . 'x' x ($_[0] - 2) . '"' : '' }

my $file = test_dir() . '/body';
my $curl2 = `curl --version 2>/dev/null` =~ /\bHTTP2\b/;

# status and content, by one protocol or the other
sub post {
    my ($protocol, $path, $body) = @_;

    if ($protocol eq 'HTTP/1.1') {
        my $answer = req(POST => $path, body => $body);
        return ($answer->{status}, $answer->{content});
    }

    spew($file, $body);
    my $got = `curl -s -m 20 -w '\\n%{http_code} %{http_version}' \\
        --http2-prior-knowledge --data-binary \@$file \\
        http://127.0.0.1:$h2$path`;
    my ($content, $status) = $got =~ /^(.*)\n(\d+) 2$/s;
    return ($status, $content);
}

my $id = subscribe();
$receiver->script('/sync', $yes);
eventually { (post('HTTP/1.1', '/answer', ''))[1] eq $theirs }
    'it is used', 3;

my $mb = 20 << 20;

for my $protocol ('HTTP/1.1', $curl2 ? 'HTTP/2' : ()) {

    # who answers

    for my $size (0, 65536, 1 << 20) {
        my $body = body_of($size);
        my $before = $backend->count;
        my ($status, $content) = post($protocol, '/answer', $body);
        is("$status $content", "200 $theirs",
           "$protocol, $size bytes: answered by the subscriber");
        is($backend->count, $before, 'and not by the backend');
        my ($data) = last_at($receiver, '/sync')->{body} =~ /"data":(.*)\}$/s;
        is(sha1_hex($data), sha1_hex($size ? $body : 'null'),
           'who was sent it as it is');
    }

    # more than the limit

    my $before = unread();
    my ($status, $content) = post($protocol, '/answer', body_of($mb));
    is("$status $content", "200 $theirs",
       "$protocol, 20 MB: the subscriber is asked all the same");
    like(last_at($receiver, '/sync')->{body}, qr/"data":null\}$/,
         'without the body, which is over the limit');
    is(unread(), $before + 1, 'which is counted');

    ($status) = post($protocol, '/answer', 'no JSON');
    is($status, 200, "$protocol: a body that is no JSON");
    like(last_at($receiver, '/sync')->{body}, qr/"data":null\}$/, 'is null');
    is(unread(), $before + 2, 'and counted');

    # whom nobody answers: the backend

    $receiver->script('/sync', { drop => 1 });

    for my $path ('/answer', '/streamed') {
        for my $size (0, 65536, $path eq '/answer' ? $mb : ()) {
            my $body = body_of($size);
            my ($status) = post($protocol, $path, $body);
            is($status, 200, "$protocol, $path, $size bytes: a failed call");
            is(sha1_hex(last_at($backend, $path)->{body}), sha1_hex($body),
               'the backend gets the body unchanged');
        }
    }

    ($status, $content) = post($protocol, '/fail', body_of($mb));
    is($status, 502, "$protocol, 20 MB, on_error=fail: 502");
    like($content, qr/"errorCode":"NOTIFICATION_CONNECT_FAILED"/,
         'and says why');

    $receiver->script('/sync', $yes);
}

my $large = body_of($mb);
is((post('HTTP/1.1', '/wide', $large))[0], 200, 'a limit of 32 MB');
my ($data) = last_at($receiver, '/sync')->{body} =~ /"data":(.*)\}$/s;
is(sha1_hex($data), sha1_hex($large), 'lets 20 MB from the disk through');

# notify_body_size is about variables

post('HTTP/1.1', '/answer', '{"id":7}');
like(last_at($receiver, '/sync')->{body}, qr/"entityID":7,"data":\{"id":7\}\}$/,
     'a variable of the body');
my $long = '{"id":7,"pad":"' . 'x' x 2000 . '"}';
post('HTTP/1.1', '/answer', $long);
like(last_at($receiver, '/sync')->{body},
     qr/"entityID":null,"data":\Q$long\E\}$/,
     'over notify_body_size: no variable, but the data');

# redirects

my %host = (port => $redirects);
my $asked = sub {
    my ($n, $name) = @_;
    $receiver->script('/settle');
    our $seen //= 0;
    my $now = $receiver->count('/sync');
    is($now - $seen, $n, $name) if defined $name;
    $seen = $now;
};

$asked->(0);
is(req(GET => '/tried/x', %host)->{content}, $theirs, 'try_files: answered');
$asked->(1, 'asked once');
$receiver->script('/sync', { drop => 1 });
is(req(GET => '/tried/x', %host)->{status}, 200,
   'try_files: a failure goes to the backend');
$asked->(1, 'asked once');
is(req(GET => '/nowhere', %host)->{status}, 404,
   'error_page: a failure goes to the backend');
$asked->(1, 'asked once');

# clients that leave

$receiver->script('/sync', { hold => 1 });
my $backends = $backend->count;

for (1 .. 20) {
    http_raw($nginx->port, "POST /answer/left HTTP/1.1\r\nHost: x\r\n"
             . "Content-Length: 2\r\n\r\n{}", 0.02);
    system "curl -s -m 0.05 -o /dev/null --http2-prior-knowledge -d '{}' "
           . "http://127.0.0.1:$h2/answer/left" if $curl2;
}

spew($file, $large);
system "curl -s -m 0.3 -o /dev/null --http2-prior-knowledge "
       . "--data-binary \@$file http://127.0.0.1:$h2/wide" if $curl2;
is((post('HTTP/1.1', '/answer', ''))[0], 200, 'who waits gets to the backend');
$backend->script('/settle');
is($backend->count, $backends + 1, 'the others do not');
$receiver->script('/sync', $yes);
is((post('HTTP/1.1', '/answer', ''))[1], $theirs, 'and all is as before');
req(DELETE => "/retail/subscriptions/$id");

# B3: the page, and its token on the other side

subscribe(mode => 'iframe', secret => $secret,
          url => "http://127.0.0.1:$page/page?a=1");
my $url;
eventually {
    $url = req(POST => '/answer', json => { id => 77 })->{json}{data}{url}
} 'B3: an iframe subscriber', 3;
my $r = http(GET => $url);
is("$r->{status} $r->{content}", "200 page of 77\n",
   'B3: the token of its URL opens its page');

my ($before, $token) = $url =~ /^(.*&token=)(.*)$/;
my ($head, $claims, $code) = split /\./, $token;
my $forge = sub {
    my ($claims, $key) = @_;
    my $message = "$head." . encode_base64url(to_json($claims));
    return "$message." . encode_base64url(hmac_sha256($message, $key));
};
my %claims = %{ from_json(decode_base64url($claims)) };

is(http(GET => $before . $forge->(\%claims, $secret))->{status}, 200,
   'whoever knows the secret makes it');

for my $case (
    ['another secret', $forge->(\%claims, 'guessed')],
    ['another entity', "$head." . encode_base64url(to_json(
        { %claims, entity => 78 })) . ".$code"],
    ['one of yesterday', $forge->({ %claims, exp => time - 86400 }, $secret)],
    ['no signature', "$head.$claims."],
    ['no token', ''])
{
    my ($name, $token) = @$case;
    is(http(GET => "$before$token")->{status}, 401, "$name: 401");
}

is(http(GET => "http://127.0.0.1:$page/page",
        headers => { Authorization => "Bearer $token" })->{status}, 401,
   'nor is it looked for elsewhere');

finish();
