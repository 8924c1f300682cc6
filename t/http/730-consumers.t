# Consumers: cursors that are kept by the server; and a Redis that lost its end.

use strict;
use warnings;
no warnings qw(portable);

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_channel shop { }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /mine/ { notify_tenant $http_x_tenant optional; notify_api shop; }
    }
END

my $deltas = $nginx->url('/shop/deltas');
eventually { http(GET => $deltas)->{status} == 200 };

my @ids = map { $_->{id} } @{ http(POST => $nginx->url('/shop/events'),
    json => [ map { +{ eventType => 'a' } } 1 .. 10 ])->{json} };
sub ids { return join ' ', map { $_->{id} } @{ $_[0]{json}{data} } }
sub commit {
    my ($name, $cursor) = @_;
    return http_served(POST => "$deltas/consumers/$name",
                       json => { cursor => $cursor });
}

my $page = http(GET => "$deltas?consumer=me&limit=4");
is(ids($page), "@ids[0 .. 3]", 'a new consumer begins with the oldest');
is(ids(http(GET => "$deltas?consumer=me&limit=4")), "@ids[0 .. 3]",
   'reading does not advance it');
is(http(GET => "$deltas/consumers/me")->{status}, 404, 'nor make it');
my $answer = commit(me => $page->{json}{cursor});
is($answer->{status}, 200, 'a commit');
is($answer->{json}{cursor}, $page->{json}{cursor}, 'says where it is');
is(http(GET => "$deltas/consumers/me")->{json}{cursor},
   $page->{json}{cursor}, 'which can be read');
my $next = http(GET => "$deltas?consumer=me");
is(ids($next), "@ids[4 .. 9]", 'and is read from');
is(ids(http(GET => "$deltas?consumer=you")), "@ids", 'by nobody else');
commit(me => $next->{json}{cursor});
is(ids(http(GET => "$deltas?consumer=me")), '', 'up to the end');
is(commit(me => $page->{json}{cursor})->{status}, 200, 'it may go back');
is(ids(http(GET => "$deltas?consumer=me")), "@ids[4 .. 9]", 'and has');
is(ids(http(GET => $nginx->url('/mine/deltas?consumer=me'),
            headers => { 'X-Tenant' => 'ann' })), '',
   'a consumer belongs to its tenant');

is(commit(me => 'forged')->{status}, 400, 'a forged cursor is refused');
is(http(POST => $nginx->url('/mine/deltas/consumers/me'),
        headers => { 'X-Tenant' => 'ann' },
        json => { cursor => $page->{json}{cursor} })->{status}, 400,
   "so is another tenant's");
is(http(POST => "$deltas/consumers/me", json => $_)->{status}, 422,
   'so is none') for {}, { cursor => 1 };
my $unknown = http(POST => "$deltas/consumers/me",
    json => { cursor => $page->{json}{cursor}, position => 1 });
is($unknown->{status}, 422, 'so is what is no member of it');
is_deeply([ map { $_->{pointer} } @{ $unknown->{json}{errors} } ],
          ['/position'], 'and named') or diag($unknown->{content});
is(http(GET => "$deltas?consumer=$_")->{status}, 400, "consumer=$_")
    for '', 'a%2fb', 'x' x 129, "me&cursor=$page->{json}{cursor}",
        "me&since=$ids[0]";
is(http(PUT => "$deltas/consumers/me", json => {})->{status}, 405, 'PUT');
is(http(GET => "$deltas/$_")->{status}, 404, "deltas/$_ is not there")
    for 'consumers', 'consumers/a/b', 'others/a';

$redis->restart;
eventually { ids(http(GET => "$deltas?consumer=me")) eq "@ids[4 .. 9]" }
    'it outlives a restart of Redis';
is(http_served(DELETE => "$deltas/consumers/me")->{status}, 204, 'deleted')
    for 1, 2;
is(ids(http_served(GET => "$deltas?consumer=me")), "@ids", 'it begins anew');


# a replica that was promoted has not got the last events

my $end = http_served(GET => $deltas)->{json}{cursor};
commit(me => $end);
my ($ms) = $ids[6] =~ /^evt_(.{12})/;
my @kept = $redis->cli('XRANGE', 'notify:{shop.0}:log', '-', '+');
my ($last) = $redis->cli('XINFO', 'STREAM', 'notify:{shop.0}:log');
my @stream = grep { /^\d+-\d+$/ } @kept;
$redis->cli('DEL', 'notify:{shop.0}:log');
$redis->cli('XADD', 'notify:{shop.0}:log', $stream[$_], 't', 'a', 'w', 1)
    for 0 .. 6;
$answer = http(GET => "$deltas?cursor=$end");
is($answer->{status}, 200, 'a cursor ahead of the log is not refused');
ok($answer->{json}{resync}, 'but told of');
ok(!http(GET => "$deltas?cursor=$answer->{json}{cursor}")->{json}{resync},
   'once');
ok(http(GET => "$deltas?consumer=me")->{json}{resync}, 'a consumer, too');
ok(http(GET => "$deltas?cursor=$end&wait=5s")->{json}{resync},
   'without a wait');
like(http_raw($nginx->port, "GET /shop/deltas HTTP/1.1\r\nHost: a\r\n"
     . "Accept: text/event-stream\r\nLast-Event-ID: $end\r\n\r\n", 0.5),
     qr/event: resync\ndata: /, 'a stream says so');
my ($new) = map { $_->{id} } @{ http(POST => $nginx->url('/shop/events'),
    json => [{ eventType => 'new' }])->{json} };
like(ids(http(GET => "$deltas?cursor=$answer->{json}{cursor}")), qr/$new$/,
     'what comes after is found');

finish();
