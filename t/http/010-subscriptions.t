# The resource `subscriptions`, status by status.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_profile loose { allow 127.0.0.0/8; sign standard; }
    notify_profile tight { schemes https; }

    notify_channel shop {
        profile    loose tight;
        event      document.validation;
        event      document.payment  alias=document.payments;
        event      contact.search sync iframe;
        event      contact.details sync;
        attribute  region alias=area;
        subscriptions_max 300;
    }
    notify_channel few  { profile loose; subscriptions_max 2; }

    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /few/  { notify_api few; }
        location /hooks { notify_api shop subscriptions; }
        location /mine/ {
            notify_tenant $http_x_tenant required;
            notify_api shop;
        }
    }
END

my $url = $nginx->url('/shop/subscriptions');
eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 };
my $target = $receiver->url('/a');

sub create  { return http(POST => $url, json => { url => $target, @_ }) }
sub raw {
    my ($method, $path, $body, %headers) = @_;
    return http($method => $path, body => $body,
                headers => { 'Content-Type' => 'application/json', %headers });
}
sub pointers { return join ' ', sort map { $_->{pointer} }
                                @{ $_[0]{json}{errors} // [] } }
sub refused {
    my ($title, $pointers, %members) = @_;
    my $answer = create(event => 'document.validation', %members);
    is($answer->{status}, 422, "$title is unprocessable");
    is(pointers($answer), $pointers, "$title: the answer names it");
}


# creating

my $answer = create(event => 'document.validation');
is($answer->{status}, 201, 'a subscription is created');
my $id = $answer->{json}{id};
like($id, qr/^[^.]+$/, 'its id has no dots');
is($answer->{headers}{location}, "/shop/subscriptions/$id",
   'Location says where it is');
like($answer->{headers}{etag}, qr/^"\d+"$/, 'it has a strong ETag');
like($answer->{json}{secret}, qr/^whsec_/, 'it is given a secret');
is($answer->{json}{status}, 'active', 'it is active');
like($answer->{json}{createdAt}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
     'its date is RFC 3339');

my $one = http(GET => "$url/$id");
is($one->{status}, 200, 'it can be read');
ok(!exists $one->{json}{secret}, 'its secret is not shown again');
is($one->{json}{event}, 'document.validation', 'with its event');
is_deeply($one->{json}{events}, ['document.validation'], 'and as a list');
is($one->{headers}{etag}, $answer->{headers}{etag}, 'with the same ETag');

$answer = create(objectType => 'document', eventType => 'validation',
                 entityTypeID => '3');
is($answer->{json}{event}, 'document.validation',
   'objectType and eventType name an event');
like($answer->{content}, qr/"entityTypeID":3[,}]/,
     'text that is an int64 becomes a number');
is(create(objectType => 'document', eventType => 'document.validation')
   ->{json}{event}, 'document.validation',
   'eventType may have its object in front');
is(create(event => 'document.payments')->{json}{event}, 'document.payment',
   'an alias becomes the name');
is(create(events => ['document.*', 'document.*', '*'])->{status}, 201,
   'patterns and repetitions are taken');
like(raw(POST => $url, qq({"url":"$target","event":"document.validation",)
                       . '"entityTypeID":9007199254740993}')->{content},
     qr/"entityTypeID":9007199254740993[,}]/, 'a long id stays what it is');
$answer = raw(POST => $url, qq({"CALLBACKURL":"$target","Event":"*",)
                            . '"Area":"north","apikey":"k"}');
is($answer->{status}, 201, 'members and attributes have any case and alias');
is($answer->{json}{region}, 'north', 'an attribute has its name in the answer');
ok(!exists $answer->{json}{apiKey}, 'an API key is write-only');
is(create(event => '*', secret => 'bXkgb3duIHNlY3JldCBvZiAyNCBieXRlcw')->{json}{secret},
   'bXkgb3duIHNlY3JldCBvZiAyNCBieXRlcw', 'a secret may be given');


# what is refused, and how

refused('an unknown member', '/colour', colour => 1);
refused('an unknown event', '/event', event => 'document.zzz');
refused('an unknown event in a list', '/events/1', event => undef,
        events => ['*', 'x']);
refused('a pattern that no event has', '/event', event => 'nothing.*');
refused('an empty list of events', '/events', event => undef, events => []);
refused('an object without a type', '/eventType', event => undef,
        objectType => 'document');
for (['event', 5], ['event', ['document.validation']], ['eventType', 5],
     ['events', { a => 1 }])
{
    my ($name, $value) = @$_;
    my $answer = create(event => undef, $name => $value);
    is_deeply($answer->{json}{errors},
              [{ pointer => "/$name", detail => 'must be a string' }],
              "of another type than text, $name is named as such")
        or diag($answer->{content});
}
refused('a contradiction', '/event', events => ['document.payment']);
refused('an unknown profile', '/profile', profile => 'zzz');
refused('a profile that does not allow the URL', '/url', profile => 'tight');
refused('a mode that is none', '/mode', mode => 'push');
refused('a rate that is none', '/rate', rate => 'fast');
refused('in flight 0', '/inFlight', inFlight => 0);
refused('metadata that is no text', '/metadata/a', metadata => { a => [] });
refused('a secret that is not base64', '/secret', secret => 'whsec_!');
refused('an entity type that is an object', '/entityTypeID',
        entityTypeID => {});
refused('a control character', '/name', name => "a\nb");
refused('everything at once', '/colour /inFlight /mode /url',
        url => 'http://10.0.0.1/', colour => 1, inFlight => -1, mode => 'x');

for my $name ('Host', 'content-length', 'Transfer-Encoding', 'Connection',
              'TE', 'Trailer', 'Upgrade', 'Expect', 'Proxy-Authorization',
              'webhook-id', 'X-Notify-Hops', 'a b')
{
    refused("the header $name", "/headers/$name", headers => { $name => 'x' });
}

refused('a filter that is none', '/filter/data.a/$near',
        filter => { 'data.a' => { '$near' => 1 } });
is_deeply(create(event => '*', filter => { 'data.a' => { '$gte' => 1 } })
          ->{json}{filter}, { 'data.a' => { '$gte' => 1 } },
          'a filter is kept');
refused('a header with a line break', '/headers/X-A',
        headers => { 'X-A' => "a\r\nb" });
is(create(event => '*', headers => { 'X-A' => 'b' })->{status}, 201,
   'another header is taken');

for my $bad ('ftp://a.test/', 'http://localhost/', 'http://a.' . 'internal./',
             'http://169.254.169.254/', 'http://[::1]/', 'http://a@b.test/',
             'http://b.test/#x', 'http://b.test:22/', 'http://0177.0.0.1/',
             'http://[::ffff:10.0.0.1]/', "http://b.test/\x{7f}", 'x', 5)
{
    refused("the URL $bad", '/url', url => $bad);
}


# bodies

is(raw(POST => $url, '{"url":')->{status}, 400, 'bad JSON is a bad request');
is(raw(POST => $url, '[]')->{status}, 400, 'an array is, too');
is(raw(POST => $url, '')->{status}, 400, 'an empty body is, too');
is(raw(POST => $url, qq({"url":"$target","URL":"$target"}))->{status}, 400,
   'names that differ in case only are one name, given twice');
is(raw(POST => $url, qq({"url":"$target","url":"$target"}))->{status}, 400,
   'so is a name given twice');
is(raw(POST => $url, '{}', 'Content-Type' => 'text/plain')->{status}, 415,
   'another media type is refused');
is(raw(POST => $url, qq({"url":"$target","event":"*"}),
       'Content-Type' => 'application/json; charset=utf-8')->{status}, 201,
   'a charset is not');
$answer = raw(POST => $url, '{}');
is($answer->{headers}{'content-type'}, 'application/problem+json',
   'errors are problem documents');
is($answer->{json}{status}, 422, 'with the status');
like($answer->{json}{request_id}, qr/^[0-9a-f]{32}$/, 'and the request id');
like($answer->{json}{detail}, qr/url is missing.*event is missing/,
     'and the detail names all that is missing');


# versions

my $tag = $one->{headers}{etag};
my $old = '"999999"';
is(http(GET => "$url/$id", headers => { 'If-None-Match' => $tag })->{status},
   304, 'a version that is known is not sent again');
is(raw(PATCH => "$url/$id", '{"name":"n"}', 'If-Match' => $old)->{status}, 412,
   'PATCH with another version is refused');
is(raw(PUT => "$url/$id", '{}', 'If-Match' => $old)->{status}, 412,
   'so is PUT');
is(http(DELETE => "$url/$id", headers => { 'If-Match' => $old })->{status},
   412, 'so is DELETE');
is(http(POST => "$url/$id/disable", headers => { 'If-Match' => $old })
   ->{status}, 412, 'so is disable');
$answer = raw(PATCH => "$url/$id", '{"name":"n"}',
              'If-Match' => "$old, $tag");
is($answer->{status}, 200, 'PATCH with its version among others is done');
isnt($answer->{headers}{etag}, $tag, 'and the version is another one');


# changing

$answer = raw(PATCH => "$url/$id",
    '{"metadata":{"a":"1","b":"2"},"rate":"30r/m","inFlight":3,"region":"x"}');
is($answer->{json}{name}, 'n', 'PATCH leaves what it does not name');
is($answer->{json}{rate}, '30r/m', 'a rate comes back as it was given');
$answer = raw(PATCH => "$url/$id",
    '{"metadata":{"a":null,"c":"3"},"rate":null,"region":null}',
    'Content-Type' => 'application/merge-patch+json');
is_deeply($answer->{json}{metadata}, { b => 2, c => 3 }, 'objects are merged');
ok(!exists $answer->{json}{rate} && !exists $answer->{json}{region},
   'null takes a member away');
is(pointers(raw(PATCH => "$url/$id", '{"url":null,"event":""}')),
   '/event /url', 'but not one that must be there');

my $before = http(GET => "$url/$id")->{json};
$answer = http(PUT => "$url/$id", json => $before);
is($answer->{status}, 200, 'what GET gave can be PUT');
delete $_->{updatedAt} for $before, $answer->{json};
is_deeply($answer->{json}, $before, 'and changes nothing');
$answer = raw(PUT => "$url/$id", qq({"url":"$target","event":"document.*"}));
ok(!exists $answer->{json}{metadata}, 'PUT replaces');
is($answer->{json}{id}, $id, 'but not the id');
is(raw(PUT => "$url/nothing", '{}')->{status}, 404,
   'PUT does not make a subscription');
is(raw(PATCH => "$url/nothing", '{}')->{status}, 404, 'nor does PATCH');

my %status;
for my $i (1 .. 200) {
    $status{raw(PATCH => "$url/$id", qq({"name":"n$i"}))->{json}{status}}++;
    elapse(0.001 * ($i % 16));
    $status{http(GET => "$url/$id")->{json}{status}}++;
}
is_deeply(\%status, { active => 400 }, 'it does not lag because it changes');

$answer = raw(POST => "$url/$id/disable", '');
is($answer->{json}{status}, 'disabled', 'disable disables');
ok($answer->{json}{reason}, 'with a reason');
$tag = $answer->{headers}{etag};
$answer = raw(POST => "$url/$id/disable", '');
is($answer->{headers}{etag}, $tag, 'once');
$answer = raw(POST => "$url/$id/enable", '');
is($answer->{json}{status}, 'active', 'enable enables');
ok(!exists $answer->{json}{reason}, 'without a reason');
is(raw(POST => "$url/nothing/enable", '')->{status}, 404,
   'what does not exist cannot be enabled');


# actions

$answer = raw(POST => "$url/$id/rotate-secret", '{"grace":"1h"}');
is($answer->{status}, 200, 'a secret is rotated');
like($answer->{json}{secret}, qr/^whsec_/, 'the new one is told once');
is(raw(POST => "$url/$id/rotate-secret", '')->{status}, 200,
   'without a body, too');
is(raw(POST => "$url/$id/rotate-secret", '{"grace":"long"}')->{status}, 422,
   'a grace that is no time is refused');
is(pointers(raw(POST => "$url/$id/rotate-secret", '{"grace":null}')),
   '/grace', 'nor is null a time');

$answer = raw(POST => "$url/$id/test", '');
is($answer->{status}, 200, 'a test is made');
is($answer->{json}{status}, 200, 'the attempt has the status');
ok($answer->{json}{success}, 'and succeeded');
eventually { $receiver->count('/a') } 'the receiver gets it';
my ($call) = $receiver->requests('/a');
is(from_json($call->{body})->{eventType}, 'notify.test',
   'the receiver got the test event');
ok($call->{headers}{'webhook-signature'}, 'signed');
is(http(GET => $nginx->url('/shop/deltas'))->{content} =~ /notify\.test/, '',
   'and it is not in the log');

$answer = create(url => 'http://127.0.0.1:' . free_port() . '/', event => '*');
$answer = raw(POST => "$url/$answer->{json}{id}/test", '');
is($answer->{status}, 200, 'a test that fails is an answer, too');
ok(!$answer->{json}{success} && $answer->{json}{error}, 'with its error');

is(raw(POST => "$url/$id/redeliver", '{"since":"2024-01-01T00:00:00Z"}')
   ->{status}, 202, 'a redelivery is accepted');
is(pointers(raw(POST => "$url/$id/redeliver", '{"since":null}')), '/since',
   'a `since` that is null is refused, nothing is redelivered from 1970');
is(pointers(raw(POST => "$url/$id/redeliver",
                '{"since":"2024-01-01T00:00:00Z","Until":null}')), '/until',
   'nor is an `until` that is null the end of the log');
is(pointers(raw(POST => "$url/$id/redeliver",
                '{"since":"yesterday","all":1,"x":1}')),
   '/all /since /x', 'unless its members are not what they should be');
is(pointers(raw(POST => "$url/$id/redeliver",
                '{"since":"2024-01-02T00:00:00Z",' .
                '"until":"2024-01-01T00:00:00Z"}')),
   '/until', 'or it ends before it begins');


# sync

$answer = create(event => 'contact.search', mode => 'sync');
is($answer->{status}, 201, 'a sync event takes a sync subscription');
my $sync = $answer->{json}{id};
$answer = create(event => 'contact.search', mode => 'iframe');
is($answer->{status}, 409, 'one of them');
like($answer->{content}, qr/\Q$sync\E/, 'the answer names the first');
is(create(event => 'contact.search')->{status}, 201,
   'beside any number of others');
refused('a sync pattern', '/mode', event => '*', mode => 'sync');
refused('two sync events', '/mode', event => undef, mode => 'sync',
        events => ['contact.search', 'contact.details']);
refused('sync for an event that is not', '/mode', mode => 'sync');
refused('iframe for an event that is not', '/mode',
        event => 'contact.details', mode => 'iframe');
http(DELETE => "$url/$sync");
is(create(event => 'contact.search', mode => 'sync')->{status}, 201,
   'its place is free when it is deleted');


# pages

http(DELETE => "$url/$_->{id}")
    for @{ http(GET => "$url?limit=250")->{json} };
is(http(GET => $url)->{content}, '[]', 'the list is empty');
my @ids = map { create(event => '*')->{json}{id} } 1 .. 7;
my ($page, @seen) = "$url?limit=3";

while ($page) {
    $answer = http(GET => $page);
    cmp_ok(scalar @{ $answer->{json} }, '<=', 3, 'a page has at most limit');
    push @seen, map { $_->{id} } @{ $answer->{json} };
    my ($next) = ($answer->{headers}{link} // '') =~ /<(.+)>; rel="next"/;
    $page = $next && $nginx->url($next);
}

is("@seen", "@ids", 'the pages have all of them in the order they came');
is(http(GET => "$url?limit=7")->{headers}{link}, undef,
   'a page that has all names no next one');
is(http(GET => "$url?limit=$_")->{status}, 400, "limit=$_ is a bad request")
    for 0, 251, 'x', '';
is(http(GET => "$url?limit=1&limit=1")->{status}, 400,
   'so is a parameter given twice');


# limits, tenants, paths

my $few = $nginx->url('/few/subscriptions');
is(http(POST => $few, json => { url => $target, event => 'a.b' })->{status},
   201, 'without a catalogue any event is taken') for 1 .. 2;
is(http(POST => $few, json => { url => $target, event => '*' })->{status},
   409, 'more than subscriptions_max are refused');

my $mine = $nginx->url('/mine/subscriptions');
my %ann = (headers => { 'X-Tenant' => 'ann' });
my %bob = (headers => { 'X-Tenant' => 'bob' });
$answer = http(POST => $mine, %ann, json => { url => $target, event => '*' });
is($answer->{status}, 201, 'a tenant has subscriptions');
$id = $answer->{json}{id};
is(http(GET => "$mine/$id", %ann)->{status}, 200, 'and can read them');
is(http(GET => "$mine/$id", %bob)->{status}, 404, 'another tenant cannot');
is(http(GET => "$url/$id")->{status}, 404, 'nor can the default one');
is(http(PATCH => "$mine/$id", %bob, json => {})->{status}, 404,
   'nor change them');
is(http(DELETE => "$mine/$id", %bob)->{status}, 204,
   'a delete says nothing either way');
is(http(GET => "$mine/$id", %ann)->{status}, 200, 'and deletes nothing');
is(http(GET => $mine, %bob)->{content}, '[]', 'lists are separate');
is(http(GET => $mine)->{status}, 401, 'a tenant is required there');
is(http(GET => $mine, headers => { 'X-Tenant' => 'x' x 300 })->{status}, 400,
   'a name that is too long is refused');

my $hooks = $nginx->url('/hooks');
$answer = http(POST => $hooks, json => { url => $target, event => '*' });
is($answer->{headers}{location}, "/hooks/$answer->{json}{id}",
   'a resource can be mounted at a location');
is(http(GET => "$hooks/$answer->{json}{id}/")->{status}, 200,
   'a slash at the end is tolerated');
is(http(GET => "${hooks}X")->{status}, 404,
   'a longer name is not the location');
is(http(GET => "$hooks/a/b/c/d/e")->{status}, 404, 'nor is a deep path');

finish();
