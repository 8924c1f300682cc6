#!/usr/bin/env perl
#
# Subscriptions by the hundred thousand, over a few connections with many
# requests each: none of them wants an event of bench.event, ENTITY_TYPE "a",
# for one of four reasons.
# usage: many.pl PORT PATH NUMBER RECEIVER_PORT REASON...
#        type, attribute, entity, filter

use strict;
use warnings;
use IO::Socket::INET;

use constant { CONNECTIONS => 8, DEPTH => 50 };

my ($port, $path, $number, $receiver, @reasons) = @ARGV;

my %reasons = (
    type      => sub { sprintf '"event":"other.event%d"', $_[0] },
    attribute => sub { sprintf '"event":"bench.event","country":"C%d"', $_[0] },
    entity    => sub { sprintf '"event":"bench.event","entityTypeID":%d',
                               $_[0] },
    filter    => sub { sprintf '"event":"bench.event",'
                               . '"filter":{"data.customer":"c%d"}', $_[0] },
);

sub request {
    my ($n) = @_;
    my $reason = $reasons{$reasons[$n % @reasons]} or die "many: reasons\n";
    my $body = sprintf '{%s,"url":"http://127.0.0.1:%d/none/%d"}',
                       $reason->($n), $receiver, $n;
    return "POST $path/subscriptions HTTP/1.1\r\nHost: localhost\r\n"
         . "Content-Type: application/json\r\n"
         . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

sub create {
    my (@numbers) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or die "many: 127.0.0.1:$port: $!\n";

    while (my @some = splice @numbers, 0, DEPTH) {
        print $socket map { request($_) } @some or die "many: $!\n";
        my ($text, $got) = ('', 0);
        while ($got < @some) {
            sysread $socket, $text, 65536, length $text or die "many: closed\n";
            $got = () = $text =~ m{HTTP/1\.1 \d}g;
        }
        my $created = () = $text =~ m{HTTP/1\.1 201 }g;
        die "many: $text\n" if $created != @some;
        # the last body may still come; it ends with the next first line
        sysread $socket, $text, 65536, length $text
            until $text =~ /\}\s*\z/;
    }
}

my @children;
for my $child (0 .. CONNECTIONS - 1) {
    my $pid = fork // die "many: fork: $!\n";
    if (!$pid) {
        create(grep { $_ % CONNECTIONS == $child } 1 .. $number);
        exit 0;
    }
    push @children, $pid;
}

my $failed = 0;
for my $pid (@children) {
    waitpid $pid, 0;
    $failed ||= $?;
}
exit($failed ? 1 : 0);
