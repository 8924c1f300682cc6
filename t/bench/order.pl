#!/usr/bin/env perl
#
# What `order key=` of a thousand values costs against `order none`: deliveries
# per second of one subscription's backlog, and CPU a delivery of the worker and
# of Redis, in runs that alternate, since other work on the machine changes
# them.
# usage: BENCH=order make -f Makefile.dev bench
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
my $goal = 0.8;

# the receiver is no part of the measure
my $sink = NotifyTest::Nginx->new(level => 'error', http => <<'END');
    access_log off;
    keepalive_requests 100000000;
    server { listen 127.0.0.1:%%PORT%%; location / { return 200; } }
END
my $shop = NotifyTest::Shop->new(workers => 1, sign => '', profiles => {
    none => 'attempt_log off;',
    key  => 'order key=$notify_entity_id; attempt_log off;',
});
$shop->ready;

# of a thousand entities: any, as they come, or each of them before one of them
# comes again
my @batches = map {
    [map { { eventType => 'order.paid', entityID => int(rand 1000),
             data => { n => $_ } } } 1 .. 1000]
} 1 .. $events / 1000;
my @even = [map { { eventType => 'order.paid', entityID => $_,
                    data => { n => $_ } } } 1 .. 1000];

sub measure {
    my ($how, $batches) = @_;
    return backlog($shop, $sink->url("/$how"), $how, $batches, $events);
}

measure($_, \@even) for qw(none key);           # caches, connections

open my $rows, '>>', $ENV{BENCH_ROWS} // '/dev/null' or die "rows: $!\n";
printf "%-14s %12s %14s %14s\n", '', 'events/s', 'CPU, worker', 'CPU, Redis';

for (['any', \@batches], ['in turn', \@even]) {
    my ($keys, $batches) = @$_;
    my (%all, @ratio);
    for my $round (1 .. $rounds) {
        my %one = map { $_ => measure($_, $batches) }
                  $round % 2 ? qw(none key) : qw(key none);
        push @{ $all{$_} }, $one{$_} for keys %one;
        push @ratio, $one{key}{rate} / $one{none}{rate};
    }

    for my $how (qw(none key)) {
        printf "%-14s %12.0f %11.1f us %11.1f us\n", "$how, $keys",
            map { my $what = $_; median(map { $_->{$what} } @{ $all{$how} }) }
            qw(rate cpu redis);
    }

    my @sorted = sort { $a <=> $b } @ratio;
    my $row = sprintf "%-58s %8.2f  %13s  %5s  %s\n",
        "events per second, order key= of 1000 values, $keys: none",
        median(@ratio), sprintf('%.2f-%.2f', @sorted[0, -1]), $goal,
        median(@ratio) >= $goal ? 'met' : 'short';
    print $row;
    print $rows "ratio|$row";
}
