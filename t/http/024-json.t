# Which JSON an event's data may be: any text of RFC 8259, byte by byte, up to
# limits that are the same for one event, for many, and for captured traffic.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_body_size 8m;
    notify_channel shop { event order.made; attribute title; }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 80m;
        client_body_buffer_size 80m;
        location /shop/ { notify_api shop; }
        location /app {
            proxy_pass http://127.0.0.1:%%PORT%%/silent;
            notify_emit shop order.made data=request id=$arg_id commit;
        }
        location /silent { return 204; }
    }
END

my $url = $nginx->url('/shop/events');
eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 };

sub event { return qq({"eventType":"order.made","uid":"$_[0]","data":$_[1]}) }
sub post {
    my ($body, $type) = @_;
    return http(POST => $url, body => $body, headers => {
        'Content-Type' => $type // 'application/json' });
}
sub holds {
    my ($uid, $data) = @_;
    my $answer = http(GET => "$url/$uid");
    return index($answer->{content}, qq("data":$data)) >= 0
        || diag(substr $answer->{content}, 0, 400) && 0;
}

my $n = 0;

# in each way that an event comes in
sub taken {
    my ($title, $data) = @_;
    my @ways = map { ++$n; "u-$n" } 1 .. 4;

    my $answer = post(event($ways[0], $data));
    is($answer->{status}, 202, "$title: published")
        or diag($answer->{content});
    $answer = post('[' . event($ways[1], $data) . ']');
    is($answer->{status}, 202, "$title: published in an array")
        or diag($answer->{content});
    $answer = post(event($ways[2], $data) . "\n", 'application/x-ndjson');
    is($answer->{status}, 202, "$title: published in a line")
        or diag($answer->{content});
    $answer = http(POST => $nginx->url("/app?id=$ways[3]"), body => $data);
    is($answer->{status}, 204, "$title: captured");

    ok(holds($_, $data), "$title: kept byte by byte") for @ways;
}

sub refused {
    my ($title, $data, $why) = @_;
    my @bodies = ([event('no', $data)], ['[' . event('no', $data) . ']'],
                  [event('no', $data), 'application/x-ndjson']);

    for (@bodies) {
        my $answer = post(@$_);
        is($answer->{status}, 400, "$title is refused");
        like($answer->{json}{detail}, $why, "$title: says why");
    }
}

sub deep { return '[' x $_[0] . ']' x $_[0] }


# limits

taken('33 levels', deep(33));
taken('512 levels', deep(512));
taken('512 levels of objects', '{"a":' x 511 . '[1]' . '}' x 511);
refused('a 513th level', deep(513), qr/nested more than 512 levels deep/);
taken('100,001 numbers', '[' . join(',', (7) x 100_001) . ']');

my $data = '[' . join(',', 1 .. 98) . ']';
my $answer = post('[' . join(',', map { event("many-$_", $data) } 1 .. 1000)
                  . ']');
is($answer->{status}, 202, 'an array of 1,000 events of 98 values is taken');
is(scalar @{ $answer->{json} // [] }, 1000, 'all of it');

$answer = post(event('no', '"' . 'x' x (64 * 1024 * 1024) . '"'));
is($answer->{status}, 413, 'a text of more than 64 MB is too large');
like($answer->{json}{detail}, qr/larger than 67108864 bytes/,
     'the answer names the limit');


# halves of surrogate pairs

taken('half of a pair', '{"title":"cut \ud83d"}');
taken('the other half, as a name', '{"\uDE00":1,"\ude01":2}');
taken('halves in the wrong order', '["\ude00\ud83d","\ud83dx","\ud83d\u0041"]');
taken('half of a pair before an escape', '["\ud83d\n","\ud83d\\\\"]');

is(post(event('twice', '{"\ud83d":1,"\uD83D":2}'))->{status}, 400,
   'a name that is half of a pair is the same in either case');

$answer = post('{"eventType":"order.made","uid":"a","title":"cut \ud83d"}');
is($answer->{status}, 202, 'an attribute may be cut, too');
like(http(GET => "$url/a")->{content}, qr/"cut \\ud83d"/, 'and is shown so');

$answer = http(POST => $nginx->url('/shop/subscriptions'),
    body => '{"url":"https://example.com/","event":"order.made",'
          . '"name":"cut \ud83d","title":"\ude00"}',
    headers => { 'Content-Type' => 'application/json' });
is($answer->{status}, 201, 'so may the name of a subscription')
    or diag($answer->{content});
like(http(GET => $nginx->url('/shop/subscriptions'))->{content},
     qr/"name":"cut \\ud83d"/, 'and is shown so');


# numbers

taken('numbers of any size', '[18446744073709551615,1e400,-1E-400,1.10,0e5,'
      . '9223372036854775808,' . '9' x 2000 . ',-0]');
taken('a name with a NUL', '{"\u0000":1,"a\u0000b":2}');


# what cannot be captured is not null without a word

for (['no JSON', 'a=b', qr/a value is expected/],
     ['a 513th level', deep(513), qr/nested more than 512 levels deep/],
     ['a body over notify_body_size', '"' . 'x' x 9_000_000 . '"',
      qr/is longer than notify_body_size/])
{
    my ($title, $body, $why) = @$_;
    ++$n;
    my $stats = http(GET => $nginx->url('/shop/stats'))->{json};
    http(POST => $nginx->url("/app?id=v-$n"), body => $body);
    ok(holds("v-$n", 'null'), "$title: the event is captured, with null");
    is(http(GET => $nginx->url('/shop/stats'))->{json}{counters}{unread},
       $stats->{counters}{unread} + 1, "$title: it is counted");
    like($nginx->log, qr/\[warn\][^\n]*"order.made" has no data: [^\n]*$why/,
         "$title: the log says why");
}

finish();
