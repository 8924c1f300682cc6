# What the connections to Redis and the workers lose on their way is not lost
# to the subscribers: the cases that a review of the engine has found.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(profile => 'in_flight 1;');
my ($redis, $nginx, $receiver) = ($shop->redis, $shop->nginx, $shop->receiver);

sub append { return ('XADD', 'notify:{shop.0}:log', '*', 't', 'order.paid',
                     'd', '{"n":1}') }

# redis-cli with many commands; the lines of the replies
sub many {
    my $file = test_dir() . '/commands';
    spew($file, join '', map { my @words = @$_;
        s/(["\\])/\\$1/g, $_ = "\"$_\"" for @words; "@words\n" } @_);
    open my $pipe, '-|', 'redis-cli -p ' . $redis->port . " < '$file'"
        or die "redis-cli: $!";
    my @lines = <$pipe>;
    close $pipe;
    chomp @lines;
    return @lines;
}

# ids of nginx's connections, those that block in a read or the others
sub connections {
    my ($blocked) = @_;
    return map { /^id=(\d+)/ }
           grep { / name=nginx/ && (/ flags=\S*b/ xor !$blocked) }
           $redis->cli('CLIENT', 'LIST');
}


# an empty log, and the first event comes while nobody looks

my @first = map { $shop->subscribe("/first?$_") } 1 .. 20;

kill KILL => $nginx->pid, $nginx->workers;
eventually { !NotifyTest::alive($nginx->pid) } 'nginx is killed';
$redis->cli(append());

# as if 10 s had passed
$redis->cli('DEL', map { "notify:{shop.0}:$_" } qw(leases workers));
$nginx->start;

eventually { 20 == grep { $receiver->count("/first?$_") } 1 .. 20 }
           'the first event of all, published meanwhile, reaches everybody', 20;
$shop->delete($_) for @first;


# the commands' connection is lost, the one that reads goes on

$shop->subscribe('/a');
$shop->publish(1);
eventually { $receiver->count('/a') == 1 } 'an event has come';

my @commands = connections(0);
is(scalar @commands, 1, 'a worker has one connection for commands');
my @lines = many(['MULTI'], (map { [append()] } 1 .. 40),
                 (map { ['CLIENT', 'KILL', 'ID', $_] } @commands), ['EXEC']);
my %log = map { $_ => 1 } grep { /^\d+-\d+$/ } @lines;
is(scalar keys %log, 40, 'events come while it is killed');
eventually { connections(0) == 1 } 'it comes back';
$shop->publish(1);
eventually { $receiver->count('/a') >= 42 } 'all of the events are delivered'
    or diag($receiver->count('/a'), ' of 42');
cmp_ok($shop->again('/a'), '<=', 2,
       'and no more twice than were in flight or not yet committed');


# either of the two, again and again, while events flow

my @ids;

for my $round (1 .. 8) {
    my @victims = $round % 3 == 0 ? (connections(0), connections(1))
                                  : connections($round % 2);
    push @ids, $shop->publish(15);
    many(map { ['CLIENT', 'KILL', 'ID', $_] } @victims);
    push @ids, $shop->publish(5);
    elapse 0.05 * ($round % 3);
}

eventually { !$shop->lacks('/a', @ids) }
           'whichever is killed while events flow, all of them arrive'
    or diag($shop->lacks('/a', @ids), ' of ', scalar @ids, ' lack');


# the same with Redis that stands still longer than a command may take

push @ids, $shop->publish(20);
$redis->pause;
elapse 0.3;
$redis->resume;
eventually { !$shop->lacks('/a', @ids) } 'a Redis that stood still loses none';

finish();
