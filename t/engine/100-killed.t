# Nothing that was acknowledged is lost: workers are killed under load, and
# Redis too.  EVENTS=20000 is the size that the project promises.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;

my $events = $ENV{EVENTS} // 3000;
my $batch = 50;
my $in_flight = 16;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/healthy' => [{ status => 204 }],
    '/second'  => [{ status => 200 }],
    '/broken'  => [{ status => 500 }],
    '/slow'    => [{ status => 200, delay => 0.02 }],
});
$receiver->cycle('/half', { status => 500 }, { status => 200 });

my $closed = NotifyTest::free_port();
my $nginx = NotifyTest::Nginx->new(
    redis => $redis, workers => 2, connections => 2048,
    allow => qr/exited on signal 9/, http => <<"END");
notify_profile local {
    sign      standard;
    allow     127.0.0.0/8;
    in_flight $in_flight;
    retry     100ms 300ms 500ms until=10m;
    breaker   off;
}
notify_profile brief {
    sign      standard;
    allow     127.0.0.0/8;
    retry     100ms 200ms jitter=0%;
    breaker   off;
}
notify_channel shop { profile local brief; }
server {
    listen 127.0.0.1:%%PORT%%;
    client_max_body_size 8m;
    location /shop/ { notify_api shop; }
}
END

my @answering = qw(healthy second half slow);

my %to;

for my $name (@answering, 'broken', 'refused') {
    my $answer = http(POST => $nginx->url('/shop/subscriptions'), json => {
        event => 'order.paid', name => $name,
        profile => $name eq 'broken' ? 'brief' : 'local',
        url => $name eq 'refused' ? "http://127.0.0.1:$closed/"
                                  : $receiver->url("/$name") });
    is($answer->{status}, 201, "subscription $name is created")
        or diag($answer->{content});
    $to{"/$name"} = $answer->{json}{id} unless $name eq 'refused';
}

my $ledger = NotifyTest::Ledger->new(nginx => $nginx, redis => $redis,
                                     receiver => $receiver, to => \%to);


# publish, as a client that repeats what was not acknowledged

sub publish {
    my ($from, $to) = @_;
    my @list = map { { eventType => 'order.paid', uid => "u$_",
                       entityID => $_, data => { n => $_ } } } $from .. $to;
    my $end = time + 60;

    while (time < $end) {
        my $answer = http(POST => $nginx->url('/shop/events'), json => \@list,
                          timeout => 5);
        if ($answer->{status} == 202 || $answer->{status} == 200) {
            return map { $_->{id} } @{ $answer->{json} };
        }
        elapse 0.05;
    }

    return;
}

my $began = time;
my ($kills, $restarts, $next_kill) = (0, 0, $began + 0.5);
my (%acknowledged, $n);

while (($n = 1 + keys %acknowledged) <= $events) {
    my @ids = publish($n, $n + $batch - 1);
    last unless @ids == $batch;
    @acknowledged{@ids} = ($n .. $n + $batch - 1);
    $ledger->mark if $n < $events / 10;

    if (time > $next_kill) {
        $kills++ if $nginx->kill_worker;
        $next_kill = time + 0.5;
    }

    if ($restarts < 2 && keys %acknowledged > ($restarts + 1) * $events / 3) {
        $redis->kill;
        $redis->start;
        $restarts++;
    }
}

is(scalar keys %acknowledged, $events, 'every event was acknowledged');

while ($kills < 5) {
    elapse 0.5;
    $kills++ if $nginx->kill_worker;
}

is($restarts, 2, 'Redis was killed and started twice');
note("$kills workers killed, publishing took ",
     sprintf('%.1f', time - $began), ' s');


# all of them are in the log

my (%log, $cursor);

for (1 .. 1000) {
    my $answer = http(GET => $nginx->url('/shop/deltas?limit=250'
                                         . ($cursor ? "&cursor=$cursor" : '')));
    if ($answer->{status} != 200) {
        elapse 0.1;              # a worker or Redis has only just come back
        next;
    }

    $log{ $_->{id} }++ for @{ $answer->{json}{data} };
    $cursor = $answer->{json}{cursor};
    last unless $answer->{json}{hasMore};
}

is(scalar(grep { !$log{$_} } keys %acknowledged), 0,
   'every acknowledged event is in deltas');
is(scalar keys %log, $events, 'and nothing else is');


# and reached everybody who answers

my %seen;

sub received {
    my ($name) = @_;
    my (%ok, $half);
    $seen{$name} = {};
    $seen{$name}{ $_->{headers}{'webhook-id'} }++
        for $receiver->requests("/$name");
    return scalar grep { $seen{$name}{$_} } keys %acknowledged;
}

for my $name (@answering) {
    eventually { received($name) == $events }
               "every event reached the subscriber \"$name\"", 180
        or diag("$name: ", received($name), " of $events");
}


$ledger->add(keys %acknowledged);
$ledger->holds('after all of it', seconds => 180, grow => 4096,
               twice => ($kills + $restarts * 2) * 2 * $in_flight,
               spare => (keys %to) * $in_flight);


# what came twice was in flight when a worker or Redis died

my $bound = ($kills + $restarts * 2) * 2 * $in_flight;

for my $name (qw(healthy second slow)) {
    my $calls = 0;
    $calls += $_ for values %{ $seen{$name} };
    cmp_ok($calls - $events, '<=', $bound,
           "\"$name\" got no more twice than was in flight");
    note("$name: ", $calls - $events, " calls more than events, $bound allowed");
}

finish();
