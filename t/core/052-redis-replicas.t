# notify_redis replicas=N: what is acknowledged is on N replicas, and what is
# not there is not acknowledged.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $master = NotifyTest::Redis->new;
my $replica = NotifyTest::Redis->new(args => [
    '--replicaof', '127.0.0.1', $master->port, '--repl-diskless-sync-delay', 0 ]);
my $receiver = NotifyTest::Receiver->new;

sub replicas { return ($master->cli('INFO', 'replication')
                       =~ /connected_slaves:(\d+)/)[0]
                      && $master->cli('INFO', 'replication') =~ /state=online/ }
eventually { replicas() } 'there is a replica', 20;

my $nginx = NotifyTest::Nginx->new(
    vars => { REDIS => $master->address . ' replicas=1 timeout=1s',
              APP => $receiver->url },
    http => <<'END');
notify_redis %%REDIS%%;
notify_profile near { allow 127.0.0.0/8; retry 1s until=10m; }
notify_channel shop { profile near; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location /fail {
        proxy_pass %%APP%%;
        notify_emit shop app.fail commit on_error=fail;
    }
    location /pass {
        proxy_pass %%APP%%;
        notify_emit shop app.pass commit;
    }
    location /background {
        proxy_pass %%APP%%;
        notify_emit shop app.background;
    }
}
END

my $n = 0;
sub publish {
    my ($key) = @_;
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => 'order.paid', data => $key // ++$n },
                headers => { defined $key ? ('Idempotency-Key' => $key) : () });
}
sub logged {
    my ($type) = @_;
    my ($cursor, $page, @entries) = ('');

    do {
        $page = http(GET => $nginx->url("/shop/deltas?limit=250$cursor"))->{json};
        push @entries, grep { $_->{eventType} eq $type } @{ $page->{data} };
        $cursor = "&cursor=$page->{cursor}";
    } while ($page->{hasMore});

    return @entries;
}
sub on_replica { return scalar $replica->cli('XLEN', 'notify:{shop.0}:log') }


# as long as the replica is there

eventually { $master->cli('WAIT', 1, 1000) eq '1' } 'the replica follows', 20;
is(publish()->{status}, 202, 'a publish is acknowledged');
for (1 .. 20) {
    my $answer = publish();
    my $have = on_replica();
    is($answer->{status}, 202, "publish $_");
    cmp_ok($have, '>=', $_ + 1, 'the replica has it by then');
}
is(http(GET => $nginx->url('/fail'))->{status}, 200, 'a commit goes through');
is(logged('app.fail'), 1, 'and is in the log');

my @children = map {
    my $child = $_;
    NotifyTest::spawn(sub { publish("$child-$_") for 1 .. 50 })
} 1 .. 10;
eventually { on_replica() == 522 } '500 at once, from ten clients', 20;
NotifyTest::reap($_) for @children;
my ($waits) = $master->cli('INFO', 'commandstats') =~ /cmdstat_wait:calls=(\d+)/;
cmp_ok($waits, '<', 522, "share their WAITs: $waits for 522");
unlike($nginx->log, qr/replicas have what was published/, 'nothing is logged');


# the replica hangs

$replica->pause;
my $start = time;
my $answer = publish('again');
is($answer->{status}, 503, 'without the replica a publish is not acknowledged');
ok($answer->{headers}{'retry-after'}, 'it says when to come again');
cmp_ok(time - $start, '<', 3, 'in time');
like($nginx->log, qr/0 of 1 replicas have what was published/,
     'which is logged');
is(publish('again')->{status}, 503, 'nor when it is sent again');
is(http(GET => $nginx->url('/fail'))->{status}, 503,
   'a commit that must not fail fails');
is(http(GET => $nginx->url('/pass'))->{status}, 200,
   'one that may is passed on');
is(http(GET => $nginx->url('/background'))->{status}, 200,
   'nobody waits for one in the background');
is(http(POST => $nginx->url('/shop/subscriptions'), json => {
       url => $receiver->url('/hook'), event => 'order.paid' })->{status}, 201,
   'what is no publish does not wait');

$replica->resume;
eventually { $answer = publish('again'); $answer->{status} == 200 }
           'when it is back, the same key is a repetition';
is(logged('order.paid'), 522, 'and there once')
    or diag(scalar logged('order.paid'));
eventually { $master->cli('XLEN', 'notify:{shop.0}:log') == on_replica() }
           'the replica has all';
is(publish()->{status}, 202, 'new ones are acknowledged');
eventually { logged('app.background') == 1 && logged('app.pass') == 1 }
           'those of the background are there, once';
eventually { $receiver->count('/hook') >= 1 } 'deliveries go on';

my ($acknowledged) = logged('app.fail');
ok($acknowledged, 'what was acknowledged is still there');


# the master goes in the middle of it

$replica->pause;
NotifyTest::spawn(sub { elapse(0.2);
                        CORE::kill 'KILL', $master->pid });
is(publish()->{status}, 503, 'a master that dies while it waits');
$replica->resume;
$master->kill;
$master->start;
eventually { publish()->{status} == 202 } 'all goes on when it is back', 20;
$nginx->stop;


for my $bad (qw(0 -1 x 101), '') {
    my $checked = NotifyTest::Nginx->new(start => 0, http =>
        "notify_redis 127.0.0.1 replicas=$bad; notify_channel shop { }");
    my ($said, $ok) = $checked->check;
    ok(!$ok && $said =~ /invalid replicas ".* in \S+nginx\.conf:\d+/,
       "replicas=$bad is refused, with the line") or diag($said);
}

finish();
