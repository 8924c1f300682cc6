# Hostile ids: what belongs to another tenant, forged cursors, text that is
# Redis's or HTTP's; methods that a path does not take.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile local { allow 127.0.0.0/8; }
    notify_trusted 127.0.0.1;
    notify_channel shop  { profile local; subscriptions_max 5000; }
    notify_channel other { profile local; }
    server {
        listen 127.0.0.1:%%PORT%%;
        set $who '';
        rewrite "^/by/(?<who>[^/]*)/([\s\S]*)$" /mine/$2;
        location /shop/  { notify_api shop; }
        location /other/ { notify_api other; }
        location /mine/  { notify_tenant $who; notify_api shop; }
        location /must/  { notify_tenant $http_x_tenant required;
                           notify_api shop; }
    }
END
my $worker;
eventually { ($worker) = $nginx->workers } 'there is a worker';
$redis->cli(SET => 'canary', 'alive');
my %seen;

sub hit {
    my ($method, $path, $json, %headers) = @_;
    my $answer = http($method => $nginx->url("/$path"), headers => \%headers,
                      defined $json ? (json => $json) : ());
    $seen{ $answer->{status} } //= "$method $path";
    return $answer;
}
sub escape { return $_[0] =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ger }
sub shown  { my $text = substr $_[0], 0, 50;
             return $text =~ s/([^\x21-\x7e])/sprintf '\\x%02x', ord $1/ger }

eventually { hit(GET => 'shop/health')->{status} == 200 } 'it is up';
%seen = ();


# tenants with names that could be mistaken for something else

my @tenants = ('a', 'A', 'a ', 'a:b', 'a}:log', '{a}', 'a}{b', '*', '?', '[a]',
    'a\\', '..a', '0', '00', '1', 'shop.0', "a\r\nFLUSHALL\r\n",
    "*1\r\n\$8\r\nFLUSHALL\r\n", "a\nb", "\x7f", "caf\xc3\xa9",
    "\xff\xfe", "'; return redis.call('FLUSHALL') --", '%s%n', 'a"b', 'x' x 256,
    'x' x 255 . 'y', 'x' x 257, 'notify:{shop.0}:log', 'null', 'default', '-');
my (%event, %mine);

for my $n (0 .. $#tenants) {
    my $by = 'by/' . escape($tenants[$n]);
    my $title = shown($tenants[$n]);
    my $answer = hit(POST => "$by/events", { eventType => 't',
                                             entityID => $n });

    my $utf8 = $tenants[$n];
    if ($tenants[$n] =~ /[\x00-\x1f\x7f]/ || length $tenants[$n] > 256
        || !utf8::decode($utf8))
    {
        is($answer->{status}, 400, "the tenant $title is refused");
        next;
    }
    is($answer->{status}, 202, "the tenant $title publishes");
    $event{$n} = $answer->{json}{id};
    $answer = hit(POST => "$by/subscriptions", { event => 'none',
        url => 'http://127.0.0.1:2222/', name => "n$n" });
    is($answer->{status}, 201, 'and subscribes');
    $mine{$n} = $answer->{json}{id};
}

for my $n (sort { $a <=> $b } keys %event) {
    my $by = 'by/' . escape($tenants[$n]);
    my $title = shown($tenants[$n]);
    is(join(' ', map { $_->{entityID} }
                 @{ hit(GET => "$by/deltas")->{json}{data} }), $n,
       "$title reads its own events");
    is(join(' ', map { $_->{name} }
                 @{ hit(GET => "$by/subscriptions")->{json} }),
       $mine{$n} ? "n$n" : '', 'and its own subscriptions');
    my @strange = grep { hit(GET => "$by/events/$event{$_}")->{status} != 404 }
                  grep { $_ != $n } keys %event;
    is("@strange", '', 'and of no other');
}
is(scalar @{ hit(GET => 'shop/deltas')->{json}{data} }, 0,
   'the default tenant has none of it');


# another tenant's ids, on every route

sub by { return hit($_[1], ($_[0] eq '' ? 'shop' : "by/$_[0]") . "/$_[2]",
                    @_[3 .. $#_]) }

my $url = $receiver->url('/red');
my $sub = by(red => POST => 'subscriptions',
             { url => $url, event => 'go' })->{json}{id};
my $own = by(blue => POST => 'subscriptions',
             { url => $url, event => 'none' })->{json}{id};
my $go = by(red => POST => 'events', { eventType => 'go', uid => 'u1' })
         ->{json}{id};
my $delivery;
eventually { ($delivery) = @{ by(red => GET => "subscriptions/$sub/deliveries")
                              ->{json} };
             $delivery && $delivery->{status} eq 'succeeded' } 'red is called';
$delivery = $delivery->{id};
my $cursor = by(red => GET => 'deltas')->{json}{cursor};
is(by(red => PUT => 'sessions/s1', { customer => 'c' })->{success}, 1,
   'red has a session');
is(by(red => POST => 'deltas/consumers/c1', { cursor => $cursor })->{success},
   1, 'and a consumer') or diag($cursor);
my $before = by(red => GET => "subscriptions/$sub")->{content};

for my $who ('blue', '', 'Red', 'red.', 'red%20') {
    my @wrong;
    for my $request (
        [404, GET => "subscriptions/$sub"],
        [404, PUT => "subscriptions/$sub", { url => $url, event => '*' }],
        [404, PATCH => "subscriptions/$sub", { name => 'x' }],
        [204, DELETE => "subscriptions/$sub"],
        [404, POST => "subscriptions/$sub/test"],
        [404, POST => "subscriptions/$sub/enable"],
        [404, POST => "subscriptions/$sub/disable"],
        [404, POST => "subscriptions/$sub/rotate-secret", {}],
        [404, POST => "subscriptions/$sub/redeliver",
              { since => '2024-01-01T00:00:00Z' }],
        [404, GET => "subscriptions/$sub/deliveries"],
        [404, GET => "events/$go"], [404, GET => 'events/u1'],
        [404, GET => "events/$go/deliveries"],
        [404, POST => "events/$go/redeliver", { subscription => $sub }],
        [404, POST => "events/$go/redeliver", { subscription => $own }],
        [404, POST => "events/u1/redeliver", { subscription => $sub }],
        [404, GET => "deliveries/$delivery"],
        [404, POST => "deliveries/$delivery/redeliver"],
        [400, GET => "deltas?cursor=$cursor"],
        [404, GET => "deltas?missed=true&subscription=$sub"],
        [404, GET => 'sessions/s1'],
        [204, DELETE => 'sessions/s1'],
        [400, POST => 'deltas/consumers/c1', { cursor => $cursor }],
    ) {
        my ($status, $method, $path, $json) = @$request;
        my $answer = by($who, $method, $path, $json);
        push @wrong, "$method $path: $answer->{status}"
            unless $answer->{status} == $status;
        push @wrong, "$method $path: tells"
            if ($answer->{content} // '') =~ /\/red/;
    }
    is(join("\n", @wrong), '', "'$who' has nothing of red");
}
is(by(red => GET => "subscriptions/$sub")->{content}, $before,
   'and has changed nothing of it');
is(by(red => GET => 'sessions/s1')->{status}, 200, 'its session is there');
is($receiver->count('/red'), 1, 'it was not called again');
is(hit(GET => 'must/subscriptions')->{status}, 401, 'no tenant is 401');
is(hit(GET => 'must/subscriptions', undef, 'X-Tenant' => '')->{status}, 401,
   'so is an empty one');


# cursors

my $shop = 'shop/deltas';
hit(POST => 'shop/events', { eventType => 'a' }) for 1 .. 3;
$cursor = hit(GET => "$shop?limit=1")->{json}{cursor};
is(hit(GET => "$shop?cursor=" . escape($cursor))->{status}, 200,
   'a cursor is taken');
is(hit(GET => 'other/deltas?cursor=' . escape($cursor))->{status}, 400,
   'but not by another channel');

my @forged = map { my $c = $cursor;
                   substr($c, $_, 1) =~ tr/A-Za-z0-9_-/B-ZAb-za1-90\-_/;
                   $c } 0 .. length($cursor) - 1;
my @wrong = grep { $_ ne $cursor
                   && hit(GET => "$shop?cursor=" . escape($_))->{status}
                      != 400 }
            @forged, (map { substr $cursor, 0, $_ } 1 .. length($cursor) - 1),
            "$cursor$cursor", "${cursor}A", "$cursor=", " $cursor",
            uc $cursor, lc $cursor, '0', '0-0', '$', '+', '-', '*', '>', 'null',
            "$cursor\r\n", "$cursor\0", '../' . $cursor, 'x' x 4000,
            "1-1\r\nFLUSHALL", $event{0}, $go, '.', '..', "\xff";
is(join("\n", map { shown($_) } @wrong), '', 'no forged one is');
@wrong = grep { hit(GET => $shop, undef, 'Last-Event-ID' => $_,
                    Accept => 'text/event-stream')->{status} != 400 }
         $forged[0], $forged[-1], '0-0', 'x' x 4000, '$';
is("@wrong", '', 'nor as Last-Event-ID');
@wrong = grep { hit(POST => "$shop/consumers/c", { cursor => $_ })->{status}
                !~ /^4(?:00|22)$/ } $forged[0], $forged[-1], '0-0', '$', '';
is("@wrong", '', 'nor by a consumer');


# parameters

my $id = hit(POST => 'shop/subscriptions', { url => $url, event => 'none' })
         ->{json}{id};
my @values = ('', '-1', '0', '1e9', '99999999999999999999', '%00', '%0d%0aX:1',
              "'", '%ff', '%', '%zz', 'x' x 3000, '$', '*', '{}', '%5b%5d',
              '1,2', '-0', '+1', '%2e%2e', 'NaN', '0x10');
for my $request (
    ['shop/subscriptions', qw(limit after cursor before)],
    [$shop, qw(since limit eventType entityTypeID subscription missed wait
               consumer)],
    ["shop/subscriptions/$id/deliveries", qw(status limit before)],
) {
    my ($path, @names) = @$request;
    @wrong = ();
    for my $name (@names) {
        for my $value (@values) {
            my $status = hit(GET => "$path?$name=$value")->{status};
            push @wrong, "$name=" . shown($value) . ": $status"
                unless $status =~ /^(?:200|400|404)$/;
        }
    }
    (my $title = $path) =~ s/sub_\w+/ID/;
    is(join("\n", @wrong), '', "$title: parameters of every kind");
}
is(hit(GET => "$shop?limit=$_")->{status}, 400, "limit=$_ is 400")
    for qw(0 -1 251 1e2 x 99999999999999999999);


# ids and keys that are commands, patterns, paths, headers

my @ids = ("\r\nFLUSHALL\r\n", "*1\r\n\$8\r\nFLUSHALL\r\n", '*', '?', '[a-z]*',
           "a\nb", "a\tb", '{shop.0}', 'notify:{shop.0}:log', '..',
           "\" or 1=1", "');redis.call('FLUSHALL')--", 'x' x 513, 'x' x 8000,
           "\xc0\xaf", "\xff", "a\x7fb", '%s%s%n', '-1', '0', "\x{1b}[2J",
           'sub_', 'evt_', 'dlv_', 'evt_' . '0' x 16, 'evt_' . 'f' x 16,
           'evt_' . 'z' x 16, 'dlv_' . 'A' x 40, 'sub_' . 'x' x 22);
@wrong = ();
for my $text (@ids) {
    my $in = escape($text);
    for my $request ([GET => 'subscriptions/'], [PATCH => 'subscriptions/', {}],
                     [GET => 'events/'], [GET => 'deliveries/'],
                     [GET => 'sessions/'], [GET => 'settings/'],
                     [POST => 'sync/', {}], [GET => 'deltas/consumers/'],
                     [PUT => 'sessions/', {}], [DELETE => 'subscriptions/'],
                     [GET => 'events/', '/deliveries'],
                     [GET => 'subscriptions/', '/deliveries']) {
        my ($method, $path, $more) = @$request;
        my $json = ref $more ? $more : undef;
        my $end = ref $more ? '' : $more // '';
        my $answer = hit($method => "shop/$path$in$end", $json);
        push @wrong, "$method $path " . shown($text) . ": $answer->{status}"
            unless $answer->{status}
                   =~ /^(?:20[0124]|4(?:00|04|05|09|14|22))$/;
        push @wrong, "$method $path: a header" if $answer->{headers}{flushall};
    }
    my $answer = hit(POST => 'shop/events', { eventType => 'a', uid => $text });
    push @wrong, 'uid ' . shown($text) . ": $answer->{status}"
        unless $answer->{status} =~ /^(?:20[02]|4(?:00|22))$/;
    push @wrong, 'uid ' . shown($text) . ' is taken'
        if $text =~ /[\x00-\x1f\x7f]/ && $answer->{status} < 400;
    next if $text =~ /[^\x20-\x7e]/;       # the client would not send it
    $answer = hit(POST => 'shop/events', { eventType => 'a' },
                  'Idempotency-Key' => $text);
    push @wrong, 'key ' . shown($text) . ": $answer->{status}"
        unless $answer->{status} =~ /^(?:20[02]|4(?:00|22))$/;
}
is(join("\n", @wrong), '', 'ids and keys of every kind');

for my $hops ('5', '05', '99999999999999999999', '5, 1', '1, 5', '-1', 'abc',
              '', '+5', '5.0', ' 5') {
    my $status = hit(POST => 'shop/events', { eventType => 'a' },
                     'X-Notify-Hops' => $hops)->{status};
    like($status, qr/^(?:202|400|508)$/,
       "hops '$hops' are judged: $status");
    is($status, 508, 'as a circle') if $hops =~ /^\s*0*5$|^9/;
}
delete $seen{508};


# methods

my $base = $nginx->url('/shop/');
my %allowed = (
    'subscriptions' => 'GET HEAD POST',
    "subscriptions/$id" => 'GET HEAD PUT PATCH DELETE',
    (map { ("subscriptions/$id/$_" => 'POST') }
         qw(test enable disable rotate-secret redeliver pause resume secret
            confirm)),
    "subscriptions/$id/deliveries" => 'GET HEAD',
    "subscriptions/$id/stats" => 'GET HEAD',
    'events' => 'GET HEAD POST', "events/$go" => 'GET HEAD DELETE',
    "events/$go/deliveries" => 'GET HEAD', "events/$go/redeliver" => 'POST',
    'deltas' => 'GET HEAD', 'sync/asked' => 'POST',
    'sessions/s' => 'GET HEAD PUT DELETE',
    (map { ("sessions/s/$_" => 'POST') } qw(connected disconnected heartbeat)),
    'settings' => 'GET HEAD PUT PATCH', 'settings/a' => 'GET HEAD PUT PATCH',
    'deliveries' => 'GET HEAD', "deliveries/$delivery" => 'GET HEAD',
    'redeliver' => 'POST', 'redeliveries/x' => 'GET HEAD',
    'filter/test' => 'POST',
    "deliveries/$delivery/redeliver" => 'POST',
    (map { ($_ => 'GET HEAD') } qw(event-types stats health jwks.json
                                vapid.json)),
);
for my $path (sort keys %allowed) {
    my %may = map { $_ => 1 } split ' ', $allowed{$path};
    @wrong = ();
    for my $method (qw(GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND
                       MKCOL COPY LOCK X)) {
        next if $may{$method};
        my $answer = hit($method => "shop/$path");
        my $allow = $answer->{headers}{allow} // '';
        $allow =~ s/,//g;
        push @wrong, "$method: $answer->{status} $allow"
            unless $answer->{status} == 405
                   && ($method eq 'TRACE' || $allow eq $allowed{$path});
    }
    (my $title = $path) =~ s/(?:sub|evt|dlv)_\w+/ID/;
    is(join("\n", @wrong), '', "$title takes $allowed{$path}");
}


# the end

my ($port) = $nginx->port;
for my $bytes ("\0" x 100, "GET /shop/health\r\n",
               "GET /shop/ HTTP/9.9\r\n\r\n",
               "POST /shop/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               "POST /shop/events HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n"
               . "\r\n", "POST /shop/events HTTP/1.1\r\nHost: a\r\n"
               . "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
               "POST /shop/events HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n"
               . "\r\n{\"eventType\"") {
    my $answer = http_raw($port, $bytes, 0.3);
    unlike($answer, qr{^HTTP/1\.1 (?:2|500)}, 'no request, no answer to one')
        unless $bytes =~ /^GET \/shop\/health/;
}

is(join("\n", map { "$seen{$_}: $_" } grep { /^5/ } sort keys %seen), '',
   'no answer was a 5xx');
is($redis->cli(GET => 'canary'), 'alive', 'Redis has what it had');
unlike($redis->cli(INFO => 'commandstats'), qr/cmdstat_(?:flush|keys|config)/,
       'and was told nothing else');
is(join(' ', $nginx->workers), $worker, 'it is the same worker');
finish();
