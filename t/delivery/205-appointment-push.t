# conf.examples/appointment-push.conf over the wire: rows A1 to A8.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $ok = '{ "Success": true, "Code": "0", "Message": "OK" }';
my ($n, $i, $nginx) = (0, 0);

# the example, only its times compressed
my $text = NotifyTest::slurp(
    "$NotifyTest::TOP/conf.examples/appointment-push.conf");
my ($http) = $text =~ /^http \{\n(.*)^\}\n/ms;

for ($http) {
    s/^ *notify_redis [^;]+;\n//m;
    s/127\.0\.0\.1:8080/127.0.0.1:%%PORT%%/;
    s/retry +30s 2m 10m 1h jitter=20%;/retry 100ms;/ or die;
    s/unit=1d/unit=700ms/ or die;
    s{(?= *location /deltas )}
     {location /subs { notify_api appointments subscriptions; }\n} or die;
}

$nginx = NotifyTest::Nginx->new(http => $http, redis => $redis, start => 0);
$nginx->example_files('appointment-push');
$nginx->start;

sub settings {
    my ($method, $scope, $json) = @_;
    return http($method => $nginx->url("/settings$scope"),
                defined $json ? (json => $json) : ());
}

sub publish {
    my ($type, $data, $scope, @more) = @_;
    return http(POST => $nginx->url('/events'),
                json => { eventType => $type, data => $data, @more },
                headers => { defined $scope ? ('X-Scope' => $scope) : () });
}

sub pointers { return join ' ', sort map { $_->{pointer} }
                                @{ $_[0]{json}{errors} // [] } }

sub bool { return $_[0] ? JSON::PP::true : JSON::PP::false }

# what the answers of one path do: an event to it, a fresh target
sub target {
    my ($path, @answers) = @_;
    $receiver->script($path, @answers);
    my $answer = settings(PATCH => '', {
        notification_server_url => $receiver->url($path) });
    is($answer->{status}, 200, "the target is $path")
        or diag($answer->{content});
    return $path;
}

sub stored {
    my $key = $redis->key($_[0] . ':target') // return 0;
    return scalar $redis->cli('ZCARD', $key);
}

sub dead { return stored('dead') }


# A3, A2

is(publish('appointment.booked', { id => 1 })->{content},
   '{"id":null,"skipped":"off"}', 'A2: every type is off at first');

my $answer = settings(PATCH => '', { flags => { 'appointment.booked' => bool(1) } });
is($answer->{status}, 409, 'A3: a flag before its settings is a conflict');
is(pointers($answer), '/notification_days_before /notification_server_url',
   'A3: which names what is missing; the token may be left blank');
is(settings(PATCH => '/north', { flags => { 'appointment.booked' => bool(1) } })
   ->{status}, 409, 'A3: for a scope, too');

for my $json ({ notification_server_url => $receiver->url('/') },
              { notification_jwt => 'x' }, { notification_days_before => 1 })
{
    my ($name) = keys %$json;
    $answer = settings(PATCH => '/north', $json);
    is($answer->{status}, 422, "A3: $name for one scope is refused");
    is(pointers($answer), "/$name", 'A3: by its name');
}

is(settings(PATCH => '', { notification_days_before => $_ })->{status}, 422,
   'A6: days that are none: ' . to_json($_)) for -1, 'x', 1.5, [];
is(settings(PATCH => '', { notification_server_url => $_ })->{status}, 422,
   "A4: a URL that is none: $_") for '', 'ftp://a.test/', 'http://10.0.0.1/';

$answer = settings(PUT => '', {
    notification_server_url => $receiver->url('/push'),
    notification_jwt => 'eyJhbGciOi.JIUzI1NiJ9.c2ln',
    notification_days_before => 1,
});
is($answer->{status}, 200, 'A3: they are set for all')
    or diag($answer->{content});
is_deeply($answer->{json}, {
    notification_server_url => $receiver->url('/push'),
    notification_days_before => 1, flags => {},
    effective => { map { ("appointment.$_" => bool(0)) }
                   qw(booked changed cancelled) },
}, 'A5: and come back, but for the secret one');
unlike(settings(GET => '')->{content}, qr/eyJ/, 'A5: which is never shown');

$receiver->script('/push', { body => $ok });
$answer = settings(PATCH => '', { flags => { 'appointment.booked' => bool(1) } });
is($answer->{status}, 200, 'A2: then a type can be on')
    or diag($answer->{content});


# A4, A5, A7

my $data = '{"appointment": 9007199254740993, "when" :"2024-03-18T11:00Z" }';
$answer = http(POST => $nginx->url('/events'), body =>
               '{"eventType":"appointment.booked","data":' . $data . '}',
               headers => { 'Content-Type' => 'application/json' });
is($answer->{status}, 202, 'A4: an event is published');
eventually { $receiver->count('/push') } 'A4: it goes to the one URL';

my ($call) = $receiver->requests('/push');
my %headers = %{ $call->{headers} };
is($call->{method}, 'POST', 'A7: by POST');
is($headers{'user-agent'}, 'DataNotifier', 'A7: User-Agent');
is($headers{authorization}, 'eyJhbGciOi.JIUzI1NiJ9.c2ln',
   'A7: the token as it is, with no scheme before it');
is($headers{'content-type'}, 'application/json', 'A7: Content-Type');
is($call->{body}, $data, 'A7: the body is the object, byte by byte');
is(join(' ', sort keys %headers), 'authorization content-length '
   . 'content-type host user-agent x-notify-hops', 'A7: and nothing else')
    or diag(join ' ', sort keys %headers);

is(publish('appointment.booked', $_)->{status}, 422,
   'A7: data that is no object is refused: ' . to_json($_))
    for [1], 'text', 7, bool(1);

is(http(POST => $nginx->url('/events'), json => {
       eventType => 'appointment.booked' })->{status}, 202,
   'A7: an event may have no data');
eventually { grep { $_->{body} eq '{}' } $receiver->requests('/push') }
    'A7: then the body is an object, too';

is(settings(PATCH => '', { notification_jwt => '' })->{status}, 200,
   'A5: the token is left blank');
eventually { publish('appointment.booked', { n => ++$n });
             my ($last) = reverse $receiver->requests('/push');
             !exists $last->{headers}{authorization} }
    'A5: then there is no Authorization header';


# A2: scope wins over global

is(settings(PATCH => '/south', { flags => { 'appointment.booked' => bool(0) } })
   ->{status}, 200, 'A2: off for one scope');
is(publish('appointment.booked', {}, 'south')->{content},
   '{"id":null,"skipped":"off"}', 'A2: where it is skipped');
is(publish('appointment.booked', { s => 'north' }, 'north')->{status}, 202,
   'A2: and goes on in the others');
like(publish('appointment.booked', { s => 'north' }, 'north')->{content},
     qr/"id":"evt_/, 'A2: and is logged');
is(settings(PATCH => '/south', { flags => { 'appointment.changed' => bool(1) } })
   ->{json}{effective}{'appointment.changed'}, bool(1),
   'A2: on for one scope');
like(publish('appointment.changed', { s => 'south' }, 'south')->{content},
     qr/"id":"evt_/, 'A2: where it is logged');
is(publish('appointment.changed', {}, 'north')->{content},
   '{"id":null,"skipped":"off"}', 'A2: off in the others');
is(publish('appointment.changed', {})->{content},
   '{"id":null,"skipped":"off"}', 'A2: and without a scope');
eventually { grep { $_->{body} =~ /south/ } $receiver->requests('/push') }
    'A4: events of every scope go to the one URL';
is(settings(PATCH => '/south', { flags => { 'appointment.booked' => undef } })
   ->{json}{effective}{'appointment.booked'}, bool(1),
   'A2: null gives a scope what holds for all');
is_deeply(settings(GET => '/south')->{json}{flags},
          { 'appointment.changed' => bool(1) }, 'A2: and is not listed');
is(settings(PATCH => '', { notification_server_url => undef })->{status}, 409,
   'A3: what is needed cannot be taken away while a type is on');


# A1

$answer = http(GET => $nginx->url('/deltas'),
               headers => { 'X-Scope' => 'south' });
is($answer->{status}, 200, 'A1: the same can be polled');
is_deeply([map { $_->{eventType} } @{ $answer->{json}{data} }],
          ['appointment.changed'], 'A1: what is off was never logged');


# A8

settings(PATCH => '', { notification_days_before => 3 });

my @failures = (
    ['Success false',       '{"Success":false,"Code":"7","Message":"no"}'],
    ['Success, but a Code', '{"Success":true,"Code":"7","Message":"half"}'],
    ['no Success, Code 0',  '{"Success":false,"Code":0,"Message":""}'],
    ['Message missing',     '{"Success":true,"Code":0}'],
    ['Code missing',        '{"Success":true,"Message":""}'],
    ['Success missing',     '{"Code":0,"Message":""}'],
    ['Success a string',    '{"Success":"true","Code":0,"Message":""}'],
    ['not JSON',            'OK'],
    ['empty',               ''],
);

# one event or more, each another, until one has come there
sub called {
    my ($path, $name) = @_;
    eventually { publish('appointment.booked', { i => ++$i })
                     if !$receiver->count($path);
                 $receiver->count($path) } "A8: $name: it is called";
}

# how many calls were made again
sub again {
    my %seen;
    return scalar grep { $seen{ $_->{body} }++ } $receiver->requests($_[0]);
}

for my $code ('"0"', '0') {
    my $path = target('/a8-' . ++$n, {
        body => qq({"Success":true,"Code":$code,"Message":""}) });
    my $before = dead();
    called($path, "Code $code");
    eventually { !stored('retry') } "A8: Code $code is handled";
    elapse 0.5;
    is(again($path), 0, 'A8: and not tried again');
    is(dead(), $before, 'A8: nor given up');
}

for my $failure (@failures) {
    my ($name, $body) = @$failure;
    my $path = target('/a8-' . ++$n, { body => $body }, { body => $ok });
    called($path, $name);
    eventually { again($path) } "A8: $name: it is tried again";
    is(scalar(grep { $_->{headers}{authorization} }
              $receiver->requests($path)), 0, 'A5: still no token');
}

for my $status (201, 404, 410, 500) {
    my $path = target('/a8-' . ++$n, { status => $status, body => $ok },
                      { body => '{"Success":true,"Code":0,"Message":""}' });
    my $before = dead();
    eventually { publish('appointment.booked', { n => $n })
                     if !$receiver->count($path);
                 $receiver->count($path) } "A8: $status with a success's body";

    if ($status == 201) {
        is(dead(), $before, 'A8: 201 is a 2xx');
        next;
    }

    eventually { $receiver->count($path) >= 2 } 'A8: is tried again';
}

target('/a8-record', { body => $failures[0][1] });
$answer = http(POST => $nginx->url('/subs/target/test'), json => {});
is($answer->{json}{detail}, 'Success=false, Code=7, Message=no',
   'A8: Code and Message are on record') or diag($answer->{content});

my $event = publish('appointment.booked', {})->{json}{id};
eventually {
    my $list = http(GET => $nginx->url("/events/$event/deliveries"));
    @{ $list->{json} } == 1
        && $list->{json}[0]{subscription} eq 'target'
        && ($list->{json}[0]{lastAttempt}{detail} // '')
           eq 'Success=false, Code=7, Message=no'
} 'A8: which is found by the event, too';

# the record of a scope's event, by the scope
settings(PATCH => '/west', { flags => { 'appointment.booked' => bool(1) } });
$event = publish('appointment.booked', { west => 1 }, 'west')->{json}{id};
my $record;
eventually {
    my $list = http(GET => $nginx->url("/events/$event/deliveries"),
                    headers => { 'X-Scope' => 'west' });
    $record = $list->{json}[0];
    ($record->{lastAttempt}{detail} // '')
        eq 'Success=false, Code=7, Message=no';
} "A8: so is that of a scope's event";
is(http(GET => $nginx->url("/deliveries/$record->{id}"),
        headers => { 'X-Scope' => 'west' })->{json}{eventId}, $event,
   'A8: and can be read by its id');
is(http(GET => $nginx->url("/events/$event/deliveries"),
        headers => { 'X-Scope' => 'east' })->{status}, 404,
   'A8: not by another scope');

# the rest of the suite has workers that were started with the target set
$receiver->script('/a8-record', { body => $ok });
$nginx->reload;
publish('appointment.booked', { after => 'reload' });
eventually { grep { $_->{body} =~ /reload/ } $receiver->requests('/a8-record') }
    'A4: the target is there after a reload';


# A6

sub undelivered {
    my ($days) = @_;
    my $path = '/a6-' . ++$n;
    $receiver->script($path, { body => $ok });
    settings(PATCH => '', { notification_days_before => $days,
                            notification_server_url => $receiver->url($path) });
    eventually { publish('appointment.booked', {}); $receiver->count($path) }
        'A4: a change is known soon';
    eventually { !stored('retry') } 'A6: what is delivered is not stored';

    my $before = dead();
    $receiver->script($path, { status => 500, body => '{"Success":false}' });
    publish('appointment.booked', { lost => $n });
    eventually { dead() > $before } "A6: after $days days it is given up";
    return map { $_->{time} } grep { $_->{body} =~ /lost/ }
                              $receiver->requests($path);
}

my @times = undelivered(3);
cmp_ok(scalar @times, '>=', 8, 'A6: it is tried again and again');
cmp_ok($times[-1] - $times[0], '>', 1.2, 'A6: nearly until then');
cmp_ok($times[-1] - $times[0], '<', 2.4, 'A6: not longer');

@times = undelivered(0);
elapse 1;
is(scalar @times, 1, 'A6: 0 days: one attempt');
is(stored('retry'), 0, 'A6: and nothing stored');
cmp_ok($redis->cli('XLEN', $redis->key('}:log') // $redis->key('.0}:log')),
       '>', 10, 'A6: the log keeps what was given up');


# the target goes

settings(PUT => "/$_", {}) for 'south', 'west';
is(settings(PUT => '', {})->{status}, 200, 'A4: all can be taken away');
is($redis->cli('HEXISTS', $redis->key('}:subs'), 'target'), 0,
   'A4: and the subscription with it');
is_deeply(settings(GET => '')->{json}{flags}, {}, 'A2: no flag is left');

finish();
