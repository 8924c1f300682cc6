# Rows B4, B5: deltas and the calls of a webhook are one list, read in two ways;
# what one reader missed is what it did not get; and after the retention an
# entry is gone from both.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_profile once {
        allow    127.0.0.0/8;
        header   X-Event $notify_event_id;
        retry    off;
        breaker  off;
    }
    notify_channel shop  { profile once; }
    # fifteen days, compressed
    notify_channel brief { profile once; retention 3s; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/  { notify_api shop; }
        location /brief/ { notify_api brief; }
    }
END

$receiver->cycle('/some', {}, { status => 500 }, {}, {}, { reset => 1 }, {});

sub subscribe {
    my ($channel, $path, %more) = @_;
    my $answer = http_served(
        POST => $nginx->url("/$channel/subscriptions"), json => {
            url => $receiver->url($path), event => '*', %more });
    is($answer->{status}, 201, "$channel: a subscription for $path");
    return $answer->{json}{id};
}

sub publish {
    my ($channel, @events) = @_;
    return map { $_->{id} } @{ http(POST => $nginx->url("/$channel/events"),
                                    json => \@events)->{json} };
}

# all pages of deltas
sub deltas {
    my ($channel, $query) = @_;
    my ($cursor, @all) = '';
    for (1 .. 100) {
        my $page = http(GET => $nginx->url("/$channel/deltas")
                               . "?limit=50$cursor" . ($query // ''));
        die "$page->{status} $page->{content}" if $page->{status} != 200;
        push @all, @{ $page->{json}{data} };
        last unless $page->{json}{hasMore};
        $cursor = "&cursor=$page->{json}{cursor}";
    }
    return @all;
}

# all pages of the deliveries of a subscription, the oldest first
sub deliveries {
    my ($channel, $id, $status) = @_;
    my $path = "/$channel/subscriptions/$id/deliveries?limit=50"
               . ($status ? "&status=$status" : '');
    my @all;
    for (1 .. 100) {
        my $page = http(GET => $nginx->url($path));
        die "$page->{status} $page->{content}" if $page->{status} != 200;
        push @all, @{ $page->{json} };
        ($path) = ($page->{headers}{link} // '') =~ /<([^>]+)>; rel="next"/
            or last;
    }
    @all = reverse @all;
    return @all;
}

sub ids { return join ' ', map { $_->{eventId} // $_->{id} } @_ }

# dead ones of one millisecond are in no order
sub sorted { return join ' ', sort map { $_->{eventId} } @_ }

# what has come to a path, in the order of the log
sub calls {
    my ($path, @status) = @_;
    my @calls = sort { $a->{id} cmp $b->{id} }
        map { { id => $_->{headers}{'x-event'}, %$_ } }
        grep { my $s = $_->{status}; !@status || grep { $s == $_ } @status }
             $receiver->requests($path);
    return @calls;
}


# one list

my $all = subscribe(shop => '/all');
my $some = subscribe(shop => '/some');
my $paid = subscribe(shop => '/paid', event => 'order.paid');
my @ids;
for my $n (1 .. 15) {
    push @ids, publish(shop => map { {
        eventType => $_ % 2 ? 'order.paid' : 'order.sent',
        entityTypeID => 3, entityID => $n * 100 + $_,
        data => { n => $_ } } } 1 .. 12);
}

eventually { calls('/all') == @ids && calls('/some') == @ids
             && calls('/paid') == @ids / 2 } 'all calls are made';

my @deltas = deltas('shop');
is(ids(@deltas), "@ids", 'B5: deltas are what was published, in its order');
is(ids(calls('/all')), "@ids", 'B4: the calls are the same list');
eventually { ids(deliveries(shop => $all)) eq "@ids" }
    'B4: so are the deliveries, as the API lists them';

# each delta begins as the call does
my %delta = map { $_->{id} => $_ } @deltas;
my @members = qw(eventType entityTypeID entityID data);
is(scalar(grep {
       my ($got, $has) = (from_json($_->{body}), $delta{ $_->{id} });
       to_json($got) ne to_json({ map { $_ => $has->{$_} } @members })
   } calls('/all')), 0, 'B5: with the same members and values');

is(ids(deltas(shop => "&subscription=$paid")), ids(calls('/paid')),
   'B5: the deltas of a subscription are its calls');
is(ids(deltas(shop => '&eventType=order.paid')), ids(calls('/paid')),
   'B5: as are those of its event type');


# what was missed

my ($good, $bad) = map { ids($_->@*) } [calls('/some', 200)],
                                        [calls('/some', 500, 0)];
eventually { ids(deltas(shop => "&subscription=$some&missed=true")) eq $bad }
    'B5: missed are exactly those that failed';
is(sorted(deliveries(shop => $some, 'dead')), $bad, 'which are the dead ones');
is(ids(deliveries(shop => $some, 'succeeded')), $good, 'the others succeeded');
is(scalar(split ' ', "$good $bad"), scalar @ids, 'and there are no others');
eventually { ids(deltas(shop => "&subscription=$all&missed=true")) eq '' }
    'B5: who got all has missed nothing';


# after the retention

$receiver->cycle('/brief', {}, { status => 500 });
my $brief = subscribe(brief => '/brief');
my $began = time;
my @brief = publish(brief => map { { eventType => 'order.paid',
                                     data => $_ } } 1 .. 20);
eventually { deliveries(brief => $brief, 'succeeded') == 10
             && deliveries(brief => $brief, 'dead') == 10 }
    'half of them succeed';

SKIP: {
    skip 'this machine is too slow', 3 if time - $began > 2;
    is(ids(deltas('brief')), "@brief", 'B5: before its end deltas have all');
    is(ids(deliveries(brief => $brief)), "@brief", 'and so has the webhook');
    is(scalar(deltas(brief => "&subscription=$brief&missed=true")), 10,
       'half are missed');
}

eventually { !deltas('brief') } 'B5: after it they are gone from deltas';
cmp_ok(time - $began, '>=', 2.99, 'not before');
is(ids(deliveries(brief => $brief)), '', 'and from the deliveries');
is(ids(deliveries(brief => $brief, 'dead')), '', 'the dead ones, too');
is(ids(deltas(brief => "&subscription=$brief&missed=true")), '',
   'nor are they missed');
is(http(GET => $nginx->url("/brief/$_"))->{status}, 404, "404: $_")
    for "events/$brief[0]", "events/$brief[0]/deliveries";
eventually { 0 == $redis->cli('XLEN', 'notify:{brief.0}:log') }
    'Redis has them no more';
is(ids(deltas('shop')), "@ids", 'a longer retention keeps its own');

finish();
