package NotifyTest::Hostile;

# A Redis that answers oddly: a process between nginx and a real one which
# replaces some replies, or parts of them, by others: of wrong types, cut, too
# long, nested, null, or none at all.
#
#   my $hostile = NotifyTest::Hostile->new(redis => $redis, seed => 7);
#   my $nginx = NotifyTest::Nginx->new(redis => $hostile, ...);
#   $hostile->odd(20);              # percent of the replies, 0 at first
#   $hostile->swap(qr/x/ => 'y');   # in all replies, until swap() without
#   $hostile->changed;              # how many it has replaced so far

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;

my $number = 0;


sub new {
    my ($class, %option) = @_;
    my $port = NotifyTest::free_port();
    my $listen = IO::Socket::INET->new(
        LocalAddr => "127.0.0.1:$port", Listen => 1024, ReuseAddr => 1)
        or die "hostile: $!";
    my $self = bless {
        %option,
        port => $port,
        file => NotifyTest::test_dir() . '/hostile' . ++$number,
    }, $class;

    $self->odd(0);
    $self->swap;
    $self->{pid} = NotifyTest::spawn(sub { $self->serve($listen) });
    close $listen;

    NotifyTest::started($self);
    return $self;
}

sub port    { return $_[0]{port} }
sub address { return "127.0.0.1:$_[0]{port} timeout=1s" }
sub pid     { return $_[0]{pid} }
sub stop    { NotifyTest::reap(delete $_[0]{pid}, 'TERM') }
sub changed { return -s "$_[0]{file}.changed" || 0 }

sub odd {
    my ($self, $percent) = @_;
    NotifyTest::spew("$self->{file}.new", $percent);
    rename "$self->{file}.new", $self->{file} or die $!;
}

# bytes of the protocol, as qr/\$2\r\nid\r\n/ => ":1\r\n"
sub swap {
    my ($self, @swap) = @_;
    NotifyTest::spew("$self->{file}.new", join "\0", @swap);
    rename "$self->{file}.new", "$self->{file}.swap" or die $!;
}


sub serve {
    my ($self, $listen) = @_;
    my $select = IO::Select->new($listen);
    my (%peer, %redis, %in, %stalled);

    local $SIG{PIPE} = 'IGNORE';
    srand $self->{seed};
    open my $changed, '>>', "$self->{file}.changed" or die $!;
    $changed->autoflush(1);

    while (1) {
        my $percent = NotifyTest::slurp($self->{file});
        my ($from, $to) = split /\0/, NotifyTest::slurp("$self->{file}.swap");

        for my $socket ($select->can_read(0.2)) {
            if ($socket == $listen) {
                my $client = $listen->accept or next;
                my $redis = IO::Socket::INET->new(
                    PeerAddr => '127.0.0.1:' . $self->{redis}->port)
                    or next;
                @peer{$client, $redis} = ($redis, $client);
                $redis{$redis} = 1;
                $select->add($client, $redis);
                next;
            }

            my $peer = $peer{$socket} or next;
            my $n = sysread $socket, my $bytes, 262144;
            my $open = $n;

            if ($n && !$redis{$socket}) {
                write_all($peer, $bytes);

            } elsif ($n && !$stalled{$socket}) {
                $in{$socket} .= $bytes;

                while (defined(my $end = reply_end($in{$socket}, 0))) {
                    my $reply = substr $in{$socket}, 0, $end, '';

                    if (defined $from && $reply =~ s/$from/$to/g) {
                        syswrite $changed, '.';
                    }

                    if (rand(100) >= $percent) {
                        write_all($peer, $reply);
                        next;
                    }

                    syswrite $changed, '.';
                    my ($what, $text) = oddity($reply);
                    write_all($peer, $text);
                    $stalled{$socket} = 1 if $what eq 'stall';
                    $open = 0 if $what eq 'close';
                    last if $what ne 'go';
                }
            }

            if (!$open) {
                for ($socket, $peer) {
                    $select->remove($_);
                    delete @$_{"$_"} for \%peer, \%redis, \%in, \%stalled;
                    close $_;
                }
            }
        }
    }
}

sub write_all {
    my ($socket, $bytes) = @_;
    while (length $bytes) {
        my $n = syswrite $socket, $bytes;
        return unless $n;
        substr $bytes, 0, $n, '';
    }
}


# where the reply that begins there ends, if all of it is there
sub reply_end {
    my (undef, $at) = @_;
    my $eol = index $_[0], "\r\n", $at;
    return if $eol < 0;

    my $type = substr $_[0], $at, 1;
    my $n = substr $_[0], $at + 1, $eol - $at - 1;
    $at = $eol + 2;

    if ($type eq '$' && $n >= 0) {
        $at += $n + 2;
        return $at <= length $_[0] ? $at : undef;
    }

    for (my $i = 0; $type eq '*' && $i < $n; $i++) {
        $at = reply_end($_[0], $at);
        return unless defined $at;
    }

    return $at;
}

# where each of its parts begins and ends
sub parts {
    my (undef, $at, $list) = @_;
    my $eol = index $_[0], "\r\n", $at;
    my ($type, $n) = (substr($_[0], $at, 1),
                      substr $_[0], $at + 1, $eol - $at - 1);
    my $end = $eol + 2;
    my $self = [$at];

    push @$list, $self;

    if ($type eq '$' && $n >= 0) {
        $end += $n + 2;
    }

    for (my $i = 0; $type eq '*' && $i < $n; $i++) {
        $end = parts($_[0], $end, $list);
    }

    return $self->[1] = $end;
}


sub pick { return $_[rand @_] }

sub bulk { return '$' . length($_[0]) . "\r\n$_[0]\r\n" }

sub odd_value {
    return pick(
        "\$-1\r\n", "*-1\r\n", "*0\r\n", "\$0\r\n\r\n", ":0\r\n", ":-1\r\n",
        ":1\r\n", ":9223372036854775807\r\n", ":-9223372036854775808\r\n",
        "+OK\r\n", "+\r\n", "-ERR odd\r\n", "-\r\n", "-OOM odd\r\n",
        "-WRONGTYPE odd\r\n", "-NOPERM odd\r\n", "-NOSCRIPT odd\r\n",
        "-MISCONF odd\r\n", "-BUSY odd\r\n", "-MOVED 1 127.0.0.1:1\r\n",
        bulk('-'), bulk('1-1'), bulk('0-0'), bulk("\0"), bulk('{}'),
        bulk('1 {}'), bulk('1 {"id":1}'), bulk(' '), bulk('-1'), bulk('1'),
        bulk('99999999999999999999'), bulk('18446744073709551615-0'),
        bulk('x' x 5000), bulk("\xff\xfe" x 40), bulk('ok'), bulk('"'),
        "*3\r\n\$-1\r\n\$-1\r\n\$-1\r\n",
        "*2\r\n:1\r\n*0\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "*2\r\n" . bulk('1-1') . '*2' . "\r\n" . bulk('t') . bulk('x'),
        "*2\r\n" . bulk('1-1') . "*-1\r\n",
        "*2\r\n" . bulk('ok') . "\$-1\r\n",
        '*300' . "\r\n" . ":7\r\n" x 300);
}

# what is to be done behind it: go, close, stall
sub oddity {
    my ($reply) = @_;
    my $way = int rand 100;

    return ('close', substr $reply, 0, rand length $reply) if $way < 4;
    return ('stall', substr $reply, 0, rand length $reply) if $way < 6;
    return ('close', pick('$99999999999' . "\r\n", "*1000000\r\n:1\r\n",
                          '$-2' . "\r\n", "*-5\r\n", ":x\r\n", "\r\n", 'HTTP',
                          "\0\0\0\0", "_\r\n", "#t\r\n", "%1\r\n:1\r\n:2\r\n",
                          "*1\r\n" x 12 . ":1\r\n", $reply . $reply))
        if $way < 9;
    return ('go', odd_value()) if $way < 35;

    # some of its parts

    for (0 .. rand 3) {
        my @parts;
        parts($reply, 0, \@parts);
        my ($at, $end) = @{ pick(@parts) };
        substr $reply, $at, $end - $at,
               rand() < 0.7 ? odd_value() : odd_value() . odd_value();
        last unless defined reply_end($reply, 0);
        $reply = substr $reply, 0, reply_end($reply, 0);
    }

    return ('go', $reply) if defined reply_end($reply, 0);
    return ('close', $reply);
}

1;
