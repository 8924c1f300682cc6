# Retries of a subscription that has more to send than it can: they keep their
# times, and so do redeliveries and calls that a kill has cut off.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my @steps = (0.5, 1, 2, 2, 2);
my $retry = 'breaker off; retry 500ms 1s 2s 2s 2s jitter=0% until=20s;';
my $server = join "\n", map { "location /$_/ { notify_api $_; }" }
                        qw(rate strict fails again cut);
my %profile = (
    rate   => "rate 20r/s; $retry",
    strict => 'order strict; breaker off; retry 200ms jitter=0% until=20s;',
    fails  => 'in_flight 2; breaker off; retry 100ms jitter=0% until=1h;',
    again  => 'rate 20r/s; breaker off; retry 100ms jitter=0% until=1h;',
    cut    => 'in_flight 4; timeout 2s; breaker off;
               retry 1s jitter=0% until=1h;');
my $channels = join "\n", map { "notify_channel $_ { profile $_; }" }
                          sort keys %profile;
my $shop = NotifyTest::Shop->new(
    profile => "in_flight 4; $retry", profiles => \%profile,
    server => "$server } $channels
               server { listen 127.0.0.1:%%OTHER%%;",
    vars => { OTHER => NotifyTest::free_port() },
    allow => qr{exited on signal 9});
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
my $slow = $ENV{NOTIFY_TEST_SLOW} // 1;

# one of ten fails, in no order that events could follow
my @tenth = map { { status => $_ == 3 ? 500 : 200 } } 0 .. 9;
$receiver->cycle('/shop', map { { %$_, delay => 0.2 } } @tenth);
$receiver->cycle('/rate', @tenth);
$receiver->script('/fails', { status => 500, delay => 0.05 });

sub subscribe {
    my ($channel, $path) = @_;
    my $answer = http(POST => $nginx->url("/$channel/subscriptions"), json => {
        url => $receiver->url($path // "/$channel"), event => 'order.paid' });
    is($answer->{status}, 201, "channel $channel has a subscription")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    my ($channel, $n) = @_;
    return map { $_->{id} } @{ http(POST => $nginx->url("/$channel/events"),
        json => [ map { { eventType => 'order.paid', data => $_ } }
                  1 .. $n ])->{json} };
}

sub dead { my ($channel, $id) = @_;
           return $redis->cli('ZRANGE', "notify:{$channel.0}:dead:$id", 0, -1) }

# seconds from when a further attempt was due to when it came
sub late {
    my ($path, $took) = @_;
    my (%last, %n, @late);
    for my $call ($receiver->requests($path)) {
        my $id = $call->{headers}{'webhook-id'};
        push @late, $call->{time} - $last{$id} - $took
                    - ($steps[$n{$id} - 1] // $steps[-1]) if $n{$id};
        $last{$id} = $call->{time};
        $n{$id}++;
    }
    return sort { $a <=> $b } @late;
}

sub unsettled {
    my ($path, @ids) = @_;
    my %done = map { $_->{headers}{'webhook-id'} => 1 }
               grep { $_->{status} == 200 } $receiver->requests($path);
    return grep { !$done{$_} } @ids;
}

$shop->ready;


# fifteen seconds of work each, at once

my %id = (shop => $shop->subscribe('/shop'),
          map { $_ => subscribe($_) } qw(rate fails));
my %ids = (shop => [$shop->publish(300)],
           map { $_ => [publish($_, 300)] } qw(rate fails));

for my $by (['shop', 0.2, 'in_flight'], ['rate', 0, 'rate']) {
    my ($channel, $took, $limit) = @$by;
    eventually { !unsettled("/$channel", @{ $ids{$channel} }) }
               "by $limit: all that was published is delivered", 40;
    is(join(' ', dead($channel, $id{$channel})), '', "by $limit: none is dead");

    my @late = late("/$channel", $took);
    cmp_ok(scalar @late, '>=', 20, "by $limit: some were tried again");
    cmp_ok($late[0], '>=', -0.05, "by $limit: none was before its time");
    cmp_ok($late[int(@late * 0.99)], '<=', 2 * $slow,
           "by $limit: they waited for their turn, no longer");
}

my (%seen, $first);
my @calls = $receiver->requests('/fails');
$first += !$seen{ $_->{headers}{'webhook-id'} }++ for @calls[0 .. 199];
cmp_ok($first, '>=', 80, 'what is new has its share among retries that are due')
    or diag("$first of 200");
cmp_ok($first, '<=', 120, 'and these theirs') or diag("$first of 200");
http(DELETE => $nginx->url("/fails/subscriptions/$id{fails}"));


# one after the other, whatever is due

$receiver->cycle('/strict', { status => 500 }, { status => 200 },
                 { status => 200 });
$id{strict} = subscribe('strict');
my @strict = publish('strict', 30);
eventually { !unsettled('/strict', @strict) } 'strict: all are delivered', 30;
my %order = map { $strict[$_] => $_ } 0 .. $#strict;
my @order = map { $order{ $_->{headers}{'webhook-id'} } }
            $receiver->requests('/strict');
is(join(' ', @order), join(' ', sort { $a <=> $b } @order),
   'strict: a retry is before all that follows');


# a redelivery

$id{again} = subscribe('again');
my @old = publish('again', 20);
eventually { !unsettled('/again', @old) } 'events are delivered';
my @new = publish('again', 200);
my $answer = http(
    POST => $nginx->url("/again/subscriptions/$id{again}/redeliver"),
    json => { since => '2000-01-01T00:00:00Z', all => JSON::PP::true });
is($answer->{status}, 202, 'a redelivery is asked for behind a backlog')
    or diag($answer->{content});
my %old = map { $_ => 1 } @old;
eventually {
    my %came;
    $came{ $_->{headers}{'webhook-id'} }++ for $receiver->requests('/again');
    !grep { $came{$_} < 2 } @old
} 'what is redelivered comes', 20;
cmp_ok(scalar(unsettled('/again', @new)), '>=', 100, 'before the backlog');
http(DELETE => $nginx->url("/again/subscriptions/$id{again}"));


# calls that a kill has cut off, which had been under way for a second

$receiver->script('/cut', ({ hold => 1 }) x 4, { status => 200, delay => 0.3 });
$id{cut} = subscribe('cut');
my @cut = publish('cut', 200);
eventually { $redis->cli('ZCARD', "notify:{cut.0}:retry:$id{cut}") eq 4 }
           'calls are under way';
my $began = time;
kill KILL => $nginx->workers;
eventually { !unsettled('/cut', @cut[0 .. 3]) }
           'they are made again after a kill', 20;
cmp_ok(time - $began, '<', 3 + 2 * $slow, 'when that is due');
cmp_ok(scalar(unsettled('/cut', @cut)), '>=', 50, 'before the backlog');

finish();
