# Receivers as faults: whatever comes back instead of an answer is a verdict,
# recorded with its reason; the retry goes on; the worker stays as it was.

use strict;
use warnings;

use List::Util qw(min);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

my $close = "Connection: close\r\n\r\n";
my $empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
my $many = join '', map { "X-$_: " . 'y' x 700 . "\r\n" } 1 .. 100;
my $chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

sub length_of {
    return "HTTP/1.1 200 OK\r\n"
         . join('', map { "Content-Length: $_\r\n" } @_) . "\r\nhello";
}
sub encoded   { "HTTP/1.1 200 OK\r\n" . join('', map { "$_\r\n" } @_)
                . "\r\n5\r\nhello\r\n0\r\n\r\n" }
sub line      { "$_[0]\r\nContent-Length: 0\r\n\r\n" }
sub header    { "HTTP/1.1 200 OK\r\n$_[0]\r\nContent-Length: 0\r\n\r\n" }

# a 204 ends with its headers, whatever they say and whatever comes then
sub empty204 { "HTTP/1.1 204 No Content\r\n" . join('', map { "$_\r\n" } @_) }
my %empty = (
    chunked   => empty204('Transfer-Encoding: chunked', '', '0', ''),
    nochunk   => empty204('Transfer-Encoding: chunked', ''),
    encoding  => empty204('Transfer-Encoding: gzip, chunked', ''),
    length    => empty204('Content-Length: 2', '') . 'ok',
    zero      => empty204('Content-Length: 0', ''),
    both      => empty204('Content-Length: 0', 'Transfer-Encoding: chunked',
                          ''),
    twice     => empty204('Content-Length: 1', 'Content-Length: 2', ''),
    body      => empty204('') . 'hello',
);

my $closed = ['connection closed'];
my $malformed = sub { ['malformed answer', $_[0]] };
my $status_line = $malformed->(qr/malformed status line/);
my $length = $malformed->(qr/ambiguous content length/);
my $encoding = $malformed->(qr/ambiguous transfer encoding/);
my $chunk = $malformed->(qr/malformed chunk/);
my $large = $malformed->(
    qr/headers are larger than response_header_limit, 32768 bytes/);
my $line_end = $malformed->(qr/malformed (?:line end|header value)/);
my $name = $malformed->(qr/malformed header name/);
my $interim = $malformed->(qr/interim/);
my $success = [undef];

my %faults = (
    reset     => [{ reset => 1 }, ['connection reset']],
    fin       => [{ drop => 1 }, $closed],
    hang      => [{ hold => 1 }, ['timeout']],
    slow      => [{ raw => $empty, trickle => 0.3 }, ['timeout']],
    slowbody  => [{ raw => length_of(5), trickle => 0.3 }, ['timeout']],
    late      => [{ delay => 3 }, ['timeout']],
    early     => [{ raw => "HTTP/1.1 200 OK\r\nConte" }, $closed],
    earlyline => [{ raw => 'HTTP/1.' }, $closed],
    earlybody => [{ raw => length_of(6) }, $closed],
    earlychunk => [{ raw => "${chunked}5\r\nhel" }, $closed],
    nolast    => [{ raw => "${chunked}5\r\nhello\r\n" }, $closed],

    garbage   => [{ raw => join '', map { chr } 0 .. 255 },
                  $malformed->(qr/not an HTTP/)],
    old       => [{ raw => "hello\n" }, $malformed->(qr/not an HTTP/)],
    http2     => [{ raw => "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64" },
                  $malformed->(qr/not an HTTP/)],
    version   => [{ raw => line('HTTP/2.0 200 OK') },
                  $malformed->(qr/HTTP/)],
    version12 => [{ raw => line('HTTP/1.2 200 OK') },
                  $malformed->(qr/HTTP version/)],
    ssh       => [{ raw => "SSH-2.0-OpenSSH_9.2\r\n" },
                  $malformed->(qr/not an HTTP/)],
    leading   => [{ raw => "\r\n$empty" }, $malformed->(qr/not an HTTP/)],
    s2000     => [{ raw => line('HTTP/1.1 2000 OK') }, $status_line],
    s999      => [{ raw => line('HTTP/1.1 999 OK') }, $status_line],
    s099      => [{ raw => line('HTTP/1.1 099 OK') }, $status_line],
    sminus    => [{ raw => line('HTTP/1.1 -200 OK') }, $status_line],
    nostatus  => [{ raw => line('HTTP/1.1 ') }, $status_line],
    reason    => [{ raw => line("HTTP/1.1 200 O\0K") }, $status_line],
    barelf    => [{ raw => "HTTP/1.1 200 OK\nContent-Length: 0\n\n" },
                  $malformed->(qr/malformed/)],

    headers   => [{ raw => "HTTP/1.1 200 OK\r\n$many\r\n" }, $large],
    header    => [{ raw => header('X: ' . 'y' x 70_000) }, $large],
    name      => [{ raw => header('x' x 70_000 . ': y') }, $large],
    longline  => [{ raw => line('HTTP/1.1 200 ' . 'x' x 70_000) }, $large],
    trailers  => [{ raw => "${chunked}0\r\n$many\r\n" }, $large],
    noname    => [{ raw => header(': x') }, $name],
    space     => [{ raw => header('X : y') }, $name],
    foldfirst => [{ raw => header(" X: y") }, $name],
    foldlength => [{ raw => length_of("5\r\n 5") }, $length],
    foldchunk => [{ raw => encoded("Transfer-Encoding: chunked\r\n\tx") },
                  $encoding],
    nul       => [{ raw => header("X: a\0b") }, $line_end],
    cr        => [{ raw => header("X: a\rb") }, $line_end],

    twice     => [{ raw => length_of(5, 5) }, $length],
    differ    => [{ raw => length_of(5, 6) }, $length],
    list      => [{ raw => length_of('5, 5') }, $length],
    minus     => [{ raw => length_of(-5) }, $length],
    plus      => [{ raw => length_of('+5') }, $length],
    hex       => [{ raw => length_of('0x5') }, $length],
    nolength  => [{ raw => length_of('') }, $length],
    huge      => [{ raw => length_of('9' x 30) }, $length],
    short     => [{ raw => length_of(4) },
                  $malformed->(qr/bytes after the end/)],
    another   => [{ raw => $empty x 2, close => 0 },
                  $malformed->(qr/bytes after the end/)],
    cltelater => [{ raw => encoded('Content-Length: 5',
                                   'Transfer-Encoding: chunked') },
                  $malformed->(qr/ambiguous/)],
    tecl      => [{ raw => encoded('Transfer-Encoding: chunked',
                                   'Content-Length: 5') },
                  $malformed->(qr/ambiguous/)],
    xchunked  => [{ raw => encoded('Transfer-Encoding: xchunked') },
                  $encoding],
    gzip      => [{ raw => encoded('Transfer-Encoding: gzip, chunked') },
                  $encoding],
    tetwice   => [{ raw => encoded(('Transfer-Encoding: chunked') x 2) },
                  $encoding],
    te10      => [{ raw => encoded('Transfer-Encoding: chunked')
                           =~ s/1\.1/1.0/r }, $encoding],
    badchunk  => [{ raw => "${chunked}zz\r\n" }, $chunk],
    minuschunk => [{ raw => "${chunked}-5\r\nhello\r\n0\r\n\r\n" }, $chunk],
    hugechunk => [{ raw => $chunked . 'f' x 17 . "\r\n" }, $chunk],
    crchunk   => [{ raw => "${chunked}5\r\nhelloxx0\r\n\r\n" }, $chunk],
    lfchunk   => [{ raw => "${chunked}5\nhello\n0\n\n" }, $chunk],
    extchunk  => [{ raw => "${chunked}5;" . 'x' x 70_000 }, $chunk],

    interim11 => [{ raw => "HTTP/1.1 102 Processing\r\n\r\n" x 11 . $empty },
                  $interim],
    interims  => [{ raw => "HTTP/1.1 100 Continue\r\n\r\n" x 10_000 },
                  $interim],
    interimte => [{ raw => encoded('Transfer-Encoding: chunked')
                           =~ s/200/103/r }, $interim],
    interimx  => [{ raw => "HTTP/1.1 100 Continue\r\n\r\n" }, $closed],
    switch    => [{ raw => "HTTP/1.1 101 Switching Protocols\r\n"
                           . "Upgrade: websocket\r\nConnection: upgrade\r\n"
                           . "\r\n", close => 0 },
                  $malformed->(qr/switches protocols/)],

    (map { my $status = $_;
           ("s$status" => [{ status => $status, headers => {
                                 Location => '/elsewhere' } }, ['status']]) }
         300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 404, 413, 500, 502,
         503, 508, 599),

    # what is one in spite of all
    (map { ("e204$_" => [{ raw => $empty{$_}, close => 0 }, $success]) }
         keys %empty),
    interim10 => [{ raw => "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" x 10
                           . $empty }, $success],
    endless   => [{ raw => "HTTP/1.1 200 OK\r\n$close" . 'x' x 4_000_000 },
                  $success],
    endlesscl => [{ raw => length_of(1 << 40) . 'x' x 100_000, close => 0 },
                  $success],
    endlesste => [{ raw => $chunked . ("1000\r\n" . 'x' x 4096 . "\r\n")
                                      x 500, close => 0 }, $success],
    fold      => [{ raw => header("X: y\r\n z") }, $success],
    folds     => [{ raw => header("X:\r\n y\r\n\t\r\n  z") }, $success],
    foldte    => [{ raw => encoded("Transfer-Encoding:\r\n chunked\r\n ") },
                  $success],
    foldend   => [{ raw => "${chunked}0\r\nX: a\r\n b\r\n\r\n" }, $success],
    wide      => [{ raw => header('X: ' . 'y' x 9_000) }, $success],
    wider     => [{ raw => header('X: ' . 'y' x 32_000) }, $success],
    http10    => [{ raw => "HTTP/1.0 200 OK\r\n\r\nhello" }, $success],
);

# these have their verdict, and are no load
my $aside = qr/^(?:refused|hang|slow|slowbody|late|e204\w+|fold\w*|wider?)$/;

my $shop = NotifyTest::Shop->new(
    profile => 'retry 200ms 300ms 300ms until=5m jitter=0%; breaker off;'
             . 'timeout 1s; read_timeout 700ms; connect_timeout 500ms;'
             . 'response_limit 2k; response_log 64; keepalive 4 idle=500ms;',
    profiles => { brief => 'retry 100ms jitter=0%; breaker off; timeout 1s;'
                         . 'read_timeout 700ms; keepalive 4 idle=500ms;' },
    channel => 'subscriptions_max 5000;');
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $worker;
eventually { ($worker) = $nginx->workers } 'there is a worker';

# JSON takes only characters, raw is bytes: both are 0 to 255 here
$receiver->stop;
for my $fault (keys %faults) {
    my ($answer, $expected) = @{ $faults{$fault} };
    $receiver->{scripts}{"/$fault"} =
        { answers => [$answer, $answer, {}], cycle => 1 };
    $receiver->{scripts}{"/always-$fault"} = { answers => [$answer] };
}
$receiver->start;

sub status_of {
    my ($value) = slurp("/proc/$worker/status") =~ /^$_[0]:\s+(\d+)/m;
    return $value;
}
sub files { return scalar(() = glob "/proc/$worker/fd/*") }


$shop->ready;
my $refused = NotifyTest::Receiver->new(start => 0);
my %id = map { $_ => $shop->subscribe("/$_") } keys %faults;
$id{refused} = $shop->subscribe($refused->url('/refused'));
$faults{refused} = [undef, ['connection refused']];

my ($files, $since);
eventually {
    my $now = files();
    ($files, $since) = ($now, time) unless defined $files && $now == $files;
    time - $since > 0.7;
} 'idle connections are closed';


# one event, all faults at a time: twice the fault, then 200

sub deliveries { return @{ $shop->ask(
    GET => "subscriptions/$_[0]/deliveries?limit=250")->{json} // [] } }

sub attempts_of {
    my ($fault, $event) = @_;
    my ($one) = grep { $_->{eventId} eq $event } deliveries($id{$fault});
    return $one && $shop->ask(GET => "deliveries/$one->{id}")->{json};
}

my $event = $shop->publish(1);
eventually { my $one = attempts_of(refused => $event);
             $one && $one->{attemptCount} >= 2 } 'nobody listens at first';
$refused->start;

for my $fault (sort keys %faults) {
    my ($error, $detail) = @{ $faults{$fault}[1] };
    my $one;

    eventually { $one = attempts_of($fault, $event);
                 $one && $one->{status} eq 'succeeded' }
               "$fault: delivered in the end";
    my @attempts = @{ $one->{attempts} };
    my @errors = map { $_->{error} // '' } @attempts;

    if (!defined $error) {
        is("@errors", '', 'and there was no fault');
        is($attempts[0]{status}, $fault =~ /^e204/ ? 204 : 200,
           'its status is known');
        next;
    }
    if ($fault ne 'refused') {
        is(join(', ', @errors), "$error, $error, ", 'the faults are recorded');
    } else {
        is($errors[0], $error, 'the faults are recorded');
    }
    like($attempts[0]{detail} // '', $detail, 'with what it was') if $detail;
    is($attempts[0]{status} // 0, $1, 'and the status')
        if $fault =~ /^s(\d+)$/ && $error eq 'status';
    cmp_ok($attempts[0]{latency}, '<', 1000 + 500
           * ($ENV{NOTIFY_TEST_SLOW} // 1), 'not later than its deadline');
}

is(join(' ', grep { $_ ne $event } map { $_->{headers}{'webhook-id'} }
             grep { $_->{path} ne '/ready' } $receiver->requests), '',
   'all of them with the event\'s id');
is(scalar($receiver->requests('/elsewhere')), 0, 'nothing was followed');


# load: nothing is left of it

my $ledger = NotifyTest::Ledger->new(shop => $shop,
    to => { map { ("/$_" => $id{$_}) }
            grep { !/$aside/ } keys %id });

sub load {
    my @ids = $ledger->add($shop->publish(@_));
    my %open = map { $_ => 1 } grep { !/$aside/ || $_ eq 'refused' }
               keys %faults;
    eventually {
        for my $fault (keys %open) {
            my %done = map { $_->{eventId} => 1 }
                       grep { $_->{status} eq 'succeeded' }
                       deliveries($id{$fault});
            return 0 if grep { !$done{$_} } @ids;
            delete $open{$fault};
        }
        1;
    } "@_ events through all faults", 12
        or diag("left: @{[ sort keys %open ]}");
}

# these are too long to be load
$shop->delete($id{$_}) for grep { /$aside/ && $_ ne 'refused' } keys %id;
# the allocator takes and gives back some MB: a leak would grow with each
load(12) for 1 .. 2;
my @memory = status_of('RssAnon');
my $more;
for (1 .. 5) {
    load(12);
    push @memory, status_of('RssAnon');
    $more = min($more // (), $memory[-1] - $memory[-2]);
    last if $more < 512;
}

is(scalar($ledger->unlogged), 0, 'all of it is in deltas');

SKIP: {
    skip 'a sanitizer keeps what is freed: memory is not measured', 1
        if $ENV{ASAN_OPTIONS};
    cmp_ok($more, '<', 512, 'the worker\'s memory is flat')
        or diag("@memory KB");
}

eventually { files() <= $files } 'it has as many files as before'
    or diag(files() . " and not $files");


# who never gets better: dead, and the reason is on record

$faults{s410} = [{ status => 410 }, ['status']];
$receiver->script('/always-s410', $faults{s410}[0]);
my %always = map { $_ => $shop->subscribe("/always-$_", profile => 'brief',
                                          event => 'always') }
             grep { $_ ne 'refused' && defined $faults{$_}[1][0] } keys %faults;
$faults{closed} = [undef, ['connection refused']];
$always{closed} = $shop->subscribe('http://127.0.0.1:' . free_port() . '/',
                                   profile => 'brief', event => 'always');
$ledger = NotifyTest::Ledger->new(shop => $shop,
    to => { map { ("/always-$_" => $always{$_}) } keys %always });
$event = $ledger->add($shop->publish(1, eventType => 'always'));
$ledger->mark;
$ledger->holds('never better', grow => 4096, spare => 4 * keys %always);

my @wrong = grep { $_ } map {
    my ($name, $error) = ($_, $faults{$_}[1][0]);
    my ($one) = deliveries($always{$name});
    my $said = join ' ', map { $_ // '' } @$one{qw(status reason attemptCount)},
                                          $one->{lastAttempt}{error};
    my $want = $name eq 's410' ? 'dead gone 1 status'
                               : "dead exhausted 2 $error";
    $said eq $want ? () : "$name: $said";
} sort keys %always;
is(join("\n", @wrong), '', 'each says why, and what the last attempt was');

is(join(' ', $nginx->workers), $worker, 'it is the same worker');
unlike($nginx->log, qr/\[crit\]/, 'and nothing of it was critical');

finish();
