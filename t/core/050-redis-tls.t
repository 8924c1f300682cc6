# TLS to Redis: who is trusted, by which name, and that it carries everything a
# plain connection does.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use NotifyTest;

my $dir = test_dir();

sub openssl { system("cd '$dir' && openssl $_[0] > openssl.log 2>&1") == 0
                  or die "openssl $_[0]: " . slurp("$dir/openssl.log") }

for my $ca (qw(ca other)) {
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$ca "
            . "-keyout $ca.key -out $ca.crt");
}
for my $name (qw(server client)) {
    openssl("req -newkey rsa:2048 -nodes -subj /CN=$name "
            . "-keyout $name.key -out $name.csr");
    spew("$dir/$name.ext", "subjectAltName=DNS:redis.test,IP:127.0.0.1\n");
    openssl("x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial "
            . "-days 2 -extfile $name.ext -out $name.crt");
}

my $tls = free_port();
my @tls = ('--tls-port', $tls, '--tls-cert-file', "$dir/server.crt",
           '--tls-key-file', "$dir/server.key", '--tls-ca-cert-file',
           "$dir/ca.crt", '--requirepass', 'quite a password');
my $redis = NotifyTest::Redis->new(args => [@tls, '--tls-auth-clients', 'no'],
                                   start => 0);
spew("$dir/password", "quite a password\n");
$redis->{auth} = 'quite a password';
$redis->start;

my $receiver = NotifyTest::Receiver->new;
my $http = <<'END';
notify_redis %%REDIS%% password_file=%%KEYS%%/password timeout=1s;
notify_profile near { allow 127.0.0.0/8; retry 1s until=10m; }
notify_channel shop { profile near; }
server {
    listen 127.0.0.1:%%PORT%%;
    client_max_body_size 8m;
    location /shop/ { notify_api shop; }
}
END

sub nginx {
    return NotifyTest::Nginx->new(http => $http, vars => { KEYS => $dir,
                                                           REDIS => $_[0] });
}
sub publish {
    my ($nginx, $data) = @_;
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => 'order.paid', data => $data // {} });
}


# trusted

my $nginx = nginx("127.0.0.1:$tls ssl ssl_verify=$dir/ca.crt");
eventually { publish($nginx)->{status} == 202 } 'a publish goes through TLS';
my $made = http(POST => $nginx->url('/shop/subscriptions'), json => {
    url => $receiver->url('/a'), event => 'order.paid' });
is($made->{status}, 201, 'a subscription is made');
is(publish($nginx)->{status}, 202, 'an event');
eventually { $receiver->count('/a') == 1 } 'is read from the log and delivered';

my $large = 'x' x 500_000;
is(publish($nginx, $large . $_)->{status}, 202, "500 KB, number $_")
    for 1 .. 8;
eventually { $receiver->count('/a') == 9 } 'much arrives as well';
is(scalar(grep { length $_->{body} > 500_000 } $receiver->requests('/a')), 8,
   'and whole');
my @many = map { { eventType => 'order.paid', data => $_ } } 1 .. 1000;
is(http(POST => $nginx->url('/shop/events'), json => \@many)->{status}, 202,
   'a thousand at once');
eventually { $receiver->count('/a') == 1009 } 'arrive', 30;

my @clients = grep { /nginx-notify/ } $redis->cli('CLIENT', 'LIST');
ok(@clients > 1 && !(grep { !/laddr=127\.0\.0\.1:$tls / } @clients),
   'every connection is one of TLS') or diag(join "\n", @clients);

$redis->restart;
eventually { publish($nginx)->{status} == 202 } 'it comes back after a crash';
eventually { $receiver->count('/a') >= 1010 } 'and deliveries go on';

$redis->pause;
is(publish($nginx)->{status}, 503, 'a Redis that hangs is no Redis');
$redis->resume;
eventually { publish($nginx)->{status} == 202 } 'until it goes on';
$nginx->stop;

for (['ssl_name=redis.test', 'a name that it has'],
     ['ssl_certificate=%%/client.crt ssl_certificate_key=%%/client.key',
      'a certificate of our own'])
{
    my ($more, $what) = @$_;
    $more =~ s/%%/$dir/g;
    $nginx = nginx("127.0.0.1:$tls ssl ssl_verify=$dir/ca.crt $more");
    eventually { publish($nginx)->{status} == 202 } $what;
    $nginx->stop;
}

$nginx = nginx("127.0.0.1:$tls ssl ssl_verify=off");
eventually { publish($nginx)->{status} == 202 } 'unverified, when that is asked';
$nginx->stop;


# not trusted

for (["ssl ssl_verify=$dir/other.crt", qr/not trusted: .*certificate/,
      'another authority'],
     ['ssl', qr/not trusted: .*certificate/, 'none of the system\'s'],
     ["ssl ssl_verify=$dir/ca.crt ssl_name=other.test",
      qr/not trusted: hostname mismatch/i, 'another name'],
     ["ssl ssl_verify=$dir/ca.crt ssl_name=127.0.0.2",
      qr/not trusted: IP address mismatch/i, 'another address'])
{
    my ($more, $line, $what) = @$_;
    $nginx = nginx("127.0.0.1:$tls $more");
    eventually { $nginx->log =~ /"commands" is down: [^\n]*$line/ }
        "$what is not trusted, and logged" or diag($nginx->log);
    is(publish($nginx)->{status}, 503, "$what: nothing is published");
    my @lines = grep { /\[error\].*"commands" is down: .*not trusted/ }
                split /\n/, $nginx->log;
    is(scalar @lines, 1, 'in one line') or diag(join "\n", @lines);
    unlike($nginx->log, qr/quite a password/, 'the password was not needed');
    $nginx->stop;
}

$redis->stop;
$redis->{args} = [@tls];
$redis->start;
$nginx = nginx("127.0.0.1:$tls ssl ssl_verify=$dir/ca.crt");
eventually { $nginx->log =~ /"commands" is down: 127\.0\.0\.1:$tls/ }
           'a server that wants a certificate refuses who has none';
is(publish($nginx)->{status}, 503, 'nothing is published');
$nginx->stop;


# the wrong kind of port

$nginx = nginx($redis->address . " ssl ssl_verify=$dir/ca.crt");
eventually { $nginx->log =~ /"commands" is down: \S+ \S+ \S+ failed|handshake/ }
           'TLS to a plain port fails';
is(publish($nginx)->{status}, 503, 'nothing is published');
$nginx->stop;

my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1:0', Listen => 16);
$nginx = nginx('127.0.0.1:' . $silent->sockport . ' ssl ssl_verify=off');
eventually { $nginx->log =~ /"commands" is down: connect\(\) to/ }
           'a handshake without an answer ends in time';
$nginx->stop;
close $silent;


# what nginx -t says

for (['ssl_verify=off', 'not "ssl"'], ['ssl ssl_verify=', 'empty'],
     ["ssl ssl_verify=$dir/none.crt", 'none.crt'],
     ["ssl ssl_certificate=$dir/client.crt", 'together'],
     ["ssl ssl_certificate=$dir/client.crt ssl_certificate_key=$dir/ca.key",
      'key'], ['ssl ssl', 'given twice'], ['unix:/tmp/x ssl', 'path of a socket'])
{
    my ($more, $reason) = @$_;
    my $checked = NotifyTest::Nginx->new(http => $http, start => 0,
        vars => { KEYS => $dir, REDIS => "127.0.0.1:$tls $more" });
    my ($said, $ok) = $checked->check;
    ok(!$ok && $said =~ /\Q$reason\E.* in \S+nginx\.conf:\d+/s,
       "\"$more\" is refused, with the line") or diag($said);
}

finish();
