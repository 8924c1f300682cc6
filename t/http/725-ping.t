# A stream without events: a comment every 15 seconds, so that no proxy between
# takes it for dead, with the place that was come to meanwhile.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_channel shop { }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
    }
END

eventually { http(GET => $nginx->url('/shop/deltas'))->{status} == 200 };

sub publish {
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => $_[0] })->{json}{id};
}

# until a pattern is seen, or time is up
sub seen {
    my ($stream, $pattern, $seconds) = @_;
    my $end = time + $seconds;

    while ($stream->{text} !~ $pattern) {
        my $set = '';
        my $left = $end - time;
        vec($set, fileno $stream->{socket}, 1) = 1;
        return 0 if $left <= 0 || !select $set, undef, undef, $left;
        sysread $stream->{socket}, $stream->{text}, 65536,
                length $stream->{text} or return 0;
    }
    return 1;
}

sub stream {
    my ($query, @headers) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1:' . $nginx->port) or die $!;
    my $stream = { socket => $socket, text => '' };

    syswrite $socket, join "\r\n", "GET /shop/deltas?$query HTTP/1.1",
        'Host: a', 'Accept: text/event-stream', @headers, '', '';
    ok(seen($stream, qr/retry: \d+\n\n/, 5), 'a stream');
    return $stream;
}

my $quiet = stream('');
my $filtered = stream('eventType=never');
my $began = time;
my $id = publish('some');

ok(seen($quiet, qr/"id":"$id"/, 5), 'an event comes');
ok(seen($filtered, qr/^: ping\n/m, 20), 'then, for who wants others, a ping');
cmp_ok(time - $began, '>', 13, 'after a quarter of a minute');
cmp_ok(time - $began, '<', 18, 'not later');
unlike($filtered->{text}, qr/^data/m, 'and nothing else');
ok(seen($quiet, qr/^: ping\n/m, 5), 'for who had it, too');

my ($cursor) = $filtered->{text} =~ /^: ping\nid: (\S+)\n\r?\n/m;
ok($cursor, 'with the place that was come to');
unlike($quiet->{text}, qr/^: ping\nid:/m, 'unless that is known');

my $again = stream('', "Last-Event-ID: $cursor");
my $next = publish('some');
ok(seen($again, qr/"id":"$next"/, 5), 'who comes again with it goes on there');
unlike($again->{text}, qr/"id":"$id"/, 'and not before');

finish();
