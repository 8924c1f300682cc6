# rate, in_flight: what a subscription gets at most, measured where it arrives,
# with two workers.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $seconds = 10;
my %rate = ('/50-a' => 50, '/50-b' => 50, '/50-c' => 50, '/20' => 20,
            '/1200m' => 20);

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/slow' => [{ delay => 0.2 }], '/slower' => [{ delay => 0.2 }],
    '/retry' => [{ status => 503 }],
});
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
notify_profile paced    { rate 50r/s; allow 127.0.0.0/8; }
notify_profile burst    { rate 60r/m burst=20; allow 127.0.0.0/8; }
notify_profile limited  { in_flight 4; allow 127.0.0.0/8; }
notify_profile retrying { rate 50r/s; allow 127.0.0.0/8; breaker off;
                          retry 10ms until=1h; }
notify_channel shop { profile paced burst limited retrying; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

sub subscribe {
    my ($path, %more) = @_;
    my $answer = http_served(
        POST => $nginx->url('/shop/subscriptions'), json => {
            url => $receiver->url($path), event => '*', %more });
    is($answer->{status}, 201, "a subscription for $path")
        or diag($answer->{content});
}

subscribe($_) for grep { /50/ } sort keys %rate;
subscribe('/20', rate => '20r/s');
subscribe('/1200m', rate => '1200r/m');
subscribe('/higher', rate => '500r/s');
subscribe('/slow', profile => 'limited');
subscribe('/slower', profile => 'limited', inFlight => 2);
subscribe('/retry', profile => 'retrying');

# who takes a subscription over has no burst: let the workers have shared them
elapse 1.5;
subscribe('/burst', profile => 'burst');

# more than can go out meanwhile
my $events = 50 * ($seconds + 4);
for (1 .. $events / 100) {
    is(http(POST => $nginx->url('/shop/events'), json => [
        map { { eventType => 'order.paid', data => $_ } } 1 .. 100 ])
       ->{status}, 202, 'events are accepted');
}

eventually { my ($first) = $receiver->requests('/50-a');
             $first && time - $first->{time} > $seconds + 1.5 } undef, 30;

for my $path (sort(keys %rate), '/higher', '/retry') {
    my @times = map { $_->{time} } $receiver->requests($path);
    my $want = $rate{$path} // 50;

    # the burst of the first second is not the rate
    my $from = $times[0] + 1;
    my $got = (grep { $_ >= $from && $_ < $from + $seconds } @times) / $seconds;

    cmp_ok($got, '>=', $want * 0.95, "$path: $got of $want a second");
    cmp_ok($got, '<=', $want * 1.05, "$path: not more than $want");

    # nor in any one second, but for the profile's burst, a tenth of its rate,
    # and for what this machine was late with
    my $most = 0;
    for my $i (0 .. $#times) {
        my $n = grep { $_ < $times[$i] + 1 } @times[$i .. $#times];
        $most = $n if $n > $most;
    }
    cmp_ok($most, '<=', $want * 1.2 + 5, "$path: $most in a second at most");
}

my @times = map { $_->{time} } $receiver->requests('/burst');
my $burst = grep { $_ < $times[0] + 0.5 } @times;
cmp_ok($burst, '>=', 20, "/burst: $burst at once");
cmp_ok($burst, '<=', 21, '/burst: and no more');

my $had = $receiver->count('/burst');
$nginx->reload;
eventually { $receiver->count('/burst') >= $had + 4 }
    '/burst: whoever takes it over goes on';
@times = sort { $a <=> $b } map { $_->{time} } $receiver->requests('/burst');
cmp_ok($times[$had + 3] - $times[$had - 1], '>', 1.5,
       '/burst: but has no burst');


# a delivery in flight takes 0.2 s here

for my $case (['/slow', 4], ['/slower', 2]) {
    my ($path, $limit) = @$case;
    my @times = map { $_->{time} } $receiver->requests($path);
    my $most = 0;

    for my $i (0 .. $#times) {
        my $n = grep { $_ < $times[$i] + 0.19 } @times[$i .. $#times];
        $most = $n if $n > $most;
    }
    is($most, $limit, "$path: $limit in flight");
}

finish();
