#!/usr/bin/env perl
#
# What a uid costs: the same events without and with one, published in arrays.
# Bytes of Redis by what its memory grows, bytes of its file, and the time that
# publishes take in Redis by its own count; then how long it takes to read all
# keys but the log as a migration of the slot would.
# usage: perl -It/lib t/bench/known.pl     EVENTS=100000

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

Test::More->builder->output('/dev/null');
Test::More->builder->no_ending(1);

# as a whole
alarm 300;

my $events = $ENV{EVENTS} // 100_000;
my %cost;

sub info {
    my ($redis, $section, $name) = @_;
    return $redis->cli(INFO => $section) =~ /^\Q$name\E:(\d+)/m ? $1 : 0;
}

sub script_time {
    my ($redis) = @_;
    return $redis->cli(INFO => 'commandstats')
           =~ /^cmdstat_evalsha:calls=\d+,usec=(\d+)/m ? $1 : 0;
}

for my $with (0, 1) {
    my $redis = NotifyTest::Redis->new(args => ['--appendonly', 'yes',
                                      '--auto-aof-rewrite-percentage', 0]);
    my $nginx = NotifyTest::Nginx->new(redis => $redis, level => 'error',
        http => <<'END');
    notify_profile plain { allow 127.0.0.0/8; }
    notify_channel shop  { profile plain; compress off; }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 1m;
        location /shop/ { notify_api shop; }
    }
END
    eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 }
               'it serves';

    my %was = (memory => info($redis, memory => 'used_memory'),
               file => info($redis, persistence => 'aof_current_size'));
    $redis->cli('CONFIG', 'RESETSTAT');

    for my $n (1 .. $events / 250) {
        my $answer = http(POST => $nginx->url('/shop/events'), json => [
            map { { eventType => 'order.paid', entityID => $_,
                    $with ? (uid => "order-$n-$_") : () } } 1 .. 250]);
        die "$answer->{status}\n" unless $answer->{status} == 202;
    }

    my %is = (us => script_time($redis) / $events,
              memory => (info($redis, memory => 'used_memory')
                         - $was{memory}) / $events,
              file => (info($redis, persistence => 'aof_current_size')
                       - $was{file}) / $events);

    $cost{$_}[$with] = $is{$_} for keys %is;

    if ($with) {
        my $from = time;
        my $n = $redis->cli('EVAL', <<'END', 0);
            local n = 0
            for _, key in ipairs(redis.call('KEYS', '*')) do
                if not string.find(key, ':log$') then
                    redis.call('DUMP', key)
                    n = n + 1
                end
            end
            return n
END
        printf "%-40s %10d\n", 'keys besides the log', $n;
        printf "%-40s %10.0f\n", 'ms to dump them', 1000 * (time - $from);
    }
}

printf "%-40s %10.1f %10.1f %10.1f\n",
       @$_[0], @{ $cost{ $_->[1] } }, $cost{ $_->[1] }[1] - $cost{ $_->[1] }[0]
    for ['bytes of memory an event: without, with, uid', 'memory'],
        ['bytes of the file', 'file'], ['µs of Redis in publishes', 'us'];
