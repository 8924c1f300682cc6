# conf.examples/contact-center.conf over the wire: rows C1 to C8.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Chat;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $chat = NotifyTest::Chat->new;

# the example, only its times compressed
my $text = NotifyTest::slurp(
    "$NotifyTest::TOP/conf.examples/contact-center.conf");
my ($http) = $text =~ /^http \{\n(.*)^\}\n/ms;

for ($http) {
    s/^ *notify_redis [^;]+;\n//m;
    s/127\.0\.0\.1:8080/127.0.0.1:%%PORT%%/;
    s/127\.0\.0\.1:8082/$chat->address/e or die;
    s/127\.0\.0\.1:8082/'127.0.0.1:' . NotifyTest::free_port()/e or die;
    s/grace=20s/grace=1s/ or die;
    s/failures=10 window=1m cooldown=5m/failures=4 window=20s cooldown=3s/
        or die;
    s/(retry +off;)/$1 read_timeout 300ms;/ or die;
}

my $nginx = NotifyTest::Nginx->new(http => $http, redis => $redis,
                                   workers => 2, start => 0);
$nginx->example_files('contact-center');
$nginx->start;
my $configurations = $nginx->url('/push-configurations');
my $n = 0;

sub publish {
    my (%more) = @_;
    my $answer = http(POST => $nginx->url('/events'), json => {
        eventType => 'conversation.activity', sessionId => 's-' . ++$n,
        customerId => 'c', conversationId => 'v', %more });
    is($answer->{status}, 202, 'an event is accepted')
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub configuration {
    my ($path) = @_;
    my $answer = http_served(POST => $configurations, json => {
        name => "Connector $path", callbackUrl => $receiver->url($path),
        secret => "It's a Secret" });
    is($answer->{status}, 201, "C1: a configuration for $path is created")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub status { http(GET => "$configurations/$_[0]")->{json}{status} }

# waits until each path has had that many calls
sub calls {
    my ($count, $name, @paths) = @_;
    eventually { !grep { $receiver->count($_) < $count } @paths } $name;
    is(join(' ', map { $receiver->count($_) } @paths),
       join(' ', ($count) x @paths), 'each has had as many');
}


# C1

my $id = configuration('/push');
like($id, qr/^\w+$/, 'C1: its id');

my $answer = http(GET => "$configurations/$id");
is($answer->{json}{name}, 'Connector /push', 'C1: its name');
is($answer->{json}{url}, $receiver->url('/push'), 'C1: its URL');
unlike($answer->{content}, qr/Secret/, 'C1: its secret is not shown');
is(http(PATCH => "$configurations/$id", json => { name => 'Renamed' })
   ->{json}{name}, 'Renamed', 'C1: it can be edited');
$answer = http(POST => $configurations, json => {});
is($answer->{status}, 422, 'C1: an empty one is refused');
is($answer->{json}{errors}[0]{pointer}, '/url', 'C1: a URL it must have');


# C3, C6

my $time = '2024-03-18T11:00:24.481Z';
my $event = publish(sessionId => 'bf813a5d-2e06-4047-bae2-e01da2f69f7c',
    conversationId => '1570b603-502e-3dcc-888f-09dda5bd0ea6',
    customerId => 'customer-id-12345', time => $time,
    data => { text => 'the content' });

eventually { $receiver->count('/push') } 'C3: a push';
my ($call) = $receiver->requests('/push');
my %headers = %{ $call->{headers} };

is($call->{method}, 'POST', 'C3: by POST');
is($call->{body}, qq({"eventId":"$event",)
   . '"conversationId":"1570b603-502e-3dcc-888f-09dda5bd0ea6",'
   . '"customerId":"customer-id-12345",'
   . '"sessionId":"bf813a5d-2e06-4047-bae2-e01da2f69f7c",'
   . qq("eventDate":"$time"}), 'C3: the metadata, byte by byte, no content');
is($headers{'content-type'}, 'application/json', 'C3: Content-Type');
like($headers{'x-hmac'}, qr/^[0-9a-f]{64}$/, 'C6: X-hmac is hex');
is(join(' ', sort keys %headers), 'content-length content-type host '
   . 'user-agent x-hmac x-notify-hops', 'C3: and nothing else');

# the publisher's own id of the event is the eventId that is sent and signed
my $uid = '778af6a9-41f8-4153-a3a1-d913b2911b3b';
publish(sessionId => 'with-uid', uid => $uid);
my $own;
eventually { ($own) = grep { $_->{body} =~ /with-uid/ }
                      $receiver->requests('/push') } 'C3: an event with a uid';
is(from_json($own->{body})->{eventId}, $uid, 'C3: is sent under it');
is($own->{headers}{'x-hmac'}, hmac_sha256_hex($uid . 'with-uid',
                                              "It's a Secret"),
   'C6: and signed with it');

sub connector {
    my ($secret, $from) = @_;
    return (judge({ secret => $secret, headers => $from->{headers},
                    body => $from->{body}, judges => ['connector'] }))[0]
           ->{connector};
}

is(connector("It's a Secret", $call), 'ok', 'C6: the connector accepts it');
is(connector('It is', $call), '401', 'C6: not with another secret');
is(connector("It's a Secret", { %$call, body => $call->{body} =~ s/bf8/bf9/r }),
   '401', 'C6: nor for another session');

is(http(PATCH => "$configurations/$id", json => { secret => 'other' })
   ->{status}, 200, 'C1: the secret is edited');
eventually { publish(); my ($last) = reverse $receiver->requests('/push');
             connector('other', $last) eq 'ok' }
    'C1: and used from then on';


# C4: each once, whatever it is answered

my @once = map { [$_, "/once-" . ($_->{status} // (keys %$_)[0])] }
    { status => 404 }, { status => 400 }, { status => 500 },
    { status => 503 }, { status => 429, headers => { 'Retry-After' => 0 } },
    { reset => 1 }, { drop => 1 }, { hold => 1 };

for (@once) {
    $receiver->script($_->[1], $_->[0], { status => 200 });
    configuration($_->[1]);
}

sub session {
    my ($session, $path) = @_;
    return scalar grep { $_->{body} =~ /"sessionId":"\Q$session\E"/ }
                       $receiver->requests($path);
}

publish(sessionId => 'failed');
eventually { !grep { !session('failed', $_->[1]) } @once } 'C4: all failed';

# two seconds later
my $until = time + 2;
eventually { publish(sessionId => 'later'); elapse 0.3; time > $until };
eventually { !grep { !session('later', $_->[1]) } @once }
    'C4: all get what comes later';
is(session('failed', $_->[1]), 1, "C4: $_->[1]: it is not tried again")
    for @once;
is(scalar($redis->cli('--scan', '--pattern', '*retry:*')), '',
   'C4: nothing waits for a retry');


# C5: what opens it, with several subscriptions so that both workers have some

my @sick = map { ("/503-$_") } 1 .. 6;
my @hung = map { ("/hung-$_") } 1 .. 3;
my @busy = map { ("/400-$_", "/500-$_") } 1 .. 3;
my %id;

$receiver->script($_, { status => 503 }) for @sick;
$receiver->script($_, { hold => 1 }) for @hung;
$receiver->script($_, { status => /400/ ? 400 : 500 }) for @busy;
$id{$_} = configuration($_) for @sick, @hung, @busy;

for my $count (1 .. 4) {
    publish();
    calls($count, "C5: event $count gets to all", @sick, @hung, @busy);
}

for my $path (@sick, @hung) {
    eventually { status($id{$path}) eq 'paused' } "C5: $path is left alone";
}

# within the cool-down nothing is sent to those, and all to the others
my @dropped = map { publish() } 1 .. 6;
calls(10, 'C5: 400 and 500 open nothing', @busy);
is(join(' ', map { $receiver->count($_) } @sick, @hung),
   join(' ', (4) x (@sick + @hung)), 'C5: nothing in the cool-down');
is(status($id{$_}), 'active', "C5: $_ is active") for @busy;


# one probe, the answer of which is awaited

elapse 3.1;
$receiver->script($_, { status => 503, delay => 0.25 }, { status => 500 },
                  { status => 200 }) for @sick;
$receiver->script($_, { status => 500 }, { status => 200 }) for @hung;

publish() for 1 .. 5;
eventually { !grep { $receiver->count($_) < 15 } @busy } 'C5: five events';
eventually { !grep { $receiver->count($_) < 5 } @sick } 'C5: a probe';
elapse 0.5;
is(join(' ', map { $receiver->count($_) } @sick),
   join(' ', (5) x @sick), 'C5: exactly one, whose failure opens it again');


# a 500 closes it

elapse 3.1;
publish();
calls(6, 'C5: the next probe', @sick);

for my $path (@sick, @hung) {
    eventually { status($id{$path}) eq 'active' }
        "C5: $path: a 500 in half-open closes it";
}

my %before = map { $_ => $receiver->count($_) } @sick, @hung;
my @last = map { publish() } 1 .. 5;
eventually { !grep { $receiver->count($_) < $before{$_} + 5 } @sick, @hung }
    'C5: then all goes out';


# what was dropped is not sent later, stays in the log, and can be asked for

sub got {
    my ($path) = @_;
    my %body = map { ($_->{body} =~ /"eventId":"(\w+)"/) => 1 }
               $receiver->requests($path);
    return scalar grep { $body{$_} } @dropped;
}

is(got($_), 0, "C5: $_: what was dropped is not sent later") for @sick, @hung;
is(got($busy[0]), scalar @dropped, 'C5: the others had it');
is(http(POST => "$configurations/$id{$sick[0]}/redeliver",
        json => { since => '2024-01-01T00:00:00Z' })->{status}, 202,
   'C5: it can be asked for');
eventually { got($sick[0]) == @dropped } 'C5: and comes then';
is(got($sick[1]), 0, 'C5: to whom has asked');

my %log = map { $_->{id} => 1 }
    @{ http(GET => $nginx->url('/deltas') . '?limit=250')->{json}{data} };
is(scalar(grep { !$log{$_} } @dropped, @last), 0, 'C5: and stays in deltas');


# C2: a device that is connected gets no push

http(DELETE => "$configurations/$_")
    for map { $_->{id} } @{ http(GET => "$configurations?limit=250")->{json} };
$id = configuration('/c2');
my $other = configuration('/c2-other');

my $device = $chat->connect($nginx->port,
                            "/device?session=d-1&configuration=$id");
ok($device, 'C2: a device connects');
eventually { http(GET => $nginx->url('/sessions/d-1'))->{json}{connected} }
    'C2: its session is registered, and connected';
is(http(GET => $nginx->url('/sessions/d-1'))->{json}{subscription}, $id,
   'C2: with its push configuration');
publish(sessionId => 'd-1');
publish(sessionId => 'd-2');
eventually { session('d-2', '/c2') } 'C2: others are pushed to';
is(session('d-1', '/c2'), 0, 'C2: it is not');
is($chat->talk($device, 'alive'), 'alive', 'C2: its connection lives');
$chat->cut($device);
eventually { !http(GET => $nginx->url('/sessions/d-1'))->{json}{connected} }
    'C2: it is cut off, and disconnected';
publish(sessionId => 'd-1');
eventually { session('d-1', '/c2') } 'C2: then it is pushed to';
is(session('d-1', '/c2'), 1, 'C2: once');
publish(sessionId => 'd-2');
eventually { 2 == session('d-2', '/c2-other') } 'C2: another configuration';
is(session('d-1', '/c2-other'), 0, 'C2: has nothing of that session');


# C7, C8: the connector of the example

http(DELETE => "$configurations/$_") for $id, $other;
my $secret = NotifyTest::slurp(
    "$NotifyTest::TOP/conf.examples/contact-center.secret") =~ s/\n//r;
my $connector = $nginx->url('/connector');
is(http(POST => "$connector/providers", json => {
    url => $receiver->url('/v1/projects/p/messages:send') })->{status}, 201,
   'C8: a provider');
is(http(PUT => "$connector/devices/f-1", json => { token => 'token of f-1' })
   ->{status}, 201, 'C8: the token of a device');
is(http(POST => $configurations, json => { name => 'Connector',
       callbackUrl => "$connector/push", secret => $secret })->{status}, 201,
   'C8: the connector is the callback');

$event = publish(sessionId => 'f-1', customerId => 'c-1',
                 conversationId => 'v-1', data => { text => 'the content' });
eventually { $receiver->count('/v1/projects/p/messages:send') }
    'C8: the provider is asked';
($call) = $receiver->requests('/v1/projects/p/messages:send');
my $message = from_json($call->{body})->{message};
is($message->{token}, 'token of f-1', 'C8: for the device of the session');
is($message->{data}{eventId}, $event, 'C8: with the id of the event');
is(join(' ', sort keys %{ $message->{data} }),
   'conversationId customerId eventDate eventId sessionId',
   'C8: and the other metadata, nothing else');
like($call->{headers}{authorization}, qr/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/,
     'C8: and a service token');

sub callback {
    my ($signature, %body) = @_;
    return http(POST => "$connector/push", json => { %body },
                headers => { 'X-hmac' => $signature });
}

my %body = (eventId => 'e-1', sessionId => 'f-1');
my $signature = hmac_sha256_hex('e-1f-1', $secret);
my $before = $receiver->count('/v1/projects/p/messages:send');
my $refused = callback(substr($signature, 0, 63) . 'x', %body);
is($refused->{status}, 401, 'C7: one digit that is wrong is 401');
is(callback($signature, %body, sessionId => 'f-2')->{status}, 401,
   'C7: so is another session');
is(http(POST => "$connector/push", json => \%body)->{status}, 401,
   'C7: and no signature');
is(callback($signature, %body)->{status}, 204, 'C7: the right one is taken');
my $again = callback($signature, %body);
is($again->{status}, 200, 'C7: sent again it is answered, and not taken');
is(callback($signature, %body, sessionId => 'f-2')->{content},
   $refused->{content}, 'C7: all are refused alike');
eventually { $before + 1 == $receiver->count('/v1/projects/p/messages:send') }
    'C8: one more push comes of all that';

ok(!grep({ $_->{body} =~ /the content/
           || grep { /the content/ } %{ $_->{headers} } }
         $receiver->requests), 'C3: no receiver has got a byte of content');

finish();
