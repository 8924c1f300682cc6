# compress: what is of another tenant stays so in segments, and nothing is packed
# while a worker of an older version, which would not find it, is there.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    channel => 'compress after=1s;',
    server => 'location /acme/ { notify_tenant acme; notify_api shop; }');
my ($redis, $nginx) = ($shop->redis, $shop->nginx);
my $key = 'notify:{shop.0}';

sub packed { return $redis->cli('HGET', "$key:seg", 'n') || 0 }
sub acme   { return http($_[0] => $nginx->url("/acme/$_[1]"),
                         defined $_[2] ? (json => $_[2]) : ()) }
sub ids    { return map { $_->{id} } @_ }

$shop->ready;

# a worker's name without a version

$redis->cli('ZADD', "$key:workers", int(1000 * time) + 3_600_000, 'former-0');
my @ours = $shop->publish(50);
my @hers = ids(@{ acme(POST => 'events', [map { { eventType => 'order.paid',
                      entityID => $_ } } 1 .. 50])->{json} });
eventually { $nginx->log =~ /\Qnot compressed while a worker of an older/ }
           'the log says that an older version is there', 20;
is(packed(), 0, 'nothing is packed');
is($redis->cli('ZREM', "$key:workers", 'former-0'), 1, 'it goes');
eventually { packed() == 100 } 'then all but the last are packed', 30;

# tenants

is_deeply([ids(@{ acme(GET => 'events?limit=100')->{json} })],
          [reverse @hers], 'a tenant has a list of its own events');
is_deeply([ids(@{ acme(GET => 'deltas?limit=100')->{json}{data} })], [@hers],
          'and deltas');
is(acme(GET => "events/$hers[3]")->{status}, 200, 'it finds one by its id');
is(acme(GET => "events/$ours[3]")->{status}, 404, 'not one of another');
is(acme(DELETE => "events/$ours[3]")->{status}, 404, 'nor erases it');
is($shop->ask(GET => "events/$ours[3]")->{status}, 200, 'it is still there');
is(acme(DELETE => "events/$hers[3]")->{status}, 204, 'its own it erases');
is_deeply([ids(@{ acme(GET => 'events?limit=100')->{json} })],
          [reverse grep { $_ ne $hers[3] } @hers], 'and has it no more');

finish;
