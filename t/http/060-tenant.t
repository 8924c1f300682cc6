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
