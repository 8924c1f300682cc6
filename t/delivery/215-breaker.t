# The breaker beside retries, and in the hands of another worker.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(
    redis => $redis, workers => 2, allow => qr/exited on signal 9/,
    http => <<'END');
notify_profile retried {
    retry   100ms until=1h;
    breaker failures=3 window=10s cooldown=1s;
    allow   127.0.0.0/8;
}
notify_profile once {
    retry   off;
    sign    standard;
    breaker failures=3 window=10s cooldown=2s;
    allow   127.0.0.0/8;
}
notify_profile window {
    retry   off;
    breaker failures=3 window=500ms cooldown=1h;
    allow   127.0.0.0/8;
}
notify_channel shop { profile retried once window; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

my $subscriptions = $nginx->url('/shop/subscriptions');

sub subscribe {
    my ($path, %more) = @_;
    my $answer = http_served(POST => $subscriptions, json => {
        url => $receiver->url($path), event => $path =~ s{/}{}r, %more });
    is($answer->{status}, 201, "a subscription for $path")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    my ($type, $n) = @_;
    my $answer = http(POST => $nginx->url('/shop/events'), json => [
        map { { eventType => $type, data => $_ } } 1 .. $n // 1 ]);
    is($answer->{status}, 202, 'events are accepted')
        or diag($answer->{content});
    return map { $_->{id} } @{ $answer->{json} };
}

sub status { http(GET => "$subscriptions/$_[0]")->{json}{status} }



# with retries: what waits is not lost, and one probe goes first

my $id = subscribe('/retried', profile => 'retried');
$receiver->script('/retried', { status => 503 });
publish('retried', 10);
eventually { status($id) eq 'paused' } 'it is left alone';
like(http(GET => "$subscriptions/$id")->{json}{reason}, qr/breaker/, 'with why');

my $before = $receiver->count('/retried');
cmp_ok($before, '<=', 16, 'after what was in flight');
$receiver->script('/retried', { status => 503, delay => 0.3 },
                  { status => 200, delay => 0.3 }, { status => 200 });
eventually { $receiver->count('/retried') > $before } 'a probe';
elapse 0.6;
is($receiver->count('/retried'), $before + 1, 'exactly one');
eventually { $receiver->count('/retried') > $before + 1 } 'another, later';
my ($first, $second) = ($receiver->requests('/retried'))[$before, $before + 1];
cmp_ok($second->{time} - $first->{time}, '>', 1, 'after the cool-down');
elapse 0.2;
is($receiver->count('/retried'), $before + 2, 'and one again');
eventually { my %got = map { $_->{body} => 1 } grep { $_->{status} == 200 }
                       $receiver->requests('/retried');
             keys %got == 10 } 'the first success lets all go';
is(scalar(grep { $_->{status} == 200 } $receiver->requests('/retried')), 10,
   'each once');
is(status($id), 'active', 'and it is active');


# failures that are further apart than the window

$id = subscribe('/window', profile => 'window');
$receiver->script('/window', { status => 503 });
for my $n (1 .. 5) {
    publish('window');
    eventually { $receiver->count('/window') == $n } 'a failure';
    elapse 0.35;
}
is(status($id), 'active', 'as many failures outside of the window open nothing');
publish('window', 3);
eventually { status($id) eq 'paused' } 'inside it they do';


# what was dropped is on record, whoever owns the subscription then

sub dropped_while {
    my ($how, $change) = @_;
    my $path = "/$how";
    my $id = subscribe($path, profile => 'once');
    my @ids;

    $receiver->script($path, { status => 503 });
    for my $n (1 .. 3) {
        push @ids, publish($how);
        eventually { $receiver->count($path) == $n } 'a failure';
    }
    eventually { status($id) eq 'paused' } "$how: it is left alone";

    push @ids, publish($how, 4);
    $change->();
    push @ids, publish($how, 2);
    is($receiver->count($path), 3, "$how: nothing goes out in the cool-down");

    $receiver->script($path, { status => 200 });
    eventually { push @ids, publish($how); elapse 0.3;
                 $receiver->count($path) > 3 } "$how: it is tried again";
    cmp_ok($receiver->count($path), '<=', 5, "$how: with what is new");

    is(http(POST => "$subscriptions/$id/redeliver",
            json => { since => '2024-01-01T00:00:00Z' })->{status}, 202,
       'what it has not got is asked for');

    my @got;
    eventually {
        @got = map { $_->{headers}{'webhook-id'} }
               grep { $_->{status} == 200 } $receiver->requests($path);
        @got >= @ids;
    } "$how: and comes";
    is(join(' ', sort @got), join(' ', sort @ids), "$how: each event once");
}

dropped_while(quiet => sub {});
dropped_while(reload => sub { $nginx->reload });
dropped_while(kill => sub { kill 'KILL', $nginx->workers;
                            eventually { $nginx->workers == 2 } });

finish();
