# A call that would come back to this nginx: refused at create where the URL
# has the address, and when sending, unless an allow rule names the address.
# In a network namespace, where public addresses are this machine's.

use strict;
use warnings;

BEGIN {
    if (!$ENV{NOTIFY_TEST_NAMESPACE}) {
        my @unshare = ('unshare', '-n', ($> == 0 ? () : '-r'), '--');
        my $setup = 'ip link set lo up'
            . ' && ip addr add 93.184.216.34/24 dev lo'
            . ' && ip addr add 93.184.216.35/24 dev lo'
            . ' && ip -6 addr add 2606:4700::1111/64 dev lo nodad'
            . ' && ip route add local 9.9.9.0/24 dev lo';

        if (my $why = qx(@unshare sh -c '$setup' 2>&1) || $?) {
            $why =~ s/\s+/ /g;
            print "1..0 # SKIP no network namespace with IPv6: $why\n";
            exit 0;
        }

        $ENV{NOTIFY_TEST_NAMESPACE} = 1;
        exec @unshare, 'sh', '-c', "$setup && exec \"\$@\"", 'sh',
             $^X, map({ "-I$_" } @INC), $0 or die "unshare: $!";
    }
}

use Test::More;
use NotifyTest;
use NotifyTest::Dns;

my ($any, $six, $both) = map { free_port() } 1 .. 3;
my $dns = NotifyTest::Dns->new;
my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $conf = <<'END';
    resolver 127.0.0.1:%%DNS%%;
    resolver_timeout 1s;
    notify_profile plain { retry 1h; breaker off; }
    notify_profile net   { allow 127.0.0.0/8; allow ::/8; allow all; }
    notify_profile named { %%ALLOW%% allow 93.184.216.34; allow ::1;
                           allow 9.9.9.9; allow all; retry 1h; breaker off; }
    notify_channel shop  { profile plain net named; event paid;
                           subscriptions_max 9999; setting place target; }
    server {
        listen 127.0.0.1:%%PORT%%;
        listen *:%%ANY%%;
        listen [::]:%%SIX%%;
        listen [::]:%%BOTH%% ipv6only=off;
        location /shop/ { notify_api shop; }
        location /by/   { notify_tenant $http_x_tenant; notify_api shop; }
        location /back  { return 200; }
    }
END
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => $conf, vars => {
    DNS => $dns->port, ANY => $any, SIX => $six, BOTH => $both,
    ALLOW => 'allow 127.0.0.1;' });
my $port = $nginx->port;
my $url = $nginx->url('/shop/subscriptions');

sub create {
    my ($host, $profile, %more) = @_;
    return http(POST => $url, json => {
        url => "http://$host/back", event => 'paid', profile => $profile,
        %more });
}

sub own {
    my ($host, $profile) = @_;
    my $r = create($host, $profile);
    is($r->{status}, 422, "$host leads here, in $profile");
    is($r->{json}{errors}[0]{pointer}, '/url', 'its URL is refused');
    my ($address) = $host =~ /^\[?(.*?)\]?:\d+$/;
    like($r->{json}{errors}[0]{detail},
         qr/this nginx itself listens at address \S+, port \d+, not allowed \("allow \S+" in the profile\)/,
         'with the reason');
}

sub other {
    my ($host, $profile) = @_;
    my $r = create($host, $profile);
    is($r->{status}, 201, "$host does not lead here, or may, in $profile")
        or diag($r->{content});
    http(DELETE => "$url/$r->{json}{id}") if $r->{success};
}

eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 } 'up';

# an address
own("127.0.0.1:$port", 'net');
own("0.0.0.0:$port", 'net');
own("[::ffff:127.0.0.1]:$port", 'net');
other("127.0.0.2:$port", 'net');
other("[::1]:$port", 'net');
other('127.0.0.1:' . $receiver->port, 'net');

# a wildcard: every address of this machine
own("$_:$any", 'net') for qw(127.0.0.1 127.9.9.9 0.0.0.0 93.184.216.34
    93.184.216.35 9.9.9.9 9.9.9.10 [::ffff:93.184.216.34]);
own("$_:$any", 'plain') for qw(93.184.216.34 93.184.216.35 9.9.9.10);
other("$_:$any", 'plain') for qw(93.184.216.36 8.8.8.8 [2606:4700::1111]);
own("$_:$six", 'net') for qw([::1] [::] [2606:4700::1111]);
other("$_:$six", 'net') for qw(127.0.0.1 93.184.216.34 [2606:4700::1112]);
own("$_:$both", 'net') for qw([::1] [2606:4700::1111] 127.0.0.1 93.184.216.35);

# what a rule names, and no network's rule
other("127.0.0.1:$port", 'named');
other("93.184.216.34:$any", 'named');
other("[::1]:$six", 'named');
other("9.9.9.9:$any", 'named');
own("93.184.216.35:$any", 'named');
own("9.9.9.10:$any", 'named');
own("127.0.0.2:$any", 'named');

my $r = http(PATCH => $nginx->url('/shop/settings'), json => {
    place => "http://93.184.216.34:$any/" });
is($r->{status}, 422, "a setting's target is refused, too");
like($r->{content}, qr/this nginx itself listens/, 'with the reason');


# names: when sending

my $target = '4-93-184-216-35';
my $named = create("$target.a.test:$any", 'plain')->{json}{id};
$r = http(POST => "$url/$named/test")->{json};
is($r->{error}, 'address not allowed', 'a name that leads here is not called');
is($r->{detail}, 'an address that this nginx listens at', 'and it says why');
$r = http(POST => "$url/" . create("4-93-184-216-34.a.test:$any", 'named')
    ->{json}{id} . '/test')->{json};
is($r->{status}, 200, 'but where its address is named');

my $later = create("127.0.0.1:$port", 'named')->{json}{id};
is(http(POST => "$url/$later/test")->{json}{status}, 200,
   'an address that is named is called');
$nginx->write_conf(vars => { %{ $nginx->{vars} }, ALLOW => '' });
$nginx->reload;
$r = http_served(POST => "$url/$later/test");
is($r->{status}, 409, 'and is not, when the rule has gone');
like($r->{json}{detail}, qr/this nginx itself listens/, 'and it says why');
http_served(POST => $nginx->url('/shop/events'), json => { eventType => 'paid' });
eventually {
    my ($d) = @{ http(GET => "$url/$later/deliveries")->{json} };
    $d && ($d->{lastAttempt}{error} // '') =~ /this nginx itself listens/;
} 'an event is not sent there';
cmp_ok(http(GET => $nginx->url('/shop/stats'))->{json}{counters}{blocked}, '>',
       0, 'and that is counted');


# a tenant: one answer for what is denied and what is not there

sub by_tenant {
    my ($method, $path, $json) = @_;
    return http($method => $nginx->url("/by/$path"),
                headers => { 'X-Tenant' => 'ann' },
                defined $json ? (json => $json) : ());
}
my (%told, %ids);
for my $host ('4-10-0-0-1.a.test', 'none.nowhere.test', "$target.a.test:$any") {
    my $id = by_tenant(POST => 'subscriptions', {
        url => "http://$host/", event => 'paid', profile => 'plain' })
        ->{json}{id};
    my $r = by_tenant(POST => "subscriptions/$id/test")->{json};
    delete @$r{qw(eventId latency)};
    $told{to_json($r)} = $r->{error};
    $ids{$id} = 1;
}
is(scalar(keys %told), 1, 'a test tells a tenant nothing of names')
    or diag(join "\n", keys %told);
is((values %told)[0], 'name not resolved, or not allowed', 'but one thing');
by_tenant(POST => 'events', { eventType => 'paid' });
%told = ();
eventually {
    for my $id (keys %ids) {
        my ($d) = @{ by_tenant(GET => "subscriptions/$id/deliveries")->{json} };
        my $attempt = $d->{lastAttempt} or return 0;
        delete @$attempt{qw(time latency)};
        $told{to_json($attempt)} = 1;
    }
    keys %told;
} 'its attempts';
is(scalar(keys %told), 1, 'neither do they') or diag(join "\n", keys %told);
like($nginx->log, qr/host "4-10-0-0-1.a.test" of subscription .*, tenant "ann": address not allowed \(10.0.0.0\/8\), event: "evt_\w+", channel: "shop"/,
     'the log has which');
like($nginx->log, qr/host "none.nowhere.test" .*: name not resolved/, 'of both');


# no resolver

my $none = NotifyTest::Nginx->new(redis => $redis, start => 0,
    vars => $nginx->{vars}, http => $conf =~ s/^ *resolver.*?;$//mgr);
my ($text, $ok) = $none->check;
ok($ok, 'without a resolver the configuration is taken');
like($text, qr/\[warn\].*no "resolver" in http \{\}: subscribers can be called by address only, not by name, in .*nginx.conf:\d+/,
     'with a warning');
unlike(scalar $nginx->check, qr/resolver/, 'with one there is none');
$nginx->write_conf(http => $conf =~ s/^ *resolver.*?;$//mgr);
$nginx->reload;
$r = http_served(POST => "$url/$named/test")->{json};
is($r->{error}, 'no resolver', 'a call to a name says what is missing');
sub counters { return http(GET => $nginx->url('/shop/stats'))->{json}{counters} }
my $before = counters();
http(POST => $nginx->url('/shop/events'), json => { eventType => 'paid' });
eventually { counters()->{noResolver} > ($before->{noResolver} // 0) }
    'it has a counter of its own';

finish();
