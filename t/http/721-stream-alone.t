# A stream outlives its request where nobody needs that: it takes a fraction of
# the memory then, and is in the access log when it begins, not when it ends.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64url);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $clients = $ENV{STREAMS} // 1000;
my $dir = NotifyTest::test_dir();
my ($h2, $tls) = (NotifyTest::free_port(), NotifyTest::free_port());
my $key = 'k' x 40;

system("openssl req -x509 -newkey rsa:2048 -nodes -batch -days 1 -subj /CN=test"
       . " -keyout $dir/tls.key -out $dir/tls.crt > $dir/openssl.log 2>&1") == 0
    or BAIL_OUT('openssl made no certificate');
NotifyTest::spew("$dir/jwt.key", $key);

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, connections => 8192,
    vars => { H2 => $h2, TLS => $tls, TEST => $dir }, http => <<'END');
    notify_profile near { allow 127.0.0.0/8; }
    notify_channel shop { profile near; }
    log_format streams '$arg_n $status $body_bytes_sent $remote_addr';
    access_log %%DIR%%/logs/streams streams;
    limit_conn_zone $binary_remote_addr zone=few:1m;
    send_timeout 3s;
    set_real_ip_from 127.0.0.1;
    gzip_types *; gzip_min_length 0; gzip_http_version 1.0;
    sub_filter_types *; addition_types *; ssi_types *;

    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        listen 127.0.0.1:%%H2%% http2;
        listen 127.0.0.1:%%TLS%% ssl;
        ssl_certificate %%TEST%%/tls.crt;
        ssl_certificate_key %%TEST%%/tls.key;

        location = /status { access_log off; stub_status; }
        location = /page { return 200 page; }
        location /shop/ { notify_api shop; }
        location /unframed/ { notify_api shop;
                              chunked_transfer_encoding off; }
        location /token/ {
            notify_verify jwt alg=HS256 key=%%TEST%%/jwt.key token=$arg_token;
            notify_api shop;
        }
        location /limited/ { limit_conn few 2; notify_api shop; }
        location /gzip/ { gzip on; notify_api shop; }
        location /gzip-off/ { gzip off; notify_api shop; }
        location /sub/ { sub_filter '"word"' '"changed"'; notify_api shop; }
        location /same/ { sub_filter '"word"' '"swap"'; notify_api shop; }
        location /after/ { add_after_body /page; notify_api shop; }
        location /ssi/ { ssi on; notify_api shop; }
        location /charset/ { charset koi8-r; source_charset utf-8;
                             charset_types *; notify_api shop; }
        location /rate/ { limit_rate 100k; notify_api shop; }
        location /trailer/ { add_trailer X-End yes; notify_api shop; }
        location /action/ { post_action /page; notify_api shop; }
        location /mirrored/ { mirror /status; notify_api shop; }
        location /session/ { notify_api shop;
                             notify_session shop id=$arg_n presence; }
    }
    charset_map koi8-r utf-8 { C0 D18E; }
END
sub ready { eventually {
    http(GET => $nginx->url('/shop/deltas'))->{status} == 200 } }

ready();

my $names = 0;

sub publish {
    my ($data, %more) = @_;
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => 'x', data => $data, %more })
           ->{json}{id};
}

# a stream of what is new, which says its first words; more => bytes behind
# the request
sub stream {
    my ($location, %option) = @_;
    my $name = $option{name} // 'n' . ++$names;
    my $version = $option{version} // '1.1';
    my $socket = $option{socket} // IO::Socket::INET->new(
        PeerAddr => '127.0.0.1:' . $nginx->port) or die $!;
    my $self = { socket => $socket, name => $name, text => '' };
    my $last = $option{last}
               // (http(GET => $nginx->url('/shop/deltas?limit=250'))
                   ->{json}{cursor});

    $socket->blocking(0);
    syswrite $socket, join "\r\n",
        "GET $location/deltas?n=$name&cursor=$last" . ($option{args} // '')
        . " HTTP/$version", 'Host: a', 'Accept: text/event-stream',
        @{ $option{headers} // [] }, '', $option{more} // '';
    return $self;
}

sub reads {
    my ($self) = @_;
    my $n;
    1 while $n = sysread $self->{socket}, $self->{text}, 65536,
                         length $self->{text};
    $self->{closed} = 1 if defined $n || !$!{EAGAIN};
    return $self->{text};
}
sub seen { my ($self, $pattern) = @_;
           return eventually { reads($self) =~ $pattern } }
sub closed { my ($self) = @_;
             return eventually { reads($self); $self->{closed} } }
sub logged {
    my ($self) = @_;
    return NotifyTest::slurp($nginx->dir . '/logs/streams')
           =~ /^$self->{name} (.*)/m ? $1 : '';
}
# what the chunks of an answer hold; undef unless they are whole
sub body {
    my ($text) = @_;
    my $body = '';
    $text =~ s/^.*?\r\n\r\n//s;
    while ($text =~ s/^([0-9a-f]+)\r\n//) {
        my $n = hex $1;
        return $text eq "\r\n" ? $body : undef if $n == 0;
        return undef if length $text < $n + 2;
        $body .= substr $text, 0, $n, '';
        $text =~ s/^\r\n// or return undef;
    }
    return undef;
}
sub status { my ($what) = @_;
             return http(GET => $nginx->url('/status'))->{content}
                    =~ /$what: (\d+)/ ? $1 : die }
sub files { my ($pid) = $nginx->workers;
            return scalar(() = glob "/proc/$pid/fd/*") }


note('alone');
{
    my $plain = stream('/shop');
    my $old = stream('/shop', version => '1.0');
    my $unframed = stream('/unframed');
    my @all = ($plain, $old, $unframed);

    ok(seen($_, qr/retry: \d+\n\n/), 'a stream begins') for @all;
    for my $s (@all) {
        eventually { logged($s) =~ /^200 [1-9]/ } 'and is logged at once';
    }
    is(status('Writing'), 4, 'nginx counts it, as what it writes');

    my @ids = map { publish($_) } 'a', "\xe9 \x{263a}", 'x' x 70_000;
    for my $s (@all) {
        ok(seen($s, qr/"id":"$ids[2]".*\n\n/s), 'it gets what comes');
    }
    unlike($_->{text}, qr/^transfer-encoding/mi, 'without chunks')
        for $old, $unframed;

    syswrite $plain->{socket}, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";
    my $id = publish('b');
    ok(seen($plain, qr/"id":"$id"/), 'that it says something does not matter');

    my $far = stream('/shop', headers => ['X-Real-IP: 192.0.2.7']);
    ok(seen($far, qr/retry: \d+\n\n/), 'of a client behind a proxy, too');
    eventually { logged($far) } 'that is logged at once';

    my $long = stream('/shop', headers => ['X-Long: ' . 'x' x 3000]);
    ok(seen($long, qr/retry: \d+\n\n/), 'and one with a large header');
    eventually { logged($long) } 'that is logged at once';

    $nginx->reload;
    for my $s (@all, $far, $long) {
        ok(closed($s), 'it ends with its worker');
    }
    my $body = body($plain->{text});
    ok(defined $body, 'its chunks are whole, to the last');
    is(join(' ', $body =~ /"id":"(evt_\w+)"/g), "@ids $id", 'each event once');
    like($old->{text}, qr/"id":"$id".*\n\n\z/s, 'or all up to the end');
}


note('what is missed is read before');
{
    ready();
    my $last = http(GET => $nginx->url('/shop/deltas?limit=250'))
               ->{json}{cursor};
    my @ids = map { publish('y' x 1000) } 1 .. 120;
    my $s = stream('/shop', last => $last);
    ok(seen($s, qr/"id":"$ids[-1]"/), 'all of it');
    push @ids, publish('new');
    ok(seen($s, qr/"id":"$ids[-1]"/), 'then what comes');
    is(join(' ', $s->{text} =~ /"id":"(evt_\w+)"/g), "@ids", 'each once');
    my @several = @{ http(POST => $nginx->url('/shop/events'), json => [
        map { { eventType => "t$_" } } 1 .. 5 ])->{json} };
    ok(seen($s, qr/"id":"$several[-1]{id}"/), 'several at a time');

    my $some = stream('/shop', args => '&eventType=wanted');
    ok(seen($some, qr/retry: \d+\n\n/), 'another wants some of it');
    eventually { logged($some) } 'which it does after its request, too';
    publish('not');
    my $id = publish('this', eventType => 'wanted');
    ok(seen($some, qr/"id":"$id"/), 'and gets that');
    is(() = $some->{text} =~ /^data:/mg, 1, 'alone');
}


note('a subscription\'s');
{
    my $id = http(POST => $nginx->url('/shop/subscriptions'), json => {
        event => 'chosen', url => 'http://127.0.0.1/' })->{json}{id};
    my $s = stream('/shop', args => "&subscription=$id");
    ok(seen($s, qr/retry: \d+\n\n/), 'selection');
    eventually { logged($s) } 'is kept for a stream alone';
    publish('not');
    $id = publish('this', eventType => 'chosen');
    ok(seen($s, qr/"id":"$id"/), 'and selects');
    is(() = $s->{text} =~ /^data:/mg, 1, 'nothing else');
}


note('with a request');
{
    my $head = encode_base64url('{"alg":"HS256","typ":"JWT"}') . '.'
               . encode_base64url(sprintf '{"exp":%d}', time + 600);
    my $token = "$head." . encode_base64url(hmac_sha256($head, $key));

    for (['/token', 1, 'of who was verified', args => "&token=$token"],
         ['/gzip-off', 1, 'not compressed'],
         ['/mirrored', 1, 'of a request that was mirrored'],
         ['/gzip', 1, 'that the client would not have compressed'],
         ['/gzip', 0, 'compressed', headers => ['Accept-Encoding: gzip']],
         ['/sub', 0, 'in which text is replaced'],
         ['/same', 0, 'in which text is replaced by as much'],
         ['/after', 0, 'that has something after it'],
         ['/ssi', 0, 'with server-side includes'],
         ['/charset', 0, 'recoded'],
         ['/rate', 0, 'with a limited rate'],
         ['/trailer', 0, 'that has a trailer'],
         ['/action', 0, 'with something to do at its end'],
         ['/session', 0, 'that is a session'],
         ['/limited', 0, 'that is counted'],
         ['/shop', 0, 'with another request behind it',
          more => "GET /page HTTP/1.1\r\nHost: a\r\n\r\n"])
    {
        my ($location, $alone, $name, @option) = @$_;
        my $s = stream($location, @option);
        my $zip = $name eq 'compressed';
        ok(seen($s, $zip ? qr/^Content-Encoding: gzip.*\r\n\r\n./ms
                         : qr/retry: \d+\n\n/),
           "a stream $name");
        my $size = length $s->{text};
        my $id = publish('word');
        ok(eventually { length reads($s) > $size }, 'gets what comes')
            if $zip;
        ok(seen($s, qr/"id":"$id"/), 'gets what comes') unless $zip;
        like($s->{text}, qr/"changed"/, 'as it should') if $location eq '/sub';
        like($s->{text}, qr/"swap"/, 'as it should') if $location eq '/same';
        eventually { logged($s) } 'and is over for the log' if $alone;
        elapse 0.2 unless $alone;
        is(logged($s), '', 'and is not over for the log') unless $alone;
        close $s->{socket};
        # after the action the log would have its arguments
        eventually { logged($s) } 'before it ends' if $location ne '/action';
    }
}


note('connections that are limited are counted to the end of a stream');
{
    my @two = map { stream('/limited') } 1, 2;
    ok(seen($_, qr/retry: \d+\n\n/), 'a stream') for @two;
    publish('all follow now');
    ok(seen($_, qr/"id":/), 'that follows') for @two;
    ok(seen(stream('/limited'), qr{^HTTP/1.1 503}), 'a third is refused');
    close $two[0]{socket};
    eventually { my $s = stream('/limited'); seen($s, qr/\n\n|503/);
                 $s->{text} =~ /retry/ } 'until one has gone';
}


note('TLS, HTTP/2');
{
    my $cursor = http(GET => $nginx->url('/shop/deltas?limit=250'))
                 ->{json}{cursor};
    my @curl = ('curl', '-skN', '-H', 'Accept: text/event-stream');
    my @url = map { "/shop/deltas?cursor=$cursor&n=$_" } 'tls', 'h2';
    my $over_tls = NotifyTest::spawn(['sh', '-c', '"$@"; echo "exit $?"', 'sh',
        @curl, '--http1.1', "https://127.0.0.1:$tls$url[0]"], "$dir/tls.out");
    my $over_h2 = NotifyTest::spawn(['sh', '-c', '"$@"; echo "exit $?"', 'sh',
        @curl, '--http2-prior-knowledge', "http://127.0.0.1:$h2$url[1]"],
        "$dir/h2.out");
    my @out = ("$dir/tls.out", "$dir/h2.out");

    for my $out (@out) {
        eventually { -e $out && NotifyTest::slurp($out) =~ /retry: \d+\n\n/ }
            'a stream begins';
    }
    eventually { logged({ name => 'tls' }) }
        'one over TLS is logged at once';

    my @ids = map { publish($_) } 'a', 'z' x 300_000, 'b';
    for my $out (@out) {
        eventually { NotifyTest::slurp($out) =~ /"id":"$ids[2]"/ }
            'it gets what comes';
        is(join(' ', NotifyTest::slurp($out) =~ /"id":"(evt_\w+)"/g), "@ids",
           'each event once');
    }
    is(logged({ name => 'h2' }), '', 'one over HTTP/2 has its request');

    $nginx->reload;
    for my $out (@out) {
        eventually { NotifyTest::slurp($out) =~ /^exit 0$/m }
            'it ends as it should with its worker';
    }
    NotifyTest::reap($_, 'KILL') for $over_tls, $over_h2;
}


note('those that take nothing, talk, or leave');
{
    ready();
    $nginx->reload;
    ready();
    my $files = files();

    my $loud = stream('/shop');
    ok(seen($loud, qr/retry/), 'a stream');
    eventually { logged($loud) };
    syswrite $loud->{socket}, 'x' x 20_000;
    ok(closed($loud), 'of who talks on is closed');

    my @slow = map {
        my $s = IO::Socket::INET->new(Proto => 'tcp') or die $!;
        setsockopt $s, SOL_SOCKET, SO_RCVBUF, 4096;
        connect $s, pack_sockaddr_in($nginx->port, inet_aton('127.0.0.1'))
            or die $!;
        my $stream = stream('/shop', socket => $s);
        seen($stream, qr/retry/);
        eventually { logged($stream) };
        $stream } 1 .. 4;
    publish('x' x 500_000) for 1 .. 8;
    eventually { (() = $nginx->log =~ /the client takes less than there is/g)
                 + (() = $nginx->log =~ /client timed out/g) >= 4 }
        'who takes nothing is let go';
    eventually { status('Writing') == 1 } 'and counts no more';

    my ($pid) = $nginx->workers;
    my $late = stream('/shop', socket => do {
        my $s = IO::Socket::INET->new(Proto => 'tcp') or die $!;
        setsockopt $s, SOL_SOCKET, SO_RCVBUF, 4096;
        connect $s, pack_sockaddr_in($nginx->port, inet_aton('127.0.0.1'))
            or die $!;
        $s });
    seen($late, qr/retry/);
    eventually { logged($late) };
    my $id = publish('x' x 500_000);
    elapse 0.3;
    $nginx->reload;
    elapse 0.5;
    ok(kill(0, $pid), 'a worker that ends waits for who is slow');
    ok(closed($late), 'who gets the rest');
    my $body = body($late->{text});
    like($body // '', qr/"id":"$id".*\n\n\z/s, 'whole');
    eventually { !$nginx->workers(exiting => 1) } 'then it ends';

    ready();
    eventually { files() <= $files + 2 };
    $files = files();
    my ($worker) = $nginx->workers;
    my ($last, @resident) =
        http(GET => $nginx->url('/shop/deltas?limit=250'))->{json}{cursor};

    for my $round (1 .. 4) {
        for (1 .. $clients / 100) {
            my @some = map { stream('/shop', last => $last, name => 'gone') }
                       1 .. 25;
            for my $s (@some) { seen($s, qr/retry: \d+\n\n/) }
            close $_->{socket} for @some;
        }
        eventually { status('Writing') == 1 && files() <= $files + 1 }
            'who leaves leaves nothing behind';
        push @resident, NotifyTest::slurp("/proc/$worker/smaps_rollup")
                        =~ /^Private_Dirty:\s+(\d+)/m;
    }
    cmp_ok($resident[-1] - $resident[0], '<', 256,
           'no memory either (in KB)') unless $ENV{ASAN_OPTIONS};
}


note('a worker that is told to end at once');
{
    my $s = stream('/shop');
    ok(seen($s, qr/retry/), 'has a stream');
    eventually { logged($s) };
    $nginx->stop('TERM');
    ok(closed($s), 'which ends');
}

finish();
