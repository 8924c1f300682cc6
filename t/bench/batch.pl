#!/usr/bin/env perl
#
# What `batch 100` saves against calls of one event: deliveries per second of
# one subscription's backlog, and CPU an event of the worker and of Redis, in
# runs that alternate.
# usage: BENCH=batch make -f Makefile.dev bench
#        ROUNDS=3 EVENTS=20000

use strict;
use warnings;

use NotifyTest;
use NotifyTest::Bench;
use NotifyTest::Shop;

# as a whole
alarm 200;

my $rounds = $ENV{ROUNDS} // 3;
my $events = $ENV{EVENTS} // 20_000;
my $goal = 8;

# the receiver is no part of the measure
my $sink = NotifyTest::Nginx->new(level => 'error', http => <<'END');
    access_log off;
    keepalive_requests 100000000;
    client_max_body_size 4m;
    client_body_buffer_size 1m;
    server { listen 127.0.0.1:%%PORT%%; location / { return 200; } }
END
my $shop = NotifyTest::Shop->new(workers => 1, profiles => {
    single => '', batch => 'batch 100 wait=100ms;' });
$shop->ready;

my @list = map { { eventType => 'order.paid', entityID => $_,
                   data => { text => 'x' x 200 } } } 1 .. 1000;

sub measure {
    my ($how) = @_;
    return backlog($shop, $sink->url("/$how"), $how, [\@list], $events);
}

measure($_) for qw(single batch);           # caches, connections

my (%all, @rate, @ratio);
for my $round (1 .. $rounds) {
    my %one = map { $_ => measure($_) }
              $round % 2 ? qw(single batch) : qw(batch single);
    push @{ $all{$_} }, $one{$_} for keys %one;
    push @ratio, $one{single}{both} / $one{batch}{both};
    push @rate, $one{batch}{rate} / $one{single}{rate};
}

printf "%-14s %12s %14s %14s\n", '', 'events/s', 'CPU, worker', 'CPU, Redis';
for my $how (qw(single batch)) {
    printf "%-14s %12.0f %11.1f us %11.1f us\n", $how,
        map { my $what = $_; median(map { $_->{$what} } @{ $all{$how} }) }
        qw(rate cpu redis);
}

open my $rows, '>>', $ENV{BENCH_ROWS} // '/dev/null' or die "rows: $!\n";
for (['CPU an event, calls of one event : of 100', $goal, @ratio],
     ['events per second, calls of 100 : of one event', undef, @rate])
{
    my ($label, $least, @figures) = @$_;
    my @sorted = sort { $a <=> $b } @figures;
    my $row = sprintf '%-58s %8.2f  %13s', $label, median(@figures),
        sprintf('%.2f-%.2f', @sorted[0, -1]);
    $row .= sprintf '  %5s  %s', $least,
        median(@figures) >= $least ? 'met' : 'short' if $least;
    print "$row\n";
    print $rows "ratio|$row\n";
}
