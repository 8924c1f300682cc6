# A kept connection that ends instead of an answer: one that has rested may
# have been closed meanwhile, and the call is made anew on another one, but
# with `retry off`; at one that was just in use the call itself is what failed.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile once  { sign standard; retry off; allow 127.0.0.0/8; }
notify_profile again { sign standard; retry 1h; allow 127.0.0.0/8; }
notify_channel shop { profile once again; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

for my $profile (qw(once again)) {
    my $answer = http_served(
        POST => $nginx->url('/shop/subscriptions'), json => {
            url => $receiver->url("/$profile"), profile => $profile,
            event => "order.$profile" });
    is($answer->{status}, 201, "$profile: a subscription");
}

sub publish {
    my ($profile) = @_;
    my $answer = http(POST => $nginx->url('/shop/events'), json => {
        eventType => "order.$profile" });
    is($answer->{status}, 202, 'an event');
    return $answer->{json}{id};
}

sub calls {
    my ($id) = @_;
    return grep { $_->{headers}{'webhook-id'} eq $id } $receiver->requests;
}

# what became of the deliveries of an event
sub statuses {
    my ($id) = @_;
    my $answer = http(GET => $nginx->url("/shop/events/$id/deliveries"));
    return join ' ', map { $_->{status} } @{$answer->{json}};
}

# the id of a call at whose connection, kept and rested, it ends like that
sub rested {
    my ($profile, $how) = @_;

    $receiver->script("/$profile", {}, $how, {});
    my $first = publish($profile);
    eventually { calls($first) } "$profile: a call";
    elapse 1.2;
    my $rested = publish($profile);
    eventually { calls($rested) } "$profile: one more";
    is((calls($rested))[0]{conn}, (calls($first))[0]{conn},
       "$profile: on the kept connection");
    return $rested;
}

for my $how ({ drop => 1 }, { reset => 1 }) {
    my ($name) = keys %$how;

    $receiver->script('/once', {}, $how, {});
    my @ids = map { publish('once') } 1 .. 3;
    eventually { calls($ids[2]) } "$name: three calls";
    is(scalar(calls($_)), 1, "$name: each once") for @ids;

    my $rested = rested('again', $how);
    eventually { calls($rested) == 2 } "$name: it is made anew";
    my ($failed, $anew) = calls($rested);
    isnt($anew->{conn}, $failed->{conn}, "$name: on another connection");
    is($anew->{body}, $failed->{body}, "$name: the same");
    eventually { statuses($rested) eq 'succeeded' } "$name: it has arrived";

    $rested = rested('once', $how);
    eventually { statuses($rested) eq 'dead' } "$name: without retries lost";
    my $next = publish('once');
    eventually { statuses($next) eq 'succeeded' } "$name: not so the next";
    is(scalar(calls($rested)), 1, "$name: nor was it made again");
}

finish();
