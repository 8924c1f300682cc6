# What one tenant stores is not what another one waits for: the size of a
# subscription is limited, and neither documents of an earlier version without
# this limit nor events of many megabytes come back in one answer of Redis.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    workers => 1, profile => 'retry 200ms until=1h; breaker off;',
    channel => 'subscriptions_max 10000;', server => <<'END');
        location /mine/ { notify_tenant $http_x_tenant; notify_api shop; }
        location /big/  { client_max_body_size 64m; notify_api shop; }
END
my ($redis, $nginx, $receiver) = ($shop->redis, $shop->nginx,
                                  $shop->receiver);

sub mine {
    my ($method, $path, %more) = @_;
    return http($method => $nginx->url("/mine/$path"),
                headers => { 'X-Tenant' => 'acme' }, %more);
}

# kilobytes of the one worker
sub memory {
    my ($pid) = $nginx->workers;
    return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
}

sub losses { return scalar(() = $nginx->log =~ /is down/g) }

my $id = $shop->subscribe('/some');
$shop->ready;

# a document's size

sub sized {
    my ($bytes, %more) = @_;
    return { url => $receiver->url('/x'),
             event => 'order.paid',
             filter => { 'data.x' => 'x' x $bytes }, %more };
}

my $answer = mine(POST => 'subscriptions', json => sized(66_000));
is($answer->{status}, 413, 'a filter of more than subscription_size');
is($answer->{json}{code}, 'subscription_too_large', '... by its code');
like($answer->{json}{detail}, qr/limit is 65536 \(subscription_size\)/,
     '... with the limit named');

$answer = mine(POST => 'subscriptions', json => sized(60_000));
is($answer->{status}, 201, 'one that has room');
my $own = $answer->{json}{id};

is(mine(PATCH => "subscriptions/$own",
        json => { filter => { 'data.x' => 'y' x 70_000 } })->{status}, 413,
   'a change may not make it larger');
is(mine(PUT => "subscriptions/$own", json => sized(70_000))->{status}, 413,
   'nor may a replacement');
is(mine(GET => "subscriptions/$own")->{status}, 200, 'it is as it was');

# documents of before there was a limit, of 1 MB and some of 8 MB

my $many = $ENV{NOTIFY_TEST_LONG} ? 300 : 140;

is($redis->cli('EVAL', <<'END', 0, $redis->key('subs'), $own, $many), $many,
local subs, id, many = ARGV[1], ARGV[2], tonumber(ARGV[3])
local base = string.gsub(redis.call('HGET', subs, id), '^%d+ ', '')
local of = subs .. ':of:acme'
for i = 1, many do
    local name = string.format('sub_old%019d', i)
    local size = i % 100 == 0 and 8000000 or 1000000
    local doc = string.gsub(base, id, name)
    doc = string.gsub(doc, 'xxxx+', string.rep('z', size))
    local version = redis.call('INCR', subs .. ':ver')
    redis.call('HSET', subs, name, version .. ' ' .. doc)
    redis.call('ZADD', of, version, name)
end
return redis.call('ZCARD', of) - 1
END
   'a Redis that an earlier version filled');

my $before = losses();
$nginx->reload;

my @ids = $shop->publish(1);
eventually { !$shop->lacks('/some', @ids) }
           'it is loaded, and events are delivered', 60;
is(losses(), $before, 'no connection was lost by that');
cmp_ok(memory(), '<', 1_500_000, 'in a memory that is bounded');

my ($n, $next, $pages) = (0, 'subscriptions?limit=100', 0);

# not decoded, which takes Perl minutes

while ($next) {
    $answer = HTTP::Tiny->new->get($nginx->url("/mine/$next"),
                                   { headers => { 'X-Tenant' => 'acme' } });
    last unless $answer->{status} == 200;
    $n += () = $answer->{content} =~ /"id":"sub_/g;
    $pages++;
    ($next) = ($answer->{headers}{link} // '')
              =~ m{<[^>]*/(subscriptions[^>]*)>};
}

is($n, $many + 1, 'the list has them all');
cmp_ok($pages, '>', 10, '... in pages by bytes');
is(losses(), $before, '... and no connection is lost');

my ($old) = map { sprintf 'sub_old%019d', $_ } 7;
is(mine(PATCH => "subscriptions/$old", json => { name => 'old' })->{status},
   413, 'an old one may not grow');
is(mine(PATCH => "subscriptions/$old", json => { filter => undef })->{status},
   200, '... and shrink');
is(mine(GET => "subscriptions/$old/deliveries")->{status}, 200,
   'what became of its events can be read');

finish();
