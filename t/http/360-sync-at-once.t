# A gate knows of a sync subscription when the answer to its making has come:
# the worker that answered at once, others by the log: within 100 ms in the
# median, as a single one may have met a machine that was busy.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $slow = $ENV{NOTIFY_TEST_SLOW} // 1;

my ($here, $there) = map { NotifyTest::Nginx->new(redis => $redis,
    vars => { BACKEND => $receiver->port }, http => <<'END') } 1 .. 2;
    notify_profile plain { allow 127.0.0.0/8; schemes http; in_flight 1;
                           retry off; breaker off; timeout 2s; }
    notify_channel retail {
        profile plain;
        event document.pricing sync;
        event document.validation sync;
        event busy;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /retail/ { notify_api retail; }
        location /gate {
            notify_sync retail document.pricing gate;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /other {
            notify_sync retail document.validation gate;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
    }
END

$receiver->script('/no', { body => '{"success":false}' });
$receiver->script('/yes', { body => '{"success":true}' });
$receiver->script('/gate', { body => 'open' });
$receiver->script('/other', { body => 'open' });

sub gate { return http(GET => $_[0]->url($_[1] // '/gate'))->{status} }
sub ask {
    my ($method, $path, @more) = @_;
    return http($method => $here->url("/retail/subscriptions$path"), @more);
}
sub subscribe {
    my (%member) = @_;
    return ask(POST => '', json => { event => 'document.pricing',
        mode => 'sync', url => $receiver->url('/no'), %member });
}

# how long another nginx needs to see it
sub seen {
    my ($status) = @_;
    my $began = time;
    1 until gate($there) == $status || time - $began > 5;
    return time - $began;
}

for my $nginx ($here, $there) {
    eventually { gate($nginx) == 200 } 'without a subscriber the gate is open';
}
elapse 1;        # both follow the log

my (@wrong, @late);
sub now_is {
    my ($status, $what, $answer, $wanted) = @_;
    my $gate = gate($here);
    push @wrong, "$what: $answer->{status}, gate $gate"
        if $answer->{status} != $wanted || $gate != $status;
    push @late, [$what, seen($status)];
}

for (1 .. 5) {
    my $made = subscribe();
    now_is(422, 'POST', $made, 201);
    my $id = '/' . $made->{json}{id};
    now_is(200, 'PATCH url', ask(PATCH => $id, json => {
        url => $receiver->url('/yes') }), 200);
    now_is(422, 'PATCH url back', ask(PATCH => $id, json => {
        url => $receiver->url('/no') }), 200);
    now_is(200, 'disable', ask(POST => "$id/disable", json => {}), 200);
    now_is(422, 'enable', ask(POST => "$id/enable", json => {}), 200);
    now_is(200, 'PUT of another event', ask(PUT => $id, json => {
        event => 'document.validation', mode => 'sync',
        url => $receiver->url('/no') }), 200);
    is(gate($here, '/other'), 422, 'which is gated now');
    now_is(422, 'PUT back', ask(PUT => $id, json => {
        event => 'document.pricing', mode => 'sync',
        url => $receiver->url('/no') }), 200);
    now_is(200, 'DELETE', ask(DELETE => $id), 204);
}
is(join("\n", @wrong), '', 'a gate of the worker that answered knows at once');
sub by_the_log {
    my ($title) = @_;
    my @sorted = sort { $a->[1] <=> $b->[1] } @late;
    cmp_ok($sorted[@sorted / 2][1], '<=', 0.1 * $slow, $title);
    cmp_ok($sorted[-1][1], '<', 5, 'and each in the end')
        or diag("@{ $sorted[-1] }");
}
by_the_log('another nginx within 100 ms');


# all who read the log are busy: changes are read all the same

$receiver->script('/busy', { hold => 1 });
my $busy = subscribe(mode => 'webhook', event => 'busy',
                     url => $receiver->url('/busy'));
is($busy->{status}, 201, 'a subscriber that is slow');
http(POST => $there->url('/retail/events'),
     json => [map { +{ eventType => 'busy' } } 1 .. 300]) for 1 .. 5;
eventually { $receiver->count('/busy') } 'is called';
@late = ();
for (1 .. 10) {
    my $made = subscribe();
    now_is(422, 'POST', $made, 201);
    now_is(200, 'DELETE', ask(DELETE => "/$made->{json}{id}"), 204);
}
by_the_log('another nginx within 100 ms, busy');
is(join("\n", @wrong), '', 'and the same one at once');

is(ask(DELETE => "/$busy->{json}{id}")->{status}, 204, 'the slow one goes');

finish();
