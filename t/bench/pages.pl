#!/usr/bin/env perl
#
# Reads pages of deltas, in turn from several places; prints the median
# milliseconds of each.
# usage: pages.pl URL TIMES ENTRIES QUERY...

use strict;
use warnings;
use HTTP::Tiny;
use Time::HiRes qw(time);

my ($url, $times, $entries, @queries) = @ARGV;
my $http = HTTP::Tiny->new(keep_alive => 1, timeout => 20);
my %took;

for my $n (0 .. $times) {
    for my $query (@queries) {
        my $start = time;
        my $answer = $http->get("$url?limit=$entries&$query");
        my $end = time;
        my $got = () = $answer->{content} =~ /"id":"evt_/g;

        die "pages: $query: $answer->{status}, $got entries\n"
            if $answer->{status} != 200 || $got != $entries;
        push @{ $took{$query} }, $end - $start if $n;
    }
}

print join(' ', map { my @all = sort { $a <=> $b } @{ $took{$_} };
                      sprintf '%.3f', 1000 * $all[$#all / 2] } @queries), "\n";
