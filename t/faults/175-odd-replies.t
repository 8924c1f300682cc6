# A Redis whose answers are of wrong types, cut, nested, null, too long or not
# there at all: no worker dies, each request is answered or fails within its
# time, and when Redis is well again everything goes on.  Blocks that were freed
# or are new hold no zeros meanwhile.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Hostile;

my $long = $ENV{NOTIFY_TEST_LONG};
my $seed = $ENV{NOTIFY_TEST_SEED} // 1 + int rand 1_000_000;
my $seconds = $long ? 600 : 15;
my $patience = 20 * ($ENV{NOTIFY_TEST_SLOW} // 1);

diag("NOTIFY_TEST_SEED=$seed");

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $hostile = NotifyTest::Hostile->new(redis => $redis, seed => $seed);

local $ENV{MALLOC_PERTURB_} = 165;

my $nginx = NotifyTest::Nginx->new(redis => $hostile, workers => 2,
                                   connections => 2048, http => <<'END');
    notify_profile local { allow 127.0.0.0/8; retry 100ms 100ms; breaker off; }
    notify_channel shop  {
        profile local;
        retention 1d;
        operator_events on;
        event order.paid; event order.new; event after; event none;
        event contact.search sync; event contact.other sync;
        setting place target;
        setting note optional;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        notify_tenant $http_x_tenant optional;
        location /shop/ { notify_api shop; }
        location /gate  { notify_sync shop contact.search gate;
                          return 200 passed; }
    }
END

sub api { return http($_[0] => $nginx->url("/shop/$_[1]"),
                      timeout => $patience, @_[2 .. $#_]) }

eventually { api(GET => 'health')->{status} == 200 } 'it is well', 20;

my %made = map { $_->[0] => api(POST => 'subscriptions', json => $_->[1])
                            ->{json}{id} }
    [hook => { url => $receiver->url('/hook'), event => 'order.paid' }],
    [gate => { url => $receiver->url('/gate'), event => 'contact.search',
               mode => 'sync' }];
my $event = api(POST => 'events', json => { eventType => 'order.paid',
                                            data => 1 })->{json}{id};
eventually { $receiver->count('/hook') } 'and delivers';

my @workers = sort $nginx->workers;
my $since = '2026-01-01T00:00:00Z';
my @requests = (
    [GET => 'health'], [GET => 'stats'], [GET => 'subscriptions'],
    [GET => 'subscriptions?limit=1'], [GET => "subscriptions/$made{hook}"],
    [PATCH => "subscriptions/$made{hook}", { name => 'other' }],
    [POST => 'subscriptions', { url => $receiver->url('/new'),
                                event => 'order.new' }],
    [POST => 'subscriptions', { url => $receiver->url('/s'), mode => 'sync',
                                event => 'contact.other' }],
    [POST => 'events', { eventType => 'order.paid', data => { a => 1 } }],
    [POST => 'events', { eventType => 'order.paid', uid => 'one', data => 1 }],
    [POST => 'events', [ map { { eventType => 'order.new', data => $_ } }
                         1 .. 20 ]],
    [GET => 'deltas'], [GET => "deltas?since=$since&limit=3"],
    [GET => "deltas?since=$since&eventType=none&wait=1s"],
    [GET => "deltas?subscription=$made{hook}&missed=true"],
    [GET => 'deltas?consumer=me'], [GET => 'deltas/consumers'],
    [GET => 'deltas/consumers/me'],
    [PUT => 'deltas/consumers/me', { cursor => 'x' }],
    [GET => "events/$event"], [GET => 'events/one'],
    [GET => "events/$event/deliveries"],
    [GET => "subscriptions/$made{hook}/deliveries"],
    [GET => "subscriptions/$made{hook}/deliveries?status=dead"],
    [POST => "subscriptions/$made{hook}/redeliver", { since => $since }],
    [POST => "subscriptions/$made{hook}/rotate-secret", {}],
    [POST => "subscriptions/$made{hook}/test", {}],
    [GET => 'settings'], [PUT => 'settings', { settings => { note => 'a' } }],
    [PUT => 'sessions/s1', { pushToken => 'x' }], [GET => 'sessions/s1'],
    [DELETE => 'sessions/s1'], [GET => 'jwks.json'],
    [GET => '../gate'], [GET => 'openapi.json'],
);

# clients, who note what was not answered

my $notes = test_dir() . '/notes';
$hostile->odd(15);

my @clients = map {
    my $own = $_;
    NotifyTest::spawn(sub {
        srand $seed + $own;
        my $end = time + $seconds;

        while (time < $end) {
            my ($method, $path, $json) = @{ $requests[rand @requests] };
            my $begin = time;
            my $answer = http($method => $nginx->url($path eq '../gate'
                                                     ? '/gate'
                                                     : "/shop/$path"),
                              timeout => $patience,
                              headers => { 'X-Tenant' => rand() < 0.2
                                                         ? 'acme' : '' },
                              $json ? (json => $json) : ());
            next unless $answer->{status} == 599;

            open my $note, '>>', $notes or die $!;
            printf $note "%s %s: %.1f s, %s\n", $method, $path, time - $begin,
                   $answer->{content};
        }
    });
} 1 .. 4;

# and streams of events

push @clients, NotifyTest::spawn(sub {
    my $end = time + $seconds;

    while (time < $end) {
        http_raw($nginx->port, "GET /shop/deltas?since=$since HTTP/1.1\r\n"
                 . "Host: a\r\nAccept: text/event-stream\r\n\r\n", 1);
    }
});

NotifyTest::reap($_, undef, $seconds + 3 * $patience) for @clients;
$hostile->odd(0);

cmp_ok($hostile->changed, '>', 100, 'replies that were odd');
is(slurp($notes), '', 'each request was answered');
is_deeply([sort $nginx->workers], \@workers, 'no worker died');

# what a hostile Redis has made of the documents is not ours to repair

$redis->cli('FLUSHALL');
eventually { api(GET => 'health')->{status} == 200 } 'it is well again', 30;
$nginx->reload;
eventually { api(POST => 'subscriptions',
                 json => { url => $receiver->url('/after'),
                           event => 'after' })->{status} == 201 }
           'a subscription can be made', 30;
eventually { api(POST => 'events', json => { eventType => 'after',
                                             data => 1 })->{status} == 202
             && $receiver->count('/after') }
           'and events are delivered', 30;

finish();
