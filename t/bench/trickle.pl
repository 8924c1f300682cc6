#!/usr/bin/env perl
#
# What a delivery costs where events come one by one, at a rate that is far
# from what the machine can do: CPU of Redis and of the worker, Redis'
# commands and bytes of its file, for one and for ten subscribers.  CPU is what
# /proc says, so other work on the machine changes little.  With several
# channels the events go to one after the other.
# usage: BENCH=trickle make -f Makefile.dev bench
#        RATE=300 SECONDS=10 CHANNELS=1 NOTIFY_TEST_MODULE=another.so

use strict;
use warnings;

use IO::Socket::INET;
use Time::HiRes qw(sleep time);
use NotifyTest;

alarm 200;

my $rate = $ENV{RATE} // 300;
my $seconds = $ENV{SECONDS} // 10;
my $channels = $ENV{CHANNELS} // 1;
my $tick = 100;        # of /proc, a second

my $receiver = NotifyTest::Nginx->new(level => 'error', http => <<'END');
    access_log off;
    keepalive_requests 100000000;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /count { stub_status; }
        location /      { return 200; }
    }
END

sub cpu {
    my ($pid) = @_;
    my @field = split ' ', (slurp("/proc/$pid/stat") =~ s/^.*\) //r);
    return ($field[11] + $field[12]) / $tick;
}

sub worker { return (slurp("/proc/$_[0]/task/$_[0]/children") =~ /(\d+)/)[0] }

printf "%d events a second, one by one, for %d s, channels: %d\n\n", $rate,
    $seconds, $channels;
printf "%-12s %16s %16s %16s %16s\n", 'subscribers', 'Redis us/call',
    'worker us/call', 'commands/event', 'AOF bytes/call';

for my $subscribers (1, 10) {
    my $redis = NotifyTest::Redis->new;
    my $nginx = NotifyTest::Nginx->new(level => 'error', redis => $redis,
        connections => 4096, http => <<'END'
    access_log off;
    keepalive_requests 100000000;
    notify_profile plain { allow 127.0.0.0/8; schemes http; keepalive 128; }
END
        . (join '', map { "notify_channel c$_ { profile plain; event x.y; }\n" }
                        1 .. $channels)
        . "server {\n    listen 127.0.0.1:%%PORT%%;\n"
        . (join '', map { "    location /c$_/ { notify_api c$_; }\n" }
                        1 .. $channels) . '}');

    eventually { http(GET => $nginx->url('/c1/health'))->{status} == 200 } undef;

    for my $n (1 .. $subscribers * $channels) {
        my $c = $n % $channels + 1;
        http(POST => $nginx->url("/c$c/subscriptions"), json => {
            event => 'x.y', url => $receiver->url("/$n") })
            ->{status} == 201 or die "trickle: no subscription\n";
    }

    my $body = '{"eventType":"x.y","entityID":7,"data":{"text":"'
             . 'x' x 100 . '"}}';
    my @requests = map { "POST /c$_/events HTTP/1.1\r\nHost: localhost\r\n"
                . "Content-Type: application/json\r\nContent-Length: "
                . length($body) . "\r\n\r\n$body" } 1 .. $channels;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
                                       . $nginx->port) or die "trickle: $!\n";
    my $received = sub {
        my ($n) = http(GET => $receiver->url('/count'))->{content}
            =~ /^ \d+ \d+ (\d+)/m;
        return $n;
    };
    my $commands = sub {
        return ($redis->cli('INFO', 'stats')
                =~ /total_commands_processed:(\d+)/)[0];
    };
    my $aof = sub {
        return ($redis->cli('INFO', 'persistence')
                =~ /aof_current_size:(\d+)/)[0];
    };

    my $nginx_pid = worker($nginx->pid);
    my @before = (cpu($redis->pid), cpu($nginx_pid), $commands->(), $aof->(),
                  $received->());
    my $events = $rate * $seconds;
    my $began = time;

    for my $n (1 .. $events) {
        my $wait = $began + $n / $rate - time;
        sleep $wait if $wait > 0;
        syswrite $socket, $requests[$n % $channels];
        my $answer = '';
        while ($answer !~ /\r\n\r\n.*\}/s) {
            sysread $socket, $answer, 4096, length $answer
                or die "trickle: no answer\n";
        }
        $answer =~ /^HTTP\S+ 202/ or die "trickle: $answer\n";
    }

    my $polls = 0;
    eventually { $received->() - $before[4] - ++$polls
                 >= $events * $subscribers } undef;
    my @after = (cpu($redis->pid), cpu($nginx_pid), $commands->(), $aof->());
    my $calls = $events * $subscribers;

    printf "%-12d %16.1f %16.1f %16.2f %16.0f\n", $subscribers,
        1e6 * ($after[0] - $before[0]) / $calls,
        1e6 * ($after[1] - $before[1]) / $calls,
        ($after[2] - $before[2]) / $events,
        ($after[3] - $before[3]) / $calls;

    $nginx->stop;
    $redis->stop;
}
