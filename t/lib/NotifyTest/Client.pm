package NotifyTest::Client;

# The ways in which http() sends a request, by its option `client` or by
# NOTIFY_TEST_CLIENT:
#   close    a connection for each request (HTTP::Tiny)
#   late     a connection that is kept alive; the body is sent in two pieces
#            once nginx has read the head and waits for it
#   http2    HTTP/2 (t/clients/http2.js), a connection for each request, or with
#            the option `keep` a stream of one that is kept
# All give an answer of HTTP::Tiny's form.

use strict;
use warnings;

use HTTP::Tiny;
use IO::Socket::INET;
use MIME::Base64 ();
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep time);

my %way = (close => \&by_close, late => \&by_late, http2 => \&by_http2);

# by the process, and the address
my (%kept, %helper);

# ports of nginx, and where they speak HTTP/2
my %http2;

sub knows {
    my ($port, $twin) = @_;
    $http2{$port} = $twin // $http2{$port};
}

sub way { return $_[0] // $ENV{NOTIFY_TEST_CLIENT} // 'close' }

sub request {
    my ($method, $url, %option) = @_;
    my $name = way($option{client});
    my ($port) = $url =~ m{^http://(?:127\.0\.0\.1|localhost):(\d+)};

    # a receiver knows one way only
    if ($name ne 'close' && !(defined $port && exists $http2{$port})
        || $name eq 'http2' && !defined $http2{$port})
    {
        $name = 'close';
    }

    my $send = $way{$name} // die "no client of the name $name\n";

    return $send->($method, $url, %option);
}


sub by_close {
    my ($method, $url, %option) = @_;
    my $client = HTTP::Tiny->new(timeout => $option{timeout} // 35,
                                 max_redirect => 0, keep_alive => 0);

    return $client->request($method, $url, {
        headers => $option{headers},
        defined $option{body} ? (content => $option{body}) : (),
    });
}


# what HTTP::Tiny would send, lines of [name, value]
sub fields {
    my ($method, %option) = @_;
    my @fields = map {
        my $name = $_;
        my $value = $option{headers}{$name};
        map { [$name, $_] } ref $value ? @$value : $value;
    } sort keys %{ $option{headers} };
    my %given = map { lc $_->[0] => 1 } @fields;
    my $body = $option{body};

    push @fields, ['User-Agent', 'NotifyTest'] unless $given{'user-agent'};

    if (defined $body && length $body && !$given{'content-type'}) {
        push @fields, ['Content-Type', 'application/octet-stream'];
    }

    return @fields;
}

# a body that is given in pieces, in one
sub whole {
    my ($body) = @_;
    return $body // '' unless ref $body;

    my $all = '';

    while (defined(my $part = $body->())) {
        last unless length $part;
        $all .= $part;
    }

    return $all;
}

sub failed {
    my ($url, $why) = @_;
    return { success => '', status => 599, reason => 'Internal Exception',
             content => $why, headers => {}, url => $url };
}

# "HTTP/1.1 200 OK" and fields, as HTTP::Tiny has them
sub parsed {
    my ($url, $line, @fields) = @_;
    my ($protocol, $status, $reason) = $line =~ m{^(HTTP/\S+) (\d{3}) ?(.*)}
        or return failed($url, "malformed status line: $line");
    my %headers;

    for (@fields) {
        my ($name, $value) = (lc $_->[0], $_->[1]);
        $headers{$name} = exists $headers{$name}
            ? [ref $headers{$name} ? @{ $headers{$name} } : $headers{$name},
               $value]
            : $value;
    }

    return { success => $status =~ /^2/ ? 1 : '', status => $status,
             reason => $reason, headers => \%headers, url => $url,
             protocol => $protocol, content => '' };
}


sub by_late {
    my ($method, $url, %option) = @_;
    my ($address, $path) = $url =~ m{^http://([^/?#]+)([^#]*)};
    my $body = whole($option{body});

    $path = "/$path" unless $path =~ m{^/};

    my @fields = fields($method, %option, body => $body);
    my %given = map { lc $_->[0] => $_->[1] } @fields;
    my $head = "$method $path HTTP/1.1\r\nHost: "
               . ($option{host} // $address) . "\r\n"
               . join '', map { "$_->[0]: $_->[1]\r\n" } @fields;
    my $chunked = ref $option{body} && !defined $given{'content-length'};

    if ($chunked) {
        $head .= "Transfer-Encoding: chunked\r\n"
            unless defined $given{'transfer-encoding'};
        $body = sprintf("%x\r\n%s\r\n", length $body, $body) if length $body;
        $body .= "0\r\n\r\n";

    } elsif (!defined $given{'content-length'}
             && (length $body || $method =~ /^(?:POST|PUT)$/))
    {
        $head .= 'Content-Length: ' . length($body) . "\r\n";
    }

    $head .= "Expect: 100-continue\r\n" if length $body;

    my $end = time + ($option{timeout} // 35);
    my $key = "$$ $address";
    my $answer;
    local $SIG{PIPE} = 'IGNORE';

    # one that was kept may have been closed meanwhile
    for my $kept (delete $kept{$key}, 0) {
        next unless defined $kept;
        my $socket = $kept || IO::Socket::INET->new(PeerAddr => $address)
            or return failed($url, "Could not connect to '$address': $!");
        setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;

        $answer = exchange($socket, $url, $method, "$head\r\n", $body, $end);
        next if $kept && $answer->{nothing};

        $kept{$key} = $socket if delete $answer->{keep};
        last;
    }

    delete $answer->{nothing};
    return $answer;
}

# `keep`: the connection can be used again, `nothing`: no byte has come
sub exchange {
    my ($socket, $url, $method, $head, $body, $end) = @_;
    my $in = '';
    my $more = sub {
        my $set = '';
        vec($set, fileno $socket, 1) = 1;
        my $left = $end - time;
        return 0 if $left <= 0 || !select $set, undef, undef, $left;
        return sysread $socket, $in, 65536, length $in;
    };

    put($socket, $head, $end);

    my ($answer, $sent);

    while (!$answer) {
        if ($in =~ s/^(HTTP.*?\r\n)\r\n//s) {
            my ($line, @lines) = split /\r\n/, $1;
            my $first = parsed($url, $line,
                map { /^([^:]+):[ \t]*(.*?)[ \t]*$/ ? [$1, $2] : () } @lines);

            if ($first->{status} eq 100) {
                next if $sent++;
                my $half = int(length($body) / 2);
                put($socket, substr($body, 0, $half), $end) if $half;
                sleep 0.001;
                put($socket, substr($body, $half), $end);

            } elsif ($first->{status} !~ /^1(?!01)/) {
                $answer = $first;
            }
            next;
        }

        $more->() or return { %{ failed($url, length $in
                                 ? 'the answer is cut'
                                 : 'Unexpected end of stream') },
                              nothing => !length $in && time < $end };
    }

    my $headers = $answer->{headers};
    my $length = $headers->{'content-length'};
    my $close = grep { lc eq 'close' }
                map { ref ? @$_ : $_ } $headers->{connection} // '';

    $answer->{keep} = !$close && (!length $body || $sent);

    if ($method eq 'HEAD' || $answer->{status} =~ /^(?:204|304|101)$/) {
        return $answer;
    }

    if (lc($headers->{'transfer-encoding'} // '') eq 'chunked') {
        while (1) {
            $in =~ /^([0-9a-f]+)[^\r\n]*\r\n/i
                or ($more->() ? next : return failed($url, 'a chunk is cut'));
            my ($size, $from) = (hex $1, $+[0]);
            $more->() or return failed($url, 'a chunk is cut')
                while length $in < $from + $size + 2;
            $answer->{content} .= substr $in, $from, $size;
            substr($in, 0, $from + $size + 2) = '';
            last unless $size;
        }
        return $answer;
    }

    if (!defined $length) {
        $answer->{keep} = 0;
        1 while $more->();
        $answer->{content} = $in;
        return $answer;
    }

    while (length $in < $length) {
        $more->() or return failed($url, 'the body is cut');
    }

    $answer->{content} = substr $in, 0, $length;
    return $answer;
}

sub put {
    my ($socket, $bytes, $end) = @_;

    while (length $bytes && time < $end) {
        my $n = syswrite $socket, $bytes or return;
        substr($bytes, 0, $n) = '';
    }
}


sub by_http2 {
    my ($method, $url, %option) = @_;
    my ($address, $port, $path) = $url =~ m{^http://([^/?#]+?:(\d+))([^#]*)};
    my $body = whole($option{body});
    my $seconds = $option{timeout} // 35;
    my $answer = ask_helper({
        address => "127.0.0.1:$http2{$port}",
        host    => $option{host} // $address,
        method  => $method,
        path    => $path =~ m{^/} ? $path : "/$path",
        headers => [map { [@$_] } fields($method, %option, body => $body)],
        body    => length $body || $method =~ /^(?:POST|PUT)$/
                   ? MIME::Base64::encode($body, '') : undef,
        keep    => $option{keep} ? 1 : 0,
        timeout => $seconds,
    }, $seconds + 5);

    return failed($url, $answer->{error}) if defined $answer->{error};

    my $parsed = parsed($url, "HTTP/2 $answer->{status}",
                        @{ $answer->{headers} });
    $parsed->{content} = MIME::Base64::decode($answer->{body});
    return $parsed;
}

# t/clients/http2.js, one for each process
sub ask_helper {
    my ($request, $seconds) = @_;
    my $helper = $helper{$$} //= start_helper();
    my $end = time + $seconds;
    my $in = $helper->{in};

    $request->{id} = ++$helper->{id};
    syswrite $helper->{out}, NotifyTest::to_json($request) . "\n";

    while (1) {
        if ($helper->{text} =~ s/^(.*)\n//) {
            my $answer = NotifyTest::from_json($1);
            return $answer if $answer->{id} == $request->{id};
            next;
        }

        my $set = '';
        vec($set, fileno $in, 1) = 1;
        my $left = $end - time;

        if ($left <= 0 || !select($set, undef, undef, $left)
            || !sysread $in, $helper->{text}, 65536, length $helper->{text})
        {
            delete $helper{$$};
            return { error => 'no answer of http2.js' };
        }
    }
}

sub start_helper {
    pipe my $in, my $their_out or die "pipe: $!";
    pipe my $their_in, my $out or die "pipe: $!";

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        open STDIN, '<&', $their_in;
        open STDOUT, '>&', $their_out;
        { exec 'node', "$NotifyTest::TOP/t/clients/http2.js" }
        POSIX::_exit(127);
    }

    return { pid => $pid, in => $in, out => $out, text => '', id => 0 };
}


# Test::Nginx's blocks go the same way: its requests, but for raw ones and those
# that say Transfer-Encoding, are sent by the client that was asked for
sub test_nginx {
    my ($block) = @_;
    my $port = $ENV{TEST_NGINX_PORT};
    my $name = way();
    return if $name eq 'close';
    knows($port);

    if ($name eq 'http2') {
        $block->set_value(config => NotifyTest::Nginx::http2_listen($port)
                                    . "\n" . ($block->config // ''));
    }

    our $theirs //= \&Test::Nginx::Socket::send_request;

    no warnings qw(redefine prototype once);
    *Test::Nginx::Socket::send_request = \&test_nginx_request;
}

sub test_nginx_request {
    my ($request, $delay, $timeout, $block) = @_;
    my $text = join '', map { ref ? $_->{value} : $_ }
                        ref $request eq 'ARRAY' ? @$request : $request;
    my ($head, $body) = $text =~ /^(.*?\r\n)\r\n(.*)\z/s;
    my ($line, @lines) = split /\r\n/, $head // '';
    my ($method, $path) = ($line // '') =~ m{^(\S+) (/\S*) HTTP/1\.1$};
    our $theirs;

    return $theirs->(@_) if !defined $path || defined $block->raw_request
                            || defined $block->abort
                            || grep { /^Transfer-Encoding:/i } @lines;

    my (%headers, $host);

    for (@lines) {
        my ($field, $value) = /^([^:]+):\s*(.*)/ or return $theirs->(@_);
        next if $field =~ /^(?:Connection|Content-Length)$/i;
        $host = $value, next if lc $field eq 'host';
        push @{ $headers{$field} }, $value;
    }

    my $answer = request($method,
        "http://127.0.0.1:$ENV{TEST_NGINX_PORT}$path", host => $host,
        headers => \%headers, body => $body, timeout => $timeout);

    my $raw = "HTTP/1.1 $answer->{status} $answer->{reason}\r\n";

    for my $field (sort keys %{ $answer->{headers} }) {
        next if $field eq 'transfer-encoding';
        my $value = $answer->{headers}{$field};
        $raw .= "$field: $_\r\n" for ref $value ? @$value : $value;
    }

    $raw .= 'content-length: ' . length($answer->{content}) . "\r\n"
        unless defined $answer->{headers}{'content-length'}
               || $answer->{status} == 204 || $answer->{status} == 304;

    return ("$raw\r\n$answer->{content}", $method eq 'HEAD' ? 1 : 0);
}

1;
