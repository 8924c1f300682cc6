# pause and resume: what is published meanwhile waits and is delivered, over
# reloads, killed workers and a restart of Redis; a new URL is not paused.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    allow => qr/exited on signal 9/,
    profile => 'retry 1s 1s 1s 1s jitter=0%; breaker off;',
    profiles => { drop => 'retry off; breaker failures=1 window=1m cooldown=1h;' },
    channel => 'event order.paid; event order.asked sync; event ready;',
    server => 'location /acme/ { notify_tenant acme; notify_api shop; }',
    scripts => { '/ill' => [{ status => 500 }],
                 '/drop' => [{ status => 500 }] });
my ($nginx, $receiver, $redis) = ($shop->nginx, $shop->receiver, $shop->redis);
$shop->ready;

sub act  { my ($id, $verb, $json) = @_;
           return $shop->ask(POST => "subscriptions/$id/$verb", $json) }
sub waits {
    my ($id, @ids) = @_;
    my $all = $shop->ask(GET => "subscriptions/$id/deliveries?limit=250")
                   ->{json};
    my %status = map { $_->{eventId} => $_->{status} } @$all;
    return scalar grep { ($status{$_} // '') eq 'pending' } @ids;
}


# for a time

my $id = $shop->subscribe('/a');
my $answer = act($id, pause => { for => '1h' });
is($answer->{status}, 200, 'it is paused');
is($answer->{json}{status}, 'paused', 'as its status says');
like($answer->{json}{reason}, qr/^paused by request until \d{4}-/,
     'and its reason');
like($answer->{json}{pausedUntil}, qr/^\d{4}-.*Z$/, 'and until when');
my $until = $answer->{json}{pausedUntil};
is($shop->show($id)->{pausedUntil}, $until, 'it is shown so');
$answer = $shop->ask(PUT => "subscriptions/$id", $shop->show($id));
is($answer->{json}{pausedUntil}, $until, 'a PUT changes nothing of it');

my @ids = $shop->publish(20);
eventually { waits($id, @ids) == 20 } 'what is published waits';
throughout { $receiver->count('/a') == 0 } 'no call is made', 1;

my $delivery = $shop->ask(GET => "subscriptions/$id/deliveries")->{json}[0]{id};
$answer = $shop->ask(POST => "deliveries/$delivery/redeliver");
is($answer->{json}{code}, 'paused', 'nothing can be redelivered now');

my @workers = $nginx->workers;
$nginx->reload;
eventually { my %now = map { $_ => 1 } $nginx->workers;
             !grep { $now{$_} } @workers } 'a reload';
push @ids, $shop->publish(5);
$nginx->kill_worker for 1 .. 2;
$redis->restart;
push @ids, do { my $more; eventually {
    $more = $shop->ask(POST => 'events', { eventType => 'order.paid' })
                 ->{json}{id} } 'and all are lost for a moment'; $more };
throughout { $receiver->count('/a') == 0 } 'it is paused still', 1;

$answer = act($id, 'resume');
is($answer->{status}, 200, 'it is resumed');
is($answer->{json}{status} eq 'paused', '', 'and paused no more');
ok(!exists $answer->{json}{pausedUntil}, 'until nothing');
eventually { !$shop->lacks('/a', @ids) } 'all that waits is delivered';
is(act($id, 'resume')->{status}, 200, 'a second time changes nothing');
my $etag = $shop->ask(GET => "subscriptions/$id")->{headers}{etag};
is(act($id, 'resume')->{headers}{etag}, $etag, 'not even its version');

act($id, pause => { for => 1 });
my @more = $shop->publish(1);
eventually { !$shop->lacks('/a', @more) } 'a pause ends by itself';
eventually { $shop->show($id)->{status} eq 'active' } 'and is not shown then';


# until it is resumed

$id = $shop->subscribe('/ill');
@ids = $shop->publish(1);
eventually { $receiver->count('/ill') } 'a call that failed';
$answer = act($id, 'pause');
is($answer->{json}{status}, 'paused', 'without a time');
ok(exists $answer->{json}{pausedUntil}, 'there is a member');
is($answer->{json}{pausedUntil}, undef, 'which is null');
is($answer->{json}{reason}, 'paused by request', 'and a reason');
my $count;
eventually { my $now = $receiver->count('/ill');
             my $same = $now == ($count // -1);
             $count = $now; $same } 'what was under way is over';
elapse(2);
cmp_ok($receiver->count('/ill') - $count, '<=', 1, 'retries wait, too');
$receiver->script('/ill', { status => 200 });
act($id, 'resume');
eventually { !$shop->lacks('/ill', @ids) } 'they come then';
act($id, 'pause');
@ids = $shop->publish(3);
$shop->change($id, url => $receiver->url('/new'));
is($shop->show($id)->{status} eq 'paused', '', 'a new URL is not paused');
eventually { !$shop->lacks('/new', @ids) } 'what waits goes there';


# with a breaker that drops

$id = $shop->subscribe('/drop', profile => 'drop');
$shop->publish(1);
eventually { ($shop->show($id)->{reason} // '') =~ /breaker/ }
           'a breaker is open';
like($shop->show($id)->{pausedUntil}, qr/^\d{4}-/, 'until a time');
act($id, 'pause');
@ids = $shop->publish(5);
elapse(0.5);
eventually { waits($id, @ids) == 5 } 'a pause keeps what it would drop';
$shop->delete($id);


# what cannot be

my $sync = $shop->insist(POST => 'subscriptions', { mode => 'sync',
    url => $receiver->url('/s'), event => 'order.asked' })->{id};
is(act($sync, 'pause')->{json}{code}, 'not_a_webhook',
   'only webhooks are paused');
$id = $shop->subscribe('/b');
is(act($id, pause => { for => $_ })->{status}, 422, "not for $_")
    for '0s', '367d', 'soon', -1, 1.5;
is(act($id, pause => { until => 1 })->{json}{errors}[0]{pointer}, '/until',
   'nor with another member');
is(http(POST => $nginx->url("/acme/subscriptions/$id/$_->[0]"),
        json => $_->[1])->{status}, 404, "another tenant cannot $_->[0] it")
    for ['pause', {}], ['resume', {}], ['secret', { secret => 'x' }];
is(http(POST => $nginx->url("/shop/subscriptions/$id/pause"),
        headers => { 'If-Match' => '"1"' })->{status}, 412,
   'a condition holds');


# a secret of yours

my $secret = 'whsec_' . 'abcd' x 8;
$answer = act($id, secret => { secret => $secret, grace => '1h' });
is($answer->{status}, 204, 'a secret is taken');
is($answer->{content} // '', '', 'and nothing shown');
my $event = $shop->publish(1);
eventually { !$shop->lacks('/b', $event) } 'a call';
my ($call) = grep { $_->{headers}{'webhook-id'} eq $event }
             $receiver->requests('/b');
my ($verdict) = judge({ secret => $secret, headers => $call->{headers},
                        body => $call->{body} });
is($verdict->{standardwebhooks}, 'ok', 'is signed with it');
like($call->{headers}{'webhook-signature'}, qr/ v1,/, 'and with the old one');
is(act($id, secret => $_->[0])->{status}, 422, "$_->[1] is refused")
    for [{}, 'none'], [{ secret => 'short' }, 'a bad one'],
        [{ secret => 7 }, 'a number'];

finish();
