# customize oauth2: a subscription's own credentials for access tokens, which
# nobody is shown, and which go to no other token endpoint.

use strict;
use warnings;

use MIME::Base64;
use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $dir = NotifyTest::test_dir();
my $port = free_port();
spew("$dir/secret.key", encode_base64('k' x 32, '') . "\n");
spew("$dir/server.js", <<'JS');
const http = require('http');
let number = 0;
http.createServer((req, res) => {
    let body = '';
    req.on('data', (b) => { body += b; });
    req.on('end', () => {
        const auth = req.headers.authorization || '';
        console.log(JSON.stringify({ path: req.url, auth, body }));
        if (req.url !== '/token') {
            res.statusCode = /^Bearer /.test(auth) ? 200 : 401;
            res.end(); return;
        }
        const [id, secret] = Buffer.from(auth.split(' ')[1] || '', 'base64')
            .toString().split(':');
        res.setHeader('Content-Type', 'application/json');
        if (secret !== 'right') {
            res.statusCode = 401;
            res.end('{"error":"invalid_client"}'); return;
        }
        res.end(JSON.stringify({ access_token: `${id}-${++number}`,
                                 token_type: 'Bearer', expires_in: 3600 }));
    });
}).listen(Number(process.argv[2]), '127.0.0.1',
          () => console.log('"listening"'));
JS
NotifyTest::spawn(['node', "$dir/server.js", $port], "$dir/calls");
eventually { slurp("$dir/calls") =~ /listening/ } 'there is a token endpoint';

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'customize oauth2; retry off; breaker off;',
    profiles => { plain => 'retry off;' },
    also => "notify_secret_key $dir/secret.key;",
    server => 'location /acme/ { notify_tenant acme; notify_api shop; }');
my ($nginx, $redis) = ($shop->nginx, $shop->redis);
$shop->ready;

sub calls { my ($path) = @_;
            return grep { ref && $_->{path} eq $path }
                   map { from_json($_) } split /\n/, slurp("$dir/calls") }
sub create { my ($path, %more) = @_;
             return $shop->ask(POST => 'subscriptions', {
                 url => "http://127.0.0.1:$port$path", event => 'order.paid',
                 %more }) }
my %oauth2 = (tokenUrl => "http://127.0.0.1:$port/token", clientId => 'ann',
              clientSecret => 'right', scope => 'hooks');

my $made = create('/a', oauth2 => \%oauth2);
is($made->{status}, 201, 'a subscription with credentials of its own')
    or diag($made->{content});
my $id = $made->{json}{id};
is_deeply($made->{json}{oauth2},
          { map { $_ => $oauth2{$_} } qw(tokenUrl clientId scope) },
          'whose secret is not shown');
unlike($redis->cli('HGET', $redis->key(':subs'), $id), qr/right|oauth2/,
       'and encrypted in Redis');
my $plain = create('/plain')->{json}{id};

$shop->publish(5);
eventually { calls('/a') == 5 } 'its calls come';
is(scalar(grep { $_->{auth} =~ /^Bearer ann-\d+$/ } calls('/a')), 5,
   'with its token');
is(scalar(calls('/token')), 1, 'of which one was fetched');
like((calls('/token'))[0]{body}, qr/scope=hooks/, 'for its scope');
eventually { calls('/plain') == 5 } 'others come';
is((calls('/plain'))[0]{auth}, '', 'with none');

is($shop->ask(PUT => "subscriptions/$id", $shop->show($id))->{status}, 200,
   'what was read can be sent back');
$nginx->reload;
$shop->publish(1);
eventually { calls('/a') == 6 } 'and the secret is still there';
like((calls('/a'))[5]{auth}, qr/^Bearer ann-/, 'as its token');

$shop->change($id, oauth2 => { clientSecret => 'wrong' });
$shop->publish(1);
eventually { grep { $_->{status} eq 'dead' }
             @{ $shop->ask(GET => "subscriptions/$id/deliveries")->{json} } }
           'a wrong secret gives no token';

my $moved = $shop->ask(PATCH => "subscriptions/$id", {
    oauth2 => { tokenUrl => "http://127.0.0.1:$port/other" } });
is($moved->{json}{errors}[0]{pointer}, '/oauth2/clientSecret',
   'another token endpoint needs the secret anew');
is($shop->change($id, oauth2 => undef)->{oauth2}, undef, 'it can be taken away');

for (['a missing client', '/oauth2/clientId', { clientId => undef }],
     ['an address that may not be called', '/oauth2/tokenUrl',
      { tokenUrl => 'http://10.0.0.1/' }],
     ['another member', '/oauth2/grant', { grant => 'x' }])
{
    my ($what, $pointer, $with) = @$_;
    my $answer = create('/x', oauth2 => { %oauth2, %$with });
    is($answer->{status}, 422, "$what is refused");
    is($answer->{json}{errors}[0]{pointer}, $pointer, 'as it says');
}
is(create('/x', profile => 'plain', oauth2 => \%oauth2)->{json}{errors}[0]
   {pointer}, '/oauth2', 'so is all of it without customize');
is(http(GET => $nginx->url("/acme/subscriptions/$id"))->{status}, 404,
   'another tenant sees nothing of it');

finish();
