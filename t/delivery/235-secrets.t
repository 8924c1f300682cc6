# Secrets of subscriptions: with `sign standard` what the libraries of Standard
# Webhooks can read, and each of them verifies by it; Ed25519 stays Ed25519.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_base64 hmac_sha256_hex);
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile wire  { sign standard; allow 127.0.0.0/8; }
notify_profile plain { sign hmac header=X-Sig; allow 127.0.0.0/8; }
notify_channel shop { profile wire plain; event paid; event asked sync iframe; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

my $url = $nginx->url('/shop/subscriptions');
my $n = 0;

sub create {
    my (%with) = @_;
    return http_served(POST => $url, json => {
        url => $receiver->url('/s' . ++$n), event => 'paid', %with });
}

# the call that a subscription gets of an event that comes now
sub next_call {
    my ($path) = @_;
    my $before = $receiver->count($path);
    http(POST => $nginx->url('/shop/events'), json => { eventType => 'paid' })
        ->{success} or die;
    eventually { $receiver->count($path) > $before } or die "no call\n";
    return ($receiver->requests($path))[-1];
}

sub verifies {
    my ($name, $secret, $call) = @_;
    my ($said) = judge({ secret => $secret, headers => $call->{headers},
                         body => $call->{body} });
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($said->{$_}, 'ok', "$name: $_ verifies it")
        for qw(standardwebhooks svix);
}

sub base64 { return encode_base64('k' x $_[0], '') }

note('what is taken');
for (['a text that is base64', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
     ['of 24 bytes', base64(24)], ['of 64 bytes', base64(64)],
     ['whsec_', 'whsec_' . base64(24)], ['whsec_ of 64', 'whsec_' . base64(64)])
{
    my ($name, $secret) = @$_;
    my $made = create(secret => $secret);
    is($made->{status}, 201, $name) or diag($made->{content});
    is($made->{json}{secret}, $secret, '... is shown as it was given');
    verifies($name, $secret, next_call("/s$n"));
    http(DELETE => "$url/$made->{json}{id}");
}
for ('x', 'my own secret', 'whsec_', 'whsec_x', base64(23), base64(65),
     'whsec_' . base64(23), 'whsec_' . base64(65), 'whsk_' . base64(31),
     'whsk_' . base64(33), 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=w')
{
    my $made = create(secret => $_);
    is($made->{status}, 422, "\"$_\" is refused");
    is($made->{json}{errors}[0]{pointer}, '/secret', '... and named');
}
{
    my $made = create(secret => 'x', profile => 'plain');
    is($made->{status}, 201, 'any text signs with hmac');
    my $call = next_call("/s$n");
    is($call->{headers}{'x-sig'}, hmac_sha256_hex($call->{body}, 'x'),
       '... as it stands');
    my $id = $made->{json}{id};
    my $answer = http(PATCH => "$url/$id", json => { profile => 'wire' });
    is($answer->{status}, 422, '... but cannot sign by Standard Webhooks');
    is($answer->{json}{errors}[0]{pointer}, '/secret', '... it is named');
    is(http(PATCH => "$url/$id", json => { name => 'n' })->{status}, 200,
       '... and is not asked for another change');
    is(http(PATCH => "$url/$id", json => { profile => 'wire',
            secret => base64(32) })->{status}, 200, '... with a new one it can');
    verifies('then', base64(32), next_call("/s$n"));
    http(DELETE => "$url/$id");

    $made = create(secret => base64(24), profile => 'plain');
    $id = $made->{json}{id};
    is(http(PATCH => "$url/$id", json => { profile => 'wire' })->{status}, 200,
       'a text that is base64 may sign by either');
    verifies('then', base64(24), next_call("/s$n"));
    http(DELETE => "$url/$id");
}
for ([23, 422], [24, 201], [64, 201], [65, 422]) {
    my ($length, $status) = @$_;
    my $made = create(event => 'asked', mode => 'iframe', profile => 'plain',
                      secret => '-' x $length);
    is($made->{status}, $status, "a token is signed by $length bytes: $status");
    http(DELETE => "$url/$made->{json}{id}") if $status == 201;
}

note('Ed25519');
{
    my $made = create(signature => 'ed25519');
    is($made->{status}, 201, 'a subscription asks for it')
        or diag($made->{content});
    my ($id, $secret, $public) = @{ $made->{json} }{qw(id secret publicKey)};
    like($secret, qr/^whsk_[A-Za-z0-9+\/]{43}=$/, '... a key is made');
    like($public, qr/^whpk_[A-Za-z0-9+\/]{43}=$/, '... its public one is shown');
    ok(!exists $made->{json}{signature}, '... and nothing else');

    my $got = http(GET => "$url/$id");
    is($got->{json}{publicKey}, $public, '... afterwards, too');
    unlike($got->{content}, qr/whsk_/, '... but not the key');
    is(http(PUT => "$url/$id", json => $got->{json})->{status}, 200,
       '... and may be sent back');

    my $check = sub {
        my ($name, $key, $call, $expect) = @_;
        my ($said) = judge({ secret => $key, judges => ['ed25519'],
            headers => $call->{headers}, body => $call->{body} });
        is($said->{ed25519}, $expect, $name);
    };
    my $call = next_call("/s$n");
    $check->('what is sent is verified by it', $public, $call, 'ok');

    my $rotated = http(POST => "$url/$id/rotate-secret",
                       json => { grace => '1h' })->{json};
    like($rotated->{secret}, qr/^whsk_/, 'when it rotates it stays its kind');
    like($rotated->{publicKey}, qr/^whpk_/, '... the public key is told');
    isnt($rotated->{publicKey}, $public, '... a new one');
    is(http(GET => "$url/$id")->{json}{publicKey}, $rotated->{publicKey},
       '... and shown');
    eventually {
        $call = next_call("/s$n");
        2 == (() = $call->{headers}{'webhook-signature'} =~ /v1a,/g)
    } 'both sign for an hour';
    $check->('... the old one', $public, $call, 'ok');
    $check->('... the new one', $rotated->{publicKey}, $call, 'ok');

    is(http(PATCH => "$url/$id", json => { signature => 'ed25519' })
       ->{status}, 200, 'it may be asked for again');
    is(http(PATCH => "$url/$id", json => { signature => 'hmac' })
       ->{status}, 422, 'but not changed without a secret');
    is(http(PATCH => "$url/$id", json => { signature => 'hmac',
            secret => base64(24) })->{json}{publicKey}, undef,
       '... with one it is');
    http(DELETE => "$url/$id");

    is(create(signature => $_->[1], @$_[2 .. $#$_])->{status}, 422, $_->[0])
        for ['another kind', 'rsa'], ['no text', 1],
            ['a secret of another kind', 'ed25519', secret => base64(24)],
            ['a key of another kind', 'hmac',
             secret => 'whsk_' . base64(32)],
            ['a profile of another kind', 'ed25519', profile => 'plain'];
    is(create(signature => 'hmac')->{json}{secret} =~ /^(whsec_)/ && $1,
       'whsec_', 'hmac is what is made without it');
}

note('what an earlier version took');
{
    my $made = create(secret => base64(24));
    my $id = $made->{json}{id};
    my $path = "/s$n";
    $nginx->stop;
    my ($key) = grep { /\}:subs$/ } split ' ', $redis->cli('--scan');
    my $text = $redis->cli('HGET', $key, $id);
    chomp $text;
    my $old = 'some old text of a secret';
    $text =~ s/"secrets":\[.*?\]/"secrets":[{"text":"$old","expires":0}]/
        or die $text;
    $redis->cli('HSET', $key, $id, $text);
    $nginx->start;
    eventually { http(GET => "$url/$id")->{status} == 200 };

    my $call = next_call($path);
    my $code = hmac_sha256_base64(join('.', @{ $call->{headers} }{
        qw(webhook-id webhook-timestamp)}, $call->{body}), $old);
    like($call->{headers}{'webhook-signature'}, qr/^v1,\Q$code\E=*$/,
         'signs as it did');
    my $got = http(GET => "$url/$id")->{json};
    is(http(PUT => "$url/$id", json => $got)->{status}, 200,
       '... and may be changed');
    is(http(POST => "$url/$id/rotate-secret")->{json}{secret}
       =~ /^(whsec_)/ && $1, 'whsec_', '... and replaced');
}

note('nginx -t: a target has no secret');
my $dir = test_dir();
spew("$dir/key", 'k' x 32);
for (['profile wire plain;', 'cannot "sign" the calls of setting "place"'],
     ['', 'profile "standard" cannot "sign"'],
     ['profile hooked;', 'profile "hooked" cannot "sign"'],
     ['profile bare wire;', ''], ['profile token;', ''])
{
    my ($profile, $says) = @$_;
    my $other = NotifyTest::Nginx->new(start => 0, redis => $redis,
        http => <<"END");
notify_profile wire   { sign standard; }
notify_profile plain  { }
notify_profile bare   { }
notify_profile hooked { sign hmac header=X-Sig; }
notify_profile token  { jwt alg=HS256 key=$dir/key; }
notify_channel shop   { $profile setting place target; }
server { listen 127.0.0.1:%%PORT%%; }
END
    my $check = scalar $other->check;
    if ($says) {
        like($check, qr/\[emerg\].*\Q$says\E.*nginx\.conf:\d+/,
             "$profile is refused");
    } else {
        unlike($check, qr/cannot "sign"/, "$profile is fine");
    }
}

finish();
