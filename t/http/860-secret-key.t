# notify_secret_key: what no client reads back is encrypted in Redis, with one
# key or, in a rotation, two; what cannot be decrypted waits and says so.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex sha256_hex);
use MIME::Base64 qw(encode_base64);
use Test::More;
use NotifyTest;

my $dir = test_dir();
my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;

my %key = map { $_ => pack('C*', map { int rand 256 } 1 .. 32) } qw(a b);
spew("$dir/$_.key", encode_base64($key{$_}, '') . "\n") for keys %key;

my @secret = map { "hush-$_-" . int rand 1e9 }
             qw(hmac apikey header second token third);
my $http = <<'END';
%%KEY%%
notify_profile partner {
    allow 127.0.0.0/8;
    sign hmac header=X-hmac;
    header X-API-Key $notify_subscription_api_key;
    retry 1s until=10m;
    attempt_log all max=100;
    response_log 1k;
}
notify_profile pushed {
    allow 127.0.0.0/8;
    header Authorization $notify_setting_token;
    retry 1s until=10m;
}
notify_channel shop { profile partner; }
notify_channel gate { profile partner; event cart.check sync; }
notify_channel push {
    profile pushed;
    event visit.created off;
    setting url target;
    setting token secret optional;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location /gate/ { notify_api gate; }
    location /push/ { notify_api push; }
    location = /metrics { notify_metrics; }
}
END

# everything that is said to Redis from here on
my $monitor = "$dir/monitor";
NotifyTest::spawn(['redis-cli', '-p', $redis->port, 'MONITOR'], $monitor);
eventually { slurp($monitor) =~ /OK/ } undef, 10;

# whatever nginx can say, it says
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => $http,
    level => 'debug',
    vars => { KEY => "notify_secret_key $dir/a.key;" });

sub keys_are {
    my (@names) = @_;
    $nginx->{vars}{KEY} = @names ? "notify_secret_key "
        . join(' ', map { "$dir/$_.key" } @names) . ';' : '';
    $nginx->write_conf;
    $nginx->reload;
}

my @answers;
sub ask {
    my ($method, $path, $json) = @_;
    my $answer = http($method => $nginx->url($path),
                      defined $json ? (json => $json) : ());
    push @answers, $answer->{content} // '' if $answer->{status} != 201;
    return $answer;
}

sub create {
    my ($path, %more) = @_;
    my $answer = ask(POST => '/shop/subscriptions', {
        url => $receiver->url($path), event => 'order.paid', %more });
    is($answer->{status}, 201, "a subscription for $path")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    is(ask(POST => '/shop/events', { eventType => 'order.paid',
           data => { n => $_[0] } })->{status}, 202, "event $_[0]");
}

# the member `sealed` of the document in Redis
sub sealed {
    my ($id) = @_;
    my $text = $redis->cli('HGET', 'notify:{shop.0}:subs', $id);
    $text =~ s/^\d+ //;
    return from_json($text)->{sealed};
}

sub store {
    my ($id, $sealed) = @_;
    my ($version, $json) = $redis->cli('HGET', 'notify:{shop.0}:subs', $id)
                           =~ /^(\d+) (.*)/s;
    my $document = from_json($json);
    $document->{sealed} = $sealed;
    $version = $redis->cli('INCR', 'notify:{shop.0}:subs:ver');
    $redis->cli('HSET', 'notify:{shop.0}:subs', $id,
                "$version " . to_json($document));
    $redis->cli('XADD', 'notify:{shop.0}:subs:log', '*', 'id', $id,
                'op', 'set', 'ver', $version);
}

sub shown { return ask(GET => "/shop/subscriptions/$_[0]")->{json} }


# encrypted, and used

my $one = create('/one', secret => $secret[0], apiKey => $secret[1],
                 headers => { 'X-Token' => $secret[2] });
my $two = create('/two', secret => $secret[3]);
publish(1);

eventually { $receiver->count('/one') == 1 } 'a subscriber with secrets is called';
my ($call) = $receiver->requests('/one');
is($call->{headers}{'x-api-key'}, $secret[1], 'with its API key');
is($call->{headers}{'x-token'}, $secret[2], 'with its own header');
is($call->{headers}{'x-hmac'}, hmac_sha256_hex($call->{body}, $secret[0]),
   'and signed with its secret');

is(ask(PATCH => '/push/settings', { url => $receiver->url('/push'),
       token => $secret[4] })->{status}, 200, 'a secret setting is set');
is(ask(PATCH => '/push/settings', { flags => { 'visit.created' => \1 } })
   ->{status}, 200, 'its channel is switched on');
ask(POST => '/push/events', { eventType => 'visit.created' });
eventually { $receiver->count('/push') == 1 } 'the target is called';
is(($receiver->requests('/push'))[0]{headers}{authorization}, $secret[4],
   'with the secret setting');

is(ask(POST => '/gate/subscriptions', { url => $receiver->url('/gate'),
       event => 'cart.check', mode => 'sync', secret => $secret[5] })
   ->{status}, 201, 'a sync subscriber');
eventually { ask(POST => '/gate/sync/cart.check', {});
             $receiver->count('/gate') } 'is called as well';
($call) = $receiver->requests('/gate');
is($call->{headers}{'x-hmac'}, hmac_sha256_hex($call->{body}, $secret[5]),
   'and signed with its secret');


# a foreign judge: the format is what the README says

spew("$dir/judge.js", <<'JS');
const crypto = require('crypto');
const [key, prefix, name, sealed] = process.argv.slice(2);
const [version, id, bytes] = sealed.split(':');
const k = Buffer.from(key, 'base64'), b = Buffer.from(bytes, 'base64url');
if (version !== 'v2') throw new Error('version');
if (id !== crypto.createHash('sha256').update(k).digest('hex').slice(0, 8))
    throw new Error('key id');
const d = crypto.createDecipheriv('aes-256-gcm', k, b.subarray(0, 12));
d.setAAD(Buffer.from(prefix + '\0' + name));
d.setAuthTag(b.subarray(-16));
process.stdout.write(d.update(b.subarray(12, -16), null, 'utf8')
                     + d.final('utf8'));
JS

# as it was until then
spew("$dir/v1.js", <<'JS');
const crypto = require('crypto');
const [key, name, plain] = process.argv.slice(2);
const k = Buffer.from(key, 'base64'), nonce = crypto.randomBytes(12);
const c = crypto.createCipheriv('aes-256-gcm', k, nonce);
c.setAAD(Buffer.from(name));
const bytes = Buffer.concat([nonce, c.update(plain), c.final(),
                             c.getAuthTag()]);
process.stdout.write('v1:' + crypto.createHash('sha256').update(k)
                     .digest('hex').slice(0, 8) + ':'
                     + bytes.toString('base64url'));
JS

sub node {
    my ($script, @args) = @_;
    open my $pipe, '-|', 'node', "$dir/$script.js", @args or die "node: $!";
    local $/;
    return scalar <$pipe>;
}

my $plain = from_json(node(judge => encode_base64($key{a}, ''),
                          'notify:{shop.0}:', $one, sealed($one)));
is($plain->{secrets}[0]{text}, $secret[0], 'node decrypts the secret');
is($plain->{apiKey}, $secret[1], 'and the API key');
is_deeply($plain->{headers}, { 'X-Token' => $secret[2] }, 'and the headers');
my $token = from_json($redis->cli('HGET', 'notify:{push.0}:settings',
                                  'v:token'));
is(from_json(node(judge => encode_base64($key{a}, ''), 'notify:{push.0}:',
                  'target:token', $token->{sealed})), $secret[4],
   'and the secret setting');

my %nonce;
for (1 .. 5) {
    is(ask(PATCH => "/shop/subscriptions/$one", { name => "n$_" })->{status},
       200, "change $_");
    $nonce{substr sealed($one), 12, 16}++;
}
is(scalar keys %nonce, 5, 'each write has a nonce of its own');


# rotation

keys_are('b', 'a');
publish(2);
eventually { $receiver->count('/one') == 2 && $receiver->count('/two') == 2 }
           'with a new key, the old one decrypts';
like(sealed($one), qr/^v2:@{[substr sha256_hex($key{a}), 0, 8]}:/,
     'what is not written stays as it is');
is(ask(PATCH => "/shop/subscriptions/$one", {})->{status}, 200, 'a write');
like(sealed($one), qr/^v2:@{[substr sha256_hex($key{b}), 0, 8]}:/,
     'encrypts with the new key');

keys_are('b');
publish(3);
eventually { $receiver->count('/one') == 3 } 'the old key is not needed there';
my $shown = shown($two);
is($shown->{status}, 'disabled', 'what has an unknown key is disabled');
like($shown->{reason}, qr/key that is not in/, 'and says why');
is(ask(PATCH => "/shop/subscriptions/$two", { name => 'x' })->{status}, 409,
   'it cannot be changed');
is(ask(POST => "/shop/subscriptions/$two/test", {})->{status}, 409,
   'nor tried');
my ($row) = grep { $_->{id} eq $two } @{ ask(GET => '/shop/subscriptions')
                                         ->{json} };
is($row->{status}, 'disabled', 'the list says the same');
my @lines = grep { /"$two" waits/ } split /\n/, $nginx->log;
is(scalar @lines, 1, 'one line is logged for it') or diag(join "\n", @lines);
is(ask(POST => '/gate/sync/cart.check', {})->{json}{errorLevel}, 50,
   'a sync call fails as ours');
is($receiver->count('/two'), 2, 'it was not called');

keys_are();
like(shown($two)->{reason}, qr/there is no notify_secret_key/,
     'without keys nothing is decrypted');

keys_are('b', 'a');
eventually { $receiver->count('/two') == 3 }
           'when the key is back it gets what came meanwhile';
eventually { shown($two)->{status} eq 'active' } 'and is active again';


# changed, or another's

my $good = sealed($two);
(my $changed = $good) =~ s/(.)(.{30})$/($1 eq 'A' ? 'B' : 'A') . $2/e;
for (['changed', $changed], ['copied', sealed($one)], ['cut', 'v2:'],
     ['shorter', substr $good, 0, 40], ['strange', '%' x 100],
     ['of an earlier version', 'v1' . substr $good, 2],
     ['of a later version', 'v3' . substr $good, 2])
{
    store($two, $_->[1]);
    like(shown($two)->{reason}, qr/changed or belong/,
         "one that was $_->[0] is refused");
}
eventually { $nginx->log =~ /"$two" waits: .* changed or belong/ }
           'which is logged';
publish(4);
eventually { $receiver->count('/one') == 4 } 'the others go on';
is($receiver->count('/two'), 3, 'it is not called');
store($two, $good);
eventually { $receiver->count('/two') == 4 }
           'as it was, it is called again, with what it had not got';


# the same document in another channel, or under another prefix

my $text = $redis->cli('HGET', 'notify:{shop.0}:subs', $two);
my $other = NotifyTest::Nginx->new(http => <<END);
notify_redis 127.0.0.1:@{[$redis->port]} prefix=other:;
notify_secret_key $dir/b.key $dir/a.key;
notify_channel shop { event order.paid; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END
$redis->cli('HSET', $_, $two, $text)
    for 'notify:{gate.0}:subs', 'other:{shop.0}:subs';
is(shown($two)->{status}, 'active', 'where it was written it is read');
for (['channel', $nginx->url("/gate/subscriptions/$two")],
     ['prefix', $other->url("/shop/subscriptions/$two")])
{
    my $shown = http(GET => $_->[1])->{json};
    is($shown->{status}, 'disabled', "in another $_->[0] it is not");
    like($shown->{reason}, qr/changed or belong/, 'and says why');
}
$other->stop;
$redis->cli('HDEL', 'notify:{gate.0}:subs', $two);


# what an earlier version has encrypted

store($two, node(v1 => encode_base64($key{a}, ''), $two,
                 to_json({ secrets => [{ text => $secret[3] }] })));
is(shown($two)->{status}, 'active', 'that of an earlier version is read');
publish(7);
eventually { $receiver->count('/two') == 5 } 'and used';
is((($receiver->requests('/two'))[-1])->{headers}{'x-hmac'},
   hmac_sha256_hex(($receiver->requests('/two'))[-1]{body}, $secret[3]),
   'to sign');
like(sealed($two), qr/^v1:/, 'it stays as it is');
is(ask(PATCH => "/shop/subscriptions/$two", {})->{status}, 200,
   'until it is written');
like(sealed($two), qr/^v2:/, 'which encrypts it as it is done now');
is(ask(DELETE => "/shop/subscriptions/$two")->{status}, 204,
   'and can be deleted');


# nowhere to be read

ask(GET => $_) for '/shop/subscriptions', '/shop/deltas', '/shop/stats',
    '/shop/health', "/shop/subscriptions/$one",
    "/shop/subscriptions/$one/deliveries", '/push/settings',
    '/push/settings/x', '/push/stats', '/gate/subscriptions', '/gate/stats',
    '/metrics', '/shop/event-types', '/shop/openapi.json', '/shop/jwks.json',
    '/shop/deltas?missed=true&subscription=' . $one;
my @attempts = @{ ask(GET => "/shop/subscriptions/$one/deliveries")->{json} };
cmp_ok(scalar @attempts, '>', 0, 'there are deliveries to look at');
ask(GET => "/shop/deliveries/$_->{id}"),
ask(GET => "/shop/events/$_->{eventId}/deliveries") for @attempts;
push @secret, ask(POST => "/shop/subscriptions/$one/rotate-secret",
                  { grace => '1h' })->{json}{secret};
pop @answers;               # the one answer that a new secret is in
like($secret[-1], qr/^whsec_/, 'a secret is made anew');
my $count = $receiver->count('/one');
publish(6);
eventually { $receiver->count('/one') > $count } 'and used, beside the old one';
ask(GET => "/shop/subscriptions/$one");
ask(PATCH => "/shop/subscriptions/$one", { apiKey => "$secret[1]\x01" });
ask(PATCH => "/shop/subscriptions/$one", { headers => { Host => $secret[2] } });
ask(POST => '/shop/subscriptions', { url => 'x', secret => "whsec_$secret[0]",
                                     event => 'order.paid' });
ask(POST => "/shop/subscriptions/$one/test", {});

my %place = (
    'the log'      => $nginx->log . slurp($nginx->dir . '/logs/access.log'),
    'the answers'  => join("\n", @answers),
    'the commands to Redis' => slurp($monitor),
    'the files of Redis' => join('', map { slurp($_) }
                                 glob "$redis->{dir}/appendonlydir/*"),
    'the dump of Redis' => dump_of($redis),
);
like($place{'the log'}, qr/\[debug\]/, 'the log is as long as can be');
like($place{'the answers'}, qr/^notify_calls_total/m, 'metrics are among them');
like($place{'the dump of Redis'}, qr/sealed/, 'and what is sealed in it');
like($place{'the commands to Redis'}, qr/sealed/, 'commands were recorded');
like($place{'the files of Redis'}, qr/sealed/, 'and written');
for my $place (sort keys %place) {
    my @found = grep { index($place{$place}, $_) >= 0 } @secret;
    is_deeply(\@found, [], "no secret is in $place");
    my ($name) = grep { index($place{$place}, encode_base64($key{$_}, '')) >= 0
                        || index($place{$place}, $key{$_}) >= 0 } keys %key;
    is($name, undef, "no key is in $place");
}


sub dump_of {
    my ($redis) = @_;
    $redis->cli('CONFIG', 'SET', 'rdbcompression', 'no');
    is($redis->cli('SAVE'), 'OK', 'Redis is dumped');
    return slurp("$redis->{dir}/dump.rdb");
}


# plain as ever without the directive

keys_are();
my $plainly = create('/plain', secret => 'in the open');
like($redis->cli('HGET', 'notify:{shop.0}:subs', $plainly), qr/in the open/,
     'without notify_secret_key nothing is encrypted');
keys_are('b');
publish(5);
eventually { $receiver->count('/plain') == 1 }
           'with it, what is not encrypted can be used';
ask(PATCH => "/shop/subscriptions/$plainly", {});
unlike($redis->cli('HGET', 'notify:{shop.0}:subs', $plainly),
       qr/in the open/, 'and is encrypted with its next write');
$nginx->stop;


# files that hold no key

spew("$dir/short.key", encode_base64('x' x 31, ''));
spew("$dir/long.key", encode_base64('x' x 33, ''));
spew("$dir/words.key", 'no key at all, but a line of 44 characters .');
spew("$dir/empty.key", '');
spew("$dir/same.key", encode_base64($key{a}));
for (['short', 32], ['long', 32], ['words', 32], ['empty', 32],
     ['missing', 'failed'], ["a.key $dir/same", 'same key twice'])
{
    my ($name, $reason) = @$_;
    $nginx->{vars}{KEY} = "notify_secret_key $dir/$name.key;";
    $nginx->write_conf;
    my ($said, $ok) = $nginx->check;
    ok(!$ok && $said =~ /$reason.* in \S+nginx\.conf:\d+/s,
       "$name is refused, with the line") or diag($said);
}

$nginx->{vars}{KEY} = 'notify_secret_key off;';
$nginx->write_conf;
my ($said, $ok) = $nginx->check;
ok($ok, 'off is no key') or diag($said);

finish();
