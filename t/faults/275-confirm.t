# confirm: a question whose worker dies is asked again by another, as is one
# that was not answered, a few times; one that was answered is not.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $dir = NotifyTest::test_dir();
my $port = free_port();

# holds the first question of /held, fails those of /fails
spew("$dir/server.js", <<'JS');
const http = require('http');
const asked = {};
http.createServer((req, res) => {
    let body = '';
    req.on('data', (b) => { body += b; });
    req.on('end', () => {
        console.log(JSON.stringify({ path: req.url, body }));
        const { challenge } = JSON.parse(body);
        const n = asked[req.url] = (asked[req.url] || 0) + 1;
        switch (req.url) {
        case '/held': if (n > 1) res.end(challenge); return;
        case '/slow': setTimeout(() => res.end(challenge), 1000); return;
        case '/fails': res.statusCode = 500; res.end(); return;
        case '/later': res.statusCode = n > 1 ? 200 : 503;
                       res.end(challenge); return;
        case '/refuses': res.statusCode = 403; res.end(); return;
        default: res.end('no');
        }
    });
}).listen(Number(process.argv[2]), '127.0.0.1',
          () => console.log('"listening"'));
JS
NotifyTest::spawn(['node', "$dir/server.js", $port], "$dir/calls");
eventually { slurp("$dir/calls") =~ /listening/ } 'there is an endpoint';

my $shop = NotifyTest::Shop->new(workers => 2,
    allow => qr/exited on signal 9/, profiles => {
        ask => 'confirm challenge; timeout 2s; retry off; breaker off;' },
    channel => 'event order.paid; event ready;');
my ($nginx, $redis) = ($shop->nginx, $shop->redis);
my $key = 'notify:{shop.0}:confirm';
$shop->ready;

sub asked {
    my ($path) = @_;
    return scalar grep { ref && $_->{path} eq $path }
           map { from_json($_) } split /\n/, slurp("$dir/calls");
}
sub create {
    my ($path) = @_;
    return $shop->subscribe("http://127.0.0.1:$port$path", profile => 'ask');
}
sub status { return $shop->show($_[0])->{status} // '' }
sub due    { return $redis->cli('ZSCORE', $key, "$_[0] $_[1]") =~ /\d/ }
sub hasten { $redis->cli('ZADD', $key, 'XX', 1, "$_[0] $_[1]") }


my $held = create('/held');
eventually { asked('/held') } 'an endpoint is asked, and thinks';
ok(due($held, 1), 'when it is asked again is known');
my @workers = $nginx->workers;
kill KILL => @workers;
eventually {
    my %old = map { $_ => 1 } @workers;
    2 == grep { !$old{$_} } $nginx->workers
} 'all workers are killed, and others come';
my @ids = map { create($_) } qw(/fails /later /refuses /no);
my ($fails, $later, $refuses, $no) = @ids;
eventually { status($held) eq 'active' } 'the endpoint is asked again', 30;
is(asked('/held'), 2, 'by one of them');
ok(!due($held, $_), 'and no more') for 1 .. 3;

eventually { status($later) eq 'active' } 'so is one that could not answer',
    30;
is(asked('/later'), 2, 'once more');

eventually { due($fails, 2) } 'one that fails again', 30;
hasten($fails, 2);
eventually { due($fails, 3) } 'is asked a third time';
hasten($fails, 3);
eventually { asked('/fails') == 4 } 'and a last one';
ok(!due($fails, $_), 'not more often') for 1 .. 4;
is(status($fails), 'pending', 'it is pending');

for ([$refuses, '/refuses'], [$no, '/no']) {
    my ($id, $path) = @$_;
    is(asked($path), 1, "who answered $path is asked once");
    ok(!due($id, 1), 'and not again');
    is(status($id), 'pending', 'and is pending');
}

my $slow = create('/slow');
eventually { asked('/slow') } 'one that is slow is asked';
$nginx->reload;
eventually { status($slow) eq 'active' } 'a reload waits for its answer';
is(asked('/slow'), 1, 'and asks nothing');

my $deleted = create('/fails');
eventually { asked('/fails') == 5 } 'one more';
$shop->delete($deleted);
ok(!due($deleted, 1), 'is not asked when it was deleted');
is($redis->cli('ZCARD', $key) + 0, 0, 'nothing is left');

finish();
