# sync/{event}: one subscriber is asked, and what it says is brought into one
# form.  Rows B2, B3, B8 to B11.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile plain {
        allow     127.0.0.1;
        schemes   http;
        timeout   1s;
    }
    notify_profile strict {
        schemes   http;
    }
    notify_trusted 127.0.0.1;
    notify_channel retail {
        profile   plain strict;
        event     contact.search sync iframe alias=contacts.search;
        event     document.pricing sync;
        event     document.validation;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        notify_tenant $http_x_tenant optional;
        location /retail/  { notify_api retail; }
        location /samples/ { notify_api retail samples; }
    }
END

my $api = $nginx->url('/retail');

sub subscribe {
    my (%member) = @_;
    my $tenant = delete $member{tenant};
    return http(POST => "$api/subscriptions",
                headers => { $tenant ? ('X-Tenant' => $tenant) : () },
                json => { event => 'contact.search', mode => 'sync',
                          url => $receiver->url('/sync'), %member });
}

# what it has answered is in its log behind this
sub requests { $receiver->script('/settle'); return $receiver->requests(@_) }

sub unsubscribe {
    my ($id, %headers) = @_;
    is(http(DELETE => "$api/subscriptions/$id",
            headers => \%headers)->{status}, 204, 'gone');
}

sub ask {
    my ($body, %option) = @_;
    return http(POST => "$api/sync/" . ($option{event} // 'contact.search'),
                headers => { 'Content-Type' => 'application/json',
                             %{ $option{headers} // {} } },
                body => $body // '{"entityID":1}');
}

# what the subscriber answers, and what comes of it
sub says {
    my (@answer) = @_;
    $receiver->script('/sync', @answer);
    my $answer = ask();
    is($answer->{status}, 200, '200, whatever the subscriber says')
        or diag($answer->{content});
    return $answer;
}

sub normal {
    my ($answer, $success, $level, $code, $name) = @_;
    my $json = $answer->{json};
    is(join(' ', $json->{success} ? 'true' : 'false', $json->{errorLevel},
            $json->{errorCode} // 'null'),
       "$success $level $code", $name) or diag($answer->{content});
}

# nobody yet

eventually { http(GET => "$api/health")->{status} == 200 } 'it is there';

my $r = ask();
is($r->{status}, 404, 'without a subscriber: 404');
is($r->{json}{code}, 'NOTIFICATION_NO_SUBSCRIBER', 'and says so');
is($r->{json}{errorCode}, 'NOTIFICATION_NO_SUBSCRIBER', 'in both forms');
is(ask(undef, event => 'contact.nothing')->{status}, 404, 'no such event');
is(http(GET => "$api/sync/contact.search")->{status}, 405, 'POST only');
is(http(GET => "$api/sync")->{status}, 404, 'an event is needed');

# B2: exactly one

$r = subscribe();
is($r->{status}, 201, 'B2: the first one') or diag($r->{content});
my $id = $r->{json}{id};

$r = subscribe(url => $receiver->url('/other'));
is($r->{status}, 409, 'B2: a second one is refused');
like($r->{content}, qr/\Q$id\E/, 'and the first is named');

is(subscribe(event => 'document.validation')->{status}, 422,
   'an event that is not sync takes no sync subscription');
is(subscribe(event => 'document.pricing', mode => 'iframe')->{status}, 422,
   'B3: nor iframe where the event does not allow it');
is(subscribe(event => 'document.*')->{status}, 422,
   'a sync subscription names one event');

# B8

$receiver->script('/sync', { body => '{"success":true}' });
$r = ask('{"entityTypeID":3,"entityID":9007199254740993,'
         . '"data":{"n":1.10, "big":12345678901234567890123}}');
normal($r, 'true', 0, 'null', 'B9: success is level 0');
my ($call) = requests('/sync');
is($call->{body}, '{"eventType":"contact.search","entityTypeID":3,'
   . '"entityID":9007199254740993,"data":'
   . '{"n":1.10, "big":12345678901234567890123}}',
   'B8: the call, ids beyond 2^53 and data as they were written');
like($call->{headers}{'x-notify-hops'}, qr/^1;[\w-]{32}$/, 'with its hops');

ask('{"eventType":"search","objectType":"contact","entityID":"77"}');
like((requests('/sync'))[-1]{body}, qr/"entityID":77,/,
     'text that is a number is one');
is(ask('{"eventType":"document.pricing"}')->{status}, 422,
   'another event than the path says');
is(ask('{"entityID":1')->{status}, 400, 'a body that is no JSON');
is(ask('{"nonsense":1}')->{status}, 422, 'a member that is none');
is(ask('{"data":1,"DATA":2}')->{status}, 400, 'a member given twice');
is(ask(undef, event => 'contacts.search')->{json}{success}, JSON::PP::true,
   'B1: by an alias');

# B9: levels

for my $level (0, 10, 20, 30) {
    normal(says({ body => qq({"success":true,"errorLevel":$level,)
                          . '"message":"hello","errorCode":"MINE"}' }),
           'true', $level, 'MINE', "success at level $level");
}

for my $level (40, 50) {
    normal(says({ body => qq({"success":true,"errorLevel":$level}) }),
           'false', $level, 'null', "success at level $level is a failure");
}

normal(says({ body => '{"success":false}' }), 'false', 40, 'null',
       'a failure without a level is an error');
normal(says({ body => '{"success":false,"errorLevel":10}' }),
       'false', 10, 'null', 'a failure keeps its level');
normal(says({ body => '{"success":false,"errorLevel":30,"errorCode":"X-1"}' }),
       'false', 30, 'X-1', 'and its code');
normal(says({ body => '{"success":true,"errorLevel":35}' }),
       'false', 50, 'null', 'a level that is none of the six is critical');
normal(says({ body => '{"success":true,"errorLevel":10.0}' }),
       'false', 50, 'null', 'so is one that is no integer');
normal(says({ body => '{"Success":true,"ErrorLevel":"20"}' }),
       'true', 20, 'null', 'names in any case, a level in quotes');

$r = says({ body => '{"success":true,"message":"\u00e9\n","data":'
                    . '[1.10,{"b":2,"a":9007199254740993}, 1e400]}' });
like($r->{content}, qr/"data":\[1\.10,\{"b":2,"a":9007199254740993\}, 1e400\]\}$/,
     'B9: data is relayed byte for byte');
is($r->{json}{message}, "\x{e9}\n", 'the message too');

# B10

for my $status (201, 202, 204, 302, 400, 404, 410, 500, 503) {
    normal(says({ status => $status }), 'false', 50, 'NOTIFICATION_STATUS',
           "B10: status $status is critical");
}

normal(says({ status => 201, body => '{"success":true,"errorLevel":0}' }),
       'false', 50, 'NOTIFICATION_STATUS', 'B10: whatever its body says');
$r = says({ status => 500,
            body => '{"success":false,"errorLevel":10,"message":"no",'
                    . '"errorCode":"THEIRS","data":[1]}' });
normal($r, 'false', 50, 'THEIRS', 'its own code is kept');
is($r->{json}{message}, 'no', 'and its message');
normal(says({ body => '{"success":true,"statusCode":500}' }),
       'false', 50, 'NOTIFICATION_STATUS', 'B10: statusCode in the JSON');
normal(says({ body => '{"success":true,"statusCode":200}' }),
       'true', 0, 'null', 'B10: 200 there is well');
normal(says({ body => '{"success":true,"statusCode":204}' }),
       'false', 50, 'NOTIFICATION_STATUS', 'B10: 204 there is not');
normal(says({ body => 'hello' }), 'false', 50, 'NOTIFICATION_BAD_JSON',
       'B10: not JSON');
normal(says({ body => '' }), 'false', 50, 'NOTIFICATION_BAD_JSON',
       'B10: nothing');
normal(says({ body => '[true]' }), 'false', 50, 'NOTIFICATION_BAD_JSON',
       'B10: not an object');
normal(says({ body => '{"success":true,"SUCCESS":false}' }),
       'false', 50, 'NOTIFICATION_BAD_JSON', 'a member given twice');
normal(says({ body => '{"message":"hm"}' }), 'false', 50,
       'NOTIFICATION_BAD_RESPONSE', 'no success');
normal(says({ body => '{"success":true,"data":"' . 'x' x 1100000 . '"}' }),
       'false', 50, 'NOTIFICATION_TOO_LARGE', 'an answer over 1 MB');
ok(length(says({ body => '{"success":true,"data":"' . 'x' x 900000 . '"}' })
          ->{json}{data}) == 900000, 'one of 900 KB is relayed');
normal(says({ hold => 1 }), 'false', 50, 'NOTIFICATION_TIMEOUT',
       'B10: a timeout');
normal(says({ reset => 1 }), 'false', 50, 'NOTIFICATION_CONNECT_FAILED',
       'a reset');
normal(says({ drop => 1 }), 'false', 50, 'NOTIFICATION_CONNECT_FAILED',
       'no answer');
normal(says({ raw => "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" }),
       'false', 50, 'NOTIFICATION_BAD_ANSWER', 'no HTTP');

# a call is made once, whatever comes of it

my $before = () = requests('/sync');
says({ status => 500 });
is(scalar(() = requests('/sync')), $before + 1, 'there is no retry');

# changes are seen at once here

is(http(PATCH => "$api/subscriptions/$id",
        json => { url => 'http://127.0.0.1:1/x' })->{status}, 422,
   'a port that is not allowed');
my $dead = free_port();
is(http(PATCH => "$api/subscriptions/$id",
        json => { url => "http://127.0.0.1:$dead/x" })->{status}, 200,
   'another URL');
normal(ask(), 'false', 50, 'NOTIFICATION_CONNECT_FAILED', 'refused');
is(http(POST => "$api/subscriptions/$id/disable")->{status}, 200, 'disabled');
is(ask()->{status}, 404, 'a disabled one is not asked');
is(subscribe()->{status}, 409, 'but keeps its claim');
unsubscribe($id);

# by entity type

my $order = subscribe(entityTypeID => 3, url => $receiver->url('/order'));
is($order->{status}, 201, 'for one entity type');
is(subscribe(entityTypeID => 3)->{status}, 409, 'that one is taken');
my $quote = subscribe(entityTypeID => 1, url => $receiver->url('/quote'));
is($quote->{status}, 201, 'another is not');
is(subscribe()->{status}, 409, 'all of them would be taken twice');
$receiver->script($_, { body => qq({"success":true,"message":"$_"}) })
    for '/order', '/quote', '/any';
is(ask('{"entityTypeID":3}')->{json}{message}, '/order', 'the one asked');
is(ask('{"entityTypeID":1}')->{json}{message}, '/quote', 'the other');
is(ask('{"entityTypeID":2}')->{status}, 404, 'neither');
is(ask('{}')->{status}, 404, 'nor without a type');
unsubscribe($_->{json}{id}) for $order, $quote;

$r = subscribe(url => $receiver->url('/any'));
is($r->{status}, 201, 'for all entity types');
is(subscribe(entityTypeID => 3)->{status}, 409, 'each of them is claimed');
is(ask('{"entityTypeID":2}')->{json}{message}, '/any', 'asked for any');
is(ask('{}')->{json}{message}, '/any', 'and none');

# tenants

is(ask('{}', headers => { 'X-Tenant' => 'acme' })->{status}, 404,
   'another tenant has its own');
my $acme = subscribe(tenant => 'acme', url => $receiver->url('/order'));
is($acme->{status}, 201, 'and may have one');
is(ask('{}', headers => { 'X-Tenant' => 'acme' })->{json}{message}, '/order',
   'which is asked');
is(ask('{}')->{json}{message}, '/any', 'beside the first');
unsubscribe($r->{json}{id});

# the address

$r = subscribe(profile => 'strict', url => 'http://localtest.example/x');
is($r->{status}, 201, 'a name is resolved later');
normal(ask(), 'false', 50, 'NOTIFICATION_ADDRESS_REFUSED', 'and refused then');
unsubscribe($r->{json}{id});

# a loop

$r = subscribe(url => $nginx->url('/retail/sync/contact.search'),
               headers => {});
is($r->{status}, 201, 'a URL that leads back') or diag($r->{content});
$r = ask();
is($r->{status}, 508, 'is seen to') or diag($r->{content});
normal($r, 'false', 50, 'NOTIFICATION_LOOP', 'with a code');
is(ask(undef, headers => { 'X-Notify-Hops' => 5 })->{status}, 508,
   'five hops are enough');
unsubscribe(http(GET => "$api/subscriptions")->{json}[0]{id});

# B3: iframe

$r = subscribe(mode => 'iframe', url => 'http://127.0.0.1:8000/page?a=1',
               secret => 'iframe-secret-of-32-bytes-or-more');
is($r->{status}, 201, 'B3: an iframe subscription') or diag($r->{content});
$r = ask('{"entityTypeID":3,"entityID":"A 7&x"}',
         headers => {});
normal($r, 'true', 0, 'null', 'B3: is no call');
is($r->{json}{data}{mode}, 'iframe', 'but a page');
my ($url, $token) = $r->{json}{data}{url} =~ /^(.*)&token=(\S+)$/;
is($url, 'http://127.0.0.1:8000/page?a=1&eventType=contact.search'
   . '&entityTypeID=3&entityID=A%207%26x', 'with its parameters');
my ($head, $claims, $code) = split /\./, $token;
is(encode_base64url(hmac_sha256("$head.$claims",
                                'iframe-secret-of-32-bytes-or-more')), $code,
   'and a token signed with its secret');
$claims = from_json(decode_base64url($claims));
is($claims->{event}, 'contact.search', 'for the event');
is($claims->{entity}, 'A 7&x', 'and the entity');
is($claims->{tenant}, '', 'and the tenant');
cmp_ok($claims->{exp} - time, '<=', 300, 'for a short time');
cmp_ok($claims->{exp} - time, '>', 200, 'but long enough');

# B11: samples

is(http(POST => "$api/samples/contact.search")->{status}, 404,
   'samples are only where they are mounted');
my $sample = $nginx->url('/samples/contact.search');
$r = http(POST => $sample, json => { data => [1] });
normal($r, 'true', 0, 'null', 'B11: a sample says yes');
is_deeply($r->{json}{data}, [1], 'and gives the data back');
normal(http(POST => "$sample?success=false&errorCode=E%201"),
       'false', 40, 'E 1', 'or no');
normal(http(POST => "$sample?errorLevel=30"), 'true', 30, 'null', 'a level');
is(http(POST => "$sample?status=500")->{status}, 500, 'a status');
is(http(POST => "$sample?status=204")->{status}, 204, 'or 204');
my $start = time;
is(http(POST => "$sample?delay=1s")->{status}, 200, 'late');
cmp_ok(time - $start, '>=', 1, 'by a second');
is(http(POST => "$sample?$_")->{status}, 400, "$_ is refused")
    for 'success=maybe', 'status=99', 'delay=1d', 'errorLevel=x';
is(http(POST => $nginx->url('/samples/nothing'))->{status}, 404,
   'only for events of the catalogue');

unsubscribe(http(GET => "$api/subscriptions")->{json}[0]{id});
$r = subscribe(url => "$sample?errorLevel=20&errorCode=SAMPLE");
is($r->{status}, 201, 'B11: a sample can be subscribed');
normal(ask(), 'true', 20, 'SAMPLE', 'and asked');

# a client that leaves ends the call

unsubscribe($r->{json}{id});
$receiver->script('/sync', { hold => 1 });
subscribe();
http_raw($nginx->port, "POST /retail/sync/contact.search HTTP/1.1\r\n"
         . "Host: x\r\nContent-Length: 2\r\n\r\n{}", 0.3);
eventually { http(GET => "$api/health")->{status} == 200 } 'it lives';

$redis->stop;
is(ask()->{status}, 503, 'without Redis: 503');

finish();
