# How long a 401 of notify_verify takes says nothing of how much of a signature
# is right.  Over a connection that is kept, calls with none, half and all but
# the last of it right take turns by chance; the medians of their times differ
# by at most 3 % or 3 microseconds, the larger.  That the measure sees what
# there is to see is shown by a call whose body is longer.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha256_hex);
use IO::Socket::INET;
use List::Util qw(max shuffle);
use MIME::Base64 qw(encode_base64 encode_base64url);
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use NotifyTest;

use constant { ROUNDS => 1500, TRIES => 6, SHARE => 0.03, LEAST => 3e-6 };

my $dir = test_dir();
my $text = 'a text of a secret, of 32 bytes and more';
my $raw = join '', map { chr 7 * $_ % 256 } 1 .. 32;
spew("$dir/text", "$text\n");
spew("$dir/standard", 'whsec_' . encode_base64($raw, '') . "\n");

my $nginx = NotifyTest::Nginx->new(level => 'crit', vars => { KEYS => $dir },
    http => <<'END');
    access_log off;
    keepalive_requests 1000000;
    client_max_body_size 1m;
    client_body_buffer_size 1m;

    server {
        listen 127.0.0.1:%%PORT%%;
        location /hmac {
            notify_verify hmac header=X-Sig secret_file=%%KEYS%%/text;
            root html;
        }
        location /standard {
            notify_verify standard secret_file=%%KEYS%%/standard;
            root html;
        }
        location /jwt {
            notify_verify jwt alg=HS256 key=%%KEYS%%/text;
            root html;
        }
    }
END

sub call {
    my ($path, $body, %headers) = @_;
    return "POST $path HTTP/1.1\r\nHost: x\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers)
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

# another character of its alphabet in each place from $right on
sub wrong {
    my ($signature, $right) = @_;
    my $rest = substr $signature, $right;
    $rest =~ tr/0-9a-zA-Z/1-90b-zaB-ZA/;
    return substr($signature, 0, $right) . $rest;
}

my $body = '{"eventId":"1","sessionId":"2"}';
my $now = time;

my %made = (
    hmac => sub {
        my ($part) = @_;
        my $sig = hmac_sha256_hex($body, $text);
        return call('/hmac', $body,
                    'X-Sig' => wrong($sig, $part->(length $sig)));
    },
    standard => sub {
        my ($part) = @_;
        my $sig = encode_base64(hmac_sha256("m-1.$now.$body", $raw), '');
        $sig =~ s/=$//;
        return call('/standard', $body, 'webhook-id' => 'm-1',
                    'webhook-timestamp' => $now, 'webhook-signature' =>
                    'v1,' . wrong($sig, $part->(length $sig)) . '=');
    },
    jwt => sub {
        my ($part) = @_;
        my $token = join '.', map { encode_base64url($_) }
                    '{"alg":"HS256"}', to_json({ exp => $now + 3600 });
        my $sig = encode_base64url(hmac_sha256($token, $text));
        # the last digit of base64 carries 4 bits only
        return call('/jwt', '', Authorization =>
                    "Bearer $token." . wrong($sig, $part->(length($sig) - 1)));
    },
);

my %part = (none => sub { 0 }, half => sub { int $_[0] / 2 },
            'all but the last' => sub { $_[0] - 1 });

my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port)
    or die $!;
setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;

# the answer, whole
sub ask {
    my ($request) = @_;
    my ($answer, $length) = ('');

    syswrite $socket, $request;

    until (defined $length && length $answer >= $length) {
        sysread $socket, $answer, 65536, length $answer or die "closed\n";
        next if defined $length || $answer !~ /\r\n\r\n/;
        $length = $+[0] + ($answer =~ /^content-length: (\d+)/im)[0];
    }

    return $answer;
}

sub median { return (sort { $a <=> $b } @_)[@_ / 2] }

# the median time of each
sub medians {
    my (%requests) = @_;
    my %times;

    for (1 .. ROUNDS) {
        for my $name (shuffle keys %requests) {
            my $start = clock_gettime(CLOCK_MONOTONIC);
            ask($requests{$name});
            push @{ $times{$name} }, clock_gettime(CLOCK_MONOTONIC) - $start;
        }
    }

    return map { $_ => median(@{ $times{$_} }) } keys %times;
}

sub apart {
    my (%median) = @_;
    my ($low, @rest) = sort { $a <=> $b } values %median;
    return ($rest[-1] - $low, max(LEAST, SHARE * $low));
}

for my $scheme (sort keys %made) {
    my %requests = map { $_ => $made{$scheme}->($part{$_}) } keys %part;
    my %answers = map { $_ => ask($requests{$_}) =~ s/^Date:[^\n]*\n//mr }
                  keys %requests;

    like($answers{none}, qr{^HTTP/1\.1 401 }, "$scheme: a wrong one is a 401");
    is($answers{$_}, $answers{none}, "$scheme: $_ right: byte by byte the same")
        for sort keys %answers;

    my ($apart, $bound, %median);
    for (1 .. TRIES) {
        %median = medians(%requests);
        ($apart, $bound) = apart(%median);
        last if $apart <= $bound;
    }

    cmp_ok($apart, '<=', $bound, "$scheme: their times are the same")
        or diag(join ', ', map { sprintf '%s %.1f us', $_, 1e6 * $median{$_} }
                           sort keys %median);
    note(sprintf '%s: %.1f us, %.2f us apart, bound %.2f us', $scheme,
         1e6 * $median{none}, 1e6 * $apart, 1e6 * $bound);
}

# the control: 256 KB to be hashed
my %requests = (short => $made{hmac}->($part{none}),
                long => call('/hmac', 'x' x 262144, 'X-Sig' => 'f' x 64));
my ($apart, $bound);
for (1 .. TRIES) {
    ($apart, $bound) = apart(medians(%requests));
    last if $apart > $bound;
}
cmp_ok($apart, '>', $bound, 'a longer body is seen to take longer');

finish();
