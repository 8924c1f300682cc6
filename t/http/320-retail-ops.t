# conf.examples/retail-ops.conf over the wire: rows B1 to B11.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(example => 'retail-ops', redis => $redis);

sub req {
    my ($method, $path, %option) = @_;
    return http($method => $nginx->url($path), %option);
}

# what it has answered is in its log behind this
sub requests { $receiver->script('/settle'); return $receiver->requests(@_) }

sub subscribe {
    my (%member) = @_;
    my $answer = req(POST => '/retail/subscriptions', json => \%member);
    is($answer->{status}, 201, 'subscribed') or diag($answer->{content});
    return $answer->{json}{id};
}

eventually { req(GET => '/retail/health')->{status} == 200 } 'it is there';

# B1: the catalogue and its aliases

my $r;
my %event = map { $_->{name} => $_ } @{ req(GET => '/retail/event-types')
                                        ->{json} };
ok($event{$_}, "B1: $_")
    for map({ "contact.$_" } qw(search details validation)),
        map({ "document.$_" } qw(validation cancellation pricing payment)),
        map({ "workflow.$_" } qw(validation cancellation));

# B1: as the document writes them

for my $form (['Contact', 'Search'], ['Contact', 'Details'],
              ['Contact', 'Validation'], ['Contacts', 'Details'],
              ['Document', 'Validation'], ['Document', 'Cancellation'],
              ['Document', 'Pricing'], ['Document', 'Payment +'],
              ['Documents', 'Payment +'], ['Workflow', 'Validation'],
              ['Project Workflow', 'Cancellation'])
{
    my ($object, $event) = @$form;
    my $answer = req(POST => '/retail/subscriptions', json => {
        objectType => $object, eventType => $event, enabled => JSON::PP::false,
        url => 'http://127.0.0.1:8000/form' });
    is($answer->{status}, 201, "B1: $object, $event")
        or diag($answer->{content});
    ok($event{ $answer->{json}{event} // '' }, 'B1: is an event');
    req(DELETE => "/retail/subscriptions/$answer->{json}{id}");
}

# B9: what is about an entity says which

for my $event (qw(document.cancellation workflow.validation)) {
    $r = req(POST => '/retail/events', json => { eventType => $event });
    is($r->{status}, 422, "B9: $event of no entity is refused");
    is($r->{json}{code}, 'NOTIFICATION_ENTITY_NOT_FOUND', 'B9: by its code');
}

# without subscribers it is the application that answers

is(req(POST => '/contacts/search', json => { name => 'x' })->{json}[0]{name},
   'ours', 'a search of our own');
is(req(GET => '/contacts/7')->{json}{name}, 'ours', 'details of our own');
eventually { req(POST => '/contacts', json => { id => 7 })->{json}{saved} }
    'saved, as soon as it is known that nobody objects';

# B2, B7: a sync subscription, by object and event type, with an API key

my $search = subscribe(objectType => 'contacts',
                       eventType => 'search', mode => 'sync',
                       url => $receiver->url('/search'), apiKey => 'key-1');
is(req(POST => '/retail/subscriptions', json => {
        event => 'contact.search', mode => 'sync',
        url => $receiver->url('/second') })->{status}, 409,
   'B2: a second one is refused');

$receiver->script('/search', { body =>
    '{"success":true,"data":[{"id":9007199254740993,"price":1.10}]}' });
eventually {
    $r = req(POST => '/contacts/search', json => { name => 'x' });
    $r->{content} =~ /success/;
} 'B2: its answer is the answer', 2;
is($r->{content}, '{"success":true,"message":null,"errorLevel":0,'
   . '"errorCode":null,"data":[{"id":9007199254740993,"price":1.10}]}',
   'B9: byte for byte');
my $call = (requests('/search'))[0];
is($call->{headers}{'x-api-key'}, 'key-1', 'B7: the key');
is($call->{body}, '{"eventType":"contact.search","entityTypeID":null,'
   . '"entityID":null,"data":{"name":"x"}}', 'B8: the call');

$receiver->script('/search', { status => 500 });
is(req(POST => '/contacts/search', json => {})->{json}[0]{name}, 'ours',
   'one that fails is not missed');
is(req(POST => '/retail/sync/contacts.search', json => {})
   ->{json}{errorLevel}, 50, 'B10: asked directly it is critical');

# details, by id

subscribe(event => 'contact.detail', mode => 'sync',
          url => $receiver->url('/details'));
$receiver->script('/details', { body => '{"success":true,"data":{"a":1}}' });
eventually {
    req(GET => '/contacts/9007199254740993')->{content} =~ /"data":\{"a":1\}/
} 'B1: an alias is the event', 2;
like((requests('/details'))[0]{body},
     qr/"entityID":9007199254740993,/, 'B8: a long id');

# a gate

my $validation = subscribe(event => 'contact.validation', mode => 'sync',
                           url => $receiver->url('/validation'));
$receiver->script('/validation', { body =>
    '{"success":false,"message":"no such street","errorLevel":30,'
    . '"errorCode":"STREET"}' });
eventually {
    req(POST => '/contacts', json => { id => 7 })->{status} == 422
} 'a veto', 2;
$r = req(POST => '/contacts', json => { id => 7 });
is($r->{json}{errorLevel}, 30, 'with its level');
is($r->{json}{errorCode}, 'STREET', 'and code');
$receiver->script('/validation', { body =>
    '{"success":true,"message":"new street","errorLevel":10}' });
is(req(POST => '/contacts', json => { id => 7 })->{json}{message},
   'new street', 'a yes goes on, with its message');

# by entity type

subscribe(event => 'document.payment', mode => 'sync', entityTypeID => 3,
          url => $receiver->url('/payment'));
$receiver->script('/payment', { body => '{"success":false}' });
eventually {
    req(POST => '/documents/payment',
        json => { entityTypeID => 3, entityID => 5 })->{status} == 402
} 'B7: for orders', 2;
is(req(POST => '/documents/payment',
       json => { entityTypeID => 1, entityID => 5 })->{status}, 200,
   'not for quotes');
is(req(POST => '/documents/payment',
       json => { entityTypeID => 'Order', entityID => 5 })->{status}, 402,
   'B7: an entity type by its name');
like((requests('/payment'))[-1]{body}, qr/"entityTypeID":3,/,
     'B8: is its number in the call');
my $quotes = req(POST => '/retail/subscriptions', json => {
    event => 'document.payment', mode => 'sync', entityType => 'quote',
    url => $receiver->url('/quotes') });
is($quotes->{json}{entityTypeID}, 1, 'B7: and in a subscription')
    or diag($quotes->{content});
is(req(POST => '/retail/subscriptions', json => {
       event => 'document.payment', mode => 'sync', entityTypeID => 1,
       url => $receiver->url('/quotes') })->{status}, 409,
   'B2: by either it is taken');
is(req(POST => '/retail/subscriptions', json => {
       event => 'document.payment', mode => 'sync', entityType => 'Invoice',
       url => $receiver->url('/quotes') })->{status}, 422,
   'B7: a name that is none');

# B3

req(DELETE => "/retail/subscriptions/$search");
subscribe(event => 'contact.search', mode => 'iframe',
          url => 'http://127.0.0.1:8000/page');
$r = req(POST => '/retail/sync/contact.search',
         json => { entityTypeID => 2, entityID => 77 });
like($r->{json}{data}{url}, qr{^http://127\.0\.0\.1:8000/page\?eventType=
     contact\.search&entityTypeID=2&entityID=77&token=[\w.-]+$}x,
     'B3: a page with its parameters');

# B6: validations, told of where they are done by hand, and of changes only

sub document {
    my (%document) = @_;
    is(req(POST => '/documents', json => \%document)->{json}{saved},
       JSON::PP::true, 'a document is saved');
}

sub deltas { return @{ req(GET => '/retail/deltas')->{json}{data} } }

document(entityTypeID => 3, entityID => 9, total => 1);
is(scalar(deltas()), 0, 'B6: nobody is told of it');
is(req(POST => '/retail/events', json => {
       eventType => 'document.validation', entityID => 9 })->{json}{skipped},
   'off', 'B6: it is off');
is(req(PUT => '/retail/settings', json => {
       flags => { 'document.validation' => JSON::PP::true } })->{status}, 200,
   'B6: validation by hand is turned on');
document(entityTypeID => 3, entityID => 9, total => 1);
document(entityTypeID => 3, entityID => 9, total => 1);
document(total => 1, entityID => 9, entityTypeID => 3);
document(entityTypeID => 'Order', entityID => 9, total => 2);
document(entityTypeID => 1, entityID => 9, total => 2);
document(entityTypeID => 1, entityID => 9, total => 2);
is(join(' ', map { "$_->{entityTypeID}/$_->{entityID}:$_->{data}{total}" }
             deltas()),
   '3/9:1 3/9:2 1/9:2', 'B6: of what has changed since it was told');

# B4: async ones

subscribe(event => 'document.*', url => $receiver->url('/a'));
subscribe(event => 'document.validation', url => $receiver->url('/b'));
$receiver->script('/a', { body => 'whatever' });
$r = req(POST => '/retail/events', json => {
    eventType => 'document.validation', entityTypeID => 3, entityID => 5,
    data => { total => 1 } });
is($r->{status}, 202, 'an event') or diag($r->{content});
eventually { $receiver->count('/a') && $receiver->count('/b') }
    'B4: all of its subscribers are told';

# B5

is((deltas())[-1]{entityID}, 5, 'B5: deltas have it');
is(join(' ', grep { $_ ne 'document.validation' }
             map { $_->{eventType} } deltas()), '',
   'but nothing of the sync ones');

# B11

for my $name (sort keys %event) {
    is(req(POST => "/samples/$name", json => {})->{json}{success},
       JSON::PP::true, "B11: samples/$name");
}

subscribe(event => 'document.pricing', mode => 'sync',
          url => $nginx->url('/samples/document.pricing?errorLevel=20'));
eventually {
    my $json = req(POST => '/documents/pricing',
                   json => { entityTypeID => 3, entityID => 5 })->{json};
    ($json->{errorLevel} // 0) == 20 && $json->{data}{entityID} == 5;
} 'B11: and one subscribed', 2;

# what operators look at, and B11: the samples in the description

like(req(GET => '/retail/console')->{content}, qr/^<!DOCTYPE html>/,
     'the console is a page');
like(req(GET => '/metrics')->{content},
     qr/^notify_events_total\{channel="retail",outcome="published"\} [1-9]/m,
     'the metrics have what was published');
my $paths = req(GET => '/retail/openapi.json')->{json}{paths};
ok($paths->{'/retail/subscriptions'} && $paths->{'/samples/{event}'},
   'B11: the API and its samples are described in OpenAPI');

finish();
