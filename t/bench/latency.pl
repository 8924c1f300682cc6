#!/usr/bin/env perl
#
# The measure of latency.sh.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use NotifyTest;
use NotifyTest::Shop;

my $seconds = $ENV{SECONDS_EACH} // 6;
my @delays = split ' ', $ENV{LATENCIES} // '1 20 200 slows20';
my %profile = (
    '16'  => 'in_flight 16; attempt_log off;',
    '64'  => 'in_flight 64; attempt_log off;',
    '256' => 'in_flight 256; attempt_log off;',
    auto  => 'in_flight auto; attempt_log off; breaker off;
              retry 1s 1s 1s 1s;',
    key   => 'order key=$notify_entity_id; attempt_log off;',
);

# in a block a name is no number
my $shop = NotifyTest::Shop->new(
    workers => 1, profiles => { map { ("p$_" => $profile{$_}) } keys %profile });
my $port = NotifyTest::free_port();
my $runs = 0;

my $node = fork // die "fork: $!\n";
if (!$node) {
    exec 'node', 't/bench/latency.js', $port or die "node: $!\n";
}

eventually { http(GET => "http://127.0.0.1:$port/_count")->{success} }
    'the receiver answers';

sub count {
    my ($path, $what) = @_;
    return http(GET => "http://127.0.0.1:$port/_@{[ $what // 'count' ]}$path")
               ->{content};
}

sub measure {
    my ($delay, $how) = @_;
    my $path = "/$delay/" . ++$runs;
    my $id = $shop->subscribe("http://127.0.0.1:$port$path",
                              profile => "p$how");
    my $from = time;
    my ($since, $before);

    while (time < $from + $seconds) {
        if (!$since && time >= $from + $seconds - 2) {
            ($since, $before) = (time, count($path));
        }
        my $waits = $shop->ask(GET => 'stats')->{json}{worker};
        if ($waits->{queued} < 800 && !$waits->{behind}) {
            $shop->publish(1000);
        } else {
            sleep 0.02;
        }
    }

    my $rate = (count($path) - $before) / (time - $since);
    $shop->delete($id);
    eventually { !$shop->ask(GET => 'stats')->{json}{worker}{inFlight} }
        'nothing is left';
    return $rate;
}

printf "\n%8s %9s %9s %9s %9s  %s\n", 'ms', '16', '64', '256', 'auto',
       'auto : the best';
for my $delay (@delays) {
    my %rate = map { $_ => measure($delay, $_) } qw(16 64 256 auto);
    my ($best) = sort { $b <=> $a } @rate{qw(16 64 256)};
    printf "%8s %9.0f %9.0f %9.0f %9.0f  %.2f\n", $delay,
           @rate{qw(16 64 256 auto)}, $rate{auto} / ($best || 1);
}

# an endpoint that takes 100 a second, each after 50 ms; five seconds to learn
my $path = '/limit50/' . ++$runs;
my $id = $shop->subscribe("http://127.0.0.1:$port$path", profile => 'pauto');
$shop->publish(1000) for 1 .. 3;
sleep 5;
my @before = map { count($path, $_) } qw(count refused);
my $since = time;
sleep 10;
my ($calls, $refused) = map { count($path, $_) - shift @before }
                        qw(count refused);
printf "\n429 above 100 a second: %.0f calls a second, %.1f %% refused"
       . " (no more than 1)\n", $calls / (time - $since),
       100 * $refused / ($calls || 1);
$shop->delete($id);

# the events of a publish have a thousand entities
my @rate = map { measure(1, $_) } qw(auto key auto key);
printf "\norder key=, 1000 values : none  %.2f, %.2f\n",
       $rate[1] / $rate[0], $rate[3] / $rate[2];

kill TERM => $node;
waitpid $node, 0;
finish();
