# A kept connection that ends instead of an answer: one that has rested may
# have been closed meanwhile, and the call is made anew on another one; at one
# that was just in use the call itself is what failed.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile once { sign standard; retry off; allow 127.0.0.0/8; }
notify_channel shop { profile once; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

my $answer;

# 503 until a worker that has just started is connected to Redis
eventually {
    $answer = http(POST => $nginx->url('/shop/subscriptions'), json => {
        url => $receiver->url('/a'), event => '*' });
    $answer->{status} != 503;
};
is($answer->{status}, 201, 'a subscription');

sub publish {
    my $answer = http(POST => $nginx->url('/shop/events'), json => {
        eventType => 'order.paid' });
    is($answer->{status}, 202, 'an event');
    return $answer->{json}{id};
}

sub calls {
    my ($id) = @_;
    return grep { $_->{headers}{'webhook-id'} eq $id }
                $receiver->requests('/a');
}

for my $how ({ drop => 1 }, { reset => 1 }) {
    my ($name) = keys %$how;

    $receiver->script('/a', {}, $how, {});
    my @ids = map { publish() } 1 .. 3;
    eventually { calls($ids[2]) } "$name: three calls";
    is(scalar(calls($_)), 1, "$name: each once") for @ids;

    $receiver->script('/a', {}, $how, {});
    my $first = publish();
    eventually { calls($first) } "$name: a call";
    sleep 1.2;
    my $rested = publish();
    eventually { calls($rested) == 2 } "$name: one made anew";

    my ($failed, $anew) = calls($rested);
    is($failed->{conn}, (calls($first))[0]{conn}, "$name: first as kept");
    isnt($anew->{conn}, $failed->{conn}, "$name: then on another connection");
    is($anew->{body}, $failed->{body}, "$name: the same");
}

finish();
