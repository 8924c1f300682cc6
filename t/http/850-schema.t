# event NAME schema=FILE: what data an event may have, judged beside ajv.

use strict;
use warnings;

use IPC::Run ();
use Test::More;
use NotifyTest;

# a schema, and data that are and are not as it says; ajv is asked of all
my @cases = map { chomp; /\S/ && !/^#/ ? [ split /\s*\|\s*/ ] : () }
            split /^/, <<'END';
true | 1 | null | {"a":[]}
false | 1 | null | {}
{} | 1 | "x"
{"type":"null"} | null | 0 | "" | false
{"type":"boolean"} | true | false | 0 | "true"
{"type":"integer"} | 1 | -1 | 0 | 1.0 | 1e2 | 1.5 | 1e-1 | 10e-1 | "1" | 0.0 | -0.0
{"type":"number"} | 1 | 1.5 | -2e10 | "1" | null
{"type":"string"} | "" | "a" | 1
{"type":"object"} | {} | [] | null
{"type":"array"} | [] | [1] | {}
{"type":["string","null"]} | null | "x" | 1
{"type":["integer","array"]} | 2 | [] | 2.5 | {}
{"enum":[1,"a",null,[1,2],{"a":1,"b":[]}]} | 1 | 1.0 | "a" | null | [1,2] | [2,1] | [1] | {"b":[],"a":1.0} | {"a":1} | {"a":1,"b":[],"c":1} | true
{"const":{"a":[true,{"b":"\u00e9"}]}} | {"a":[true,{"b":"é"}]} | {"a":[true,{"b":"e"}]} | {"\u0061":[true,{"b":"é"}]}
{"const":100} | 1e2 | 100.0 | 1.00e+2 | 10 | "100"
{"const":"a/b"} | "a\/b" | "a"
{"const":1,"enum":[1,2]} | 1 | 2
{"properties":{"a":{"type":"string"}}} | {} | {"a":"x"} | {"a":1} | 5 | []
{"properties":{"a":false}} | {} | {"a":1}
{"properties":{"a/b~c":{"type":"null"},"\u00e9":{"type":"null"}}} | {"a/b~c":null} | {"a/b~c":1} | {"é":1} | {"é":null}
{"required":["a","b"]} | {"a":1,"b":2} | {"a":1} | {} | {"A":1,"b":1} | 1
{"additionalProperties":false} | {} | {"a":1}
{"properties":{"a":true},"additionalProperties":false} | {"a":1} | {"a":1,"b":1}
{"properties":{"a":true},"additionalProperties":{"type":"integer"}} | {"a":"x","b":1} | {"b":"x"}
{"items":{"type":"integer"}} | [] | [1,2] | [1,"2"] | "x" | {}
{"items":false} | [] | [1]
{"items":{"items":{"minimum":3}}} | [[3],[4,5]] | [[3],[2]] | [[]]
{"minItems":1,"maxItems":2} | [] | [1] | [1,2] | [1,2,3] | "abc"
{"minLength":2,"maxLength":3} | "a" | "ab" | "abc" | "abcd" | "éé" | "é" | "\ud83d\ude00" | "\ud83d\ude00a" | "a\u0000" | 7
{"pattern":"^[a-c]+$"} | "abc" | "abd" | "" | 3
{"pattern":"b"} | "abc" | "ac"
{"pattern":"^.$"} | "é" | "\ud83d\ude00" | "ab" | "a"
{"pattern":"^\\d{3}-\\d{2}$"} | "123-45" | "123-4"
{"minimum":1.5} | 1.5 | 1.50 | 1.49 | 2 | -2 | 15e-1 | "1"
{"minimum":-1} | -1 | -1.0 | -1.01 | -0.5 | 0 | -10 | -1e-5
{"maximum":10} | 10 | 1e1 | 10.0001 | 9 | 11 | 1e2 | -100 | 0.1e2 | 100e-1
{"maximum":-5} | -5 | -4 | -6 | 0 | -50
{"maximum":0} | 0 | -0 | 0.0 | 0e5 | 1e-9 | -1e-9
{"exclusiveMinimum":0} | 0 | 0.00 | 1e-30 | -1 | 1
{"exclusiveMaximum":1e3} | 999 | 1000 | 999.999 | 1000.0 | 1001
{"minimum":0.001,"maximum":0.01} | 0.001 | 0.0009 | 0.01 | 0.011 | 1e-3 | 1e-2 | 0.0050
{"allOf":[{"type":"integer"},{"minimum":2}]} | 2 | 1 | 2.5 | "2"
{"anyOf":[{"type":"string"},{"minimum":2}]} | "a" | 3 | 1 | null
{"oneOf":[{"type":"integer"},{"minimum":2}]} | 1 | 2.5 | 3 | 1.5 | "x"
{"not":{"type":"string"}} | 1 | "x"
{"not":{"not":{"required":["a"]}}} | {"a":1} | {}
{"anyOf":[{"properties":{"k":{"const":"a"}},"required":["k","x"]},{"properties":{"k":{"const":"b"}},"required":["k"]}]} | {"k":"a","x":1} | {"k":"a"} | {"k":"b"} | {"k":"c","x":1} | {}
{"allOf":[{"anyOf":[{"not":{"oneOf":[true,true]}}]}]} | 1 | null
{"title":"t","description":"d","$schema":"https://json-schema.org/draft/2020-12/schema","$comment":"c","default":1,"examples":[2],"type":"integer"} | 1 | "x"
{"type":"object","properties":{"total":{"type":"number","minimum":0},"lines":{"type":"array","minItems":1,"items":{"type":"object","required":["sku"],"properties":{"sku":{"type":"string","pattern":"^[A-Z]+-[0-9]+$"},"n":{"type":"integer","exclusiveMinimum":0}},"additionalProperties":false}}},"required":["total","lines"]} | {"total":1.5,"lines":[{"sku":"A-1","n":1}]} | {"total":-1,"lines":[{"sku":"A-1"}]} | {"total":1,"lines":[]} | {"total":1,"lines":[{"sku":"a"}]} | {"total":1,"lines":[{"sku":"A-1","x":1}]} | {"lines":[{"sku":"A-1"}]} | {"total":1,"lines":[{"sku":"A-1","n":0}]}
END

# numbers that no floating point holds: ajv is not asked
my @exact = map { chomp; [ split /\s*\|\s*/ ] } split /^/, <<'END';
{"const":9007199254740993} | +9007199254740993 | -9007199254740992 | +9007199254740993.0 | -9007199254740993.1
{"maximum":9007199254740992} | -9007199254740993 | +9007199254740992 | -9007199254740992.0000001
{"minimum":0.1} | -0.09999999999999999999999999999 | +0.1000000000000000000000000000001
{"maximum":1e300} | -1e400 | +-1e400 | +1e-400
{"exclusiveMinimum":0} | +1e-99999999999999999999 | -0e99999999999999999999
{"type":"integer"} | +1e400 | +123456789012345678901234567890 | -1e-400 | -1234567890123456789012345.5
END

my $redis = NotifyTest::Redis->new;
my $dir = NotifyTest::test_dir();

sub schema {
    my ($name, $text) = @_;
    NotifyTest::spew("$dir/$name.json", $text);
    return "$dir/$name.json";
}

my $events = join '', map {
    my $file = schema("case$_", $cases[$_][0]);
    "        event case$_ schema=$file;\n";
} 0 .. $#cases;
$events .= join '', map {
    my $file = schema("exact$_", $exact[$_][0]);
    "        event exact$_ schema=$file;\n";
} 0 .. $#exact;
my $order = schema(order => $cases[-1][0]);

my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<"END");
    notify_channel table {
$events    }
    notify_channel shop { event order.paid schema=$order; event free; }

    server {
        listen 127.0.0.1:%%PORT%%;
        location /table/ { notify_api table; }
        location /shop/ { notify_api shop; }
        location /order {
            notify_emit shop order.paid data=request on=request;
            notify_api shop health;
        }
        location /emit {
            notify_emit shop order.paid data=request;
            proxy_pass http://127.0.0.1:%%PORT%%/backend;
        }
        location /backend { return 200 ok; }
    }
END

sub publish {
    my ($channel, $type, $data) = @_;
    return http(POST => $nginx->url("/$channel/events"),
                body => qq({"eventType":"$type","data":$data}),
                headers => { 'Content-Type' => 'application/json' });
}

sub verdict {
    my $status = publish(@_)->{status};
    return $status == 202 ? 'true' : $status == 422 ? 'false' : $status;
}


# the table

my $input = '';
for my $case (@cases) {
    my ($schema, @data) = @$case;
    utf8::decode(my $text = $schema);
    for (@data) {
        utf8::decode(my $one = $_);
        $input .= to_json({ schema => $text, data => $one }) . "\n";
    }
}
IPC::Run::run(['node', "$NotifyTest::TOP/t/clients/schema.js"], '<', \$input,
              '>', \my $said) or die "node failed\n";
my @said = split /\n/, $said;

for my $i (0 .. $#cases) {
    my ($schema, @data) = @{ $cases[$i] };
    for my $data (@data) {
        is(verdict(table => "case$i", $data), shift @said,
           "ajv says so of $data: $schema");
    }
}
is(scalar @said, 0, 'ajv was asked as often');

for my $i (0 .. $#exact) {
    my ($schema, @data) = @{ $exact[$i] };
    for (@data) {
        my ($sign, $data) = /^([+-])(.*)/;
        is(verdict(table => "exact$i", $data),
           $sign eq '+' ? 'true' : 'false', "$data by its digits: $schema");
    }
}


# what is said

my $answer = publish(shop => 'order.paid',
                     '{"total":-1,"lines":[{"sku":"A-1"},{"sku":"x","z/z":1}]}');
is($answer->{status}, 422, 'data that are not as they must be are refused');
is_deeply([ map { $_->{pointer} } @{ $answer->{json}{errors} } ],
          [qw(/data/total /data/lines/1/sku /data/lines/1/z~1z)],
          'each place is pointed to');
like($answer->{json}{errors}[0]{detail}, qr/less than 0/, 'and why is said');
is(publish(shop => 'order.paid', 'null')->{status}, 422,
   'an event without data has null');
is(publish(shop => 'free', '1')->{status}, 202,
   'an event without schema takes any');
$answer = http(POST => $nginx->url('/shop/events'), json => [
    { eventType => 'free' }, { eventType => 'order.paid', data => {} } ]);
is($answer->{status}, 422, 'of many, one that is not is enough');
is_deeply([ map { $_->{pointer} } @{ $answer->{json}{errors} } ],
          [qw(/1/data/total /1/data/lines)], 'it is pointed to by its number');

my $types = http(GET => $nginx->url('/shop/event-types'))->{json};
is_deeply($types->[0]{schema}, from_json($cases[-1][0]),
          'event-types shows the schema');
ok(!exists $types->[1]{schema}, 'where there is one');
my $document = http(GET => $nginx->url('/shop/openapi.json'))->{json};
is_deeply($document->{components}{schemas}{'data.order.paid'},
          from_json($cases[-1][0]), 'so does openapi.json');
is($document->{webhooks}{'order.paid'}{post}{requestBody}{content}
       {'application/json'}{schema}{allOf}[1]{properties}{data}{'$ref'},
   '#/components/schemas/data.order.paid', 'in the call');
IPC::Run::run(['node', "$NotifyTest::TOP/t/clients/openapi.js"], '<',
              \to_json($document), '>', \my $valid);
is($valid, "ok\n", 'which is valid');


# emitted events

sub stat_of { return http(GET => $nginx->url('/shop/stats'))
                  ->{json}{counters}{$_[0]} }

my ($published, $refused) = map { stat_of($_) } qw(published refused);
for my $data ('{"total":1,"lines":[]}', '{"total":1,"lines":[{"sku":"A-1"}]}') {
    $answer = http(POST => $nginx->url('/emit'), body => $data,
                   headers => { 'Content-Type' => 'application/json' });
    is($answer->{status}, 200, 'the client is not concerned');
}
eventually { stat_of('published') == $published + 1 } 'what is right is emitted';
is(stat_of('refused'), $refused + 1, 'what is not is dropped, and counted');


# configurations that are refused

sub refused {
    my ($title, $text, $pattern) = @_;
    my $file = ref $text ? $$text : schema(bad => $text);
    my $bad = NotifyTest::Nginx->new(start => 0, http => <<"END");
    notify_channel c {
        event a schema=$file;
    }
END
    my ($said, $ok) = $bad->check;
    ok(!$ok, "$title is refused");
    like($said, qr/$pattern/, "$title: it is said where and why");
    like($said, qr/nginx\.conf:\d+/, "$title: with the line of the event");
}

refused('what is no JSON', "{\n\n}}", 'bad\.json", line 3: ');
refused('what is no schema', '3', 'line 1: a schema must be');
refused('an unknown keyword', qq({\n"type":"string",\n"format":"uri"}),
        'line 3: unsupported keyword "format"');
refused('a reference', '{"$ref":"#"}', 'unsupported keyword "\$ref"');
refused('one in the depth', '{"items":{"not":{"uniqueItems":true}}}',
        'unsupported keyword "uniqueItems"');
refused('an unknown type', '{"type":"float"}', 'not a type');
refused('no types', '{"type":[]}', 'empty');
refused('an enum that is no list', '{"enum":1}', '"enum" must be');
refused('an empty enum', '{"enum":[]}', '"enum" must be');
refused('properties that are none', '{"properties":[]}', '"properties" must');
refused('a name that is none', '{"required":[1]}', '"required" must');
refused('no alternatives', '{"anyOf":[]}', 'must be arrays');
refused('a count below zero', '{"minItems":-1}', 'not a number of things');
refused('a bound that is text', '{"minimum":"1"}', 'not a number');
refused('a pattern that is none', '{"pattern":"("}', 'line 1: ');
refused('a member twice', '{"type":"null","type":"null"}', 'twice');
refused('what is too deep', '{"not":' x 18 . 'true' . '}' x 18,
        'more than \d+ schemas, or 16');
refused('a file that is not there', \'/nowhere/at/all.json',
        'open\(\) "/nowhere/at/all.json" failed');
refused('a folder', \$dir, 'is no file');

finish();
