# The way out: a proxy, Debian's squid, with and without a password; proxies
# that misbehave; and the addresses that calls come from.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

plan skip_all => 'squid is not installed'
    unless grep { -x "$_/squid" } qw(/usr/sbin /usr/local/sbin /usr/bin);

$ENV{PATH} .= ':/usr/sbin:/usr/local/sbin';

my $dir = NotifyTest::test_dir();
my ($port, $closed, $tls) = map { free_port() } 1 .. 3;
my $auth = (grep { -x } map { "$_/basic_ncsa_auth" }
            qw(/usr/lib/squid /usr/libexec/squid /usr/lib64/squid))[0];

# --- squid: one port without a password, and one with

sub squid {
    my ($name, $port, $rules) = @_;
    mkdir "$dir/$name" or die;
    chmod 0777, $dir, "$dir/$name";
    spew("$dir/$name.conf", <<"END");
http_port 127.0.0.1:$port
pid_filename $dir/$name/pid
access_log stdio:$dir/$name/access.log
cache_log $dir/$name/cache.log
coredump_dir $dir/$name
cache deny all
acl SSL_ports port 1-65535
shutdown_lifetime 0 seconds
$rules
END
    NotifyTest::spawn(['squid', '-N', '-n', "$name$port", '-f',
                       "$dir/$name.conf"], "$dir/$name.log");
    eventually { http(GET => "http://127.0.0.1:$port/")->{status} != 599 }
        "squid listens, $name"
        or die slurp("$dir/$name.log");
}

sub access { return -e "$dir/$_[0]/access.log"
                    ? slurp("$dir/$_[0]/access.log") : '' }

my $locked = free_port();
my $password = 'p:a ss';
my $crypt = `openssl passwd -apr1 '$password'`;
spew("$dir/users", "shop:$crypt");
spew("$dir/password", "$password\n");
spew("$dir/wrong", "wrong\n");
chmod 0644, "$dir/users";

squid('open', $port, 'http_access allow localhost');
squid('locked', $locked, <<"END");
auth_param basic program $auth $dir/users
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
END

# --- a receiver with TLS: nginx itself

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
       . " -addext subjectAltName=IP:127.0.0.1 -keyout $dir/tls.key"
       . " -out $dir/tls.pem 2> /dev/null") == 0
    or BAIL_OUT('openssl made no certificate');

my $to = free_port();
my $shop = NotifyTest::Shop->new(workers => 2, sign => '',
    profile => "proxy http://127.0.0.1:$port; retry off; breaker off;"
               . " allow 127.0.0.1;"
               . " ssl_trusted_certificate $dir/tls.pem;",
    profiles => {
        known => "proxy http://127.0.0.1:$locked user=shop"
                 . " password_file=$dir/password; retry off;"
                 . " allow 127.0.0.1;"
                 . " ssl_trusted_certificate $dir/tls.pem;",
        wrong => "proxy http://127.0.0.1:$locked user=shop"
                 . " password_file=$dir/wrong; retry off; allow 127.0.0.1;",
        away  => "proxy http://127.0.0.1:$closed; retry off;"
                 . " allow 127.0.0.1;",
        inner => "proxy http://127.0.0.1:$port; retry off;",
        bound => 'bind 127.0.0.2 127.0.0.3; retry off; keepalive 0;'
                 . ' allow 127.0.0.1;',
    },
    channel => join('', map { "event $_;" } qw(ready order.paid order.sent
                    known known_tls wrong wrong_tls away away_tls inner bound
                    refused refused_tls)),
    server => 'location /from { return 200; }',
    also => <<"END");
server {
    listen 127.0.0.1:$tls ssl;
    ssl_certificate     $dir/tls.pem;
    ssl_certificate_key $dir/tls.key;
    location / { proxy_pass http://127.0.0.1:$to; }
}
END

my $receiver = $shop->receiver;
my $backend = NotifyTest::Receiver->new(start => 0);
$backend->{port} = $to;
$backend->start;

sub delivered {
    my ($event, $url, $profile) = @_;
    my $sub = $shop->subscribe($url, event => $event,
                               $profile ? (profile => $profile) : ());
    $shop->publish(1, eventType => $event);
    my $attempt;
    eventually {
        my $list = $shop->ask(GET => "subscriptions/$sub/deliveries")->{json};
        my $one = @$list
            && $shop->ask(GET => "deliveries/$list->[0]{id}")->{json};
        $attempt = $one && $one->{attempts}[0];
    } "the delivery of $event is told";
    return $attempt // {};
}

my $plain = $receiver->port;

# --- through it

is(delivered('order.paid', '/paid?a=b')->{status}, 200,
   'a call goes through the proxy');
like(access('open'), qr{POST http://127\.0\.0\.1:$plain/paid},
     'in absolute form');
like(($receiver->requests('/paid?a=b'))[0]{headers}{via} // '', qr/squid/,
     'and squid says so');

$shop->subscribe("https://127.0.0.1:$tls/sent", event => 'order.sent');
$shop->publish(3, eventType => 'order.sent');
eventually { $backend->count('/sent') == 3 } 'so do calls over TLS';

for (1 .. 5) {
    $shop->publish(1, eventType => 'order.sent');
    eventually { $backend->count('/sent') == 3 + $_ } 'one after the other';
}

is(delivered('known', '/known', 'known')->{status}, 200,
   'a proxy that wants a password gets it');
is(delivered('known_tls', "https://127.0.0.1:$tls/known", 'known')->{status},
   200, 'also for a tunnel');
ok(!grep({ exists $_->{headers}{'proxy-authorization'} }
         $receiver->requests, $backend->requests),
   'the endpoint does not get it');

# --- and what the proxy refuses

for my $case (['wrong', $receiver->url('/wrong')],
              ['wrong_tls', "https://127.0.0.1:$tls/wrong"])
{
    my $attempt = delivered(@$case, 'wrong');
    is($attempt->{error}, 'proxy refused', "a wrong password: $case->[0]");
    is($attempt->{detail}, 'status 407', 'with the status of the proxy');
}

for my $case (['away', $receiver->url('/away')],
              ['away_tls', "https://127.0.0.1:$tls/away"])
{
    my $attempt = delivered(@$case, 'away');
    is($attempt->{error}, 'proxy not reached', "no proxy: $case->[0]");
    is($attempt->{detail}, 'connection refused', 'and why');
}

my $gone = free_port();
for my $case (['refused', "http://127.0.0.1:$gone/x"],
              ['refused_tls', "https://127.0.0.1:$gone/x"])
{
    my $attempt = delivered(@$case);
    is($attempt->{error}, 'proxy refused',
       "an endpoint that the proxy does not reach: $case->[0]");
    is($attempt->{detail}, 'status 503', 'with the status of the proxy');
}

# --- the guard is asked first

my $answer = $shop->ask(POST => 'subscriptions', {
    url => 'http://10.0.0.9/x', event => 'inner', profile => 'inner' });
is($answer->{status}, 422, 'an address that is denied stays so');

# --- source addresses

$shop->subscribe($shop->nginx->url('/from'), event => 'bound',
                 profile => 'bound');
$shop->publish(8, eventType => 'bound');
my %from;
eventually {
    %from = ();
    $from{$_}++ for slurp($shop->nginx->dir . '/logs/access.log')
                    =~ m{^(\S+) .* /from }mg;
    ($from{'127.0.0.2'} // 0) + ($from{'127.0.0.3'} // 0) == 8;
} 'calls come from the addresses of "bind"' or diag(explain(\%from));
is(scalar keys %from, 2, 'from both of them');

# squid tells of a tunnel when it has ended

$shop->nginx->stop;
my @tunnels;
eventually {
    @tunnels = access('open') =~ m{CONNECT 127\.0\.0\.1:$tls }g;
} 'they went by CONNECT';
cmp_ok(scalar @tunnels, '<', 8, 'and tunnels were kept for the next calls');

unlike($shop->nginx->log, qr/\Q$password\E|Proxy-Auth/,
       'no password is logged');

finish;
