#!/usr/bin/env perl
#
# Publishes events in arrays and prints the deliveries a second, from the first
# byte published to the last receipt, counted by the receiver's stub_status.
# With the pid of the receiver it stands still until all is published, and the
# time begins then: what is measured comes from the log.
# usage: deliver.pl API_PORT CHANNEL STATUS_PORT EVENTS SUBSCRIBERS BYTES
#        [ARRAY [PID]]

use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use constant { POLL => 0.005, STALLED => 10 };

my ($api_port, $channel, $status_port, $events, $subscribers, $bytes, $array,
    $pid) = @ARGV;
$array //= 1000;

sub connected {
    my ($port) = @_;
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
                                 Timeout => 5)
        || die "deliver: 127.0.0.1:$port: $!\n";
}

# the status and the body of the answer to a request
sub answer {
    my ($socket, $request) = @_;
    my $text = '';

    for (my $sent = 0; $sent < length $request; ) {
        $sent += syswrite($socket, $request, 1 << 16, $sent)
            // die "deliver: write: $!\n";
    }

    while ($text !~ /\r\n\r\n/) {
        sysread $socket, $text, 65536, length $text
            or die "deliver: no answer\n";
    }

    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($length) = $head =~ /^Content-Length: (\d+)/mi
        or die "deliver: an answer without a length: $head\n";

    while (length $body < $length) {
        sysread $socket, $body, 65536, length $body
            or die "deliver: half an answer\n";
    }

    return ((split ' ', $head)[1], $body);
}

my $polls = 0;
my $status = connected($status_port);

# requests that the receiver has had, but for these
sub receipts {
    my (undef, $body) = answer($status,
        "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    my ($requests) = $body =~ /^ \d+ \d+ (\d+)/m
        or die "deliver: no stub_status: $body\n";
    return $requests - ++$polls;
}

# the call that is made of it has $bytes bytes
sub event {
    my ($n) = @_;
    my $call = '{"eventType":"bench.event","entityTypeID":null,'
             . "\"entityID\":$n,\"data\":{\"text\":\"\"}}";
    my $text = 'x' x ($bytes - length $call);
    return "{\"eventType\":\"bench.event\",\"entityID\":$n,"
         . "\"data\":{\"text\":\"$text\"}}";
}

my @requests;

for (my $n = 0; $n < $events; $n += $array) {
    my $last = $n + $array < $events ? $n + $array : $events;
    my $body = '[' . join(',', map { event(1e9 + $_) } $n .. $last - 1) . ']';

    push @requests, "POST /$channel/events HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

my $api = connected($api_port);
my $expected = $events * $subscribers;
my $before = receipts();

END { kill CONT => $pid if $pid }
if ($pid) {
    kill STOP => $pid or die "deliver: $pid: $!\n";
}

my $start = time;

for my $request (@requests) {
    my ($code, $body) = answer($api, $request);
    die "deliver: publish: $code $body\n" if $code ne 202;
}

if ($pid) {
    $start = time;
    kill CONT => $pid;
}

my ($got, $progress, $end) = (0, time, undef);

until (defined $end) {
    sleep POLL;

    my $now = receipts() - $before;
    $progress = time if $now > $got;
    $got = $now;

    $end = time if $got >= $expected;
    die "deliver: $got of $expected calls, then none for @{[STALLED]} s\n"
        if time > $progress + STALLED;
}

# nobody gets an event twice
sleep 0.2;
$got = receipts() - $before;
die "deliver: $got calls instead of $expected\n" if $got != $expected;

printf "%.0f\n", $expected / ($end - $start);
