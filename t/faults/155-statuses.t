# Every status that openapi.json names for a route, provoked: the one that is
# named, as a problem document, with what belongs to it.  A route or a status
# that is new there fails until it is here.

use strict;
use warnings;
no warnings 'portable';         # hex of milliseconds

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    sign => '',
    profile => 'retry 1s until=10m; breaker off;',
    channel => 'event paid; event asked sync; event placed off; '
             . 'setting place target; subscriptions_max 50;',
    also => 'notify_channel limited { publish_rate 1r/m; sessions_max 1; }',
    server => <<'END');
notify_trusted 127.0.0.1;
location /limited/ { notify_api limited; }
location /small/   { notify_api shop; client_max_body_size 1k; }
location /must/    { notify_tenant $http_x_tenant required; notify_api shop; }
location /by/      { notify_tenant $http_x_tenant optional; notify_api shop; }
location /samples/ { notify_api shop samples; }
location /must-samples/ { notify_tenant $http_x_tenant required;
                          notify_api shop samples; }
END
my ($nginx, $redis, $receiver) = ($shop->nginx, $shop->redis, $shop->receiver);
my $openapi = from_json(slurp("$NotifyTest::TOP/src/api/openapi.json"));
my $url = $receiver->url('/a');
my $other = $receiver->url('/b');

sub hit {
    my ($method, $path, $body, %headers) = @_;
    return http($method => $nginx->url($path), body => $body, headers => {
        defined $body ? ('Content-Type' => 'application/json') : (),
        %headers });
}
sub made { my $answer = hit(@_);
           $answer->{success} or die "@_: $answer->{status} $answer->{content}";
           return $answer->{json} }


# what there is

eventually { hit(GET => '/shop/health')->{status} == 200 } 'it is up';
my $id = made(POST => '/shop/subscriptions',
              qq({"url":"$url","event":"paid"}))->{id};
my $off = made(POST => '/shop/subscriptions',
               qq({"url":"$other","event":"paid"}))->{id};
made(POST => '/shop/subscriptions',
     qq({"url":"$url","event":"asked","mode":"sync"}));
my $event = made(POST => '/shop/events', '{"eventType":"paid"}')->{id};
my ($delivery, $disabled);
eventually {
    ($delivery, $disabled) = map { my ($one) = @{ hit(GET =>
        "/shop/subscriptions/$_/deliveries")->{json} };
        $one && $one->{status} eq 'succeeded' ? $one->{id} : undef } $id, $off;
    $delivery && $disabled;
} 'it is delivered' or BAIL_OUT('no delivery');
made(POST => "/shop/subscriptions/$off/disable");
my $cursor = made(GET => '/shop/deltas')->{cursor};
made(PUT => '/shop/sessions/s', '{"customer":"c"}');
made(POST => '/shop/deltas/consumers/c', qq({"cursor":"$cursor"}));

# one that no key of ours opens, and one whose URL is not allowed any more
sub stored {
    my ($change) = @_;
    my $new = made(POST => '/shop/subscriptions',
                   qq({"url":"$url","event":"paid","enabled":false}))->{id};
    my ($version, $json) = $redis->cli('HGET', 'notify:{shop.0}:subs', $new)
                           =~ /^(\d+) (.*)/s;
    $redis->cli('HSET', 'notify:{shop.0}:subs', $new, "$version "
                . to_json({ %{ from_json($json) }, %$change }));
    return $new;
}
my $sealed = stored({ sealed => 'v1:00000000:AAAA' });
my $inside = stored({ url => 'http://10.0.0.1/' });
# what there is to do for these actions
my %acts = (enable => $off, resume => stored({}));
made(POST => "/shop/subscriptions/$acts{resume}/pause", '{"for":"1h"}');


# a route's parameters, and a body that it takes

my %good = ('{id}' => $id, '{name}' => 'c', '{event}' => 'asked',
            '{scope}' => 'a');
my %body = (
    'POST /subscriptions' => qq({"url":"$url","event":"paid"}),
    'PUT /subscriptions/{id}' => qq({"url":"$url","event":"paid"}),
    'PATCH /subscriptions/{id}' => '{"name":"x"}',
    'POST /subscriptions/{id}/rotate-secret' => '{"grace":"1h"}',
    'POST /subscriptions/{id}/redeliver' => '{"since":"2024-01-01T00:00:00Z"}',
    'POST /subscriptions/{id}/pause' => '{"for":"1h"}',
    'POST /subscriptions/{id}/secret' =>
        '{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}',
    'POST /redeliver' => '{"status":"dead"}',
    'POST /filter/test' =>
        '{"filter":{"data.a":1},"event":{"eventType":"paid"}}',
    'POST /events' => '{"eventType":"paid"}',
    'POST /events/{id}/redeliver' => qq({"subscription":"$id"}),
    'POST /deltas/consumers/{name}' => qq({"cursor":"$cursor"}),
    'POST /sync/{event}' => '{"entityID":1}',
    'PUT /sessions/{id}' => '{"customer":"c"}',
    (map { ("POST /sessions/{id}/$_" => '{}') }
         qw(connected heartbeat disconnected)),
    (map { ("$_ /settings" => '{"flags":{"paid":true}}',
            "$_ /settings/{scope}" => '{"flags":{"paid":true}}') }
         qw(PUT PATCH)),
    (map { ("$_ /samples/{event}" => '{}') } qw(POST PUT PATCH)),
);

sub path {
    my ($path, $what) = @_;
    $path =~ s/\{id\}/$what/ if defined $what;
    $path =~ s/\{id\}/$event/ if $path =~ m{^/events};
    $path =~ s/\{id\}/$delivery/ if $path =~ m{^/deliveries};
    $path =~ s/\{id\}/s/ if $path =~ m{^/sessions};
    $path =~ s/(\{\w+\})/$good{$1} \/\/ die "$1 of $path"/ge;
    return $path;
}
sub at { my ($route) = @_;
         return $route =~ m{^/samples} ? '' : '/shop' }

# an Idempotency-Key while its request is done, and with another body
sub busy {
    my ($method, $route, $body) = @_;
    my @request = ($method => '/shop' . path($route), $body,
                   'Idempotency-Key' => "busy$route");
    my %was = map { $_ => 1 } once();
    hit(@request);
    for (grep { !$was{$_} } once()) {
        my ($digest) = $redis->cli('--raw', 'GET', $_) =~ /^(\w+)/;
        $redis->cli('SET', $_, "$digest 9999999999999 x");
    }
    return hit(@request);
}
sub other {
    my ($method, $route) = @_;
    my @request = ($method => '/shop' . path($route));
    hit(POST => "/shop/subscriptions/$id/enable");
    hit(@request, undef, 'Idempotency-Key' => "other$route");
    return hit(@request, '{"a":1}', 'Idempotency-Key' => "other$route");
}
sub once { return grep { /:once:/ } split /\n/, $redis->cli('KEYS', '*') }

# STATUS => sub(method, route, body): the request that gets it
my %unknown = ('{id}' => 'x', '{name}' => 'nobody', '{event}' => 'nothing',
               '{scope}' => 'a');
my $sync = qq({"url":"$url","event":"asked","mode":"sync"});
my $gone = 0;

my %recipe = (
    400 => sub {
        my ($method, $route, $body) = @_;
        return hit($method => at($route) . path($route), undef,
                   'Idempotency-Key' => 'x' x 300)
            if $method eq 'POST' && $route !~ /^.samples/
               && (!defined $body || $route =~ /disconnected/);
        return hit($method => at($route) . path($route), '{"a":')
            if defined $body;
        my $query = $route eq '/deltas' ? 'cursor=x' : 'limit=0';
        return hit($method => at($route) . path($route) . "?$query");
    },
    401 => sub {
        my ($method, $route, $body) = @_;
        my $at = $route =~ m{^/samples} ? '/must-samples' : '/must';
        return hit($method => $at . path($route) =~ s{^/samples}{}r, $body);
    },
    404 => sub {
        my ($method, $route, $body) = @_;
        my $path = $route;
        return hit(GET => "/shop/deltas?missed=true&subscription=$event")
            if $route eq '/deltas';
        return hit($method => "/by$route", $body, 'X-Tenant' => 't')
            if $route eq '/settings';
        return hit($method => '/by' . path($route), $body, 'X-Tenant' => 't')
            if $route =~ m{^/settings};
        $path =~ s/\{id\}/%01/ if $route =~ m{^/sessions};
        $path =~ s/\{name\}/%01/ if $method ne 'GET';
        $path =~ s/(\{\w+\})/$unknown{$1}/g;
        return hit($method => at($route) . $path, $body);
    },
    409 => sub {
        my ($method, $route, $body) = @_;
        return hit(POST => '/shop/subscriptions', $sync)
            if $route eq '/subscriptions';
        return hit($method => "/shop/subscriptions/$id", $sync)
            if $route eq '/subscriptions/{id}' && $method eq 'PUT';
        return hit($method => "/shop/subscriptions/$inside/test")
            if $route =~ m{/test$};
        return busy($method, $route, $body)
            if $method eq 'POST' && $route !~ m{^/(?:deltas|deliveries|settings|events/|subscriptions/.*/(?!disable))};
        return hit($method => '/shop' . path($route, $sealed), $body)
            if $route =~ m{^/subscriptions};
        return hit(POST => "/shop/events/$event/redeliver",
                   qq({"subscription":"$off"})) if $route =~ m{^/events};
        return hit(POST => "/shop/deliveries/$disabled/redeliver")
            if $route =~ m{^/deliveries};
        return hit($method => '/shop' . path($route),
                   '{"flags":{"placed":true}}') if $route =~ m{^/settings};
        return hit($method => '/limited/sessions/one', $body)
            && hit($method => '/limited/sessions/more', $body)
            if $route =~ m{^/sessions};
        # /deltas/consumers: a thousand is the most
        my $last;
        for (1 .. 1001) {
            $last = hit(POST => "/shop/deltas/consumers/many$_", $body);
            last if $last->{status} != 200;
        }
        hit(DELETE => "/shop/deltas/consumers/many$_") for 1 .. 1000;
        return $last;
    },
    429 => sub {
        my ($method, $route, $body) = @_;
        return hit($method => '/limited' . path($route), "[$body,$body]");
    },
    410 => sub {
        my ($method, $route, $body) = @_;
        if (!$gone++) {
            my @new = map { made(POST => '/shop/events',
                                 '{"eventType":"paid"}')->{id} } 1 .. 3;
            my ($ms, $seq) = $new[2] =~ /^evt_(.{12})(.+)$/;
            $redis->cli('--eval', NotifyTest::script('trim'),
                        'notify:{shop.0}:log', ',', hex($ms) . '-' . hex $seq);
        }
        return hit($method => "/shop/deltas?cursor=$cursor")
            if $route eq '/deltas';
        return hit($method => '/shop' . path($route), $body);
    },
    412 => sub {
        my ($method, $route, $body) = @_;
        return hit($method => '/shop' . path($route), $body,
                   'If-Match' => '"0"');
    },
    413 => sub {
        my ($method, $route) = @_;
        return hit($method => '/small' . path($route), ' ' x 2000);
    },
    415 => sub {
        my ($method, $route, $body) = @_;
        return hit($method => '/shop' . path($route), $body,
                   'Content-Type' => 'text/plain',
                   'Sec-Fetch-Site' => 'cross-site');
    },
    422 => sub {
        my ($method, $route, $body) = @_;
        return other($method, $route)
            if !defined $body || $route =~ /disconnected/;
        $body = '{"a":[5]}' if $route eq '/sessions/{id}';
        $body = '{"timeout":[5]}' if $route =~ m{^/sessions/.*/};
        $body =~ s/:"[^"]*"/:[5]/ || $body =~ s/:\{.*\}\}/:[5]}/
            || $body =~ s/:1/:[5]/;
        return hit($method => '/shop' . path($route), $body);
    },
    503 => sub {
        my ($method, $route, $body) = @_;
        return hit($method => at($route) . path($route), $body,
                   $route eq '/filter/test' ? ('Idempotency-Key' => 'k') : ());
    },
    507 => sub {
        my ($method, $route, $body) = @_;
        $body =~ s/"x"/"y"/ if defined $body;
        my ($act) = $route =~ m{^/subscriptions.*/(\w+)$};
        return hit($method => '/shop' . path($route, $acts{ $act // '' }),
                   $body);
    },
    508 => sub {
        my ($method, $route, $body) = @_;
        return hit($method => '/shop' . path($route), $body,
                   'X-Notify-Hops' => 5);
    },
);

my %title = (400 => 'Bad Request', 401 => 'Unauthorized', 404 => 'Not Found',
    409 => 'Conflict', 410 => 'Gone', 412 => 'Precondition Failed',
    413 => 'Content Too Large', 429 => 'Too Many Requests', 415 => 'Unsupported Media Type',
    422 => 'Unprocessable Content', 503 => 'Service Unavailable',
    507 => 'Insufficient Storage', 508 => 'Loop Detected');

sub judge_answer {
    my ($answer, $status) = @_;
    my $json = $answer->{json};

    return "$answer->{status} $answer->{content}"
        if $answer->{status} != $status;
    return "no type: " . ($answer->{headers}{'content-type'} // '')
        if $answer->{headers}{'content-type'} ne 'application/problem+json';
    return "members: $answer->{content}"
        if ref $json ne 'HASH' || $json->{status} != $status
           || ($json->{title} // '') ne $title{$status}
           || grep { !defined $json->{$_} || !length $json->{$_} }
                   qw(type detail code request_id);
    return "errors: $answer->{content}"
        if ref $json->{errors} eq 'ARRAY'
           && grep { !defined $_->{detail} || !defined $_->{pointer} }
                   @{ $json->{errors} };
    return 'no Retry-After' if ($status == 503 || $status == 429)
        && ($answer->{headers}{'retry-after'} // '') !~ /^\d+$/;
    return 'no oldest' if $status == 410 && exists $json->{oldest}
        && !length $json->{oldest};
    return '';
}

my %phase;
my $pairs = 0;
for my $route (sort keys %{ $openapi->{paths} }) {
    for my $method (sort keys %{ $openapi->{paths}{$route} }) {
        next if $method eq 'parameters';
        my $what = $openapi->{paths}{$route}{$method};
        push @{ $phase{$_} }, [uc $method, $route]
            for grep { /^[45]/ } keys %{ $what->{responses} };
        ok(!exists $what->{requestBody}
           || defined $body{ uc($method) . " $route" },
           uc($method) . " $route: its body is here");
    }
}

sub all_of {
    my ($status) = @_;
    my @wrong;

    for (@{ $phase{$status} }) {
        my ($method, $route) = @$_;
        my $answer = $recipe{$status}
                     ? $recipe{$status}->($method, $route,
                                          $body{"$method $route"})
                     : { status => 'no recipe', content => '' };
        my $why = judge_answer($answer, $status);
        # a sync call answers in its own form
        $why = '' if $route eq '/sync/{event}' && $answer->{status} == $status
                     && exists(($answer->{json} // {})->{errorCode});
        push @wrong, "$method $route: $why" if $why;
        $pairs++;
    }
    is(join("\n", @wrong), '', "$status: " . @{ $phase{$status} } . ' routes');
}

all_of($_) for 400, 401, 404, 409, 412, 413, 415, 422, 429;
all_of(508);
is(join(' ', grep { !$recipe{$_} } sort keys %phase), '',
   'there are no others');

# 405 needs no document: what is not a method of a route
my @wrong;
for my $route (sort keys %{ $openapi->{paths} }) {
    my %may = map { uc $_ => 1 } grep { $_ ne 'parameters' }
              keys %{ $openapi->{paths}{$route} };
    $may{HEAD} = 1 if $may{GET};
    for my $method (qw(GET HEAD POST PUT PATCH DELETE OPTIONS)) {
        next if $may{$method};
        my $answer = hit($method => at($route) . path($route));
        my $allow = join ' ', sort split /, */,
                    $answer->{headers}{allow} // '';
        push @wrong, "$method $route: $answer->{status} $allow"
            if $answer->{status} != 405 || $allow ne join ' ', sort keys %may;
    }
}
is(join("\n", @wrong), '', '405: every other method, and Allow says which');

my ($used) = map { /^used_memory:(\d+)/ } $redis->cli('INFO', 'memory');
$redis->cli('CONFIG', 'SET', 'maxmemory', $used - 100_000);
all_of(507);
$redis->cli('CONFIG', 'SET', 'maxmemory', 0);

all_of(410);
$redis->kill;
eventually { hit(GET => '/shop/health')->{status} == 503 } 'Redis is away';
all_of(503);
cmp_ok($pairs, '>', 150, "$pairs pairs of a route and a status");

finish();
