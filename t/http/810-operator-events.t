# operator_events: what an operator should know, as events of the channel.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/gone'   => [{ status => 410 }],
    '/bad'    => [{ status => 500 }],
    '/lives'  => [({ status => 500 }) x 2, { status => 200 }],
    '/late'   => [{ status => 503, headers => { 'Retry-After' => 4 } },
                  { status => 200 }],
});
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_profile once {
        allow 127.0.0.0/8; retry off; breaker off;
    }
    notify_profile breaks {
        allow 127.0.0.0/8; retry 100ms until=1m;
        breaker failures=2 window=10s cooldown=200ms;
    }
    notify_profile slow { allow 127.0.0.0/8; retry 1s until=1m; breaker off; }

    notify_channel shop  {
        profile once breaks slow; event order.paid; event order.sent;
        event order.lost; operator_events on;
    }
    notify_channel plain { profile once; event order.lost; }
    notify_channel brief {
        profile slow; retention 1s; operator_events on;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/  { notify_api shop; }
        location /plain/ { notify_api plain; }
        location /brief/ { notify_api brief; }
        location /mine/  { notify_tenant $http_x_tenant optional; notify_api shop; }
    }
END

eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 };

sub subscribe {
    my ($channel, %members) = @_;
    $members{url} = $receiver->url($members{url});
    my $answer = http(POST => $nginx->url("/$channel/subscriptions"),
                      json => \%members);
    is($answer->{status}, 201, "a subscription of $members{event}")
        or diag($answer->{content});
    return $answer->{json}{id};
}
sub publish {
    my ($channel, $type) = @_;
    return http(POST => $nginx->url("/$channel/events"),
                json => { eventType => $type })->{json}{id};
}
sub told {
    return map { from_json($_->{body}) } $receiver->requests($_[0]);
}
sub told_of {
    my ($type, $path) = @_;
    my $found;
    eventually {
        ($found) = grep { "$_->{eventType}" eq $type } told($path // '/ops');
    } "the operator is told: $type" or diag(explain([told('/ops')]));
    return $found->{data} // {};
}

my $ops = subscribe(shop => event => 'notify.*', url => '/ops');
my $all = subscribe(shop => event => '*', url => '/all');


# disabled

my $gone = subscribe(shop => event => 'order.paid', url => '/gone');
publish(shop => 'order.paid');
my $data = told_of('notify.subscription.disabled');
is($data->{subscription}, $gone, 'which subscription');
is($data->{reason}, 'gone', 'and why');


# given up

my $bad = subscribe(shop => event => 'order.lost', url => '/bad',
                    name => 'the bad one');
my $lost = publish(shop => 'order.lost');
eventually { grep { ($_->{data}{event} // '') eq $lost } told('/ops') }
           'the operator is told of what was given up';
($data) = map { $_->{data} }
          grep { ($_->{data}{event} // '') eq $lost } told('/ops');
is($data->{subscription}, $bad, 'for whom');
is($data->{name}, 'the bad one', 'by its name too');
is($data->{reason}, 'failed', 'why');
is($data->{status}, 500, 'the last status');
is($data->{attempts}, 1, 'after how many attempts');
is($data->{eventType}, 'order.lost', 'of what type it was');


# recovered

my $lives = subscribe(shop => event => 'order.sent', url => '/lives',
                      profile => 'breaks');
publish(shop => 'order.sent');
is(told_of('notify.subscription.recovered')->{subscription}, $lives,
   'whose breaker has closed');


# nobody else is, and none leads to another

eventually { $receiver->count('/all') >= 3 } 'the events themselves come';
is(scalar(grep { $_->{eventType} =~ /^notify/ } told('/all')), 0,
   '"*" does not cover operator events');

my $deaf = subscribe(shop => event => 'notify.delivery.given_up',
                     url => '/bad');
my $before = $receiver->count('/bad');
$lost = publish(shop => 'order.lost');
eventually { $receiver->count('/bad') >= $before + 2 }
           'one that cannot be told';
eventually { (grep { ($_->{data}{event} // '') eq $lost } told('/ops')) == 1 }
           'the operator is told once';
is(scalar(grep { ($_->{data}{subscription} // '') eq $deaf } told('/ops')), 0,
   'not that an operator event was given up');

my $deltas = http(GET => $nginx->url('/shop/deltas?eventType='
                                     . 'notify.subscription.disabled'));
is(scalar @{ $deltas->{json}{data} }, 1, 'they are in deltas');
is(http(GET => $nginx->url('/mine/deltas'),
        headers => { 'X-Tenant' => 'other' })->{content}
   =~ /notify\./ ? 1 : 0, 0, 'of their tenant');


# only where it is on, and only by us

publish(plain => 'order.lost');
is(http(POST => $nginx->url('/plain/subscriptions'),
        json => { event => 'notify.*', url => $receiver->url('/x') })
   ->{status}, 422, 'nothing to subscribe to where it is off');
is(http(POST => $nginx->url('/shop/subscriptions'),
        json => { event => 'notify.zzz', url => $receiver->url('/x') })
   ->{status}, 422, 'nor what is none');
is(http(POST => $nginx->url('/shop/events'),
        json => { eventType => 'notify.delivery.given_up' })->{status}, 422,
   'a client cannot publish one');


# overtaken by retention

subscribe(brief => event => 'notify.*', url => '/brief-ops');
my $late = subscribe(brief => event => 'order.*', url => '/late');
publish(brief => 'order.one');
eventually {
    http(GET => $nginx->url("/brief/subscriptions/$late"))->{json}{status}
        eq 'paused';
} 'one that is to wait';
publish(brief => 'order.two');
$data = told_of('notify.subscription.overtaken', '/brief-ops');
is($data->{subscription}, $late, 'whose events are gone');
like($data->{to}, qr/Z$/, 'until when');

finish();
