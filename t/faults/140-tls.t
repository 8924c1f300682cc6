# TLS receivers as faults: nobody who cannot prove his name gets a request,
# the reason is recorded, and the retry goes on until he can.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Test::More;
use NotifyTest;
use NotifyTest::Dns;
use NotifyTest::Ledger;

my $dir = NotifyTest::test_dir();
my $host = '4-127-0-0-1.right.test';

sub openssl {
    my (@command) = @_;
    my $text = qx(openssl @command 2>&1);
    die "openssl @command: $text" if $?;
}

# newer ones take no days that lie behind, older ones no dates
sub dates {
    my ($days) = @_;
    return "-days $days" if $days > 0 || `openssl x509 -help 2>&1` !~ /not_before/;
    return '-not_before 20200101000000Z -not_after 20200102000000Z';
}

# cert(NAME, SAN, ca => NAME, days => N, usage => EKU): NAME.crt and .key
sub cert {
    my ($name, $san, %option) = @_;
    my $ca = $option{ca} // 'ca';
    my $file = "$dir/$name";
    my $subject = "-subj /CN=$name";

    openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
            . " -out $file.key");
    spew("$file.ext", join "\n", $san ? "subjectAltName=$san" : (),
         'basicConstraints=' . ($option{authority} ? 'CA:true' : 'CA:false'),
         'extendedKeyUsage=' . ($option{usage} // 'serverAuth'));
    openssl("req -new -key $file.key -out $file.csr $subject");
    openssl("x509 -req -in $file.csr -out $file.crt "
            . dates($option{days} // 10) . " -extfile $file.ext "
            . ($ca eq $name ? "-signkey $file.key"
               : "-CA $dir/$ca.crt -CAkey $dir/$ca.key -CAcreateserial"));
}

cert($_, undef, ca => $_, authority => 1) for qw(ca stranger);

# name => [SAN, options, URL's host, error, detail]
my %servers = (
    good     => ["DNS:$host", {}, $host],
    number   => ['IP:127.0.0.1', {}, '127.0.0.1'],
    expired  => ["DNS:$host", { days => -1 }, $host,
                 'certificate not trusted', qr/expired/],
    wrong    => ['DNS:other.test', {}, $host,
                 'certificate not trusted', qr/hostname mismatch/],
    prefix   => ["DNS:$host.evil.test,DNS:right.test", {}, $host,
                 'certificate not trusted', qr/hostname mismatch/],
    address  => ['DNS:127.0.0.1', {}, '127.0.0.1',
                 'certificate not trusted', qr/mismatch/],
    self     => ["DNS:$host", { ca => 'self' }, $host,
                 'certificate not trusted', qr/self.signed/],
    unknown  => ["DNS:$host", { ca => 'stranger' }, $host,
                 'certificate not trusted', qr/issuer|verify/],
    usage    => ["DNS:$host", { usage => 'clientAuth' }, $host,
                 'certificate not trusted', qr/purpose/],
);
cert($_, $servers{$_}[0], %{ $servers{$_}[1] }) for sort keys %servers;

my %port = map { $_ => free_port() } sort keys %servers;
my $tls = NotifyTest::Nginx->new(http => join "\n",
    'log_format who "$server_port $request_method $uri";',
    'server { listen 127.0.0.1:%%PORT%%; return 200;'
        . ' access_log %%DIR%%/logs/who who; }',
    map { <<"END" } sort keys %servers);
server {
    listen $port{$_} ssl;
    ssl_certificate $dir/$_.crt;
    ssl_certificate_key $dir/$_.key;
    access_log %%DIR%%/logs/who who;
    return 200;
}
END
sub came { my ($path) = @_;
           return scalar(() = slurp($tls->dir . '/logs/who')
                              =~ m{ POST \Q$path\E$}mg) }


# no TLS at all: says what it was told to, and keeps what it got

my %mute = (
    before  => ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 0],
    garbage => ["\x15\x03\x01\xff\xff" . 'x' x 100, 0, 0],
    alert   => ["\x15\x03\x03\x00\x02\x02\x28", 0, 0],
    hello   => ["\x16\x03\x03\x00\x04\x02\x00\x00\x00", 1, 0],
    closing => ['', 1, 1],
    silent  => ['', 0, 0],
);

my %pid;
for my $name (sort keys %mute) {
    $port{$name} = free_port();
    my $listen = IO::Socket::INET->new(
        LocalAddr => "127.0.0.1:$port{$name}", Listen => 10, ReuseAddr => 1)
        or die $!;
    my ($says, $waits, $closes) = @{ $mute{$name} };

    $pid{$name} = NotifyTest::spawn(sub {
        my $select = IO::Select->new($listen);
        while (1) {
            for my $socket ($select->can_read) {
                if ($socket == $listen) {
                    my $new = $listen->accept or next;
                    $select->add($new);
                    syswrite $new, $says unless $waits;
                    next;
                }
                my $n = sysread $socket, my $bytes, 65536;
                open my $file, '>>:raw', "$dir/$name.got";
                print {$file} $bytes if $n;
                syswrite $socket, $says if $n && $waits;
                next if $n && !$closes;
                $select->remove($socket);
                close $socket;
            }
        }
    }, "$dir/$name.log");
    $servers{$name} = [undef, undef, $host, 'tls handshake failed'];
}
$servers{silent}[4] = qr/timeout/;
$servers{plain} = [undef, undef, $host, 'tls handshake failed'];
$port{plain} = $tls->port;


my $dns = NotifyTest::Dns->new;
my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<"END");
    resolver @{[ $dns->address ]};
    notify_profile tls {
        allow 127.0.0.0/8; schemes https; ssl_trusted_certificate $dir/ca.crt;
        retry 200ms 500ms until=5m jitter=0%; breaker off;
        connect_timeout 700ms; timeout 2s;
    }
    notify_profile loose {
        allow 127.0.0.0/8; ssl_verify off; breaker off;
    }
    notify_profile brief {
        allow 127.0.0.0/8; ssl_trusted_certificate $dir/ca.crt;
        retry 100ms jitter=0%; breaker off;
        connect_timeout 700ms; timeout 2s;
    }
    notify_channel shop { profile tls loose brief; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
    }
END
my $url = $nginx->url('/shop');
my $worker;
eventually { ($worker) = $nginx->workers } 'there is a worker';
my %id;

sub subscribe {
    my ($name, $to, %more) = @_;
    my $answer = http(POST => "$url/subscriptions", json => {
        url => "https://$to/$name", event => 'paid', %more });
    is($answer->{status}, 201, "$name is subscribed")
        or diag($answer->{content});
    return $id{$name} = $answer->{json}{id};
}
sub publish { return http(POST => "$url/events", json => {
                  eventType => 'paid' })->{json}{id} }
sub attempts {
    my ($name, $event) = @_;
    my ($one) = grep { $_->{eventId} eq $event }
                @{ http(GET => "$url/subscriptions/$id{$name}/deliveries")
                   ->{json} // [] };
    return $one && http(GET => "$url/deliveries/$one->{id}")->{json};
}

subscribe($_, "$servers{$_}[2]:$port{$_}") for sort keys %servers;
my $event = publish();

for my $name (sort keys %servers) {
    my (undef, undef, undef, $error, $detail) = @{ $servers{$name} };
    my $one;

    if (!defined $error) {
        eventually { $one = attempts($name, $event);
                     $one && $one->{status} eq 'succeeded' }
                   "$name: it is trusted" or diag(explain($one));
        is(came("/$name"), 1, 'and called');
        next;
    }

    eventually { $one = attempts($name, $event);
                 $one && $one->{attemptCount} >= 2 } "$name: it is tried again";
    is($one->{status}, 'retrying', 'and waits');
    is($one->{attempts}[0]{error}, $error, 'with the reason');
    like($one->{attempts}[0]{detail} // '', $detail, 'and what it was')
        if $detail;
    is($one->{attempts}[0]{status} // 0, 0, 'there is no status');
    is(came("/$name"), 0, 'no request was made');
}

for my $name (sort keys %mute) {
    unlike(slurp("$dir/$name.got"), qr/POST|webhook|eventType/,
           "$name: it got nothing in the clear");
}


# nobody becomes trusted by waiting: dead, with the reason

my %never = map { $_ => subscribe("never-$_", "$servers{$_}[2]:$port{$_}",
                                  profile => 'brief', event => 'never') }
            grep { defined $servers{$_}[3] } sort keys %servers;
my $ledger = NotifyTest::Ledger->new(nginx => $nginx, redis => $redis,
    receiver => NotifyTest::Receiver->new,
    to => { map { ("/$_" => $never{$_}) } keys %never });
$ledger->mark;
$ledger->add(http(POST => "$url/events", json => { eventType => 'never' })
             ->{json}{id});
$ledger->holds('no TLS to trust', spare => 2 * keys %never);

for my $name (sort keys %never) {
    my ($dead) = @{ http(GET => "$url/subscriptions/$never{$name}/deliveries")
                    ->{json} };
    is("$dead->{status} $dead->{reason} $dead->{lastAttempt}{error}",
       "dead exhausted $servers{$name}[3]", "$name: dead, and it says why");
    http(DELETE => "$url/subscriptions/$never{$name}");
}


# one address, two names: a connection of one is not the other's

subscribe('other', "4-127-0-0-1.left.test:$port{good}");
my $next = publish();
my $one;
eventually { $one = attempts(good => $next);
             $one && $one->{status} eq 'succeeded' }
           'another event for a name that is right';
eventually { $one = attempts(other => $next); $one && $one->{attemptCount} }
           'and for another name of that address';
is($one->{attempts}[0]{error}, 'certificate not trusted', 'is not trusted');
is(came('/other'), 0, 'nor called');

subscribe('loose', "$host:$port{self}", profile => 'loose');
$next = publish();
eventually { came('/loose') == 1 } 'ssl_verify off trusts everybody';


# certificates are renewed

cert($_, $servers{$_}[2] =~ /^\d+\.\d+\.\d+\.\d+$/
         ? "IP:$servers{$_}[2]" : "DNS:$servers{$_}[2]")
    for grep { $servers{$_}[0] && $servers{$_}[3] } sort keys %servers;
$tls->reload;

for my $name (grep { $servers{$_}[0] && $servers{$_}[3] } sort keys %servers) {
    eventually { ($one = attempts($name, $event))->{status} eq 'succeeded' }
               "$name: with a new certificate it gets its event";
    cmp_ok(came("/$name"), '>=', 1, 'which has come');
}

is(join(' ', $nginx->workers), $worker, 'it is the same worker');
http(DELETE => "$url/subscriptions/$_") for values %id;
my $files = sub { scalar(() = grep { (readlink($_) // '') =~ /^socket/ }
                              glob "/proc/$worker/fd/*") };
eventually { $files->() < 20 } 'it has no connections that nobody needs';
NotifyTest::reap($_, 'KILL') for values %pid;
finish();
