# Another tenant's ids on every route of openapi.json: nothing of it is shown,
# changed or called.  Each parameter of a route, in its path and in its query,
# has the other's value; a route or a parameter that is new fails until its
# value is here.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'retry 1s until=10m; breaker off; response_log 200;',
    channel => 'event paid; event asked sync; event placed off;',
    scripts => { '/red-asked' => [{ body => '{"success":true}' }] },
    server => <<'END');
location /by/      { notify_tenant $http_x_tenant optional; notify_api shop; }
location /samples/ { notify_tenant $http_x_tenant optional; notify_api shop samples; }
END
my ($nginx, $redis, $receiver) = ($shop->nginx, $shop->redis, $shop->receiver);
my $openapi = from_json(slurp("$NotifyTest::TOP/src/api/openapi.json"));

# in every value of red's: what must not be seen by others
my $mark = 'crimson';
my $url = $receiver->url('/red');

sub by {
    my ($who, $method, $path, $json, %headers) = @_;
    return http($method => $nginx->url($path =~ m{^/samples/} ? $path
                                                              : "/by$path"),
                headers => { 'X-Tenant' => $who, %headers },
                defined $json ? (json => $json) : ());
}
sub red {
    my $answer = by('red', @_);
    $answer->{success} or die "@_[0, 1]: $answer->{status} $answer->{content}";
    return $answer->{json};
}
eventually { by(red => GET => '/health')->{status} == 200 } 'it is up';


# what red has

my $sub = red(POST => '/subscriptions', { url => "$url?$mark", event => 'paid',
    name => $mark, metadata => { a => $mark }, apiKey => "$mark-key" })->{id};
my $asked = red(POST => '/subscriptions', { url => "$url-asked?$mark",
    event => 'asked', mode => 'sync', name => $mark })->{id};
my $event = red(POST => '/events', { eventType => 'paid', uid => "$mark-uid",
    entityID => 7, sessionId => 's1', data => { a => $mark } })->{id};
my $delivery;
eventually { ($delivery) = @{ red(GET => "/subscriptions/$sub/deliveries") };
             $delivery && $delivery->{status} eq 'succeeded' } 'red is called';
$delivery = $delivery->{id};
my $keyed = red(POST => '/events', { eventType => 'paid' },
                'Idempotency-Key' => "$mark-key")->{id};
eventually { $receiver->count == 2 } 'twice';
my $page = red(GET => '/deltas');
red(PUT => '/sessions/s1', { customer => $mark });
red(POST => '/deltas/consumers/c1', { cursor => $page->{cursor} });
red(PATCH => '/settings/red', { flags => { paid => \1 } });
my $again = red(POST => '/redeliver', { status => 'dead' })->{id};

# values of the parameters, for a path that begins so
my %path = ('/subscriptions/{id}' => [$sub, $asked],
            '/events/{id}' => [$event, "$mark-uid"],
            '/deliveries/{id}' => [$delivery],
            '/redeliveries/{id}' => [$again],
            '/deltas/consumers/{name}' => ['c1'],
            '/sessions/{id}' => ['s1'], '/sync/{event}' => ['asked'],
            '/settings/{scope}' => ['red'], '/samples/{event}' => ['paid']);
my %query = (cursor => $page->{cursor}, subscription => $sub,
             consumer => 'c1', after => $sub, before => $delivery,
             since => '2024-01-01T00:00:00Z', limit => 250, status => 'succeeded',
             eventType => 'paid', entityTypeID => 0, missed => 'true',
             wait => '10ms', success => 'true', errorLevel => 50,
             errorCode => 'x', delay => 0, event => $event,
             until => '2100-01-01T00:00:00Z', request => 'true',
             window => '1h', provider => 'p', search => 'x');
my %header = ('If-Match' => undef, 'If-None-Match' => undef,
              'Idempotency-Key' => "$mark-key", 'X-Notify-Hops' => 0,
              'Last-Event-ID' => $page->{cursor},
              traceparent => undef, tracestate => undef);
my %body = (
    'POST /subscriptions' => { id => $sub, url => $url, event => 'none',
                               enabled => \0 },
    'PUT /subscriptions/{id}' => { url => $url, event => '*' },
    'PATCH /subscriptions/{id}' => { name => 'x', enabled => \0 },
    'POST /subscriptions/{id}/rotate-secret' => {},
    'POST /subscriptions/{id}/redeliver' => { since => '2024-01-01T00:00:00Z',
                                              all => \1 },
    'POST /subscriptions/{id}/pause' => { for => '1h' },
    'POST /subscriptions/{id}/secret' => { secret => 'whsec_' . 'a' x 32 },
    'POST /redeliver' => { status => 'dead' },
    'POST /filter/test' => { filter => {}, event => { eventType => 'paid' } },
    'POST /events' => { eventType => 'paid', sessionId => 's1', data => 'own' },
    'POST /events/{id}/redeliver' => { subscription => $sub },
    'POST /deltas/consumers/{name}' => { cursor => $page->{cursor} },
    'POST /sync/{event}' => { entityID => 1 },
    'PUT /sessions/{id}' => { customer => 'own', subscription => $sub },
    (map { ("POST /sessions/{id}/$_" => {}) }
         qw(connected heartbeat disconnected)),
    (map { ("$_ /settings" => { flags => { paid => \0 } },
            "$_ /settings/{scope}" => { flags => { paid => \0 } }) }
         qw(PUT PATCH)),
    (map { ("$_ /samples/{event}" => {}) } qw(POST PUT PATCH)),
);


# what of it a client of its own sees, before and after

sub snapshot {
    my $text = join "\n", map { by(red => GET => $_)->{content} }
        '/subscriptions', "/subscriptions/$sub", "/subscriptions/$asked",
        "/subscriptions/$sub/deliveries", "/events/$event",
        "/events/$event/deliveries", "/deliveries/$delivery", '/sessions/s1',
        '/deltas', '/deltas/consumers/c1', '/settings/red';
    # a cursor of the end moves with the log, whoever it is of
    return $text =~ s/"cursor":"[^"]*","hasMore"/"hasMore"/gr;
}
eventually { snapshot() !~ /"pending"/ } 'what red has is settled';
my $before = snapshot();
like($before, qr/$mark/, 'red has something to hide');
my $calls = $receiver->count;

sub parameters {
    my (@list) = @_;
    return map {
        my ($name) = ($_->{'$ref'} // '') =~ m{([^/]+)$};
        defined $name ? $openapi->{components}{parameters}{$name} : $_;
    } @list;
}

# what each route answers to who has none of it: 404 where nothing else is
# said.  Routes without an id show and change what is one's own.
my %answer = (
    'DELETE /subscriptions/{id}' => 204,
    'DELETE /deltas/consumers/{name}' => 204,
    'DELETE /sessions/{id}' => 204,
    # a cursor of another tenant is a forged one
    'GET /deltas' => '200 400 404',
    'POST /deltas/consumers/{name}' => 400,
    # one's own session may have the same name
    'PUT /sessions/{id}' => '200 201 422',
    map({ ("$_ /samples/{event}" => 200) } qw(POST PUT PATCH)),
    map({ my $way = $_;
          map { ("$way $_" => '200 201 202 204 401 404 409 422') }
              qw(/subscriptions /events /deliveries /redeliver /filter/test
                 /settings /event-types /health /stats /jwks.json
                 /vapid.json
                 /openapi.json) } qw(GET POST PUT PATCH)),
);
# the default tenant writes all scopes' settings
my %default = map { ("$_ /settings/{scope}" => '200 409') } qw(GET PUT PATCH);
my @delete;

sub try_route {
    my ($who, $method, $route, $what, @wrong) = @_;
    my ($prefix) = grep { index($route, $_) == 0 } sort keys %path;
    my @values = $route =~ /\{/ ? @{ $prefix ? $path{$prefix}
                                             : [] } : ('');
    my $may = ($who eq '' ? $default{"$method $route"} : undef)
              // $answer{"$method $route"} // 404;

    return "$method $route: what ids has it?" unless @values;
    return "$method $route: what body has it?"
        if $what->{requestBody} && !$body{"$method $route"};
    return () if $who eq '' && $default{"$method $route"} && $method ne 'GET';

    my @all = parameters(@{ $openapi->{paths}{$route}{parameters} // [] },
                         @{ $what->{parameters} // [] });
    my @queries = map { $_->{name} } grep { $_->{in} eq 'query' } @all;
    my %sent = map { $_->{name} => $header{ $_->{name} } }
               grep { $_->{in} eq 'header' } @all;

    push @wrong, "$method $route: a parameter: $_"
        for (grep { !exists $query{$_} && $_ !~ /^(?:status)$/ } @queries),
            grep { !exists $header{$_} } keys %sent;

    # without any, with each one, and with each header
    for my $value (@values) {
        (my $path = $route) =~ s/\{\w+\}/$value/;

        for my $query ('', map { "?$_=" . ($query{$_} // '')
                                 . ($_ eq 'missed' ? "&subscription=$sub" : '')
                               } @queries) {
            next if $route =~ m{^/samples} && $query;
            for my $name ('', grep { defined $sent{$_} } keys %sent) {
                my $json = $body{"$method $route"};
                $json = {} if !$json && $what->{requestBody};
                my $answer = by($who, $method, "$path$query", $json,
                                $name ? ($name => $sent{$name}) : ());
                push @delete, $answer->{json}{id}
                    if "$method $route" eq 'POST /subscriptions'
                       && $answer->{status} == 201;
                push @wrong, "$method $path$query: $answer->{status}"
                    unless grep { $_ eq $answer->{status} } split / /,
                        $query || $name ? "$may 400 404 200" : $may;
                push @wrong, "$method $path$query: tells $answer->{content}"
                    if ($answer->{content} // '') =~ /$mark|\Q$url\E-asked/;
            }
        }
    }
    return @wrong;
}

for my $who ('blue', '') {
    my ($n, @wrong) = (0);

    for my $route (sort keys %{ $openapi->{paths} }) {
        for my $method (sort keys %{ $openapi->{paths}{$route} }) {
            next if $method eq 'parameters';
            my $what = $openapi->{paths}{$route}{$method};
            push @wrong, try_route($who, uc $method, $route, $what);
            $n++;
        }
    }

    is(join("\n", @wrong), '', "'$who' has nothing of red, in $n routes");
    is(snapshot(), $before, 'and has changed nothing of it');
}

my $own = red(POST => '/events', { eventType => 'paid' })->{id};
eventually { grep { $_->{headers}{'webhook-id'} eq $own }
                  $receiver->requests("/red?$mark") } 'red goes on';
is(join(' ', map { $_->{path} } grep { my $id = $_->{headers}{'webhook-id'} // '';
                    $id !~ /^(?:$own|$event|$keyed)$/ }
             $receiver->requests), '',
   'it was called with its own events only');
is($receiver->count, $calls + 1, 'and once each; it was not asked by others');

finish();
