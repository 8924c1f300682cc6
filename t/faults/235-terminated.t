# A worker that is to end at once, while calls are under way: nothing of them
# stays allocated, which a sanitizer sees, and the next worker sends them again.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $silent = NotifyTest::Receiver->new(scripts => {
    '/silent' => [{ hold => 1 }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile slow { allow 127.0.0.0/8; timeout 1m; breaker off; }
    notify_channel shop { profile slow; event paid; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
    }
END

eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 }
    'nginx serves';
is(http(POST => $nginx->url('/shop/subscriptions'), json => {
        url => $silent->url('/silent'), event => 'paid' })->{status}, 201,
   'a receiver that never answers') for 1 .. 3;
is(http(POST => $nginx->url('/shop/events'),
        json => [map { { eventType => 'paid' } } 1 .. 10])->{status}, 202,
   'has ten events to get');
eventually { $silent->count('/silent') == 30 } 'is called for each';

my ($worker) = $nginx->workers;
kill 'TERM', $worker;
eventually { !kill 0, $worker } 'the worker ends', 30;
eventually { $silent->count('/silent') == 60 } 'the next one calls again', 60;
$nginx->stop('TERM');

finish();
