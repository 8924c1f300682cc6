package NotifyTest::Receiver;

# A subscriber of one suite, a process with an event loop of its own: answers
# as its script says and writes what it got, one JSON object a line.
#
# A script is a list of answers for a path, used in turn; the last one repeats,
# or all of them with cycle => 1.  One for "/x TEXT" is for calls to /x whose
# body has that text.  An answer is a hash:
#   status => 200, body => '', headers => { NAME => VALUE }
#   delay  => seconds before it        close => 1 after it, said in a header
#   reset  => 1 a RST, no answer       drop  => 1 a FIN, no answer
#   hold   => 1 never answers          raw   => 'bytes instead of all that'
#   trickle => seconds between the bytes of it
#   most   => N: 429 while more than N of the path wait for their answer
#   slower => seconds more before it for each that waits
# Over HTTP too: GET /_requests[?path=/x] is an array, PUT /_script takes
# {"path":"/x","answers":[...],"cycle":true}, DELETE /_requests forgets.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Poll qw(POLLIN POLLOUT POLLHUP POLLERR);
use IO::Socket::INET;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use constant MAX_REQUEST => 64 << 20;

my $number = 0;


# new(scripts => { '/x' => [...] }, start => 0)
sub new {
    my ($class, %option) = @_;
    my $name = 'receiver' . ++$number;
    my $self = bless {
        port => NotifyTest::free_port(),
        log  => NotifyTest::test_dir() . "/$name.jsonl",
        errors => NotifyTest::test_dir() . "/$name.log",
        seen => [],
        at => 0,
        scripts => {},
    }, $class;

    my $scripts = $option{scripts} // {};
    for my $path (keys %$scripts) {
        $self->{scripts}{$path} = { answers => $scripts->{$path} };
    }

    NotifyTest::started($self);
    $self->start unless exists $option{start} && !$option{start};
    return $self;
}

sub port { return $_[0]{port} }
sub url  { return "http://127.0.0.1:$_[0]{port}" . ($_[1] // '/') }

sub start {
    my ($self) = @_;
    return if NotifyTest::alive($self->{pid});

    my $listen = IO::Socket::INET->new(
        LocalAddr => "127.0.0.1:$self->{port}", Listen => 1024, ReuseAddr => 1,
        Blocking => 0) or die "receiver: $self->{port}: $!";
    my $parent = $$;

    $self->{pid} = NotifyTest::spawn(
        sub { serve($self, $listen, $parent) }, $self->{errors});
    close $listen;
}

sub stop {
    my ($self) = @_;
    NotifyTest::reap(delete $self->{pid}, 'KILL');
}

# script('/x', { status => 500 }, {}): also while it runs
sub script {
    my ($self, $path, @answers) = @_;
    return $self->set_script($path, 0, @answers);
}

sub cycle {
    my ($self, $path, @answers) = @_;
    return $self->set_script($path, 1, @answers);
}

sub set_script {
    my ($self, $path, $cycle, @answers) = @_;
    my $script = { path => $path, answers => \@answers, cycle => $cycle };

    $self->{scripts}{$path} = { %$script };
    return unless $self->{pid};

    my $answer = NotifyTest::http(PUT => $self->url('/_script'),
                                  json => $script);
    die "receiver: no script: $answer->{content}"
        unless $answer->{status} == 204;
}

# what came so far, for one path or all: hashes of n, time, conn, method, path,
# headers (names in lower case), body, status (that it was answered with)
sub requests {
    my ($self, $path) = @_;
    open my $file, '<:raw', $self->{log} or return;
    seek $file, $self->{at}, 0;

    while (my $line = <$file>) {
        last unless $line =~ /\n\z/;
        $self->{at} += length $line;
        push @{ $self->{seen} }, parse($line);
    }

    return grep { !defined $path || $_->{path} eq $path } @{ $self->{seen} };
}

# bodies of megabytes are nothing for JSON::PP: theirs is between marks that
# no string can have, escaped as quote() does it
sub parse {
    my ($line) = @_;
    my $mark = ',"body":"';
    my $start = rindex($line, $mark) + length $mark;
    my $end = rindex $line, '","status":';
    my $body = substr $line, $start, $end - $start, '';

    $body =~ s/\\(?:u00(..)|(.))/defined $1 ? chr hex $1 : $2/ge;

    my $request = JSON::PP->new->decode($line);
    $request->{body} = $body;
    return $request;
}

sub count { my ($self, $path) = @_; return scalar(() = $self->requests($path)) }


# --- in the child ---

my (%state, $poll, $log, %timer, $timers, $served, %open);

sub serve {
    my ($self, $listen, $parent) = @_;

    $SIG{PIPE} = 'IGNORE';
    $SIG{INT} = 'DEFAULT';
    $SIG{TERM} = sub { POSIX::_exit(0) };

    open $log, '>>:raw', $self->{log} or die "$self->{log}: $!";
    $poll = IO::Poll->new;
    $poll->mask($listen => POLLIN);
    $served = $self->{served} // 0;

    while (getppid == $parent) {
        $poll->poll(wait_time());
        run_timers();

        for my $socket ($poll->handles(POLLIN | POLLOUT | POLLHUP | POLLERR)) {
            if ($socket == $listen) {
                accept_all($listen);
            } elsif ($state{$socket}) {
                my $c = $state{$socket};
                flush_out($c) if length $c->{out} && !$c->{gone};
                read_in($self, $c) if !$c->{gone};
            }
        }

        $log->flush;
    }
}

sub wait_time {
    my ($first) = sort { $a <=> $b } keys %timer;
    return 0.5 unless defined $first;
    my $left = $first - time;
    return $left < 0 ? 0 : $left > 0.5 ? 0.5 : $left;
}

sub after {
    my ($seconds, $sub) = @_;
    push @{ $timer{ time + $seconds } }, $sub;
}

sub run_timers {
    my $now = time;
    for my $due (sort { $a <=> $b } grep { $_ <= $now } keys %timer) {
        $_->() for @{ delete $timer{$due} };
    }
}

sub accept_all {
    my ($listen) = @_;

    while (my $socket = $listen->accept) {
        $socket->blocking(0);
        setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
        $state{$socket} = { socket => $socket, in => '', out => '',
                            number => ++$served };
        $poll->mask($socket => POLLIN);
    }
}

sub drop {
    my ($c) = @_;
    return if $c->{gone}++;
    $poll->remove($c->{socket});
    delete $state{ $c->{socket} };
    close $c->{socket};
}

sub reset_connection {
    my ($c) = @_;
    setsockopt $c->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    drop($c);
}

sub read_in {
    my ($self, $c) = @_;
    my $n = sysread $c->{socket}, $c->{in}, 262144, length $c->{in};

    if (!defined $n) {
        drop($c) unless $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
        return;
    }
    return drop($c) if $n == 0 || length $c->{in} > MAX_REQUEST;
    next_request($self, $c);
}

# one at a time: the next is looked at when the answer of this one is out
sub next_request {
    my ($self, $c) = @_;
    return if $c->{busy} || $c->{gone};
    return unless $c->{in} =~ /\A(.*?)\r\n\r\n/s;

    my ($head, $start) = ($1, $+[0]);
    my ($line, @lines) = split /\r\n/, $head;
    my ($method, $path) = $line =~ m{^([A-Z]+) (\S+) HTTP/1\.[01]$};
    my %headers;

    for my $text (@lines) {
        my ($name, $value) = $text =~ /^([^:\s]+):[ \t]*(.*?)[ \t]*$/;
        return drop($c) unless defined $name;
        $name = lc $name;
        $headers{$name} = exists $headers{$name}
                          ? "$headers{$name}, $value" : $value;
    }

    my $length = $headers{'content-length'} // 0;
    return drop($c) unless defined $path && $length =~ /^\d{1,9}$/;
    return if length $c->{in} < $start + $length;

    my $body = substr $c->{in}, $start, $length;
    substr $c->{in}, 0, $start + $length, '';
    $c->{busy} = 1;

    my $answer = $path =~ m{^/_(?:requests|script)\b}
        ? control($self, $method, $path, $body)
        : record($self, $c, $method, $path, \%headers, $body);

    $c->{close} = $answer->{close}
                  || lc($headers{connection} // '') eq 'close';

    my $delay = ($answer->{delay} // 0)
                + ($answer->{slower} // 0) * (1 + ($open{$path} // 0));

    if ($delay) {
        $open{$path}++;
        after($delay, sub { $open{$path}--; answer($self, $c, $answer) });
    } else {
        answer($self, $c, $answer);
    }
}

sub record {
    my ($self, $c, $method, $path, $headers, $body) = @_;
    (my $plain = $path) =~ s/\?.*//s;
    my ($special) = grep { /^\Q$plain\E (.+)/s && index($body, $1) >= 0 }
                    keys %{ $self->{scripts} };
    my $script = $self->{scripts}{ $special // $plain }
        // $self->{scripts}{'*'};
    my $answer = {};

    if ($script && @{ $script->{answers} }) {
        my $n = $script->{used}++;
        my $last = $#{ $script->{answers} };
        $n = $script->{cycle} ? $n % ($last + 1) : $n > $last ? $last : $n;
        $answer = $script->{answers}[$n];
    }

    $answer = { status => 429 }
        if $answer->{most} && ($open{$path} // 0) >= $answer->{most};

    my $silent = grep { $answer->{$_} } qw(reset drop hold raw);
    print {$log} '{"n":', ++$self->{n}, ',"time":', sprintf('%.4f', time),
        ',"conn":', $c->{number}, ',"open":', 1 + ($open{$path} // 0),
        ',"method":', quote($method),
        ',"path":', quote($path), ',"headers":{',
        join(',', map { quote($_) . ':' . quote($headers->{$_}) }
                  sort keys %$headers),
        '},"body":', quote($body),
        ',"status":', $silent ? 0 : $answer->{status} // 200, "}\n";

    return $answer;
}

# bytes as characters 0 to 255, so that every body comes back as it was
sub quote {
    my ($text) = @_;
    $text =~ s/([\\"])/\\$1/g;
    $text =~ s/([^\x20-\x7e])/sprintf '\\u%04x', ord $1/ge;
    return "\"$text\"";
}

sub control {
    my ($self, $method, $path, $body) = @_;

    if ($path eq '/_script' && $method eq 'PUT') {
        my $script = eval { JSON::PP->new->utf8->decode($body) };
        return { status => 400 } unless ref $script eq 'HASH'
                                        && defined $script->{path}
                                        && ref $script->{answers} eq 'ARRAY';
        $self->{scripts}{ $script->{path} } = $script;
        return { status => 204 };
    }

    if ($method eq 'DELETE') {
        truncate $log, 0;
        return { status => 204 };
    }

    $log->flush;
    my ($want) = $path =~ /\?path=(\S+)$/;
    my @lines = grep { !defined $want || /"path":"\Q$want\E[?"]/ }
                split /\n/, NotifyTest::slurp($self->{log});
    return { headers => { 'Content-Type' => 'application/json' },
             body => '[' . join(',', @lines) . ']' };
}

sub answer {
    my ($self, $c, $answer) = @_;

    return if $c->{gone} || $answer->{hold};
    return drop($c) if $answer->{drop};
    return reset_connection($c) if $answer->{reset};

    my $bytes = $answer->{raw} // message($c, $answer);
    $c->{close} = 1 if defined $answer->{raw} && !exists $answer->{close};
    $c->{then} = sub { $c->{busy} = 0; next_request($self, $c) };

    if ($answer->{trickle}) {
        return trickle($c, $answer->{trickle}, split //, $bytes);
    }

    $c->{out} .= $bytes;
    flush_out($c);
}

sub message {
    my ($c, $answer) = @_;
    my $status = $answer->{status} // 200;
    my $body = $answer->{body} // '';
    my %headers = %{ $answer->{headers} // {} };

    $headers{'Content-Length'} //= length $body
        unless $status == 204 || $status == 304;
    $headers{Connection} //= 'close' if $c->{close};

    return "HTTP/1.1 $status Scripted\r\n"
         . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers)
         . "\r\n$body";
}

sub trickle {
    my ($c, $seconds, $first, @rest) = @_;
    return if $c->{gone};

    $c->{more} = @rest;
    $c->{out} .= $first;
    flush_out($c);
    after($seconds, sub { trickle($c, $seconds, @rest) }) if @rest;
}

sub flush_out {
    my ($c) = @_;

    while (length $c->{out}) {
        my $n = syswrite $c->{socket}, $c->{out};

        if (!defined $n) {
            return drop($c) unless $! == EAGAIN || $! == EWOULDBLOCK
                                   || $! == EINTR;
            $poll->mask($c->{socket} => POLLIN | POLLOUT);
            return;
        }
        substr $c->{out}, 0, $n, '';
    }

    return if $c->{more};
    $poll->mask($c->{socket} => POLLIN);
    return drop($c) if $c->{close};
    if (my $then = delete $c->{then}) { $then->() }
}

1;
