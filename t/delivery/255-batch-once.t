# `batch`: over calls of which a part fails, calls that fail, and killed
# workers every event is taken, once where no worker was killed.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $dir = NotifyTest::test_dir();
my $port = free_port();

# of each call of several a third fails, and every fifth call as a whole
spew("$dir/server.js", <<'JS');
const http = require('http');
let calls = 0;
const tries = {};
http.createServer((req, res) => {
    let body = '';
    req.on('data', (b) => { body += b; });
    req.on('end', () => {
        const events = JSON.parse(body);
        if (++calls % 5 === 0) { res.statusCode = 500; res.end(); return; }
        const failed = events.map((e) => e.id).filter((id, i) => {
            tries[id] = (tries[id] || 0) + 1;
            return i % 3 === 1 && tries[id] < 4;
        });
        for (const e of events)
            if (!failed.includes(e.id)) console.log(`${e.data} ${calls}`);
        res.end(JSON.stringify({ ok: true, failed }));
    });
}).listen(Number(process.argv[2]), '127.0.0.1',
          () => console.log('listening'));
JS
NotifyTest::spawn(['node', "$dir/server.js", $port], "$dir/taken");
eventually { slurp("$dir/taken") =~ /listening/ } 'there is an endpoint';

my $shop = NotifyTest::Shop->new(workers => 2,
    allow => qr/exited on signal 9/, profile => <<'END');
    payload '{"id":"$notify_event_id","data":"$notify_data"}';
    batch 20 wait=50ms; in_flight 2; success json '{"ok":true}'; breaker off;
    retry 20ms 20ms 20ms 20ms 50ms 50ms 50ms 50ms 100ms 100ms 100ms 100ms;
END
my $nginx = $shop->nginx;
$shop->ready;

sub taken {
    my %taken;
    $taken{$_}++ for slurp("$dir/taken") =~ /^(\d+) \d+$/mg;
    return \%taken;
}
sub publish {
    $shop->insist(POST => 'events', [map {
        { eventType => 'order.paid', entityID => $_, data => $_ } } @_]);
}
sub settled {
    my ($id) = @_;
    return !grep { $_->{status} ne 'succeeded' } @{ $shop->ask(
        GET => "deliveries?subscription=$id&limit=250")->{json} };
}

my $id = $shop->subscribe("http://127.0.0.1:$port/");

publish(1 .. 500);
eventually { keys %{ taken() } == 500 } 'all events are taken', 60;
eventually { settled($id) } 'and all deliveries have succeeded';
my $taken = taken();
is(scalar(grep { $_ != 1 } values %$taken), 0, 'each was taken once');

my ($n, $kills) = (500, 0);
for my $round (1 .. 8) {
    publish($n + 1 .. $n + 150);
    $n += 150;
    $kills++ if $round % 2 == 0 && $nginx->kill_worker;
    elapse 0.2;
}
eventually { keys %{ taken() } == $n } 'nothing is lost with killed workers',
    60;
eventually { settled($id) } 'all deliveries have succeeded';
$taken = taken();
is(scalar(grep { $taken->{$_} != 1 } 1 .. 500), 0,
   'what was taken long before comes no more');
# twice in_flight batches for each
cmp_ok(scalar(grep { $_ > 1 } values %$taken), '<=', $kills * 2 * 2 * 20,
       'few were taken again');

finish();
