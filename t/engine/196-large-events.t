# Events of many megabytes: none of the readers of the log asks Redis for more
# of them at a time than a worker takes, and other tenants do not notice.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

{
    package Patient;     # Redis is busy while 160 MB come to be
    our @ISA = 'NotifyTest::Redis';
    sub address { return $_[0]->SUPER::address . ' timeout=20s' }
}

my $shop = NotifyTest::Shop->new(
    redis => Patient->new, allow => qr/exited on signal 9/,
    workers => 1, profile => 'retry 200ms until=1h; breaker off;',
    server => <<'END');
        location /mine/ { notify_tenant $http_x_tenant; notify_api shop; }
END
my ($redis, $nginx, $receiver) = ($shop->redis, $shop->nginx,
                                  $shop->receiver);

# what nobody decodes: Perl would take minutes
sub mine {
    my ($tenant, $path, %more) = @_;
    return HTTP::Tiny->new(timeout => 90)->get($nginx->url("/mine/$path"),
        { headers => { 'X-Tenant' => $tenant }, %more });
}

sub losses { return scalar(() = $nginx->log =~ /is down/g) }

my $id = $shop->subscribe('/some');
my $acme = http(POST => $nginx->url('/mine/subscriptions'),
                headers => { 'X-Tenant' => 'acme' },
                json => { url => $receiver->url('/acme'),
                          events => ['order.paid', 'huge'],
                          filter => { entityID => 1 } })->{json}{id};
$shop->ready;

# eight of 20 MB among some small ones, as a publish writes them
sub huge {
    return (map {
        $redis->cli('EVAL', <<'END', 0, $redis->key('}:log'), @$_) } @_)[-1];
redis.call('XADD', ARGV[1], '*', 't', ARGV[2], 'n', 'acme', 'i', '1',
           'w', redis.call('TIME')[1] .. '000',
           'd', '"' .. string.rep('z', tonumber(ARGV[3])) .. '"')
return redis.call('XLEN', ARGV[1])
END
}

my $before = losses();

cmp_ok(huge((['other', 20_000_000]) x 8, (['small', 1]) x 20), '>=',
       28, 'eight events of 20 MB');

my @ids = $shop->publish(1);
eventually { !$shop->lacks('/some', @ids) } 'what follows is delivered', 30;

my $answer = mine('other', "deltas?since=2026-01-01T00:00:00Z&limit=100");
is($answer->{status}, 200, 'deltas of another tenant');
like($answer->{content}, qr/"data":\[\]/, '... who has none of them');

sub all {
    my ($n, $query) = (0, 'deltas?limit=100');
    for (1 .. 50) {
        my $answer = mine('acme', $query);
        return "$answer->{status}" if $answer->{status} != 200;
        $n += () = $answer->{content} =~ /"eventType":/g;
        my $end = substr $answer->{content}, -300;
        last if $end =~ /"hasMore":false/;
        $query = "deltas?limit=100&cursor=$1" if $end =~ /"cursor":"([^"]+)"/;
    }
    return $n;
}
is(all(), 28, '... and all of them, page by page');

is(mine('acme', "deltas?subscription=$acme&missed=true")->{status}, 200,
   'what a subscription missed');
is(mine('acme', "subscriptions/$acme/deliveries?limit=100")->{status}, 200,
   'what became of them');

is(http(POST => $nginx->url("/mine/subscriptions/$acme/redeliver"),
        headers => { 'X-Tenant' => 'acme' },
        json => { since => '2026-01-01T00:00:00Z', all => JSON::PP::true })
   ->{status}, 202, 'a redelivery of all of them');
eventually { !$redis->key("replay:$acme") } '... reads them', 60;

# a stream from the beginning, of a tenant who has none of them

my $stream = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port);
print $stream "GET /mine/deltas?since=2026-01-01T00:00:00Z HTTP/1.1\r\n"
            . "Host: a\r\nX-Tenant: other\r\n"
            . "Accept: text/event-stream\r\n\r\n";
http(POST => $nginx->url('/mine/events'), headers => { 'X-Tenant' => 'other' },
     json => { eventType => 'order.paid', data => 'streamed' });
my $text = '';
eventually {
    my $set = '';
    vec($set, fileno $stream, 1) = 1;
    sysread $stream, $text, 65536, length $text
        if select $set, undef, undef, 0;
    $text =~ /streamed/;
} 'a stream comes past them', 30;
close $stream;

# behind when a worker starts, and when many come at once

$shop->change($id, enabled => JSON::PP::false);
huge((['huge', 20_000_000]) x 8);
$shop->change($id, enabled => JSON::PP::true);
$nginx->kill_worker;

@ids = $shop->publish(1);
eventually { !$shop->lacks('/some', @ids) } 'a new worker reads on', 60;

my @lost = grep { /is down/ } split /\n/, $nginx->log;
is(losses(), $before, 'no connection was lost') or diag("@lost");
unlike($nginx->log, qr/TOOLARGE/, 'nor did an answer come in vain');

finish();
