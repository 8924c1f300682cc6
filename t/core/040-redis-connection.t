# The ways to reach Redis: a socket, a password, another database, a prefix;
# and a server that is too old.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use NotifyTest;

my $http = <<'END';
notify_redis %%REDIS%%;
notify_channel shop { retention 1d; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

sub publish {
    my ($nginx) = @_;
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => 'order.paid' });
}


# a unix socket, a password, a database and a prefix

my $dir = test_dir();
spew("$dir/password", "s3cret of this suite\nnot read\n");

my $redis = NotifyTest::Redis->new(args => [
    '--unixsocket', "$dir/redis.sock", '--requirepass',
    's3cret of this suite' ]);
my $nginx = NotifyTest::Nginx->new(http => $http, vars => { REDIS =>
    "unix:$dir/redis.sock password_file=$dir/password db=3 prefix=mine: "
    . 'timeout=1s' });

eventually { publish($nginx)->{status} == 202 }
           'a publish goes through a socket, with a password';
my @keys = $redis->cli('-a', 's3cret of this suite', '-n', 3, 'KEYS',
                       'mine:{shop.0}:log');
is_deeply(\@keys, ['mine:{shop.0}:log'],
          'into the database and under the prefix that were configured');
unlike($nginx->log, qr/s3cret/, 'the password is in no log');
$nginx->stop;


# a wrong password

spew("$dir/wrong", "wrong\n");
$nginx = NotifyTest::Nginx->new(http => $http, vars => { REDIS =>
    "unix:$dir/redis.sock password_file=$dir/wrong" });

eventually { $nginx->log =~ /WRONGPASS/ } 'a wrong password is named';
is(publish($nginx)->{status}, 503, 'and a publish is answered with 503');
$nginx->stop;


# a worker that has only just started

$redis = NotifyTest::Redis->new;
kill 'STOP', $redis->pid;
$nginx = NotifyTest::Nginx->new(http => $http, vars => { REDIS =>
    $redis->address . ' timeout=20s' });
my $pid = $redis->pid;
NotifyTest::spawn(sub { elapse(0.3); kill 'CONT', $pid });

is(publish($nginx)->{status}, 202,
   'what comes before the first connection is there waits for it');
$nginx->stop;


# a server that is too old

my $port = free_port();
my $listen = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
                                   Listen => 16, ReuseAddr => 1) or die $!;
my $old = NotifyTest::spawn(sub {
    while (my $client = $listen->accept) {
        next if fork;
        while (sysread $client, my $bytes, 65536) {
            for ($bytes =~ /\$\d\r\n(INFO|CLIENT|EXISTS|HGET)/g) {
                my $info = "# Server\r\nredis_version:6.2.14\r\n"
                           . "# Replication\r\nrole:master\r\nloading:0\r\n"
                           . "maxmemory_policy:noeviction\r\n";
                syswrite $client, { CLIENT => "+OK\r\n", EXISTS => ":0\r\n",
                    HGET => "\$-1\r\n" }->{$_}
                    // '$' . length($info) . "\r\n$info\r\n";
            }
        }
        exit 0;
    }
});
close $listen;

$nginx = NotifyTest::Nginx->new(http => $http,
                                vars => { REDIS => "127.0.0.1:$port" });

eventually { $nginx->log =~ /6\.2\.14/ } 'a Redis that is too old is named';
my $answer = publish($nginx);
is($answer->{status}, 503, 'and nothing is published to it');
is($answer->{headers}{'retry-after'}, 1, 'with a Retry-After');
my @lines = grep { /6\.2\.14/ && /"commands"/ } split /\n/, $nginx->log;
is(scalar @lines, 1, 'in one line for the connection')
    or diag(join "\n", @lines);
like($lines[0], qr/7\.0/, 'which says what is needed') or diag($nginx->log);

NotifyTest::reap($old, 'KILL');
finish();
