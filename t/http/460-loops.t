# X-Notify-Hops: what tells a loop is trusted where it is ours, or an operator
# says so; nobody else suppresses an event by it.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_profile local {
        allow 127.0.0.0/8; schemes http; header X-Event $notify_event_id;
    }
    notify_channel shop { profile local; event a; event e; event s sync; }
    notify_channel more { profile local; hops 3; }
    notify_channel next { profile local; }
    notify_tenant $http_x_tenant optional;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /more/ { notify_api more; }
        location /next/ { notify_api next; }
        location /trusted/ { notify_trusted 10.0.0.0/8 127.0.0.0/8; notify_api shop; }
        location /strange/ { notify_trusted 10.0.0.0/8; notify_trusted ::1; notify_api shop; }
        location /emit   { notify_emit shop e; return 200 ok; }
        location /fail   { notify_emit shop e commit on_error=fail; return 200 ok; }
        location /gather { notify_emit shop e commit on_error=fail data=response; return 200 ok; }
        location /asked  { notify_emit shop e on=request commit on_error=fail; proxy_pass http://127.0.0.1:%%PORT%%/ok; }
        location /ok     { return 200 ok; }
    }
END

sub call {
    my ($method, $path, $hops, $json, %headers) = @_;
    return http($method => $nginx->url($path), $json ? (json => $json) : (),
                headers => { defined $hops ? ('X-Notify-Hops' => $hops) : (),
                             %headers });
}
sub publish {
    my ($path, $hops, %headers) = @_;
    return call(POST => "$path/events", $hops, { eventType => 'a' }, %headers);
}

# the header that an event's call has
sub sent {
    my ($path, $answer) = @_;
    my $id = $answer->{json}{id} // return '';
    my $call;
    eventually {
        ($call) = grep { ($_->{headers}{'x-event'} // '') eq $id }
                  $receiver->requests($path);
        $call
    } "$path: $id is delivered";
    return $call->{headers}{'x-notify-hops'} // '';
}
sub subscribe {
    my ($api, $path, %headers) = @_;
    my $answer = call(POST => "$api/subscriptions", undef,
                      { event => '*', url => $receiver->url($path) },
                      %headers);
    is($answer->{status}, 201, "$path is subscribed") or diag($answer->{content});
}

subscribe('/shop', '/shop');
subscribe('/shop', '/ann', 'X-Tenant' => 'ann');
subscribe('/more', '/more');
subscribe('/next', '/next');


# a client's own word

for my $said (5, 99, '5;' . 'A' x 32, '5;', ';', 'x') {
    my $answer = publish('/shop', $said);
    is($answer->{status}, 202, "\"$said\" of a client is not looked at");
    like(sent('/shop', $answer), qr/^1;[\w-]{32}$/, 'it counts for nothing');
}
is(publish('/strange', 5)->{status}, 202, 'nor is that of another address');
is(publish('/trusted', 5)->{status}, 508, 'of one that is trusted it is');
like(sent('/shop', publish('/trusted', 3)), qr/^4;/, 'and counts');


# our own calls

my $first = sent('/shop', publish('/shop'));
my $second = sent('/shop', publish('/shop', $first));
like($second, qr/^2;/, 'what comes back is taken once');
my $answer = publish('/shop', $second);
is($answer->{status}, 508, 'and not again');
is($answer->{json}{code}, 'too_many_hops', 'as a loop');
is(publish('/shop', $second =~ s/^2/1/r)->{status}, 202,
   'a number that is not the signed one is no proof');
is(publish('/shop', $second =~ s/;(.)/';' . ($1 eq 'B' ? 'C' : 'B')/er)
   ->{status}, 202, 'nor is another signature');

my $on = $second;
for my $n (3 .. 5) {
    my @way = $n % 2 ? ('/shop', '/ann', 'X-Tenant' => 'ann')
                     : ('/shop', '/shop');
    $answer = publish($way[0], $on, @way[2 .. $#way]);
    is($answer->{status}, 202, "another tenant takes it after " . ($n - 1));
    $on = sent($way[1], $answer);
    like($on, qr/^$n;/, 'and counts');
}
is(publish('/shop', $on)->{status}, 508, 'five are enough for all');

$on = undef;
for my $n (1 .. 4) {
    $answer = publish('/more', $on);
    is($answer->{status}, 202, "hops 3: after " . ($n - 1));
    $on = sent('/more', $answer);
}
is(publish('/more', $on)->{status}, 508, 'and no more');
is(publish('/next', $on)->{status}, 202, 'another channel takes it');


# notify_emit, notify_sync

for my $path (qw(/fail /gather /asked)) {
    is(call(GET => $path, 5)->{status}, 200, "$path: a client says what it likes");
    is(call(GET => $path, $second)->{status}, 508, "$path: a loop is refused");
}
is(call(GET => '/emit', $second)->{status}, 200, 'without commit it passes');
my @events;
eventually {
    @events = grep { $_->{eventType} eq 'e' }
              @{ call(GET => '/shop/deltas?limit=100')->{json}{data} };
    @events >= 3
} 'what clients said makes events';
is(scalar @events, 3, 'loops do not');
eventually {
    call(GET => '/shop/stats')->{json}{counters}{hops} >= 5
} 'they are counted';
like($nginx->log, qr/"e" is not emitted: it comes back by our own call, a loop/,
     'and logged');

finish();
