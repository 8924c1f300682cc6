# Server-sent events, as npm's eventsource follows them.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $clients = $ENV{STREAMS} // 500;
my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(
    redis => $redis, workers => 2, connections => 16384,
    allow => qr/exited on signal 9/, http => <<'END');
    notify_channel shop { }
    notify_channel quiet { }
    send_timeout 3s;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        location /shop/ { notify_api shop; }
        location /quiet/ { notify_api quiet; }
    }
END

my $deltas = $nginx->url('/shop/deltas');
eventually { http(GET => $deltas)->{status} == 200 };

my @published;

sub publish {
    my @events = @_;
    my $answer = eventually {
        my $r = http(POST => $nginx->url('/shop/events'), json => \@events);
        $r->{status} == 202 || $r->{status} == 200 ? $r : undef;
    };
    push @published, map { $_->{id} } @{ $answer->{json} };
    return @{ $answer->{json} };
}

# the lines of a stream until it has been silent for a while
sub stream {
    my ($query, $seconds, %headers) = @_;
    return http_raw($nginx->port, "GET /shop/deltas?$query HTTP/1.1\r\n"
        . "Host: a\r\nAccept: text/event-stream\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } keys %headers) . "\r\n",
        $seconds);
}
sub ids { return join ' ', $_[0] =~ /"id":"(evt_\w+)"/g }


# the form

my @begin = publish({ eventType => 'a', data => { n => 1 } },
                    { eventType => 'b', data => 2 });
my $text = stream('', 0.5);
like($text, qr{^HTTP/1.1 200 OK}, 'a stream');
like($text, qr{Content-Type: text/event-stream\r\n}, 'of events');
like($text, qr{retry: \d+\n\n}, 'that says when to come again');
is(ids($text), "@published", 'all that is kept');
my @cursors = $text =~ /^id: (\S+)\ndata: \{/mg;
is(scalar @cursors, 2, 'each with its id before it');
is(ids(stream('', 0.5, 'Last-Event-ID' => $cursors[0])), $published[1],
   'resumed by Last-Event-ID');
is(ids(stream("cursor=$cursors[1]", 0.5, 'Last-Event-ID' => $cursors[0])),
   $published[1], 'which goes before the cursor of the URL');
is(ids(stream('eventType=b', 0.5)), $published[1], 'filtered');
like(stream('', 1, 'Last-Event-ID' => 'forged'), qr{^HTTP/1.1 400},
     'a forged id is refused');
sub type {
    my ($accept) = @_;
    return (http_raw($nginx->port, "HEAD /shop/deltas HTTP/1.1\r\nHost: a\r\n"
        . "Accept: $accept\r\nConnection: close\r\n\r\n", 2)
        =~ m{^Content-Type: ([\w/-]+)}m)[0];
}
is(type($_), 'text/event-stream', "Accept: $_ is one")
    for 'Text/Event-Stream', 'text/event-stream;q=0.5',
        'application/json, text/event-stream ; charset=utf-8 ; Q=0.001',
        'text/event-stream;q=0,text/event-stream;level=1;q=1';
is(type($_), 'application/json', "Accept: $_ is none")
    for 'text/event-stream;q=0', 'text/event-stream; q=0.000, */*',
        'application/json, text/event-stream;level=1 ;q=0 ',
        'text/event-streams', 'x-text/event-stream', '*/*', 'text/*';

like(http_raw($nginx->port, "HEAD /shop/deltas HTTP/1.1\r\nHost: a\r\n"
     . "Accept: text/event-stream\r\nConnection: close\r\n\r\n", 2),
     qr{200 OK.*event-stream}s, 'HEAD has its header');

http(POST => $nginx->url('/shop/events'),
     headers => { 'Content-Type' => 'application/json' },
     body => "{\"eventType\":\"lines\",\"data\":{\r\n\"a\":\n1\r}}");
$text = stream('eventType=lines', 0.5);
my $data = join "\n", $text =~ /^data: (.*)$/mg;
is_deeply(eval { NotifyTest::from_json($data)->{data} }, { a => 1 },
          'line breaks in the data are lines of data');


# npm's eventsource, through everything

my $out = NotifyTest::test_dir() . '/follow.log';
my $follower = NotifyTest::spawn(
    ['node', "$NotifyTest::TOP/t/clients/follow.js",
     "$deltas?eventType=n"], $out);
sub followed { return grep { /^evt_/ } split /\n/, NotifyTest::slurp($out) }

eventually { NotifyTest::slurp($out) =~ /^open/m } 'eventsource connects';
@published = ();
publish({ eventType => 'n' }) for 1 .. 50;
eventually { followed() == 50 } 'and follows';

for my $round (1 .. 3) {
    publish({ eventType => 'n' }, { eventType => 'm' }) for 1 .. 20;
    $nginx->reload;
    publish({ eventType => 'n' }) for 1 .. 20;
    $nginx->kill_worker for 1 .. 2;
    publish({ eventType => 'n' }) for 1 .. 20;
    $redis->restart;
    publish({ eventType => 'n' }) for 1 .. 20;
}

my %mine = map { $_->{id} => 1 } map { @{ $_->{json}{data} } }
    http_served(GET => "$deltas?eventType=n&limit=250"),
    http_served(GET => "$deltas?eventType=n&limit=250&cursor="
        . http_served(GET => "$deltas?eventType=n&limit=250")->{json}{cursor});
my @want = grep { $mine{$_} } @published;
cmp_ok(scalar @want, '>=', 290, 'many were published');
eventually { my %seen = map { $_ => 1 } followed();
             !grep { !$seen{$_} } @want } 'all of them have come', 30;
my %times;
$times{$_}++ for followed();
is(scalar(grep { $_ > 1 } values %times), 0, 'each once');
is(join(' ', followed()), join(' ', sort { $a cmp $b } followed()),
   'in their order');
unlike(NotifyTest::slurp($out), qr/^closed/m, 'and it never gave up');
NotifyTest::reap($follower, 'TERM');


# a client that takes nothing

$nginx->write_conf(workers => 1);
$nginx->reload;
my $slow = IO::Socket::INET->new(Proto => 'tcp') or die;
setsockopt $slow, SOL_SOCKET, SO_RCVBUF, 4096;
connect $slow, pack_sockaddr_in($nginx->port, inet_aton('127.0.0.1'))
    or die $!;
syswrite $slow, "GET /shop/deltas?eventType=big&since=$published[-1] "
                . "HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n";
elapse 0.2;
publish({ eventType => 'big', data => 'x' x 500_000 }) for 1 .. 8;
eventually { $nginx->log =~ /the client takes less than there is/
             || $nginx->log =~ /client timed out/ } 'is let go';
close $slow;


# idle ones

sub resident {
    my ($pid) = $nginx->workers;
    my ($kb) = NotifyTest::slurp("/proc/$pid/smaps_rollup")
               =~ /^Private_Dirty:\s+(\d+)/m;
    return $kb * 1024;
}

# a worker that has done nothing yet
sub fresh {
    $nginx->reload;
    eventually { http(GET => $nginx->url('/quiet/deltas'))->{status} == 200
                 && $redis->cli('HLEN', 'notify:{quiet.0}:leases') == 64 };
}

my @idle;
my $before;

fresh();

for (1 .. 100 + $clients) {
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1:' . $nginx->port) or die $!;
    syswrite $socket, "GET /quiet/deltas HTTP/1.1\r\nHost: a\r\n"
                      . "Accept: text/event-stream\r\n\r\n";
    sysread $socket, my $head, 4096;
    push @idle, $socket;

    if (@idle == 100) {             # the first ones find memory that is free
        elapse 0.3;
        $before = resident();
    }
}

elapse 0.5;
my $bytes = (resident() - $before) / $clients;
diag(sprintf '%d bytes in the worker for each of %d idle streams', $bytes,
     $clients);
cmp_ok($bytes, '<=', 6 * 1024, 'an idle stream costs 6 KB at most')
    unless $ENV{ASAN_OPTIONS};

# beside the tail of both channels
is(scalar(grep { /cmd=xread/ } $redis->cli('CLIENT', 'LIST')), 2,
   'they share one connection to Redis');
my $event = http(POST => $nginx->url('/quiet/events'),
                 json => { eventType => 'x' })->{json};
my $told = 0;
for my $socket (@idle) {
    my $text = '';
    while ($text !~ /$event->{id}/) {
        sysread $socket, $text, 4096, length $text or last;
    }
    $told++ if $text =~ /$event->{id}/;
}
is($told, scalar @idle, 'all of them are told');

fresh();
my $ended = 0;
for my $socket (@idle) {
    my $text = '';
    1 while sysread $socket, $text, 4096, length $text;
    $ended++ if $text =~ /(?:^|\n)0\r\n\r\n\z/;
}
is($ended, scalar @idle, 'and end as they should with their worker');

finish();
