# partitions in a Redis Cluster: three masters and their replicas share the
# tenants of one channel; a master dies, slots move, and nothing that was
# acknowledged is lost.

use strict;
use warnings;

use POSIX ();
use Test::More;
use NotifyTest;

my $parts = 16;
my @tenants = map { "t$_" } 1 .. 96;

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

my @nodes = map { node() } 1 .. 6;
my @masters = @nodes[0 .. 2];
my @range = ([0, 5460], [5461, 10922], [10923, 16383]);
for my $i (0 .. 2) {
    $masters[$i]->cli('CLUSTER', 'ADDSLOTSRANGE', @{ $range[$i] });
    $nodes[$_]->cli('CLUSTER', 'SET-CONFIG-EPOCH', $_ + 1) for $i, $i + 3;
}
$nodes[0]->cli('CLUSTER', 'MEET', '127.0.0.1', $_->port, $bus{$_->port})
    for @nodes[1 .. 5];
eventually { !grep { $_->cli('CLUSTER', 'INFO') !~ /cluster_state:ok/
                     || $_->cli('CLUSTER', 'INFO') !~ /known_nodes:6/ }
             @masters } 'six nodes are a cluster', 30;
my %id = map { $_->port => scalar $_->cli('CLUSTER', 'MYID') } @nodes;
for my $i (0 .. 2) {
    eventually { $nodes[$i + 3]->cli('CLUSTER', 'REPLICATE',
                                     $id{$masters[$i]->port}) =~ /OK/ }
               "master $i has a replica", 20;
}
eventually { !grep { $_->cli('INFO', 'replication') !~ /state=online/ } @masters }
           'which has what it has', 30;

my %slot = map { $_ => $nodes[0]->cli('CLUSTER', 'KEYSLOT',
                                      "notify:{shop.$_}:log") } 0 .. $parts - 1;
my %owner = map { my $slot = $slot{$_};
                  $_ => (grep { $slot <= $range[$_][1] } 0 .. 2)[0] }
            0 .. $parts - 1;
is(join(' ', sort keys %{ { map { $_ => 1 } values %owner } }), '0 1 2',
   'the partitions are on all masters');

my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(workers => 2, connections => 2048,
    vars => { REDIS => join ' ', map { $_->address } @nodes },
    http => <<"END");
notify_redis %%REDIS%% cluster timeout=2s replicas=1;
notify_profile near { allow 127.0.0.0/8; retry 500ms until=10m; breaker off;
                      header X-Event \$notify_event_id; }
notify_channel shop { profile near; partitions $parts; event order.paid; }
server {
    listen 127.0.0.1:%%PORT%%;
    location / { notify_tenant \$http_x_tenant optional; notify_api shop; }
    location /metrics { notify_metrics; }
}
END

sub as {
    my ($tenant, $method, $path, $json) = @_;
    return http($method => $nginx->url($path), timeout => 15,
                headers => { 'X-Tenant' => $tenant },
                defined $json ? (json => $json) : ());
}
my %acknowledged;
my ($mark, $number) = ('a', 0);

# one event each; those that were acknowledged are to come
sub publish {
    my ($what, @to) = @_;
    my $refused = 0;
    for my $tenant (@to) {
        my $uid = "$mark-" . $number++;
        my $answer = as($tenant, POST => '/events', {
            uid => $uid, eventType => 'order.paid', data => $what });
        if ($answer->{status} == 202) {
            push @{ $acknowledged{$tenant} }, $answer->{json}{id};
        } else {
            $refused++;
        }
    }
    return $refused;
}
sub lacking {
    my %got = map { $_->{headers}{'x-event'} => 1 }
              map { $receiver->requests("/$_") } @tenants;
    return grep { !$got{$_} } map { @{ $acknowledged{$_} } } @tenants;
}

eventually { http(GET => $nginx->url('/health'))->{status} == 200 }
           'health is good when all partitions are', 30;
my @refused = grep {
    my $tenant = $_;
    as($tenant, POST => '/subscriptions', { url => $receiver->url("/$tenant"),
                                            event => '*' })->{status} != 201
} @tenants;
is("@refused", '', 'all tenants subscribe');
is(publish('first', @tenants), 0, 'all publish');
eventually { !lacking() } 'and all get their event', 30
    or diag(scalar lacking());
for my $i (0 .. 2) {
    my $n = 0;
    $n += $masters[$i]->cli('XLEN', "notify:{shop.$_}:log")
        for grep { $owner{$_} == $i } 0 .. $parts - 1;
    cmp_ok($n, '>', 0, "master $i has a part of them: $n");
}
unlike($nginx->log, qr/CROSSSLOT/, 'no command is of two partitions');


# slots move, with events on their way

# another process publishes for all tenants, again and again, and says what was
# acknowledged and how many were refused when it is told to end
sub publishing {
    my ($what) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    return ($pid, $pipe) if $pid;

    %acknowledged = ();
    $mark = $what;
    my ($end, $refused, $n) = (0, 0, 0);
    local $SIG{TERM} = sub { $end = 1 };
    $refused += publish($what, $tenants[$n++ % @tenants]) until $end;
    print to_json([$refused, \%acknowledged]);
    close STDOUT;
    POSIX::_exit(0);
}

for my $part ((grep { $owner{$_} == 0 } 0 .. $parts - 1)[0, 1]) {
    my ($from, $to, $slot) = (@masters[0, 1], $slot{$part});
    my ($pid, $pipe) = publishing("moves$part");
    elapse 0.3;
    $to->cli('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id{$from->port});
    $from->cli('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $id{$to->port});
    while (my @keys = grep { length }
           $from->cli('CLUSTER', 'GETKEYSINSLOT', $slot, 10)) {
        $from->cli('MIGRATE', '127.0.0.1', $to->port, '', 0, 5000, 'REPLACE',
                   'KEYS', @keys);
    }
    $_->cli('CLUSTER', 'SETSLOT', $slot, 'NODE', $id{$to->port})
        for $to, $from, $masters[2];
    elapse 0.3;
    kill TERM => $pid;
    my ($refused, $more) = @{ from_json(join '', <$pipe>) };
    my $n = 0;
    for my $tenant (keys %$more) {
        push @{ $acknowledged{$tenant} }, @{ $more->{$tenant} };
        $n += @{ $more->{$tenant} };
    }
    is($refused, 0, "partition $part moves: nothing is refused");
    cmp_ok($n, '>', 50, "of what is published meanwhile: $n");
    cmp_ok($to->cli('XLEN', "notify:{shop.$part}:log"), '>', 0,
           'its log is at the other master');
}
eventually { !lacking() } 'all that was acknowledged comes', 30
    or diag(scalar lacking());


# a master dies

eventually { !grep { $_->cli('INFO', 'replication') !~ /state=online/ }
             @masters } undef, 30;
publish('before', @tenants);
$masters[2]->kill;
my $refused = publish('meanwhile', @tenants[0 .. 11]);
note("$refused of 12 refused while it is dead");
eventually { $nodes[5]->cli('INFO', 'replication') =~ /role:master/ }
           'its replica takes its place', 60;
is(http(GET => $nginx->url('/health'))->{status}, 503,
   'which has no replica itself: health says so');
$masters[2]->start;
eventually { http(GET => $nginx->url('/health'))->{status} == 200 }
           'until the other is back', 60;
# of two workers one may still be looking for the node
eventually { publish('behind', @tenants) == 0 } 'then nothing is refused', 30;
eventually { !lacking() } 'what was acknowledged comes', 60
    or diag(scalar lacking());
eventually {
    my @odd = grep {
        my %logged = map { $_->{id} => 1 }
                     @{ as($_, GET => '/deltas?limit=250')->{json}{data} // [] };
        grep { !$logged{$_} } @{ $acknowledged{$_} };
    } @tenants;
    !@odd;
} 'and is in the deltas', 30;

finish();
