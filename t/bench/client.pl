#!/usr/bin/env perl
#
# The small clients of the benchmarks, but for one each over one connection.
# usage: client.pl post URL                 a JSON text a line of stdin; prints
#                                           the answers, a line each
#        client.pl pace URL TYPE RATE SECONDS   events at a rate; entityID is
#                                           the time of each in microseconds
#        client.pl hang PORT                takes connections, never answers
#        client.pl probe URL RATE SECONDS   GETs at a rate, however long the
#                                           answers take; each one's ms
#        client.pl p FRACTION               the percentile of numbers on stdin

use strict;
use warnings;
use IO::Poll qw(POLLIN);
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

my ($what, @args) = @ARGV;
my $connection;

# in one write: a head that waits for its body is acknowledged 40 ms later
sub post {
    my ($url, $json) = @_;
    my ($port, $path) = $url =~ m{^http://127\.0\.0\.1:(\d+)(/.*)}
        or die "client: $url\n";

    $connection //= IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
        Timeout => 20) or die "client: $url: $!\n";
    $connection->autoflush(1);
    print $connection "POST $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Type: application/json\r\n"
        . 'Content-Length: ' . length($json) . "\r\n\r\n$json"
        or die "client: $url: $!\n";

    my ($text, $length) = ('');
    until (defined $length && length $text >= $length) {
        sysread $connection, $text, 65536, length $text
            or die "client: $url: closed after \"$text\"\n";
        $length //= $+[0] + $1
            if $text =~ /^Content-Length: (\d+)\r\n(?s:.*?)\r\n\r\n/mi;
    }

    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    die "client: $url: $text\n" if $head !~ m{^HTTP/1\.1 20};
    return $body;
}

sub probe {
    my ($url, $rate, $seconds) = @_;
    my ($port, $path) = $url =~ m{^http://127\.0\.0\.1:(\d+)(/.*)}
        or die "client: probe: $url\n";
    my $request = "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my (@idle, %sent, @took);
    my $poll = IO::Poll->new;
    my $start = time;

    for (my $n = 0; $n < $rate * $seconds || %sent; ) {
        my $now = time;
        my $due = $start + $n / $rate;

        if ($n < $rate * $seconds && $now >= $due) {
            my $socket = pop @idle // IO::Socket::INET->new(
                PeerAddr => "127.0.0.1:$port") or die "client: probe: $!\n";
            $poll->mask($socket => POLLIN);
            $sent{$socket} = time;
            syswrite $socket, $request or die "client: probe: $!\n";
            $n++;
            next;
        }

        my $wait = $n < $rate * $seconds ? $due - $now : 5;
        if ($poll->poll($wait) <= 0) {
            die "client: probe: no answer\n" if $wait == 5;
            next;
        }

        for my $socket ($poll->handles(POLLIN)) {
            my $got = time;
            sysread $socket, my $text, 4096 or die "client: probe: closed\n";
            push @took, 1000 * ($got - delete $sent{$socket});
            $poll->remove($socket);
            push @idle, $socket;
        }
    }

    printf "%.3f\n", $_ for @took;
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

} elsif ($what eq 'probe') {
    probe(@args);

} elsif ($what eq 'p') {
    my @all = sort { $a <=> $b } <STDIN>;
    die "client: nothing to take a percentile of\n" if !@all;
    printf "%.3f\n", $all[int($args[0] * $#all)];

} else {
    die "client: what is \"$what\"?\n";
}
