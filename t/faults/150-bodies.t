# Hostile bodies: on every route that takes one, the status that is named, no
# 5xx, and the worker that was there.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/ask' => [{ body => '{"success":true}' }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile local { allow 127.0.0.0/8; }
    notify_channel shop  { profile local; event paid; event asked sync;
                           attribute country "pattern=^[A-Z]{2}$";
                           setting place target optional; }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 8m;
        location /shop/  { notify_api shop; }
        location /small/ { notify_api shop; client_max_body_size 1k; }
    }
END
my $worker;
eventually { ($worker) = $nginx->workers } 'there is a worker';
my %seen;

sub hit {
    my ($method, $path, $body, %headers) = @_;
    my $answer = http($method => $nginx->url("/shop/$path"), body => $body,
        headers => { 'Content-Type' => 'application/json', %headers });
    $seen{ $answer->{status} }++;
    return $answer;
}
sub shown { my $text = substr $_[0], 0, 40;
            return $text =~ s/([^\x21-\x7e])/sprintf '\\x%02x', ord $1/ger }
sub pointers { return join ' ', sort map { $_->{pointer} }
                                @{ $_[0]{json}{errors} // [] } }

my $target = $receiver->url('/a');
my $made = hit(POST => 'subscriptions', qq({"url":"$target","event":"paid"}));
is($made->{status}, 201, 'a subscription');
my $id = $made->{json}{id};
is(hit(POST => 'subscriptions', '{"url":"' . $receiver->url('/ask')
       . '","event":"asked","mode":"sync"}')->{status}, 201, 'a sync one');
my $event = hit(POST => 'events', '{"eventType":"paid"}')->{json}{id};
my $cursor = http(GET => $nginx->url('/shop/deltas'))->{json}{cursor};

# each with a body that it takes
my @routes = (
    [POST  => 'subscriptions', qq({"url":"$target","event":"paid"})],
    [PUT   => "subscriptions/$id", qq({"url":"$target","event":"paid"})],
    [PATCH => "subscriptions/$id", '{"name":"x"}'],
    [POST  => "subscriptions/$id/rotate-secret", '{"grace":"1h"}'],
    [POST  => "subscriptions/$id/redeliver",
        '{"since":"2024-01-01T00:00:00Z"}'],
    [POST  => 'events', '{"eventType":"paid"}'],
    [POST  => "events/$event/redeliver", qq({"subscription":"$id"})],
    [PUT   => 'settings', '{"flags":{"paid":true}}'],
    [PATCH => 'settings', '{"flags":{"paid":true}}'],
    [PUT   => 'settings/a', '{"flags":{"paid":true}}'],
    [POST  => 'sync/asked', '{"entityID":1}'],
    [PUT   => 'sessions/s1', '{"customer":"c"}'],
    [POST  => 'deltas/consumers/c1', qq({"cursor":"$cursor"})],
);


# no JSON, or JSON that two readers would understand differently

my $deep = sub { '[' x $_[0] . ']' x $_[0] };
my %bad = (
    cut         => '{"a":', open => '{', key => '{"a"', comma => '{"a":1,}',
    array       => '[1,]', word => 'nul', nan => '{"a":NaN}',
    infinity    => '{"a":Infinity}', quotes => "{'a':1}", bare => '{a:1}',
    comment     => '{/* */"a":1}', trail => '{"a":1} x', two => '{}{}',
    close       => '{"a":1}}', bom => "\xef\xbb\xbf{}", octal => '{"a":012}',
    utf16       => "\xff\xfe{\0}\0", plus => '{"a":+1}', dot => '{"a":.5}',
    enddot      => '{"a":5.}', hex => '{"a":0x5}', exponent => '{"a":1e}',
    escape      => '{"a":"\x"}', escape4 => '{"a":"\u12"}',
    control     => qq({"a":"\n"}), nulbyte => "{\"a\":\"\0\"}",
    nulend      => "{}\0", tab => qq({"a\t":1}), empty => ' ',
    same        => '{"a":1,"a":2}', escaped => '{"a":1,"\u0061":2}',
    inner       => '{"data":{"a":1,"a":2}}', bracket => '{"a":[1}',
    half        => '{"\ud800":1,"\uD800":2}',
    overlong    => qq({"a":"\xc0\xaf"}), long3 => qq({"a":"\xe0\x80\xaf"}),
    surrogate   => qq({"a":"\xed\xa0\x80"}), lone => qq({"a":"\x80"}),
    toohigh     => qq({"a":"\xf4\x90\x80\x80"}),
    partial     => qq({"a":"\xe2\x82"}),
    five        => qq({"a":"\xf8\x88\x80\x80\x80"}), byte => qq({"\xff":1}),
    deep513     => '{"data":' . $deep->(513) . '}', deep => $deep->(5000),
    bomb        => '[' x 1_000_000, bombs => '{"a":' x 200_000,
    nested      => '[{"a":' x 100_000,
);

# documents, which are looked into, are smaller than data
my %large = (
    deep33      => '{"data":' . $deep->(32) . '}',
    nodes       => '{"data":[' . join(',', (1) x 100_001) . ']}',
    lists       => '{"data":[' . join(',', ('[]') x 100_001) . ']}',
);

for my $route (@routes) {
    my ($method, $path, $good) = @$route;
    my %bad = (%bad, $path =~ /^(?:events|sync\/.*)$/ ? () : %large);
    my @wrong = grep { $_ } map {
        my $answer = hit($method => $path, $bad{$_});
        $answer->{status} == 400
            && $answer->{headers}{'content-type'} eq 'application/problem+json'
            && $answer->{json}{status} == 400
            ? undef : "$_: $answer->{status} $answer->{content}"
    } sort keys %bad;
    (my $title = $path) =~ s/\b(?:sub|evt)_[^\/]+/ID/;
    is(join("\n", @wrong), '', "$method $title: what is no JSON is 400");

    @wrong = grep { $_ } map {
        my $status = hit($method => $path, $_)->{status};
        $status == 400 || $status == 422 ? undef : "$_: $status"
    } 'null', 'true', '5', '"x"', '[[]]', '[null]', '1e5';
    is(join("\n", @wrong), '', 'what is no object is refused');

    @wrong = grep { $_ } map {
        my $status = hit($method => $path, $good, 'Content-Type' => $_)
                     ->{status};
        $status == 415 ? undef : "$_: $status";
    } 'text/plain', 'text/json', 'application/jsonx', 'application/json+x',
      'multipart/form-data; boundary=x', 'application/xml', 'json', '*/*',
      'application/json, text/plain', 'application',
      $path =~ /^sessions/ ? () : 'application/x-www-form-urlencoded',
      $path eq 'events' ? () : 'application/x-ndjson',
      $method eq 'PATCH' ? () : 'application/merge-patch+json';
    is(join("\n", @wrong), '', 'another media type is 415');

    my $answer = hit($method => $path, $good,
                     'Content-Type' => 'Application/JSON ; charset=UTF-8');
    ok($answer->{success}, 'and what it takes is taken')
        or diag($answer->{status} . $answer->{content});
    is(http($method => $nginx->url("/small/$path"), body => ' ' x 2000,
            headers => { 'Content-Type' => 'application/json' })->{status},
       413, 'too much is 413');
}


# what is right is taken in spite of its looks

for my $body ('{"data":' . $deep->(512) . '}',
              '{"data":[' . join(',', (1) x 200_000) . ']}',
              '{"data":"\ud83d"}', '{"data":{"\udc00":"\udc00\ud800"}}',
              '{"data":"' . 'x' x 3_000_000 . '"}',
              '{"data":"\ud83d\ude00\u00e9\/"}',
              qq({"data":"\xf0\x9f\x98\x80"}),
              '{"data":' . '1' x 300 . '.5}', '{"data":{"":{"":1}}}',
              '{"data":{"a":1,"A":2}}', "\r\n\t {\"data\":null} \r\n")
{
    my $answer = hit(POST => 'events', $body =~ s/\{/{"eventType":"paid",/r);
    is($answer->{status}, 202, shown($body) . ' is an event')
        or diag($answer->{content});
    is(http(GET => $nginx->url("/shop/events/$answer->{json}{id}"))->{status},
       200, 'and can be read') if $answer->{json}{id};
}
is(hit(POST => 'events', '[' . join(',', ('{"eventType":"paid"}') x 1001) . ']')
   ->{status}, 422, '1001 events are too many');
is(hit(POST => 'events', join("\n", ('{"eventType":"paid"}') x 1001),
       'Content-Type' => 'application/x-ndjson')->{status}, 422,
   'in lines, too');
is(hit(POST => 'events', "{\"eventType\":\"paid\"}\n[]\n",
       'Content-Type' => 'application/x-ndjson')->{status} =~ /^4(?:00|22)$/, 1,
   'a line that is no event is refused');
is(hit(POST => 'events', "\n" x 1_000_000,
       'Content-Type' => 'application/x-ndjson')->{status} =~ /^4(?:00|22)$/, 1,
   'so are empty lines alone');


# every member of every wrong kind: 422, never more

my @kinds = ('null', 'true', '-1', '1.5', '9223372036854775807', '""', '"x"',
             '"' . 'x' x 100_000 . '"', '[]', '[[]]', '{}', '{"a":{"b":[]}}',
             '"a\u0000b"', '"a\r\nX-Evil: 1"', '"\u007f"', '"\u202e"', '"*"',
             '"a.b.c.*"', '[' . join(',', ('"paid"') x 2000) . ']',
             '{' . join(',', map { qq("k$_":"v") } 1 .. 3000) . '}');
my %members = (
    subscriptions => [qw(url callbackUrl event events objectType eventType
        entityTypeID entityType mode apiKey secret name profile headers filter
        rate inFlight enabled metadata id status country __proto__)],
    events => [qw(eventType objectType entityTypeID entityID sessionId uid id
        customerId conversationId time country cursor __proto__)],
    settings => [qw(flags place __proto__)],
    'sync/asked' => [qw(eventType entityTypeID entityID sessionId time)],
    "subscriptions/$id/redeliver" => [qw(since until all)],
    "subscriptions/$id/rotate-secret" => [qw(grace)],
    "events/$event/redeliver" => [qw(subscription)],
    'deltas/consumers/c2' => [qw(cursor)],
    'sessions/s2' => [qw(provider customer __proto__)],
);
my %base = (subscriptions => qq("url":"$target","event":"paid"),
            events => '"eventType":"paid"');

for my $path (sort keys %members) {
    my $method = $path =~ /^se/ ? 'PUT' : 'POST';
    my @wrong;

    for my $member (@{ $members{$path} }) {
        for my $kind (@kinds) {
            my $base = $base{$path} // '';
            $base =~ s/,?"$member":"[^"]*"//;
            $base =~ s/^,//;
            my $answer = hit($method => $path, "{\"$member\":$kind"
                             . ($base ? ",$base" : '') . '}');
            next if $answer->{status} =~ /^(?:20[0124]|4(?:00|04|09|22))$/;
            push @wrong, "$member $kind: $answer->{status}";
        }
    }
    (my $title = $path) =~ s/\b(?:sub|evt)_[^\/]+/ID/;
    is(join("\n", map { substr $_, 0, 100 } @wrong), '',
       "$title: members of every kind");
}


# what goes into a call: no line break gets there

my %injected = (
    headers => [['{"X-A":"a\r\nX-Evil: 1"}', '/headers/X-A'],
                ['{"X-A":"a\nX-Evil: 1"}', '/headers/X-A'],
                ['{"X-A":"a\u0000"}'], ['{"X-A":"\u007f"}', '/headers/X-A'],
                ['{"X-A\r\nX-Evil":"1"}'], ['{"X-A: x":"1"}'],
                ['{"":"1"}'], ['{" X-A":"1"}'], ['{"X-\u00e4":"1"}'],
                ['{"X(A)":"1"}'],
                (map { ["{\"$_\":\"x\"}", "/headers/$_"] } qw(
                    Host hOST Content-Length Transfer-Encoding Connection TE
                    Trailer Upgrade Expect Proxy-Connection proxy-x webhook-id
                    Webhook-Signature WEBHOOK-X X-Notify-Hops))],
    apiKey  => [['"a\r\nX-Evil: 1"', '/apiKey'], ['"a\n"', '/apiKey'],
                ['"a\u0000b"'], ['"\u001b"', '/apiKey']],
    name    => [['"a\r\nb"', '/name'], ['"\u001b[2J"', '/name']],
    url     => [['"http://a.com/\r\nX: y"', '/url'],
                ['"http://a.com/ HTTP/1.1\r\nX: y"', '/url']],
);

for my $member (sort keys %injected) {
    for (@{ $injected{$member} }) {
        my ($value, $pointer) = @$_;
        my $answer = hit(PATCH => "subscriptions/$id",
                         "{\"$member\":$value}");
        like($answer->{status}, $pointer ? qr/^422$/ : qr/^4(?:00|22)$/,
             "$member $value is refused");
        is(pointers($answer), $pointer, 'and named') if $pointer;
    }
}
hit(POST => "subscriptions/$id/test", '');
my ($call) = $receiver->requests('/a');
ok($call, 'it is called');
is($call->{headers}{'x-evil'}, undef, 'and nothing was injected');


# the end

is(join(' ', grep { /^5/ } sort keys %seen), '', 'no answer was a 5xx');
is(join(' ', $nginx->workers), $worker, 'it is the same worker');
is(http(GET => $nginx->url('/shop/health'))->{status}, 200, 'in good health');
finish();
