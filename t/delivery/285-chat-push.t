# conf.examples/chat-push.conf and fcm-connector.conf over the wire: row D whole
# with the session from the traffic, row C8.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use MIME::Base64 ();
use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(example => 'chat-push', redis => $redis,
                                   hook => $receiver->port);

sub req {
    my ($method, $path, %option) = @_;
    return http($method => $nginx->url($path), %option);
}

# "Request Chat" with these fields
sub chat {
    my (%field) = @_;
    my $r = req(POST => '/chat', headers => {
        'Content-Type' => 'application/x-www-form-urlencoded' },
        body => join '&', 'subject=help', map { "userData%5B$_%5D=$field{$_}" }
                          sort keys %field);
    is($r->{status}, 200, 'a chat is created') or diag $r->{content};
    return ($r->{json}{chatId}, $r->{headers}{'x-notify-session'});
}

sub bodies { my ($path) = @_;
             return map { from_json($_->{body}) } $receiver->requests($path) }

my %mandatory = (GCTI_Chat_PushSubscribe => 'true', GCTI_GMS_NodeGroup => 'gms',
                 GCTI_GMS_PushDeviceId => 'device-1',
                 GCTI_GMS_PushDeviceType => 'customhttp');

eventually { req(GET => '/stats')->{status} == 200 } 'ready';

note('D1: subscribed and acknowledged');
my ($chat, $said) = chat(%mandatory);
is($said, 'registered', 'the answer acknowledges the subscription');
my $session = req(GET => "/sessions/$chat")->{json};
is($session->{subscription}, 'provider-default', 'of the default provider');
is($session->{ttl}, 94600, 'for as long as the option says');

for my $name (sort keys %mandatory) {
    my %field = %mandatory;
    delete $field{$name};
    my ($other, $said) = chat(%field);
    is($said, undef, "without $name nothing is subscribed");
    is(req(GET => "/sessions/$other")->{status}, 404, 'nor kept');
}

note('D2 to D5, D7: what is pushed');
is(req(POST => "/agent?chat=$chat", json => { text => 'said' })->{status}, 200,
   'the agent speaks');
eventually { 1 == bodies('/push') } 'a push';
my ($call) = $receiver->requests('/push');
is_deeply(from_json($call->{body}), { message => 'There is news in your chat',
                                      deviceId => 'device-1' },
          'the message and the device');
like($call->{headers}{authorization}, qr/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/,
     'and a token');
unlike(join(' ', $call->{body}, %{ $call->{headers} }), qr/said/,
       'no byte of the content');

my ($full, $acknowledged) = chat(%mandatory,
                                 GCTI_GMS_PushDeviceId => 'device-2',
                                 GCTI_GMS_PushIncludePayload => 'true',
                                 GCTI_GMS_NotifyRequestor => 'true');
is($acknowledged, 'registered', 'with the optional fields');
req(POST => "/agent?chat=$full", json => { text => 'said' });
eventually { 2 == bodies('/push') } 'a push';
is_deeply((bodies('/push'))[1]{payload}, { text => 'said' }, 'with payload');
req(POST => "/leave?chat=$chat");
req(POST => "/leave?chat=$full");
eventually { 3 == bodies('/push') } 'the customer leaves';
is((bodies('/push'))[2]{deviceId}, 'device-2', 'who asked for it is told');

my ($debug) = chat(%mandatory, GCTI_GMS_PushDebug => 'true');
req(POST => "/agent?chat=$debug", json => {});
eventually { 1 == bodies('/push/debug') } 'the debug twin';
is((bodies('/push/debug'))[0]{message}, "chat.message in $debug",
   'and its message');

my ($silent) = chat(%mandatory, GCTI_GMS_PushProvider => 'silent',
                    GCTI_GMS_PushIncludePayload => 'true');
req(POST => "/agent?chat=$silent", json => { text => 'said' });
eventually { 1 == bodies('/push/silent') } 'another provider';
is_deeply((bodies('/push/silent'))[0],
          { message => 'News', deviceId => 'device-1' },
          'whose off wins');
is(req(GET => '/stats')->{json}{counters}{"push$_"}, 0, "no drop: $_")
    for qw(Failed Held NoNode NoDevice NoProvider);

unlike($nginx->log, qr/notify push:/, 'and no line of one');

note('D6: the node goes with the session');
my $port = $nginx->port;
eventually { (req(GET => "/sessions/$chat")->{json}{node} // '')
             eq "127.0.0.1:$port" } 'the node of the group';
my ($lost) = chat(%mandatory, GCTI_GMS_NodeGroup => 'nowhere');
req(POST => "/agent?chat=$lost", json => {});
eventually { $nginx->log =~ /dropped by provider "default": no node in group, status 0, device "device-1", group "nowhere"/ }
    'a group without nodes: one line';
eventually { req(GET => '/stats')->{json}{counters}{pushNoNode} == 1 }
    'and one counter';

note('the receiver is protected');
my $answer = req(POST => '/push', json => { message => 'x' });
is($answer->{status}, 401, 'who has no token');
is(req(POST => '/push', json => {}, headers => {
       Authorization => substr($call->{headers}{authorization}, 0, -2) . 'AA' })
   ->{content}, $answer->{content}, 'or a forged one gets the same answer');
$nginx->stop;

note('C8: the connector');
my $connector = NotifyTest::Nginx->new(example => 'fcm-connector',
                                       redis => $redis,
                                       hook => $receiver->port);
my $send = '/v1/projects/example/messages:send';

sub connector {
    my ($body, $hmac) = @_;
    $hmac //= hmac_sha256_hex(($body->{eventId} // '')
                              . ($body->{sessionId} // ''), 'It is a secret');
    return http(POST => $connector->url('/connector'), json => $body,
                headers => { 'X-hmac' => $hmac });
}

my $r;
eventually { $r = http(POST => $connector->url('/provider'), json => {
    event => 'push.send', url => $connector->url($send) });
    $r->{status} == 201 } 'the provider' or diag $r->{content};

my %event = (eventId => 'e-1', conversationId => 'v-1', customerId => 'c-1',
             sessionId => 'session-1', eventDate => '2024-03-18T11:00:24.481Z');
is(connector(\%event, 'x' x 64)->{status}, 401, 'a forged call');
is(connector(\%event)->{status}, 204, "the contact centre's");
is(connector(\%event)->{status}, 200, 'the same once more is not taken');
is(connector({ %event, eventId => 'e-2', sessionId => 'unknown' })->{status},
   204, 'a session whose device is not known');
eventually { 1 == $receiver->count($send) } 'the provider is asked';
my ($push) = $receiver->requests($send);
is_deeply(from_json($push->{body}),
          { message => { token => 'device-token-1', data => \%event,
                         android => { priority => 'HIGH' } } },
          "for the session's device token");
my ($head, $claims) = map { tr{-_}{+/}; from_json(MIME::Base64::decode($_)) }
    $push->{headers}{authorization} =~ /^Bearer ([\w-]+)\.([\w-]+)\./;
is($head->{alg}, 'RS256', 'with a service token');
is($claims->{aud}, 'https://fcm.example.com/', 'for the provider');
is(http(POST => $connector->url($send), json => {})->{status}, 401,
   'which lets nobody in without');
connector({ %event, eventId => 'e-3' });
eventually { 2 == $receiver->count($send) } 'another';
is(($receiver->requests($send))[1]{headers}{authorization},
   $push->{headers}{authorization}, 'by the same token');

finish();
