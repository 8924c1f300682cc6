# Problem documents: a type that leads to the README, the value that is wrong,
# what is wanted, in the words of the reader (findings L36).

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $dir = NotifyTest::test_dir();
spew("$dir/order.json", <<'END');
{"type": "object", "required": ["total"], "properties": {
    "total": {"type": "number"},
    "count": {"type": "integer"},
    "note": {"type": ["string", "null"]},
    "paid": {"type": "boolean"},
    "any": {"type": ["object", "array", "number"]},
    "state": {"enum": ["open", "closed", 7]},
    "kind": {"const": "order"},
    "many": {"enum": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                      "cccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                      "dddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
                      "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"]}
}}
END
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<"END");
notify_channel shop {
    event        order.paid schema=$dir/order.json;
    event        order.asked sync;
    entity_type  order 1 Small;
}
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location /partner/ { notify_tenant acme; notify_api shop; }
}
END

sub req {
    my ($method, $path, %option) = @_;
    return http_served($method => $nginx->url($path), %option);
}

my $readme = slurp("$NotifyTest::TOP/README.md");

sub problem {
    my ($name, $code, $answer) = @_;
    is($answer->{json}{code}, $code, "$name: $code")
        or diag($answer->{content});
    is($answer->{json}{type}, "README.md#$code", "$name: its type");
    return $answer->{json};
}


# each code is in the README, under its own anchor

my %codes = map { $_ => 1 } qw(not_authentic in_progress unavailable);
for my $path (glob "$NotifyTest::TOP/src/*/*.c") {
    my $text = slurp($path);
    while ($text =~ /api_problem(?:_extra)?\(\s*[\w>-]+,([^;]*?);/sg) {
        my ($arguments) = $1;
        $codes{$1} = 1
            if $arguments =~ /^[^"]*"([a-z]+(?:_[a-z]+)+|disabled|unreadable)"/s;
    }
}
cmp_ok(scalar keys %codes, '>', 30, 'the codes of the source are found');
like($readme, qr/^\| <a id="$_"><\/a>`$_` \|/m, "README.md has $_")
    for sort keys %codes;


# events: which one is wrong, and where the list is

my $no_event = '"order.payd" is not an event of this channel, '
             . 'event-types lists them: order.paid, order.asked';
my $json = problem('an event that is none', 'invalid_members',
                   req(POST => '/shop/events',
                       json => { eventType => 'order.payd' }));
is($json->{errors}[0]{detail}, $no_event, 'which, and where there is a list');
is($json->{errors}[0]{pointer}, '/eventType', 'of which member');
$json = problem('a subscription to it', 'invalid_members',
                req(POST => '/shop/subscriptions', json => {
                    url => 'https://a.test/', event => 'order.payd' }));
is($json->{errors}[0]{detail}, $no_event, 'the same is said');
$json = problem('an object and an event', 'invalid_members',
                req(POST => '/shop/subscriptions', json => {
                    url => 'https://a.test/', objectType => 'order',
                    eventType => 'payd' }));
is($json->{errors}[0]{detail}, $no_event, 'the whole name is said');
$json = problem('a question about it', 'not_found',
                req(POST => '/shop/sync/order.payd', json => {}));
is($json->{detail}, $no_event, 'is answered in the same words');
$json = problem('an entity type that is none', 'invalid_members',
                req(POST => '/shop/events', json => {
                    eventType => 'order.paid', entityType => 'Huge',
                    data => { total => 1 } }));
is($json->{errors}[0]{detail}, '"Huge" is not an entity type of order.paid: Small',
   'which, and of what');


# data: what it must be, and is not

sub unlike_schema {
    my ($data, $pointer, $detail) = @_;
    my $problem = problem(to_json($data), 'invalid_members',
                          req(POST => '/shop/events', json => {
                              eventType => 'order.paid', data => $data }));
    is("$problem->{errors}[0]{pointer} $problem->{errors}[0]{detail}",
       "$pointer $detail", $detail);
}

my ($true, $false) = (JSON::PP::true, JSON::PP::false);
unlike_schema({ total => 'x' }, '/data/total',
              'must be a number, not a string');
unlike_schema({ total => 1, count => 1.5 }, '/data/count',
              'must be a whole number, not a number');
unlike_schema({ total => 1, note => 7 }, '/data/note',
              'must be a string or null, not a number');
unlike_schema({ total => 1, paid => 'yes' }, '/data/paid',
              'must be true or false, not a string');
unlike_schema({ total => 1, any => $true }, '/data/any',
              'must be an object, an array or a number, not true or false');
unlike_schema([], '/data', 'must be an object, not an array');
unlike_schema(undef, '/data', 'must be an object, not null');
unlike_schema({ total => 1, state => 'opened' }, '/data/state',
              'must be one of "open", "closed", 7');
unlike_schema({ total => 1, kind => 'offer' }, '/data/kind',
              'must be "order"');
unlike_schema({ total => 1, many => 'x' }, '/data/many', 'must be one of '
              . join(', ', map { '"' . $_ x 56 . '"' } qw(a b))
              . ', ...');
unlike_schema({}, '/data/total', 'is required');


# URLs: the operator hears of the directive, a partner does not

for my $case (['http://10.0.0.1/', 'address 10.0.0.1 is in 10.0.0.0/8, not '
                                   . 'allowed', '("allow" in the profile)'],
              ['http://localhost/', 'the host of the URL is a reserved name',
               '(use an address in its place, and "allow" in the profile)'],
              ['http://a.test:25/', 'port 25 is not allowed',
               '("ports" in the profile)'])
{
    my ($url, $words, $hint) = @$case;

    for my $place (['/shop', "$words $hint"], ['/partner', $words]) {
        my ($path, $detail) = @$place;
        $json = problem("$url at $path", 'invalid_members',
                        req(POST => "$path/subscriptions", json => {
                            url => $url, event => 'order.paid' }));
        is($json->{errors}[0]{detail}, "is not acceptable: $detail",
           "$path: $detail");
    }
}

finish();
