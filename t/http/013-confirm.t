# confirm: before a subscription or its new URL is active, its endpoint must
# agree: by a challenge, or as CloudEvents' webhooks have it.

use strict;
use warnings;

use Sys::Hostname;
use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $dir = NotifyTest::test_dir();
my $port = free_port();

spew("$dir/server.js", <<'JS');
const fs = require('fs'), http = require('http');
const [port, dir] = process.argv.slice(2);
http.createServer((req, res) => {
    let body = '';
    req.on('data', (b) => { body += b; });
    req.on('end', () => {
        console.log(JSON.stringify({ method: req.method, path: req.url,
                                     headers: req.headers, body }));
        const asked = req.method === 'OPTIONS' || /notify\.confirm/.test(body);
        const origin = req.headers['webhook-request-origin'];
        if (!asked) { res.end('ok'); return; }
        const { challenge } = body ? JSON.parse(body) : {};
        switch (req.url.split('/')[1]) {
        case 'text': res.end(`${challenge}\n`); return;
        case 'json': res.end(JSON.stringify({ challenge })); return;
        case 'wrong': res.end('ok'); return;
        case 'refuses': res.statusCode = 403; res.end(challenge); return;
        case 'later':
            res.end(fs.existsSync(`${dir}/agree`) ? challenge : 'no');
            return;
        case 'origin':
            res.setHeader('WebHook-Allowed-Origin', origin);
            res.setHeader('WebHook-Allowed-Rate', '60');
            res.end(); return;
        case 'any':
            res.setHeader('WebHook-Allowed-Origin', '*');
            res.setHeader('WebHook-Allowed-Rate', '*');
            res.end(); return;
        case 'other':
            res.setHeader('WebHook-Allowed-Origin', 'other.example');
            res.end(); return;
        default: res.end();
        }
    });
}).listen(Number(port), '127.0.0.1', () => console.log('"listening"'));
JS
NotifyTest::spawn(['node', "$dir/server.js", $port, $dir], "$dir/calls");
eventually { slurp("$dir/calls") =~ /listening/ } 'there is an endpoint';

my $shop = NotifyTest::Shop->new(workers => 2,
    profiles => { ask => 'confirm challenge; retry off; breaker off;',
                  cloud => 'confirm cloudevents; retry off; breaker off;' },
    channel => 'event order.paid; event ready;',
    server => 'location /acme/ { notify_tenant acme; notify_api shop; }');
my ($nginx, $redis) = ($shop->nginx, $shop->redis);
$shop->ready;

sub calls { my ($path) = @_;
            return grep { ref && $_->{path} eq $path }
                   map { from_json($_) } split /\n/, slurp("$dir/calls") }
sub asked { return grep { $_->{method} eq 'OPTIONS'
                          || $_->{body} =~ /notify\.confirm/ } calls($_[0]) }
sub got   { return grep { $_->{method} eq 'POST'
                          && $_->{body} !~ /notify\.confirm/ } calls($_[0]) }
sub url   { return "http://127.0.0.1:$port$_[0]" }
sub create {
    my ($path, %more) = @_;
    return $shop->ask(POST => 'subscriptions', { url => url($path),
                      event => 'order.paid', profile => 'ask', %more });
}
sub status { return $shop->show($_[0])->{status} // '' }
sub missed { return scalar @{ $shop->ask(GET =>
                 "deltas?subscription=$_[0]&missed=true")->{json}{data} } }


# by a challenge

my $secret = 'whsec_' . 'abcd' x 8;
my %id;

for my $path ('/text', '/json') {
    my $made = create($path, secret => $secret);
    is($made->{status}, 201, "$path is made");
    is($made->{json}{status}, 'pending', 'and is pending');
    is($made->{json}{reason}, 'unconfirmed', 'since its endpoint was not asked');
    $id{$path} = $made->{json}{id};
    eventually { status($id{$path}) eq 'active' } 'it agrees, and is active';
    ok(!exists $shop->show($id{$path})->{reason}, 'for no reason');
    my ($call) = asked($path);
    like($call->{body},
         qr/^\{"type":"notify\.confirm","challenge":"[^"]{16,}"\}$/,
         'it was asked with a challenge');
    is((judge({ secret => $secret, headers => $call->{headers},
                body => $call->{body} }))[0]{standardwebhooks}, 'ok',
       'which is signed');
}
my ($event) = $shop->publish(1);
eventually { got('/text') == 1 && got('/json') == 1 } 'then events come';

my %no = map { $_ => create($_)->{json}{id} }
         '/wrong', '/refuses', '/silent', '/later';
eventually { 4 == grep { asked($_) } keys %no } 'others are asked';
$shop->publish(3);
throughout { !grep { got($_) } keys %no } 'get nothing', 1;
is(status($no{$_}), 'pending', "$_ is pending") for sort keys %no;
is(missed($no{'/later'}), 3, 'and miss what is published');
like($nginx->log, qr/notify confirm: .*has not agreed: /, 'as is logged');
$shop->act($no{'/wrong'}, 'disable');
is($shop->act($no{'/wrong'}, 'enable')->{status}, 'pending',
   'enabled, one is pending still');


# again

my $again = $shop->ask(POST => "subscriptions/$no{'/later'}/confirm");
is($again->{status}, 200, 'it can be asked again');
is($again->{json}{status}, 'pending', 'and is still pending');
is(scalar(asked('/later')), 2, 'it was asked');
$nginx->reload;
$redis->restart;
is($shop->insist(GET => "subscriptions/$no{'/later'}")->{status}, 'pending',
   'a reload and a restart of Redis change nothing');
spew("$dir/agree", '');
$again = $shop->insist(POST => "subscriptions/$no{'/later'}/confirm");
is($again->{status}, 'active', 'once it agrees it is active at once');
is(missed($no{'/later'}), 3, 'what it missed is known');
$shop->act($no{'/later'}, 'redeliver', {});
eventually { got('/later') >= 3 } 'and can be redelivered';
is($shop->act($no{'/later'}, 'confirm')->{status}, 'active',
   'one that has agreed is not asked');
is(scalar(asked('/later')), 3, 'once more');
is(http(POST => $nginx->url("/acme/subscriptions/$id{'/text'}/confirm"))
   ->{status}, 404, 'another tenant cannot ask');


# what is changed

my $id = $id{'/text'};
$shop->change($id, name => 'n');
is(status($id), 'active', 'another name needs no agreement');
$shop->ask(PUT => "subscriptions/$id", $shop->show($id));
is(status($id), 'active', 'nor does what was read and is sent back');
is($shop->change($id, url => url('/wrong/2'))->{status}, 'pending',
   'another URL does');
eventually { asked('/wrong/2') } 'it is asked';
$shop->publish(1);
throughout { !got('/wrong/2') } 'and gets nothing', 0.5;
is($shop->change($id, url => url('/json/2'))->{status}, 'pending', 'one more');
eventually { status($id) eq 'active' } 'which agrees';
$shop->publish(1);
eventually { got('/json/2') } 'and gets what follows';
is($shop->change($no{'/silent'}, profile => 'local')->{status}, 'active',
   'a profile that does not ask needs none');
is($shop->change($no{'/silent'}, profile => 'ask')->{status}, 'pending',
   'one that asks does');
my $twin = create('/json', uid => 'twin');
eventually { status($twin->{json}{id}) eq 'active' } 'one with a uid agrees';
is(create('/json', uid => 'twin')->{status}, 200, 'the same again is the same');


# CloudEvents

my $limited = create('/origin', profile => 'cloud')->{json}{id};
my $any = create('/any', profile => 'cloud')->{json}{id};
my $other = create('/other', profile => 'cloud')->{json}{id};
eventually { status($limited) eq 'active' } 'who allows this host is active';
eventually { status($any) eq 'active' } 'who allows any, too';
my ($call) = asked('/origin');
is($call->{method}, 'OPTIONS', 'it was asked by OPTIONS');
is($call->{headers}{'webhook-request-origin'}, lc hostname(),
   'with the name of this host');
is($call->{body}, '', 'and no body');
eventually { asked('/other') } 'one that allows another host';
is(status($other), 'pending', 'is pending');
$shop->publish(4);
eventually { got('/any') == 4 } 'four events come at once';
cmp_ok(scalar(got('/origin')), '<', 4, 'where a call a second is allowed');
eventually { got('/origin') == 4 } 'they come in time';

finish();
