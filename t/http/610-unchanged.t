# unchanged: row B6: no event while the document is as it was last told.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_channel shop {
        event      document.validation;
        event      document.priced;
        event      document.sent;
        unchanged  document.validation document.sent key=$notify_entity_id;
        unchanged  document.priced key=$notify_entity_id value=$notify_customer_id;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /x/ { notify_tenant $arg_tenant optional; notify_api shop; }
        location /documents {
            notify_emit shop document.validation data=request
                        entity_id=$notify_body_id commit;
            proxy_pass http://127.0.0.1:%%PORT%%/app;
        }
        location /app { return 200; }
    }
END

sub publish {
    my ($text, $path) = @_;
    my $answer = http(POST => $nginx->url($path // '/shop/events'),
                      body => $text,
                      headers => { 'Content-Type' => 'application/json' });
    $answer->{status} == 202 || $answer->{status} == 200
        or diag($answer->{content});
    return $answer->{json};
}

sub event {
    my ($id, $data, $type, $path) = @_;
    my $event = publish('{"eventType":"' . ($type // 'document.validation')
                        . qq(","entityID":$id,"data":$data}), $path);
    return $event->{skipped} // 'logged';
}

sub length_of { return $redis->cli('XLEN', $redis->key('}:log')) }


is(event(1, '{"a":1,"b":[1.10,{"y":2,"x":1}],"c":"\u00e4\/"}'), 'logged',
   'the first one');
is(event(1, ' { "c" : "' . "\xc3\xa4" . '/", "b" : [1.10,{"x":1,"y":2}], "\u0061" : 1 }'),
   'unchanged', 'the same, written in another way');
is(publish('{"eventType":"document.validation","entityID":"1","data":'
           . '{"a":1,"b":[1.10,{"y":2,"x":1}],"c":"ä/"}}')->{id}, undef,
   'has no id');
is(event(1, '{"a":1,"b":[1.1,{"y":2,"x":1}],"c":"' . "\xc3\xa4" . '/"}'),
   'logged', 'a number is its text');
is(event(1, '{"a":1,"b":[1.10,{"y":2,"x":1}],"c":"\u00e4/"}'), 'logged',
   'only the last one counts');
is(event(2, '{"a":1,"b":[1.10,{"y":2,"x":1}],"c":"\u00e4/"}'), 'logged',
   'another key');
is(event(1, '[1,2]'), 'logged', 'another value');
is(event(1, '[2,1]'), 'logged', 'the order of an array matters');
is(event(1, 'null'), 'logged', 'null is a value');
is(event(1, '[]', 'document.sent'), 'logged', 'another event');
is(event(1, '[]', 'document.sent'), 'unchanged', 'has its own');
is(event(1, 'null', undef, '/x/events?tenant=t'), 'logged',
   'a tenant, too');
is(event(1, 'null', undef, '/x/events?tenant=t'), 'unchanged', 'has its own');

my $e = '{"eventType":"document.priced","entityID":1,"customerId":';
is(publish("$e\"a\",\"data\":1}")->{skipped}, undef, 'a value that is not data');
is(publish("$e\"a\",\"data\":2}")->{skipped}, 'unchanged', 'is compared');
is(publish("$e\"b\",\"data\":2}")->{skipped}, undef, 'and nothing else');


# many, keys

my $v = '{"eventType":"document.validation","entityID":7,"data":';
is(join(' ', map { $_->{skipped} // 'logged' }
             @{ publish("[${v}1},${v}1},${v}2},${v}1}]") }),
   'logged unchanged logged logged', 'in one call, too');
my $first = publish("${v}8,\"uid\":\"u\"}");
is(publish("${v}9}")->{skipped}, undef, 'another value follows');
is(publish("${v}8,\"uid\":\"u\"}")->{id}, $first->{id},
   'the same uid is the same event');
is(publish("${v}9}")->{skipped}, 'unchanged', 'and changes nothing');


# several workers at once

my $before = length_of();
my @children = map {
    my $n = $_;
    NotifyTest::spawn(sub { event(99, 1) for 1 .. 25 });
} 1 .. 4;
NotifyTest::reap($_, undef, 30) for @children;
is(length_of() - $before, 1, 'of many at once one is logged');


# the log forgets

event(5, 1);
is(event(5, 1), 'unchanged', 'the entry is there');
$redis->cli('XTRIM', $redis->key('}:log'), 'MAXLEN', 0);
is(event(5, 1), 'logged', 'what the log forgets is forgotten');


# from traffic

$before = length_of();
for my $document ({ id => 1, n => 1 }, { id => 1, n => 1 }, { id => 1, n => 2 },
                  { id => 2, n => 2 }) {
    is(http(POST => $nginx->url('/documents'), json => $document)->{status},
       200, 'the application answers');
}
is(length_of() - $before, 3, 'B6: only documents that changed');

finish();
