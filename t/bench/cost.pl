#!/usr/bin/env perl
#
# What notify_sync and notify_emit add to a proxied request, as ratios in one
# run: each measure beside the one it is compared with, round after round, and
# the medians of the rounds' ratios.  CPU is the worker's alone, per request;
# latency is that of one connection, so that no other process has to wait.
# Its own Redis, nginx and backend; nothing is left.
# usage: perl -It/lib t/bench/cost.pl     ROUNDS=5

use strict;
use warnings;

use Time::HiRes qw(clock_gettime);
use NotifyTest;

# as a whole
alarm 240;

my $rounds = $ENV{ROUNDS} // 5;

my $redis = NotifyTest::Redis->new;
my $answer = '{"id":1001,"state":"new","customer":{"id":7,"name":"Smith"},'
             . '"lines":[{"sku":"s-1","n":2},{"sku":"s-2","n":1}]}';

my $back = NotifyTest::Nginx->new(level => 'error', http => <<"END");
    access_log off;
    keepalive_requests 100000000;
    server {
        listen 127.0.0.1:%%PORT%%;
        default_type application/json;
        location /ask  { return 200 '{"success":true}'; }
        location /word { return 200; }
        location /     { return 200 '$answer'; }
    }
END

my $front = NotifyTest::Nginx->new(level => 'error', redis => $redis,
    connections => 4096, vars => { BACK => $back->port }, http => <<'END');
    access_log off;
    keepalive_requests 100000000;
    notify_profile plain { allow 127.0.0.0/8; schemes http; keepalive 128; }
    notify_channel bench {
        profile plain;
        event asked.about sync;
        event nobodys.business sync;
        event captured;
    }
    upstream back {
        server 127.0.0.1:%%BACK%%;
        keepalive 128;
        keepalive_requests 100000000;
    }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {
        listen 127.0.0.1:%%PORT%%;
        location /api    { notify_api bench; }
        location /plain  { proxy_pass http://back; }
        location /none   { notify_sync bench nobodys.business gate;
                           proxy_pass http://back; }
        location /gate   { notify_sync bench asked.about gate;
                           add_header X-Asked $notify_sync_success;
                           proxy_pass http://back; }
        location /auth   { auth_request /ask;
                           add_header X-Asked true;
                           proxy_pass http://back; }
        location /word   { auth_request /one;
                           add_header X-Asked true;
                           proxy_pass http://back; }
        location = /one  { internal; proxy_pass http://back/word;
                           proxy_pass_request_body off;
                           proxy_set_header Content-Length "";
                           proxy_set_header Connection ""; }
        location = /ask  { internal; proxy_pass http://back/ask;
                           proxy_pass_request_body off;
                           proxy_set_header Content-Length "";
                           proxy_set_header Connection ""; }
        location /emit   { notify_emit bench captured entity_id=$arg_id;
                           proxy_pass http://back; }
        location /data   { notify_emit bench captured entity_id=$arg_id
                                       data=response;
                           proxy_pass http://back; }
        location /commit { notify_emit bench captured entity_id=$arg_id commit;
                           proxy_pass http://back; }
    }
END

eventually {
    http(POST => $front->url('/api/subscriptions'),
         json => { event => 'asked.about', mode => 'sync',
                   url => $back->url('/ask') })->{status} == 201
} or die "no subscription\n";

eventually { http(GET => $front->url('/gate'))->{headers}{'x-asked'} }
    or die "nobody is asked\n";

my ($worker) = $front->workers;

# of all its threads, in microseconds: CPUCLOCK_SCHED of clock_getcpuclockid()
sub cpu { return 1e6 * clock_gettime((~(0 + $worker) << 3) | 2) }

# CPU a request and median latency, both in microseconds
sub load {
    my ($path, $connections) = @_;
    my $before = cpu();
    open my $pipe, '-|', 'wrk', '-t1', "-c$connections", '-d1',
        '--latency', $front->url("$path?id=77") or die "wrk: $!\n";
    my $said = join '', <$pipe>;
    close $pipe;

    my ($n) = $said =~ /^\s*(\d+) requests in/m or die "wrk: $said\n";
    my ($median, $unit) = $said =~ /^\s*50%\s+([\d.]+)(us|ms|s)$/m;
    die "$path: $said\n" if $said =~ /Non-2xx|Socket errors/;

    return { cpu => (cpu() - $before) / $n,
             latency => $median * { us => 1, ms => 1e3, s => 1e6 }->{$unit} };
}

# the same call of the script as a commit's, one at a time: median latency
sub round_trip {
    my ($log) = $redis->key('}:log');
    my $script = NotifyTest::slurp(
        NotifyTest::script('publish'));
    my $sha = $redis->cli('SCRIPT', 'LOAD', $script);
    (my $from = $log) =~ s/log$/from:__rand_int__/;
    my @command = ('EVALSHA', $sha, 3, $log, $log =~ s/log$/settings/r, $from,
                   0, 1, 0, 6 * 64 + 8, 't', 'captured', 'i', 77,
                   'w', 1700000000000);
    open my $pipe, '-|', 'redis-benchmark', '-h', '127.0.0.1', '-p',
        $redis->port, '-c', 1, '-n', 4000, '-r', 999_999_999,
        '--precision', 3, '--csv', @command
        or die "redis-benchmark: $!\n";
    my @lines = <$pipe>;
    close $pipe;
    my ($median) = (split /","/, $lines[-1])[4];
    $median =~ /^[\d.]+$/ or die "cost: the script was not called\n";
    return 1000 * $median;
}

my %figures;

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

# at most the goal, where there is one; it is in the table of all benchmarks too
sub row {
    my ($name, $goal, @values) = @_;
    my ($first, @rest) = sort { $a <=> $b } @values;
    my $median = median(@values);
    my $row = sprintf "%-58s %8.2f  %13s  %5s  %s\n", $name, $median,
           sprintf('%.2f-%.2f', $first, @rest ? $rest[-1] : $first),
           $goal, $goal eq '' ? '' : $median <= $goal ? 'met' : 'short';
    print $row;
    open my $rows, '>>', $ENV{BENCH_ROWS} // '/dev/null' or die "rows: $!\n";
    print $rows +($name =~ /microseconds/ ? 'us|' : 'ratio|') . $row;
}

for my $round (1 .. $rounds) {
    my %cpu = map { $_ => load("/$_", 16)->{cpu} }
                  qw(none plain emit data auth gate word);
    push @{ $figures{none} }, $cpu{none} / $cpu{plain};
    push @{ $figures{gate} }, $cpu{gate} / $cpu{auth};
    push @{ $figures{word} }, $cpu{gate} / $cpu{word};
    push @{ $figures{emit} }, $cpu{emit} - $cpu{plain};
    push @{ $figures{data} }, $cpu{data} - $cpu{plain};
    push @{ $figures{plain} }, $cpu{plain};

    my %latency = map { $_ => load("/$_", 1)->{latency} }
                      qw(plain emit data commit);
    my $trip = round_trip();
    push @{ $figures{latency} }, $latency{emit} / $latency{plain};
    push @{ $figures{latency_data} }, $latency{data} / $latency{plain};
    push @{ $figures{wait} }, $latency{plain};
    push @{ $figures{commit} }, $latency{commit};
    push @{ $figures{trip} }, $trip;
}

printf "\n%-58s %8s  %13s  %5s\n", 'what a proxied request costs more',
       'ratio', 'range', 'goal';
row('notify_sync, CPU: auth_request to the same receiver', 1.1,
    @{ $figures{gate} });
# nginx keeps no connection whose answer to auth_request has a body
row('notify_sync, CPU: auth_request, an empty answer', '',
    @{ $figures{word} });
row('notify_sync without a subscriber, CPU: without it', 1.03,
    @{ $figures{none} });
row('notify_emit, median latency: without it', 1.05, @{ $figures{latency} });
row('notify_emit data=response, median latency: without it', 1.05,
    @{ $figures{latency_data} });
row('notify_emit, microseconds of CPU an event', 2, @{ $figures{emit} });
row('notify_emit data=response, microseconds of CPU an event', 2,
    @{ $figures{data} });
# microseconds are whole here: of the medians, not of each round
row('notify_emit commit, added median latency: a round trip', 1.1,
    (median(@{ $figures{commit} }) - median(@{ $figures{wait} }))
    / median(@{ $figures{trip} }));
printf "without it %.1f us of CPU, %.0f us; a round trip to Redis %.0f us\n",
       median(@{ $figures{plain} }),
       median(@{ $figures{wait} }), median(@{ $figures{trip} });
