#!/usr/bin/env perl
#
# What it costs: CPU of the worker and of Redis, Redis' commands, the bytes that
# it sends and those of its file, for the ways in which events come, beside what
# they are meant to cost.  CPU is that of the two processes, so other work on
# the machine changes little.
# usage: BENCH=costs make -f Makefile.dev bench
#        SECONDS=5 NOTIFY_TEST_MODULE=another.so

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Bench;
use NotifyTest::Shop;

Test::More->builder->output('/dev/null');
alarm 280;

my $seconds = $ENV{SECONDS} // 5;

my $sink = sink();
my $shop = NotifyTest::Shop->new(workers => 1, sign => '',
    profile => 'keepalive 128;', also => 'access_log off;',
    server => 'keepalive_requests 100000000;');
$shop->ready;
my ($worker) = $shop->nginx->workers;

sub figures {
    my %info = map { /^(\w+):(\d+)/ ? ($1 => $2) : () }
               map { split /\r?\n/ } map { $shop->redis->cli('INFO', $_) }
               qw(stats persistence);
    return { worker => cpu($worker), redis => cpu($shop->redis->pid),
             commands => $info{total_commands_processed},
             out => $info{total_net_output_bytes},
             file => $info{aof_current_size} };
}

# what it takes until so many deliveries have come, of each event that the work
# says that it has published
sub measure {
    my ($times, $work) = @_;
    my ($end, $before) = (received($sink), figures());
    my $events = $work->();
    $end += $events * $times;
    NotifyTest::eventually(sub { received($sink) >= $end }, undef, 100)
        or die "costs: not all came\n";
    my $after = figures();
    return { events => $events, calls => $events * $times,
             map { $_ => $after->{$_} - $before->{$_} } keys %$before };
}

my $n = 0;
sub event {
    my (%more) = @_;
    $n++;
    return { eventType => 'order.paid', entityID => $n,
             data => { text => 'x' x 200 }, %more };
}

sub one { return request(POST => '/shop/events', event(@_)) }

# as fast as they go, over 64 connections; how many
my $body = test_dir() . '/body.json';
spew($body, to_json(event()));
sub posts {
    open my $pipe, '-|', 'wrk', '-t1', '-c64', "-d$seconds", '-s',
        't/bench/post.lua', $shop->nginx->url('/shop/events'), '--', $body
        or die "wrk: $!\n";
    my ($requests) = join('', <$pipe>) =~ /^\s*(\d+) requests in/m;
    close $pipe or die "wrk failed\n";
    return $requests;
}

# so many a second, one by one
sub trickle {
    my ($rate, %more) = @_;
    my ($start, $sent) = (time, 0);
    while ($sent < $rate * $seconds) {
        my $due = int($rate * (time - $start)) - $sent;
        $sent += $due;
        pipeline($shop->nginx, 1, 202, map { one($more{uid}
            ? (uid => "$more{uid}-$n") : ()) } 1 .. $due) if $due > 0;
        elapse 0.01;
    }
    return $sent;
}

# in arrays
sub arrays {
    my ($times, $size) = @_;
    for (1 .. $times) {
        my @events = map { event() } 1 .. $size;
        $shop->insist(POST => 'events', \@events);
    }
    return $times * $size;
}

sub subscribers {
    my ($many, @members) = @_;
    my @ids = map { $shop->subscribe($sink->url("/$_"), @members) } 1 .. $many;
    measure($many, sub { arrays(1, 20) });
    return @ids;
}

printf "%-58s %9s %9s\n", '', 'measured', 'goal';
sub row {
    my ($label, $value, $goal, $form) = @_;
    printf "%-58s %9s %9s  %s\n", $label, sprintf($form, $value),
        sprintf($form, $goal), $value <= $goal ? 'met' : 'short';
}


# ten subscribers

my @ids = subscribers(10);

my $cost = measure(10, sub { trickle(300) });
row('300 a second x 10: Redis, us a delivery', $cost->{redis} / $cost->{calls},
    5, '%.1f');
$cost = measure(10, sub { trickle(300, uid => 'u') });
row('    with a uid: bytes of the file a delivery',
    $cost->{file} / $cost->{calls}, 40, '%.0f');

$cost = measure(10, sub { arrays(100, 100) });
row('arrays of 100 x 10: Redis, us a delivery',
    $cost->{redis} / $cost->{calls}, 1, '%.1f');
row('    bytes out an event', $cost->{out} / $cost->{events}, 1500, '%.0f');
row('    bytes of the file a delivery', $cost->{file} / $cost->{calls}, 20,
    '%.0f');

$cost = measure(10, \&posts);
row('single POSTs x 10: CPU s of both, a thousand deliveries',
    ($cost->{worker} + $cost->{redis}) / $cost->{calls} / 1000, 0.006, '%.4f');

$shop->act($_, 'pause', { for => '1h' }) for @ids;
my $waiting = arrays(10, 1000);
$cost = measure(10, sub { $shop->act($_, 'resume') for @ids; return $waiting });
row('from the log x 10: worker, us a delivery',
    $cost->{worker} / $cost->{calls}, 2.8, '%.1f');
row('    Redis, us a delivery', $cost->{redis} / $cost->{calls}, 0.5, '%.1f');
$shop->delete($_) for @ids;


# one

@ids = subscribers(1);
$cost = measure(1, \&posts);
row('single POSTs x 1: CPU s of both, a thousand deliveries',
    ($cost->{worker} + $cost->{redis}) / $cost->{calls} / 1000, 0.018, '%.4f');
$shop->delete($_) for @ids;


# none that wants them

$shop->subscribe($sink->url("/$_"), event => 'order.other') for 1 .. 10;
$cost = measure(0, sub { trickle(300) });
row('300 a second that nobody wants: commands an event',
    $cost->{commands} / $cost->{events}, 2, '%.1f');
