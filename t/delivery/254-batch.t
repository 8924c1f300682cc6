# `batch`: several events in one call, by count, time and size; what is taken,
# what comes again, and in which order.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/fails'  => [{ status => 500 }, {}],
    '/strict' => [{}, { status => 503 }, { reset => 1 }, {}],
    '/gone'   => [{ status => 410 }],
});
my $nginx = NotifyTest::Nginx->new(
    redis => $redis, workers => 2, connections => 2048,
    allow => qr/exited on signal 9/, http => <<'END_OF_CONF');
notify_profile ten    { batch 10 wait=300ms; sign standard; retry 20ms;
                        allow 127.0.0.0/8; }
notify_profile large  { batch 1000 wait=1s; allow 127.0.0.0/8; }
notify_profile small  { batch 100 wait=300ms size=1k; allow 127.0.0.0/8; }
notify_profile lines  { batch 10 wait=300ms; payload raw;
                        allow 127.0.0.0/8; }
notify_profile clouds { batch 10 wait=300ms; payload cloudevents;
                        allow 127.0.0.0/8; }
notify_profile own    { batch 10 wait=300ms; payload '{"n":"$notify_data"}';
                        header X-First $notify_event_id; retry 20ms;
                        sign hmac header=X-Signature
                             data=$notify_attempt_timestamp.$notify_payload;
                        allow 127.0.0.0/8; }
notify_profile json   { batch 10 wait=300ms; success json '{"ok":true}';
                        retry 20ms 20ms 20ms; breaker off;
                        allow 127.0.0.0/8; }
notify_profile strict { batch 5 wait=50ms; order strict; breaker off;
                        retry 20ms 20ms until=1h; timeout 2s;
                        allow 127.0.0.0/8; }
notify_profile key    { batch 5 wait=50ms; breaker off;
                        order key=$notify_entity_id;
                        retry 20ms 20ms until=1h; allow 127.0.0.0/8; }
notify_profile single { customize batch payload; sign standard;
                        allow 127.0.0.0/8; }
notify_profile bound  { customize batch payload; batch 10 wait=300ms size=8k;
                        allow 127.0.0.0/8; }
notify_profile event  { customize batch; allow 127.0.0.0/8;
                        sign hmac header=X-S data=$notify_event_id; }
notify_profile binary { customize batch; payload cloudevents binary;
                        allow 127.0.0.0/8; }
notify_profile id     { customize batch; allow 127.0.0.0/8;
                        sign standard id=$notify_event_uid; }
notify_channel shop   { profile ten large small lines clouds own json strict key
                                single bound event binary id; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END_OF_CONF

sub subscribe {
    my ($profile, $path, %more) = @_;
    my $answer = http_served(
        POST => $nginx->url('/shop/subscriptions'), json => {
            url => $receiver->url($path), event => '*', profile => $profile,
            %more });
    is($answer->{status}, 201, "a subscription for $path")
        or diag($answer->{content});
    return $answer->{json};
}

sub unsubscribe {
    http(DELETE => $nginx->url("/shop/subscriptions/$_->{id}")) for @_;
}

# a list of data; the ids
sub publish {
    my $answer = http(POST => $nginx->url('/shop/events'), json => [map {
        { eventType => 'order.paid', entityID => 1, data => $_ } } @_]);
    is($answer->{status}, 202, 'events') or diag($answer->{content});
    return map { $_->{id} } @{ $answer->{json} };
}

# the data of each call, as far as the path got them
sub batches {
    my ($path) = @_;
    return map { [map { $_->{data} } @{ from_json($_->{body}) }] }
           $receiver->requests($path);
}

sub arrive {
    my ($n, $path) = @_;
    eventually { my $got = 0; $got += @$_ for batches($path); $got >= $n }
        "$n events arrive at $path";
}

sub good { return map { $_->{body} } grep { ($_->{status} // 0) == 200 }
                  $receiver->requests($_[0]) }


# by count, and by time

my $s = subscribe(ten => '/ten');
my @ids = publish(1 .. 25);
arrive(25, '/ten');

my @calls = $receiver->requests('/ten');
is_deeply([sort { $a->[0] <=> $b->[0] } batches('/ten')],
          [[1 .. 10], [11 .. 20], [21 .. 25]],
          'as many as may be, and what is left');
my ($verdict) = judge({ %{ $calls[0] }, secret => $s->{secret} });
is($verdict->{standardwebhooks}, 'ok', 'signed as one body');
is($verdict->{svix}, 'ok', 'for another library, too');
like($_->{headers}{'webhook-id'}, qr/^batch_[0-9a-f]{32}$/, 'its own id')
    for @calls;
is($calls[0]{headers}{'content-type'}, 'application/json', 'JSON');
isnt($calls[0]{headers}{'webhook-id'}, $calls[1]{headers}{'webhook-id'},
     'that no other batch has');

publish('one');
arrive(26, '/ten');
is_deeply((batches('/ten'))[-1], ['one'], 'one that is alone is a batch, too');

my $test = http(POST => $nginx->url("/shop/subscriptions/$s->{id}/test"),
                json => {});
like(($receiver->requests('/ten'))[-1]{body}, qr/^\[\{.*\}\]$/,
     'and so is one of POST …/test');
unsubscribe($s);


# a large one

$s = subscribe(large => '/large');
publish(1 .. 400);
publish(401 .. 800);
publish(801 .. 1000);
arrive(1000, '/large');
is_deeply([map { @$_ } batches('/large')], [1 .. 1000],
          'a thousand, each once and in order');
cmp_ok($receiver->count('/large'), '<=', 4, 'in few calls');
unsubscribe($s);


# by size, and an event that is larger than that

$s = subscribe(small => '/small');
publish(map { $_ . 'x' x 200 } 10 .. 29);
publish('y' x 2000, 'z');
arrive(22, '/small');
@calls = $receiver->requests('/small');
cmp_ok(length $_->{body}, '<=', 1024, 'no larger than it may be')
    for grep { $_->{body} !~ /yyy/ } @calls;
is(scalar(grep { $_->{body} =~ /yyy/ && $_->{body} !~ /z|xxx/ } @calls), 1,
   'a larger one goes alone');
cmp_ok(scalar(@calls), '<', 12, 'filled');
unsubscribe($s);


# payloads

my @s = map { subscribe(@$_) } [lines => '/lines'], [clouds => '/clouds'],
                               [own => '/own', secret => 'k' x 32];
@ids = publish({ a => "b\nc" }, 2, 'three');
eventually { 3 == grep { $receiver->count($_) } '/lines', '/clouds', '/own' }
    'payloads arrive';
my ($call) = $receiver->requests('/lines');
is($call->{body}, qq({"a":"b\\nc"}\n2\n"three"\n), 'raw data are lines');
is($call->{headers}{'content-type'}, 'application/x-ndjson', 'of that type');

($call) = $receiver->requests('/clouds');
is($call->{headers}{'content-type'}, 'application/cloudevents-batch+json',
   'CloudEvents are a batch');
($verdict) = judge({ %$call, judges => ['cloudevents'] });
is($verdict->{cloudevents}, 'ok', 'for their library');
is(join(' ', map { $_->{id} } @{ $verdict->{event} }), "@ids",
   'that finds the events in it');

($call) = $receiver->requests('/own');
is($call->{body}, '[{"n":{"a":"b\nc"}},{"n":2},{"n":"three"}]',
   'an array of what the template makes of each');
is($call->{headers}{'x-first'}, $ids[0], "a header is of the first");
ok($call->{headers}{'x-signature'}, 'a signature with the time and the body');
unsubscribe(@s);


# failures

$s = subscribe(ten => '/fails');
@ids = publish(1 .. 10);
arrive(20, '/fails');
@calls = $receiver->requests('/fails');
is($calls[0]{body}, $calls[1]{body}, 'a failure brings all of it again');
is($calls[0]{headers}{'webhook-id'}, $calls[1]{headers}{'webhook-id'},
   'with the same id');
eventually {
    my $list = http(GET => $nginx->url(
        "/shop/deliveries?subscription=$s->{id}"))->{json};
    10 == grep { $_->{status} eq 'succeeded' && $_->{attemptCount} == 2 }
            @$list
} 'each is delivered, by its second attempt';
unsubscribe($s);

$s = subscribe(json => '/json');
$receiver->script('/json', { body => '{"ok":false,"failed":[]}' },
                  { body => '{"ok":true}' });
publish(1 .. 3);
arrive(6, '/json');
is_deeply([batches('/json')], [[1 .. 3], [1 .. 3]],
          'what is no success is a failure of all');

$receiver->script('/json', { body => '{"ok":true,"failed":"x"}' },
                  { body => '{"ok":true}' });
publish(4, 5);
arrive(8, '/json');
unsubscribe($s);

# the receiver has to know their ids
$s = subscribe(json => '/some', enabled => JSON::PP::false);
@ids = publish(1 .. 4);
$receiver->script('/some', { body => to_json({ ok => JSON::PP::true,
    failed => [@ids[1, 3], 'evt_unknown', 7] }) }, { body => '{"ok":true}' });
http(PATCH => $nginx->url("/shop/subscriptions/$s->{id}"),
     json => { enabled => JSON::PP::true });
http(POST => $nginx->url("/shop/subscriptions/$s->{id}/redeliver"),
     json => { since => '2020-01-01T00:00:00Z' });
eventually { batches('/some') >= 2 } 'those that failed come again';
my @some = batches('/some');
is_deeply($some[1], [grep { $_ == 2 || $_ == 4 } @{ $some[0] }],
          'and no others');
unsubscribe($s);

$s = subscribe(ten => '/gone');
publish(1 .. 3);
eventually {
    my $got = http(GET => $nginx->url("/shop/subscriptions/$s->{id}"))->{json};
    !$got->{enabled} && ($got->{reason} // '') eq 'gone'
} 'a 410 disables once for all';
unsubscribe($s);


# a subscription's own

sub refused {
    my ($title, $profile, $pointer, $words, %more) = @_;
    my $answer = http(POST => $nginx->url('/shop/subscriptions'), json => {
        url => $receiver->url('/x'), event => '*', profile => $profile,
        secret => 'k' x 32, %more });
    is($answer->{status}, 422, "$title is refused");
    my ($error) = @{ $answer->{json}{errors} // [{}] };
    is($error->{pointer}, $pointer, "$title: the answer names it");
    like($error->{detail}, $words, "$title: and says why");
}

my %batch = (events => 4, wait => '200ms');
@s = (subscribe(single => '/four', batch => \%batch),
      subscribe(single => '/none'),
      subscribe(bound => '/seven', batch => 7),
      subscribe(bound => '/alone', batch => JSON::PP::false),
      subscribe(bound => '/kilo', batch => { size => '1k' },
                payload => 'raw'));
is_deeply($s[0]{batch}, \%batch, 'a batch of its own is shown');
publish(map { $_ x 300 } 1 .. 8);
arrive(8, $_) for qw(/four /seven);
eventually { $receiver->count($_) >= 8 } "each comes to $_"
    for qw(/none /alone);
is_deeply([map { scalar @$_ } batches('/four')], [4, 4],
          'where the profile has none');
is_deeply([sort map { scalar @$_ } batches('/seven')], [1, 7],
          'or has more');
is(scalar(grep { $_->{body} !~ /^\{/ } map { $receiver->requests($_) }
          qw(/none /alone)), 0, 'others get their events one by one');
eventually {
    8 == map { split /\n/, $_->{body} } $receiver->requests('/kilo')
} 'with a payload of its own';
cmp_ok(length $_->{body}, '<=', 1024, 'of its size')
    for $receiver->requests('/kilo');
is(($receiver->requests('/kilo'))[0]{headers}{'content-type'},
   'application/x-ndjson', 'and type');
($verdict) = judge({ %{ ($receiver->requests('/four'))[0] },
                     secret => $s[0]{secret} });
is($verdict->{standardwebhooks}, 'ok', 'signed as one body');

my $own = $nginx->url("/shop/subscriptions/$s[0]{id}");
is_deeply(http(PATCH => $own, json => { batch => { events => 3 } })
              ->{json}{batch}, { events => 3, wait => '200ms' },
          'a PATCH changes a part of it');
$nginx->reload;
publish(1 .. 3);
arrive(11, '/four');
is_deeply((batches('/four'))[-1], [1 .. 3], 'which holds after a reload');
is(http(PATCH => $own, json => { batch => undef })->{json}{batch}, undef,
   'it can be taken away');
publish(4);
eventually { (($receiver->requests('/four'))[-1]{body} // '') =~ /^\{/ }
    'and events come alone again';
unsubscribe(@s);

refused("a batch of $_->[0]", single => '/batch', $_->[1],
        batch => $_->[2])
    for [one => qr/must be 2 to 1000 events/, 1],
        ['1001' => qr/must be 2 to 1000 events/, 1001],
        [true => qr/2 to 1000/, JSON::PP::true],
        [text => qr/2 to 1000/, '10'],
        ['another member' => qr/events, wait and size/,
         { events => 2, max => 3 }];
refused("a batch whose $_->[0] is $_->[2]", single => "/batch/$_->[0]",
        $_->[1], batch => { events => 10, $_->[0] => $_->[2] })
    for [events => qr/must be 2 to 1000 events/, 0],
        [wait => qr/a time of 1ms to 60000ms/, '2m'],
        [wait => qr/a time of 1ms to 60000ms/, 'soon'],
        [size => qr/a size of 1024 to 1048576 bytes/, '2m'],
        [size => qr/a size of 1024 to 1048576 bytes/, 100];
refused('a batch of no number', single => '/batch/events', qr/is missing/,
        batch => { wait => '1s' });
refused("more $_->[0] than the profile's", bound => "/batch/$_->[0]",
        $_->[1], batch => { $_->[0] => $_->[2] })
    for [events => qr/2 to 10/, 11], [wait => qr/300ms/, '1s'],
        [size => qr/8192/, '1m'];
refused('a batch', ten => '/batch', qr/no "customize batch"/, batch => 2);
refused('a batch', event => '/batch', qr/not go with "sign hmac data="/,
        batch => 2);
refused('a batch', id => '/batch', qr/not go with "sign standard id="/,
        batch => 2);
refused('a batch', binary => '/batch', qr/"payload cloudevents binary"/,
        batch => 2);
refused('a batch with headers of one event', single => '/batch',
        qr/"payload cloudevents binary"/, batch => 2,
        payload => 'cloudevents binary');
refused('headers of one event', bound => '/payload',
        qr/"payload cloudevents binary"/, payload => 'cloudevents binary');
unsubscribe(subscribe(bound => '/x', payload => 'cloudevents binary',
                      batch => JSON::PP::false));


# order, over failures, reloads and killed workers

@s = map { subscribe($_ => "/$_") } qw(strict key);
my $n = 0;
for my $round (1 .. 8) {
    publish($n + 1 .. $n + 12);
    $n += 12;
    $round == 5 ? $nginx->reload : $round % 3 == 0 && $nginx->kill_worker;
    elapse 0.1;
}

for my $path ('/strict', '/key') {
    eventually {
        my %got;
        $got{$_->{data}} = 1 for map { @{ from_json($_) } } good($path);
        !grep { !$got{$_} } 1 .. $n
    } "$path: nothing is lost", 60;

    my ($last, $skipped) = (0, 0);
    for (map { map { $_->{data} } @{ from_json($_) } } good($path)) {
        $skipped++ if $_ > $last + 1;
        $last = $_ if $_ > $last;
    }
    is($skipped, 0, "$path: none comes before an earlier one");
    cmp_ok(scalar(@$_), '<=', 5, 'no more in one') for
        (sort { @$b <=> @$a } batches($path))[0];
}
unsubscribe(@s);

finish();
