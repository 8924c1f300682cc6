#!/usr/bin/env perl
#
# What a channel costs that nobody publishes to: bytes of Redis' file and
# commands a second, connections, and CPU of Redis.
# usage: BENCH=idle make -f Makefile.dev bench
#        SECONDS=20 WORKERS=2 CHANNELS="1 16" NOTIFY_TEST_MODULE=another.so

use strict;
use warnings;

use Test::More;
use NotifyTest;

Test::More->builder->output('/dev/null');
alarm 200;

my $seconds = $ENV{SECONDS} // 20;
my $workers = $ENV{WORKERS} // 2;

sub info {
    my ($redis, $section, $name) = @_;
    return ($redis->cli('INFO', $section) =~ /\b$name:(\d+)/)[0];
}

# whether all workers have an equal part of the leases
sub shared {
    my ($redis, $leases) = @_;
    my %has;
    $has{(split / /)[0]}++ for $redis->cli('HVALS', $leases);
    return keys %has == $workers
           && !grep { $_ > 64 / $workers + 1 } values %has;
}

printf "%d workers, %d s\n\n%-9s %16s %20s %12s %14s\n", $workers, $seconds,
    'channels', 'AOF bytes/s each', 'commands/s each', 'connections',
    'Redis CPU';

for my $n (split ' ', $ENV{CHANNELS} // '1 16') {
    my $redis = NotifyTest::Redis->new;
    my $nginx = NotifyTest::Nginx->new(level => 'error', redis => $redis,
        workers => $workers, connections => 4096, http =>
        (join "\n", map { "notify_channel c$_ { }" } 1 .. $n)
        . "\nserver { listen 127.0.0.1:%%PORT%%; location / { notify_api c1; } }");

    eventually { http(GET => $nginx->url('/health'))->{status} == 200 } undef;
    my @some = grep { $n <= 16 || $_ % int($n / 16) == 0 } 1 .. $n;
    eventually { !grep { !shared($redis, "notify:{c$_.0}:leases") } @some }
               undef, 60 or die "idle: the workers have no shares\n";
    eventually { my $was = info($redis, 'stats', 'total_commands_processed');
                 elapse 0.5;
                 info($redis, 'stats', 'total_commands_processed') - $was
                     < 10 * $n }
               undef, 30 or die "idle: the workers do not come to rest\n";

    my $cpu = sub {
        my @field = split ' ', (slurp('/proc/' . $redis->pid . '/stat')
                                =~ s/^.*\) //r);
        return ($field[11] + $field[12]) / 100;
    };
    my @before = (info($redis, 'persistence', 'aof_current_size'),
                  info($redis, 'stats', 'total_commands_processed'), $cpu->());
    elapse $seconds;
    my @after = (info($redis, 'persistence', 'aof_current_size'),
                 info($redis, 'stats', 'total_commands_processed'), $cpu->());

    printf "%-9d %16.0f %20.1f %12d %13.2f%%\n", $n,
        ($after[0] - $before[0]) / $seconds / $n,
        ($after[1] - $before[1]) / $seconds / $n,
        info($redis, 'clients', 'connected_clients') - 1,
        100 * ($after[2] - $before[2]) / $seconds;

    $nginx->stop;
    $redis->stop;
}

finish();
