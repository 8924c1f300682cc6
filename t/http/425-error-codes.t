# The codes that the configuration gives to what is missing (mission B9), and
# names of events in any case (mission B1).

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile p { allow 127.0.0.0/8; }
notify_channel retail {
    profile    p;
    event      document.payment sync entity error=NOTIFICATION_ENTITY_NOT_FOUND
               "alias=document.payment +";
    event      document.changed entity;
    event      contact.details sync alias=contacts.detail;
    event      Mixed.Case;
    event      mixed.case;
    attribute  internalCode required error=NOTIFICATION_NO_INTERNAL_CODE;
    attribute  shop required;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /retail/ { notify_api retail; }
    location /gate {
        notify_sync retail document.payment gate data='' shop=a
                    internalCode=$arg_code entity_id=$arg_id;
        try_files "" @app;
    }
    location @app { return 200 app; }
}
END

sub req {
    my ($method, $path, %option) = @_;
    return http($method => $nginx->url($path), %option);
}

sub publish {
    my (%member) = @_;
    return req(POST => '/retail/events',
               json => { shop => 'a', internalCode => 'c', %member });
}

eventually { req(GET => '/retail/health')->{status} == 200 } 'it is there';


# B9: a publish

sub refused {
    my ($answer, $code, $pointers, $name) = @_;
    is($answer->{status}, 422, "$name is 422") or diag($answer->{content});
    is($answer->{json}{code}, $code, "$name has the code $code");
    is(join(' ', map { $_->{pointer} } @{ $answer->{json}{errors} }),
       $pointers, "$name names the member");
}

my $missing = publish(eventType => 'document.payment');
refused($missing, 'NOTIFICATION_ENTITY_NOT_FOUND', '/entityID',
        'an event without its entity');
is($missing->{json}{errorCode}, 'NOTIFICATION_ENTITY_NOT_FOUND',
   'the code is the errorCode, too');
refused(publish(eventType => 'document.payment', entityID => undef),
        'NOTIFICATION_ENTITY_NOT_FOUND', '/entityID', 'an entity of null');
refused(publish(eventType => 'document.changed'), 'invalid_members',
        '/entityID', 'an entity without a code of its own');
refused(publish(eventType => 'contact.details', internalCode => undef),
        'NOTIFICATION_NO_INTERNAL_CODE', '/internalCode',
        'an event without its attribute');
refused(publish(eventType => 'contact.details', shop => undef),
        'invalid_members', '/shop', 'an attribute without a code');
refused(publish(eventType => 'contact.details', internalCode => []),
        'invalid_members', '/internalCode', 'a value that is wrong');
is(publish(eventType => 'contact.details')->{status}, 202,
   'an event that needs no entity is taken');
is(publish(eventType => 'document.changed', entityID => 7)->{status}, 202,
   'one with its entity, too');
refused(req(POST => '/retail/events', json => [
            { eventType => 'contact.details', shop => 'a',
              internalCode => 'c' },
            { eventType => 'document.payment', shop => 'a',
              internalCode => 'c' } ]),
        'NOTIFICATION_ENTITY_NOT_FOUND', '/1/entityID', 'one of several');


# B9: a question

refused(req(POST => '/retail/sync/document.payment',
            json => { shop => 'a', internalCode => 'c' }),
        'NOTIFICATION_ENTITY_NOT_FOUND', '/entityID',
        'a question without its entity');

$receiver->script('/sync', { body => '{"success":true}' });
my $subscription = req(POST => '/retail/subscriptions', json => {
    event => 'document.payment', mode => 'sync', shop => 'a',
    internalCode => 'c', url => $receiver->url('/sync') });
is($subscription->{status}, 201, 'somebody agrees to payments')
    or diag($subscription->{content});
eventually { req(GET => '/gate?code=c&id=7');
             $receiver->count('/sync') } 'and is asked at the gate';

for my $case (['code=c', 'NOTIFICATION_ENTITY_NOT_FOUND'],
              ['id=7', 'NOTIFICATION_NO_INTERNAL_CODE']) {
    my ($args, $code) = @$case;
    my $answer = req(GET => "/gate?$args");
    is($answer->{status}, 502, "the gate fails with $args alone");
    is($answer->{json}{errorCode}, $code, "its errorCode is $code");
    is($answer->{json}{success}, JSON::PP::false, 'it is no success');
}
my @asked = map { from_json($_->{body}) } $receiver->requests('/sync');
is(scalar(grep { ($_->{internalCode} // '') ne 'c'
                 || ($_->{entityID} // '') ne 7 } @asked), 0,
   'nobody is asked about these') or diag(to_json(\@asked));


# B1: names in any case

for my $name ('Document.Payment', 'document.payment +', 'Document.Payment +') {
    my $answer = publish(eventType => $name, entityID => 1);
    is($answer->{status}, 202, "$name is an event")
        or diag($answer->{content});
}

is(publish(objectType => 'Document', eventType => 'Payment +',
           entityID => 1)->{status}, 202, 'so are an object and its event');
is(publish(eventType => 'Contacts.Detail')->{status}, 202,
   'an alias in another case');
is(publish(objectType => 'document', eventType => 'Document.Changed',
           entityID => 1)->{status}, 202,
   'an object that is in the event already');
publish(eventType => $_) for 'Mixed.Case', 'mixed.case', 'MIXED.CASE';

my @types = map { $_->{eventType} }
            @{ req(GET => '/retail/deltas')->{json}{data} };
is(join(' ', @types[-9 .. -1]),
   'document.payment document.payment document.payment document.payment '
   . 'contact.details document.changed Mixed.Case mixed.case Mixed.Case',
   'the log has the names of the catalogue, exact ones first');
is(scalar @{ req(GET => '/retail/deltas?eventType=CONTACTS.DETAIL')
             ->{json}{data} },
   scalar(grep { $_ eq 'contact.details' } @types),
   'a query takes a name in any case');

sub events {
    my (%member) = @_;
    my $answer = req(POST => '/retail/subscriptions', json => {
        url => $receiver->url('/x'), shop => 'a', internalCode => 'c',
        %member });
    return join ' ', @{ $answer->{json}{events} // [$answer->{content}] };
}

is(events(objectType => 'Contact', eventType => 'Details'), 'contact.details',
   'a subscription takes them in any case');
is(events(events => ['DOCUMENT.*', 'Contacts.Detail']),
   'document.* contact.details', 'several, and a whole object');
is(events(event => 'Mixed.*'), 'Mixed.*', 'as the catalogue writes it');
is(events(event => 'mixed.*'), 'mixed.*', 'where it is there in both cases');

finish();
