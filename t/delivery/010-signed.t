# Subscribe, publish, and the webhook that arrives, judged by the packages that
# subscribers use.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $secret = 'whsec_bmdpbngtbm90aWZ5LWV4YW1wbGUtc2VjcmV0';

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile local { sign standard; allow 127.0.0.0/8; }
notify_channel shop { profile local; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

sub subscribe {
    my ($path, %more) = @_;
    my $answer = http(POST => $nginx->url('/shop/subscriptions'), json => {
        url => $receiver->url($path), event => 'order.paid',
        secret => $secret, %more });
    is($answer->{status}, 201, "a subscription for $path is created")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    my ($body) = @_;
    my $answer = http(POST => $nginx->url('/shop/events'), body => $body,
        headers => { 'Content-Type' => 'application/json' });
    is($answer->{status}, 202, 'an event is accepted')
        or diag($answer->{content});
    return $answer->{json}{id};
}


# the call

my $id = subscribe('/a');
my $data = '{"b": 1.1 ,"a":1e-400,"n":9007199254740993,"t":"\u00e9\/\ud83d\ude00",'
         . '"u":"Grüße"}';
my $event = publish('{"eventType":"order.paid","entityTypeID":3,'
                    . '"entityID":9007199254740993,"data":' . $data . '}');

eventually { $receiver->count('/a') == 1 } 'one call arrives';
my ($call) = $receiver->requests('/a');

is($call->{method}, 'POST', 'it is a POST');
is($call->{headers}{'content-type'}, 'application/json', 'of JSON');
is($call->{body}, '{"eventType":"order.paid","entityTypeID":3,'
                  . '"entityID":9007199254740993,"data":' . $data . '}',
   'in the call format, the data byte for byte as published');
is($call->{headers}{'webhook-id'}, $event, 'webhook-id is the event\'s id');
cmp_ok(abs($call->{headers}{'webhook-timestamp'} - time), '<', 60,
       'webhook-timestamp is now');
is($call->{headers}{'content-length'}, length $call->{body},
   'Content-Length says how long it is');
ok(!exists $call->{headers}{'accept-encoding'}, 'no Accept-Encoding is sent');


# the judges

my %headers = map { $_ => $call->{headers}{$_} }
              grep { /^webhook-/ } keys %{ $call->{headers} };
my %old = (%headers, 'webhook-timestamp' => time - 3600);
(my $tampered = $call->{body}) =~ s/1\.1/1.2/;

my @cases = (
    ['as it came', 1,
     { secret => $secret, headers => \%headers, body => $call->{body} }],
    ['with a tampered body', 0,
     { secret => $secret, headers => \%headers, body => $tampered }],
    ['with an old timestamp', 0,
     { secret => $secret, headers => \%old, body => $call->{body} }],
    ['with another id', 0,
     { secret => $secret, headers => { %headers, 'webhook-id' => 'evt_0' },
       body => $call->{body} }],
    ['with a wrong secret', 0,
     { secret => 'whsec_d3JvbmctYnV0LWxvbmctZW5vdWdo', headers => \%headers,
       body => $call->{body} }],
);
my @verdicts = judge(map { $_->[2] } @cases);

for my $i (0 .. $#cases) {
    my ($title, $good) = @{ $cases[$i] };
    for my $package (qw(standardwebhooks svix)) {
        my $said = $verdicts[$i]{$package} // 'nothing';
        ok($good ? $said eq 'ok' : $said ne 'ok' && $said ne 'nothing',
           "$package " . ($good ? 'accepts' : 'refuses') . " it $title")
            or diag($said);
    }
}


# the log holds what was delivered

my $deltas = http(GET => $nginx->url('/shop/deltas'));
is($deltas->{status}, 200, 'deltas can be read');
is(scalar @{ $deltas->{json}{data} // [] }, 1, 'the event is in them');
like($deltas->{content}, qr/\Q$data\E/, 'byte for byte');


# another event, another subscription, and after a delete none

publish('{"eventType":"order.refunded","data":{}}');
my $other = subscribe('/b', event => '*');
publish('{"eventType":"order.paid","data":null}');
eventually { $receiver->count('/b') == 1 } 'the new subscription gets an event';
eventually { $receiver->count('/a') == 2 } 'the first one too';
is(scalar($receiver->requests('/a')), 2,
   'but not the event it did not ask for');

is(http(DELETE => $nginx->url("/shop/subscriptions/$id"))->{status}, 204,
   'the first one is deleted');
publish('{"eventType":"order.paid","data":{"last":true}}');
eventually { $receiver->count('/b') == 2 } 'the other gets the next event';
is($receiver->count('/a'), 2, 'the deleted one nothing more');

finish();
