# The settings of a channel, the flags of its scopes, and names of entity
# types.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_profile raw {
        allow   127.0.0.0/8;
        header  X-Region  $notify_setting_region;
        header  X-Days    $notify_setting_days;
        payload '{"type":"$notify_event_type","days":"$notify_setting_days",
                  "in":"$notify_setting_region"}';
    }
    notify_channel shop {
        profile  raw;
        event    order.paid     off alias=order.payed;
        event    order.shipped;
        event    note.made;
        setting  url     target;
        setting  region  optional;
        setting  days    unit=1d;
        setting  token   secret optional;
        entity_type order  3 Order alias=Bestellung alias=Ordre;
        entity_type order  4 Quote;
        entity_type refund 5 Quote;
        entity_type refund 4 Note;
    }
    notify_channel plain {
        profile  raw;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /of/ { notify_tenant $http_x_tenant required; notify_api shop; }
        location /plain/ { notify_api plain; }
    }
END

sub call {
    my ($method, $path, $json, %headers) = @_;
    return http($method => $nginx->url($path), headers => \%headers,
                defined $json ? (json => $json) : ());
}

sub pointers { return join ' ', sort map { $_->{pointer} }
                                @{ $_[0]{json}{errors} // [] } }

my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $answer;


# members

$answer = call(GET => '/shop/settings');
is($answer->{status}, 200, 'settings are there before anything is set');
is_deeply($answer->{json}, { flags => {}, effective => {
              'order.paid' => $false, 'order.shipped' => $true,
              'note.made' => $true } }, 'with what is declared');

$answer = call(PATCH => '/shop/settings', {
    URL => 'nowhere', days => -1, region => "a\nb", colour => 'red', token => 7,
    flags => { 'order.lost' => $true, 'order.paid' => 1 } });
is($answer->{status}, 422, 'wrong members are unprocessable');
is(pointers($answer), '/URL /colour /days /flags/order.lost '
   . '/flags/order.paid /region /token', 'all of them are named');

for my $flags ([], 'on', undef) {
    is(call(PATCH => '/shop/settings', { flags => $flags })->{status}, 422,
       'flags that are none: ' . to_json($flags));
}

is(pointers(call(PATCH => '/shop/settings', {
    flags => { 'order.paid' => $true, 'order.payed' => $true } })) ne '', 1,
   'a flag given twice, by an alias too');
is(call(PATCH => '/shop/settings', [])->{status}, 400, 'not an object');
is(call(POST => '/shop/settings', {})->{status}, 405, 'POST is not allowed');
is(call(DELETE => '/shop/settings/a')->{headers}{allow}, 'GET, HEAD, PUT, PATCH',
   'nor DELETE, and Allow says what is');
is(call(GET => '/shop/settings/a/b')->{status}, 404, 'a scope has no parts');
is_deeply(call(GET => '/plain/settings')->{json},
          { flags => {}, effective => {} }, 'a channel without any');
is(call(PATCH => '/plain/settings', { flags => { any => $true } })->{status},
   422, 'where names are free there are no flags');


# the target

$receiver->script('/t', {});
$answer = call(PUT => '/shop/settings', {
    Url => $receiver->url('/t'), region => 'N"ord', days => '2',
    token => 'hush' });
is($answer->{status}, 200, 'settings are set') or diag($answer->{content});
is($answer->{json}{days}, 2, 'the text of a number is the number');
is($answer->{json}{region}, 'N"ord', 'text comes back as it was');
ok(!exists $answer->{json}{token}, 'a secret does not');

$answer = call(GET => '/shop/subscriptions');
is_deeply($answer->{json}, [], 'the target is no subscription of a client');
$answer = call(GET => '/shop/subscriptions/target');
is($answer->{json}{status}, 'active', 'its state can be read');
unlike($answer->{content}, qr/hush|settings/, 'but not the settings in it');
is(call(DELETE => '/shop/subscriptions/target')->{status}, 204,
   'it is not deleted');
for ([PATCH => '', { enabled => $false }],
     [PUT => '', { url => $receiver->url('/x'), event => 'order.paid' }],
     [POST => '/disable', {}], [POST => '/pause', {}]) {
    my ($method, $action, $json) = @$_;
    $answer = call($method => "/shop/subscriptions/target$action", $json);
    is($answer->{status}, 404, "nor changed by $method $action");
    like($answer->{json}{detail}, qr/target is changed by the settings/,
         'and the answer says by what it is');
}
is_deeply(call(GET => '/shop/subscriptions/target')->{json}{url},
          $receiver->url('/t'), 'it is what it was');

is(call(POST => '/shop/events', { eventType => 'order.shipped' })->{status},
   202, 'an event that is not off');
eventually { $receiver->count('/t') } 'goes to the target';
my ($hit) = $receiver->requests('/t');
is($hit->{headers}{'x-region'}, 'N"ord', 'settings are variables of headers');
is($hit->{headers}{'x-days'}, '2', 'numbers, too');
is($hit->{body}, '{"type":"order.shipped","days":2,"in":"N\"ord"}',
   'and of templates, with their types');

$answer = call(PUT => '/shop/settings', { url => $receiver->url('/t'), days => 1 });
ok(!exists $answer->{json}{region}, 'PUT takes away what it does not name');
is($redis->cli('HGET', $redis->key('}:settings') // $redis->key('settings'),
               'v:token'), '"hush"', 'but for secrets, which nobody can read');
is(call(PATCH => '/shop/settings', { token => undef, region => '' })->{status},
   200, 'null takes them away');


# flags

for my $event ('order.paid', 'order.payed') {
    is(call(POST => '/shop/events', { eventType => $event })->{content},
       '{"id":null,"skipped":"off"}', "$event is off");
}

$answer = call(POST => '/shop/events', [
    { eventType => 'order.paid' }, { eventType => 'order.shipped' },
    { eventType => 'order.paid', uid => 'u1' } ]);
is($answer->{status}, 202, 'some of many are off');
is(join(' ', map { $_->{skipped} // 'logged' } @{ $answer->{json} }),
   'off logged off', 'they are told apart');

is(call(PATCH => '/shop/settings', { flags => {
       'order.payed' => $true, 'order.shipped' => $false } })->{status}, 200,
   'flags turn on and off');
is(call(POST => '/shop/events', { eventType => 'order.shipped' })
   ->{json}{skipped}, 'off', 'what was not declared off, too');
$answer = call(POST => '/shop/events', { eventType => 'order.paid', uid => 'u1' });
is($answer->{status}, 202, 'a uid that was off is not used up');
my $id = $answer->{json}{id};
call(PATCH => '/shop/settings', { flags => { 'order.paid' => $false } });
$answer = call(POST => '/shop/events', { eventType => 'order.paid', uid => 'u1' });
is("$answer->{status} $answer->{json}{id}", "200 $id",
   'one that was published stays so');
is(call(POST => '/shop/events', { eventType => 'order.paid', uid => 'u1',
                                  data => 2 })->{status}, 422,
   'and its key cannot be used with another body');


# tenants and scopes

is(call(GET => '/of/settings', undef, 'X-Tenant' => 'north')->{status}, 404,
   'a tenant does not see the settings of all');
is(call(PATCH => '/of/settings/south', { flags => {} },
        'X-Tenant' => 'north')->{status}, 404, 'nor those of another');
is(call(GET => '/of/settings/north')->{status}, 401, 'nobody sees none');
$answer = call(PATCH => '/of/settings/north', { flags => {
    'order.paid' => $true } }, 'X-Tenant' => 'north');
is($answer->{status}, 200, 'it changes its own') or diag($answer->{content});
is_deeply($answer->{json}{effective}, { 'order.paid' => $true,
    'order.shipped' => $false, 'note.made' => $true },
    'and sees what holds there');
is(call(PATCH => '/of/settings/north', { url => 'http://a.test/' },
        'X-Tenant' => 'north')->{status}, 422, 'but its flags only');
is(call(POST => '/of/events', { eventType => 'order.paid' },
        'X-Tenant' => 'north')->{status}, 202, 'its events are on');
is(call(POST => '/of/events', { eventType => 'order.paid' },
        'X-Tenant' => 'south')->{json}{skipped}, 'off', 'others are not');
is_deeply(call(GET => '/shop/settings/north')->{json}{flags},
          { 'order.paid' => $true }, 'the default tenant sees any scope');
is(call(PATCH => '/shop/settings', { days => undef })->{status}, 409,
   'what is needed stays while one scope has a type on');
is(call(PUT => '/shop/settings/north', {})->{status}, 200,
   'PUT gives the scope what holds for all');
is(call(PATCH => '/shop/settings', { days => undef })->{status}, 200,
   'then it can go');
is(call(PATCH => '/shop/settings', { url => undef })->{status}, 200,
   'and the target with it');
is(call(GET => '/shop/subscriptions/target')->{status}, 404, 'it is gone');


# entity types

sub event_type_id {
    my (%event) = @_;
    my $answer = call(POST => '/shop/events', \%event);
    return pointers($answer) if $answer->{status} == 422;
    call(GET => "/shop/events/$answer->{json}{id}")->{content}
        =~ /"entityTypeID":("?[^,"}]*"?)/;
    return $1;
}

call(PATCH => '/shop/settings', { flags => { 'order.shipped' => undef } });
is(event_type_id(eventType => 'order.shipped', entityType => 'Order'), '3',
   'the name of an entity type becomes its number');
is(event_type_id(entityType => 'bestellung', eventType => 'order.shipped'), '3',
   'an alias, too, in any case and any order');
is(event_type_id(eventType => 'order.shipped', entityTypeID => 'Quote'), '4',
   'by its other name; of the object of the event');
is(event_type_id(eventType => 'order.shipped', entityTypeID => 77), '77',
   'numbers are taken as they are');
is(event_type_id(eventType => 'order.shipped', entityType => 'Note'),
   '/entityType', 'a name of another object is none');
is(event_type_id(eventType => 'note.made', entityType => 'A4'), '"A4"',
   'an object without any takes every text');

is(join(' ', map { scalar @{ call(GET => "/shop/deltas?entityTypeID=$_")
                              ->{json}{data} } }
         3, 'Order', 'bestellung', 'Quote&eventType=order.shipped', 4, 'X'),
   '2 2 2 1 1 0', 'deltas are asked for by name, too');
is(call(GET => '/shop/deltas?entityTypeID=Quote')->{status}, 400,
   'where it is one only');

sub subscribe {
    my (%members) = @_;
    my $answer = call(POST => '/shop/subscriptions', {
        url => $receiver->url('/s'), %members });
    return $answer->{status} == 201 ? $answer->{json}{entityTypeID}
                                    : pointers($answer);
}

is(subscribe(event => 'order.*', entityType => 'Ordre'), 3,
   'a subscription takes names');
is(subscribe(event => '*', entityType => 'Order'), 3,
   'for all events, where it is one only');
is(subscribe(event => '*', entityType => 'Quote'), '/entityType',
   'not where it is several');
is(subscribe(event => 'order.paid', entityType => 'Note'), '/entityType',
   'nor where it is none');

my ($shipped) = grep { $_->{name} eq 'order.shipped' }
                @{ call(GET => '/shop/event-types')->{json} };
is_deeply($shipped->{entityTypes}, [
    { objectType => 'order', id => 3, name => 'Order',
      aliases => ['Bestellung', 'Ordre'] },
    { objectType => 'order', id => 4, name => 'Quote', aliases => [] },
], 'the catalogue lists them');


# a Redis that is full, or away

$redis->cli('CONFIG', 'SET', 'maxmemory', 1);
is(call(PATCH => '/shop/settings', { days => 5 })->{status}, 507,
   'a full Redis takes no settings');
$redis->cli('CONFIG', 'SET', 'maxmemory', 0);
ok(!exists call(GET => '/shop/settings')->{json}{days}, 'nothing was set');

$redis->kill;
$answer = call(PATCH => '/shop/settings', { days => 5 });
is($answer->{status}, 503, 'nor one that is away');
ok($answer->{headers}{'retry-after'}, 'try again');
is(call(GET => '/shop/settings')->{status}, 503, 'nothing to be read');
$redis->start;
eventually { call(PATCH => '/shop/settings', { days => 5 })->{status} == 200 }
    'until it is back';
is(http_served(GET => $nginx->url('/shop/settings'))->{json}{days}, 5,
   'then it holds');


# refused by nginx -t

for my $case (
    ['setting a.b;',                   qr/invalid setting name "a.b"/],
    ['setting flags;',                 qr/"flags" is reserved/],
    ['setting a; setting A;',          qr/duplicate setting "A"/],
    ['setting a target; setting b target;', qr/duplicate "target"/],
    ['setting a target secret;',       qr/cannot be a "target" and/],
    ['setting a unit=x;',              qr/invalid unit "x"/],
    ['setting a unit=1d unit=2d;',     qr/invalid parameter "unit=2d"/],
    ['setting a most;',                qr/invalid parameter "most"/],
    ['entity_type a 1;',               qr/needs an object, a number/],
    ['entity_type a x Name;',          qr/invalid entity type "x"/],
    ['entity_type a 1 7;',             qr/invalid entity type name "7"/],
    ['entity_type a.b 1 Name;',        qr/invalid object "a.b"/],
    ['entity_type a 1 N; entity_type a 1 M;', qr/duplicate entity type/],
    ['entity_type a 1 N; entity_type a 2 n;', qr/duplicate entity type/],
    ['entity_type a 1 N alias=n;',     qr/duplicate entity type/],
    ['entity_type a 1 N other;',       qr/invalid parameter "other"/],
) {
    my ($conf, $like) = @$case;
    my $other = NotifyTest::Nginx->new(start => 0, http =>
        "notify_channel c { $conf }\nserver { listen 127.0.0.1:%%PORT%%; }");
    my ($said, $ok) = $other->check;
    ok(!$ok, "refused: $conf");
    like($said, $like, 'and it says why');
}

finish();
