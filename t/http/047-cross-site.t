# What a page of another site can make a browser send: nothing that is done.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http2 => 1, http => <<'END');
    notify_profile local { sign standard; allow 127.0.0.0/8; }
    notify_channel shop { profile local; event paid; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /try/  { notify_api shop samples; }
    }
END

eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 }
           'it serves';

my $made = http(POST => $nginx->url('/shop/subscriptions'),
                json => { url => $receiver->url('/a'), event => 'paid' });
is($made->{status}, 201, 'a subscription');
my $id = $made->{json}{id};
my $at = "/shop/subscriptions/$id";
my $event = http(POST => $nginx->url('/shop/events'),
                 json => { eventType => 'paid' })->{json}{id};
eventually { $receiver->count('/a') == 1 } 'an event';
my $delivery = http(GET => $nginx->url("$at/deliveries"))->{json}[0]{id};
ok(defined $delivery, 'a delivery');

my $here = '127.0.0.1:' . $nginx->port;
my %foreign = (
    'cross-site'          => { 'Sec-Fetch-Site' => 'cross-site',
                               'Origin' => "http://$here" },
    'a sibling site'      => { 'Sec-Fetch-Site' => 'same-site' },
    'another origin'      => { 'Origin' => 'https://evil.example' },
    'another port'        => { 'Origin' => 'http://127.0.0.1:1' },
    'a host that ends so' => { 'Origin' => 'http://evil' . ".$here" },
    'an opaque origin'    => { 'Origin' => 'null' },
    'no origin at all'    => { 'Origin' => '' },
);
my %own = (
    'the same origin'     => { 'Sec-Fetch-Site' => 'same-origin',
                               'Origin' => 'https://front.example' },
    'the address line'    => { 'Sec-Fetch-Site' => 'none' },
    'its own Origin'      => { 'Origin' => "http://$here" },
    'no browser'          => {},
);
# what a form, a Blob or a beacon sends
my @simple = (undef, 'text/plain', 'application/x-www-form-urlencoded',
              'multipart/form-data; boundary=x', 'text/plain; application/json');

my $paths = http(GET => $nginx->url('/shop/openapi.json'))->{json}{paths};
my %value = ('/subscriptions' => $id, '/events' => $event,
             '/deliveries' => $delivery, '/sync' => 'paid', '/sessions' => 's',
             '/deltas/consumers' => 'c', '/samples' => 'paid');
my @routes;

for my $path (sort grep { $paths->{$_}{post} } keys %$paths) {
    my ($kind) = $path =~ m{^/shop(/.*?)(?:/\{|$)} or next;
    (my $to = $path) =~ s/\{\w+\}/$value{$kind} \/\/ 'x'/ge;
    push @routes, $to;
}
push @routes, '/try/paid';
cmp_ok(scalar @routes, '>=', 12, 'the routes are those of openapi.json');

# HTTP::Tiny gives a body a type: what has none is sent by hand
sub post {
    my ($to, $body, $type, $fields) = @_;
    my $head = join '', map { "$_: $fields->{$_}\r\n" } sort keys %$fields;
    $head .= "Content-Type: $type\r\n" if defined $type;
    my $answer = http_raw($nginx->port, "POST $to HTTP/1.1\r\nHost: $here\r\n"
        . "Connection: close\r\n$head" . 'Content-Length: ' . length($body)
        . "\r\n\r\n$body");
    my ($status) = $answer =~ m{^HTTP/1.1 (\d+)};
    my ($json) = $answer =~ /\r\n\r\n(\{.*\})/s;
    return ($status, eval { from_json($json) });
}

# but for what its calls come to
sub document {
    my $json = http(GET => $nginx->url($at))->{json};
    delete @$json{qw(lastSuccessAt failingSince)};
    return to_json($json);
}
my $before = document();

for my $why (sort keys %foreign) {
    my @done;

    for my $to (@routes) {
        for my $type (@simple) {
            for my $body ('', '{"eventType":"paid"}') {
                my ($status, $json) = post($to, $body, $type, $foreign{$why});
                push @done, "$to " . ($type // 'no type') . " $body: $status"
                    if $status != 415
                       || ($json->{code} // '') ne 'unsupported_media_type';
            }
        }
    }

    is(join("\n", @done), '', "$why: refused on every route");
}

is(document(), $before, 'nothing was done');
is(http(GET => $nginx->url('/shop/stats'))->{json}{counters}{published}, 1,
   'nothing was published');
is($receiver->count('/a'), 1, 'nor delivered again');

# JSON needs the leave of a preflight, which there is none of
is(http(OPTIONS => $nginx->url('/shop/events'),
        headers => { Origin => 'https://evil.example',
                     'Access-Control-Request-Method' => 'POST' })->{status},
   405, 'a preflight is refused');
for my $why (sort keys %foreign) {
    my ($status) = post("$at/disable", '', 'application/json; charset=utf-8',
                        $foreign{$why});
    is($status, 200, "$why: with a type that a form cannot have it is done");
}

for my $why (sort keys %own) {
    my ($status) = post("$at/enable", '', undef, $own{$why});
    is($status, 200, "$why: an action without a body is done");
    ($status) = post('/shop/events', '{"eventType":"paid"}', undef, $own{$why});
    is($status, 202, "$why: a body without a type is JSON");
    ($status) = post('/shop/events', '{"eventType":"paid"}', 'text/plain',
                     $own{$why});
    is($status, 415, "$why: another type is not");
}

for my $client (qw(late http2)) {
    my $answer = http(POST => $nginx->url("$at/disable"), client => $client,
                      headers => { Origin => 'https://evil.example' });
    is($answer->{status}, 415, "$client: another origin is refused");
    $answer = http(POST => $nginx->url("$at/disable"), client => $client,
                   headers => { Origin => "http://$here" });
    is($answer->{status}, 200, "$client: its own is not");
}
finish();
