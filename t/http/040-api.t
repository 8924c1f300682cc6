# notify_api itself: paths, methods, the small resources, Redis away.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(
    scripts => { '/hold' => [{ hold => 1 }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_channel shop {
        event document.validation alias=document.check;
        event contact.search sync iframe;
        event workflow.validation off;
    }
    notify_profile loose { allow 127.0.0.0/8; }
    notify_channel open { profile loose; }

    log_format id '$status $request_id';

    server {
        listen 127.0.0.1:%%PORT%%;
        access_log %%DIR%%/logs/id.log id;
        location /shop/ { notify_api shop; }
        location /open  { notify_api open; }
        location = /health { notify_api shop health; }
        location /sub { auth_request /shop/health; return 200 ok; }
        location /nested/ {
            notify_tenant "a";
            location /nested/shop/ { notify_api shop; }
        }
    }
END

eventually { http(GET => $nginx->url('/health'))->{status} == 200 };

sub status { return http($_[0] => $nginx->url($_[1]))->{status} }


# paths and methods

is(status(GET => '/shop/subscriptions'), 200, 'a resource is below its location');
is(status(GET => '/open/subscriptions'), 200, 'a location may end without a slash');
is(status(GET => '/shop//subscriptions/'), 200, 'slashes are tolerated');
is(status(GET => '/openX/subscriptions'), 404, 'a longer name is not it');
is(status(GET => '/shop/'), 404, 'the location itself is nothing');
is(status(GET => '/shop/Subscriptions'), 404, 'names of resources have a case');
is(status(GET => '/shop/nothing'), 404, 'an unknown resource is not found');
is(status(GET => '/shop/health/x'), 404, 'nor is what is below a small one');
is(status(GET => '/shop/subscriptions/a%00b'), 400, 'a NUL is no path');
is(status(GET => '/shop/subscriptions/%ff'), 404, 'what is no UTF-8 is no id');
is(status(GET => '/health'), 200, 'a resource may be one location');
is(status(GET => '/nested/shop/subscriptions'), 200,
   'a tenant is inherited by inner locations');

for my $case (['OPTIONS', '/shop/subscriptions', 'GET, HEAD, POST'],
              ['FOO', '/shop/subscriptions', 'GET, HEAD, POST'],
              ['POST', '/shop/subscriptions/x',
               'GET, HEAD, PUT, PATCH, DELETE'],
              ['GET', '/shop/subscriptions/x/test', 'POST'],
              ['DELETE', '/shop/events', 'GET, HEAD, POST'],
              ['PUT', '/shop/health', 'GET, HEAD'])
{
    my ($method, $path, $allow) = @$case;
    my $answer = http($method => $nginx->url($path));
    is($answer->{status}, 405, "$method $path is not allowed");
    is($answer->{headers}{allow}, $allow, "$method $path: Allow has $allow");
}

my $answer = http(HEAD => $nginx->url('/shop/event-types'));
is($answer->{status}, 200, 'HEAD is GET');
is($answer->{content} // '', '', 'without a body');
cmp_ok($answer->{headers}{'content-length'}, '>', 2, 'but with its length');

$answer = http(GET => $nginx->url('/shop/nothing'));
eventually { NotifyTest::slurp($nginx->dir . '/logs/id.log')
             =~ /^404 \Q$answer->{json}{request_id}\E$/m }
           'the request id of a problem is that of the access log';
is_deeply([ sort keys %{ $answer->{json} } ],
          [qw(code detail request_id status title type)],
          'a problem has its members');

$answer = http_raw($nginx->port,
    "POST /shop/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    . "GET /shop/event-types HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
like($answer, qr/^HTTP\/1.1 404 .*HTTP\/1.1 200 /s,
     'a body that nobody wants does not spoil the connection');
is(status(GET => '/sub'), 200, 'it can be asked by a subrequest');


# the small resources

is_deeply(http(GET => $nginx->url('/shop/event-types'))->{json}, [
    { name => 'document.validation', sync => JSON::PP::false,
      iframe => JSON::PP::false, off => JSON::PP::false, own => JSON::PP::false,
      aliases => ['document.check'] },
    { name => 'contact.search', sync => JSON::PP::true,
      iframe => JSON::PP::true, off => JSON::PP::false, own => JSON::PP::false,
      aliases => [] },
    { name => 'workflow.validation', sync => JSON::PP::false,
      iframe => JSON::PP::false, off => JSON::PP::true, own => JSON::PP::false,
      aliases => [] },
], 'event-types is the catalogue');
is(http(GET => $nginx->url('/open/event-types'))->{json}[0]{name}, '*',
   'without one it is a star');
is(http(GET => $nginx->url('/shop/health'))->{json}{status}, 'ok',
   'health is ok');

http(POST => $nginx->url('/open/events'), json => { eventType => 'a' });
http(POST => $nginx->url('/open/events'), json => { eventType => ' ' });
$answer = http(GET => $nginx->url('/open/stats'));
is($answer->{json}{events}, 1, 'stats has the length of the log');
is($answer->{json}{counters}{published}, 1, 'what was published');
is($answer->{json}{counters}{refused}, 1, 'and what was refused');


# clients that leave

$answer = http(POST => $nginx->url('/open/subscriptions'), json => {
    url => $receiver->url('/hold'), event => 'never' });
my $test = "/open/subscriptions/$answer->{json}{id}/test";
my $began = time;
http_raw($nginx->port, "POST $test HTTP/1.1\r\nHost: a\r\n"
         . "Content-Length: 0\r\n\r\n", 0.5);
eventually { $receiver->count('/hold') } 'a test reaches the receiver';
eventually { NotifyTest::slurp($nginx->dir . '/logs/id.log') =~ /^499 /m }
    'it ends with the client that asked for it';
cmp_ok(time - $began, '<', 9, 'not with its own timeout');

kill STOP => $redis->pid;
for my $path (qw(/shop/subscriptions /shop/deltas /shop/events/x /shop/health
                 /shop/stats))
{
    http_raw($nginx->port, "GET $path HTTP/1.1\r\nHost: a\r\n\r\n", 0.05);
}
http_raw($nginx->port, "POST /open/events HTTP/1.1\r\nHost: a\r\n"
         . "Content-Length: 17\r\n\r\n{\"eventType\":\"b\"}", 0.05);
kill CONT => $redis->pid;
eventually { http(GET => $nginx->url('/open/deltas'))->{content} =~ /"b"/ }
    'a publish is done when its client has left';
is(status(GET => '/shop/health'), 200, 'and all is well');


# Redis away

$redis->stop;
eventually { status(GET => '/shop/health') == 503 } 'health says when not';

for my $case (['GET', '/shop/subscriptions'], ['GET', '/shop/deltas'],
              ['DELETE', '/shop/subscriptions/x'], ['GET', '/shop/events/x'],
              ['GET', '/shop/stats'])
{
    $answer = http($case->[0] => $nginx->url($case->[1]));
    is($answer->{status}, 503, "@$case: unavailable");
    ok($answer->{headers}{'retry-after'}, "@$case: try again");
}

$answer = http(POST => $nginx->url('/open/events'),
               json => { eventType => 'a' });
is($answer->{status}, 503, 'a publish is unavailable');
is($answer->{headers}{'retry-after'}, 1, 'and may be tried again');
is($answer->{json}{code}, 'redis_unavailable', 'it says why');
is(status(GET => '/shop/event-types'), 200,
   'the catalogue needs no Redis');

$redis->start;
eventually { status(GET => '/shop/health') == 200 } 'it heals by itself';
is(http(POST => $nginx->url('/open/events'), json => { eventType => 'a' })
   ->{status}, 202, 'and takes events again');

finish();
