# A worker that learns late of what has changed: it stands still while clients
# change subscriptions and publish.  What is published after a change is for the
# changed one, however much there is to be read.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;
use Time::HiRes qw(time);

my $n = 40;
my @profile = (profile => 'retry 500ms 500ms jitter=0%; breaker off;');

my $shop = NotifyTest::Shop->new(@profile,
    scripts => { map { ("/held$_" => [{ status => 503,
                                        headers => { 'Retry-After' => 2 } },
                                      { status => 200 }]) } 1 .. $n });
$shop->ready;

my $late = NotifyTest::Shop->new(@profile, redis => $shop->redis,
                                 receiver => $shop->receiver);
eventually {
    my %workers = map { (split ' ')[0] => 1 }
                  $shop->redis->cli('HVALS', 'notify:{shop.0}:leases');
    2 == keys %workers;
} 'two instances share the subscriptions';


# one stands still for what is done with the other

sub meanwhile {
    my ($what) = @_;
    my ($worker) = $late->nginx->workers;

    kill STOP => $worker;
    eventually { slurp("/proc/$worker/stat") =~ /\) T / }
        or die "a worker does not stop\n";
    $what->();
    kill CONT => $worker;
}


# many changes, then one event

my %id = map { $_ => $shop->subscribe("/old$_") } 1 .. $n;
my ($before) = $shop->publish(1);
eventually { !grep { $shop->lacks("/old$_", $before) } 1 .. $n }
           'all are there';
my $event;

meanwhile(sub {
    $shop->change($id{$_}, url => $shop->receiver->url("/new$_")) for 1 .. $n;
    ($event) = $shop->publish(1);
});

eventually { !grep { $shop->lacks("/new$_", $event) } 1 .. $n }
           'what is published after many changes goes to the new URLs'
    or diag(scalar(grep { $shop->lacks("/new$_", $event) } 1 .. $n), ' lack');
is(scalar(grep { !$shop->lacks("/old$_", $event) } 1 .. $n), 0,
   'and not to the old ones');

$shop->delete($_) for values %id;


# those that do not follow the tail read alone

%id = map { $_ => $shop->subscribe("/held$_", filter => { 'data.n' => 1 }) }
      1 .. $n;
my ($first) = $shop->publish(1);
eventually { !grep { !$shop->receiver->count("/held$_") } 1 .. $n }
           'all of them are asked to wait';
my $until = time + 2.1;
my ($only, $not);

meanwhile(sub {
    $shop->publish(1, eventType => 'ready');
    $shop->change($id{$_}, filter => { 'data.n' => 8 }) for 1 .. $n;
    ($only) = $shop->publish(1, data => { n => 8 });
    ($not) = $shop->publish(1, data => { n => 1 });
    elapse $until - time if $until > time;
});

eventually { !grep { $shop->lacks("/held$_", $only) } 1 .. $n }
           'what only a new filter is for is delivered to all'
    or diag(scalar(grep { $shop->lacks("/held$_", $only) } 1 .. $n), ' lack');
is(scalar(grep { !$shop->lacks("/held$_", $not) } 1 .. $n), 0,
   'and to none what it is against');

finish();
