#!/usr/bin/env perl
#
# Clients that wait for events.
# usage: waiting.pl streams URL WORKER_PID CLIENTS
#            idle streams; prints the worker's bytes for each, and the
#            milliseconds until the last of them has an event
#        waiting.pl together URL WORKER_PID CLIENTS
#            the same for streams that all are asked for at once
#        waiting.pl polls URL REDIS_SOCKET CLIENTS TIMES
#            long polls, for one of which an event comes, TIMES times; then one
#            for all; prints the median milliseconds of publish to answer, of a
#            round trip to Redis, and of publish to answer where it is for all

use strict;
use warnings;
use Errno qw(EAGAIN);
use IO::Poll qw(POLLIN);
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep time);

my ($what, $url, @args) = @ARGV;
my ($port, $path) = $url =~ m{^http://127\.0\.0\.1:(\d+)(/.*)$} or die;

sub connected {
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => 5)
        || die "waiting: 127.0.0.1:$port: $!\n";
}

sub ask {
    my ($socket, $method, $resource, $body, @headers) = @_;
    syswrite $socket, join "\r\n", "$method $path/$resource HTTP/1.1",
        'Host: localhost', @headers,
        defined $body ? ('Content-Type: application/json',
                         'Content-Length: ' . length $body) : (),
        '', $body // '';
}

# to where a pattern is seen
sub until_seen {
    my ($socket, $pattern) = @_;
    my $text = '';
    while ($text !~ $pattern) {
        sysread $socket, $text, 65536, length $text
            or die "waiting: no \"$pattern\" in: $text\n";
    }
    return $text;
}

# when each of the sockets has had what is to come, in seconds from `$start`
sub told {
    my ($start, $pattern, @sockets) = @_;
    my $poll = IO::Poll->new;
    my (%text, @times);

    $poll->mask($_ => POLLIN) for @sockets;

    while ($poll->handles) {
        $poll->poll(20) > 0 or die "waiting: not all were told\n";
        my $now = time;

        for my $socket ($poll->handles(POLLIN)) {
            sysread $socket, $text{$socket}, 65536, length($text{$socket} // '')
                or die "waiting: a client was let go\n";
            next if $text{$socket} !~ $pattern;
            $poll->remove($socket);
            push @times, $now - $start;
        }
    }

    return @times;
}

sub median { my @all = sort { $a <=> $b } @_; return $all[$#all / 2] }

my $publisher = connected();

# with the time at which it was sent
sub publish {
    my ($type) = @_;
    my $start = time;
    ask($publisher, POST => 'events', qq({"eventType":"$type"}));
    return $start;
}

sub resident {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/smaps_rollup" or die "waiting: $pid: $!\n";
    local $/;
    my ($kb) = <$file> =~ /^Private_Dirty:\s+(\d+)/m;
    return $kb * 1024;
}

# bytes for each of as many clients, which `$how` begins with; where there is a
# `$then`, which is for later, the worker gets all of them in one turn
sub bytes {
    my ($pid, $clients, $list, $how, $then) = @_;
    my $first = 500;            # these find memory that is free
    my $before;

    for (1 .. $first + $clients) {
        push @$list, connected();
        $how->($list->[-1]);

        if (@$list == $first) {
            $then->($_) for $then ? @$list : ();
            sleep 0.5;
            $before = resident($pid);
            kill STOP => $pid if $then;
        }
    }

    kill CONT => $pid;

    $then->($_) for $then ? @$list[$first .. $#$list] : ();
    sleep 0.5;
    return (resident($pid) - $before) / $clients;
}

if ($what ne 'polls') {
    my @idle;
    my $ask = sub {
        ask($_[0], GET => 'deltas', undef, 'Accept: text/event-stream');
    };
    my $seen = sub { until_seen($_[0], qr/retry: \d+\n\n/) };

    printf "%.0f ", $what eq 'together'
        ? bytes(@args, \@idle, $ask, $seen)
        : bytes(@args, \@idle, sub { $ask->(@_); $seen->(@_) });

    my $start = publish('x');
    my @times = sort { $a <=> $b } told($start, qr/"evt_/, @idle);
    printf "%.3f\n", $times[-1] * 1000;

} else {
    my ($redis, $clients, $times) = @args;
    my $socket = IO::Socket::UNIX->new(Peer => $redis)
        or die "waiting: $redis: $!\n";
    my (@waiting, @one, @trip);

    publish('first');
    until_seen($publisher, qr/"cursor":"[^"]+"/);
    my $end = connected();
    ask($end, GET => 'deltas', undef);
    my ($cursor) = until_seen($end, qr/"cursor":"[^"]+"/)
                   =~ /"cursor":"([^"]+)"/;

    for (1 .. $clients) {
        push @waiting, connected();
        ask($waiting[-1],
            GET => "deltas?wait=60s&eventType=all&cursor=$cursor");
    }

    my $one = connected();
    for (1 .. $times) {
        ask($one, GET => "deltas?wait=20s&eventType=one&cursor=$cursor");
        sleep 0.01;

        my $start = publish('one');
        my $text = until_seen($one, qr/"hasMore":\w+\}/);
        push @one, time - $start;
        until_seen($publisher, qr/"id":/);
        ($cursor) = $text =~ /"cursor":"([^"]+)"/;

        $start = time;
        syswrite $socket, "*5\r\n\$4\r\nXADD\r\n\$5\r\nbench\r\n\$1\r\n*\r\n"
                          . "\$1\r\nt\r\n\$1\r\nx\r\n";
        sysread $socket, my $reply, 1000;
        push @trip, time - $start;
    }

    my $start = publish('all');
    my @all = told($start, qr/"hasMore":\w+\}/, @waiting);
    printf "%.3f %.3f %.3f\n", map { 1000 * median(@$_) } \@one, \@trip, \@all;
}
