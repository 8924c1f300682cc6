#!/usr/bin/env perl
#
# What a delivery costs where several nginx and several Redis share the work:
# CPU of the nginx, of all Redis together and of the busiest one, for each way
# to divide it.  CPU is what each process has spent, so other work on the
# machine changes little; on two cores it says nothing of the rate.
# usage: BENCH=fleet make -f Makefile.dev bench
#        TENANTS=200 EVENTS=100 of each  FLEET="1x1x1 4x3x16": nginx, Redis,
#        partitions

use strict;
use warnings;

use List::Util qw(sum max);
use Test::More;
use NotifyTest;
use NotifyTest::Bench qw(cpu received sink);

Test::More->builder->output('/dev/null');
alarm 900;

my $tenants = $ENV{TENANTS} // 200;
my $events = $ENV{EVENTS} // 100;
my @fleets = split ' ', $ENV{FLEET}
    // '1x1x1 1x1x16 2x1x1 2x1x16 4x1x1 4x1x16 1x3x1 1x3x16 2x3x16 4x3x16';

my $receiver = sink();

# one, or the masters of a cluster
sub store {
    my ($n) = @_;
    return NotifyTest::Redis->new if $n == 1;

    my (@nodes, @bus);
    for my $i (0 .. $n - 1) {
        $bus[$i] = free_port();
        $nodes[$i] = NotifyTest::Redis->new(args => ['--cluster-enabled',
            'yes', '--cluster-port', $bus[$i], '--cluster-node-timeout', 5000]);
        my ($from, $to) = map { int(16384 * $_ / $n) } $i, $i + 1;
        $nodes[$i]->cli('CLUSTER', 'ADDSLOTSRANGE', $from, $to - 1);
        $nodes[$i]->cli('CLUSTER', 'SET-CONFIG-EPOCH', $i + 1);
    }
    $nodes[0]->cli('CLUSTER', 'MEET', '127.0.0.1', $nodes[$_]->port, $bus[$_])
        for 1 .. $n - 1;
    eventually { !grep { $_->cli('CLUSTER', 'INFO') !~ /cluster_state:ok/
                         || $_->cli('CLUSTER', 'INFO') !~ /known_nodes:$n/ }
                 @nodes } undef, 30;
    return @nodes;
}

sub run {
    my ($instances, $nodes, $parts) = @_;
    my @redis = store($nodes);
    my $address = join ' ', (map { $_->address } @redis),
                  $nodes > 1 ? 'cluster' : ();

    my @nginx = map {
        NotifyTest::Nginx->new(level => 'error', connections => 4096,
            vars => { REDIS => $address }, http => <<"END") } 1 .. $instances;
    access_log off;
    keepalive_requests 100000000;
    client_max_body_size 16m;
    notify_redis %%REDIS%%;
    notify_profile plain { allow 127.0.0.0/8; schemes http; keepalive 128; }
    notify_channel bench { profile plain; partitions $parts; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { notify_tenant \$http_x_tenant optional; notify_api bench; }
    }
END
    for my $nginx (@nginx) {
        eventually { http(GET => $nginx->url('/health'))->{status} == 200 }
                   undef, 30;
    }

    for my $tenant (1 .. $tenants) {
        my $n = $tenant;
        eventually { http(POST => $nginx[$n % $instances]->url('/subscriptions'),
                          headers => { 'X-Tenant' => "t$n" },
                          json => { event => '*',
                                    url => $receiver->url("/$n") })
                     ->{status} == 201 } undef, 10
            or die "fleet: no subscription\n";
    }

    my @workers = map { (slurp('/proc/' . $_->pid . '/task/' . $_->pid
                               . '/children') =~ /(\d+)/)[0] } @nginx;
    my @pids = map { $_->pid } @redis;
    my @before = map { cpu($_) } @pids;
    my ($busy, $came) = (sum(map { cpu($_) } @workers),
                         received($receiver));
    my $array = [ map { { eventType => 'bench.event', entityID => $_,
                          data => { text => 'x' x 100 } } } 1 .. $events ];

    for my $tenant (1 .. $tenants) {
        my $status = http(POST => $nginx[$tenant % $instances]->url('/events'),
                          headers => { 'X-Tenant' => "t$tenant" },
                          json => $array)->{status};
        die "fleet: $status\n" if $status != 202;
    }

    my $calls = $tenants * $events;
    eventually { received($receiver) - $came >= $calls } undef, 120
        or die "fleet: not all came\n";

    my @spent = map { cpu($pids[$_]) - $before[$_] } 0 .. $#pids;
    my $mean = sum(@spent) / @spent;
    printf "%-7d %-7d %-11d %14.1f %14.1f %16.1f %16.2f\n", $instances, $nodes,
        $parts, (sum(map { cpu($_) } @workers) - $busy) / $calls,
        sum(@spent) / $calls, max(@spent) / $calls,
        max(@spent) / ($mean || 1);

    $_->stop for @nginx, @redis;
}

printf "%d tenants with a subscription and %d events each, in arrays\n\n",
    $tenants, $events;
printf "%-7s %-7s %-11s %14s %14s %16s %16s\n", 'nginx', 'Redis', 'partitions',
    'nginx us/call', 'Redis us/call', 'busiest us/call', 'busiest/mean';
run(split /x/) for @fleets;

finish();
