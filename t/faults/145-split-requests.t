# Every route of openapi.json with right and wrong bodies, over HTTP/2 and over
# kept connections on which the body comes after its head: each
# is answered, and no worker dies.  Freed memory is overwritten, so that reading
# it kills the worker.  NOTIFY_TEST_LONG: 10,000 requests.

use strict;
use warnings;

use Test::More;
use NotifyTest;

$ENV{MALLOC_PERTURB_} = 165;

my $count = $ENV{NOTIFY_TEST_LONG} ? 10_000 : 600;
my $seed = $ENV{NOTIFY_TEST_SEED} // int rand 1e6;
srand $seed;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/ask' => [{ body => '{"success":true}' }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, http2 => 1, workers => 2,
    http => <<'END');
    notify_profile local { allow 127.0.0.0/8; retry off; }
    notify_channel shop  { profile local; event paid; event asked sync;
                           setting place target optional; }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 64k;
        location /shop/ { notify_api shop; }
        location /try/  { notify_api shop samples; }
    }
END

my @workers;
eventually { @workers = sort { $a <=> $b } $nginx->workers; @workers == 2 }
           'there are workers';
eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 }
           'they serve';

my $target = $receiver->url('/a');
my $subscription = qq({"url":"$target","event":"paid"});
my $id = http(POST => $nginx->url('/shop/subscriptions'),
              json => from_json($subscription))->{json}{id};
my $event = http(POST => $nginx->url('/shop/events'),
                 json => { eventType => 'paid' })->{json}{id};
is(http(POST => $nginx->url('/shop/subscriptions'),
        json => { url => $receiver->url('/ask'), event => 'asked',
                  mode => 'sync' })->{status}, 201, 'something is asked');

my @routes;
my $paths = http(GET => $nginx->url('/shop/openapi.json'))->{json}{paths};

for my $path (sort keys %$paths) {
    next if $path =~ /samples/;
    push @routes, map { [uc $_, $path] }
                  grep { /^(?:get|put|post|patch|delete)$/ }
                  sort keys %{ $paths->{$path} };
}
push @routes, map { [$_, '/try/paid'] } qw(POST PUT PATCH);
cmp_ok(scalar @routes, '>', 30, 'the routes are those of openapi.json');

my @bodies = (
    '', '{}', '[]', '[', '{', 'null', '7', '"x"', "\0", '{"a":1,"a":2}',
    '{"a":1,"A":2}', '[{},{}]', $subscription, '{"name":"x"}',
    '{"eventType":"paid"}', '[{"eventType":"paid"},{"eventType":"no"}]',
    '{"eventType":"paid","data":' . '[' x 2000 . ']' x 2000 . '}',
    '{"flags":{"paid":true}}', '{"grace":"1h"}', '{"grace":7}',
    '{"since":"2024-01-01T00:00:00Z"}', qq({"subscription":"$id"}),
    '{"cursor":"0"}', '{"ttl":"1h"}', '{"unknown":true}',
    '{"name":"' . 'x' x 20_000 . '"}', '{"name":"' . 'x' x 70_000 . '"}',
);
my @types = ('application/json', 'application/json', 'application/json',
             'application/merge-patch+json', 'application/x-ndjson',
             'application/x-www-form-urlencoded', 'text/plain', '');
my @ids = ($id, 'sub_none', 'x', $event, 'evt_none', 'paid', 'asked', '%ff');
my @queries = ('', '', '', '?limit=0', '?limit=1', '?wait=10ms', '?since=now',
               '?after=x');

# what a route takes
sub right {
    my ($method, $path) = @_;
    return $path =~ m{/subscriptions(?:/\{id\})?$} ? $subscription
         : $path =~ m{/events$}                    ? '{"eventType":"paid"}'
         : $path =~ m{/settings}                   ? '{"flags":{"paid":true}}'
         : $path =~ m{/rotate-secret$}             ? '{"grace":"1h"}'
         : $path =~ m{/redeliver$} ? '{"since":"2024-01-01T00:00:00Z"}' : '{}';
}

my (%seen, @unanswered);

for my $n (1 .. $count) {
    my ($method, $path) = @{ $routes[$n % @routes] };
    my $round = int $n / @routes;
    my ($type, $body) = $round % 4
        ? ($types[rand @types], $bodies[rand @bodies])
        : ('application/json', right($method, $path));

    $path =~ s/\{\w+\}/$ids[rand @ids]/g;
    $path .= $queries[rand @queries] if $round % 4;

    my $answer = http($method => $nginx->url($path),
        client => ($n + $round) % 2 ? 'late' : 'http2', keep => $n % 4, timeout => 20,
        $method eq 'GET' ? () : (body => $body),
        headers => { length $type ? ('Content-Type' => $type) : () });

    $seen{ $answer->{status} }++;
    push @unanswered, "$method $path $answer->{status} "
                      . substr $answer->{content} // '', 0, 80
        if $answer->{status} >= 500;
    last if @unanswered > 20;
}

is(join("\n", @unanswered), '', "each is answered (seed $seed)");
cmp_ok($seen{$_} // 0, '>', 0, "some by $_") for 200, 202, 400, 404, 413, 422;
is(join(' ', sort { $a <=> $b } $nginx->workers), "@workers",
   'no worker has died');
finish();
