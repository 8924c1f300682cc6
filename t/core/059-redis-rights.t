# The rights that the guide gives Redis' user: those that the module uses, all
# of them, and no others; with them everything works, and nothing is denied.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Page;

my $page = NotifyTest::Page->new('conf.examples/README.md');
my ($block) = $page->blocks('acl');
my (undef, $user, @rights) = split ' ', $block->{text};
is($user, 'nginx', 'the guide has a user');

# what health asks for is what the scripts and commands use
my $health = slurp("$NotifyTest::TOP/src/store/lua/health.lua");
my %used = map { $_ => 1 } qw(eval info client|setname client|id
                                   client|unblock),
           map({ split } $health =~ /\[\[(.*?)\]\]/gs),
           map { s/', '(?=usage|stream)/|/r =~ s/'.*//sr }
               $health =~ /ask\('([^)]*)/g;
is(join(' ', sort map { /^\+(.+)/ ? $1 : () } @rights),
   join(' ', sort keys %used), 'its rights are those that are used');
is(join(' ', grep { !/^\+/ } @rights),
   'on >PASSWORD resetkeys ~notify:* resetchannels -@all',
   'on its own keys, and nothing else');

my $dir = test_dir();
my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
is($redis->cli('ACL', 'SETUSER', $user, @rights), 'OK', 'Redis takes them');
spew("$dir/redis.pass", "PASSWORD\n");
spew("$dir/secret", "whsec_" . 'a' x 32 . "\n");

my $nginx = NotifyTest::Nginx->new(http => <<"END");
notify_redis @{[ $redis->address ]} user=nginx password_file=$dir/redis.pass;
notify_profile p {
    allow  127.0.0.0/8;
    sign   standard;
    retry  50ms 100ms;
}
notify_channel shop {
    profile    p;
    event      order.paid;
    event      order.off off;
    event      order.same;
    event      order.asked sync;
    unchanged  order.same key=\$notify_entity_id;
    setting    token optional;
    retention  1h;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location /app {
        proxy_pass http://127.0.0.1:@{[ $receiver->port ]}/app;
        notify_emit shop order.paid commit on_error=fail;
        notify_session shop id=\$arg_s presence;
    }
    location /in {
        notify_verify hmac header=X-Sign secret_file=$dir/secret
                      data=\$http_x_id once=\$http_x_id;
        proxy_pass http://127.0.0.1:@{[ $receiver->port ]}/in;
    }
}
END

sub ask {
    my ($status, $method, $path, $json, %headers) = @_;
    my $answer = http_served($method => $nginx->url($path),
                             headers => \%headers,
                             defined $json ? (json => $json) : ());
    is($answer->{status}, $status, "$method $path: $status")
        or diag($answer->{content});
    return $answer->{json};
}

eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 }
    'health is content';

$receiver->script('/a', { status => 500 }, { status => 204 });
my $id = ask(201, POST => '/shop/subscriptions',
             { url => $receiver->url('/a'), event => 'order.*' })->{id};
my $event = ask(202, POST => '/shop/events', { eventType => 'order.paid' },
                'Idempotency-Key' => 'k')->{id};
eventually { $receiver->count('/a') == 2 } 'delivered, after a retry';

ask(200, POST => "/shop/events", { eventType => 'order.paid' },
    'Idempotency-Key' => 'k');
ask(202, POST => '/shop/events',
    [map { { eventType => 'order.same', entityID => 1 } } 1, 2]);
ask(202, POST => "/shop/events/$event/redeliver", { subscription => $id });
ask(202, POST => "/shop/subscriptions/$id/redeliver", { all => \1 });
ask(200, GET => "/shop/subscriptions/$id/deliveries");
ask(200, GET => "/shop/events/$event/deliveries");
ask(200, GET => "/shop/events/$event");
ask(200, PATCH => "/shop/subscriptions/$id", { name => 'A' });
ask(200, POST => "/shop/subscriptions/$id/$_", {})
    for qw(disable enable rotate-secret test);
ask(200, GET => '/shop/subscriptions');

my $cursor = ask(200, GET => '/shop/deltas')->{cursor};
ask(200, GET => "/shop/deltas?subscription=$id&missed=true");
ask(200, POST => '/shop/deltas/consumers/c', { cursor => $cursor });
ask(200, GET => '/shop/deltas/consumers/c');
ask(204, DELETE => '/shop/deltas/consumers/c');

ask(201, PUT => '/shop/sessions/s', { deviceId => 'd' });
ask(200, POST => "/shop/sessions/s/$_", {}) for qw(connected disconnected);
ask(202, POST => '/shop/events',
    { eventType => 'order.paid', sessionId => 's' });
ask(200, GET => '/shop/sessions/s');
ask(204, DELETE => '/shop/sessions/s');

ask(200, PATCH => '/shop/settings', { flags => { 'order.off' => \1 } });
ask(200, GET => '/shop/settings');

$receiver->script('/sync', { body => '{"success":true}' });
my $sync = ask(201, POST => '/shop/subscriptions', { mode => 'sync',
    url => $receiver->url('/sync'), event => 'order.asked' })->{id};
ask(200, POST => '/shop/sync/order.asked', {});
ask(204, DELETE => "/shop/subscriptions/$sync");

ask(200, GET => '/app?s=s2');
ask(401, GET => '/in', undef, 'X-Id' => '1', 'X-Sign' => 'x');
require Digest::SHA;
my $secret = "whsec_" . 'a' x 32;
ask($_, GET => '/in', undef, 'X-Id' => '1',
    'X-Sign' => Digest::SHA::hmac_sha256_hex('1', $secret)) for 200, 200;
ask(200, GET => '/shop/stats');
ask(204, DELETE => "/shop/subscriptions/$id");

eventually { http(GET => $nginx->url('/shop/stats'))->{json}{worker}{inFlight}
             == 0 } 'nothing is under way';
is($redis->cli('ACL', 'LOG'), '', 'nothing was denied');

finish();
