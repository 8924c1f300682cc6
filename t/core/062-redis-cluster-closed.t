# A Redis Cluster that is down while a connection is made: it answers, but not
# for keys.  When it is up again, so is the channel, on the same connection.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new(args => ['--cluster-enabled', 'yes',
    '--cluster-port', free_port()]);
$redis->cli('CLUSTER', 'ADDSLOTSRANGE', 0, 16382);
eventually { $redis->cli('GET', 'a') =~ /CLUSTERDOWN/ }
           'a slot is missing: the cluster is down';

my $nginx = NotifyTest::Nginx->new(vars => { REDIS => $redis->address },
    http => <<"END");
notify_redis %%REDIS%% cluster;
notify_profile near { allow 127.0.0.0/8; }
notify_channel shop { profile near; event order.paid; }
notify_channel wide { profile near; event order.paid; partitions 3; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location /wide/ { notify_api wide; }
}
END

sub status {
    my ($channel) = @_;
    return http(POST => $nginx->url("/$channel/events"),
                json => { eventType => 'order.paid', entityID => 1 })
           ->{status};
}

eventually { $nginx->log =~ m,redis: "[^"]+" is up, } 'it is connected';
is(status($_), 503, "$_: nothing is taken") for qw(shop wide);

$redis->cli('CLUSTER', 'ADDSLOTS', 16383);
eventually { $redis->cli('CLUSTER', 'INFO') =~ /cluster_state:ok/ }
           'the cluster is up';

for my $channel (qw(shop wide)) {
    eventually { status($channel) == 202 } "$channel: events are taken", 5;
}

finish;
