# POST /redeliver: many deliveries at once, of all subscriptions or of some, by
# type, status and time; counted first by a dry run, and known afterwards.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/dead' => [{ status => 500 }], '/half' => [{ status => 500 }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
notify_profile local { allow 127.0.0.0/8; retry off; }
notify_channel shop { profile local; event order.paid alias=order.payed;
                      event order.sent; event other.thing; }
notify_channel aim { profile local; event order.paid; setting url target; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_tenant $http_x_tenant optional; notify_api shop; }
    location /aim/ { notify_tenant $http_x_tenant optional; notify_api aim; }
}
END

sub ask {
    my ($method, $path, @more) = @_;
    return http($method => $nginx->url("/shop/$path"), @more);
}

sub redeliver { return ask(POST => 'redeliver', json => { @_ }) }

my %sub;
for (qw(fine dead half off)) {
    my $answer = http_served(POST => $nginx->url('/shop/subscriptions'),
        json => { url => $receiver->url("/$_"), event => '*' });
    is($answer->{status}, 201, "$_ subscribes") or diag($answer->{content});
    $sub{$_} = $answer->{json}{id};
}

my @ids = map { ask(POST => 'events', json => {
    eventType => $_ % 2 ? 'order.paid' : 'order.sent', entityID => $_ })
    ->{json}{id} } 1 .. 10;

my $theirs = http(POST => $nginx->url('/shop/subscriptions'),
    json => { url => $receiver->url('/theirs'), event => '*' },
    headers => { 'X-Tenant' => 'other' })->{json}{id};

eventually { @{ ask(GET => 'deliveries?status=dead')->{json} } == 20 }
    'twenty are dead';
is(ask(POST => "subscriptions/$sub{off}/disable", json => {})->{status}, 200,
   'one is disabled');
ask(POST => 'events', json => { eventType => 'order.paid', entityID => 11 });
eventually { $receiver->count('/fine') == 11 } 'an event comes then';
eventually { @{ ask(GET => 'deliveries?status=dead')->{json} } == 22 }
    'which is dead, too';


my ($path, @dead) = ('/shop/deliveries?status=dead&limit=3');
while ($path) {
    my $answer = http(GET => $nginx->url($path));
    push @dead, map { "$_->{eventId} $_->{subscription}" }
                    @{ $answer->{json} };
    ($path) = ($answer->{headers}{link} // '') =~ /^<(.*)>; rel="next"$/;
}
my %place = ($sub{dead} => 0, $sub{half} => 1);
is(join("\n", @dead), join("\n", sort {
       my ($x, $y) = map { [split] } $a, $b;
       $y->[0] cmp $x->[0] || $place{ $x->[1] } <=> $place{ $y->[1] }
   } @dead), 'all pages have them in their order');
my %once = map { $_ => 1 } @dead;
is(scalar keys %once, 22, 'and each of them');
is(scalar @dead, 22, 'once');


# counted

sub counts {
    my ($count, $title, %body) = @_;
    my $answer = redeliver(%body, dryRun => JSON::PP::true);
    is($answer->{status}, 200, "$title: a dry run") or diag($answer->{content});
    is($answer->{content}, qq({"count":$count}), "is of $count");
}

counts(22, 'what is dead', status => 'dead');
counts(12, 'of one type', status => 'dead', eventTypes => ['order.payed']);
counts(22, 'of a pattern', status => 'dead', eventTypes => ['order.*']);
counts(0, 'of another', status => 'dead', eventTypes => ['other.*']);
counts(11, 'of one subscription', status => 'dead',
       subscriptions => [$sub{dead}]);
counts(8, 'of a span', status => 'dead', since => $ids[2], until => $ids[5]);
counts(4, 'of a span and one', status => 'dead', since => $ids[2],
       until => $ids[5], subscriptions => [$sub{half}]);
counts(33, 'all', status => 'all');
counts(0, 'one that is disabled', status => 'all',
       subscriptions => [$sub{off}]);
counts(0, 'of the past', status => 'all', until => '2020-01-01T00:00:00Z');

is($receiver->count('/dead'), 11, 'a dry run calls nobody');


# done

$receiver->script('/half', { status => 200 });
my $answer = redeliver(status => 'dead', since => $ids[2],
                       subscriptions => [$sub{half}, $sub{dead}],
                       eventTypes => ['order.sent']);
is($answer->{status}, 202, 'it is asked for') or diag($answer->{content});
is($answer->{json}{count}, 8, 'and says of how many');
my $id = $answer->{json}{id};
like($id, qr/^[^.]+$/, 'and has an id');
is_deeply(ask(GET => "redeliveries/$id")->{json},
          { id => $id, status => 'done', count => 8, done => 8 },
          'by which it is known');
eventually { $receiver->count('/half') == 15 && $receiver->count('/dead') == 15 }
    'each is called again';
is(join(' ', sort { $a <=> $b } map { $_->{body} =~ /"entityID":(\d+)/ }
             ($receiver->requests('/half'))[11 .. 14]), '4 6 8 10',
   'those of the type and the span');
eventually { @{ ask(GET => "deliveries?status=dead&subscription=$sub{half}")
                ->{json} } == 7 } 'what succeeded is dead no more';
is(http(GET => $nginx->url("/shop/redeliveries/$id"),
        headers => { 'X-Tenant' => 'other' })->{status}, 404,
   "another tenant's is not there");
is(ask(GET => 'redeliveries/rdl_none')->{status}, 404, 'nor is none');

is(ask(POST => "subscriptions/$sub{off}/enable", json => {})->{status}, 200,
   'the other is enabled');
eventually { ask(POST => 'redeliver', json => {
    since => $ids[0], dryRun => JSON::PP::true,
    subscriptions => [$sub{off}] })->{json}{count} == 1 }
    'what it missed is counted where status is not given';
is(redeliver(since => $ids[0], subscriptions => [$sub{off}])->{json}{count}, 1,
   'and asked for');
eventually { $receiver->count('/off') == 11 } 'and comes';
is($receiver->count('/theirs'), 0, 'another tenant gets nothing of it');

my @twice = map { http(POST => $nginx->url('/shop/redeliver'),
    json => { status => 'dead', subscriptions => [$sub{half}] },
    headers => { 'Idempotency-Key' => 'k-1' })->{json} } 1 .. 2;
is($twice[0]{id}, $twice[1]{id}, 'a key again is the same redelivery');


# over many subscriptions, most of which want other events

sub theirs { ask($_[0] => $_[1], headers => { 'X-Tenant' => 'large' }, @_[2 .. $#_]) }

sub theirs_count {
    my (%body) = @_;
    my $answer = theirs(POST => 'redeliver',
                        json => { status => 'all', dryRun => JSON::PP::true, %body });
    return $answer->{json}{count} // $answer->{content};
}

my %large;
for my $n (1 .. 240) {
    $large{$n} = theirs(POST => 'subscriptions', json => {
        url => $receiver->url('/other'), event => 'other.thing' })->{json}{id};
}
for (['paid', 'order.paid'], ['some', 'order.*', filter => { entityID => { '$lte' => 100 } }],
     ['moved', 'order.sent']) {
    my ($name, $event, %more) = @$_;
    $large{$name} = theirs(POST => 'subscriptions', json => {
        url => $receiver->url("/$name"), event => $event, %more })->{json}{id};
}
my @large = map { $_->{id} } @{ theirs(POST => 'events', json => [map { {
    eventType => $_ % 2 ? 'order.paid' : 'order.sent', entityID => $_ } } 1 .. 1000])
    ->{json} };
eventually { $receiver->count('/paid') == 500 && $receiver->count('/some') == 100
             && $receiver->count('/moved') == 500 } 'a thousand events are delivered';
theirs(PATCH => "subscriptions/$large{moved}", json => { events => ['other.thing'] });

eventually { theirs_count() == 1100 }
    'all are counted, by what each wanted then, however many want nothing of it';
is(theirs_count(eventTypes => ['order.sent']), 550, 'those of a type');
is(theirs_count(eventTypes => ['other.*']), 0, 'none of a type that nobody has published');
is(theirs_count(subscriptions => [@large{'some', 7}]), 100, 'those of some');
is(theirs_count(since => $large[-1]), 1, 'those of a span');
is(theirs_count(until => $large[0]), 2, 'or another');
is(theirs_count(status => 'dead'), 0, 'of which none is dead');
is(theirs(POST => 'redeliver', json => { status => 'all',
    since => $large[989] })->{json}{count}, 11, 'and some are asked for');
eventually { $receiver->count('/paid') == 505 && $receiver->count('/moved') == 506 }
    'which come';
is($receiver->count('/other'), 0, 'and nothing to the others');


# who gets the events of all tenants

is(http(PUT => $nginx->url('/aim/settings'),
        json => { url => $receiver->url('/target') })->{status}, 200, 'there is a target');
for my $tenant ('', '', 'red', 'blue', 'blue') {
    http(POST => $nginx->url('/aim/events'), json => { eventType => 'order.paid' },
         headers => { 'X-Tenant' => $tenant });
}
eventually { $receiver->count('/target') == 5 } 'it gets the events of all';
sub aimed {
    return http(POST => $nginx->url('/aim/redeliver'), json => { @_,
        status => 'all', subscriptions => ['target'] })->{json}{count};
}
eventually { aimed(dryRun => JSON::PP::true) == 5 } 'they are counted';
is(aimed(), 5, 'and asked for again');
eventually { $receiver->count('/target') == 10 } 'and come';


# what is wrong

for (['{}', '/since'],
     ['{"dryRun":true}', '/since'],
     ['{"until":"2024-01-01T00:00:00Z"}', '/since'],
     ['{"status":"lost"}', '/status'],
     ['{"since":"yesterday"}', '/since'],
     ['{"since":"2024-01-02T00:00:00Z","until":"2024-01-01T00:00:00Z"}',
      '/until'],
     ['{"status":"all","subscriptions":[]}', '/subscriptions'],
     ['{"status":"all","subscriptions":["sub_none"]}', '/subscriptions'],
     [qq({"status":"all","subscriptions":["$theirs"]}), '/subscriptions'],
     ['{"status":"all","eventTypes":["order.lost"]}', '/eventTypes'],
     ['{"status":"all","dryRun":1}', '/dryRun'],
     ['{"status":"all","since":"x","all":true}', '/all /since'])
{
    my ($body, $pointers) = @$_;
    my $refused = ask(POST => 'redeliver', body => $body,
                      headers => { 'Content-Type' => 'application/json' });
    is($refused->{status}, 422, "$body is refused");
    is(join(' ', sort map { $_->{pointer} } @{ $refused->{json}{errors} }),
       $pointers, "by $pointers");
}

finish();
