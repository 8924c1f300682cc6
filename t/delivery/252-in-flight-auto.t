# in_flight auto: as many calls at once as the endpoint can take.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    workers => 1, profile => 'retry 100ms until=1h; breaker off;',
    profiles => {
        few    => 'in_flight auto max=24; retry 1h; breaker off;',
        slowly => 'rate 10r/s burst=100; retry 1h; breaker off;',
        fixed  => 'in_flight 3; retry 1h; breaker off;',
        once   => 'retry 1h; breaker off;',
    },
    scripts => {
        '/fast'   => [{ delay => 0.3 }],
        '/holds'  => [{ hold => 1 }],
        '/fails'  => [({ status => 500 }) x 16, { hold => 1 }],
        '/refuse' => [{ delay => 0.02, most => 40 }],
        '/slower' => [{ slower => 0.005 }],
        '/longer' => [({ delay => 0.01 }) x 500, { delay => 0.2 }],
    });
my $receiver = $shop->receiver;

sub under_way { return $shop->ask(GET => 'stats')->{json}{worker}{inFlight} }

sub many { my ($n) = @_; return map { $shop->publish(1000) } 1 .. $n }

# the most that were open at the receiver when all have come
sub most {
    my ($path, @ids) = @_;
    my %is = map { $_ => 1 } @ids;
    my $most = 0;
    eventually { !$shop->lacks($path, @ids) } "$path: all arrive", 60;
    for my $request ($receiver->requests($path)) {
        $most = $request->{open} if $is{ $request->{headers}{'webhook-id'} }
                                    && $request->{open} > $most;
    }
    return $most;
}


# calls that hold go with their worker
sub end {
    my ($id, $holds) = @_;
    $shop->delete($id);
    $shop->nginx->reload if $holds;
    eventually { under_way() == 0 } 'none is left';
}


# as it begins, and what bounds it

for my $case ([16], [3, profile => 'fixed'], [10, profile => 'slowly'],
              [5, inFlight => 5])
{
    my ($n, @members) = @$case;
    my $id = $shop->subscribe('/holds', @members);
    $shop->publish(60);
    eventually { under_way() == $n } "$n at first: @members";
    throughout { under_way() == $n } 'and no more without a success', 0.3;
    end($id, 1);
}


# up to the bound

my $id = $shop->subscribe('/fast');
is(most('/fast', many(3)) > 128 ? 1 : 0, 1,
   'more than 128 at once where nothing fails and the latency is the same');
end($id);

$id = $shop->subscribe('/fast', profile => 'few');
is(most('/fast', $shop->publish(500)), 24, 'max, and no more');
end($id);


# half

$id = $shop->subscribe('/fails', profile => 'once');
$shop->publish(100);
eventually { under_way() == 8 } 'half as many after a failure';
throughout { under_way() == 8 } 'once for all that were under way', 0.3;
end($id, 1);


# an endpoint that is slower the more calls there are

$id = $shop->subscribe('/slower');
my $most = most('/slower', $shop->publish(900));
cmp_ok($most, '>', 16, "more than at first where it gets slower: $most");
cmp_ok($most, '<=', 128, 'and it is not doubled up to what is allowed, 256');
my ($last) = sort { $b <=> $a }
             map { $_->{open} } ($receiver->requests('/slower'))[-100 .. -1];
cmp_ok($last, '<', 40, "in the end there are fewer again: $last");
end($id);


# an endpoint that needs longer from some time on, however many there are

$id = $shop->subscribe('/longer');
my @first = $shop->publish(500);
eventually { !$shop->lacks('/longer', @first) } 'it is fast at first';
$most = most('/longer', many(3));
cmp_ok($most, '>', 64, "its latency is learned anew: $most");
end($id);


# an endpoint that refuses what is above its limit

$id = $shop->subscribe('/refuse');
my @ids = many(4);
$most = most('/refuse', @ids);
my $refused = grep { $_->{status} == 429 } $receiver->requests('/refuse');
cmp_ok($refused, '>', 0, "some are refused: $refused");
cmp_ok($refused, '<=', 80, 'and few');
cmp_ok($most, '>', 20, "while up to $most are under way");
end($id);

finish();
