# once= of notify_verify: a value is remembered as its call ended.  A sender
# that was told of a failure is let in again, one that was told of a success
# gets that again, and no other form of a signature gets in a second time.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha256_base64 hmac_sha256_hex);
use Math::BigInt;
use MIME::Base64 qw(decode_base64url encode_base64 encode_base64url);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $dir = test_dir();
my $redis = NotifyTest::Redis->new;
my $backend = NotifyTest::Receiver->new;

my $raw = join '', map { chr 7 * $_ % 256 } 1 .. 32;
my $text = 'a text of a secret, of 32 bytes and more';
spew("$dir/standard", 'whsec_' . encode_base64($raw, '') . "\n");
spew("$dir/text", "$text\n");
system("cd '$dir' && openssl genpkey -algorithm EC"
       . ' -pkeyopt ec_paramgen_curve:P-256 -out ec.pem 2> /dev/null'
       . ' && openssl pkey -in ec.pem -pubout -out ec.pub') == 0 or die;

my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 1,
    vars => { BACKEND => $backend->port, KEYS => $dir }, http => <<'END');
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_read_timeout 1s;
        access_log logs/access.log combined;

        location /standard {
            notify_verify standard secret_file=%%KEYS%%/standard
                          once=$http_webhook_id window=30d;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /list {
            notify_verify standard secret_file=%%KEYS%%/standard
                          once=$http_webhook_signature;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /fallback {
            notify_verify standard secret_file=%%KEYS%%/standard
                          once=$http_webhook_id;
            proxy_intercept_errors on;
            error_page 502 503 =200 /sorry;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location = /sorry { return 200 "kept for later\n"; }
        location /hex {
            notify_verify hmac header=X-Sig secret_file=%%KEYS%%/text
                          once=$http_x_sig;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /sides {
            notify_verify hmac header=X-Sig secret_file=%%KEYS%%/text
                          data=$http_x_a$http_x_b once=$http_x_a;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /es {
            notify_verify jwt alg=ES256 key=%%KEYS%%/ec.pub
                          once=$http_authorization;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /query {
            notify_verify jwt alg=ES256 key=%%KEYS%%/ec.pub
                          token=$arg_token once=$arg_token;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /jti {
            notify_verify jwt alg=HS256 key=%%KEYS%%/text once=jti;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /claim {
            notify_verify jwt alg=HS256 key=%%KEYS%%/text
                          once=$notify_jwt_claim_sub;
            proxy_set_header X-Sub $notify_jwt_claim_sub;
            proxy_set_header X-Level $notify_jwt_claim_level;
            proxy_set_header X-Other $notify_jwt_claim_other;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
    }
END

my ($n, $later) = (0, 0);

# the receiver has written down as many calls, and no more
sub came {
    my ($path, $n, $name) = @_;

    eventually { $backend->count($path) >= $n };
    is($backend->count($path), $n, $name);
}

sub status {
    my ($path, %option) = @_;
    return http(POST => $nginx->url($path), %option)->{status};
}

# the same in the background: a sub that waits for the status
sub later {
    my @call = @_;
    my $file = "$dir/later" . ++$later;
    my $pid = NotifyTest::spawn(sub { print status(@call) }, $file);
    return sub { NotifyTest::reap($pid); return slurp($file) };
}

sub standard {
    my ($id, $body, %with) = @_;
    my $time = int time;
    my $code = encode_base64(hmac_sha256("$id.$time.$body", $raw), '');
    return (body => $body, headers => { 'webhook-id' => $id,
        'webhook-timestamp' => $time,
        'webhook-signature' => "v1,$code" . ($with{more} // '') });
}

sub token {
    my ($alg, %claims) = @_;
    my $message = join '.', map { encode_base64url(to_json($_), '') }
                  { alg => $alg }, { exp => int(time) + 600, %claims };
    return "$message." . encode_base64url(hmac_sha256($message, $text), '')
        if $alg eq 'HS256';

    spew("$dir/message", $message);
    my $der = `openssl dgst -sha256 -sign '$dir/ec.pem' '$dir/message'`;
    my ($r, $s) = $der =~ /^\x30.\x02(.)/s
        ? do { my $n = ord $1;
               (substr($der, 4, $n), substr $der, 6 + $n) } : die;
    return "$message." . encode_base64url(join('', map {
        substr "\0" x 32 . $_, -32 } $r, $s), '');
}

# the same by (r, n - s)
sub other_s {
    my ($message, $code) = $_[0] =~ /^(.*)\.(.*)$/;
    my $n = Math::BigInt->from_hex('ffffffff00000000ffffffffffffffff'
        . 'bce6faada7179e84f3b9cac2fc632551');
    my $raw = decode_base64url($code);
    my $s = $n - Math::BigInt->from_hex(unpack 'H*', substr $raw, 32);
    my $hex = substr '0' x 64 . substr($s->as_hex, 2), -64;
    return "$message."
        . encode_base64url(substr($raw, 0, 32) . pack('H*', $hex), '');
}

sub id { return 'msg_' . ++$n }

note('what the backend answered');
for my $failure ({ status => 503 }, { status => 500 }, { status => 429 },
                 { reset => 1 }, { hold => 1 })
{
    my $name = join ' ', %$failure;
    my $path = '/standard/' . id();
    $backend->script($path, $failure, { status => 201 });
    my %call = standard(id(), 'x');
    cmp_ok(status($path, %call), '>=', 429, "$name: the sender hears of it");
    is(status($path, %call), 201, '... and its retry is let in');
    is(status($path, %call), 200, '... and when that comes again it is 200');
    came($path, 2, '... without the backend');
}
{
    my $path = '/standard/refused';
    $backend->script($path, { status => 404 }, {});
    my %call = standard(id(), 'x');
    is(status($path, %call), 404, 'what the backend refuses is passed on');
    is(status($path, %call), 401, '... and refused when it comes again');

    $backend->script('/fallback', { status => 503 }, {});
    %call = standard(id(), 'x');
    is(status('/fallback', %call), 200, 'the sender is told of a success');
    is(status('/fallback', %call), 200, '... and again');
    came('/fallback', 1, '... without the backend');

    my $answer = http(POST => $nginx->url('/fallback'), %call);
    is($answer->{content}, '', 'an answer that is given again has no body');
}

note('while the backend works on it');
{
    my $path = '/standard/slow';
    $backend->script($path, { delay => 0.7 }, { status => 500 });
    my %call = standard(id(), 'x');
    my $first = later($path, %call);
    eventually { $redis->cli('--scan', '--pattern', '*{once}:*') =~ /\S/
                 && $backend->count($path) } 'the first is with the backend';
    my $second = http(POST => $nginx->url($path), %call);
    is($second->{status}, 409, 'a second one is to come later');
    is(from_json($second->{content})->{code}, 'in_progress', '... and why');
    is($first->(), 200, '... the first is not touched by that');
    is(status($path, %call), 200, '... and its answer is remembered');
    came($path, 1, '... without the backend');
}
{
    my $path = '/standard/gone';
    $backend->script($path, { hold => 1 }, {});
    my %call = standard(id(), 'x');
    my $gone = NotifyTest::spawn(sub { status($path, %call) });
    eventually { $backend->count($path) } 'a call is with the backend';
    NotifyTest::reap($gone, 'KILL');
    eventually { status($path, %call) == 200 }
        'a sender that left before the answer is let in again';
}

note('for how long');
{
    my ($day, $month) = (0, 0);
    for my $key (split ' ', $redis->cli('--scan', '--pattern', '*{once}:*')) {
        my $ttl = $redis->cli('TTL', $key) + 0;
        $day++ if $ttl > 86_000 && $ttl <= 86_400;
        $month++ if $ttl > 86_400 * 29 && $ttl <= 86_400 * 30 + 1;
    }
    ok($day, 'values are remembered for a day');
    ok($month, 'and for as long as the window');
    my %call = (headers => { Authorization => 'Bearer '
        . token('HS256', exp => int(time) + 864_000, jti => 'long') });
    $redis->cli('FLUSHALL');
    is(status('/jti', %call), 200, 'a token of ten days');
    my $key;
    eventually { ($key) = $redis->cli('--scan', '--pattern', '*{once}:*')
                     =~ /(\S+)/;
                 $redis->cli('GET', $key) =~ /^2$/ } '... is settled';
    cmp_ok($redis->cli('TTL', $key), '>', 863_000,
           '... is remembered as long as it is valid');
}

note('a worker that is gone');
{
    my %call = standard(my $id = id(), 'x');
    $redis->cli('FLUSHALL');
    is(status('/standard/killed', %call), 200, 'a call');
    my ($key) = $redis->cli('--scan', '--pattern', '*{once}:*') =~ /(\S+)/;
    $redis->cli('SET', $key, 'wnobody ' . int(1000 * (time + 60)));
    is(status('/standard/killed', %call), 409,
       'what somebody works on is to come later');
    $redis->cli('SET', $key, 'wnobody ' . int(1000 * (time - 1)));
    is(status('/standard/killed', %call), 200,
       'what nobody works on any more is let in');
    came('/standard/killed', 2, '... to the backend');
}

note('Redis goes away in between');
{
    my $path = '/standard/away';
    $backend->script($path, { delay => 0.6 }, { status => 500 });
    my %call = standard(id(), 'x');
    my $first = later($path, %call);
    eventually { $backend->count($path) } 'the first is with the backend';
    $redis->pause;
    is($first->(), 200, 'its answer does not wait for Redis');
    $redis->resume;
    eventually { status($path, %call) == 200 } 'it is remembered all the same';
    came($path, 1, '... without the backend');
}

note('other forms of the same');
{
    my $es = token('ES256', sub => 'a');
    my $auth = sub { return (headers => { Authorization => $_[0] }) };
    is(status('/es', $auth->("Bearer $es")), 200, 'a token');
    is(status('/es', $auth->($_->[1])), 200, "$_->[0] is the same token")
        for ['bEARER', "bEARER $es"], ['(r, n - s)', 'Bearer ' . other_s($es)];
    came('/es', 1, '... and the backend got it once');

    $es = token('ES256', sub => 'b');
    is(status("/query?token=$es"), 200, 'a token of a query');
    is(status('/query?token=' . other_s($es)), 200, '... in another form');
    is(scalar(grep { $_->{path} =~ m{^/query} } $backend->requests), 1,
       '... got to the backend once');

    my $sig = hmac_sha256_hex('y', $text);
    is(status('/hex', body => 'y', headers => { 'X-Sig' => $_ }), 200,
       'a signature, in small letters and capitals') for $sig, uc $sig;
    came('/hex', 1, '... got to the backend once');

    my %call = standard(my $id = id(), 'z');
    is(status('/list', %call), 200, 'a list of signatures');
    $call{headers}{'webhook-signature'} .= ' v1,AAAA';
    is(status('/list', %call), 200, '... a longer one');
    came('/list', 1, '... got to the backend once');

    my $sides = sub {
        return (headers => { 'X-A' => $_[0], 'X-B' => $_[1],
                             'X-Sig' => hmac_sha256_hex("$_[0]$_[1]", $text) });
    };
    is(status('/sides', $sides->('e-1', '2')), 200, 'two texts side by side');
    is(status('/sides', $sides->('e-12', '')), 200, '... cut at another place');
    is(status('/sides', $sides->('e-', '12')), 200, '... and at a third');
    is(status('/sides', $sides->('e-1', 'other')), 200,
       '... the first with another one behind it');
    came('/sides', 1, '... got to the backend once');
}

note('what the logs have');
{
    my $es = token('ES256', sub => 'logged');
    my ($code) = $es =~ /([^.]+)$/;
    $backend->script('/query', { reset => 1 }, {});
    is(status("/query?a=1&token=$es&b=2"), 502, 'a token in a query');
    my $got;
    eventually { ($got) = grep { $_->{path} =~ /\Q$code/ }
                          $backend->requests } 'the backend gets it';
    like($got->{path}, qr/^\/query\?a=1&token=\Q$es\E&b=2$/, '... as it came');
    my $access;
    eventually { $access = slurp("$nginx->{dir}/logs/access.log");
                 $access =~ m{"POST /query\?a=1&token=} } 'it is logged';
    like($access, qr{"POST /query\?a=1&token=\*\*\*&b=2 HTTP/\d},
         '... without the token');
    unlike($access, qr/\Q$code/, '... all of it');
    my ($line) = grep { /, request: "POST \/query\?a=1/ }
                 split /\n/, slurp("$nginx->{dir}/logs/error.log");
    like($line, qr/request: "POST \/query\?a=1&token=\*\*\*&b=2 /,
         'and so in error_log');
}

note('jti, and claims');
{
    my $auth = sub { return (headers => {
        Authorization => 'Bearer ' . token('HS256', @_) }) };
    is(status('/jti', $auth->(jti => 'one')), 200, 'a jti');
    is(status('/jti', $auth->(jti => 'one', x => 1)), 200,
       '... of another token is the same');
    came('/jti', 2, '... with the backend once');
    is(status('/jti', $auth->(jti => 'one', iss => 'them')), 200,
       '... of another issuer is another one');
    came('/jti', 3, '... and with the backend');
    is(status('/jti', $auth->(jti => $_)), 401, 'a jti that is '
       . (defined $_ ? to_json($_) : 'null')) for '', 7, undef, ['a'];
    is(status('/jti', $auth->()), 401, 'none');

    is(status('/claim', $auth->(sub => 'me', Level => 3)), 200, 'a claim');
    eventually { $backend->count('/claim') } '... gets to the backend';
    my ($got) = $backend->requests('/claim');
    is($got->{headers}{'x-sub'}, 'me', '... is a variable');
    is($got->{headers}{'x-level'}, '3', '... whatever its type and case');
    is($got->{headers}{'x-other'}, undef, '... absent where it is not there');
    is(status('/claim', $auth->(sub => 'me', Level => 4)), 200,
       'a claim may be what is remembered');
    came('/claim', 1, '... without the backend');
}

note('what an earlier version remembered');
{
    my %call = standard(id(), 'x');
    is(status('/standard/old', %call), 200, 'a call');
    for my $key (split ' ', $redis->cli('--scan', '--pattern', '*{once}:*')) {
        $redis->cli('SET', $key, 1, 'EX', 60);
    }
    is(status('/standard/old', %call), 401, 'is refused as it was then');
}

note('nginx -t');
for (['hmac header=X secret_file=%%KEYS%%/text data=$http_a$http_b', 'warn',
      'stand side by side'],
     ['hmac header=X secret_file=%%KEYS%%/text data=${http_a}${http_b}',
      'warn', 'stand side by side'],
     ['hmac header=X secret_file=%%KEYS%%/text data=$http_a.$http_b', ''],
     ['hmac header=X secret_file=%%KEYS%%/text data=v0$http_a', ''],
     ['hmac header=X secret_file=%%KEYS%%/text once=$http_y', 'warn',
      'is not signed'],
     ['hmac header=X secret_file=%%KEYS%%/text once=$http_x', ''],
     ['hmac header=X secret_file=%%KEYS%%/text once=$notify_body_id', ''],
     ['standard secret_file=%%KEYS%%/standard once=$http_webhook_id', ''],
     ['standard secret_file=%%KEYS%%/standard once=$http_x_id', 'warn',
      'is not signed'],
     ['standard secret_file=%%KEYS%%/standard once=jti', 'emerg',
      'has no variable'],
     ['jwt alg=HS256 key=%%KEYS%%/text once=jti', ''],
     ['jwt alg=HS256 key=%%KEYS%%/text once=$http_x_id', 'warn',
      'is not signed'],
     ['jwt alg=HS256 key=%%KEYS%%/text once=once', 'emerg',
      'has no variable'])
{
    my ($arguments, $level, $says) = @$_;
    my $other = NotifyTest::Nginx->new(start => 0, redis => $redis,
        vars => { KEYS => $dir },
        http => "server { listen 127.0.0.1:%%PORT%%;"
                . " location / { notify_verify $arguments; } }");
    my $check = scalar $other->check;
    $level ? like($check, qr/\[$level\].*\Q$says\E.*:\d+/, $arguments)
           : unlike($check, qr/\[(?:warn|emerg)\]/, "$arguments: fine");
}

finish();
