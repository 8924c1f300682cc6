# What a tenant may take: publish_rate, sessions_max, and statistics of its own.
# How nginx -t judges these directives, and tenant_share.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    workers => 2,
    profile => 'retry off; breaker off;',
    channel => 'event paid; event off off; event seen; '
             . 'publish_rate 1r/s burst=20; sessions_max 5;',
    server => <<'END');
location /by/      { notify_tenant $http_x_tenant optional; notify_api shop; }
location /metrics  { notify_metrics; }
location /emit     { notify_emit shop seen tenant=$arg_tenant; return 204; }
location /commit   { notify_emit shop seen tenant=$arg_tenant commit
                         on=request on_error=fail; try_files x =204; }
location /session  {
    notify_session shop id=$arg_id tenant=$arg_tenant commit;
    try_files x =204;
}
END
my ($nginx, $redis, $receiver) = ($shop->nginx, $shop->redis, $shop->receiver);

sub by {
    my ($tenant, $method, $path, $json, %option) = @_;
    return http($method => $nginx->url("/by/$path"),
                headers => { 'X-Tenant' => $tenant, %{ $option{headers} // {} } },
                defined $json ? (json => $json) : (),
                exists $option{body} ? (body => $option{body}) : ());
}
sub counters { return by($_[0], GET => 'stats')->{json}{counters} }
sub metric {
    my ($name) = @_;
    my ($n) = http(GET => $nginx->url('/metrics'))->{content}
        =~ /^notify_${name}\{channel="shop"\} (\d+)/m;
    return $n;
}
sub event { return { eventType => 'paid', @_ } }
eventually { by('', GET => 'health')->{status} == 200 } 'it is up';


# publish_rate: 20 at once, one a second, of each tenant and all workers

my %answers;
$answers{ by('ann', POST => 'events', event())->{status} }++ for 1 .. 30;
ok($answers{202} >= 20 && $answers{202} <= 22, 'as many as the burst, at once')
    or diag(explain(\%answers));
is($answers{202} + ($answers{429} // 0), 30, 'the others are 429');

my $r = by('ann', POST => 'events', event());
is($r->{status}, 429, 'one more');
is($r->{headers}{'content-type'}, 'application/problem+json', 'a problem');
is($r->{json}{code}, 'publish_rate', 'names the limit');
like($r->{json}{detail}, qr/publish_rate/, 'in words, too');
is($r->{headers}{'retry-after'}, 1, 'and says when');

is(by('ben', POST => 'events', [map { event() } 1 .. 15])->{status}, 202,
   'another tenant has its own, of which an array takes as many as it has');
$r = by('ben', POST => 'events', [map { event() } 1 .. 10]);
is($r->{status}, 429, 'all of an array, or nothing');
cmp_ok($r->{headers}{'retry-after'}, '>=', 3, 'with the time that it takes');
cmp_ok($r->{headers}{'retry-after'}, '<=', 6, 'and no more');
is(by('ben', POST => 'events', undef, body => join('', map {
       to_json(event()) . "\n" } 1 .. 10),
       headers => { 'Content-Type' => 'application/x-ndjson' })->{status}, 429,
   'lines, too');
is(by('ben', POST => 'events', event())->{status}, 202, 'fewer may pass');
$r = by('cat', POST => 'events', [map { event() } 1 .. 21]);
is($r->{status}, 429, 'more than the burst never come at once');
like($r->{json}{detail}, qr/21 events .* publish_rate, 20/, 'it says so');
is(by('cat', POST => 'events', { eventType => 'none' })->{status}, 422,
   'what is refused takes nothing');

my $ann = counters('ann');
is($ann->{published}, $answers{202}, 'ann has published what was taken');
is($ann->{limited}, $answers{429} + 1, 'and counts what was not');
is(counters('ben')->{limited}, 20, 'as many as there were');
is(counters('ben')->{published}, 16, 'each its own');
is(counters('cat')->{published}, 0, 'or nothing');
is(counters('dan')->{published}, 0, 'nor who has never been here');
is(by('dan', GET => 'stats')->{json}{events}, undef,
   'the length of the log is not for tenants');
is(by('dan', GET => 'stats')->{json}{worker}, undef, 'nor is the worker');
my $all = counters('');
is($all->{published}, $ann->{published} + 16, "the default tenant's is the sum");
is($all->{limited}, $ann->{limited} + 20 + 21, 'of these, too');
is(metric('events_limited_total'), $all->{limited}, 'and the metrics have it');
like($nginx->log, qr/events above publish_rate, the last one of channel "shop", tenant "\w+"/,
     'a line in the log says so');

# however they come
http(GET => $nginx->url('/emit?tenant=eve')) for 1 .. 30;
eventually { counters('eve')->{published} + counters('eve')->{limited} == 30 }
    'emitted events are counted';
cmp_ok(counters('eve')->{limited}, '>=', 8, 'above the rate they are not taken')
    or diag(explain(counters('eve')));
is(http(GET => $nginx->url('/emit?tenant=eve'))->{status}, 204,
   'and their request is answered all the same');
$r = http(GET => $nginx->url('/commit?tenant=eve'));
is($r->{status}, 503, 'unless it is to fail with them');
is(http(GET => $nginx->url('/commit?tenant=fay'))->{status}, 204,
   "that of another tenant does not");
eventually { by('ann', POST => 'events', event())->{status} == 202 }
    'after a second there is one more', 5;


# sessions_max

sub put { my ($who, $id) = @_;
          return by($who, PUT => "sessions/$id", { ttl => '1h', a => 'b' }) }
is(put(ann => "s$_")->{status}, 201, "session $_") for 1 .. 5;
$r = put(ann => 's6');
is($r->{status}, 409, 'one more is refused');
is($r->{json}{code}, 'too_many_sessions', 'with its code');
like($r->{json}{detail}, qr/sessions_max allows, 5/, 'and the limit');
is(by('ann', GET => 'sessions/s6')->{status}, 404, 'and is not there');
is(put(ann => 's5')->{status}, 200, 'one that is there is registered again');
is(put(ben => 's6')->{status}, 201, 'another tenant has its own');

sub joined {
    my ($who, $id) = @_;
    return http(GET => $nginx->url("/session?id=$id&tenant=$who"))
        ->{headers}{'x-notify-session'};
}
is(joined(ann => 's7'), 'failed', 'notify_session does not register it either');
is(joined(ann => 's5'), 'registered', 'but those that are there');
is(joined(ben => "t$_"), 'registered', "another tenant's $_") for 1 .. 4;
is(joined(ben => 't5'), 'failed', 'up to its own limit');
is(counters('ann')->{sessionsRefused}, 2, 'refusals are counted');
is(counters('ann')->{unregistered}, 1, 'and what was not registered');
is(metric('sessions_refused_total'), 3, 'in the metrics, too');
like($nginx->log, qr/sessions are not registered, the last one of "shop", tenant "\w+", which has as many as sessions_max allows/,
     'a line in the log says so');
is(by('ann', DELETE => 'sessions/s1')->{status}, 204, 'one goes');
is(put(ann => 's6')->{status}, 201, 'another may come');
is(put(ann => 's1')->{status}, 409, 'but one only');
is(by('ann', PUT => 'sessions/s6', { ttl => 1 })->{status}, 200,
   'one that ends soon');
eventually { put(ann => 's8')->{status} == 201 } 'leaves its place', 5;
is(put(ann => 's9')->{status}, 409, 'and only that');

# those of before there was a limit
my ($key) = $redis->cli('--raw', KEYS => '*session:*');
is(scalar(grep { /sessions:of:ann$/ } $redis->cli('--raw', KEYS => '*sessions:of*')), 1,
   'an index a tenant');
$redis->cli(DEL => grep { /sessions:of:ann$/ }
                   $redis->cli('--raw', KEYS => '*sessions:of*'));
is(put(ann => 's5')->{status}, 200, 'an old session goes on');
is(put(ann => 's9')->{status}, 201, 'and is counted from then on');


# statistics of deliveries

my ($good, $bad) = map { $receiver->url($_) } qw(/good /bad);
by('gil', POST => 'subscriptions', { url => $good, event => 'paid' });
by('gil', POST => 'subscriptions',
   { url => 'http://127.0.0.1:' . free_port() . '/', event => 'paid' });
by('hal', POST => 'subscriptions', { url => $good, event => 'paid' });
by('gil', POST => 'events', [event(), event()]);
by('hal', POST => 'events', event());
eventually {
    my ($gil, $hal) = (counters('gil'), counters('hal'));
    $gil->{delivered} == 2 && $gil->{failed} == 2 && $gil->{dead} == 2
    && $gil->{matched} == 4 && $gil->{attempts} == 4 && $gil->{published} == 2
    && $hal->{delivered} == 1 && $hal->{matched} == 1 && $hal->{failed} == 0;
} 'each tenant counts its own deliveries'
    or diag(explain([counters('gil'), counters('hal')]));
$all = counters('');
cmp_ok($all->{delivered}, '>=', 3, "and the default tenant's are the sum");
$nginx->reload;
eventually { counters('gil') && counters('gil')->{delivered} == 2 }
    'they outlive a reload';


# nginx -t

my $check = NotifyTest::Nginx->new(start => 0, http => '');
sub said {
    my ($text) = @_;
    $check->write_conf(http => "notify_channel c {\n$text\n}");
    return $check->check;
}
for (['publish_rate 0;', 'publish_rate "0"'],
     ['publish_rate 1000001r/s;', 'publish_rate "1000001r/s"'],
     ['publish_rate fast;', 'publish_rate "fast"'],
     ['publish_rate 5r/s burst=0;', 'burst'],
     ['publish_rate 5r/s size=1;', 'size=1'],
     ['publish_rate off burst=1;', 'after "off"'],
     ["publish_rate 5;\npublish_rate 6;", 'duplicate'],
     ['tenant_share 0%;', 'tenant_share "0%", it must be 1% to 100%'],
     ['tenant_share 101%;', 'tenant_share "101%"'],
     ['tenant_share 50;', 'tenant_share "50"'],
     ['tenant_share "";', 'tenant_share ""'],
     ["tenant_share 5%;\ntenant_share 6%;", 'duplicate'],
     ['sessions_max 0;', '"0" in "sessions_max", it must be 1 to 100000000'],
     ['sessions_max many;', '"many" in "sessions_max"'],
     ["sessions_max 5;\nsessions_max 6;", 'duplicate'])
{
    my ($directive, $why) = @$_;
    my ($text, $ok) = said($directive);
    ok(!$ok, "refused: " . $directive =~ s/\n/ /r);
    like($text, qr/\Q$why\E.* in \S+nginx.conf:\d+/, 'with reason and place');
}
for ('publish_rate off;', 'publish_rate 1000000;', 'publish_rate 90r/m;',
     'publish_rate 5r/s burst=1000000;', 'tenant_share 1%;',
     'tenant_share 100%;', 'sessions_max 1;', 'sessions_max 100000000;')
{
    my ($text, $ok) = said($_);
    ok($ok, "accepted: $_") or diag($text);
}
finish();
