# notify_redis cluster: a channel is where its slot is, also when the slot has
# moved and when its node has died.

use strict;
use warnings;

use Test::More;
use NotifyTest;

# on a busy machine a node may stand still for a second, without having died
my %bus;
sub node {
    my $bus = free_port();
    my $node = NotifyTest::Redis->new(args => ['--cluster-enabled', 'yes',
        '--cluster-port', $bus, '--cluster-node-timeout', 2500,
        '--cluster-replica-validity-factor', 0,
        '--repl-diskless-sync-delay', 0]);
    $bus{$node->port} = $bus;
    return $node;
}
sub meet { $_[0]->cli('CLUSTER', 'MEET', '127.0.0.1', $_[1]->port,
                      $bus{$_[1]->port}) }

my @nodes = map { node() } 1 .. 3;
my @part = ([0, 5460], [5461, 10922], [10923, 16383]);
for my $i (0 .. 2) {
    $nodes[$i]->cli('CLUSTER', 'ADDSLOTSRANGE', @{ $part[$i] });
    $nodes[$i]->cli('CLUSTER', 'SET-CONFIG-EPOCH', $i + 1);
}
meet($nodes[0], $_) for @nodes[1, 2];
eventually { !grep { $_->cli('CLUSTER', 'INFO') !~ /cluster_state:ok/
                     || $_->cli('CLUSTER', 'INFO') !~ /known_nodes:3/ } @nodes }
           'three nodes are a cluster', 30;

my @channels = qw(shop orders visits stock mail);
my %slot = map { $_ => $nodes[0]->cli('CLUSTER', 'KEYSLOT',
                                      "notify:{$_.0}:log") } @channels;
sub owner {
    my ($slot) = @_;
    my ($i) = grep { $slot >= $part[$_][0] && $slot <= $part[$_][1] } 0 .. 2;
    return $nodes[$i];
}
cmp_ok(scalar(keys %{ { map { owner($_)->port => 1 } values %slot } }), '>=', 2,
       'the channels are on several nodes');

my $receiver = NotifyTest::Receiver->new;
my $gone = '127.0.0.1:' . free_port();
my $nginx = NotifyTest::Nginx->new(workers => 2,
    vars => { REDIS => "$gone " . $nodes[0]->address . ' ' . $nodes[1]->address,
              APP => $receiver->url },
    http => join "\n", 'notify_redis %%REDIS%% cluster timeout=1s;',
    'notify_profile near { allow 127.0.0.0/8; retry 1s until=10m; }',
    (map { "notify_channel $_ { profile near; event a.sync sync; "
           . 'event order.paid; }' } @channels),
    'server { listen 127.0.0.1:%%PORT%%;',
    'location /metrics { notify_metrics; }',
    (map { "location /$_/ { notify_api $_; }" } @channels),
    'location /emit { proxy_pass %%APP%%;'
    . ' notify_emit orders order.paid commit on_error=fail; }',
    '}');

sub publish {
    my ($channel, $n) = @_;
    return http(POST => $nginx->url("/$channel/events"), timeout => 10,
                json => { eventType => 'order.paid', data => $n },
                headers => { 'Idempotency-Key' => "$channel-$n" })->{status};
}
# of two workers one may still be looking for the node
sub logged {
    my ($channel) = @_;
    my $answer;
    eventually {
        $answer = http(GET => $nginx->url("/$channel/deltas?limit=250"));
        $answer->{status} == 200;
    } "$channel: the log can be read", 20;
    return map { $_->{data} // '' } @{ $answer->{json}{data} };
}
sub got { my %got = map { (from_json($_->{body})->{data} // '') => 1 }
                    $receiver->requests("/$_[0]"); return \%got }

for my $channel (@channels) {
    eventually { publish($channel, 'first') =~ /^20/ } "$channel: a publish";
    is(owner($slot{$channel})->cli('XLEN', "notify:{$channel.0}:log"), 1,
       'is where its slot is');
    for my $sub ([event => 'order.paid'], [event => 'a.sync', mode => 'sync']) {
        is(http(POST => $nginx->url("/$channel/subscriptions"), json => {
               url => $receiver->url("/$channel"), @$sub })->{status}, 201,
           "$channel: a subscription");
    }
    is(publish($channel, 1), 202, 'an event');
    eventually { got($channel)->{1} } 'is delivered', 15;
    eventually { http(POST => $nginx->url("/$channel/sync/a.sync"), json => {})
                 ->{status} == 200 } 'a sync call', 15;
    is(http(GET => $nginx->url("/$channel/health"))->{status}, 200, 'health');
    is(http(PUT => $nginx->url("/$channel/sessions/s"), json => {})->{status}
       =~ s/201/200/r, 200, 'a session');
}
is(http(GET => $nginx->url('/emit'))->{status}, 200, 'an emit commits');
unlike($nginx->log, qr/MOVED|CROSSSLOT/, 'nobody was asked in vain');
sub connected { http(GET => $nginx->url('/metrics'))->{content}
                =~ /redis_connected_workers (\d+)/ ? $1 : -1 }
eventually { connected() == 2 } 'both workers are connected to all nodes';

sub clients {
    return scalar grep { /name=nginx-notify/ }
                  map { $_->cli('CLIENT', 'LIST') } @nodes;
}
# one that went to another node first may not be closed there yet
eventually { clients() <= 2 * (2 * @channels + 1) }
           'by two connections a worker and channel, and one'
    or diag(clients());


# the slot of a channel moves to another node, with its keys

my $slot = $slot{shop};
my $from = owner($slot);
my ($to) = grep { $_ != $from } @nodes;
my %id = map { $_->port => scalar $_->cli('CLUSTER', 'MYID') } @nodes;
$to->cli('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id{$from->port});
$from->cli('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $id{$to->port});
for my $key ($from->cli('CLUSTER', 'GETKEYSINSLOT', $slot, 10000)) {
    $from->cli('MIGRATE', '127.0.0.1', $to->port, $key, 0, 5000);
}

# asked while the keys are on both nodes, answered when the slot has moved
my $meanwhile = NotifyTest::spawn(['curl', '-sS', '-o', '/dev/null', '-w',
    '%{http_code}', '-m', 20, '--json',
    to_json({ eventType => 'order.paid', data => 'meanwhile' }),
    $nginx->url('/shop/events')], NotifyTest::test_dir() . '/meanwhile');
eventually { $from->cli('INFO', 'errorstats')
             . $to->cli('INFO', 'errorstats') =~ /errorstat_(TRYAGAIN|ASK)/ }
           'a publish meets keys on both nodes';
for my $key ($from->cli('CLUSTER', 'GETKEYSINSLOT', $slot, 10000)) {
    $from->cli('MIGRATE', '127.0.0.1', $to->port, $key, 0, 5000, 'REPLACE');
}
for my $node ($to, $from, @nodes) {
    $node->cli('CLUSTER', 'SETSLOT', $slot, 'NODE', $id{$to->port});
}
$to->cli('CLUSTER', 'BUMPEPOCH');
eventually {
    !grep { my ($line) = grep { /^\Q$id{$to->port}\E/ }
                         $_->cli('CLUSTER', 'NODES');
            (split ' ', $line)[6] != 4 || $line !~ /\b$slot\b/ } @nodes
} 'the nodes agree on it', 20;
NotifyTest::reap($meanwhile);
is(slurp(NotifyTest::test_dir() . '/meanwhile'), '202',
   'a publish waits while its slot moves');
is(publish('shop', 'moved'), 202, 'publishes follow a slot');
like($nginx->log, qr/slot $slot has moved from 127\.0\.0\.1:@{[$from->port]}/,
     'which is logged');
cmp_ok($to->cli('XLEN', 'notify:{shop.0}:log'), '>=', 3, 'they are there');
eventually { got('shop')->{moved} && got('shop')->{meanwhile} }
           'and delivered', 20;
my %have = map { $_ => 1 } logged('shop');
is_deeply([grep { !$have{$_} } qw(first 1 meanwhile moved)], [],
          'nothing is missing');


# a node dies, its replica takes its place

my ($channel) = grep { $_ ne 'shop' } @channels;
my $dying = owner($slot{$channel});
my $replica = node();
meet($replica, $nodes[0]);
eventually { $replica->cli('CLUSTER', 'REPLICATE', $id{$dying->port}) =~ /OK/ }
           'a replica of a node', 20;
eventually { $replica->cli('INFO', 'replication') =~ /master_link_status:up/
             && $dying->cli('INFO', 'replication') =~ /state=online/ }
           'has what that has', 20;
eventually { $dying->cli('WAIT', 1, 100) == 1 } undef;
eventually { publish($channel, 'before') =~ /^20/ } 'a publish before';
elapse(0.1) until $replica->cli('INFO', 'replication')
    =~ /slave_repl_offset:(\d+)/
    && $dying->cli('INFO', 'replication') =~ /master_repl_offset:$1\b/;
# the replica, too: of a master without slots, as it knows it, it takes no place
eventually { $_->cli('CLUSTER', 'INFO') =~ /cluster_state:ok/ } undef, 20
    for @nodes, $replica;
$dying->kill;
eventually { publish($channel, 'behind') =~ /^20/ }
           'when a node dies its replica gets the publishes', 40;
eventually { got($channel)->{behind} && got($channel)->{before} }
           'and deliveries go on', 20;
%have = map { $_ => 1 } logged($channel);
is_deeply([grep { !$have{$_} } qw(first 1 before behind)], [],
          'nothing is missing');


# nobody is left for its slots, and the other nodes serve nobody either

$replica->kill;
my @left = grep { $_ != $dying } @nodes;
eventually { !grep { $_->cli('CLUSTER', 'INFO') !~ /cluster_state:fail/ }
             @left } 'a cluster without one of its nodes is down', 20;
eventually { !grep { publish($_, 'lost') != 503 } @channels }
           'which refuses publishes', 20;
eventually { connected() == 0 } 'which the metrics tell';
my $asked = time;
$nginx->stop;
cmp_ok(time - $asked, '<', 15, 'and keeps no worker from its exit');


# what is no cluster, and what does not go together

my $plain = NotifyTest::Redis->new;
$nginx = NotifyTest::Nginx->new(http => <<'END', vars => { REDIS => $plain->address });
notify_redis %%REDIS%% cluster timeout=1s;
notify_channel shop { }
server { listen 127.0.0.1:%%PORT%%; location /shop/ { notify_api shop; } }
END
eventually { $nginx->log =~ /is no node of a cluster: ERR/ }
           'what is no cluster is named in the log';
is(publish('shop', 1), 503, 'nothing is published');
$nginx->stop;

for my $more ('sentinel=x', 'db=1') {
    my $checked = NotifyTest::Nginx->new(start => 0, http =>
        "notify_redis 127.0.0.1 cluster $more; notify_channel shop { }");
    my ($said, $ok) = $checked->check;
    ok(!$ok && $said =~ /"cluster" together .* in \S+nginx\.conf:\d+/,
       "not with $more") or diag($said);
}

finish();
