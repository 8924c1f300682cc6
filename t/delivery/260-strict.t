# order strict: the next event only after this one succeeded or was given up,
# through failures and killed workers.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $events = $ENV{EVENTS} // 600;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/given-up' => [({ status => 500 }) x 3, {}, { status => 404 }, {}],
    # on a kept connection, too
    '/once'     => [{ status => 500 }, {}, { drop => 1 }, {}, { reset => 1 }],
});
$receiver->cycle('/fails', {}, {}, { status => 503 }, {}, { reset => 1 },
                           { status => 500 }, {}, {}, {}, { drop => 1 });
$receiver->cycle('/slow', ({ delay => 0.01 }) x 150, { hold => 1 });

my $nginx = NotifyTest::Nginx->new(
    redis => $redis, workers => 2, connections => 2048,
    allow => qr/exited on signal 9/, http => <<'END');
notify_profile ordered {
    order   strict;
    retry   20ms 50ms 100ms until=1h;
    breaker off;
    timeout 1500ms;
    allow   127.0.0.0/8;
}
notify_profile given_up { order strict; retry 50ms 50ms; allow 127.0.0.0/8; }
notify_profile once     { order strict; retry off; allow 127.0.0.0/8; }
notify_channel shop { profile ordered given_up once; }
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
    return $answer->{json}{id};
}

# the numbers of the events, as they came
sub sequence {
    my ($path, $what) = @_;
    return map { $_->{body} =~ /"data":(\d+)/ }
           grep { !$what || $what->($_) } $receiver->requests($path);
}

sub publish {
    my ($from, $to, $seconds) = @_;
    my $end = time + ($seconds // 10);

    while (time < $end) {
        my $answer = http(POST => $nginx->url('/shop/events'), timeout => 5,
            json => [map { { eventType => 'order.paid', uid => "u$_",
                             data => $_ } } $from .. $to]);
        return 1 if $answer->{status} == 202 || $answer->{status} == 200;
        elapse 0.05;
    }
    return 0;
}

sub good { return $_[0]{status} == 200 }


# given up, and no retry at all

my @given_up = subscribe('/given-up', profile => 'given_up');
my @once = subscribe('/once', profile => 'once');

ok(publish(1, 6), 'six events');
eventually { !grep { ((sequence($_))[-1] // 0) < 6 } '/given-up', '/once' }
    'arrive';
is(join(' ', sequence('/given-up')), '1 1 1 2 3 3 4 5 6',
   'the next one when this one is given up');
is(join(' ', sequence('/once')), '1 2 3 4 5 6',
   'without a retry, when it has failed');
http(DELETE => $nginx->url("/shop/subscriptions/$_")) for @given_up, @once;


# failures, and killed workers

my @paths = map { ("/plain-$_") } 1 .. 4;
push @paths, '/fails', '/slow';
subscribe($_) for @paths;

my ($n, $kills, $next) = (6, 0, time + 0.5);

while ($n < 6 + $events) {
    ok(publish($n + 1, $n + 20, 30), 'twenty events') or last;
    $n += 20;

    # while they are delivered
    elapse rand 0.03;
    if (time > $next && $nginx->kill_worker) {
        $kills++;
        $next = time + 0.5;
    }
    elapse 0.12;
}

cmp_ok($kills, '>=', 1, "$kills workers were killed");

for my $path (@paths) {
    eventually { my %got = map { $_ => 1 } sequence($path, \&good);
                 !grep { !$got{$_} } 7 .. $n } "$path: all arrive", 60;

    # what was in flight or not committed yet comes again, in order
    my @sequence = sequence($path);
    my ($last, $back, $skipped) = (6, 0, 0);

    for my $i (@sequence) {
        $back++ if $i < $last;
        $skipped++ if $i > $last + 1;
        $last = $i;
    }
    is($skipped, 0, "$path: none before its turn");
    cmp_ok($back, '<=', $kills, "$path: $back steps back at $kills kills");

    # none goes before the one in front has succeeded
    my ($done, $early) = (6, 0);
    for my $call ($receiver->requests($path)) {
        my ($i) = $call->{body} =~ /"data":(\d+)/;
        $early++ if $i > $done + 1;
        $done = $i if $i == $done + 1 && good($call);
    }
    is($early, 0, "$path: none before the one in front succeeded");
}

finish();
