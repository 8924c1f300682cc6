# disable_after: what has no success for that long while its attempts fail is
# disabled; lastSuccessAt and failingSince, over reloads, killed workers and a
# restart of Redis; what the operator is told.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my @retry = ('retry ' . '300ms ' x 30 . 'jitter=0%; breaker off;');
my $shop = NotifyTest::Shop->new(workers => 2,
    allow => qr/exited on signal 9/,
    profile => "@retry disable_after 4s;",
    profiles => { never => "@retry disable_after off;",
                  days  => "@retry", brief => "@retry disable_after 1s;" },
    channel => 'operator_events on; event order.paid; event ready; event x;
                event y; event z;',
    also => "notify_profile plain { allow 127.0.0.0/8; @retry
                                    disable_after 1s; }
             notify_channel app { profile plain; setting url target; }",
    server => 'location = /metrics { notify_metrics; }
               location /app/ { notify_api app; }
               location /acme/ { notify_tenant acme; notify_api shop; }',
    scripts => { map { $_ => [{ status => 500 }] }
                 qw(/ill /never /days /moved /target) });
my ($nginx, $receiver, $redis) = ($shop->nginx, $shop->receiver, $shop->redis);
$shop->ready;

sub ms { my ($m, $s) = $_[0] =~ /:(\d\d):(\d\d\.\d+)Z$/; return $m * 60 + $s }
sub told {
    my ($type, $id) = @_;
    return map { $_->{data} } grep { $_->{eventType} eq $type
                                     && $_->{data}{subscription} eq $id }
           map { from_json($_->{body}) } $receiver->requests('/ops');
}
sub missed {
    return map { $_->{id} } @{ $shop->ask(GET =>
        "deltas?subscription=$_[0]&missed=true")->{json}{data} };
}
my $ops = $shop->subscribe('/ops', event => 'notify.*');


# success and failure, as they are shown

my $id = $shop->subscribe('/days', event => 'x', profile => 'days');
ok(!exists $shop->show($id)->{$_}, "at first there is no $_")
    for qw(lastSuccessAt failingSince);
$shop->publish(1, eventType => 'x');
eventually { $shop->show($id)->{failingSince} } 'a failure is shown';
my $since = $shop->show($id)->{failingSince};
eventually { $receiver->count('/days') > 2 } 'it fails again';
is($shop->show($id)->{failingSince}, $since, 'since the first one');
$nginx->reload;
$redis->restart;
$nginx->kill_worker;
my $count = $receiver->count('/days');
eventually { $receiver->count('/days') > $count + 1 }
           'a reload, a restart of Redis and a killed worker';
is($shop->insist(GET => "subscriptions/$id")->{failingSince}, $since,
   'change nothing of it');
my ($listed) = grep { $_->{id} eq $id }
               @{ $shop->insist(GET => 'subscriptions') };
is($listed->{failingSince}, $since, 'it is in the list, too');
$receiver->script('/days', { status => 200 });
eventually { $shop->show($id)->{lastSuccessAt} } 'a success is shown';
eventually { !exists $shop->show($id)->{failingSince} } 'it fails no more';
my $last = $shop->show($id)->{lastSuccessAt};
elapse(1.1);
$shop->publish(1, eventType => 'x');
eventually { $shop->show($id)->{lastSuccessAt} ne $last } 'the next is later';
$shop->delete($id);


# disabled

my $ill = $shop->subscribe('/ill', name => 'ill');
my $never = $shop->subscribe('/never', profile => 'never');
my @before = $shop->publish(1);
eventually { $shop->show($ill)->{status} eq 'disabled' } 'it is disabled';
my $shown = $shop->show($ill);
is($shown->{reason}, 'failing', 'since it fails');
ok($shown->{failingSince}, 'as is still shown');
is($shop->show($never)->{status} eq 'disabled', '', 'with "off" it is not');

eventually { told('notify.subscription.failing', $ill) == 3 }
           'the operator was told thrice';
my @told = told('notify.subscription.failing', $ill);
is(join(' ', map { $_->{percent} } @told), '20 50 100',
   'after a fifth, a half and all of the time');
is($told[0]{failingSince}, $shown->{failingSince}, 'since when');
is(sprintf('%.0f', (ms($told[0]{disabledAt}) - ms($told[0]{failingSince}))
                   % 3600), 4, 'and when it ends');
is($told[0]{name}, 'ill', 'by its name, too');
eventually { my ($one) = told('notify.subscription.disabled', $ill);
             ($one->{reason} // '') eq 'failing' } 'and that it is disabled';
my ($metric) = http(GET => $nginx->url('/metrics'))->{content}
               =~ /^notify_subscriptions_failing_total\{[^}]*\} (\d+)$/m;
is($metric, 1, 'it is counted once');
is(scalar(() = $nginx->log =~ /"\Q$ill\E" is disabled: failing/g), 1,
   'and logged once');

my @after = $shop->publish(3);
eventually { @after == grep { my $one = $_; grep { $_ eq $one } missed($ill) }
                       @after } 'what follows is missed';
$receiver->script('/ill', { status => 200 });
is($shop->act($ill, 'enable')->{failingSince}, undef,
   'enabled, it fails since never');
$shop->act($ill, 'redeliver', {});
eventually { !$shop->lacks('/ill', @after, @before) }
           'a redelivery brings what it missed';
is($shop->show($ill)->{status}, 'active', 'it is active');


# what begins anew

$receiver->script('/brief', { status => 500 });
$id = $shop->subscribe('/brief', event => 'y', profile => 'brief');
$shop->publish(1, eventType => 'y');
eventually { $shop->show($id)->{status} eq 'disabled' } 'one more is disabled';
$count = $receiver->count('/brief');
$shop->act($id, 'enable');
eventually { $receiver->count('/brief') > $count + 1
             || $shop->show($id)->{status} eq 'disabled' }
           'enabled while it still fails';
cmp_ok($receiver->count('/brief'), '>', $count + 1,
       'it is not disabled by the first failure');
eventually { $shop->show($id)->{status} eq 'disabled' } 'but in time';
$shop->act($id, 'enable');
eventually { $shop->show($id)->{failingSince} } 'enabled once more, it fails';
$shop->act($id, 'pause');
eventually { !exists $shop->show($id)->{failingSince} }
           'paused, it does not fail';
elapse(1.2);
$count = $receiver->count('/brief');
$shop->act($id, 'resume');
eventually { $receiver->count('/brief') > $count + 1
             || $shop->show($id)->{status} eq 'disabled' } 'resumed';
cmp_ok($receiver->count('/brief'), '>', $count + 1,
       'the pause does not count');
$shop->delete($id);

$id = $shop->subscribe('/moved', event => 'z');
$shop->publish(1, eventType => 'z');
eventually { $shop->show($id)->{failingSince} } 'one that fails';
$shop->change($id, url => $receiver->url('/other'));
eventually { $receiver->count('/other') } 'a new URL is called';
is($shop->show($id)->{failingSince}, undef, 'and does not fail');

is(http(PUT => $nginx->url('/app/settings'),
        json => { url => $receiver->url('/target') })->{status}, 200,
   'a target of a channel');
http(POST => $nginx->url('/app/events'), json => { eventType => 'x' });
my $began = time;
eventually { time - $began > 2 && $receiver->count('/target') > 6 }
           'is called however long it fails';

is(http(GET => $nginx->url("/acme/subscriptions/$id"))->{status}, 404,
   'another tenant sees nothing of it');

finish();
