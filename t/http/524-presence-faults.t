# Devices come and go while workers are killed and reloaded and Redis is
# restarted: who is away gets each of its events, from its provider or by its
# subscription; who is there, and comes again soon, gets none.
# SEED=n repeats a run.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Chat;

my $seed = $ENV{SEED} // int rand 1e6;
srand $seed;
note("SEED=$seed");

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $chat = NotifyTest::Chat->new;
my $nginx = NotifyTest::Nginx->new(
    redis => $redis, workers => 2, allow => qr/exited on signal 9/,
    main => 'worker_shutdown_timeout 300ms;',
    vars => { CHAT => $chat->address, PUSH => $receiver->port },
    http => <<'END');
    notify_profile push { allow 127.0.0.0/8; retry off; breaker off; }
    notify_provider default {
        url http://127.0.0.1:%%PUSH%%/provider;
        message news; payload on; allow 127.0.0.0/8; breaker off;
    }
    notify_channel chat { profile push; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_buffering off;

        location = /long {
            proxy_pass     http://%%CHAT%%/stream;
            notify_session chat id=$arg_session presence grace=5s lease=10s;
        }
        location = /brief {
            proxy_pass     http://%%CHAT%%/stream;
            notify_session chat id=$arg_session presence grace=200ms lease=1s;
        }
        location / { notify_api chat; }
    }
END

# again while workers or Redis are away
sub ask {
    my ($method, $path, $json) = @_;
    my $answer;
    eventually { $answer = http($method => $nginx->url($path),
                                json => $json, timeout => 5);
                 $answer->{success} } or die "$path: $answer->{status}\n";
    return $answer->{json};
}

ask(POST => '/subscriptions', { url => $receiver->url('/push'), event => 'm' });

# whose events go where: to the provider, or to who has subscribed
my %to = map { ("pushed-$_" => '/provider', "plain-$_" => '/push') } 1 .. 2;
my @there = map { "there-$_" } 1 .. 3;
my @fickle = map { "fickle-$_" } 1 .. 3;
my @all = (keys %to, @there, @fickle);
ask(PUT => "/sessions/$_", { $to{$_} && $to{$_} eq '/provider'
    ? (push => 'true', payload => 'true', deviceId => $_) : (ttl => '1h') })
    for @all;

my (%socket, %event, $n);

sub connected {
    my ($path, $session) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1:' . $nginx->port, Timeout => 5) or return;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, "GET $path?session=$session HTTP/1.1\r\nHost: a\r\n\r\n";
    $socket->blocking(0);
    return $socket;
}

# whose worker has gone comes again
sub come {
    my ($path, $session) = @_;
    my $socket = $socket{$session};

    while ($socket) {
        my $got = sysread $socket, my $bytes, 65536;
        return if !defined $got && $!{EAGAIN};
        last unless $got && $bytes !~ m{^HTTP/1.1 5}m;
    }

    $socket{$session} = connected($path, $session);
}

sub publish {
    my ($session) = @_;
    ask(POST => '/events', { eventType => 'm', sessionId => $session,
                             uid => 'e-' . ++$n, data => { n => $n } });
    $event{$n} = $session;
    return $n;
}

# how often each number has come to a path
sub came {
    my ($path) = @_;
    my %came;
    for ($receiver->requests($path)) {
        my $body = from_json($_->{body});
        $came{ ($body->{payload} // $body->{data})->{n} }++;
    }
    return \%came;
}

come('/long', $_) for @there;
for my $session (@there) {
    eventually { ask(GET => "/sessions/$session")->{connected} }
               "$session is there";
}

my @faults = (
    sub { $nginx->reload },
    sub { $nginx->kill_worker },
    sub { $redis->cli('CLIENT', 'KILL', 'TYPE', 'normal') },
    sub { $redis->restart },
);
my $end = time + ($ENV{NOTIFY_TEST_LONG} ? 20 : 3);
my $next = time;
my $back = 0;
my $faults = 0;

while (time < $end) {
    delete $socket{ $there[rand @there] } if rand() < 0.1;
    if (time > $back) {             # within their grace
        come('/long', $_) for @there;
        $back = time + 0.2;
    }

    my $fickle = $fickle[rand @fickle];
    rand() < 0.5 ? come('/brief', $fickle) : delete $socket{$fickle};
    publish($all[keys(%event) % @all]);

    if (time > $next) {
        $faults[$faults++ % @faults]->();
        $next = time + 0.1 + rand 0.4;
    }

    elapse 0.01;
}

note(scalar keys %event, " events, $faults faults");

for my $path ('/provider', '/push') {
    my @wanted = grep { ($to{ $event{$_} } // '') eq $path } keys %event;
    my @lost;
    eventually { my $came = came($path);
                 !(@lost = grep { !$came->{$_} } @wanted) }
               "all events of who is away have come to $path", 20
        or diag(scalar @lost, ' of ', scalar @wanted, " lack: @lost");

    my $came = came($path);
    my $again = 0;
    $again += $came->{$_} - 1 for keys %$came;
    cmp_ok($again, '<=', 32 * $faults, "few of them twice: $again");
    is(join(' ', grep { $event{$_} =~ /^there/
                        || $to{ $event{$_} } && $to{ $event{$_} } ne $path }
                      keys %$came), '',
       "none for who is there, nor somebody else's");
}

# in the end all of them are away
%socket = ();
my @last = map { my $session = $_;
    eventually { !ask(GET => "/sessions/$session")->{connected} }
               "$session has gone", 15;
    publish($session) } @fickle;
eventually { my $came = came('/push'); !grep { !$came->{$_} } @last }
           'and gets what comes';

finish();
