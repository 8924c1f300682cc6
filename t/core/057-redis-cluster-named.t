# notify_redis cluster whose nodes are named by their hosts: replicas are waited
# for on the channel's own node, and sessions are present there.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Chat;

sub node {
    return NotifyTest::Redis->new(args => ['--cluster-enabled', 'yes',
        '--cluster-port', free_port(), '--cluster-node-timeout', 5000,
        '--cluster-announce-hostname', 'redis.test',
        '--cluster-preferred-endpoint-type', 'hostname',
        '--repl-diskless-sync-delay', 0, @_]);
}

my $master = node();
$master->cli('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
eventually { $master->cli('CLUSTER', 'INFO') =~ /cluster_state:ok/ }
           'one node is a cluster', 30;
like($master->cli('CLUSTER', 'SLOTS'), qr/redis\.test/,
     'it names itself by its host');

my $receiver = NotifyTest::Receiver->new;
my $chat = NotifyTest::Chat->new;
my $nginx = NotifyTest::Nginx->new(workers => 2,
    vars => { REDIS => $master->address, CHAT => $chat->address },
    http => <<'END');
notify_redis %%REDIS%% cluster replicas=1 timeout=1s;
notify_profile near {
    allow 127.0.0.0/8;
    schemes http;
    payload '{"n":"$notify_conversation_id"}';
    retry off;
}
notify_channel shop { profile near; }
notify_channel chat { profile near; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /ws {
        proxy_pass http://%%CHAT%%;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_read_timeout 60s;
        notify_session chat id=$arg_session presence grace=0 lease=3s;
    }
    location /shop/ { notify_api shop; }
    location /chat/ { notify_api chat; }
}
END

sub publish {
    my ($channel) = @_;
    return http(POST => $nginx->url("/$channel/events"), timeout => 10,
                json => { eventType => 'order.paid', data => 1 })->{status};
}

eventually { http(GET => $nginx->url('/shop/deltas'))->{status} == 200 }
           'a node is found by its name', 20;
is(publish('shop'), 503, 'without a replica nothing is acknowledged');
like($nginx->log, qr/0 of 1 replicas have what was published/,
     'which is logged');

my $replica = node();
$replica->cli('CLUSTER', 'MEET', '127.0.0.1', $master->port,
              ($master->cli('CLUSTER', 'NODES') =~ /:\d+@(\d+)/)[0]);
my $id = $master->cli('CLUSTER', 'MYID');
eventually { $replica->cli('CLUSTER', 'REPLICATE', $id) =~ /OK/ }
           'the node gets a replica', 30;
eventually { publish('shop') == 202 && publish('chat') == 202 }
           'then both channels acknowledge', 20;

my $present = $nginx->url('/chat/sessions/a');
is(http(PUT => $present, json => {})->{status}, 201, 'a session');
my $socket = $chat->connect($nginx->port, '/ws?session=a');
eventually { http(GET => $present)->{json}{connected} } 'is present'
    or diag(to_json(http(GET => $present)->{json}));
$chat->cut($socket);
eventually { !http(GET => $present)->{json}{connected} } 'until it goes';

finish();
