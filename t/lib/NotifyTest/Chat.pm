package NotifyTest::Chat;

# A chat application behind nginx, a process with an event loop of its own, and
# a client of it.
#
#   POST /create            201 {"chatId":"<what the form's or query's id says>"}
#                           ?status=... another status, ?header=1 the id in
#                           X-Chat-Id instead of the body
#   Upgrade: websocket      a WebSocket that sends every message back;
#                           ?status=... that instead
#   GET /stream             text/event-stream, a line now and then nothing more
#   GET /poll               answers {"polled":1} to POST /say, or never
#   POST /say               lets all polls answer
#
#   my $chat = NotifyTest::Chat->new;
#   my $socket = $chat->connect($nginx->port, '/ws?session=s-1');
#   $chat->talk($socket, 'hello') eq 'hello';
#   $chat->cut($socket);

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

use constant GUID => '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';


sub new {
    my ($class) = @_;
    my $port = NotifyTest::free_port();
    my $listen = IO::Socket::INET->new(
        LocalAddr => "127.0.0.1:$port", Listen => 1024, ReuseAddr => 1)
        or die "chat: $!";
    my $self = bless { port => $port }, $class;

    $self->{pid} = NotifyTest::spawn(sub { serve($listen) });
    close $listen;

    NotifyTest::started($self);
    return $self;
}

sub address { return "127.0.0.1:$_[0]{port}" }
sub stop { NotifyTest::reap(delete $_[0]{pid}, 'TERM') }


sub serve {
    my ($listen) = @_;
    my $select = IO::Select->new($listen);
    my (%in, %upgraded, %polls);

    local $SIG{PIPE} = 'IGNORE';

    while (1) {
        for my $socket ($select->can_read) {
            if ($socket == $listen) {
                my $client = $listen->accept or next;
                $client->blocking(0);
                $select->add($client);
                $in{$client} = '';
                next;
            }

            my $n = sysread $socket, $in{$socket}, 65536,
                            length $in{$socket};
            if (!$n) {
                $select->remove($socket);
                delete $_->{$socket} for \%in, \%upgraded, \%polls;
                close $socket;
                next;
            }

            if ($upgraded{$socket}) {
                while (defined(my $text = frame(\$in{$socket}))) {
                    syswrite $socket, chr(0x81) . chr(length $text) . $text;
                }
                next;
            }

            my ($head) = $in{$socket} =~ /^(.*?\r\n\r\n)/s or next;
            my ($length) = $head =~ /^content-length: *(\d+)/im;
            next if length $in{$socket} < length($head) + ($length // 0);
            my $body = substr $in{$socket}, length $head;
            $in{$socket} = '';

            answer($socket, $head, $body, \%upgraded, \%polls);
        }
    }
}

sub answer {
    my ($socket, $head, $body, $upgraded, $polls) = @_;
    my ($uri) = $head =~ /^\S+ (\S+)/;
    my ($status) = $uri =~ /[?&]status=(\d+)/;

    my $say = sub {
        my ($code, $text, @headers) = @_;
        syswrite $socket, "HTTP/1.1 $code X\r\n"
            . join('', map { "$_\r\n" } @headers) . 'Content-Length: ' . length($text) . "\r\n\r\n$text";
    };

    if ($status && $status >= 300) {
        $say->($status, '{"error":1}');

    } elsif ($uri =~ m{^/create}) {
        my ($id) = $body =~ /(?:^|&)id=([^&]*)/;
        ($id) = $uri =~ /[?&]id=([^&]*)/ unless defined $id;
        $id //= '';
        $uri =~ /header=1/
            ? $say->(201, '{}', "X-Chat-Id: $id")
            : $say->(201, qq({"chatId":"$id"}),
                     'Content-Type: application/json');

    } elsif ($head =~ /^upgrade: *websocket/im) {
        my ($key) = $head =~ /^sec-websocket-key: *(\S+)/im;
        syswrite $socket, "HTTP/1.1 101 Switching Protocols\r\n"
            . "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            . 'Sec-WebSocket-Accept: ' . sha1_base64($key . GUID) . "=\r\n\r\n";
        $upgraded->{$socket} = 1;

    } elsif ($uri =~ m{^/stream}) {
        syswrite $socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"
            . "\r\nCache-Control: no-cache\r\n\r\ndata: hello\n\n";

    } elsif ($uri =~ m{^/poll}) {
        $polls->{$socket} = $socket;

    } elsif ($uri =~ m{^/say}) {
        for my $poll (values %$polls) {
            my $text = '{"polled":1}';
            syswrite $poll, "HTTP/1.1 200 OK\r\nContent-Length: "
                            . length($text) . "\r\n\r\n$text";
        }
        %$polls = ();
        $say->(200, '{}');

    } else {
        $say->(200, '{}');
    }
}

# a masked text frame of less than 126 bytes, taken out
sub frame {
    my ($in) = @_;
    return unless length $$in >= 6;
    my $length = ord(substr $$in, 1, 1) & 0x7f;
    return unless length $$in >= 6 + $length;
    my $text = substr $$in, 6, $length;
    my $mask = substr($$in, 2, 4) x ($length / 4 + 1);
    substr $$in, 0, 6 + $length, '';
    return $text ^ substr $mask, 0, $length;
}


# a WebSocket through nginx; with another answer undef and that in $@
sub connect {
    my ($self, $port, $uri, %headers) = @_;
    my $socket = request($port, 'GET', $uri, Upgrade => 'websocket',
        Connection => 'Upgrade', 'Sec-WebSocket-Version' => 13,
        'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==', %headers);
    my $answer = '';

    while ($answer !~ /\r\n\r\n/) {
        last unless sysread $socket, $answer, 1, length $answer;
    }

    $@ = $answer;
    return $answer =~ m{^HTTP/1.1 101 } ? $socket : undef;
}

# the bytes of a request are sent, nothing is read
sub request {
    my ($port, $method, $uri, %headers) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or die "chat: $!";
    syswrite $socket, "$method $uri HTTP/1.1\r\nHost: chat\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers)
        . "\r\n";
    return $socket;
}

# a message, and what comes back
sub talk {
    my ($self, $socket, $text) = @_;
    my $mask = 'mask';
    my $masked = $text ^ substr $mask x length $text, 0, length $text;

    syswrite $socket, chr(0x81) . chr(0x80 | length $text) . $mask . $masked;

    my $in = '';
    my $end = time + 10;
    while (length $in < 2 + length $text && time < $end) {
        last unless IO::Select->new($socket)->can_read($end - time);
        last unless sysread $socket, $in, 2 + length($text) - length $in,
                            length $in;
    }

    return substr $in, 2;
}

# without a close: a RST
sub cut {
    my ($self, @sockets) = @_;
    for (@sockets) {
        setsockopt $_, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        close $_;
    }
}

1;
