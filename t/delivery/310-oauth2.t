# Calls with access tokens: a real authorisation server, npm's oidc-provider,
# gives them and its endpoint accepts no others.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;
use NotifyTest::Tool;

my $modules = NotifyTest::Tool::npm_library('oidc-provider', '9.13.3');
my $port = free_port();
my $dir = NotifyTest::test_dir();
my $log = "$dir/authority.log";
my $at = "http://127.0.0.1:$port";
my $secret = 'p+&=:s/ecret%' . 'x' x 20;

NotifyTest::spawn(['node', "$NotifyTest::TOP/t/clients/authority.js",
                   $modules, $port], $log);

spew("$dir/secret", "$secret\n");
spew("$dir/wrong", "wrong\n");
system("openssl genpkey -algorithm RSA -out $dir/rsa.pem 2> /dev/null && "
       . "openssl pkey -in $dir/rsa.pem -pubout -out $dir/rsa.pub && "
       . "openssl genpkey -algorithm ED25519 -out $dir/ed.pem && "
       . "openssl pkey -in $dir/ed.pem -pubout -out $dir/ed.pub") == 0
    or BAIL_OUT('openssl made no key');
spew("$dir/account.json", JSON::PP->new->encode({
    type => 'service_account', client_email => 'push@shop.example',
    private_key => slurp("$dir/rsa.pem"), private_key_id => 'k1',
    token_uri => "$at/assertion" }));

sub counts { return http(GET => "$at/counts")->{json} // {} }
sub says   { my ($method, $path, %more) = @_;
             return http($method => "$at$path", %more)->{status} }

eventually { says(GET => '/counts') == 200 } 'the server listens'
    or BAIL_OUT(slurp($log));

my $oauth2 = "oauth2 token_url=$at/token";
my $shop = NotifyTest::Shop->new(workers => 2, sign => '',
    profile => "$oauth2 client_id=shop secret_file=$dir/secret"
               . ' scope=hooks:write; retry 1s 1s 1s;'
               . ' in_flight 64; breaker off;',
    profiles => {
        post  => "$oauth2 'client_id=by post' secret_file=$dir/secret"
                 . ' auth=post; retry off;',
        wrong => "$oauth2 client_id=shop secret_file=$dir/wrong; retry off;",
        deaf  => "oauth2 token_url=http://127.0.0.1:@{[ free_port() ]}/token"
                 . " client_id=shop secret_file=$dir/secret; retry off;",
        pem   => "oauth2 jwt_bearer token_url=$at/assertion"
                 . " key_file=$dir/ed.pem scope=hooks"
                 . ' \'claims={"iss":"shop","sub":"me"}\'; retry off;',
        account => "oauth2 jwt_bearer key_file=$dir/account.json"
                 . ' scope=https://example.com/push; retry off;',
    },
    channel => 'event ready; event order.paid; event order.sent;'
               . ' event post; event wrong; event deaf;'
               . ' event pem; event account;');

# the first attempt of the delivery to a subscription
sub attempt {
    my ($sub) = @_;
    my $attempt;
    eventually {
        my $list = $shop->ask(GET => "subscriptions/$sub/deliveries")->{json};
        my $one = @$list
            && $shop->ask(GET => "deliveries/$list->[0]{id}")->{json};
        $attempt = $one && $one->{attempts}[0];
    } 'the delivery is told';
    return $attempt;
}

sub delivered {
    my ($name) = @_;
    my $sub = $shop->subscribe("$at/hook/$name", event => $name,
                               profile => $name);
    $shop->publish(1, eventType => $name);
    return attempt($sub);
}

# --- client credentials

$shop->subscribe("$at/hook/a");
$shop->subscribe("$at/hook/b");
my $before = counts();

$shop->publish(500);
eventually { counts()->{hooks} >= 1000 } 'a thousand calls are accepted';
my $counts = counts();
is($counts->{tokens}, 1, 'with one token for both workers');
is($counts->{refused}, 0, 'and none was refused');
like($counts->{last}{authorization}, qr/^Basic /, 'asked for with Basic');
unlike($counts->{last}{'user-agent'}, qr/^$/, 'by a client with a name');
ok(!exists $counts->{last}{'x-notify-hops'}, 'and with no hops');

is(says(DELETE => '/tokens'), 200, 'all tokens are revoked');
$shop->publish(1);
eventually { counts()->{hooks} >= 1002 } 'the next calls are accepted';
$counts = counts();
is($counts->{tokens}, 2, 'with one more token');
ok($counts->{refused} >= 1, 'the old one was refused');

my $list = $shop->ask(GET => 'subscriptions')->{json};
for my $sub (map { $_->{id} } @$list) {
    my @deliveries = @{ $shop->ask(GET =>
        "subscriptions/$sub/deliveries?limit=100")->{json} };
    is(scalar(grep { $_->{attemptCount} > 1 } @deliveries), 0,
       'a refused token costs no attempt');
}

is(says(PUT => '/ttl/4'), 200, 'tokens live for 4 s from now on');
says(DELETE => '/tokens');
$shop->publish(1);
eventually { counts()->{hooks} >= 1004 } 'another token is fetched';
my $tokens = counts()->{tokens};
eventually { $shop->publish(1); counts()->{tokens} > $tokens }
    'and one before it has expired';
says(DELETE => '/tokens');
says(PUT => '/ttl/600');
says(PUT => '/fail/1');
my $hooks = counts()->{hooks};
$shop->publish(1);
eventually { counts()->{hooks} >= $hooks + 2 }
    'a server that fails for a moment delays a delivery';

is(delivered('post')->{status}, 200, 'a token is asked for with auth=post');

my $attempt = delivered('wrong');
is($attempt->{error}, 'no access token', 'a wrong secret: no call is made');
like($attempt->{detail}, qr/^status 401, invalid_client: client auth/,
     'the delivery says what the server said');
like($shop->nginx->log,
     qr/notify oauth2: no access token from "127.0.0.1:$port": status 401/,
     'and so does the log');

$attempt = delivered('deaf');
is($attempt->{error}, 'no access token', 'no server: no call is made');
is($attempt->{detail}, 'connection refused', 'and it says why');

# --- JWT bearer

says(PUT => '/key', body => slurp("$dir/ed.pub"));
is(delivered('pem')->{status}, 200, 'an assertion by a PEM key is accepted');
my $last = counts()->{last};
is($last->{head}{alg}, 'EdDSA', 'signed as the kind of the key has it');
is_deeply([@{ $last->{payload} }{qw(iss sub)}], ['shop', 'me'],
          'with the claims that are given');
is($last->{scope}, 'hooks', 'and the scope beside it');

says(PUT => '/key', body => slurp("$dir/rsa.pub"));
is(delivered('account')->{status}, 200,
   "a service account's assertion is accepted, by its token_uri");
$last = counts()->{last};
is_deeply([@{ $last->{head} }{qw(alg kid)}], ['RS256', 'k1'],
          'signed by its key, whose id is named');
is_deeply([@{ $last->{payload} }{qw(iss scope)}],
          ['push@shop.example', 'https://example.com/push'],
          'with its address and the scope');

# --- secrets stay where they are

my $everything = $shop->nginx->log
    . join('', map { JSON::PP->new->encode($shop->ask(GET => $_)->{json}) }
               'subscriptions', 'stats');
unlike($everything, qr/\Q$secret\E|Bearer|assertion-\d/,
       'no secret and no token is logged or shown');

ok(!$shop->redis->cli('--scan', '--pattern', '*token*'),
   'no token is in Redis');

# --- over a reload, and with a worker killed

$hooks = counts()->{hooks};
$tokens = counts()->{tokens};
$shop->nginx->reload;
$shop->publish(10);
eventually { counts()->{hooks} >= $hooks + 20 } 'events go on after a reload';
is(counts()->{tokens}, $tokens, 'with the token from before');

finish;
