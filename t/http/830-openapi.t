# openapi.json: valid, and exactly what is served.

use strict;
use warnings;

use IPC::Run ();
use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile local { allow 127.0.0.1; retry 1h; }
    notify_profile own { allow 127.0.0.1; payload '{"it":"$notify_data"}';
                         method PUT; }
    notify_channel shop {
        profile     local own;
        event       document.validation alias=document.check;
        event       contact.search sync iframe;
        attribute   country required "pattern=^[A-Z]{2}$";
        attribute   "shade" "pattern=^(?i)dark$";
        setting     token secret optional;
    }
    notify_channel free { profile own; }
    notify_channel quiet { profile own; event a.b; }
    notify_channel empty { }

    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/    { notify_api shop; }
        location /try/it/  { notify_api shop samples; }
        location /free     { notify_api free; }
        location /quiet/   { notify_api quiet; }
        location = /quiet.json { notify_api quiet openapi.json; }
        location /v1/hooks { notify_api empty subscriptions; }
        location /v2/hooks { notify_api empty subscriptions; }
        location = /empty.json { notify_api empty openapi.json; }
        location /tenant/ {
            notify_tenant $http_x_tenant required; notify_api shop; }
    }
END

my @methods = qw(get put post patch delete);

sub document {
    my ($path) = @_;
    my $answer = http(GET => $nginx->url($path));
    is($answer->{status}, 200, "$path is there");
    return $answer->{json};
}

sub valid {
    my ($document, $title) = @_;
    my $text = to_json($document);
    IPC::Run::run(['node', "$NotifyTest::TOP/t/clients/openapi.js"],
                  '<', \$text, '>', \my $said, '2>', \my $noise);
    is($said, "ok\n", $title) or diag($noise);
}

# the document's methods of a path, as Allow has them
sub documented {
    my ($item) = @_;
    my %has = map { uc $_ => 1 } grep { $item->{$_} } @methods;
    $has{HEAD} = 1 if $has{GET};
    return join ' ', sort keys %has;
}

sub allowed {
    my ($path) = @_;
    my $answer = http(OPTIONS => $nginx->url($path));
    return $answer->{status} == 405
        ? join ' ', sort split /, /, $answer->{headers}{allow}
        : $answer->{status};
}


# a channel with a catalogue

my $document = document('/shop/openapi.json');
valid($document, 'it is valid OpenAPI 3.1');
is($document->{info}{title}, 'shop', 'its title is the channel');

# all that is needed for a path that is there
my $subscription = http(POST => $nginx->url('/shop/subscriptions'), json => {
    url => $receiver->url('/a'), event => 'document.validation',
    country => 'NO' })->{json}{id};
my $published = http(POST => $nginx->url('/shop/events'), json => {
    eventType => 'document.validation', country => 'NO' })->{json};
http(PUT => $nginx->url('/shop/sessions/s1'), json => {});
http(POST => $nginx->url('/shop/deltas/consumers/c1'), json => {
    cursor => $published->{cursor} });
my $delivery;
eventually { $delivery = http(GET => $nginx->url(
    "/shop/events/$published->{id}/deliveries"))->{json}[0]{id} }
    'a delivery is there';
http(POST => $nginx->url('/shop/subscriptions'), json => {
    url => $receiver->url('/a'), event => 'contact.search', mode => 'sync',
    country => 'NO' });

my $again = http(POST => $nginx->url('/shop/redeliver'), json => {
    status => 'dead' })->{json}{id};

my %id = (subscriptions => $subscription, events => $published->{id},
          deliveries => $delivery, sessions => 's1',
          redeliveries => $again);

# a call of that path as a newcomer would make it
sub example {
    my ($document, $path, $method) = @_;
    my ($resource) = $path =~ m{/(\w+)/\{id\}};
    my $event = $path =~ /sync/ ? 'contact.search' : 'document.validation';

    $path =~ s/\{id\}/$id{$resource}/;
    $path =~ s/\{event\}/$event/;
    $path =~ s/\{name\}/c1/;
    $path =~ s/\{scope\}/other/;
    return $path;
}

my @paths = sort keys %{ $document->{paths} };
for my $path (@paths) {
    my $example = example($document, $path);
    is(allowed($example), documented($document->{paths}{$path}),
       "$path takes what is documented, and nothing else");
}

# reads first, what deletes last
for my $method (qw(get post put patch delete)) {
    for my $path (grep { $document->{paths}{$_}{$method} } @paths) {
        my $answer = http(uc $method => $nginx->url(
            example($document, $path)), $method =~ /^p/ ? (json => {}) : ());
        ok($answer->{status} != 404 && $answer->{status} != 405
           || $answer->{content} =~ /no such notify_provider/,
           "$method $path is there")
            or diag("$answer->{status} $answer->{content}");

        my $responses = $document->{paths}{$path}{$method}{responses};
        ok($responses->{ $answer->{status} },
           "$method $path: $answer->{status} is documented");
    }
}

# each resource of the code is one of the document
my $code = NotifyTest::slurp(
    "$NotifyTest::TOP/src/api/ngx_http_notify_api.c");
my ($table) = $code =~ /api_resources\[\] = \{(.*?)\};/s;
my @resources = $table =~ /&ngx_http_notify_api_(\w+)/g;
cmp_ok(scalar @resources, '>', 10, 'the resources are known');
my %file = map { NotifyTest::slurp($_)
                 =~ /_resource_t\s+ngx_http_notify_api_\w+ = / ? ($_ => 1) : () }
           glob "$NotifyTest::TOP/src/api/ngx_http_notify_api_*.c";
for my $resource (@resources) {
    my ($name) = map { NotifyTest::slurp($_) =~
        /_resource_t\s+ngx_http_notify_api_$resource\s=\s\{\s*
         ngx_string\("([^"]+)"\)/x } sort keys %file;
    ok(scalar(grep { m{^/shop/\Q$name\E(?:/|$)|^/try/it/} } @paths),
       "$name is documented");
    next if $name eq 'samples';
    like(join(' ', @paths), qr{/shop/\Q$name\E\b}, "below its location");
}
is_deeply([ grep { !m{^/shop/|^/try/it/\{event\}$} } @paths ], [],
          'samples are, where they are mounted, and nothing else is');

my $schemas = $document->{components}{schemas};
is_deeply($schemas->{EventType}{enum},
          [qw(document.validation contact.search)], 'events are listed');
is_deeply($schemas->{SyncEvent}{enum}, ['contact.search'],
          'those that can be asked about too');
is_deeply($schemas->{Profile}{enum}, [qw(local own)], 'and profiles');
is($schemas->{EventInput}{properties}{country}{pattern}, '^[A-Z]{2}$',
   'an attribute is a member, with its pattern');
is_deeply($schemas->{EventInput}{required}, ['country'],
          'required where it is');
is_deeply($schemas->{EventInput}{properties}{shade},
          { type => 'string', maxLength => 512, description => '^(?i)dark$' },
          'a pattern that only PCRE knows is described');
ok($schemas->{SettingsInput}{properties}{token}{writeOnly},
   'a secret setting is write-only');
ok(!exists $schemas->{Settings}{properties}{token}, 'and never shown');
is_deeply([ sort keys %{ $document->{webhooks} } ],
          [qw(contact.search document.validation)],
          'each event is a webhook');
is($document->{webhooks}{'contact.search'}{post}{requestBody}{content}
       {'application/json'}{schema}{allOf}[0]{'$ref'}, '#/components/schemas/Call',
   'in the call format');


# others

$document = document('/free/openapi.json');
valid($document, 'without a catalogue it is valid too');
ok(!exists $document->{components}{schemas}{EventType}{enum},
   'any name is an event');
ok($document->{paths}{'/free/sync/{event}'}, 'any can be asked about');
ok(!exists $document->{webhooks}, 'no webhooks are listed');

$document = document('/quiet/openapi.json');
valid($document, 'without sync events it is valid');
ok(!grep({ m{/sync} } keys %{ $document->{paths} }),
   'nothing can be asked about');
ok($document->{webhooks}{'a.b'}{put}, 'a webhook has the method of its profile');

is_deeply([ sort keys %{ document('/quiet.json')->{paths} } ],
          [ sort keys %{ $document->{paths} }, '/quiet.json' ],
          'mounted by itself it has all of its channel');

$document = document('/empty.json');
valid($document, 'resources of a mount each are valid');
is_deeply([ grep { !/\{/ } sort keys %{ $document->{paths} } ],
          [qw(/empty.json /v1/hooks /v2/hooks)], 'at their places');

is(http(GET => $nginx->url('/tenant/openapi.json'))->{status}, 401,
   'without a tenant it is not told');
is(http(GET => $nginx->url('/tenant/openapi.json'),
        headers => { 'X-Tenant' => 'a' })->{status}, 200, 'with one it is');
is(http(POST => $nginx->url('/shop/openapi.json'))->{status}, 405,
   'it is only read');

finish();
