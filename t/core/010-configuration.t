# What nginx -t refuses, each with the file and the line of the mistake (marked
# by # !), and what it accepts.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $listen = 'listen 127.0.0.1:%%PORT%%;';
my $nginx = NotifyTest::Nginx->new(http => '', start => 0);

my $certificate = $nginx->dir . '/pair.pem';
system("openssl req -x509 -newkey rsa:2048 -nodes -batch -days 1 -subj /CN=test"
       . " -keyout /dev/null -out $certificate 2> /dev/null") == 0
    or BAIL_OUT('openssl made no certificate');

my $key = $nginx->dir . '/secret';
open my $file, '>', $key or BAIL_OUT("$key: $!");
print $file 'k' x 40;
close $file;

sub check {
    my ($http) = @_;
    $nginx->write_conf(http => $http);
    return $nginx->check;
}

sub refused {
    my ($title, $http, $message) = @_;
    my ($text, $ok) = check($http);
    my @lines = split /\n/, NotifyTest::slurp($nginx->conf);
    my ($line) = grep { $lines[$_ - 1] =~ /# !/ } 1 .. @lines;
    my $place = quotemeta($nginx->conf) . ":$line";

    subtest "$title: refused" => sub {
        ok(!$ok, 'nginx -t fails');
        like($text, qr/\[emerg\] .*(?:$message)/, 'it says why');
        like($text, qr/ in $place$/m, 'and where');
    };
}

sub accepted {
    my ($title, $http) = @_;
    my ($text, $ok) = check($http);
    ok($ok, "$title: accepted") or diag($text);
    unlike($text, qr/\[(?:warn|error|crit|alert|emerg)\]/,
           "$title: without a complaint");
}

sub in_profile {
    my ($directive) = @_;
    return "notify_profile p {\n$directive    # !\n}\n";
}

sub in_channel {
    my ($directive) = @_;
    return "notify_channel c {\n$directive    # !\n}\n";
}


# the zone of the counters

refused('a zone that is too small', "notify_zone 4k;    # !\n"
    . "notify_channel c { }\n", 'too small|notify_zone');
refused('a size that is none', "notify_zone much;    # !\n",
    'invalid|notify_zone');
accepted('a zone', "notify_zone 4m;\nnotify_channel c { }\n");


# blocks and their names

refused('an unknown directive in a channel',
    in_channel('retenton 15d;'), 'unknown directive "retenton"');

refused('an unknown directive in a profile',
    in_profile('retires 5s;'), 'unknown directive "retires"');

refused('a directive of profiles in a channel',
    in_channel('retry 5s;'), '"retry"');

for my $line ('retry 5s jitter=1% jitter=2%;',
              'breaker failures=1 window=1m cooldown=1m window=2m;',
              'jwt alg=HS256 key=a key=b;',
              'sign hmac header=X-A header=X-B;')
{
    my ($name) = split / /, $line;
    refused("a parameter of $name twice",
            "notify_profile p {\n$line    # !\n}", 'given twice');
}
refused('a directive of channels in a profile',
    in_profile('retention 15d;'), '"retention"');

refused('a channel without a name', "notify_channel {    # !\n}", 'notify_channel');

refused('a channel in a server',
    "server {\n$listen\nnotify_channel c {    # !\n}\n}", 'notify_channel');

refused('two channels of one name',
    "notify_channel c {\n}\nnotify_channel c {    # !\n}", '"c"');

refused('two profiles of one name',
    "notify_profile p {\n}\nnotify_profile p {    # !\n}", '"p"');

refused('a channel whose profile does not exist',
    in_channel('profile ghost;'), '"ghost"');


# locations

refused('an API of a channel that does not exist',
    "server {\n$listen\nlocation /x/ {\nnotify_api nowhere;    # !\n}\n}",
    '"nowhere"');

refused('an API with an unknown resource',
    "notify_channel c {\n}\nserver {\n$listen\nlocation /x/ {\n"
    . "notify_api c subscribers;    # !\n}\n}", '"subscribers"');

refused('an API in a regex location',
    "notify_channel c {\n}\nserver {\n$listen\nlocation ~ ^/x/ {\n"
    . "notify_api c;    # !\n}\n}", 'notify_api');

refused('an API in a named location',
    "notify_channel c {\n}\nserver {\n$listen\nlocation \@x {\n"
    . "notify_api c;    # !\n}\n}", 'notify_api');

refused('two APIs in one location',
    "notify_channel c {\n}\nserver {\n$listen\nlocation /x/ {\n"
    . "notify_api c events;\nnotify_api c;    # !\n}\n}", 'duplicate');

refused('a tenant twice',
    "server {\n$listen\nnotify_tenant \$remote_user;\n"
    . "notify_tenant \$arg_x;    # !\n}", 'duplicate');


# the channel's directives

refused('an event twice',
    in_channel("event a.b;\nevent a.b;"), '"a\.b"');

refused('an alias that is another event',
    in_channel("event a.b;\nevent c.d alias=a.b;"), '"a\.b"');

refused('an unknown parameter of an event',
    in_channel('event a.b synch;'), '"synch"');

refused("a word twice: $_", in_channel("$_;"), '[Ii]nvalid parameter')
    for 'event a sync sync', 'event a iframe iframe', 'event a own own',
        'event a off off', 'attribute a required required',
        'setting a secret secret', 'setting a optional optional';

refused("unchanged without a $_", in_channel("unchanged a $_;"), 'empty')
    for 'key=', 'key=$notify_entity_id value=';

refused("unchanged by what no publish knows: $_",
        in_channel("unchanged a key=x:$_;"), 'not known yet')
    for qw($notify_event_id $notify_attempt $notify_attempt_timestamp
           $notify_payload $notify_subscription_id $notify_setting_x
           $notify_session_device);

refused('an attribute twice',
    in_channel("attribute x;\nattribute X;"), '"X"');

refused('a pattern that is no regular expression',
    in_channel('attribute x "pattern=^[A-Z{2}$";'), 'pattern|regex|\[A-Z');

refused("a code for an event's entity that is not required",
    in_channel('event a.b error=E;'), '"error" without "entity"');

refused('a code for an attribute that is not required',
    in_channel('attribute x error=E;'), '"error" without "required"');

refused('two codes', in_channel('event a.b entity error=E error=F;'),
    'invalid parameter "error=F" in "event", it is given twice');

refused('a code that is none', in_channel("attribute x required 'error=a b';"),
    'invalid error code "a b", it must be 1 to 128 characters');

refused('no code', in_channel('attribute x required error=;'),
    'invalid error code ""');

refused('a name with a space', in_channel('event "a b";'),
    'invalid event name "a b", it must be 1 to 128 characters of \[A-Za-z0-9_');

accepted('events that differ in case, an alias with a space and a plus',
    "notify_channel c {\nevent a.b \"alias=A b +\";\nevent A.b entity;\n}\n");

refused('an attribute named as a member of events',
    in_channel('attribute eventType;'), '"eventType"');

refused('a retention that is no time',
    in_channel('retention soon;'), '"?retention|"soon"');

refused('a retention twice',
    in_channel("retention 1d;\nretention 2d;"), 'duplicate');

refused('a maximal size that is no size',
    in_channel('max_size big;'), '"?max_size|"big"');

refused('a size of subscriptions that is too small',
    in_channel('subscription_size 1023;'),
    '"1023" in "subscription_size", it must be 1k to 16m');

refused('one that is too large',
    in_channel('subscription_size 17m;'),
    '"17m" in "subscription_size", it must be 1k to 16m');

refused('one that is no size',
    in_channel('subscription_size big;'), '"big"');

refused('a size of subscriptions twice',
    in_channel("subscription_size 1m;\nsubscription_size 1m;"), 'duplicate');


# the profile's directives

refused('a payload that is no JSON',
    in_profile(q(payload '{"a": }';)), 'payload|JSON');

refused('a payload with a variable of requests',
    in_profile(q(payload '{"a":"$remote_addr"}';)), 'remote_addr');

refused('a payload with a variable that is none',
    in_profile(q(payload '{"a":"$notify_nothing"}';)), 'notify_nothing');

for my $payload ('{"a":1,"a":2}', '{"a":[{"b":1,"b":1}]}',
                 '{"a":1,"\\u0061":2}')
{
    refused("a payload with a member twice, $payload",
        in_profile("payload '$payload';"), 'a member is given twice');
}

refused('claims with a member twice',
    in_profile("jwt alg=HS256 key=$key "
               . q('claims={"iss":"a","iss":"b"}';)),
    'a member is given twice');

refused("a token for too long, $_",
    in_profile("jwt alg=HS256 key=$key ttl=$_;"), '1s to 365d')
    for '0', '366d', '9223372036854775807';

refused('a signature of nothing',
    in_profile('sign hmac header=X-A data=;'), 'empty');

# of the whole block, so that its line is told

accepted('a response_log above the response_limit: all that is read',
    "notify_profile p {\nresponse_log 2k;\nresponse_limit 1k;\n}");
refused("a response_header_limit of $_",
    in_profile("response_header_limit $_;"), 'must be 1k to 1m')
    for qw(0 1023 1048577 2m much);
refused('a response_header_limit twice',
    in_profile("response_header_limit 8k;\nresponse_header_limit 8k;"),
    'is duplicate');
accepted("a response_header_limit of $_",
    "notify_profile p {\nresponse_header_limit $_;\n}") for qw(1k 1m);
refused('a success that looks into nothing',
    "notify_profile p {    # !\nsuccess json '{\"ok\":true}';\n"
    . "response_limit 0;\n}", 'success json');

refused("nothing where a name is needed: $_", in_profile("$_ '';"), 'empty')
    for qw(ssl_trusted_certificate ssl_certificate ssl_certificate_key
           ssl_ciphers);
refused('a depth that no chain has', in_profile('ssl_verify_depth 101;'),
    'must be 0 to 100');

refused('a header with a variable of requests',
    in_profile('header X-A $http_host;'), 'http_host');

refused('a header that is the connection\'s',
    in_profile('header Content-Length 1;'), 'Content-Length');

refused('a header name that is none',
    in_profile('header "X A" 1;'), 'X A');

refused('an unknown signature',
    in_profile('sign sideways;'), '"sideways"');

refused('a network that is none',
    in_profile('allow 10.0.0.0/33;'), '"?10\.0\.0\.0/33|allow');

refused('a network with a name in it',
    in_profile('deny localhost;'), '"?localhost|deny');

refused('a retry that is no time',
    in_profile('retry 5s often;'), '"often"');

refused('a jitter above 100 %',
    in_profile('retry 5s jitter=101%;'), 'jitter');

refused('a retry that is off and on',
    in_profile('retry off 5s;'), 'off|"5s"');

refused('a breaker without a number',
    in_profile('breaker failures=x;'), 'failures');

refused('an unknown parameter of the breaker',
    in_profile('breaker fails=3;'), 'fails');

refused('an unknown order',
    in_profile('order random;'), '"random"');

refused('a rate that is none',
    in_profile('rate fast;'), '"fast"');

refused('in_flight of nothing',
    in_profile('in_flight 0;'), 'in_flight|"0"');

refused('an unknown scheme',
    in_profile('schemes ftp;'), '"ftp"');

refused('a port that is none',
    in_profile('ports 443 70000;'), '70000');

refused('a method that is not offered',
    in_profile('method GET;'), '"GET"');

refused('a time limit that is none',
    in_profile('read_timeout never;'), '"?read_timeout|"never"');

# read when the block is complete, so that its line is told

refused('a certificate\'s key that cannot be read',
    "notify_profile p {    # !\nssl_certificate %%DIR%%/pair.pem;\n"
    . "ssl_certificate_key %%DIR%%/none.key;\n}", 'none\.key');

refused('trusted certificates that cannot be read',
    "notify_profile p {    # !\nssl_trusted_certificate %%DIR%%/none.crt;\n}",
    'none\.crt');


# Redis

refused('an unknown parameter of Redis',
    'notify_redis 127.0.0.1:%%PORT%% databse=1;    # !', 'databse');

refused('a database that is no number',
    'notify_redis 127.0.0.1:%%PORT%% db=x;    # !', 'db');

refused('a password file that cannot be read',
    'notify_redis 127.0.0.1:%%PORT%% password_file=%%DIR%%/none;    # !',
    'none');

refused('Redis twice',
    "notify_redis 127.0.0.1:%%PORT%%;\nnotify_redis 127.0.0.1:%%PORT%%;    # !",
    'duplicate');


# what must work

refused("hops of $_", "notify_channel c {\n    hops $_;    # !\n}\n"
                     . "server { $listen }",
        'it must be 1 to 5') for 0, 6, 'x';
refused('hops twice', "notify_channel c {\n    hops 1;\n    hops 2;    # !\n}\n"
                      . "server { $listen }", 'duplicate');
refused("trust in $_", "server { $listen\n    notify_trusted 10.0.0.1 $_;    # !\n}",
        'it must be an address or a network')
    for 'example.com', '10.0.0.0/33', 'off';
accepted('nothing of ours', "server {\n$listen\n}");

accepted('a channel with the built-in profile, declared behind its use', <<"END");
resolver 127.0.0.1;
server {
    $listen
    notify_tenant \$remote_user;
    location /x/ { notify_api c; }
    location = /y { notify_api c events; }
}
notify_channel c { }
END

accepted('everything at once', <<"END");
resolver 127.0.0.1;
notify_redis 127.0.0.1:%%PORT%% db=3 prefix=shop: timeout=2s;
notify_profile partner {
    payload  '{"type":"\$notify_event_type","who":"no. \$notify_entity_id",
               "all":[{"data":"\$notify_data"},1.10,null,true]}';
    method   PUT;
    header   X-API-Key \$notify_subscription_api_key;
    header   User-Agent Shop;
    sign     standard;
    retry    5s 5m 30m 2h jitter=20% until=2d;
    breaker  failures=10 window=1m cooldown=5m ignore=400,500;
    rate     10r/s burst=20;
    in_flight 4;
    order    strict;
    allow    10.1.0.0/16;
    deny     10.0.0.0/8;
    allow    fd00::/8;
    schemes  https http;
    ports    443 8443;
    connect_timeout 1s;
    send_timeout 2s;
    read_timeout 3s;
    timeout  4s;
    keepalive 8 idle=30s;
    ssl_verify off;
    ssl_verify_depth 2;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers HIGH;
    response_limit 4k;
}
notify_profile plain { payload raw; retry off; breaker off; deny all; }
notify_channel retail {
    profile   partner plain;
    retention 30d;
    max_size  100m;
    event     document.validation;
    event     contact.search sync iframe alias=contacts.search;
    event     document.draft off;
    attribute country required "pattern=^[A-Z]{2}\$" alias=land;
    attribute shop;
    subscriptions_max 50;
    subscription_size 256k;
    hops      5;
}
server { $listen location /x/ { notify_api retail; } }
END

finish();
