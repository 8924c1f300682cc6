# The wires of others, judged by what their receivers verify with: the examples
# as they stand, and npm's jose, cloudevents, stripe and @octokit/webhooks.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $data = '{"b": 1.1 ,"n":9007199254740993,"t":"\u00e9\/","u":"Grüße"}';

sub example {
    my ($name) = @_;
    $redis->cli('FLUSHALL');
    return NotifyTest::Nginx->new(example => $name, redis => $redis);
}

sub subscribe {
    my ($nginx, $path, %more) = @_;
    my $answer = http_served(
        POST => $nginx->url('/shop/subscriptions'), json => {
            url => $receiver->url($path), event => 'order.paid', %more });
    is($answer->{status}, 201, "a subscription for $path is created")
        or diag($answer->{content});
    return $answer->{json};
}

sub publish {
    my ($nginx, $json) = @_;
    my $answer = http(POST => $nginx->url('/shop/events'), body => $json
        // '{"eventType":"order.paid","entityID":7,"data":' . $data . '}',
        headers => { 'Content-Type' => 'application/json' });
    is($answer->{status}, 202, 'an event is accepted')
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub call {
    my ($path) = @_;
    eventually { $receiver->count($path) } "a call to $path arrives";
    return ($receiver->requests($path))[-1];
}

# accepts(NAME, call, more) and refuses(NAME, call, more)
sub verdict {
    my ($judge, $call, %more) = @_;
    return (judge({ headers => $call->{headers}, body => $call->{body},
                    judges => [$judge], %more }))[0];
}

sub accepts {
    my ($judge, $title, $call, %more) = @_;
    my $verdict = verdict($judge, $call, %more);
    is($verdict->{$judge}, 'ok', "$judge accepts $title");
    return $verdict;
}

sub refuses {
    my ($judge, $title, $call, %more) = @_;
    my $said = verdict($judge, $call, %more)->{$judge} // 'ok';
    isnt($said, 'ok', "$judge refuses $title");
}

sub tampered {
    my ($call) = @_;
    (my $body = $call->{body}) =~ s/1\.1/1.2/ or die;
    return { %$call, body => $body };
}

# a clock that is off is not tried: the secret and the body are
sub tries {
    my ($judge, $title, $call, $secret) = @_;
    accepts($judge, $title, $call, secret => $secret);
    refuses($judge, "$title tampered with", tampered($call),
            secret => $secret);
    refuses($judge, "$title with another secret", $call, secret => 'other');
}


# conf.examples/stripe-style.conf, with a secret as Stripe's, a text

my $nginx = example('stripe-style');
my $secret = 'whsec_QeFdKLMnPbSCgJ1hBmbh8Tw9Mzp40lqq';
subscribe($nginx, '/stripe', secret => $secret);
my $id = publish($nginx);
my $call = call('/stripe');

tries('stripe', 'it', $call, $secret);
is($call->{body}, qq({"id":"$id","object":"event","type":"order.paid",)
                  . qq("data":{"object":$data}}), 'byte for byte');
like($call->{headers}{'stripe-signature'}, qr/^t=\d+,v1=[0-9a-f]{64}$/,
     'in one header');
is(join(' ', sort keys %{ $call->{headers} }), 'content-length content-type '
   . 'host stripe-signature user-agent x-notify-hops', 'and nothing else');
$nginx->stop;


# conf.examples/github-style.conf

$nginx = example('github-style');
my $subscription = subscribe($nginx, '/github', secret => "It's a Secret");
$id = publish($nginx);
$call = call('/github');

tries('octokit', 'it', $call, "It's a Secret");
is($call->{body}, $data, 'the body is the data, byte for byte');
is($call->{headers}{'x-github-event'}, 'order.paid', 'X-GitHub-Event');
is($call->{headers}{'x-github-delivery'}, $id, 'X-GitHub-Delivery');
is($call->{headers}{'x-github-hook-id'}, $subscription->{id},
   'X-GitHub-Hook-ID');
is($call->{headers}{'user-agent'}, 'Shop-Hookshot', 'User-Agent');
like($call->{headers}{'x-hub-signature'}, qr/^sha1=[0-9a-f]{40}$/,
     'and the older signature');
$nginx->stop;


# conf.examples/standard-webhooks.conf

$nginx = example('standard-webhooks');
$secret = subscribe($nginx, '/standard')->{secret};
like($secret, qr/^whsec_/, 'a secret is made where none is given');
publish($nginx);
$call = call('/standard');
for my $judge (qw(standardwebhooks svix)) {
    accepts($judge, 'it', $call, secret => $secret);
    refuses($judge, 'it tampered with', tampered($call), secret => $secret);
}

# Ed25519: a seed of 32 bytes
$secret = 'whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
subscribe($nginx, '/v1a', secret => $secret);
publish($nginx);
$call = call('/v1a');
like($call->{headers}{'webhook-signature'}, qr/^v1a,[\w+\/]{86}==$/,
     'a whsk_ key makes it v1a');
accepts('ed25519', 'it', $call, secret => $secret);
refuses('ed25519', 'it tampered with', tampered($call), secret => $secret);
$nginx->stop;


# conf.examples/cloudevents.conf

my $time = '2024-03-18T11:00:24.481Z';
$nginx = example('cloudevents');
subscribe($nginx, '/structured');
subscribe($nginx, '/binary', profile => 'binary');
$id = publish($nginx, '{"eventType":"order.paid","entityTypeID":3,'
    . '"entityID":9007199254740993,"country":"NO","time":"' . $time
    . '","data":' . $data . '}');

for my $mode (qw(structured binary)) {
    $call = call("/$mode");
    my $verdict = accepts('cloudevents', "the $mode mode", $call);
    my $event = $verdict->{event} // {};

    is($event->{id}, $id, 'its id');
    is($event->{specversion}, '1.0', 'its version');
    is($event->{type}, 'order.paid', 'its type');
    is($event->{source}, 'nginx-notify', 'its source');
    is($event->{time}, $time, 'its time');
    is($event->{subject}, '9007199254740993', 'its subject');
    is($event->{entitytypeid}, '3', 'an extension');
    is($event->{country}, 'NO', 'an attribute is one');
    is($event->{data}{u}, 'Grüße', 'its data');
    like($call->{body}, qr/\Q$data\E/, 'byte for byte');
    is($call->{headers}{'content-type'}, $mode eq 'binary'
       ? 'application/json' : 'application/cloudevents+json', 'Content-Type');
}
$nginx->stop;


# jwt, every algorithm, by our jwks.json; the keys are made here

my $keys = NotifyTest::test_dir();
my %key = (
    RS256 => 'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048',
    ES256 => 'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256',
    EdDSA => 'genpkey -algorithm ED25519',
);
for my $alg (sort keys %key) {
    is(system("openssl $key{$alg} -out $keys/$alg.pem 2> $keys/openssl.log"),
       0, "a test key for $alg is made");
}
NotifyTest::spew("$keys/HS256.pem", "0123456789abcdef0123456789abcdef\n");

my $profiles = join '', map { <<"END" } sort 'HS256', keys %key;
notify_profile $_ {
    jwt alg=$_ key=$keys/$_.pem 'claims={"iss":"shop"}';
    allow 127.0.0.0/8;
}
END

$redis->cli('FLUSHALL');
$nginx = NotifyTest::Nginx->new(redis => $redis, http => $profiles . <<"END");
notify_profile named {
    jwt alg=ES256 key=$keys/ES256.pem kid=key/1 ttl=2m scheme= header=X-Token
        'claims={"sub":"\$notify_event_id","n":"\$notify_entity_id"}';
    allow 127.0.0.0/8;
}
notify_profile again {
    jwt alg=RS256 key=$keys/RS256.pem header=X-Token;
    allow 127.0.0.0/8;
}
notify_channel shop {
    profile HS256 RS256 ES256 EdDSA named again;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location = /.well-known/jwks.json { notify_api shop jwks.json; }
}
END

my $answer = http(GET => $nginx->url('/shop/jwks.json'));
is($answer->{status}, 200, 'jwks.json is there');
is($answer->{headers}{'content-type'}, 'application/json', 'as JSON');
my @jwks = @{ $answer->{json}{keys} };
is(join(' ', sort map { "$_->{kty}/$_->{alg}/$_->{use}" } @jwks),
   'EC/ES256/sig EC/ES256/sig OKP/EdDSA/sig RSA/RS256/sig',
   'with each public key once, and none of HS256');
is(scalar(grep { exists $_->{d} || exists $_->{p} || exists $_->{k} } @jwks),
   0, 'no part of it is private');
is(scalar(grep { !length($_->{kid} // '') } @jwks), 0, 'each has a kid');
is(http(GET => $nginx->url('/.well-known/jwks.json'))->{content},
   $answer->{content}, 'it can be mounted alone');
is(http(GET => $nginx->url('/shop/jwks.json/x'))->{status}, 404,
   'there is nothing below it');
is(http(POST => $nginx->url('/shop/jwks.json'), json => {})->{status}, 405,
   'it cannot be written');

for my $profile ('HS256', sort(keys %key), 'named') {
    subscribe($nginx, "/$profile", profile => $profile);
}
$id = publish($nginx);

for my $alg (sort 'HS256', keys %key) {
    my @how = (alg => $alg, $alg eq 'HS256'
               ? (secret => '0123456789abcdef0123456789abcdef')
               : (jwks => $nginx->url('/shop/jwks.json')));
    $call = call("/$alg");
    my $verdict = accepts('jose', $alg, $call, @how);
    my $claims = $verdict->{claims};

    is($claims->{iss}, 'shop', 'its claim');
    is($claims->{exp} - $claims->{iat}, 300, 'for five minutes');
    cmp_ok(length($claims->{jti}), '>=', 16, 'its jti');
    is($verdict->{header}{typ}, 'JWT', 'its type');

    my ($head, $body, $signature) = split /\./, $call->{headers}{authorization};
    substr $signature, 9, 1, substr($signature, 9, 1) eq 'A' ? 'B' : 'A';
    refuses('jose', "$alg with another signature", { %$call, headers => {
        authorization => "$head.$body.$signature" } }, @how);
}

# the thumbprints as jose has them
open my $pipe, '-|', 'node', '-e', 'import(require("url").pathToFileURL('
    . 'require.resolve("jose"))).then(async (jose) => { for (const k of '
    . 'JSON.parse(process.argv[1])) if (k.kid !== "key/1") console.log('
    . 'k.kid === await jose.calculateJwkThumbprint(k)) })', to_json(\@jwks)
    or die "node: $!";
is(join('', <$pipe>), "true\n" x 3, 'without kid= it is the thumbprint');
close $pipe;

$call = call('/named');
my $verdict = accepts('jose', 'another header, no scheme', { %$call,
    headers => { authorization => $call->{headers}{'x-token'} } },
    alg => 'ES256', jwks => $nginx->url('/shop/jwks.json'));
is($verdict->{header}{kid}, 'key/1', 'its kid');
is($verdict->{claims}{sub}, $id, 'a claim of the event');
is($verdict->{claims}{n}, 7, 'a number');
is($verdict->{claims}{exp} - $verdict->{claims}{iat}, 120, 'its time');

# kept while nothing in it varies
publish($nginx) for 1 .. 3;
eventually { $receiver->count('/RS256') == 4
             && $receiver->count('/named') == 4 } 'three more events';
my %tokens = map { $_->{headers}{authorization} => 1 }
             $receiver->requests('/RS256');
is(scalar(keys %tokens), 1, 'a token is used again while nothing varies');
%tokens = map { $_->{headers}{'x-token'} => 1 } $receiver->requests('/named');
is(scalar(keys %tokens), 4, 'and made anew where something does');

finish();
