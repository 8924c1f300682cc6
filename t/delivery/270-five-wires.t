# conf.examples/one-event-five-wires.conf: one event, each system's own wire.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/appointments' => [{ body => '{"Success":true,"Code":"0","Message":""}' }],
});
my $nginx = NotifyTest::Nginx->new(example => 'one-event-five-wires',
                                   redis => $redis);
my $secret = 'whsec_bmdpbngtbm90aWZ5LWV4YW1wbGUtc2VjcmV0';
my %more = (
    appointments     => { apiKey => 'eyJh.eyJp.c2ln' },
    retail           => { apiKey => 'key' },
    'contact-center' => {},
    chat             => { metadata => { device_id => 'd-1' } },
    dashboard        => {},
);

for my $profile (sort keys %more) {
    my $answer = http_served(
        POST => $nginx->url('/shop/subscriptions'), json => {
            url => $receiver->url("/$profile"), event => 'document.pricing',
            profile => $profile, secret => $secret, %{ $more{$profile} } });
    is($answer->{status}, 201, "a subscription in profile $profile")
        or diag($answer->{content});
}

my $time = '2024-03-18T11:00:24.481Z';
my $data = '{"total": 99.50, "currency":"NOK"}';
my $answer = http(POST => $nginx->url('/shop/events'),
    body => '{"eventType":"document.pricing","entityTypeID":3,'
        . '"entityID":9007199254740993,"country":"NO","sessionId":"s-1",'
        . '"customerId":"c-1","conversationId":"v-1","time":"' . $time . '",'
        . '"data":' . $data . '}',
    headers => { 'Content-Type' => 'application/json' });
is($answer->{status}, 202, 'one event') or diag($answer->{content});
my $id = $answer->{json}{id};

my $about = '"eventType":"document.pricing","entityTypeID":3,'
          . '"entityID":9007199254740993,"data":' . $data;
my %body = (
    appointments     => $data,
    retail           => "{$about}",
    'contact-center' => qq({"eventId":"$id","conversationId":"v-1",)
        . qq("customerId":"c-1","sessionId":"s-1","eventDate":"$time"}),
    chat             => '{"message":"document.pricing","deviceId":"d-1",'
        . qq("payload":$data}),
    dashboard        => qq({$about,"country":"NO"}),
);
my %headers = (
    appointments     => 'authorization',
    retail           => 'x-api-key',
    'contact-center' => 'x-hmac',
    chat             => '',
    dashboard        => 'webhook-id webhook-signature webhook-timestamp',
);
my %call;

for my $profile (sort keys %body) {
    eventually { $receiver->count("/$profile") } "$profile: a call";
    my ($call) = $receiver->requests("/$profile");
    $call{$profile} = $call;

    is($call->{body}, $body{$profile}, "$profile: its body, byte for byte");
    is(join(' ', sort grep { !/^(?:content-(?:type|length)|host|user-agent
                                |x-notify-hops)$/x }
                 keys %{ $call->{headers} }), $headers{$profile},
       "$profile: its headers, and no others");
    is($call->{headers}{'content-type'}, 'application/json',
       "$profile: Content-Type");
}

is($call{appointments}{headers}{authorization}, 'eyJh.eyJp.c2ln',
   'appointments: the token as it stands');
is($call{appointments}{headers}{'user-agent'}, 'DataNotifier',
   'appointments: User-Agent');
is($call{retail}{headers}{'x-api-key'}, 'key', 'retail: the key');

for (['contact-center', 'connector'], ['dashboard', 'standardwebhooks']) {
    my ($profile, $judge) = @$_;
    my ($verdict) = judge({ secret => $secret, judges => [$judge],
        headers => $call{$profile}{headers}, body => $call{$profile}{body} });
    is($verdict->{$judge}, 'ok', "$profile: $judge accepts it");
}

finish();
