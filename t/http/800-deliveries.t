# The attempt log and the resources that show it: deliveries/{id},
# subscriptions/{id}/deliveries, events/{id}/deliveries, and redeliver.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/good'  => [{ status => 200, body => 'well done' }],
    '/twice' => [{ status => 500, body => "no\xff\x00" . 'x' x 100 },
                 { status => 503, body => 'again' }, { status => 204 }],
    '/bad'   => [{ status => 500, body => 'never' }],
    '/later' => [{ status => 500 }],
    '/other' => [{ status => 200 }],
});
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_profile local {
        allow 127.0.0.0/8; breaker off; retry 100ms 100ms 100ms;
        response_log 16;
    }
    notify_profile once   { allow 127.0.0.0/8; breaker off; retry off; }
    notify_profile slow   { allow 127.0.0.0/8; breaker off; retry 1h; }
    notify_profile few    { allow 127.0.0.0/8; breaker off; retry off;
                            attempt_log all max=5; }
    notify_profile faults { allow 127.0.0.0/8; breaker off; retry off;
                            attempt_log failures; }
    notify_profile quiet  { allow 127.0.0.0/8; breaker off; retry off;
                            attempt_log off; }

    notify_channel shop {
        profile local once slow few faults quiet;
        event order.paid; event order.sent; event order.lost;
        event order.many; event order.late;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /mine/ { notify_tenant $http_x_tenant optional; notify_api shop; }
    }
END

eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 };

sub api { return http($_[0] => $nginx->url("/shop/$_[1]"), @_[2 .. $#_]) }
sub subscribe {
    my $answer = api(POST => 'subscriptions', json => { @_ });
    is($answer->{status}, 201, "a subscription for $_[1]")
        or diag($answer->{content});
    return $answer->{json}{id};
}
sub publish {
    my $answer = api(POST => 'events', json => { eventType => $_[0],
                                                 data => { n => 1 } });
    return $answer->{json}{id};
}
sub of {
    my ($subscription, $query) = @_;
    my $answer = api(GET => "subscriptions/$subscription/deliveries"
                            . ($query ? "?$query" : ''));
    is($answer->{status}, 200, 'its deliveries') or diag($answer->{content});
    return @{ $answer->{json} // [] };
}
sub has {
    my ($subscription, $event, $status) = @_;
    my $found;
    eventually {
        my $answer = api(GET => "subscriptions/$subscription/deliveries");
        ($found) = grep { $_->{eventId} eq $event } @{ $answer->{json} };
        $found && $found->{status} eq $status;
    } "a delivery is $status" or diag(explain($found));
    return $found;
}


# one that succeeds

my $good = subscribe(event => 'order.paid', url => $receiver->url('/good'));
my $paid = publish('order.paid');
my $delivery = has($good, $paid, 'succeeded');
like($delivery->{id}, qr/^dlv_[^.]+$/, 'its id has no dots');
is($delivery->{subscription}, $good, 'it names its subscription');
is($delivery->{eventType}, 'order.paid', 'and the type of its event');
is($delivery->{attemptCount}, 1, 'there was one attempt');

my $one = api(GET => "deliveries/$delivery->{id}")->{json};
is(scalar @{ $one->{attempts} }, 1, 'which is shown');
my $attempt = $one->{attempts}[0];
ok($attempt->{success}, 'as a success');
is($attempt->{status}, 200, 'with its status');
is($attempt->{attempt}, 1, 'its number');
is($attempt->{error}, undef, 'no error');
like($attempt->{latency}, qr/^\d+$/, 'its latency');
like($attempt->{time}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'its time');
is($attempt->{response}, 'well done', 'and the response');
is_deeply($attempt->{responseTruncated}, JSON::PP::false(), 'which is whole');


# one that succeeds in the end

my $twice = subscribe(event => 'order.sent', url => $receiver->url('/twice'));
my $sent = publish('order.sent');
$delivery = has($twice, $sent, 'succeeded');
is($delivery->{attemptCount}, 3, 'after three attempts');
is($delivery->{lastAttempt}{status}, 204, 'the last one succeeded');
$one = api(GET => "deliveries/$delivery->{id}")->{json};
is(join(' ', map { $_->{status} } @{ $one->{attempts} }), '500 503 204',
   'all three are shown in order');
is(join(' ', map { $_->{attempt} } @{ $one->{attempts} }), '1 2 3',
   'with their numbers');
is($one->{attempts}[0]{error}, 'status', 'a failure says why');
like($one->{attempts}[0]{response}, qr/^no\xef\xbf\xbd\0x{12}$/,
     'a response is cut, bytes that are no UTF-8 are replaced');
ok($one->{attempts}[0]{responseTruncated}, 'and it is said so');
is($one->{attempts}[2]{response}, undef, 'no response: nothing shown');


# one that is given up, and delivered again

my $lost = subscribe(event => 'order.lost', url => $receiver->url('/bad'));
my $given_up = publish('order.lost');
$delivery = has($lost, $given_up, 'dead');
is($delivery->{reason}, 'exhausted', 'a dead letter has its reason');
is($delivery->{attemptCount}, 4, 'and the number of attempts');
is(api(GET => "deliveries/$delivery->{id}")->{json}{attempts}[3]{response},
   'never', 'each with its response');
is(scalar of($lost, 'status=dead'), 1, 'it is among the dead ones');
is(scalar of($lost, 'status=succeeded'), 0, 'and not among the others');
is(scalar of($lost, 'status=retrying'), 0, 'of any kind');

$receiver->script('/bad', { status => 200 });
my $again = api(POST => "deliveries/$delivery->{id}/redeliver");
is($again->{status}, 202, 'it can be delivered again');
is($again->{json}{status}, 'pending', 'and is pending then');
has($lost, $given_up, 'succeeded');
is(scalar of($lost, 'status=dead'), 0, 'there are no dead ones any more');
is(scalar of($lost, 'status=succeeded'), 1, 'but one that succeeded');


# one that waits, and is made at once

my $slow = subscribe(event => 'order.late', profile => 'slow',
                     url => $receiver->url('/later'));
my $late = publish('order.late');
$delivery = has($slow, $late, 'retrying');
like($delivery->{nextAttemptAt}, qr/Z$/, 'one that waits says until when');
is(scalar of($slow, 'status=retrying'), 1, 'it is among those that wait');

$receiver->script('/later', { status => 200 });
$again = api(POST => "events/$late/redeliver",
             json => { subscription => $slow });
is($again->{status}, 202, 'an event can be delivered again, by its id');
has($slow, $late, 'succeeded');
is($receiver->count('/later'), 2, 'with one more call');

my $thrice = has($slow, $late, 'succeeded');
api(POST => "deliveries/$thrice->{id}/redeliver");
eventually {
    $thrice = api(GET => "deliveries/$thrice->{id}")->{json};
    @{ $thrice->{attempts} } == 3
} 'what succeeded can be delivered again';
is($thrice->{attemptCount}, 3, 'each attempt counts');
($thrice) = grep { $_->{eventId} eq $late } of($slow, '');
is($thrice->{attemptCount}, 3, 'in the list, too');

is(api(POST => "events/$late/redeliver", json => {})->{status}, 422,
   'it is asked to whom');
is(api(POST => "events/$late/redeliver",
       json => { subscription => $good })->{status}, 404,
   'not to one whom it does not concern');
is(api(POST => "events/$late/redeliver",
       json => { subscription => 'sub_none' })->{status}, 404,
   'nor to one that is not there');
is(api(GET => "events/$late/redeliver")->{status}, 405, 'it takes a POST');


# an event's deliveries

my $copy = subscribe(event => 'order.*', url => $receiver->url('/other'));
my $both = publish('order.paid');
has($good, $both, 'succeeded');
has($copy, $both, 'succeeded');
my $answer = api(GET => "events/$both/deliveries");
is($answer->{status}, 200, 'the deliveries of an event');
is(join(' ', map { $_->{subscription} } @{ $answer->{json} }), "$good $copy",
   'are those of all whom it concerns');
$answer = api(GET => "events/$both/deliveries?limit=1");
is($answer->{json}[0]{subscription}, $good, 'in pages');
my ($next) = ($answer->{headers}{link} // '') =~ /<([^>]+)>; rel="next"/;
ok($next, 'with a link');
$answer = http(GET => $nginx->url($next));
is(join(' ', map { $_->{subscription} } @{ $answer->{json} }), $copy,
   'to the next');
is_deeply([map { $_->{subscription} }
           @{ api(GET => "events/$paid/deliveries")->{json} }], [$good],
          'who came later has no delivery of an earlier event');


# pages of a subscription's

publish('order.paid') for 1 .. 5;
has($good, publish('order.paid'), 'succeeded');
my (@seen, $pages);
my $path = "/shop/subscriptions/$good/deliveries?limit=3";
while ($path && $pages++ < 10) {
    my $page = http(GET => $nginx->url($path));
    push @seen, map { $_->{eventId} } @{ $page->{json} };
    ($path) = ($page->{headers}{link} // '') =~ /<([^>]+)>; rel="next"/;
}
is(scalar @seen, 8, 'pages have them all');
is_deeply(\@seen, [reverse sort @seen], 'the newest first, each once');
is(api(GET => "subscriptions/$good/deliveries?status=lost")->{status}, 400,
   'an unknown status is refused');
is(api(GET => "subscriptions/$good/deliveries?before=x")->{status}, 400,
   'so is a place that is none');


# what is kept

my $few = subscribe(event => 'order.many', profile => 'few',
                    url => $receiver->url('/good'));
my $faults = subscribe(event => 'order.many', profile => 'faults',
                       url => $receiver->url('/good'));
my $quiet = subscribe(event => 'order.many', profile => 'quiet',
                      url => $receiver->url('/good'));
my @many = map { publish('order.many') } 1 .. 12;
has($_, $many[-1], 'succeeded') for $few, $faults, $quiet;
eventually { (grep { $_->{lastAttempt} } of($few)) == 5 }
           'the last attempts are kept, as many as max says';
is(scalar(grep { $_->{status} eq 'succeeded' } of($few)), 12,
   'what succeeded is known without them');
is(scalar(grep { $_->{lastAttempt} } of($faults)), 0,
   'successes are not logged with failures');
is(scalar(grep { $_->{lastAttempt} } of($quiet)), 0, 'nothing is with off');
is($redis->key("attempts:$quiet"), undef, 'there is no log of it');

$receiver->script('/good', { status => 500 });
my $fault = publish('order.many');
is(has($faults, $fault, 'dead')->{lastAttempt}{status}, 500,
   'a failure is logged with failures');
is(has($quiet, $fault, 'dead')->{lastAttempt}, undef, 'and not with off');
is(has($quiet, $fault, 'dead')->{reason}, 'failed', 'without retries: failed');


# other tenants

sub mine { return http($_[0] => $nginx->url("/mine/$_[1]"),
                       headers => { 'X-Tenant' => 'other' },
                       @_[2 .. $#_]) }
my $id = has($lost, $given_up, 'succeeded')->{id};
is(mine(GET => "deliveries/$id")->{status}, 404,
   'a delivery of another tenant is not there');
is(mine(POST => "deliveries/$id/redeliver")->{status}, 404,
   'nor is it made again');
is(mine(GET => "subscriptions/$lost/deliveries")->{status}, 404,
   'nor those of a subscription');
is(mine(GET => "events/$given_up/deliveries")->{status}, 404,
   'nor those of an event');

is(api(GET => 'deliveries/dlv_x')->{status}, 404, 'an id that is none');
is(api(GET => "deliveries/$id/zzz")->{status}, 404, 'a path that is none');
is(api(POST => "deliveries/$id")->{status}, 405, 'a delivery can be read');


# disabled, deleted

api(POST => "subscriptions/$lost/disable");
is(api(POST => "deliveries/$id/redeliver")->{status}, 409,
   'nothing is delivered to one that is disabled');
my $skipped = publish('order.lost');
api(POST => "subscriptions/$lost/enable");
has($lost, $skipped, 'skipped');
my ($gap) = of($lost, 'status=skipped');
is($gap->{eventId}, $skipped, 'what came meanwhile is skipped');
is(api(POST => "deliveries/$gap->{id}/redeliver")->{status}, 202,
   'and can be delivered');
has($lost, $skipped, 'succeeded');

ok($redis->key("attempts:$lost"), 'it has an attempt log');
is(api(DELETE => "subscriptions/$lost")->{status}, 204, 'deleted');
eventually { !$redis->key("attempts:$lost") } 'its attempt log goes with it';
is($redis->cli('--raw', 'EVAL', <<'END', 0, $lost) // '', '',
for _, k in ipairs(redis.call('KEYS', '*attempted:*')) do
    if redis.call('HEXISTS', k, ARGV[1]) == 1 then return k end
end
END
   'and so does its count');
is(api(GET => "deliveries/$id")->{status}, 404, 'and its deliveries');

finish();
