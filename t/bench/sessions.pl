# Registers sessions over a few connections that are kept, then publishes the
# same events without and with a session, and counts what Redis was asked.
# SESSIONS=100000 EVENTS=20000

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);
use NotifyTest;
use NotifyTest::Bench qw(pipeline request);

use constant { PIPELINE => 100, BATCH => 250, MOST => 400 };

# as a whole
alarm 170;

my $sessions = $ENV{SESSIONS} // 100_000;
my $events = $ENV{EVENTS} // 20_000;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 1,
    level => 'warn', connections => 4096, http => <<'END');
    access_log off;
    keepalive_requests 10000000;

    notify_profile push {
        allow 127.0.0.0/8;
        schemes http;
        retry off;
        attempt_log off;
    }
    notify_channel chat {
        profile push;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /stream {
            notify_api chat deltas;
            notify_session chat id=$arg_session presence;
        }
        location / { notify_api chat; }
    }
END

sub id { return sprintf 'bf813a5d-2e06-4047-bae2-%012x', $_[0] }

sub used { return (map { /^used_memory:(\d+)/ }
                   $redis->cli('INFO', 'memory'))[0] }

# calls of a command, inside of scripts, too
sub calls {
    my ($command) = @_;
    return (map { /^cmdstat_$command:calls=(\d+)/ }
            $redis->cli('INFO', 'commandstats'))[0] // 0;
}

eventually { http(GET => $nginx->url('/health'))->{status} == 200 } 'ready';
my $id = http(POST => $nginx->url('/subscriptions'), json => {
    url => $receiver->url('/push'), event => 'message.new' })->{json}{id};

my $before = used();
my $start = time;
for (my $i = 0; $i < $sessions; $i += 1000) {
    pipeline($nginx, PIPELINE, 201,
             map { request(PUT => '/sessions/' . id($_), {
        subscription => $id, provider => 'gold',
        device => 'f' . id($_) }) } $i .. $i + 999);
}
my $seconds = time - $start;
my @streams = map { my $s = IO::Socket::INET->new(
    PeerAddr => '127.0.0.1:' . $nginx->port);
    print $s 'GET /stream?session=' . id($_) . " HTTP/1.1\r\nHost: x\r\n"
        . "Accept: text/event-stream\r\n\r\n"; $s->flush; $s } 1 .. 500;
eventually { http(GET => $nginx->url('/sessions/' . id(500)))
             ->{json}{connected} } '500 are connected';

my $bytes = (used() - $before) / $sessions;
my ($largest) = sort { $b <=> $a } map { $redis->cli('MEMORY', 'USAGE', $_) }
    (grep { defined } ($redis->cli('--scan', '--pattern', '*session:*'))[0 .. 499]);
printf "  %d sessions in %.1f s, %.0f bytes of Redis each, of 500 the "
       . "largest %d\n", $sessions, $seconds, $bytes, $largest;
cmp_ok($bytes, '<=', MOST, 'at most ' . MOST . ' bytes a session');

sub publish {
    my ($session) = @_;
    my %calls = map { $_ => calls($_) } 'evalsha', 'hgetall';
    my $seen = $receiver->count('/push');
    my $n = 0;
    my @posts;

    while ($n < $events) {
        push @posts, request(POST => '/events', [ map { +{
            eventType => 'message.new',
            $session->(++$n) } } 1 .. BATCH ]);
    }

    my $start = time;
    pipeline($nginx, PIPELINE, 202, @posts);
    eventually { $receiver->count('/push') - $seen >= $events } undef, 60;
    my $seconds = time - $start;
    sleep 0.3;
    return ($seconds, map { calls($_) - $calls{$_} } 'evalsha', 'hgetall');
}

my ($plain, $scripts) = publish(sub { () });
my ($asked, $more, $looked) = publish(sub {
    (sessionId => id(1000 + $_[0])) });
printf "  %d events: %d scripts in %.1f s; each for another session: %d "
       . "scripts in %.1f s, %d sessions looked at\n",
       $events, $scripts, $plain, $more, $asked, $looked;
printf "  %.4f scripts an event, with all that publishes and commits\n",
       $more / $events;
cmp_ok($more / $events, '<', 0.25, 'a round trip is for many events');
cmp_ok(($more - $scripts) / $events, '<', 0.05,
       'that for their sessions for at least 20');

close $_ for @streams;
finish();
