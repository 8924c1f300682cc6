# notify_redis sentinel=NAME: the master is the one that the sentinels name,
# also after a failover; what was acknowledged by a replica, too, survives it.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use NotifyTest;
use NotifyTest::Sentinel;

my $one = NotifyTest::Redis->new;
my $two = NotifyTest::Redis->new(args => ['--replicaof', '127.0.0.1',
                                          $one->port]);
eventually { $one->cli('INFO', 'replication') =~ /state=online/ }
           'there is a replica', 20;

# one that is not there, one that knows nothing of it, and one that does
my $other = NotifyTest::Sentinel->new(name => 'other',
                                      master => NotifyTest::Redis->new);
my $sentinel = NotifyTest::Sentinel->new(name => 'shop', master => $one);
my $gone = '127.0.0.1:' . free_port();
eventually { $sentinel->cli('SENTINEL', 'REPLICAS', 'shop')
             =~ /\b@{[$two->port]}\b/ } 'the sentinel knows the replica', 20;

my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(workers => 2, redis => undef,
    vars => { REDIS => join ' ', $gone, $other->address, $sentinel->address },
    http => <<'END');
notify_redis %%REDIS%% sentinel=shop replicas=1 timeout=1s;
notify_profile near { allow 127.0.0.0/8; retry 1s until=10m; }
notify_channel shop { profile near; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

sub publish {
    my ($key) = @_;
    return http(POST => $nginx->url('/shop/events'), timeout => 10,
                json => { eventType => 'order.paid', data => $key },
                headers => { 'Idempotency-Key' => $key })->{status};
}
sub logged {
    my ($cursor, $page, @entries) = ('');

    do {
        my $answer = http(GET => $nginx->url("/shop/deltas?limit=250$cursor"));
        die "deltas: $answer->{status}\n" if $answer->{status} != 200;
        $page = $answer->{json};
        push @entries, map { $_->{data} } @{ $page->{data} // [] };
        $cursor = '&cursor=' . ($page->{cursor} // '');
    } while ($page->{hasMore});

    return @entries;
}

eventually { publish('first') =~ /^20/ } 'a publish reaches the master';
like($nginx->log, qr/"commands" is up: 127\.0\.0\.1:@{[$one->port]},/,
     'which the sentinel has named');
is($one->cli('XLEN', 'notify:{shop.0}:log'), 1, 'it is there');
is(http(POST => $nginx->url('/shop/subscriptions'), json => {
       url => $receiver->url('/hook'), event => 'order.paid' })->{status}, 201,
   'a subscription');
my %acknowledged = (first => 1);


# a crash of the master, in the middle of publishing

# with the master gone there is nobody else to acknowledge: a second replica
my $three = NotifyTest::Redis->new(args => ['--replicaof', '127.0.0.1',
                                            $one->port]);
eventually { (() = $one->cli('INFO', 'replication') =~ /state=online/g) == 2
             && $sentinel->cli('SENTINEL', 'REPLICAS', 'shop')
                =~ /\b@{[$three->port]}\b/ } 'a second replica', 30;

for my $n (1 .. 40) {
    $one->kill if $n == 20;
    $acknowledged{"event-$n"} = 1 if publish("event-$n") =~ /^20/;
}
cmp_ok(scalar keys %acknowledged, '>=', 20, 'some were acknowledged');
eventually { $sentinel->master_port('shop') != $one->port }
           'the sentinel promotes a replica', 30;
eventually { publish('after') =~ /^20/ } 'publishes go on there', 30;
$acknowledged{after} = 1;
my ($port) = reverse $nginx->log =~ /"commands" is up: 127\.0\.0\.1:(\d+),/g;
is($port, $sentinel->master_port('shop'), 'it is the one that was promoted');

# of two workers one may still be looking for the master
my (%have, @all);
eventually { @all = logged() } 'the log can be read', 30;
$have{$_}++ for @all;
is_deeply([grep { !$have{$_} } sort keys %acknowledged], [],
          'everything that was acknowledged is in the log');
is_deeply([grep { $have{$_} > 1 } sort keys %have], [], 'once');
eventually { my %got = map { from_json($_->{body})->{data} => 1 }
                       $receiver->requests('/hook');
             !grep { !$got{$_} && $_ ne 'first' } keys %acknowledged }
           'and delivered', 30;

for (my $n = 1; $n <= 40; $n++) {
    next if $acknowledged{"event-$n"};
    eventually { publish("event-$n") =~ /^20/ } undef, 5 or last;
}
eventually { my @all = logged(); @all == 42 }
           'the others are taken when sent again', 10;


# the old master comes back as a replica; a failover that somebody orders

$one->start;
eventually { $one->cli('INFO', 'replication') =~ /role:slave/ }
           'the old master is a replica', 30;
my $before = $sentinel->master_port('shop');
eventually { $sentinel->cli('SENTINEL', 'FAILOVER', 'shop') =~ /OK/ }
           'a failover is ordered', 20;
eventually { $sentinel->master_port('shop') != $before } 'and done', 30;
eventually { $nginx->log =~ /"commands" is down: it is the master no more/ }
           'the old one is left before it is made a replica', 30;
eventually { publish('ordered') =~ /^20/ } 'publishes go on', 30;
eventually { grep { from_json($_->{body})->{data} eq 'ordered' }
                  $receiver->requests('/hook') } 'and deliveries', 30;
my ($now) = grep { $_->port == $sentinel->master_port('shop') }
                 $one, $two, $three;
eventually {
    my @clients = grep { /nginx-notify/ } $now->cli('CLIENT', 'LIST');
    my @elsewhere = map { grep { /nginx-notify/ } $_->cli('CLIENT', 'LIST') }
                    grep { $_ != $now } $one, $two, $three;
    @clients >= 6 && !@elsewhere
} 'every connection is one to the new master', 30;
$nginx->stop;


# who is no sentinel, or names what is no address

$nginx = NotifyTest::Nginx->new(http => <<'END', vars => { REDIS => $now->address });
notify_redis %%REDIS%% sentinel=shop timeout=1s;
notify_channel shop { }
server { listen 127.0.0.1:%%PORT%%; location /shop/ { notify_api shop; } }
END
eventually { $nginx->log =~ /the sentinel at \S+ refused: ERR unknown command/ }
           'who is no sentinel is named in the log';
is(publish('x'), 503, 'and nothing is published');
$nginx->stop;

my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1:0', Listen => 16);
for my $answer ("*2\r\n\$4\r\nname\r\n\$4\r\n6379\r\n",
                "*2\r\n\$9\r\n127.0.0.1\r\n\$5\r\n99999\r\n",
                "*2\r\n\$0\r\n\r\n\$0\r\n\r\n", "*1\r\n\$1\r\nx\r\n", "*0\r\n",
                "*-1\r\n", ":1\r\n", "+OK\r\n", "garbage\r\n")
{
    my $fake = NotifyTest::spawn(sub {
        while (my $client = $listen->accept) {
            sysread $client, my $bytes, 4096;
            syswrite $client, $answer;
            select undef, undef, undef, 0.05;
        }
    });
    $nginx = NotifyTest::Nginx->new(http => <<'END', vars => { REDIS => '127.0.0.1:' . $listen->sockport });
notify_redis %%REDIS%% sentinel=shop timeout=1s;
notify_channel shop { }
server { listen 127.0.0.1:%%PORT%%; location /shop/ { notify_api shop; } }
END
    (my $shown = $answer) =~ s/[\r\n]+/ /g;
    eventually { $nginx->log =~
        /is down: .*(?:no address|knows no master|bad answer|refused)/ }
        "\"$shown\" leads nowhere";
    $nginx->stop;
    NotifyTest::reap($fake, 'KILL');
}

finish();
