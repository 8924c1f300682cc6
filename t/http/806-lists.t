# GET /events and GET /deliveries: over the whole log and all subscriptions, the
# latest first, by type, time, status, event and subscription, page by page; and
# the request of a delivery.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(
    scripts => { '/dead' => [{ status => 500 }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile local { allow 127.0.0.0/8; sign standard; retry off;
                       header X-Plain $notify_event_type;
                       header Authorization "Bearer fixed"; }
notify_channel shop { profile local; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_tenant $http_x_tenant optional; notify_api shop; }
}
END

my $tenant = '';

sub ask {
    my ($method, $path, @more) = @_;
    $path = "/shop/$path" unless $path =~ m{^/};
    return http($method => $nginx->url($path),
                headers => { $tenant ? ('X-Tenant' => $tenant) : () }, @more);
}

# all pages, by their links
sub all {
    my ($path) = @_;
    my ($pages, @rows) = 0;
    while ($path) {
        my $answer = ask(GET => $path);
        is($answer->{status}, 200, "$path is answered")
            or diag($answer->{content});
        push @rows, @{ $answer->{json} // [] };
        ($path) = ($answer->{headers}{link} // '') =~ /^<(.*)>; rel="next"$/;
        return @rows if ++$pages > 200;
    }
    return @rows;
}

http_served(GET => $nginx->url('/shop/health'));

my %sub;
sub subscribe {
    my ($name, %more) = @_;
    my $answer = ask(POST => 'subscriptions', json => {
        url => $receiver->url("/$name"), event => '*', %more });
    is($answer->{status}, 201, "$name subscribes") or diag($answer->{content});
    return $sub{$name} = $answer->{json}{id};
}

sub publish {
    my ($n, $type) = @_;
    return ask(POST => 'events', json => {
        eventType => $type, entityID => $n, data => { n => $n } })->{json}{id};
}

subscribe('all', headers => { 'X-Own' => 'mine' }, apiKey => 'key-1');
subscribe('dead');
subscribe('paid', event => 'order.paid');
subscribe('none', filter => { 'data.n' => -1 });

my @ids = map { publish($_, $_ % 2 ? 'order.paid' : 'order.sent') } 1 .. 10;
$tenant = 'other';
subscribe('theirs');
my $theirs = publish(99, 'order.paid');
$tenant = '';

eventually { $receiver->count('/all') == 10 && $receiver->count('/dead') == 10
             && $receiver->count('/paid') == 5 } 'all are called';


# events

sub numbers { return join ' ', map { $_->{entityID} } @_ }

is(numbers(all('events')), '10 9 8 7 6 5 4 3 2 1', 'events, the latest first');
is(numbers(all('events?limit=3')), '10 9 8 7 6 5 4 3 2 1', 'page by page');
is(numbers(all('events?limit=2&eventType=order.paid')), '9 7 5 3 1',
   'of one type');
is(numbers(all('events?eventType=order.lost')), '', 'of one that nobody has');
is(numbers(all("events?since=$ids[3]&until=$ids[6]&limit=2")), '7 6 5 4',
   'of a span');
is(numbers(all('events?until=2020-01-01T00:00:00Z')), '', 'of another time');
is(numbers(all('events?since=2020-01-01T00:00:00%2B01:00&limit=4')),
   '10 9 8 7 6 5 4 3 2 1', 'from a time on, in every page');
my $one = ask(GET => "events/$ids[4]")->{content};
is(ask(GET => "events?since=$ids[4]&until=$ids[4]")->{content}, "[$one]",
   'each as it is shown alone');
ok(!ask(GET => 'events?limit=10')->{headers}{link},
   'the last page has no link');

$tenant = 'other';
is(numbers(all('events')), '99', 'a tenant sees its own');
$tenant = '';

is(ask(GET => "events?$_->[0]")->{status}, 400, "$_->[0] is refused")
    for ['since=yesterday'], ['limit=0'], ['before=x'], ['status=dead'],
        ['since=2024-01-02T00:00:00Z&until=2024-01-01T00:00:00Z'];


# deliveries

my %name = reverse %sub;
my %number;
@number{@ids, $theirs} = (1 .. 10, 99);

sub deliveries {
    return join ' ', map { "$name{$_->{subscription}}/$number{$_->{eventId}}" }
                         @_;
}

my @all = map { ("all/$_", "dead/$_", $_ % 2 ? "paid/$_" : ()) }
          reverse 1 .. 10;

eventually { !grep { $_->{status} =~ /pending/ } all('deliveries') }
    'what came of them is known';
is(deliveries(all('deliveries')), "@all", 'deliveries, the latest first');
is(deliveries(all('deliveries?limit=4')), "@all", 'page by page');
is(deliveries(all('deliveries?limit=1')), "@all", 'one by one');
is(deliveries(all('deliveries?limit=3&status=dead')),
   "@{[ grep { /dead/ } @all ]}", 'those that are dead');
is(deliveries(all('deliveries?limit=2&status=dead&eventType=order.sent')),
   'dead/10 dead/8 dead/6 dead/4 dead/2', 'of these those of one type');
is(deliveries(all('deliveries?status=succeeded&limit=6')),
   "@{[ grep { !/dead/ } @all ]}", 'those that succeeded');
is(deliveries(all("deliveries?subscription=$sub{paid}&limit=2")),
   'paid/9 paid/7 paid/5 paid/3 paid/1', 'of one subscription');
is(deliveries(all('deliveries?eventType=order.sent&limit=2')),
   "@{[ grep { m{/(?:2|4|6|8|10)$} } @all ]}", 'of one type');
is(deliveries(all("deliveries?event=$ids[4]&limit=1")),
   'all/5 dead/5 paid/5', 'of one event');
is(deliveries(all("deliveries?event=$ids[4]&subscription=$sub{dead}")),
   'dead/5', 'just one');
is(deliveries(all("deliveries?since=$ids[7]&until=$ids[8]&status=dead")),
   'dead/9 dead/8', 'of a span');
is(deliveries(all("deliveries?event=$ids[4]&since=$ids[5]")), '',
   'an event of another time');
is(deliveries(all("deliveries?subscription=$sub{theirs}")), '',
   'nothing of another tenant');
is(deliveries(all("deliveries?event=$theirs")), '', 'by its event neither');
is(deliveries(all('deliveries?subscription=sub_nobody')), '', 'nor of nobody');

my ($row) = all("deliveries?event=$ids[4]&subscription=$sub{dead}");
my $alone = ask(GET => "deliveries/$row->{id}")->{json};
is_deeply([@$row{qw(id status attemptCount reason)}],
          [@$alone{qw(id status attemptCount reason)}],
          'each says what it says alone');

$tenant = 'other';
is(deliveries(all('deliveries')), 'theirs/99', 'a tenant sees its own');
$tenant = '';

is(ask(GET => "deliveries?$_")->{status}, 400, "$_ is refused")
    for 'status=lost', 'event=7', 'before=evt_x', 'before=evt_01a22c95ac450000.x',
        'until=now', 'after=1';


# the request

my ($sent) = grep { $_->{body} =~ /"entityID":5\b/ }
             $receiver->requests('/all');
($row) = all("deliveries?event=$ids[4]&subscription=$sub{all}");
ok(!exists ask(GET => "deliveries/$row->{id}")->{json}{request},
   'a request is shown where it is asked for');
my $request = ask(GET => "deliveries/$row->{id}?request=true")->{json}{request};
is($request->{method}, 'POST', 'with its method');
is($request->{url}, $receiver->url('/all'), 'its URL');
is($request->{body}, $sent->{body}, 'the body that was sent');
my %headers = map { lc $_ => $request->{headers}{$_} }
              keys %{ $request->{headers} };
is($headers{$_->[0]}, $_->[1], "$_->[0] is $_->[1]")
    for ['content-type', 'application/json'], ['x-plain', 'order.paid'],
        ['x-own', '***'], ['authorization', '***'], ['x-api-key', '***'],
        ['webhook-signature', '***'],
        ['webhook-id', $sent->{headers}{'webhook-id'}];
is_deeply([grep { !exists $sent->{headers}{$_} } keys %headers], [],
          'no other than were sent');
unlike(to_json($request), qr/mine|key-1|fixed|whsec_/, 'no secret is in it');
is(ask(GET => "deliveries/$row->{id}?request=yes")->{status}, 400,
   'it is asked for by true');

finish();
