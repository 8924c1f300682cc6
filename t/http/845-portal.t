# The page of notify_console in a real Chromium, as an operator and a partner
# use it, on a phone and a desk: every action by the control that a person sees
# (t/clients/portal.js), axe-core without a complaint in light and dark, and
# pictures of it below .build/t/http-845-portal/pictures.
#
# NOTIFY_TEST_PORTAL=large: with 5000 endpoints and 100000 deliveries, how long
# each action takes, and a stream of 500 events a second.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(encode_base64url);
use Test::More;
use NotifyTest;
use NotifyTest::Tool;

my ($chromium) = grep { -x } map { my $dir = $_;
                       map { "$dir/$_" } qw(chromium chromium-browser) }
                       split /:/, $ENV{PATH};
plan(skip_all => 'there is no chromium') unless $chromium;

my $playwright = NotifyTest::Tool::npm_library('playwright-core', '1.65.1');
my $axe = NotifyTest::Tool::npm_library('axe-core', '4.14.1');
my $large = ($ENV{NOTIFY_TEST_PORTAL} // '') eq 'large';

my $order = '{"type":"object","description":"An order was made.",'
          . '"required":["amount"],"properties":{'
          . '"number":{"type":"string","examples":["A-1001"]},'
          . '"amount":{"type":"number","minimum":0},'
          . '"items":{"type":"array","items":{"type":"object","properties":{'
          . '"sku":{"type":"string"},"count":{"type":"integer"}}}}}}';
my $names = join "\n", map { "        event $_;" } map { my $of = $_;
    map { "$of.$_" } qw(created changed deleted) } qw(user team invoice product);

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/fails' => [{ status => 500, body => '{"error":"no such table"}' }],
    '/token' => [{ status => 200, body => '{"access_token":"token-7",'
        . '"token_type":"Bearer","expires_in":3600}' }],
    '/flaky' => [{ status => 503 }, { status => 200 }],
});
my $nginx = NotifyTest::Nginx->new(redis => $redis, start => 0,
    connections => 2048, http => <<"END");
    access_log off;
    notify_profile webhooks {
        allow         127.0.0.0/8;
        sign          standard;
        retry         1ms 1h;
        response_log  1k;
        breaker       off;
        customize     payload retry timeout tls oauth2 batch;
    }
    notify_profile internal { allow 127.0.0.0/8; sign standard; retry off; }
    notify_channel shop {
        profile             webhooks internal;
        event               order.created schema=%%DIR%%/order.json;
        event               order.paid alias=order.payed;
        event               order.sent;
$names
        attribute           country;
        entity_type         order 1 Order;
        subscriptions_max   6000;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 16m;
        location /shop/ {
            notify_tenant  \$http_x_tenant optional;
            notify_api     shop;
        }
        location = /shop/console { notify_console tenant=X-Tenant; }
        location /portal/ {
            notify_verify  jwt alg=HS256 key=%%DIR%%/portal.key;
            notify_tenant  \$notify_jwt_claim_sub required;
            notify_api     shop role=partner security=bearer;
        }
        location = /portal/console {
            notify_console title="Acme events" logo=/logo.svg;
        }
        location = /logo.svg { alias %%DIR%%/logo.svg;
            default_type image/svg+xml; }
    }
END

my $key = 'portal-key-0123456789abcdef0123456789';
spew($nginx->dir . '/portal.key', "$key\n");
spew($nginx->dir . '/order.json', $order);
spew($nginx->dir . '/logo.svg', '<svg xmlns="http://www.w3.org/2000/svg" '
    . 'width="32" height="32"><rect width="32" height="32" rx="8" '
    . 'fill="#2f49c9"/></svg>');
$nginx->start;

sub token {
    my ($head, $body) = map { encode_base64url(to_json($_)) }
        { alg => 'HS256' }, { sub => 'acme', exp => time + 7200 };
    return "$head.$body." . encode_base64url(hmac_sha256("$head.$body", $key));
}

sub ask {
    my ($tenant, $method, $path, $json) = @_;
    my $answer = http_served($method => $nginx->url("/shop/$path"),
        headers => { 'X-Tenant' => $tenant }, defined $json ? (json => $json) : ());
    die "$path: $answer->{content}" if $answer->{status} >= 300;
    return $answer->{json};
}

# what there is before anybody looks
sub seed {
    my ($tenant) = @_;
    my $make = sub {
        my ($name, $path, %more) = @_;
        return ask($tenant, POST => 'subscriptions', { name => $name,
            url => $receiver->url($path), events => ['order.*'], %more })->{id};
    };

    my %id = (fine => $make->('Warehouse', '/fine'),
              fails => $make->('Bookkeeping', '/fails', uid => 'erp-17'),
              flaky => $make->('Data lake', '/flaky'),
              off => $make->('Old shop', '/off', enabled => \0));
    ask($tenant, POST => "subscriptions/$id{flaky}/pause", { for => '2h' });
    $make->("Branch $_", "/branch-$_", events => ['team.created'])
        for 1 .. ($large ? 4990 : 56);
    ask($tenant, POST => 'events', [map { {
        eventType => $_ % 3 ? 'order.created' : 'order.paid', entityID => 1000 + $_,
        data => { number => "A-$_", amount => $_ * 10, big => 9007199254740992 + $_,
                  items => [{ sku => "s-$_", count => 1 }] } } } 1 .. 20]);
    eventually { @{ ask($tenant, GET => "subscriptions/$id{fails}/deliveries"
                                      . '?status=retrying') } == 20 }
        "$tenant has deliveries that fail";
    return \%id;
}

my %given = (
    chromium => $chromium, playwright => $playwright, axe => $axe,
    pictures => test_dir() . '/pictures', publish => $nginx->url('/shop/events'),
    hook => $receiver->url('/hook'), fails => $receiver->url('/fails'),
    token => $receiver->url('/token'),
    views => [
        { role => 'operator', tenant => '', url => $nginx->url('/shop/console'),
          seed => seed('') },
        { role => 'partner', tenant => 'acme', seed => seed('acme'),
          url => $nginx->url('/portal/console#token=' . token()) },
    ]);

if ($large) {
    for my $name ('Large one', 'Large two') {
        ask('', POST => 'subscriptions', { name => $name, event => 'product.*',
            url => $receiver->url('/large') });
    }
    for my $n (1 .. 50) {
        ask('', POST => 'events', [map { { eventType => 'product.created',
            entityID => $n * 1000 + $_, data => { number => "L-$n-$_" } } }
            1 .. 1000]);
    }
    eventually { ask('', GET => 'stats')->{counters}{delivered} > 100000 }
        'there are 100000 deliveries', 120;
}

mkdir $given{pictures};
my $file = test_dir() . '/given.json';
spew($file, to_json({ %given, large => $large ? \1 : \0 }));

open my $pipe, '-|', 'node', "$NotifyTest::TOP/t/clients/portal.js", $file
    or die "node: $!";
while (<$pipe>) {
    my $one = eval { from_json($_) } or do { diag($_); next };
    if (defined $one->{ok}) {
        ok($one->{ok}, $one->{name}) or diag($one->{why} // '');
    } else {
        diag($one->{note});
    }
}
ok(close $pipe, 'all of it was tried');

ok(-s "$given{pictures}/$_.png", "there is a picture: $_")
    for $large ? () : map { my $who = $_; map { "$who-$_" }
        qw(overview endpoints endpoint form deliveries delivery events catalogue) }
        map { ("$_-390", "$_-1280") } qw(operator partner);

unless ($large) {
    for my $who (qw(operator-1280 operator-390 partner-1280 partner-390)) {
        ok((grep { ($_->{headers}{authorization} // '') eq 'Bearer token-7' }
            $receiver->requests("/hook-$who")),
            "the endpoint that $who made is called with a token of OAuth 2.0");
    }
}

finish();
