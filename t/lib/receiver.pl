#!/usr/bin/env perl
#
# A subscriber to try things with: prints every call and says whether its
# Standard Webhooks signature is right.  Core modules only.
#
# usage: receiver.pl PORT [SECRET]       SECRET as the subscription has it

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_base64);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64);
use POSIX qw(strftime);

# those who look into an answer are pleased with this one, and so are those who
# ask for a token
use constant ANSWER => '{"Success":true,"Code":0,"Message":"OK",'
                       . '"access_token":"a-token-to-try-with"}';
use constant { MAX_REQUEST => 1 << 20, TOLERANCE => 300 };

my ($port, $secret) = @ARGV;
die "usage: receiver.pl PORT [SECRET]\n" unless $port;

$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 0 };

my $listen = IO::Socket::INET->new(
    LocalAddr => "127.0.0.1:$port", Listen => 128, ReuseAddr => 1,
    Blocking => 0) or die "receiver: 127.0.0.1:$port: $!\n";

my $select = IO::Select->new($listen);
my %buffer;

while (1) {
    for my $socket ($select->can_read) {
        if ($socket == $listen) {
            my $client = $listen->accept or next;
            $select->add($client);
            $buffer{$client} = '';
            next;
        }

        my $n = sysread $socket, $buffer{$socket}, 65536,
            length $buffer{$socket};

        if ($n && length $buffer{$socket} <= MAX_REQUEST
            && answer_all($socket))
        {
            next;
        }

        $select->remove($socket);
        delete $buffer{$socket};
        close $socket;
    }
}


# answers what is complete in the buffer; 0: the connection is to be closed
sub answer_all {
    my ($socket) = @_;

    while ($buffer{$socket} =~ /\A(.*?)\r\n\r\n/s) {
        my ($head, $start) = ($1, $+[0]);
        my ($line, @lines) = split /\r\n/, $head;
        my %header = map { /^([^:]+):\s*(.*?)\s*$/ ? (lc $1, $2) : () } @lines;
        my $length = $header{'content-length'} // 0;

        my ($method, $path) = $line =~ m{^([A-Z]+) (\S+) HTTP/1\.[01]$};

        return 0 unless defined $path && $length =~ /^\d{1,9}$/;
        return 1 if length $buffer{$socket} < $start + $length;

        my $body = substr $buffer{$socket}, $start, $length;
        substr $buffer{$socket}, 0, $start + $length, '';

        my $problem = verify(\%header, $body);
        print_call($method, $path, \%header, $body, $problem);

        my $status = $problem ? '401 Unauthorized' : '200 OK';
        syswrite $socket, "HTTP/1.1 $status\r\n"
            . "Content-Type: application/json\r\n"
            . 'Content-Length: ' . length(ANSWER) . "\r\n\r\n" . ANSWER
            or return 0;
    }

    return 1;
}


# https://www.standardwebhooks.com/: what is wrong with it, or ''
sub verify {
    my ($header, $body) = @_;
    my ($id, $time, $signatures) =
        map { $header->{"webhook-$_"} } qw(id timestamp signature);

    return '' unless defined $secret;
    return 'unsigned' unless defined $id && defined $time
                             && defined $signatures;
    return 'its time is not now'
        if $time !~ /^\d{1,15}$/ || abs($time - time) > TOLERANCE;

    my $key = $secret =~ /^whsec_(.*)/ ? decode_base64($1) : $secret;
    my $code = hmac_sha256_base64("$id.$time.$body", $key);
    $code .= '=' while length($code) % 4;

    for my $signature (split / /, $signatures) {
        return '' if $signature eq "v1,$code";
    }

    return 'wrong signature';
}


sub print_call {
    my ($method, $path, $header, $body, $problem) = @_;

    my $verdict = !defined $secret ? 'not verified'
                : $problem ? "REFUSED: $problem" : 'signature verified';

    printf "\n%s  %s %s  (%s)\n", strftime('%H:%M:%S', localtime),
        printable($method), printable($path), $verdict;

    for my $name (sort keys %$header) {
        printf "    %s: %s\n", printable($name), printable($header->{$name})
            unless $name =~ /^(?:connection|content-length|host)$/;
    }

    print '    ', printable($body), "\n";
}


sub printable {
    my ($text) = @_;
    $text =~ s/([^\x20-\x7e\x80-\xff])/sprintf '\\x%02x', ord $1/ge;
    return $text;
}
