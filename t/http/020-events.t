# The resource `events`: publishing one or many, all or none, once or again,
# and reading one.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_trusted 127.0.0.1;
    notify_channel shop {
        event      document.validation;
        event      document.payment  alias=document.payments;
        event      workflow.validation off;
        attribute  region alias=area "pattern=^[a-z]+$";
    }
    notify_channel strict { event A; attribute country required; }
    notify_channel open   { max_size 200k; }

    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 2m;
        location /shop/   { notify_api shop; }
        location /strict/ { notify_api strict; }
        location /open/   { notify_api open; }
        location /small/  { client_max_body_size 1k; notify_api shop; }
        location /filed/  { client_body_in_file_only clean; notify_api shop; }
        location /mine/ {
            notify_tenant $http_x_tenant optional;
            notify_api shop;
        }
    }
END

my $url = $nginx->url('/shop/events');
eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 };
my %event = (eventType => 'document.validation');

sub publish { return http(POST => $url, json => $_[0]) }
sub raw {
    my ($body, %headers) = @_;
    return http(POST => $url, body => $body,
                headers => { 'Content-Type' => 'application/json', %headers });
}
sub get { return http(GET => "$url/$_[0]") }
sub pointers { return join ' ', sort map { $_->{pointer} }
                                @{ $_[0]{json}{errors} // [] } }
sub refused {
    my ($title, $pointers, $event) = @_;
    my $answer = publish($event);
    is($answer->{status}, 422, "$title is unprocessable");
    is(pointers($answer), $pointers, "$title: the answer names it");
}
sub logged { return $redis->cli('XLEN', 'notify:{shop.0}:log') }


# one

my $answer = raw('{"objectType":"document","eventType":"validation",'
    . '"entityTypeID":"3","entityID":9007199254740993,'
    . '"data": { "a" : 1.1, "b":1e-400,"c":"\u00e9\n" } ,'
    . '"time":"2024-03-18T12:00:24.481+01:00","area":"north"}');
is($answer->{status}, 202, 'an event is accepted');
like($answer->{json}{id}, qr/^[^.]+$/, 'its id has no dots');
ok($answer->{json}{cursor}, 'it has a cursor');
$answer = get($answer->{json}{id});
is($answer->{status}, 200, 'it can be read by its id');
cmp_ok(index($answer->{content},
             '"data":{ "a" : 1.1, "b":1e-400,"c":"\u00e9\n" },'), '>', 0,
     'its data is byte for byte what was published');
like($answer->{content}, qr/"entityTypeID":3,"entityID":9007199254740993,/,
     'ids are numbers, long ones whole');
is($answer->{json}{eventType}, 'document.validation', 'its name is whole');
is($answer->{json}{time}, '2024-03-18T11:00:24.481Z', 'its time is UTC');
is($answer->{json}{region}, 'north', 'its attribute has its name');

is(get(publish({ eventType => 'document.payments' })->{json}{id})
   ->{json}{eventType}, 'document.payment', 'an alias becomes the name');
is(get(publish({ objectType => 'document',
                 eventType => 'document.validation' })->{json}{id})
   ->{json}{eventType}, 'document.validation',
   'eventType may have its object in front');
is(get(raw('{"EVENTTYPE":"document.validation","ENTITYID":"A4"}')->{json}{id})
   ->{json}{entityID}, 'A4', 'members have any case, ids may be text');
is(get(raw('{"eventType":"document.validation","entityID":"007"}')
       ->{json}{id})->{json}{entityID}, '007',
   'text that is no canonical number stays text');
like(http_raw($nginx->port, "POST /shop/events HTTP/1.0\r\nContent-Length: 35"
              . "\r\n\r\n" . '{"eventType":"document.validation"}'),
     qr{^HTTP/1.1 202 }, 'a missing media type is taken for JSON');
is(get('evt_0123456789ab0000')->{status}, 404, 'an unknown id is not found');
is(get('whatever')->{status}, 404, 'nor is what is no id');


# what is refused

refused('no event', '/eventType', { entityID => 1 });
refused('an unknown event', '/eventType', { eventType => 'x' });
refused('an unknown member', '/colour', { %event, colour => 1 });
refused('an attribute that does not match', '/region',
        { %event, region => 'A1' });
refused('an entity that is an object', '/entityID',
        { %event, entityID => {} });
refused('a time that is none', '/time', { %event, time => 'now' });
refused('a time behind the year 9999', '/time',
        { %event, time => '9999-12-31T23:59:59-00:01' });
refused('a control character', '/sessionId', { %event, sessionId => "a\n" });
refused('everything at once', '/colour /entityTypeID /time',
        { %event, colour => 1, entityTypeID => [], time => 5 });
is(http(POST => $nginx->url('/open/events'), json => $_)->{json}{errors}[0]
       {detail}, 'must be a string', 'a number is not the name of an event')
    for { eventType => 5 }, { objectType => 5, eventType => 'a' };
is(pointers(http(POST => $nginx->url('/strict/events'),
                 json => { eventType => 'A' })), '/country',
   'a required attribute must be there');
is(http(POST => $nginx->url('/open/events'),
        json => { eventType => 'notify.x' })->{status}, 422,
   'names of ours cannot be published');
is(http(POST => $nginx->url('/open/events'),
        json => { eventType => 'a b' })->{status}, 422,
   'nor can names that are none');

is(raw('{"eventType":')->{status}, 400, 'bad JSON is a bad request');
is(raw('')->{status}, 400, 'so is an empty body');
is(raw('{"eventType":"document.validation","EventType":"x"}')->{status}, 400,
   'so are names that differ in case only');
is(raw('{"eventType":"document.validation","data":{"a":1,"a":2}}')->{status},
   400, 'so is a name given twice in the data');
is(raw('{"eventType":"document.validation","data":' . '[' x 513 . ']' x 513
       . '}')->{status}, 400, 'so is what is too deep');
is(raw('{"eventType":"document.validation","data":"' . "\xff" . '"}')
   ->{status}, 400, 'so is what is no UTF-8');
is(raw('a=b', 'Content-Type' => 'application/x-www-form-urlencoded')
   ->{status}, 415, 'a form is another media type');
is(raw('{"eventType":"document.validation"}', 'Content-Encoding' => $_->[0])
   ->{status}, $_->[1], "a body may be coded as $_->[0]: $_->[1]")
    for ['gzip', 415], ['br', 415], ['Identity', 202];
is(http(PUT => $url)->{status}, 405, 'the collection cannot be replaced');
is(http(PUT => $url)->{headers}{allow}, 'GET, HEAD, POST',
   'and says what it takes');


# sizes and ways

my %big = (%event, data => 'x' x 2000);
my $small = $nginx->url('/small/events');
is(http(POST => $small, json => \%big)->{status}, 413, 'too much is too much');
my $json = to_json(\%big);
$answer = http_raw($nginx->port, "POST /small/events HTTP/1.1\r\nHost: a\r\n"
    . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    . "Connection: close\r\n\r\n"
    . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $json, $json));
like($answer, qr{^HTTP/1.1 413 .*application/problem\+json}s,
     'in chunks, too');
$answer = http_raw($nginx->port, "POST /shop/events HTTP/1.1\r\nHost: a\r\n"
    . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    . "Connection: close\r\n\r\n" . join('', map { "1\r\n$_\r\n" }
    split //, to_json(\%event)) . "0\r\n\r\n");
like($answer, qr{^HTTP/1.1 202 }, 'a body in many chunks is read');
$answer = http(POST => $nginx->url('/filed/events'), json => \%big);
is($answer->{status}, 202, 'so is one in a file');
is(get($answer->{json}{id})->{json}{data}, $big{data}, 'as a whole');
$big{data} = 'y' x 900_000;
is(get(publish(\%big)->{json}{id})->{json}{data}, $big{data}, 'and a big one');


# many

my $before = logged();
$answer = publish([ \%event, { eventType => 'workflow.validation' },
                    { eventType => 'document.payment' } ]);
is($answer->{status}, 202, 'many are accepted');
is(scalar @{ $answer->{json} }, 3, 'with an answer for each');
ok($answer->{json}[0]{id} lt $answer->{json}[2]{id}, 'in their order');
is_deeply($answer->{json}[1], { id => undef, skipped => 'off' },
          'an event that is off is skipped');
is(logged(), $before + 2, 'and not logged');
is_deeply(publish({ eventType => 'workflow.validation' })->{json},
          { id => undef, skipped => 'off' }, 'alone, too');

$before = logged();
$answer = publish([ \%event, { eventType => 'x' }, 5, { %event, a => 1 } ]);
is($answer->{status}, 422, 'one bad one spoils all');
is(pointers($answer), '/1/eventType /2 /3/a', 'all bad ones are named');
is(logged(), $before, 'nothing is logged');
is(publish([ map { +{ %event, entityID => $_ } } 1 .. 1000 ])->{status}, 202,
   'a thousand are accepted');
is(publish([ map { \%event } 1 .. 1001 ])->{status}, 422,
   'one more is refused');
is(publish([])->{status}, 422, 'none are, too');

my %lines = ('Content-Type' => 'application/x-ndjson');
$answer = raw(to_json(\%event) . "\n\r\n" . to_json(\%event) . "\r\n", %lines);
is($answer->{status}, 202, 'lines are accepted');
is(scalar @{ $answer->{json} }, 2, 'empty ones are not counted');
$answer = raw(to_json(\%event) . "\n{\"ev", %lines);
is($answer->{status}, 400, 'a line that is cut spoils all');
like($answer->{json}{detail}, qr/line 2/, 'and is named');


# once or again

my %key = ('Idempotency-Key' => 'k1');
my $body = to_json({ %event, entityID => 1 });
my $first = raw($body, %key);
is($first->{status}, 202, 'an event with a key is accepted');
$before = logged();
my $again = raw($body, %key);
is($again->{status}, 200, 'the same again is there already');
is_deeply($again->{json}, $first->{json}, 'with the first answer');
is(logged(), $before, 'and is not logged again');
is(raw(to_json({ %event, entityID => 2 }), %key)->{status}, 422,
   'another body with the same key is refused');
is(get('k1')->{json}{id}, $first->{json}{id}, 'the key resolves');

$first = publish({ %event, uid => 'order-1' });
is($first->{status}, 202, 'an event with a uid is accepted');
is(publish({ %event, uid => 'order-1' })->{json}{id}, $first->{json}{id},
   'the same again has the first answer');
is(publish({ %event, uid => 'order-1', entityID => 5 })->{status}, 422,
   'another body with the same uid is refused');
is(get('order-1')->{json}{id}, $first->{json}{id}, 'the uid resolves');
is(get('order-1')->{json}{uid}, 'order-1', 'and is shown');
is(publish({ %event, id => 'order-2' })->{status}, 202,
   'it is read from id, too');
is(get('order-2')->{json}{uid}, 'order-2', 'as the uid');

$before = logged();
$answer = publish([ \%event, { %event, uid => 'order-1', entityID => 7 } ]);
is($answer->{status}, 422, 'a conflict among many spoils all');
is(pointers($answer), '/1', 'and is named');
is(logged(), $before, 'nothing is logged');
$first = raw(to_json([ \%event, \%event ]), 'Idempotency-Key' => 'k2');
is($first->{status}, 202, 'many with one key are accepted');
$again = raw(to_json([ \%event, \%event ]), 'Idempotency-Key' => 'k2');
is($again->{status}, 200, 'the same again is there already');
is_deeply($again->{json}, $first->{json}, 'with the first answer');


# tenants, loops, limits

my $mine = $nginx->url('/mine/events');
my %ann = (headers => { 'X-Tenant' => 'ann' });
my $hers = http(POST => $mine, %ann, json => { %event, uid => 'order-1' });
is($hers->{status}, 202, 'keys of tenants are separate');
my $id = $hers->{json}{id};
is(http(GET => "$mine/$id", %ann)->{status}, 200, 'a tenant reads its events');
is(get($id)->{status}, 404, 'others do not');
is(http(GET => "$mine/order-1", headers => { 'X-Tenant' => 'bob' })->{status},
   404, 'nor by their uid');

is(raw(to_json(\%event), 'X-Notify-Hops' => 4)->{status}, 202,
   'four hops are a chain');
is(raw(to_json(\%event), 'X-Notify-Hops' => 5)->{status}, 508,
   'five are a loop');

my $open = $nginx->url('/open/events');
my $status = 202;
for (1 .. 50) {
    $status = http(POST => $open, json => { eventType => 'a',
                                            data => 'z' x 20_000 })->{status};
    last if $status != 202;
}
is($status, 507, 'a log that is full takes no more');

finish();
