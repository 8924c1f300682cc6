# What goes out with a call beside its payload: the trace that the event was
# published with, the id under which it is signed, and how long the headers of
# an answer may be.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $parent = "00-$trace-00f067aa0ba902b7-01";

my $shop = NotifyTest::Shop->new(workers => 2,
    sign => 'sign standard id=$notify_event_uid;',
    profile => 'retry off; header X-Trace $notify_event_traceparent;'
               . ' header X-Channel $notify_channel;'
               . ' response_header_limit 2k;',
    profiles => {
        quiet => 'trace off;',
        own => 'header traceparent 00-own;',
        both => 'sign hmac header=X-H; response_header_limit 8k;',
    },
    channel => 'event ready; event order.paid; event order.seen sync;',
    server => 'location /app { notify_emit shop order.paid on=request;'
              . ' empty_gif; }'
              . 'location /gate { notify_sync shop order.seen gate;'
              . ' empty_gif; }');
my $receiver = $shop->receiver;

sub publish {
    my ($headers, %more) = @_;
    my $answer = http(POST => $shop->nginx->url('/shop/events'),
        json => { eventType => 'order.paid', %more }, headers => $headers);
    is($answer->{status}, 202, 'the event is taken')
        or diag($answer->{content});
    return $answer->{json}{id};
}

# the headers of the call for an event
sub sent {
    my ($path, $find) = @_;
    my $call;
    eventually {
        ($call) = grep { $find->($_->{headers}) } $receiver->requests($path);
        $call;
    } "the call to $path comes" or return {};
    return $call->{headers};
}

sub sent_id {
    my ($path, $id) = @_;
    return sent($path, sub { $_[0]{'webhook-id'} eq $id });
}

$shop->subscribe('/a');
$shop->subscribe('/quiet', profile => 'quiet');
$shop->subscribe('/own', profile => 'own');
$shop->subscribe('/mine', headers => { tracestate => 'mine=1' });
$shop->ready;

# --- the trace

my $id = publish({ traceparent => $parent, tracestate => 'a=1 , b@c=x:y' });
my $headers = sent_id('/a', $id);

like($headers->{traceparent}, qr/^00-$trace-[0-9a-f]{16}-01$/,
     'a call carries the trace of its publish');
unlike($headers->{traceparent} // '', qr/00f067aa0ba902b7|-0{16}-/,
       'under a parent id of its own');
is($headers->{tracestate}, 'a=1 , b@c=x:y', 'and the state as it came');
is($headers->{'x-trace'}, $parent,
   'the variable has the traceparent of the publish');
is($headers->{'x-channel'}, 'shop', 'the variable has the channel');

ok(!exists sent_id('/quiet', $id)->{traceparent}, 'none with "trace off"');
is(sent_id('/own', $id)->{traceparent}, '00-own',
   "the profile's own header stays alone");
is(sent_id('/mine', $id)->{tracestate}, 'mine=1',
   "the subscription's own header stays alone");
ok(!exists sent_id('/mine', $id)->{traceparent},
   'no half of a trace beside it');

my @others = map { sent_id('/a', publish({ traceparent => $parent }))
                   ->{traceparent} } 1 .. 2;
isnt($others[0], $others[1], 'each call has a parent id of its own');

my %malformed = (
    'an upper case' => uc($parent) =~ s/^00/00/r,
    'a short one' => substr($parent, 0, 54),
    'a long one of version 00' => "$parent-00",
    'version ff' => $parent =~ s/^00/ff/r,
    'no trace id' => '00-' . '0' x 32 . '-00f067aa0ba902b7-01',
    'no parent id' => "00-$trace-" . '0' x 16 . '-01',
    'another separator' => $parent =~ s/-01$/_01/r,
    'words' => 'not a trace',
);

for my $title (sort keys %malformed) {
    my $got = sent_id('/a', publish({ traceparent => $malformed{$title},
                                      tracestate => 'a=1' }));
    ok(!exists $got->{traceparent} && !exists $got->{tracestate},
       "a malformed traceparent is as if there were none: $title")
        or diag(explain($got));
}

$headers = sent_id('/a', publish(
    { traceparent => $parent =~ s/^00/01/r =~ s/-01$/-ff-later/r }));
like($headers->{traceparent}, qr/^00-$trace-[0-9a-f]{16}-03$/,
     'a later version goes out as version 00, with the flags that it knows');

my %state = (
    'a state with a bad member' => ['a=1,B=2', undef],
    'a state with a member without a value' => ['a', undef],
    'a state of 33 members' => [join(',', map { "k$_=v" } 1 .. 33), undef],
    'an empty state' => ['', undef],
    'a state over 512 bytes' => [join(',', map { $_ . '=' . 'v' x 198 } 'a'
                                 .. 'c'),
                                 join(',', map { $_ . '=' . 'v' x 198 } 'a'
                                 .. 'b')],
);

for my $title (sort keys %state) {
    my ($given, $wanted) = @{ $state{$title} };
    my $got = sent_id('/a', publish({ traceparent => $parent,
                                      tracestate => $given }));
    like($got->{traceparent}, qr/$trace/, "the trace goes out: $title");
    is($got->{tracestate}, $wanted,
       defined $wanted ? "the first members are kept: $title"
                       : "the state is left out: $title");
}

ok(!exists sent_id('/a', publish({}))->{traceparent},
   'no trace is made up for an event without one');

# --- captured traffic, questions, and what Redis keeps

http(GET => $shop->nginx->url('/app'),
     headers => { traceparent => "00-$trace-00000000000000aa-00" });
$headers = sent('/a', sub { ($_[0]{'x-trace'} // '') =~ /-0{14}aa-00/ });
like($headers->{traceparent}, qr/^00-$trace-[0-9a-f]{16}-00$/,
     'the trace of a captured request goes out, not sampled as it is');

$shop->insist(POST => 'subscriptions', { url => $receiver->url('/gate'),
              event => 'order.seen', mode => 'sync' });
eventually {
    http(GET => $shop->nginx->url('/gate'),
         headers => { traceparent => $parent, tracestate => 'a=1' });
    $receiver->count('/gate');
} 'a question is asked';
$headers = ($receiver->requests('/gate'))[-1]{headers};
like($headers->{traceparent}, qr/^00-$trace-[0-9a-f]{16}-01$/,
     'a question has the trace of its request');
is($headers->{tracestate}, 'a=1', 'and its state');

$shop->redis->cli('XADD', $shop->redis->key('{shop.0}:log'), '*',
                  't', 'order.paid', 'u', 'old');
$headers = sent_id('/a', 'old');
is($headers->{'webhook-id'}, 'old', 'an entry without the fields is delivered');
ok(!exists $headers->{traceparent}, 'without a trace');

# --- sign standard id=

is(sent_id('/a', $id)->{'webhook-id'}, $id,
   'an absent id is the id of the event');

my $sub = $shop->insist(POST => 'subscriptions',
                        { url => $receiver->url('/uid'),
                          event => 'order.paid' });
publish({}, uid => 'order.7');
$headers = sent_id('/uid', 'order.7');
is($headers->{'webhook-id'}, 'order.7', 'webhook-id is what id= says');

my ($call) = grep { $_->{headers}{'webhook-id'} eq 'order.7' }
                  $receiver->requests('/uid');
my ($verdict) = judge({ headers => $call->{headers}, body => $call->{body},
                        judges => ['standardwebhooks'],
                        secret => $sub->{secret} });
is($verdict->{standardwebhooks}, 'ok', 'and it is signed with it')
    or diag(explain($verdict));

# --- the headers of an answer

for (['/long', 'local', 3000, 'over'], ['/short', 'local', 1000, 'within'],
     ['/wide', 'both', 3000, 'within'])
{
    my ($path, $profile, $size, $what) = @$_;
    $receiver->script($path, { status => 200,
                               headers => { 'X-Long' => 'x' x $size } });
    my $sub = $shop->subscribe($path, profile => $profile);
    $id = publish({});
    my $attempt;
    eventually {
        my ($delivery) = grep { $_->{eventId} eq $id } @{
            $shop->ask(GET => "subscriptions/$sub/deliveries")->{json} };
        my $one = $delivery
            && $shop->ask(GET => "deliveries/$delivery->{id}")->{json};
        $attempt = $one && $one->{attempts}[0];
    } "the delivery to $path is told";
    my $text = JSON::PP->new->canonical->encode($attempt // {});
    $what eq 'over'
        ? like($text, qr/larger than response_header_limit, 2048 bytes/,
               'headers over the limit fail, and the limit is named')
        : unlike($text, qr/malformed answer/, "headers within it: $size");
}

finish;
