# Patterns that a value can make expensive: what a match may cost is bounded,
# by the length of the value; the answer says so, and the log says nothing.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, start => 0,
                                   allow => qr/pcre2?_compile/,
                                   http => <<'END');
    notify_channel shop {
        event      order.made schema=%%DIR%%/schema.json;
        event      order.sent;
        attribute  slow   "pattern=^(a+)+$";
        attribute  found  "pattern=b|c(?=d)";
        attribute  word   "pattern=(?i)^[a-z]+(-[a-z]+)*$";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 4m;
        location /shop/ { notify_api shop; }
    }
END
NotifyTest::spew($nginx->dir . '/schema.json', to_json({
    properties => {
        slow => { pattern => '^(a+)+$' }, found => { pattern => 'needle' },
        many => { items => { pattern => '(x+x+)+[yz]' } },
        word => { pattern => '^.{1,2} .{2}$' },
    },
}));
$nginx->start;

sub publish { return http_served(POST => $nginx->url('/shop/events'),
                                 json => { eventType => 'order.sent', @_ }) }
sub data { return publish(eventType => 'order.made', data => { @_ }) }

sub refused {
    my ($answer, $why, $title) = @_;
    is($answer->{status}, 422, "$title is refused");
    like($answer->{json}{errors}[0]{detail}, $why, "$title: and why");
}
sub taken {
    my ($answer, $title) = @_;
    is($answer->{status}, 202, "$title is taken") or diag($answer->{content});
}

my $long = 'takes too long to be matched';

taken(publish(slow => 'a' x 500), 'what matches at once');
refused(publish(slow => 'b'), qr/does not match/, 'what does not match');
refused(publish(slow => ('a' x $_) . '!'), qr/$long/, "a slow one of $_")
    for 24, 60, 200, 511;
taken(publish(found => 'x' x 300 . $_), "a match at the end: $_")
    for 'b', 'cd';
refused(publish(found => 'x' x 300 . 'c'), qr/does not match/, 'none');
taken(publish(word => 'Ab-' x 100 . 'z'), 'many groups');
refused(publish(word => 'Ab-' x 100), qr/does not match/, 'a dash at the end');

taken(data(slow => 'a' x 100_000), 'a long text that matches at once');
refused(data(slow => 'a' x 100_000 . '!'), qr/$long/, 'a long and slow one');
taken(data(found => 'hay ' x 60_000 . 'needle'), 'a needle at the end');
refused(data(found => 'hay ' x 60_000), qr/does not match/, 'hay');
refused(data(found => 'hay ' x 300_000), qr/$long/, 'more than 1 MB');
taken(data(word => "\x{e9}a \x{20ac}\x{1f600}"), 'characters, not bytes');

my $answer = http(POST => $nginx->url('/shop/events'),
    headers => { 'Content-Type' => 'application/json' },
    body => '{"eventType":"order.made",'
          . '"data":{"word":"a \ud83d\ude00\ud83d"}}');
taken($answer, 'half of a surrogate pair is a character');

my $start = time;
refused(data(many => [('x' x 40) x 200]), qr/$long/, 'many slow ones');
cmp_ok(time - $start, '<', 2 * ($ENV{NOTIFY_TEST_SLOW} // 1),
       'in a bounded time');

unlike($nginx->log, qr/\[alert\]|ngx_pcre_exec|pcre2_match/,
       'nothing of it is in the log');

for my $pattern ('(', 'a)(b', '[z-a]', '(?<n') {
    $nginx->write_conf(http =>
        qq(notify_channel shop {\nattribute a "pattern=$pattern";\n}));
    my ($text, $ok) = $nginx->check;
    ok(!$ok, "$pattern is refused");
    like($text, qr/\[emerg\].* in "\Q$pattern\E".*nginx\.conf:\d+/,
         'in the words that it was written in');
}

finish();
