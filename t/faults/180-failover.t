# A failover that loses writes: the replicas had not got them when the master
# died.  With replicas=1 none of these was acknowledged, so that everything that
# was is in deltas and has come to who is subscribed, or is dead with a reason;
# another nginx, without replicas=, shows that there is something to lose.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Sentinel;

my $in_flight = 4;
my $one = NotifyTest::Redis->new;
my @others = map { NotifyTest::Redis->new(args => ['--replicaof', '127.0.0.1',
                       $one->port, '--repl-diskless-sync-delay', 0]) } 1 .. 2;
my $sentinel = NotifyTest::Sentinel->new(name => 'shop', master => $one);
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/broken' => [{ status => 500 }] });
$receiver->cycle('/half', { status => 500 }, { status => 204 });

# whom the sentinel names now
sub master {
    my $port = $sentinel->master_port('shop');
    return (grep { $_->port == $port } $one, @others)[0];
}

sub follow {
    my ($n) = @_;
    return (() = master()->cli('INFO', 'replication') =~ /state=online/g) == $n
        && ($sentinel->cli('SENTINEL', 'MASTER', 'shop')
            =~ /num-slaves\n$n\n/ ? 1 : 0);
}
eventually { follow(2) } 'two replicas, and the sentinel knows them', 30;
eventually { !grep { !$_->kept } @others } 'which have it in their files', 30;

my $http = <<'END';
notify_redis %%REDIS%% sentinel=shop %%REPLICAS%% timeout=1s;
notify_profile local { sign standard; allow 127.0.0.0/8; in_flight 4;
                       retry 100ms 200ms jitter=0%; breaker off; }
notify_channel %%CHANNEL%% { profile local; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api %%CHANNEL%%; }
}
END
my ($nginx, $careless) = map { NotifyTest::Nginx->new(http => $http, vars => {
    REDIS => $sentinel->address, CHANNEL => $_->[0], REPLICAS => $_->[1] }) }
    ['shop', 'replicas=1'], ['loose', ''];

sub publish {
    my ($at, $key) = @_;
    my $answer = http(POST => $at->url('/shop/events'), timeout => 10,
        json => { eventType => 'order.paid', uid => $key, data => $key });
    return ($answer->{status} =~ /^20[02]$/ ? $answer->{json}{id} : undef,
            $answer->{status});
}

my %to;
for my $path (qw(/healthy /half /broken)) {
    my $answer;
    eventually {
        $answer = http(POST => $nginx->url('/shop/subscriptions'), json => {
            url => $receiver->url($path), event => 'order.paid' });
        $answer->{status} == 201;
    } "a subscription for $path", 20;
    $to{$path} = $answer->{json}{id};
}

my $ledger = NotifyTest::Ledger->new(nginx => $nginx, redis => $one,
                                     receiver => $receiver, to => \%to);
my ($worker) = $nginx->workers;
my $n = 0;
sub load { my ($times) = @_;
           return map { (publish($nginx, 'event-' . ++$n))[0] // () }
                      1 .. $times }

my @ids = load(20);
is(scalar @ids, 20, 'events are acknowledged');
$ledger->add(@ids);
$ledger->holds('before', seconds => 20);
$ledger->mark;


# the replicas go, the master alone takes writes, and dies with them

sub logged { return scalar $one->cli('XLEN', 'notify:{shop.0}:log') }
my $published = logged();
my $connections = () = $nginx->log =~ /"commands" is up/g;

$_->kill for @others;
my %status;
for (1 .. 5) {
    my ($id, $status) = publish($nginx, 'event-' . ++$n);
    $status{$status}++;
    $ledger->add($id) if defined $id;
}
is(join(' ', %status), '503 5', 'without replicas nothing is acknowledged');
is(logged(), $published + 5, 'though the master has it');
my ($doomed) = publish($careless, 'doomed');
ok($doomed, 'without replicas= it is acknowledged');

$one->kill;
is((publish($nginx, 'event-' . ++$n))[1], 503, 'without a master it is not');
$_->start for @others;
eventually { master() != $one } 'a replica is promoted', 40;
eventually { @ids = load(1) } 'events are acknowledged again', 40;
$ledger->add(@ids, load(20));

eventually { http(GET => $careless->url("/shop/events/$doomed"))->{status}
             == 404 } 'what was acknowledged without replicas= is gone', 20;
$ledger->{redis} = master();
my $lost = (() = $nginx->log =~ /"commands" is up/g) - $connections;
$ledger->holds('writes were lost', twice => $lost * 2 * $in_flight,
               spare => 64, seconds => 30);


# a master dies while events flow

$one->start;
eventually { follow(2) } 'the old master follows the new one', 90;
$ledger->mark;
$connections = () = $nginx->log =~ /"commands" is up/g;
$ledger->add(load(15));
my $new = master();
my $killer = NotifyTest::spawn(sub { elapse 0.1; kill KILL => $new->pid });
$ledger->add(load(15));
$new->kill;
NotifyTest::reap($killer);
eventually { master() != $new } 'another is promoted', 40;
eventually { @ids = load(1) } 'events are acknowledged once more', 40;
$ledger->add(@ids, load(20));
$ledger->{redis} = master();
$lost = (() = $nginx->log =~ /"commands" is up/g) - $connections;
$ledger->holds('a failover under load', twice => $lost * 2 * $in_flight,
               spare => 64, seconds => 30);
is(join(' ', $nginx->workers), $worker, 'the worker is the same');

finish();
