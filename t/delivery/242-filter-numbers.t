# Numbers in filters: compared by value, whatever their size, precision and
# way of writing, against what an event's data, ids and attributes have.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
notify_profile local { allow 127.0.0.0/8; }
notify_channel shop { profile local; attribute size; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

my $max = '9223372036854775807';
my $long = '1' . '0' x 400 . '1';

# the number of an event, and what is found at data.n
my %events = (
    1  => $max,
    2  => '9223372036854775808',
    3  => '18446744073709551615',
    4  => '18446744073709551616',
    5  => '1',
    6  => '1.0',
    7  => '10e-1',
    8  => '0.1e1',
    9  => '1.0000000000000000000000001',
    10 => '1e400',
    11 => '10e399',
    12 => '-0',
    13 => '0.0e9',
    14 => $long,
    15 => '1e-400',
    16 => '-9223372036854775809',
    17 => '0.1',
    18 => '0.1000000000000000055511151231257827',
    19 => '"1"',
    20 => '[1.00,2]',
    21 => '{"a":100e-2}',
    22 => '1e99999999999999',
);

# a filter as it is written, and the events that fulfil it
my @filters = (
    ['{"data.n":9223372036854775807}',                '1'],
    ['{"data.n":9223372036854775808}',                '2'],
    ['{"data.n":18446744073709551615}',               '3'],
    ['{"data.n":18446744073709551616}',               '4'],
    ['{"data.n":1.8446744073709551615e19}',           '3'],
    ['{"data.n":1}',                                  '5 6 7 8'],
    ['{"data.n":1.00}',                               '5 6 7 8'],
    ['{"data.n":{"$eq":1e0}}',                        '5 6 7 8'],
    ['{"data.n":{"$in":[100e-2,0]}}',                 '5 6 7 8 12 13'],
    ['{"data.n":1.0000000000000000000000001}',        '9'],
    ['{"data.n":{"$gt":1,"$lt":1.1}}',                '9'],
    ['{"data.n":1e400}',                              '10 11'],
    ['{"data.n":{"$gte":1e400}}',                     '10 11 14 22'],
    ['{"data.n":{"$gt":10e399}}',                     '14 22'],
    ['{"data.n":1' . '0' x 400 . '1}',                '14'],
    ['{"data.n":{"$gt":1e99999999999998}}',           '22'],
    ['{"data.n":0}',                                  '12 13'],
    ['{"data.n":{"$gt":0,"$lt":1e-300}}',             '15'],
    ['{"data.n":{"$lt":-9223372036854775808}}',       '16'],
    ['{"data.n":0.1}',                                '17'],
    ['{"data.n":[1,2.0]}',                            '20'],
    ['{"data.n":{"a":1}}',                            '21'],
    ['{"data.n.0":1e0}',                              '20'],
    ['{"data.n.*":1e0}',                              '20'],
    ['{"data.n":{"$contains":10e-1}}',                '20'],
    ['{"/data/n":18446744073709551616}',              '4'],
    ['{"size":18446744073709551615}',                 '3'],
    ['{"size":1}',                                    '5 6 7 8 19'],
    ['{"data.n":"1"}',                                '19'],
);

my $n = 0;
for (@filters) {
    my ($filter) = @$_;
    my $answer = http_served(
        POST => $nginx->url('/shop/subscriptions'),
        headers => { 'Content-Type' => 'application/json' },
        body => sprintf '{"url":"%s","event":"*","filter":%s}',
                        $receiver->url('/f' . ++$n), $filter);
    is($answer->{status}, 201, "taken: $filter") or diag($answer->{content});

    $answer = http(GET => $nginx->url('/shop/subscriptions/'
                                      . $answer->{json}{id}));
    ok(index($answer->{content}, qq("filter":$filter)) > 0,
       'and shown as it was written') or diag($answer->{content});
}

my @ids = sort { $a <=> $b } keys %events;
my $body = join ',', map {
    my $size = $events{$_} =~ /^[-\d.eE]+$/ ? qq(,"size":$events{$_})
             : $events{$_} eq '"1"' ? ',"size":"1"' : '';
    qq({"eventType":"a.b","entityID":$_,"data":{"n":$events{$_}}$size})
} @ids;
my $answer = http(POST => $nginx->url('/shop/events'), body => "[$body]",
                  headers => { 'Content-Type' => 'application/json' });
is($answer->{status}, 202, 'events are published') or diag($answer->{content});

sub got {
    return join ' ', sort { $a <=> $b }
                     map { $_->{body} =~ /"entityID":(\d+)/ }
                         $receiver->requests("/f$_[0]");
}

for (1 .. @filters) {
    my ($filter, $wanted) = @{ $filters[$_ - 1] };
    my $n = $_;
    eventually { got($n) eq $wanted } "$filter is fulfilled by $wanted"
        or diag(got($n));
}
is(got($_), $filters[$_ - 1][1], "$filters[$_ - 1][0]: by no other")
    for 1 .. @filters;


# what means nothing is refused, and read all the same where it is stored

for (['{"data.a":{}}', '/filter/data.a'],
     ['{"data.a":{"$not":{}}}', '/filter/data.a/$not'],
     ['{"data.a":{"$in":[]}}', '/filter/data.a/$in'],
     ['{"data.a":{"$nin":[]}}', '/filter/data.a/$nin'],
     ['{"$not":{}}', '/filter/$not'],
     ['{"$and":[{"data.a":1},{}]}', '/filter/$and/1'],
     ['{"$or":[{}]}', '/filter/$or/0'],
     ['{"$or":[]}', '/filter/$or'])
{
    my ($filter, $pointer) = @$_;
    my $answer = http(
        POST => $nginx->url('/shop/subscriptions'),
        headers => { 'Content-Type' => 'application/json' },
        body => qq({"url":"https://example.com/","event":"*",)
              . qq("filter":$filter}));
    is($answer->{status}, 422, "$filter is refused");
    is($answer->{json}{errors}[0]{pointer}, $pointer, 'by its place');
}

for my $filter ('{}', '{"data.a":[]}', '{"data.a":{"$eq":{}}}') {
    is(http(POST => $nginx->url('/shop/subscriptions'),
            headers => { 'Content-Type' => 'application/json' },
            body => qq({"url":"https://example.com/","event":"*",)
                  . qq("filter":$filter}))->{status}, 201,
       "$filter is taken");
}

finish();
