# Without Redis nginx starts and says so; with it work begins, without a reload.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new(start => 0);
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile local { allow 127.0.0.0/8; }
notify_channel shop { profile local; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location / { return 204; }
}
END

sub publish {
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => 'order.paid', data => { n => 1 } });
}

sub subscribe {
    return http(POST => $nginx->url('/shop/subscriptions'),
                json => { url => $receiver->url('/a'), event => 'order.paid' });
}

# lines of our own above notice, about Redis
sub complaints {
    return grep { /\[(?:warn|error|crit)\]/ && /notify/ && /redis/i }
           split /\n/, $nginx->log;
}

is(http(GET => $nginx->url('/'))->{status}, 204, 'nginx serves other things');

for my $what (['a publish', \&publish], ['a subscription', \&subscribe],
              ['deltas', sub { http(GET => $nginx->url('/shop/deltas')) }])
{
    my ($name, $call) = @$what;
    my $answer = $call->();
    is($answer->{status}, 503, "$name without Redis is answered with 503");
    like($answer->{headers}{'retry-after'} // '', qr/^\d+$/,
         "$name: with Retry-After");
    is($answer->{headers}{'content-type'}, 'application/problem+json',
       "$name: as problem+json");
}

publish() for 1 .. 20;
my $before = complaints();
cmp_ok($before, '>=', 1, 'the log says that Redis is away');
cmp_ok($before, '<=', 2, 'once for each connection, not for each request');

$redis->start;
eventually { subscribe()->{status} == 201 } 'when Redis comes, work begins', 20;
is(publish()->{status}, 202, 'an event is accepted');
eventually { $receiver->count('/a') >= 1 } 'and delivered', 20;

$redis->kill;
eventually { publish()->{status} == 503 } 'when Redis goes, 503 again';
eventually { complaints() > $before } 'and the log says so';
my $gone = complaints();
publish() for 1 .. 20;
cmp_ok(complaints() - $gone, '<=', 1, 'once');

$redis->start;
eventually { publish()->{status} == 202 } 'and when it is back, it works', 20;

finish();
