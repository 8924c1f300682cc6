# A receiver whose answers are made by chance: cut, mutated, trickled, huge,
# with odd status lines, broken chunks, floods of interim answers.  Each
# delivery gets its verdict, and the worker stays as it was.  NOTIFY_TEST_LONG:
# many more; NOTIFY_TEST_SEED repeats a run.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

$ENV{MALLOC_PERTURB_} = 165;

my $events = $ENV{NOTIFY_TEST_LONG} ? 4000 : 60;
my $endpoints = 5;
my $seed = $ENV{NOTIFY_TEST_SEED} // int(time);
diag("NOTIFY_TEST_SEED=$seed");


# --- the receiver, in a process of its own ---

sub pick { return $_[rand @_] }
sub many { my ($most, $make) = @_; return join '', map { $make->() }
                                           1 .. 1 + rand $most }
sub bytes { return many($_[0], sub { chr rand 256 }) }

sub status_line {
    return pick(('HTTP/1.1 200 OK') x 8, 'HTTP/1.1 204 No Content',
        'HTTP/1.0 200 OK', 'HTTP/1.1 500 x', 'HTTP/1.1 200', 'HTTP/1.1 304 x',
        'HTTP/1.1  200 OK', 'HTTP/2 200', 'HTTP/1.1 99 x', 'HTTP/1.1 1000 x',
        'http/1.1 200 OK', 'HTTP/1.1 429 x', 'HTTP/1.1 103 x', bytes(40));
}

sub header {
    return pick(
        "Content-Length: " . pick(0, 2, 5, -1, '5, 5', 1 << 40, '', '0x2'),
        'Transfer-Encoding: ' . pick('chunked', 'Chunked', 'gzip, chunked',
                                     'identity', '', "chunked\r\n x"),
        'Connection: ' . pick('close', 'keep-alive', 'upgrade', ',,,close'),
        'Retry-After: ' . pick(0, -5, 'soon', '', '0x1',
                               'Thu, 01 Jan 1970 00:00:00 GMT'),
        'Content-Type: ' . pick('application/json', 'x' x 300, ''),
        'X-' . 'y' x rand(60) . ': ' . 'z' x pick(10, 1000, 9000, 40_000),
        "X: a\r\n folded", 'X : space', ': none', bytes(30));
}

sub body {
    return pick('', 'ok', '{"ok":true}', '{"ok":' . '[' x rand(600),
        '{"ok":true,"n":1e999,"s":"\ud83d"}', bytes(200), 'x' x 100_000,
        many(6, sub { pick(sprintf("%x\r\n", rand 40), "5\r\nhello\r\n",
                           "0\r\n\r\n", "ffffffffffffffff1\r\n", "-1\r\n",
                           "5;x=y\r\nhello\r\n", "5\nhello\n", "zz\r\n") }));
}

sub answer {
    my $text = rand() < 0.1 ? many(15, sub { "HTTP/1.1 10" . int(rand 4)
                                             . " x\r\n\r\n" }) : '';
    $text .= status_line() . "\r\n"
           . join('', map { header() . "\r\n" } 1 .. rand 5) . "\r\n" . body();

    if (rand() < 0.3) {
        substr $text, rand length $text, 1 + rand 3, bytes(3)
            for 1 .. 1 + rand 6;
    }
    substr $text, rand length $text, length $text, '' if rand() < 0.2;
    return $text;
}

sub serve {
    my ($listen) = @_;
    my $all = IO::Select->new($listen);
    my (%in, %out);

    srand $seed;
    local $SIG{PIPE} = 'IGNORE';

    while (1) {
        for my $socket ($all->can_read(%out ? 0.01 : 1)) {
            if ($socket == $listen) {
                my $new = $listen->accept or next;
                $new->blocking(0);
                $all->add($new);
                $in{$new} = '';
                next;
            }
            my $n = sysread $socket, $in{$socket}, 65536, length $in{$socket};
            if (!defined $n || $n == 0) {
                delete $out{$socket};
                $all->remove($socket);
                close $socket;
            } elsif ($in{$socket} =~ /\r\n\r\n.*\}\z/s) {
                $in{$socket} = '';
                $out{$socket} = { socket => $socket, text => answer(),
                                  step => pick(1 << 20, 1 << 20, 1, 7, 900),
                                  close => rand() < 0.7 };
            }
        }
        for my $name (keys %out) {
            my $one = $out{$name};
            my $n = syswrite $one->{socket}, $one->{text}, $one->{step};
            next if !defined $n && $!{EAGAIN};
            substr $one->{text}, 0, $n // length $one->{text}, '';
            next if length $one->{text} && defined $n;

            delete $out{$name};
            next unless $one->{close} || !defined $n;
            setsockopt $one->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
                if rand() < 0.2;
            $all->remove($one->{socket});
            close $one->{socket};
        }
    }
}


# --- the suite ---

my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1024,
                                   ReuseAddr => 1) or die "listen: $!";
my $port = $listen->sockport;
my $pid = NotifyTest::spawn(sub { serve($listen) });
close $listen;

my $shop = NotifyTest::Shop->new(
    workers => 1,
    profile => 'retry 50ms 50ms jitter=0%; breaker off; timeout 3s;'
             . 'read_timeout 2s; response_limit 8k; in_flight 32;',
    profiles => { json => q(success json '{"ok":true}'; retry 50ms jitter=0%;
                            breaker off; timeout 3s; in_flight 32;) });
my $nginx = $shop->nginx;
$shop->ready;
my ($worker) = $nginx->workers;

my @ids = map { $shop->subscribe("http://127.0.0.1:$port/f$_", event => 'fuzz',
                                 $_ % 2 ? (profile => 'json') : ()) }
          1 .. $endpoints;
my $left = $events;
while ($left > 0) {
    my $n = $left > 500 ? 500 : $left;
    $shop->publish($n, eventType => 'fuzz');
    $left -= $n;
}

sub counters { return $shop->ask(GET => 'stats')->{json}{counters} }

my $wanted = $events * $endpoints;
eventually { my $c = counters(); $c->{delivered} + $c->{dead} >= $wanted }
    "all of $wanted deliveries get a verdict", $ENV{NOTIFY_TEST_LONG} ? 900 : 90
    or diag(to_json(counters()));

my $c = counters();
cmp_ok($c->{delivered}, '>', $wanted / 50, 'some of them are successes');
cmp_ok($c->{dead}, '>', $wanted / 50, 'some are not');

for my $id (@ids) {
    my $list = $shop->ask(GET => "subscriptions/$id/deliveries?limit=250"
                                 . '&status=dead')->{json};
    my @bare = grep { !length($_->{lastAttempt}{error} // '')
                      && ($_->{reason} // '') ne 'gone' } @{ $list // [] };
    is(scalar @bare, 0, 'each that is dead says why');
}

is(join(' ', $nginx->workers), $worker, 'it is the same worker');
is($shop->ask(GET => 'health')->{status}, 200, 'in good health');
NotifyTest::reap($pid, 'KILL');

finish();
