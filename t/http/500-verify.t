# notify_verify: calls that are authentic get through, all others get the same
# answer.  The senders are the packages that people use.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha1_base64 hmac_sha256 hmac_sha256_hex
                   hmac_sha512_hex);
use MIME::Base64 qw(encode_base64 encode_base64url);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $dir = test_dir();
my $redis = NotifyTest::Redis->new;
my $backend = NotifyTest::Receiver->new;

# keys, and secrets with an old one beside the new
sub openssl { system("cd '$dir' && openssl $_[0] 2> /dev/null") == 0
                  or die "openssl $_[0]\n" }
for (['rsa', '-algorithm RSA -pkeyopt rsa_keygen_bits:2048'],
     ['other', '-algorithm RSA -pkeyopt rsa_keygen_bits:2048'],
     ['ec', '-algorithm EC -pkeyopt ec_paramgen_curve:P-256'],
     ['p384', '-algorithm EC -pkeyopt ec_paramgen_curve:P-384'],
     ['ed', '-algorithm Ed25519'])
{
    openssl("genpkey $_->[1] -out $_->[0].pem");
    openssl("pkey -in $_->[0].pem -pubout -out $_->[0].pub");
}
my $raw = join '', map { chr 7 * $_ % 256 } 1 .. 32;
my $secret = 'whsec_' . encode_base64($raw, '');
my $old = 'whsec_' . encode_base64(scalar reverse($raw), '');
my $text = 'a text of a secret, as people choose';
spew("$dir/standard", "$secret\n$old\n");
spew("$dir/hmac", "$text\n");
spew("$dir/hs", "$text, of 32 bytes and more\n");
openssl('pkey -in ed.pub -pubin -outform DER -out ed.der');
spew("$dir/whpk", 'whpk_' . encode_base64(substr(slurp("$dir/ed.der"), -32), '')
                  . "\n");

my $nginx = NotifyTest::Nginx->new(redis => $redis,
    vars => { BACKEND => $backend->port, KEYS => $dir }, http => <<'END');
    client_max_body_size 4m;
    large_client_header_buffers 4 32k;

    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:%%BACKEND%%; }

        location /standard {
            notify_verify standard secret_file=%%KEYS%%/standard;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
            location /standard/off {
                notify_verify off;
                proxy_pass http://127.0.0.1:%%BACKEND%%;
            }
        }
        location /standard-once {
            notify_verify standard secret_file=%%KEYS%%/standard
                          once=$http_webhook_id window=10s;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /ed25519 {
            notify_verify standard secret_file=%%KEYS%%/whpk;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /push {
            notify_verify hmac header=X-hmac secret_file=%%KEYS%%/hmac
                          data=$notify_body_eventId$notify_body_sessionId
                          once=$notify_body_eventId;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /github {
            notify_verify hmac header=X-Hub-Signature-256 prefix=sha256=
                          secret_file=%%KEYS%%/hmac limit=100k;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /slack {
            client_body_buffer_size 1k;
            notify_verify hmac header=X-Slack-Signature prefix=v0=
                          secret_file=%%KEYS%%/hmac
                          data=v0:$http_x_ts:$notify_payload_text limit=100k;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /early {
            set $all $notify_payload_text;
            notify_verify hmac header=X-Slack-Signature prefix=v0=
                          secret_file=%%KEYS%%/hmac data=v0:$http_x_ts:$all;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /sha1 {
            notify_verify hmac header=X-Sig algorithm=sha1 encoding=base64
                          secret_file=%%KEYS%%/hmac;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /sha512 {
            notify_verify hmac header=X-Sig algorithm=sha512
                          secret_file=%%KEYS%%/hmac;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /tried {
            notify_verify hmac header=X-Sig secret_file=%%KEYS%%/hmac
                          once=$http_x_sig;
            error_page 418 = @other;
            try_files /nothing @other;
        }
        location @other {
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /hs { notify_verify jwt alg=HS256 key=%%KEYS%%/hs aud=us;
            proxy_pass http://127.0.0.1:%%BACKEND%%; }
        location /rs { notify_verify jwt alg=RS256 key=%%KEYS%%/rsa.pub
                                     aud=us iss=them window=1m;
            proxy_pass http://127.0.0.1:%%BACKEND%%; }
        location /es { notify_verify jwt alg=ES256 key=%%KEYS%%/ec.pub
                                     header=X-Token;
            proxy_pass http://127.0.0.1:%%BACKEND%%; }
        location /ed { notify_verify jwt alg=EdDSA key=%%KEYS%%/ed.pub;
            proxy_pass http://127.0.0.1:%%BACKEND%%; }
        location /dpop { notify_verify jwt alg=HS256 key=%%KEYS%%/hs
                                       typ=dpop+jwt;
            proxy_pass http://127.0.0.1:%%BACKEND%%; }
    }
END

my ($refused, %made);

sub req {
    my ($method, $path, %option) = @_;
    return http($method => $nginx->url($path), %option);
}

# calls made by the packages
sub signed {
    my @calls = @_;
    # their packages take text, we send its bytes
    utf8::decode($_->{body}) for grep { defined $_->{body} } @calls;
    spew("$dir/sign.jsonl", join '', map { to_json($_) . "\n" } @calls);
    open my $pipe, '-|', "node $NotifyTest::TOP/t/clients/sign.js"
                         . " < $dir/sign.jsonl" or die;
    my @made = map { from_json($_) } <$pipe>;
    close $pipe or die "sign.js failed\n";
    return wantarray ? @made : $made[0];
}

# what it has answered is in its log behind this
sub heard { $backend->script('/settle'); return $backend->count }

sub passes {
    my ($name, $path, %option) = @_;
    my $before = heard();
    my $answer = req(POST => $path, %option);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($answer->{status}, 200, $name) or diag($answer->{content});
    is(heard(), $before + 1, '... and is with the backend');
}

# the backend has said yes before, and is not asked again
sub answered {
    my ($name, $path, %option) = @_;
    my $before = heard();
    my $answer = req(POST => $path, %option);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is("$answer->{status} $answer->{content}", '200 ', "$name: 200 again");
    is(heard(), $before, '... and the backend does not know');
}

# one and the same answer, byte for byte but for the date
sub refused {
    my ($name, $path, %option) = @_;
    my $before = heard();
    my $answer = req(POST => $path, %option);
    my %headers = %{ $answer->{headers} };
    delete @headers{qw(date www-authenticate connection)};
    my $all = to_json([ $answer->{status}, \%headers, $answer->{content} ]);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($answer->{status}, 401, "$name: 401") or diag($answer->{content});
    $refused //= $all;
    is($all, $refused, '... the same as all others');
    is(heard(), $before, '... and the backend does not know');
}

my $now = int time;
my $body = to_json({ a => [1, 2, 3], text => "\x{e9}" });

note('standard');
{
    my @made = signed(
        (map { { standard => $secret, id => "msg_$_", timestamp => $now,
                 body => $body, with => $_ } } qw(standardwebhooks svix)),
        { standard => $old, id => 'msg_3', timestamp => $now, body => $body },
        (map { { standard => $secret, id => 'msg_4', timestamp => $now + $_,
                 body => $body } } -290, 290, -310, 310),
        { standard => 'whsec_' . encode_base64('x' x 32, ''), id => 'msg_1',
          timestamp => $now, body => $body },
    );
    my @h = map { $_->{headers} } @made;

    passes('signed by standardwebhooks', '/standard', body => $body,
           headers => $h[0]);
    passes('signed by svix', '/standard', body => $body, headers => $h[1]);
    passes('signed with the old secret', '/standard', body => $body,
           headers => $h[2]);
    passes('five minutes ago, nearly', '/standard', body => $body,
           headers => $h[3]);
    passes('in five minutes, nearly', '/standard', body => $body,
           headers => $h[4]);
    passes('among other signatures', '/standard', body => $body, headers => {
        %{ $h[0] }, 'webhook-signature' => 'v1,AAAA v2,x '
            . $h[0]{'webhook-signature'} . ' v1a,AAAA' });
    passes('where it is off, nothing is asked', '/standard/off',
           body => $body);

    refused('late', '/standard', body => $body, headers => $h[5]);
    refused('too early', '/standard', body => $body, headers => $h[6]);
    refused('another secret', '/standard', body => $body, headers => $h[7]);
    refused('no headers', '/standard', body => $body);
    for my $header (sort keys %{ $h[0] }) {
        my %less = %{ $h[0] };
        delete $less{$header};
        refused("no $header", '/standard', body => $body, headers => \%less);
        refused("$header twice", '/standard', body => $body, headers => {
            %{ $h[0] }, $header => [ ($h[0]{$header}) x 2 ] });
    }
    refused('another id', '/standard', body => $body,
            headers => { %{ $h[0] }, 'webhook-id' => 'msg_x' });
    refused('another time', '/standard', body => $body,
            headers => { %{ $h[0] }, 'webhook-timestamp' => $now - 1 });
    refused("time \"$_\"", '/standard', body => $body,
            headers => { %{ $h[0] }, 'webhook-timestamp' => $_ })
        for "0$now", "+$now", "$now.0", '-1', '99999999999999999999', 'x';
    refused('a truncated body', '/standard', body => substr($body, 0, -1),
            headers => $h[0]);
    refused('no body', '/standard', headers => $h[0]);
    refused('a longer body', '/standard', body => "$body ",
            headers => $h[0]);
    my $code = $h[0]{'webhook-signature'};
    refused("signature \"$_\"", '/standard', body => $body,
            headers => { %{ $h[0] }, 'webhook-signature' => $_ })
        for substr($code, 0, -1), "$code=", substr($code, 3), 'v1,',
            "v2" . substr($code, 2), 'v1a' . substr($code, 2),
            uc $code, 'v1,' . 'A' x 43 . '=';

    my ($big, $large) = ('x' x 900_000, 'x' x 1_100_000);
    my ($b, $l) = signed(map { { standard => $secret, id => 'msg_5',
                                 timestamp => $now, body => $_ } }
                         $big, $large);
    passes('900 kB', '/standard', body => $big, headers => $b->{headers});
    is(req(POST => '/standard', body => $large, headers => $l->{headers})
       ->{status}, 413, 'more than the limit is not read');

    my ($once, $again) = signed(map { { standard => $secret, id => "msg_$_",
        timestamp => $now, body => $body } } qw(once again));
    passes('once', '/standard-once', body => $body,
           headers => $once->{headers});
    answered('twice', '/standard-once', body => $body,
             headers => $once->{headers});
    passes('another', '/standard-once', body => $body,
           headers => $again->{headers});
}

note('standard, Ed25519');
{
    my $message = "msg_ed.$now.$body";
    spew("$dir/message", $message);
    openssl('pkeyutl -sign -inkey ed.pem -rawin -in message -out signature');
    my %h = ('webhook-id' => 'msg_ed', 'webhook-timestamp' => $now,
             'webhook-signature' =>
                 'v1a,' . encode_base64(slurp("$dir/signature"), ''));

    passes('v1a', '/ed25519', body => $body, headers => \%h);
    refused('v1a of another body', '/ed25519', body => 'x', headers => \%h);
    refused('a v1 keyed with the public key', '/ed25519', body => $body,
            headers => { %h, 'webhook-signature' => 'v1,' . encode_base64(
                hmac_sha256($message, substr slurp("$dir/ed.der"), -32), '') });
}

note('hmac of two members: the contact centre');
{
    my $n = 0;
    my $push = sub {
        my %call = (eventId => 'e-' . ++$n, sessionId => 's-1', @_);
        return (json => \%call, headers => { 'X-hmac' =>
            hmac_sha256_hex("$call{eventId}$call{sessionId}", $text) });
    };
    my $code = sub { return { 'X-hmac' => hmac_sha256_hex(join('', @_), $text),
                              'Content-Type' => 'application/json' } };

    passes('a push', '/push', $push->());
    my %again = $push->();
    passes('another', '/push', %again);
    answered('the same again', '/push', %again);
    answered('the same with another conversation', '/push', %again,
             json => { %{ $again{json} }, conversationId => 'x' });
    passes('hex in capitals is hex', '/push', do {
        my %p = $push->();
        $p{headers}{'X-hmac'} = uc $p{headers}{'X-hmac'};
        %p });
    refused('no header', '/push', json => { eventId => 1, sessionId => 2 });
    refused('another session', '/push', do {
        my %p = $push->();
        $p{json}{sessionId} = 's-2';
        %p });
    my %spoiled = $push->();
    refused('a wrong signature', '/push', %spoiled,
            headers => { 'X-hmac' => '0' x 64 });
    passes('a forger has not used it up', '/push', %spoiled);
    refused('a member less', '/push', headers => $code->('e-x'),
            json => { eventId => 'e-x' });
    refused('no members, and their code', '/push', headers => $code->(''),
            json => { a => 1 });
    refused("body $_", '/push', body => $_, headers => $code->('A', 'B'))
        for '{"eventId":"A","sessionId":"B","eventId":"C"}',
            '{"eventId":"C","sessionId":"B","eventId":"A"}',
            '{"EVENTID":"A","sessionId":"B","eventId":"C"}',
            '{"eventId":"A","sessionId":"B","event\u0049d":"C"}',
            '{"event\u0049d":"A","sessionId":"B"}',
            '{"eventId":"A","sessionId":"B"',
            '{"eventId":"A","sessionId":"B"}}',
            '["A","B"]', '', 'null';
    refused('JSON that calls itself a form', '/push',
            headers => { %{ $code->('A', 'B') },
                'Content-Type' => 'application/x-www-form-urlencoded' },
            body => '{"x":"&eventId=A&sessionId=B&"}');
    refused('a control character for a space', '/push',
            headers => $code->('A B', 'C'),
            body => '{"eventId":"A\tB","sessionId":"C"}');
    refused('more than notify_body_size', '/push',
            headers => $code->('A', 'B'), body => '{"eventId":"A",'
            . '"sessionId":"B","x":"' . 'x' x 70_000 . '"}');
    my %form = ('Content-Type' => 'application/x-www-form-urlencoded');
    passes('a form', '/push', body => 'eventId=f%2D1&x=1&sessionId=s+1',
           headers => { %{ $code->('f-1', 's 1') }, %form });
    refused("form $_", '/push', body => $_,
            headers => { %{ $code->('f-2', 's') }, %form })
        for 'eventId=f-2&sessionId=s&eventId=x', 'eventId=f-2',
            'eventId=x&event%49d=f-2&sessionId=s',
            'eventId=f-2&sessionId=s&event%49d=x',
            'eventId=f-2&sessionId=s&EVENTID=x';

    my %away = $push->();
    $redis->pause;
    is(req(POST => '/push', %away)->{status}, 503,
       'a sender comes again when Redis is not there');
    refused('a forger learns nothing of that', '/push', %away,
            headers => { 'X-hmac' => '0' x 64 });
    $redis->resume;
    eventually { my %p = $push->();
                 req(POST => '/push', %p)->{status} == 200 }
        'and is let in when it is back';
    like($redis->cli('TTL', $redis->cli('--scan', '--pattern', '*{once}:*')
                     =~ /(\S+)/),
         qr/^86[34]\d\d$/, 'values are remembered for a day');
}

note('hmac of bodies');
{
    my %call = (body => $body, headers => {
        'X-Hub-Signature-256' => 'sha256=' . hmac_sha256_hex($body, $text) });
    passes('as GitHub signs', '/github', %call);
    passes('chunked', '/github', headers => $call{headers}, body => do {
        my @parts = (substr($body, 0, 5), substr($body, 5));
        sub { shift @parts } });
    refused('without the prefix', '/github', body => $body, headers => {
        'X-Hub-Signature-256' => hmac_sha256_hex($body, $text) });
    refused('truncated', '/github', %call, body => substr $body, 1);
    my $large = 'x' x 200_000;
    is(req(POST => '/github', body => $large, headers => {
        'X-Hub-Signature-256' => 'sha256=' . hmac_sha256_hex($large, $text) })
       ->{status}, 413, 'limit=');
    my @parts = map { 'x' x 40_000 } 1 .. 5;
    is(req(POST => '/github', body => sub { shift @parts }, headers => {
        'X-Hub-Signature-256' => 'sha256=' . hmac_sha256_hex($large, $text) })
       ->{status}, 413, 'limit= of a body without a length');
    passes('SHA-1, base64', '/sha1', body => $body, headers => {
        'X-Sig' => hmac_sha1_base64($body, $text) . '=' });
    passes('SHA-512', '/sha512', body => $body, headers => {
        'X-Sig' => hmac_sha512_hex($body, $text) });
    refused('half of a SHA-512', '/sha512', body => $body, headers => {
        'X-Sig' => substr hmac_sha512_hex($body, $text), 0, 64 });
    passes('an empty body is signed, too', '/sha512', body => '', headers => {
        'X-Sig' => hmac_sha512_hex('', $text) });
    passes('a redirect asks nothing twice', '/tried', body => $body,
           headers => { 'X-Sig' => hmac_sha256_hex($body, $text) });
    answered('but a call does', '/tried', body => $body,
             headers => { 'X-Sig' => hmac_sha256_hex($body, $text) });
}

note('$notify_payload_text');
{
    my $slack = sub {
        my ($sent, $signed, %with) = @_;
        return (body => $sent, headers => { 'X-Ts' => $now,
            'X-Slack-Signature' => 'v0='
                . hmac_sha256_hex("v0:$now:" . ($signed // $sent), $text) });
    };
    for my $length (0, 1, 1000, 5_000, 20_000, 99_000) {
        my $sent = join '', map { chr 1 + $_ % 255 } 1 .. $length;
        passes("a body of $length bytes", '/slack', $slack->($sent));
        refused("... where nothing is signed", '/slack', $slack->($sent, ''))
            if $length;
        refused("... where its beginning is signed", '/slack',
                $slack->($sent, substr $sent, 0, $length / 2)) if $length;
    }
    my @parts = map { chr(64 + $_) x 4000 } 1 .. 5;
    my %call = $slack->(join '', @parts);
    passes('in chunks', '/slack', %call, body => sub { shift @parts });
    is(req(POST => '/slack', $slack->('x' x 103_000))->{status}, 413,
       'over the limit');
    is(req(POST => '/slack', $slack->('x' x 103_000, ''))->{status}, 413,
       '... where nothing is signed, too');
    refused('what "set" takes before the body is read', '/early',
            $slack->('x' x 100, $_)) for '', 'x' x 100;
}

note('jwt');
{
    my $hs = slurp("$dir/hs") =~ s/\n//r;
    my %good = (aud => 'us', iss => 'them', exp => $now + 60, iat => $now);
    my %plain = %good;
    delete $plain{aud};
    my $token = sub {
        my ($alg, $claims, $key, %header) = @_;
        my %file = (RS256 => 'rsa', ES256 => 'ec', EdDSA => 'ed');
        return signed({ claims => $claims, jwt => { alg => $alg,
            key => $key // ($alg eq 'HS256' ? $hs : slurp("$dir/$file{$alg}.pem")),
            header => { typ => 'JWT', %header } } })->{token};
    };
    # what jose would not make
    my $hand = sub {
        my ($header, $claims, $key) = @_;
        my $message = join '.', map { encode_base64url($_, '') }
            map { ref $_ ? to_json($_) : $_ } $header, $claims;
        return "$message." . encode_base64url(hmac_sha256($message,
                                                          $key // $hs), '');
    };
    my $bearer = sub { return (headers => { Authorization => "Bearer $_[0]" }) };
    my %head = (alg => 'HS256', typ => 'JWT');

    my $rs = $token->(RS256 => \%good);
    my $es = $token->(ES256 => \%plain);
    my $ed = $token->(EdDSA => \%plain);
    passes('HS256 of jose', '/hs', $bearer->($token->(HS256 => \%good)));
    passes('RS256 of jose', '/rs', $bearer->($rs), body => 'x' x 3_000_000);
    passes('ES256 of jose', '/es', headers => { 'X-Token' => $es });
    passes('ES256 of jose, as bearer', '/es',
           headers => { 'X-Token' => "bearer $es" });
    passes('EdDSA of jose', '/ed', $bearer->($ed));
    passes('several audiences', '/hs',
           $bearer->($token->(HS256 => { %good, aud => ['x', 'us'] })));
    passes('made by hand', '/hs', $bearer->($hand->(\%head, \%good)));

    refused('no header', '/hs');
    refused('no bearer', '/hs', headers => { Authorization =>
        $token->(HS256 => \%good) });
    refused("a token for $_->[0]", $_->[1], $bearer->($_->[2]))
        for ['RS256 at EdDSA', '/ed', $rs], ['EdDSA at RS256', '/rs', $ed],
            ['ES256 at HS256', '/hs', $es];
    refused('another key', '/rs',
            $bearer->($token->(RS256 => \%good, slurp("$dir/other.pem"))));
    refused('HS256 keyed with the public key', $_->[0], headers => {
                ($_->[0] eq '/es' ? 'X-Token' : 'Authorization')
                    => 'Bearer ' . $hand->(\%head, \%good,
                                           slurp("$dir/$_->[1]")) })
        for ['/rs', 'rsa.pub'], ['/es', 'ec.pub'], ['/ed', 'ed.pub'];
    for my $none (qw(none None NONE nOnE), '') {
        my $t = join '.', map { encode_base64url($_, '') }
            to_json({ alg => $none }), to_json(\%good);
        refused("alg $none, unsigned", '/hs', $bearer->("$t."));
        refused("alg $none, signed", '/hs',
                $bearer->($hand->({ alg => $none }, \%good)));
    }
    refused("header $_->[0]", '/hs',
            $bearer->($hand->({ %head, $_->[0] => $_->[1] }, \%good)))
        for [jwk => { kty => 'oct', k => 'AAAA' }], [jku => 'https://x/'],
            [x5u => 'https://x/'], [x5c => ['AAAA']], [crit => ['exp']],
            [typ => 1], [alg => 'HS512'], [alg => 'hs256'];
    # RFC 8725, 3.10 and 3.12: what a token says of its key is nobody's path,
    # query or command; 3.6: nothing is inflated; another kind of token
    passes("kid \"$_\" is not looked at", '/hs',
           $bearer->($hand->({ %head, kid => $_ }, \%good)))
        for '../../../../dev/null', "' or 1=1 --", '| id', "a\0b", 'x' x 2000;
    refused("header $_->[0] " . to_json($_->[1]), '/hs',
            $bearer->($hand->({ %head, $_->[0] => $_->[1] }, \%good)))
        for [zip => 'DEF'], [b64 => JSON::PP::false()],
            [crit => []], [crit => 'exp'], [alg => ['HS256']], [alg => undef],
            [typ => 'secevent+jwt'], [typ => 'dpop+jwt'], [typ => 'JWTx'];
    refused("header text $_", '/hs', $bearer->($hand->($_, \%good)))
        for '{"alg":"HS256","alg":"none"}', '{"alg":"none","alg":"HS256"}',
            '{"ALG":"HS256"}', '{"alg":"HS256"}{}',
            '["HS256"]', '"HS256"', '{"alg":"HS256",}',
            "\xef\xbb\xbf{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"x\":\"\xff\"}",
            join('', map { "$_\0" } split //, '{"alg":"HS256"}'),
            '{"alg":"HS256","a":' . '[' x 100 . ']' x 100 . '}';
    refused('two tokens', '/es', headers => { 'X-Token' => [$es, $es] });
    refused("a key of $_->[0]", '/hs', $bearer->($hand->(\%head, \%good,
                                                       $_->[1])))
        for ['nothing', ''], ['a zero', "\0"], ['its end', "$hs\n"];
    refused("claims $_", '/hs', $bearer->($hand->(\%head, $_)))
        for map { my $t = $_; $t =~ s/NOW/$now/g; $t }
            '{"aud":"us"}', '{"aud":"us","exp":"NOW"}',
            '{"aud":"us","exp":NOW.0}', '{"aud":"us","exp":1e9}',
            '{"aud":"us","exp":1e400}', '{"aud":"us","exp":NOWe-1}',
            '{"aud":"us","exp":9223372036854775808}',
            '{"aud":"us","exp":-1}', '{"aud":"us","exp":null}',
            '{"aud":"us","exp":NOW}', '{"exp":9999999999}',
            '{"aud":"us","exp":1,"exp":9999999999}',
            '{"aud":"us","exp":9999999999,"nbf":9999999999}',
            '{"aud":"us","exp":9999999999,"iat":"x"}',
            '{"aud":"them","exp":9999999999}',
            '{"aud":["them"],"exp":9999999999}',
            '{"aud":{"us":1},"exp":9999999999}', '["us"]', 'x', '';
    refused("$_->[0] for RS256", '/rs',
            $bearer->($token->(RS256 => { %good, %{ $_->[1] } })))
        for ['another issuer', { iss => 'us' }],
            ['another audience', { aud => 'them' }],
            ['issued long ago', { iat => $now - 70 }],
            ['expired', { exp => $now - 1 }];
    passes("claims $_", '/hs', $bearer->($hand->(\%head, $_)))
        for '{"aud":"us","exp":9999999999.5}', '{"aud":"us","exp":1e10}',
            '{"aud":"us","exp":99999999990E-1}',
            '{"aud":"us","exp":9.9999999999999999999999999e9}';
    passes("kind $_", '/hs', $bearer->($hand->({ %head, typ => $_ }, \%good)))
        for 'at+jwt', 'AT+JWT', 'application/at+jwt', 'application/JWT';
    passes("typ=dpop+jwt: $_", '/dpop',
           $bearer->($hand->({ %head, typ => $_ }, { exp => $now + 60 })))
        for 'dpop+jwt', 'application/dpop+jwt';
    refused("typ=dpop+jwt: " . to_json($_), '/dpop', $bearer->($hand->({ %head,
            typ => $_ }, { exp => $now + 60 })))
        for 'JWT', 'at+jwt', 'x/dpop+jwt', '', undef;
    refused('typ=dpop+jwt: none', '/dpop',
            $bearer->($hand->({ alg => 'HS256' }, { exp => $now + 60 })));
    refused('for somebody, where nobody says who we are', $_->[0],
            headers => { $_->[1] => $_->[2] })
        for ['/es', 'X-Token', $token->(ES256 => { %good, aud => 'us' })],
            ['/ed', 'Authorization',
             'Bearer ' . $token->(EdDSA => { %good, aud => ['us'] })],
            ['/dpop', 'Authorization', 'Bearer ' . $hand->(
                { %head, typ => 'dpop+jwt' }, \%good)];
    { my %none = %good; delete $none{iat};
      refused('no iat, with a window', '/rs',
              $bearer->($token->(RS256 => \%none))) }

    my $good = $token->(HS256 => \%good);
    my ($h, $c, $s) = split /\./, $good;
    refused("form: $_->[0]", '/hs', $bearer->($_->[1]))
        for ['two parts', "$h.$c"], ['four', "$good.x"], ['five', "$h.x.$c.x.$s"],
            ['padding', "$good="], ['no signature', "$h.$c."],
            ['one short', substr($good, 0, -1)], ['no header', ".$c.$s"],
            ['more than 8 KB', "$h." . 'A' x 8192 . ".$s"],
            ['another alphabet', "$h.$c.+/" . substr $s, 2],
            ['last bits', "$h.$c." . substr($s, 0, -1)
             . chr(ord(substr $s, -1) + 1)];
    ($h, $c) = split /\./, $es;
    refused("ES256: $_->[0]", '/es', headers => { 'X-Token' => "$h.$c."
                . encode_base64url($_->[1], '') })
        for ['zeros', "\0" x 64], ['zero r', "\0" x 32 . "\1" x 32],
            ['zero s', "\1" x 32 . "\0" x 32], ['63 bytes', "\1" x 63],
            ['65 bytes', "\1" x 65], ['more than the order', "\xff" x 64],
            ['DER', "\x30\x06\x02\x01\x01\x02\x01\x01"];
}

note('nginx -t');
for (['standard', 'needs "secret_file="'],
     ['standard secret_file=%%KEYS%%/nowhere', 'nowhere" failed'],
     ['standard secret_file=/dev/null', 'it has no secret'],
     ['hmac secret_file=%%KEYS%%/hmac', 'needs "header="'],
     ['hmac header=X secret_file=%%KEYS%%/hmac algorithm=md5', 'must be sha1'],
     ['hmac header=X secret_file=%%KEYS%%/hmac encoding=x', 'must be hex'],
     ['hmac header=X header=Y secret_file=%%KEYS%%/hmac', 'duplicate parameter'],
     ['hmac header=X secret_file=%%KEYS%%/hmac window=1m', 'invalid parameter'],
     ['jwt alg=none key=%%KEYS%%/hs', 'must be HS256'],
     ['jwt alg=HS256', 'needs "key="'],
     ['jwt alg=HS256 key=%%KEYS%%/hs header=X-A token=$arg_a',
      'takes "header=" or "token="'],
     ['jwt alg=HS256 key=%%KEYS%%/rsa.pub', 'a PEM file is no secret'],
     ['jwt alg=HS256 key=%%KEYS%%/ed.der', '', 'skip'],
     ['jwt alg=RS256 key=%%KEYS%%/ec.pub', 'RS256 needs an RSA key'],
     ['jwt alg=RS256 key=%%KEYS%%/rsa.pem', 'not a public key'],
     ['jwt alg=ES256 key=%%KEYS%%/p384.pub', 'ES256 needs a key on'],
     ['jwt alg=EdDSA key=%%KEYS%%/ec.pub', 'EdDSA needs an Ed25519 key'],
     (map { ["hmac header=X secret_file=%%KEYS%%/hmac $_",
             'use "$notify_payload_text"'] }
      'data=v0:$http_x_ts:$request_body', 'data=${request_body}',
      'data=$http_a.$Request_Body', 'data=$request_body_file',
      'once=$request_body'),
     ['standard secret_file=%%KEYS%%/standard once=$http_a$request_body',
      'use "$notify_payload_text"'],
     ['jwt alg=HS256 key=%%KEYS%%/hs token=$request_body',
      'use "$notify_payload_text"'],
     ['sometimes', 'invalid scheme'])
{
    my ($arguments, $says, $skip) = @$_;
    next if $skip;
    my $other = NotifyTest::Nginx->new(start => 0, vars => { KEYS => $dir },
        http => "server { listen 127.0.0.1:%%PORT%%;"
                . " location / { notify_verify $arguments; } }");
    like(scalar $other->check, qr/\Q$says\E.*:\d+/, $arguments);
}

finish();
