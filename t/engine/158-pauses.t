# What holds a subscription up is shown as it is, ends when it is over, and is
# not for another URL.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'retry 1s jitter=0% until=1h; breaker off;',
    profiles => {
        drop  => 'retry off; breaker failures=2 window=1m cooldown=8s;',
        long  => 'retry 1h jitter=0%;
                  breaker failures=2 window=1m cooldown=1h;',
        slow  => 'in_flight 1; retry 1h; breaker off;' },
    server => 'location = /metrics { notify_metrics; }',
    scripts => { '/drop' => [{ status => 500 }],
                 '/wait' => [{ status => 503,
                               headers => { 'Retry-After' => 3600 } }],
                 '/open' => [{ status => 500 }] });
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
$shop->ready;

sub status { return $shop->show($_[0])->{status} // '' }
sub delivery {
    my ($event, $id) = @_;
    my ($one) = grep { $_->{subscription} eq $id }
                @{ $shop->ask(GET => "events/$event/deliveries")->{json} };
    return $one;
}
sub missed {
    return map { $_->{id} } @{ $shop->ask(GET =>
        "deltas?subscription=$_[0]&missed=true")->{json}{data} };
}


# what a breaker without retries drops

my $id = $shop->subscribe('/drop', profile => 'drop');
$shop->publish(1);
eventually { $receiver->count('/drop') == 1 } 'one fails';
$shop->publish(1);
eventually { status($id) eq 'paused' } 'two open the breaker';
my @dropped = map { scalar $shop->publish(1) } 1 .. 5;
my $began = time;
eventually { 5 == grep { (delivery($_, $id)->{status} // '') eq 'skipped' }
                  @dropped } 'what it drops is skipped';
cmp_ok(time - $began, '<', 6, 'at once');
is(status($id), 'paused', 'while it is open');
my %missed = map { $_ => 1 } missed($id);
is(scalar(grep { $missed{$_} } @dropped), 5, 'and missed');
my @gaps = grep { length } $redis->cli('LRANGE', "notify:{shop.0}:gap:$id",
                                       0, -1);
is(scalar @gaps, 1, 'they are one interval') or diag("@gaps");
eventually { status($id) eq 'active' }
           'when the cool-down is over it is paused no more';
is($receiver->count('/drop'), 2, 'whether or not there was anything to probe');
$receiver->script('/drop', { status => 200 });
my $next = $shop->publish(1);
eventually { !$shop->lacks('/drop', $next) } 'the next event is the probe';
$shop->act($id, 'redeliver', { since => $dropped[0] });
eventually { !$shop->lacks('/drop', @dropped) } 'what was dropped comes again';
eventually { !missed($id) || 2 == missed($id) } 'and is missed no more';
$shop->delete($id);


# another URL

for my $kind (['wait', 'local', 'Retry-After'], ['open', 'long', 'a breaker']) {
    my ($name, $profile, $what) = @$kind;
    my $one = $shop->subscribe("/$name", profile => $profile);
    my @ids = map { scalar $shop->publish(1) } 1 .. 2;
    eventually { status($one) eq 'paused' } "$what pauses it";

    my $answer = $shop->ask(POST => 'deliveries/'
                            . delivery($ids[0], $one)->{id} . '/redeliver');
    is($answer->{status}, 409, "$what: nothing can be redelivered now");
    is($answer->{json}{code}, 'paused', "$what: as it says");

    $shop->change($one, name => 'other');
    is(status($one), 'paused', "$what: another name changes nothing");
    $began = time;
    $shop->change($one, url => $receiver->url("/new-$name"));
    eventually { status($one) eq 'active' } "$what: another URL is not paused";
    push @ids, $shop->publish(1);
    eventually { !$shop->lacks("/new-$name", @ids) }
               "$what: what waits goes there, and what follows";
    cmp_ok(time - $began, '<', 10 * ($ENV{NOTIFY_TEST_SLOW} // 1),
           "$what: at once");
    $shop->delete($one);
}

# a call that is under way when the URL changes

$receiver->script('/late', { status => 503, delay => 0.7,
                             headers => { 'Retry-After' => 3600 } });
$id = $shop->subscribe('/late');
my @ids = $shop->publish(1);
eventually { $receiver->count('/late') } 'a call is under way';
$shop->change($id, url => $receiver->url('/new-late'));
push @ids, $shop->publish(1);
eventually { !$shop->lacks('/new-late', @ids) }
           'what its answer asks for is not for the new URL', 15;
$shop->delete($id);


# all of a worker's subscriptions are slow

$receiver->script('/slow', { status => 200, delay => 0.05 });
$id = $shop->subscribe('/slow', profile => 'slow');
$shop->publish(1000) for 1 .. 5;
eventually { status($id) eq 'lagging' }
           'one that has thousands before it lags, wherever these are';
eventually { http(GET => $nginx->url('/metrics'))->{content}
             =~ /lagging_subscriptions\{[^}]*\} 1$/m } 'and is counted so';
$shop->delete($id);

finish();
