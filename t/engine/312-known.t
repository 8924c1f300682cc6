# What was published under a uid, or an Idempotency-Key, is known for a day: in
# a few hashes, not in a key of Redis each; what a former version has written is
# found, and what it looks for is written while a worker of it is there.

use strict;
use warnings;
no warnings 'portable';     # numbers of more than 32 bits

use Digest::SHA qw(sha256_hex);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
                                 allow => qr{exited on signal 9});
my ($redis, $nginx) = ($shop->redis, $shop->nginx);
my $key = 'notify:{shop.0}';

sub event { return { eventType => 'order.paid', uid => "u$_[0]",
                     entityID => $_[1] // $_[0] } }
sub publish { return $shop->ask(POST => 'events', $_[0]) }
sub ids     { return map { $_->{id} } @{ $_[0]{json} } }
sub keys_of { return grep { length } split /\n/,
              $redis->cli('--scan', '--pattern', "$key:$_[0]") }
sub logged  { return $redis->cli('XLEN', "$key:log") }

# as ngx_http_notify_id_digest() has it
sub digest {
    return substr sha256_hex(map { pack('Q>', length) . $_ } @_), 0, 32;
}

$shop->ready;


# many

my $there = logged();
my @first = map { my $n = $_;
                  ids(publish([map { event("$n.$_") } 1 .. 250])) } 1 .. 40;
is(scalar @first, 10_000, 'ten thousand events with a uid');
is(scalar(() = keys_of('id:*')), 0, 'have no key each');
my @hashes = keys_of('known:*:?');
is(scalar @hashes, 16, 'they are in sixteen hashes');

my $bytes = 0;
$bytes += $redis->cli('MEMORY', 'USAGE', $_, 'SAMPLES', 0) for @hashes;
cmp_ok($bytes / @first, '<=', 45, 'of some forty bytes an event');
is(scalar(grep { my $ttl = $redis->cli('PTTL', $_);
                 $ttl < 86_400_000 || $ttl > 130_000_000 } @hashes), 0,
   'for a day, and half a day more at most');

my @again = map { my $n = $_;
                  ids(publish([map { event("$n.$_") } 1 .. 250])) } 1 .. 40;
is_deeply(\@again, \@first, 'published again they are the same');
is(logged() - $there, 10_000, 'and are logged once');
is(publish(event('1.1', 'other'))->{json}{code}, 'idempotency_conflict',
   'another body is a conflict');
is($shop->ask(GET => 'events/u7.7')->{json}{id}, $first[6 * 250 + 6],
   'one is found by its uid');


# time passes

my %at;
for my $slice (1 .. 3) {
    $at{$slice} = publish(event("slice$slice"))->{json}{id};
    is(publish(event("slice$_"))->{json}{id}, $at{$_},
       "in slice $slice what was published in slice $_ is known")
        for 1 .. $slice;
    is(publish(event("slice$_", 'x'))->{status}, 422, '... and its body')
        for 1 .. $slice;
    $redis->cli('DEL', "$key:known:now") if $slice < 3;
}
is($shop->ask(GET => 'events/uslice1')->{json}{id}, $at{1},
   'and found by its uid');
is(publish(event('2.2'))->{json}{id}, $first[250 + 1], 'as are the first ones');
cmp_ok(scalar(() = keys_of('known*')), '<=', 50, 'in no more than fifty keys');

# the time of a record is that of its id: set back by a day it counts no more

my $old = publish(event('old'))->{json}{id};
my $set_back = <<'END';
    local ms = tonumber(string.sub(ARGV[1], 5, 16), 16)
    local was = struct.pack('>I2I4', math.floor(ms / 4294967296),
                            ms % 4294967296)
    local all, n = redis.call('HGETALL', KEYS[1]), 0
    for i = 2, #all, 2 do
        local at = string.find(all[i], was, 1, true)
        if at then
            local new = ms - 86401000
            redis.call('HSET', KEYS[1], all[i - 1],
                       string.sub(all[i], 1, at - 1)
                       .. struct.pack('>I2I4', math.floor(new / 4294967296),
                                      new % 4294967296)
                       .. string.sub(all[i], at + 6))
            n = n + 1
        end
    end
    return n
END
is((grep { $_ > 0 } map { $redis->cli('EVAL', $set_back, 1, $_, $old) }
    keys_of('known:*:?'))[0], 1, 'one is a day old');
isnt(publish(event('old'))->{json}{id}, $old, 'it may be published anew');


# kills

my $kept = publish(event('kept'))->{json}{id};
$redis->restart;
eventually { (publish(event('kept'))->{json}{id} // '') eq $kept }
           'after a restart of Redis it is known';
$nginx->kill_worker($_) for $nginx->workers;
eventually { (publish(event('kept'))->{json}{id} // '') eq $kept }
           'after the workers were killed, too';


# a former version

my $before = publish({ eventType => 'order.paid', entityID => 1 })->{json}{id};
my ($ms, $seq) = $before =~ /^evt_(.{12})(.+)$/;
my $place = hex($ms) . '-' . hex($seq);
my $theirs = "$key:id:" . digest('', 'theirs');
$redis->cli('SET', $theirs, "$place " . '0' x 32, 'PX', 3_600_000);
is(publish({ eventType => 'order.paid', uid => 'theirs' })->{json}{code},
   'idempotency_conflict', "what a former version has published is known");
is($shop->ask(GET => 'events/theirs')->{json}{id}, $before,
   'and found by its uid');

publish({ eventType => 'order.paid', uid => 'ours' });
is($redis->cli('EXISTS', "$key:id:" . digest('', 'ours')), 0,
   'ours has no key while no worker of a former version is there');
$redis->cli('ZADD', "$key:workers", int(1000 * time) + 3_600_000, '2:former-0');
eventually { publish(event('both' . time));
             scalar(() = keys_of('id:*')) > 1 } 'it has while one is';
my $both = publish({ eventType => 'order.paid', uid => 'both' })->{json}{id};
my $key_of = "$key:id:" . digest('', 'both');
($ms, $seq) = $both =~ /^evt_(.{12})(.+)$/;
like($redis->cli('GET', $key_of), qr/^@{[hex $ms]}-@{[hex $seq]} [0-9a-f]{32}$/,
     'which says what that looks for');
cmp_ok($redis->cli('PTTL', $key_of), '>', 86_000_000, 'for a day');
$redis->cli('ZREM', "$key:workers", '2:former-0');
is(publish({ eventType => 'order.paid', uid => 'both' })->{json}{id}, $both,
   'and is known by both');


# it is gone back to a former version long after, which is gone when this begins

$shop->nginx->stop;
$redis->cli('DEL', "$key:workers");
$redis->cli('SET', "$key:known", $redis->cli('GET', "$key:known")
                                 =~ s/ \d+ \d+$/ 0 0/r);
$redis->cli('DEL', "$key:known:now");
$redis->cli('SET', "$key:id:" . digest('', 'back'), "$place " . '0' x 32,
            'PX', 3_600_000);
$shop->nginx->start;
is(publish({ eventType => 'order.paid', uid => 'back' })->{json}{code},
   'idempotency_conflict', 'what it has published is known, too');

finish;
