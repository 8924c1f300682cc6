# notify_verify of services: what Stripe, Slack, GitHub, Shopify, Svix and
# Twilio send is let in, and nothing else.  Their own packages sign; Slack and
# Shopify, which have none, are signed by their documents.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha1_base64);
use MIME::Base64 qw(encode_base64);
use Test::More;
use NotifyTest;

my $dir = test_dir();
my $redis = NotifyTest::Redis->new;
my $backend = NotifyTest::Receiver->new;

my $raw = join '', map { chr 7 * $_ % 256 } 1 .. 32;
my %secret = (
    stripe => 'whsec_' . 'a1B2' x 8, slack => '8f74b10e8888abcd99yyyzzz85a5',
    github => "It's a Secret to Everybody", shopify => 'hush',
    svix => 'whsec_' . encode_base64($raw, ''), twilio => '1' x 32,
);
my $old = 'whsec_' . encode_base64(scalar reverse($raw), '');
spew("$dir/$_", "$old\n$secret{$_}\n") for keys %secret;

# what their senders give each call, and say again when they come again
my %once = (
    stripe => '$notify_body_id', slack => '$notify_body_id',
    github => '$http_x_hub_signature_256', svix => '$http_svix_id',
    shopify => '$http_x_shopify_hmac_sha256',
    twilio => '$http_x_twilio_signature',
);

my $locations = join "\n", map { <<"END" } sort keys %secret;
        location /$_ {
            notify_verify $_ secret_file=%%KEYS%%/$_;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /once-$_ {
            notify_verify $_ secret_file=%%KEYS%%/$_ once=$once{$_};
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
END

my $nginx = NotifyTest::Nginx->new(redis => $redis,
    vars => { BACKEND => $backend->port, KEYS => $dir }, http => <<"END");
    client_max_body_size 8m;
    client_body_buffer_size 16k;

    server {
        listen 127.0.0.1:%%PORT%%;
$locations
        location /limited {
            notify_verify github secret_file=%%KEYS%%/github limit=1k;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /window {
            notify_verify slack secret_file=%%KEYS%%/slack window=20m;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /proxied {
            notify_verify twilio secret_file=%%KEYS%%/twilio
                          url=https://example.com:8443\$request_uri;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /asked {
            notify_verify github secret_file=%%KEYS%%/github;
            auth_request /who;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location = /who { return 204; }
    }
END

my $now = int time;

sub signed {
    my @calls = @_;
    spew("$dir/sign.jsonl", join '', map { to_json($_) . "\n" } @calls);
    open my $pipe, '-|', "node $NotifyTest::TOP/t/clients/sign.js"
                         . " < $dir/sign.jsonl" or die;
    my @made = map { from_json($_) } <$pipe>;
    close $pipe or die "sign.js failed\n";
    return map { $_->{headers} } @made;
}

sub call {
    my ($service, %with) = @_;
    return { service => $service, secret => $secret{$service},
             timestamp => $now, id => 'msg_1', %with };
}

sub status {
    my ($path, %option) = @_;
    return http(POST => $nginx->url($path), %option)->{status};
}

my $form = 'application/x-www-form-urlencoded';

note('what is signed, and what is not');
for my $service (qw(stripe slack github shopify svix)) {
    my $body = '{"id":"evt_1","text":"' . "\xc3\xa9" . '"}';
    my $text = $body;
    utf8::decode($text);
    my ($good, $bad, $older) = signed(call($service, body => $text),
        call($service, body => $text, secret => $service eq 'svix'
             ? 'whsec_' . encode_base64('x' x 32, '') : 'another'),
        call($service, body => $text, secret => $old));
    my ($header) = grep { /signature|hmac/i } keys %$good;

    is(status("/$service", body => $body, headers => $good), 200,
       "$service: what its package signs is let in");
    is(status("/$service", body => $body, headers => $older), 200,
       '... by a second secret, too');
    is(status("/$service", body => $body, headers => $bad), 401,
       '... by another one is refused');
    is(status("/$service", body => "$body ", headers => $good), 401,
       '... and so is a body with a byte more');
    is(status("/$service", headers => $good), 401, '... one without a byte');
    is(status("/$service", body => $body), 401, '... without any header');
    is(status("/$service", body => $body,
              headers => { %$good, $header => [($good->{$header}) x 2] }),
       401, '... with the header twice');
    my $value = $good->{$header};
    my ($prefix, $code) = $value =~ /^(|.*(?:v0=|v1=|sha256=|v1,))([^=,]+=?)$/;
    is(status("/$service", body => $body,
              headers => { %$good, $header => $_ }), 401, "... and with $_")
        for $code eq $value ? () : $code, $prefix . uc $code, "x$value",
            $prefix . substr $code, 0, -1;

    my $before = $backend->count("/once-$service");
    my %once = (body => $body, headers => $good);
    is(status("/once-$service", %once), 200, '... once');
    is(status("/once-$service", %once), 200, '... is 200 again');
    is($backend->count("/once-$service"), $before + 1,
       '... without the backend');
}

note('when');
for my $service (qw(stripe slack svix)) {
    my @made = signed(map { call($service, body => '{}',
                                 timestamp => $now + $_) }
                      -310, 310, -280, 280);
    is(status("/$service", body => '{}', headers => $made[$_]),
       $_ < 2 ? 401 : 200, "$service: "
       . ('long ago', 'long to come', 'just now', 'in a while')[$_])
        for 0 .. 3;
}
{
    my ($late) = signed(call('slack', body => '{}', timestamp => $now - 1000));
    is(status('/window', body => '{}', headers => $late), 200,
       'a window may be longer');
    is(status('/slack', body => '{}', headers => { %$late,
              'X-Slack-Request-Timestamp' => $now }), 401,
       'a later time is another signature');
    my ($stripe) = map { $_->{'Stripe-Signature'} }
                   signed(call('stripe', body => '{}'));
    my ($t, $v1) = $stripe =~ /^(t=\d+),(v1=\w+)$/ or die $stripe;
    is(status('/stripe', body => '{}',
              headers => { 'Stripe-Signature' => $_->[0] }), $_->[1],
       "Stripe-Signature: $_->[0]")
        for ["$t,v1=00,$v1,v0=00", 200], ["$v1,$t", 200], ["$t,$t,$v1", 401],
            [$v1, 401], [$t, 401], ["$t,v0=" . substr($v1, 3), 401],
            ["$t;$v1", 401], ['t=,' . $v1, 401], [',,,=', 401];
}

note('bodies wherever nginx keeps them');
for my $service (qw(stripe github)) {
    for my $size (1, 65_536, $service eq 'github' ? 5_242_880 : ()) {
        my $body = 'x' x $size;
        my ($good) = signed(call($service, body => $body));
        is(status("/$service", body => $body, headers => $good), 200,
           "$service: $size bytes");
        next if $size > 100_000;
        my @parts = ($body =~ /(.{1,20000})/gs);
        is(status("/$service", headers => $good,
                  body => sub { shift @parts }), 200, '... chunked');
        is(status("/$service", body => $body, headers => $good,
                  client => $_), 200, "... $_") for qw(late http2);
        is(status("/$service", body => 'y' . substr($body, 1),
                  headers => $good), 401, '... another first byte');
        is(status("/asked", body => $body, headers => $good), 200,
           '... with auth_request beside it') if $service eq 'github';
    }
}
{
    my ($good) = signed(call('github', body => 'x' x 2000));
    is(status('/limited', body => 'x' x 2000, headers => $good), 413,
       'more than the limit is not read');
}

note('twilio');
{
    my $url = $nginx->url('/twilio');
    my ($bare) = $url =~ m{^http://[^/:]+} ? "http://127.0.0.1/twilio" : die;
    my %params = (CallSid => 'CA1', From => '+14158675309', Digits => '1 2',
                  Empty => '', To => ['b', 'a', 'b']);
    my $body = 'CallSid=CA1&To=b&From=%2B14158675309&Digits=1+2&Empty='
             . '&To=a&To=b';
    my ($good, $sha256, $port, $query, $json, $far, $get) = signed(
        call('twilio', url => $url, params => \%params),
        call('twilio', url => $url, params => \%params,
             algorithm => 'HMAC_SHA256'),
        call('twilio', url => $bare, params => \%params),
        call('twilio', url => "$url?a=b%20c&d", params => \%params),
        call('twilio', url => $url, body => '{"a":1}'),
        call('twilio', url => 'https://example.com/proxied?x=1',
             params => { A => 'B' }),
        call('twilio', url => "$url?a=1"));
    $_ = { %$_ } for $good, $sha256, $port, $query, $json, $far, $get;
    my $signed = delete $json->{url};
    delete $_->{url} for $good, $sha256, $port, $query, $far, $get;
    my @as_form = ('Content-Type' => $form);

    is(status('/twilio', body => $body, headers => { %$good, @as_form }), 200,
       'a form');
    is(status('/twilio', body => join('&', reverse split /&/, $body),
              headers => { %$good, @as_form }), 200, '... in another order');
    is(status('/twilio', body => $body, headers => { %$sha256, @as_form }),
       200, '... by a shared key');
    is(status('/twilio', body => $body, headers => { %$port, @as_form }), 200,
       '... signed without the port');
    is(status('/twilio?a=b%20c&d', body => $body,
              headers => { %$query, @as_form }), 200, '... with a query');
    is(status('/twilio?a=b+c&d', body => $body,
              headers => { %$query, @as_form }), 401,
       '... another form of it is refused');
    is(status('/twilio', body => $_, headers => { %$good, @as_form }), 401,
       "... and so is $_")
        for "$body&X=1", $body =~ s/CA1/CA2/r, $body =~ s/&Empty=//r
            . '&empty=', '';
    is(status('/twilio', body => $body, headers => { %$good,
              'Content-Type' => 'text/plain' }), 401, '... or as a text');
    is(status('/twilio', body => $body, headers => {
              'X-Twilio-Signature' => $_, @as_form }), 401,
       "... or with signature $_")
        for 'x', '=', hmac_sha1_base64('', 'x') . '=';

    my ($path) = $signed =~ m{(/twilio.*)};
    is(status($path, body => '{"a":1}', headers => $json), 200,
       'JSON, by its digest');
    is(status($path, body => '{"a":2}', headers => $json), 401,
       '... not by that of another body');
    is(status($path, body => 'a=1', headers => { %$json, @as_form }), 401,
       '... a form is a body, too');
    is(status('/twilio', body => '{"a":1}', headers => $json), 401,
       '... without its digest it is refused');
    is(http(GET => $nginx->url('/twilio?a=1'), headers => $get)->{status},
       200, 'a call without a body');
    is(status('/proxied?x=1', body => 'A=B', headers => { %$far, @as_form }),
       200, 'url= says what they called, with and without the port');
    is(status('/proxied?x=2', body => 'A=B', headers => { %$far, @as_form }),
       401, '... all of it');

    my ($first) = signed(call('twilio', url => $nginx->url('/once-twilio'),
                              params => \%params));
    delete $first->{url};
    is(status('/once-twilio', body => $body, headers => { %$first, @as_form }),
       200, $_) for 'once', 'and again';
    is($backend->count('/once-twilio'), 1, '... is with the backend once');

    my $fields = join '&', map { "f$_=1" } 1 .. 1001;
    is(status('/twilio', body => $fields, headers => { %$good, @as_form }),
       401, 'a form of more than a thousand fields is refused');
}

note('a sender that was told of a failure');
{
    my ($good) = signed(call('stripe', body => '{"id":"evt_again"}'));
    my %call = (body => '{"id":"evt_again"}', headers => $good);
    $backend->script('/once-stripe', { status => 500 }, {});
    is(status('/once-stripe', %call), 500, 'the backend fails');
    is(status('/once-stripe', %call), 200, 'the retry is let in');
    is(status('/once-stripe', %call), 200, 'and 200 again');
    is($backend->count('/once-stripe'), 3, '... without the backend');
}

finish();
