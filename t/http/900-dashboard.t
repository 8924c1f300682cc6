# conf.examples/dashboard.conf over the wire: rows E1 to E7.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(example => 'dashboard', redis => $redis);
my $url = $nginx->url('/dashboard/v1/notifications');

sub subscribe { return http(POST => $url, json => $_[0]) }

sub hook {
    my ($path, $country, $event) = @_;
    my $answer = subscribe({ url => $receiver->url($path),
                             country => $country, event => $event });
    is($answer->{status}, 201, "E2: $path is registered")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub pointers { return join ' ', sort map { $_->{pointer} }
                                @{ $_[0]{json}{errors} // [] } }


# E5, E2, E6

my $answer = http(GET => $url);
is($answer->{status}, 200, 'E5: the list is there');
is($answer->{content}, '[]', 'E5: and empty');

$answer = http(POST => $url, body =>
    '{"Url":"' . $receiver->url('/no') . '","Country":"NO","Event":"REGISTER"}',
    headers => { 'Content-Type' => 'application/json' });
is($answer->{status}, 201, 'E2: names are taken in any case');
like($answer->{content}, qr/"id":"[^".]+"/, 'E2: the id is a string');
my $no = $answer->{json}{id};
is($answer->{headers}{location}, "/dashboard/v1/notifications/$no",
   'E2: Location says where it is');

my $gb = hook('/gb', 'GB', 'INVOCATION');
isnt($gb, $no, 'E2: ids differ');

$answer = http(GET => $url);
is(scalar @{ $answer->{json} }, 2, 'E5: both are listed');
is($answer->{json}[0]{id}, $no, 'E5: in the order they came');

$answer = http(GET => "$url/$no");
is($answer->{status}, 200, 'E6: one can be read');
is($answer->{json}{url}, $receiver->url('/no'), 'E6: with its url');
is($answer->{json}{country}, 'NO', 'E6: its country');
is($answer->{json}{event}, 'REGISTER', 'E6: and its event');
is(http(GET => "$url/$gb")->{json}{event}, 'INVOKE',
   'E2: an alias comes back under its own name');
is(http(GET => "$url/17388271632813271")->{status}, 404,
   'E6: an id that is none is not found');


# E3

$answer = subscribe({});
is($answer->{status}, 422, 'E3: missing members are unprocessable');
is($answer->{headers}{'content-type'}, 'application/problem+json',
   'E3: said in problem+json');
is(pointers($answer), '/country /event /url', 'E3: all of them are named');
is(pointers(subscribe({ url => '', country => '', event => '' })),
   '/country /event /url', 'E3: empty ones are missing');
is(pointers(subscribe({ url => $receiver->url, event => 'CHANGE' })),
   '/country', 'E3: only what is missing is named');

for my $country ('no', 'NOR', 'N', ' NO', "NO\n") {
    $answer = subscribe({ url => $receiver->url, country => $country,
                          event => 'CHANGE' });
    is($answer->{status}, 422, 'E3: a country that is none: ' . to_json($country));
}

is(subscribe({ url => $receiver->url, country => 'NO', event => 'EXPLODE' })
   ->{status}, 422, 'E3: an event that is none');
is(subscribe({ url => 'ftp://a.test/', country => 'NO', event => 'CHANGE' })
   ->{status}, 422, 'E3: a url that is none');
is(http(POST => $url, body => '{"url":',
        headers => { 'Content-Type' => 'application/json' })->{status}, 400,
   'E3: bad JSON');
is(scalar @{ http(GET => $url)->{json} }, 2, 'E3: nothing of that was kept');


# E1, E7

sub publish {
    my ($event, $country, $id) = @_;
    my $answer = http(POST => $nginx->url('/internal/events'), json => {
        eventType => $event, country => $country, entityID => $id,
        data => { id => $id } });
    is($answer->{status}, 202, "E1: $event in $country is published")
        or diag($answer->{content});
}

hook('/no2', 'NO', 'REGISTER');
hook('/change', 'NO', 'CHANGE');
publish('REGISTER', 'NO', 1);
publish('INVOKE', 'GB', 2);
publish('CHANGE', 'NO', 3);
publish('REGISTER', 'GB', 4);

eventually { $receiver->count('/no') && $receiver->count('/no2') }
    'E7: every subscriber that matches is called';
eventually { $receiver->count('/gb') } 'E1: an alias subscribes to the event';
eventually { $receiver->count('/change') } 'E1: another event';
is($receiver->count, 4, 'E1: nobody gets another country or event');

my ($call) = $receiver->requests('/no');
is($call->{method}, 'POST', 'E7: they are POSTed');
my $body = from_json($call->{body});
is($body->{eventType}, 'REGISTER', 'E7: with the event');
is($body->{country}, 'NO', 'E7: the country');
is_deeply($body->{data}, { id => 1 }, 'E7: and the data');


# E4

is(http(DELETE => "$url/$no")->{status}, 204, 'E4: one is deleted');
is(http(DELETE => "$url/$no")->{status}, 204, 'E4: again');
is(http(DELETE => "$url/17388271632813271")->{status}, 204,
   'E4: and one that never was');
is(http(GET => "$url/$no")->{status}, 404, 'E6: then it is not found');

publish('REGISTER', 'NO', 5);
eventually { $receiver->count('/no2') == 2 } 'E7: the others still get events';
is($receiver->count('/no'), 1, 'E4: the deleted one does not');

# E1: from what the service is asked for

for my $event (qw(REGISTER CHANGE DELETE INVOCATION)) {
    hook("/se/$event", 'SE', $event);
}

my $service = $nginx->url('/dashboard/v1/configurations');
for my $request (['POST', '', 'REGISTER'], ['PUT', '/8', 'CHANGE'],
                 ['PATCH', '/9', 'CHANGE'], ['DELETE', '/10', 'DELETE'],
                 ['GET', '/11', 'INVOCATION']) {
    my ($method, $path, $event) = @$request;
    my $n = $receiver->count("/se/$event") + 1;
    my $answer = http($method => "$service$path?country=SE",
                      $method =~ /^P/ ? (json => { title => 'x' }) : ());
    is($answer->{status}, 200, "E1: $method is answered");
    my $id = $answer->{json}{id};
    eventually { $receiver->count("/se/$event") == $n } "E7: and told as $event";
    my $body = from_json(($receiver->requests("/se/$event"))[-1]{body});
    is($body->{entityID}, $id, 'E1: which one');
    is($body->{country}, 'SE', 'E1: of which country');
}

# a 204 says nothing: the country is the request's

for my $path ('/SE/12', '/12?country=SE&quiet=1') {
    my $n = $receiver->count('/se/DELETE') + 1;
    my $answer = http(DELETE => "$service$path");
    is($answer->{status}, 204, "E1: DELETE $path is answered with 204");
    is($answer->{content} // '', '', 'E1: without a body');
    eventually { $receiver->count('/se/DELETE') == $n } 'E7: and told';
    my $body = from_json(($receiver->requests('/se/DELETE'))[-1]{body});
    is($body->{entityID}, 12, 'E1: which one');
    is($body->{country}, 'SE', 'E1: of which country');
}

http(HEAD => "$service/11?country=SE");
http(GET => "$service/11?country=DK");
http(GET => "$service/11?country=XXL");
is($receiver->count('/se/INVOCATION'), 1, 'E1: HEAD retrieves nothing');

like(http(GET => $nginx->url('/metrics'))->{content},
     qr/^notify_events_total\{channel="dashboard",outcome="published"\} [1-9]/m,
     'the metrics have what was published');

finish();
