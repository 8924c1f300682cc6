# DELETE /events/{id}: an event is gone from the log, from what waits and from
# what was answered to it; nobody else's, and nothing else.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/retry' => [{ status => 500, body => 'ANSWER' }],
    '/fine'  => [{ status => 200, body => 'ANSWER' }],
    '/slow'  => [{ status => 200, delay => 1 }],
});
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
notify_profile local {
    allow 127.0.0.0/8; retry 1h 1h; response_log 1k; breaker off;
}
notify_channel shop { profile local; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/    { notify_tenant $http_x_tenant optional; notify_api shop; }
    location /portal/  { notify_tenant acme; notify_api shop role=partner; }
}
END

my $tenant = 'acme';

sub ask {
    my ($method, $path, @more) = @_;
    return http($method => $nginx->url("/shop/$path"),
                headers => { $tenant ? ('X-Tenant' => $tenant) : () }, @more);
}

sub subscribe {
    my ($name, %more) = @_;
    my $answer = http_served(POST => $nginx->url('/shop/subscriptions'),
        json => { url => $receiver->url("/$name"), event => 'order.paid',
                  %more }, headers => { 'X-Tenant' => $tenant });
    is($answer->{status}, 201, "$name subscribes") or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    my ($n, %more) = @_;
    return ask(POST => 'events', json => {
        eventType => 'order.paid', entityID => $n, data => "SECRET-$n", %more })
        ->{json}{id};
}

sub delivery {
    my ($sub, $event) = @_;
    my $id = $event =~ s/^evt_//r;
    my $own = $sub =~ s/^sub_//r;
    return ask(GET => "deliveries/dlv_${own}_$id")->{json};
}

my $retry = subscribe('retry');
my $fine = subscribe('fine');
my $other = subscribe('other', event => 'order.sent');
my @ids = map { publish($_) } 1 .. 3;

eventually { my ($one) = grep { $_->{eventId} eq $ids[2] }
                         @{ ask(GET => "subscriptions/$retry/deliveries"
                                     . '?status=retrying')->{json} };
             $one } 'deliveries wait for another attempt';
eventually { delivery($fine, $ids[2])->{attemptCount} } 'others are done';
is(delivery($retry, $ids[1])->{attempts}[0]{response}, 'ANSWER',
   'what was answered is kept');

$tenant = 'globex';
is(ask(DELETE => "events/$ids[1]")->{status}, 404, "another tenant's is none");
$tenant = 'acme';
is(http(DELETE => $nginx->url("/portal/events/$ids[1]"))->{json}{code}, 'role',
   'a partner may not');
is(ask(GET => "events/$ids[1]")->{status}, 200, 'so it is still there');

my $answer = ask(DELETE => "events/$ids[1]");
is($answer->{status}, 204, 'an event is erased') or diag($answer->{content});
is(ask(DELETE => "events/$ids[1]")->{status}, 204, 'once more is the same');
is(ask(GET => "events/$ids[1]")->{status}, 404, 'it is not there');
unlike(ask(GET => $_)->{content}, qr/SECRET-2/, "nor in $_")
    for 'events', 'deltas';
like(ask(GET => 'events')->{content}, qr/SECRET-3.*SECRET-1/, 'others are');
like(ask(GET => "deltas?since=$ids[0]")->{content}, qr/SECRET-3/,
     'a reader before it goes on');

for ([$retry, 'which waited'], [$fine, 'which was done']) {
    my ($sub, $title) = @$_;
    my $one = delivery($sub, $ids[1]);
    is($one->{status}, 'dead', "a delivery of it, $title, is dead");
    is($one->{reason}, 'erased', 'and says why');
    is_deeply([map { $_->{response} } @{ $one->{attempts} }], [undef],
              'what was answered is forgotten');
    is(delivery($sub, $_)->{attempts}[0]{response}, 'ANSWER',
       'that of others is kept') for @ids[0, 2];
}
is(delivery($other, $ids[1])->{status}, 404,
   'whom it was not for has none');
is(join(' ', map { $_->{eventId} }
             @{ ask(GET => "subscriptions/$retry/deliveries?status=retrying")
                ->{json} }), "$ids[2] $ids[0]", 'others still wait');
is(scalar @{ ask(GET => "subscriptions/$retry/deliveries?status=dead")
             ->{json} }, 1, 'it is listed as dead');
my $streams = join '', map { $redis->cli(XRANGE => $_, '-', '+') }
    grep { $redis->cli(TYPE => $_) =~ /stream/ }
    split /\n/, $redis->cli(KEYS => '*');
like($streams, qr/SECRET-3/, 'Redis has the others');
unlike($streams, qr/SECRET-2/, 'and shows it to nobody');

is(ask(POST => "subscriptions/$retry/redeliver", json => { all =>
       JSON::PP::true })->{status}, 202, 'a redelivery of all');
eventually { $receiver->count('/retry') == 5 } 'brings the others';
is(scalar(grep { $_->{body} =~ /SECRET-2/ } $receiver->requests('/retry')), 1,
   'and not that one');


# what waits in memory

my $slow = subscribe('slow', inFlight => 1);
my @more = map { publish($_) } 11 .. 14;
eventually { $receiver->count('/slow') >= 1 } 'calls are made one by one';
is(ask(DELETE => "events/$more[3]")->{status}, 204, 'one that waits is erased');
publish(15);
eventually { grep { $_->{body} =~ /SECRET-15/ } $receiver->requests('/slow') }
    'what comes after it is delivered';
is(scalar(grep { $_->{body} =~ /SECRET-14/ } $receiver->requests('/slow')), 0,
   'it is not');
is(delivery($slow, $more[3])->{reason}, 'erased', 'and is erased');


# what is under way

for (['/slow', { status => 200, delay => 1, body => 'LATE' }, 'succeeds'],
     ['/late', { status => 500, delay => 1, body => 'LATE' }, 'fails'])
{
    my ($path, $answer, $title) = @$_;
    $receiver->script($path, $answer);
    my $sub = $path eq '/slow' ? $slow : subscribe('late', inFlight => 1);
    my ($first, $erased) = (publish(16), publish(17));
    eventually { grep { $_->{body} =~ /SECRET-17/ }
                 $receiver->requests($path) } "a call is under way: $path";
    is(ask(DELETE => "events/$erased")->{status}, 204, 'its event is erased');
    eventually { @{ delivery($sub, $erased)->{attempts} // [] } }
        "then it $title";
    my $one = delivery($sub, $erased);
    is("$one->{status} $one->{reason}", 'dead erased', 'its delivery is dead');
    is($one->{attempts}[0]{response}, undef, 'what was answered is not kept');
    is(delivery($sub, $first)->{attempts}[0]{response}, 'LATE',
       'that of others is');
}


# by a uid, and what there is not

publish(21, uid => 'mine');
is(ask(DELETE => 'events/mine')->{status}, 204, 'an event is erased by its uid');
is(ask(GET => 'events/mine')->{status}, 404, 'and gone');
is(ask(DELETE => 'events/mine')->{status}, 204, 'once more, too');
is(ask(DELETE => 'events/nobody')->{status}, 404, 'what nobody named is none');
is(ask(DELETE => 'events/evt_01a22c95ac450000')->{status}, 204,
   'what has left the log is no fault');
is(ask(GET => 'stats')->{json}{counters}{erased}, 5, 'each is counted once');

finish();
