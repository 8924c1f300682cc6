# order key=: events of one entity go one after the other, those of others
# beside them, through failures, redelivery, reloads and killed workers.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $events = $ENV{EVENTS} // 1000;
my $keys = 50;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/others "entityID":"bad"'  => [({ status => 500 }) x 3, {}],
    '/others "entityID":"slow"' => [{ delay => 2 }, {}],
    '/erased'                   => [{ status => 500 }, {}],
    '/none'                     => [{ hold => 1 }, {}],
    '/dead "entityID":"k1"'     => [({ status => 500 }) x 6, {}],
});
$receiver->cycle('/fails', ({}) x 7, { status => 503 }, ({}) x 5,
                           { reset => 1 }, ({}) x 4, { drop => 1 });
$receiver->cycle('/slow', ({ delay => 0.01 }) x 150, { hold => 1 });

my $nginx = NotifyTest::Nginx->new(
    redis => $redis, workers => 2, connections => 2048,
    allow => qr/exited on signal 9/, http => <<'END');
notify_profile keys {
    order   key=$notify_entity_id;
    retry   20ms 50ms 100ms until=1h;
    breaker off;
    timeout 1500ms;
    allow   127.0.0.0/8;
}
notify_profile patient { order key=$notify_entity_id; retry 1s 1s 1s 1s;
                         timeout 5s; allow 127.0.0.0/8; }
notify_profile dead { order key=$notify_entity_id; retry 20ms; breaker off;
                      allow 127.0.0.0/8; }
notify_profile inside { order key=${notify_data.k}; retry 20ms;
                        allow 127.0.0.0/8; }
notify_channel shop { profile keys patient dead inside; }
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

# pairs of a key, or none, and a number
sub publish {
    my (@pairs) = @_;
    my $end = time + 30;

    while (time < $end) {
        my $answer = http(POST => $nginx->url('/shop/events'), timeout => 5,
            json => [map { { eventType => 'order.paid', uid => "u$_->[1]",
                             data => $_->[1], defined $_->[0]
                             ? (entityID => $_->[0]) : () } } @pairs]);
        return 1 if $answer->{status} == 202 || $answer->{status} == 200;
        elapse 0.05;
    }
    return 0;
}

# [key, number, answered well?], as they came
sub calls {
    my ($path) = @_;
    return map { [$_->{body} =~ /"entityID":"?([^",]+)/,
                  $_->{body} =~ /"data":(\d+)/, $_->{status} == 200] }
           $receiver->requests($path);
}

sub numbers {
    my ($path, $key) = @_;
    return join ' ', map { $_->[1] } grep { $_->[0] eq $key } calls($path);
}


# others are not held

my @subscriptions = (subscribe('/others', profile => 'patient'),
                     subscribe('/none', profile => 'patient'),
                     subscribe('/dead', profile => 'dead'));

ok(publish(['bad', 1], ['slow', 2], ['a', 3], ['bad', 4], ['b', 5],
           ['slow', 6], ['a', 7], ['bad', 8], ['b', 9]), 'nine events');

eventually { numbers('/others', 'a') eq '3 7' && numbers('/others', 'b')
             eq '5 9' } 'those of other entities arrive';
is(numbers('/others', 'bad'), '1', 'while one waits for its next attempt');
is(numbers('/others', 'slow'), '2', 'and one for a slow answer');
eventually { numbers('/others', 'bad') eq '1 1 1 1 4 8' }
    'the next one of it when this one has succeeded';
is(numbers('/others', 'slow'), '2 6', 'and when it was answered');

$receiver->cycle('/none', { delay => 1 });
my $before = $receiver->count('/none');
ok(publish(map { [undef, $_] } 10 .. 13), 'four without an entity');
eventually { $receiver->count('/none') == $before + 4 } 'arrive';
my @times = map { $_->{time} } ($receiver->requests('/none'))[-4 .. -1];
cmp_ok($times[3] - $times[0], '<', 0.9, 'beside each other');


# given up, and redelivered

ok(publish(['k1', 20], ['k1', 21], ['k1', 22], ['k2', 23], ['k1', 24]),
   'five events');
eventually { numbers('/dead', 'k1') eq '20 20 21 21 22 22 24' }
    'the next one when this one is given up';
http(POST => $nginx->url("/shop/subscriptions/$subscriptions[2]/redeliver"),
     json => {});
eventually { numbers('/dead', 'k1') eq '20 20 21 21 22 22 24 20 21 22' }
    'those that were given up come again one after the other';

http(DELETE => $nginx->url("/shop/subscriptions/$_")) for @subscriptions;


# erased while it waits

my $erasing = subscribe('/erased', profile => 'patient');
ok(publish(['x', 30], ['x', 31], ['x', 32]), 'three events');
eventually { numbers('/erased', 'x') eq '30' } 'the first one fails';
my ($erased) = map { $_->{id} } grep { $_->{data} == 31 }
    @{ http(GET => $nginx->url('/shop/events?limit=10'))->{json} };
is(http(DELETE => $nginx->url("/shop/events/$erased"))->{status}, 204,
   'the second one is erased');
eventually { numbers('/erased', 'x') eq '30 30 32' } 'the third one comes next';
ok(publish(['x', 33]), 'one more');
eventually { numbers('/erased', 'x') eq '30 30 32 33' } 'comes, too';
http(DELETE => $nginx->url("/shop/subscriptions/$erasing"));


# what another program has put into the log, and is no JSON, has no key

my @foreign = map { subscribe("/foreign/$_", profile => $_) } qw(keys inside);
for (['i', '"\\u12"'], ['i', '"'], ['i', '"\\'], ['i', '{'],
     ['d', '{"k":"\\ud'], ['d', '{"k'], ['d', '{"k":'], ['d', '"'],
     ['d', '{"\\u1":1,"k":"\\"}'], ['d', '[["k"']) {
    $redis->cli('XADD', $redis->key('{shop.0}:log'), '*', 't', 'order.paid', @$_);
}
ok(publish(['y', 40], ['y', 41]), 'two events');
for my $path (map { "/foreign/$_" } qw(keys inside)) {
    eventually { join(' ', sort split / /, numbers($path, 'y')) eq '40 41' }
        "$path: arrive";
}
like($nginx->log, qr/\[warn\].* is no JSON, and has no value/,
     'a line says that something was no JSON');
http(DELETE => $nginx->url("/shop/subscriptions/$_")) for @foreign;


# failures, reloads and killed workers

my @paths = ('/plain', '/fails', '/slow');
my @ids = map { subscribe($_, profile => 'keys') } @paths;

my ($n, $kills, $reloads, $next) = (100, 0, 0, time + 0.5);
my %sent;

while ($n < 100 + $events) {
    my @pairs;
    for (1 .. 40) {
        my $key = 'e' . int rand $keys;
        push @{ $sent{$key} }, ++$n;
        push @pairs, [$key, $n];
    }
    ok(publish(@pairs), 'forty events') or last;

    elapse rand 0.03;
    if (time > $next && $nginx->kill_worker) {
        $kills++;
        $next = time + 0.4;
        if ($kills % 3 == 0) {
            $nginx->reload;
            $reloads++;
        }
    }
    http(POST => $nginx->url("/shop/subscriptions/$ids[1]/redeliver"),
         json => {}) if $n % 200 == 100;
    elapse 0.1;
}

cmp_ok($kills, '>=', 1, "$kills workers were killed, $reloads reloads");

for my $path (@paths) {
    eventually { my %got = map { $_->[1] => 1 } grep { $_->[2] } calls($path);
                 !grep { !$got{$_} } 101 .. $n } "$path: all arrive", 60;

    # in what a key has got nothing stands before its turn
    my (%done, $early);
    my %place = map { my $key = $_; my $i = 0;
                      map { $_ => $i++ } @{ $sent{$key} } } keys %sent;
    for my $call (calls($path)) {
        my ($key, $number, $good) = @$call;
        next unless defined $key && $sent{$key};
        my $place = $place{$number};
        $done{$key} //= 0;
        $early++ if $place > $done{$key};
        $done{$key} = $place + 1 if $place == $done{$key} && $good;
    }
    is($early // 0, 0, "$path: none before the one in front succeeded");
}

finish();
