#!/usr/bin/env perl
#
# The small clients of the benchmarks, each over one connection.
# usage: client.pl post URL                 a JSON text a line of stdin; prints
#                                           the answers, a line each
#        client.pl pace URL TYPE RATE SECONDS   events at a rate; entityID is
#                                           the time of each in microseconds
#        client.pl hang PORT                takes connections, never answers
#        client.pl p FRACTION               the percentile of numbers on stdin

use strict;
use warnings;
use HTTP::Tiny;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

my ($what, @args) = @ARGV;
my $http = HTTP::Tiny->new(keep_alive => 1, timeout => 20);

sub post {
    my ($url, $json) = @_;
    my $answer = $http->post($url, {
        headers => { 'Content-Type' => 'application/json' },
        content => $json });
    die "client: $url: $answer->{status} $answer->{content}\n"
        if !$answer->{success};
    return $answer->{content};
}

if ($what eq 'post') {
    while (my $line = <STDIN>) {
        chomp $line;
        print post($args[0], $line), "\n";
    }

} elsif ($what eq 'pace') {
    my ($url, $type, $rate, $seconds) = @args;
    my $start = time;

    for my $n (0 .. $rate * $seconds - 1) {
        my $wait = $start + $n / $rate - time;
        sleep $wait if $wait > 0;
        post($url, sprintf '{"eventType":"%s","entityID":%.0f,"data":%d}',
                           $type, time * 1e6, $n);
    }

} elsif ($what eq 'hang') {
    my $listen = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$args[0]",
        Listen => 1024, ReuseAddr => 1) or die "client: hang: $!\n";
    my @held;
    while (my $socket = $listen->accept) { push @held, $socket }

} elsif ($what eq 'p') {
    my @all = sort { $a <=> $b } <STDIN>;
    die "client: nothing to take a percentile of\n" if !@all;
    printf "%.3f\n", $all[int($args[0] * $#all)];

} else {
    die "client: what is \"$what\"?\n";
}
