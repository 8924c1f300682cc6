# notify_tenant: what an empty or impossible value is, and whose statistics a
# tenant reads.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    channel => 'event paid; event asked sync;',
    server => <<'END');
location /must/     { notify_tenant $http_x_tenant required; notify_api shop; }
location /mine/     { notify_tenant $http_x_tenant; notify_api shop; }
location /optional/ { notify_tenant $http_x_tenant optional; notify_api shop; }
location /own/ {
    notify_tenant $http_x_tenant;
    location /own/reset/ { notify_tenant ""; notify_api shop; }
    location /own/emit   { notify_emit shop paid; return 204; }
    location /own/sync   { notify_sync shop asked gate; try_files x =204; }
}
location /of/emit { notify_emit shop paid tenant=$arg_tenant; return 204; }
location /of/commit {
    notify_emit shop paid tenant=$arg_tenant commit on_error=fail; return 204;
}
location /of/sync {
    notify_sync shop asked gate tenant=$arg_tenant; try_files x =204;
}
location /any/emit {
    notify_emit shop paid tenant=$arg_tenant optional; return 204;
}
location /any/sync {
    notify_sync shop asked gate tenant=$arg_tenant optional; try_files x =204;
}
location /any/session {
    notify_session shop id=$arg_id tenant=$arg_tenant optional commit;
    return 200 "";
}
location /whole/ {
    notify_tenant $http_x_tenant;
    location /whole/emit { notify_emit shop paid tenant=; return 204; }
    location /whole/sync {
        notify_sync shop asked gate tenant=; try_files x =204;
    }
    location /whole/session {
        notify_session shop id=$arg_id tenant= commit; return 200 "";
    }
}
location /session/ {
    notify_session shop id=$arg_id tenant=$arg_tenant commit;
    return 200 "";
}
END
my ($nginx, $redis, $receiver) = ($shop->nginx, $shop->redis, $shop->receiver);

sub by {
    my ($tenant, $method, $path, $json) = @_;
    return http($method => $nginx->url($path),
                headers => { defined $tenant ? ('X-Tenant' => $tenant) : () },
                defined $json ? (json => $json) : ());
}
eventually { by(undef, GET => '/shop/health')->{status} == 200 } 'it is up';


# an empty value

for my $location (qw(must mine)) {
    for my $tenant (undef, '') {
        my $title = "/$location/ " . (defined $tenant ? 'empty' : 'absent');
        my $r = by($tenant, POST => "/$location/events",
                   { eventType => 'paid' });

        is($r->{status}, 401, "$title: belongs to no tenant");
        is($r->{json}{code}, 'tenant_required', 'and says so');
        is($r->{headers}{'www-authenticate'}, 'Bearer', 'with a challenge');
        is(by($tenant, PUT => "/$location/settings/ann", {})->{status}, 401,
           'it writes no settings');
    }
}
is(by('ann', POST => '/mine/events', { eventType => 'paid' })->{status}, 202,
   'a value is a tenant');
is(by(undef, POST => "/$_/events", { eventType => 'paid' })->{status}, 202,
   "/$_/ empty: the default tenant") for qw(optional own/reset);

sub logged { return by(undef, GET => '/shop/stats')->{json}{events} }
my $before = logged();
is(by(undef, GET => '/own/emit')->{status}, 204, 'an emit answers all the same');
is(by('ann', GET => '/own/emit')->{status}, 204, 'one of a tenant, too');
eventually { logged() == $before + 1 } 'and only that is an event';

my $r = by(undef, GET => '/own/sync');
is($r->{status}, 401, 'a question of no tenant is refused');
is($r->{headers}{'www-authenticate'}, 'Bearer', 'with a challenge');


# an empty tenant=, which is no tenant, too, unless it may be

sub refused { return by(undef, GET => '/shop/stats')->{json}{counters}{refused} }
for my $path ('/of/emit', '/of/commit') {
    my ($logged, $refused) = (logged(), refused());
    is(http(GET => $nginx->url("$path?tenant="))->{status}, 204,
       "$path of no tenant answers all the same");
    eventually { refused() == $refused + 1 } 'its event is refused';
    is(http(GET => $nginx->url("$path?tenant=ann"))->{status}, 204,
       'one of a tenant');
    eventually { logged() == $logged + 1 } 'is the only one';
    my $line = qr/"paid" is not emitted: there is no tenant/;
    is(scalar(grep { /$line.* \Q$path\E\?/ } split /\n/, $nginx->log), 1,
       'a line says so');
}
$r = http(GET => $nginx->url('/of/sync?tenant='));
is($r->{status}, 401, 'a question of no tenant is refused');
is($r->{headers}{'www-authenticate'}, 'Bearer', 'with a challenge');
is(http(GET => $nginx->url('/of/sync?tenant=ann'))->{status}, 204,
   'one of a tenant is not');

sub unregistered {
    return by(undef, GET => '/shop/stats')->{json}{counters}{unregistered};
}
my $unregistered = unregistered();
$r = http(GET => $nginx->url('/session/?id=none&tenant='));
is($r->{status}, 200, 'no request fails for a session');
is($r->{headers}{'x-notify-session'}, 'failed', 'which no tenant has');
is(unregistered(), $unregistered + 1, 'it is counted');
like($nginx->log, qr/session of "shop" is not registered: there is no tenant/,
     'a line says so');
is(by(undef, GET => '/shop/sessions/none')->{status}, 404,
   'the default tenant has none of it');

for my $may ('/any', '/whole') {
    my $logged = logged();
    is(http(GET => $nginx->url("$may/emit"))->{status}, 204,
       "$may: one of the default tenant");
    eventually { logged() == $logged + 1 } 'is an event';
    is(http(GET => $nginx->url("$may/sync"))->{status}, 204, 'and a question');
    is(http(GET => $nginx->url("$may/session?id=d"))
       ->{headers}{'x-notify-session'}, 'registered', 'and a session');
}
for my $directive ('notify_emit shop paid', 'notify_sync shop asked gate',
                   'notify_session shop id=1')
{
    my $other = NotifyTest::Nginx->new(redis => $redis, start => 0, http =>
        "notify_channel shop { event paid; event asked sync; }\n"
        . "server { listen 127.0.0.1:%%PORT%%;\n"
        . "location / { $directive optional; return 204; } }");
    my ($text, $ok) = $other->check;
    ok(!$ok, "nginx -t refuses: $directive optional");
    like($text, qr/has "optional" without "tenant="/, 'and says why');
}


# a value that can be no tenant

is(http(GET => $nginx->url("/session/?id=s&tenant=ann"))
   ->{headers}{'x-notify-session'}, 'registered', 'a session of a tenant');

# $arg_ keeps the escapes, so the byte itself is sent
for my $bad ("\x7f", "\xff", 'x' x 257) {
    my $answer = http_raw($nginx->port,
        "GET /session/?id=s&tenant=a$bad HTTP/1.1\r\nHost: a\r\n"
        . "Connection: close\r\n\r\n");
    unlike($answer, qr/registered/, 'no session of '
           . ($bad =~ /^x/ ? '258 bytes' : sprintf '"a\x%02x"', ord $bad));
}
finish();
