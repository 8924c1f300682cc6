# openapi.json is clean in redocly's recommended rules, whatever a channel has.

use strict;
use warnings;

use IPC::Run ();
use Test::More;
use NotifyTest;
use NotifyTest::Tool;

my $redocly = NotifyTest::Tool::npm('@redocly/cli', '2.77.0', 'redocly');

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile local { sign standard; }
    notify_profile own { payload '{"it":"$notify_data"}'; method PUT; }
    notify_channel shop {
        profile     local own;
        event       document.validation alias=document.check;
        event       contact.search sync iframe;
        attribute   country required "pattern=^[A-Z]{2}$";
        attribute   shade "pattern=^(?i)dark$";
        setting     token secret optional;
        setting     days unit=1d optional;
    }
    notify_channel free { profile own; }
    notify_channel odd { attribute code required "pattern=^x{7}$"; event a; }

    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/    { notify_api shop security=bearer; }
        location /try/it/  { notify_api shop samples; }
        location /free/    { notify_api free security=basic; }
        location /odd/     { notify_api odd security=none; }
        location /v1/hooks { notify_api free subscriptions; }
        location = /hooks.json { notify_api free openapi.json; }
    }
END

my $dir = test_dir();
spew("$dir/redocly.yaml", "extends: [recommended]\ntelemetry: off\n");

sub document {
    my ($path) = @_;
    my $answer = http(GET => $nginx->url($path));
    is($answer->{status}, 200, "$path is there");
    return $answer->{json};
}

for my $path ('/shop/openapi.json', '/free/openapi.json', '/odd/openapi.json',
              '/hooks.json')
{
    my $document = document($path);
    spew("$dir/openapi.json", to_json($document));

    local $ENV{REDOCLY_TELEMETRY} = 'off';
    IPC::Run::run([$redocly, 'lint', '--config', "$dir/redocly.yaml",
                   '--format', 'json', "$dir/openapi.json"],
                  '>', \my $said, '2>', \my $noise);
    my $result = eval { from_json($said) } // {};
    is(join("\n", map { "$_->{ruleId} $_->{location}[0]{pointer}: "
                        . $_->{message} } @{ $result->{problems} }),
       '', "$path: nothing to complain of");
    ok($result->{totals}, 'redocly has looked at it') or diag("$said$noise");
    is_deeply($document->{servers}[0]{url}, '/', 'with a server');

    # a name and what it does, for whoever reads the document
    my @bare;
    for my $name (sort keys %{ $document->{paths} }) {
        for my $method (sort keys %{ $document->{paths}{$name} }) {
            next if $method eq 'parameters';
            my $operation = $document->{paths}{$name}{$method};
            push @bare, "$method $name" unless $operation->{description};
        }
    }
    is("@bare", '', 'each operation is described');
}


# how a client proves who it is

my $shop = document('/shop/openapi.json');
is_deeply($shop->{security}, [{ bearer => [] }], 'security=bearer');
is_deeply([ keys %{ $shop->{components}{securitySchemes} } ], ['bearer'],
          'is the only scheme');
is_deeply(document('/free/openapi.json')->{security}, [{ basic => [] }],
          'security=basic');
my $odd = document('/odd/openapi.json');
is_deeply($odd->{security}, [], 'security=none');
ok(!exists $odd->{components}{securitySchemes}, 'has no scheme');


# examples can be sent

sub example {
    my ($document, $path, $method) = @_;
    return $document->{paths}{$path}{$method // 'post'}{requestBody}{content}
                    {'application/json'}{example};
}
is(http(POST => $nginx->url('/shop/events'),
        json => example($shop, '/shop/events'))->{status}, 202,
   'the example of an event is accepted');
is(http(POST => $nginx->url('/free/events'),
        json => example(document('/free/openapi.json'), '/free/events'))
   ->{status}, 202, 'of any event, where there is no catalogue');
is(example($odd, '/odd/events'), undef,
   'one that cannot be made is not there');
is(join(' ', map { $_->{'$ref'} =~ m{(\w+)$} }
        @{ $shop->{webhooks}{'document.validation'}{post}{parameters} }),
   'webhookId webhookTimestamp webhookSignature',
   'a webhook has the headers of its signature');

finish();
