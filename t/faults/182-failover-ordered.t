# A failover that somebody orders while events flow: for a second the old master
# still takes writes, which one of its two replicas still gets.  What was
# acknowledged with replicas=1 is there afterwards all the same.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Sentinel;

my $one = NotifyTest::Redis->new;
my @others = map { NotifyTest::Redis->new(args => ['--replicaof', '127.0.0.1',
                       $one->port, '--repl-diskless-sync-delay', 0]) } 1 .. 2;
my $sentinel = NotifyTest::Sentinel->new(name => 'shop', master => $one);

# whom the sentinel names now
sub master {
    my $port = $sentinel->master_port('shop');
    return (grep { $_->port == $port } $one, @others)[0];
}

sub follow {
    return (() = master()->cli('INFO', 'replication') =~ /state=online/g) == 2
        && ($sentinel->cli('SENTINEL', 'MASTER', 'shop')
            =~ /num-slaves\n2\n/ ? 1 : 0);
}
eventually { follow() } 'two replicas, and the sentinel knows them', 30;

my $nginx = NotifyTest::Nginx->new(
    vars => { REDIS => $sentinel->address }, http => <<'END');
notify_redis %%REDIS%% sentinel=shop replicas=1 timeout=1s;
notify_channel shop { }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

sub publish {
    my ($n) = @_;
    my $answer = http(POST => $nginx->url('/shop/events'), timeout => 15,
                      json => { eventType => 'order.paid', data => $n });
    return $answer->{status} == 202 ? $answer->{json}{id} : undef;
}

# writes the ids of those that have been acknowledged, until the file is there
my $stop = test_dir() . '/stop';
sub client {
    my ($name) = @_;
    my $file = test_dir() . "/ids-$name";

    return { file => $file, pid => NotifyTest::spawn(sub {
        open my $ids, '>>', $file or die "$file: $!\n";
        $ids->autoflush;
        for (my $n = 1; !-e $stop; $n++) {
            my $id = publish("$name-$n");
            print $ids "$id\n" if defined $id;
        }
    }) };
}

sub acknowledged { return map { split /\n/, slurp($_->{file}) } @_ }

sub logged {
    my ($cursor, $page, %ids) = ('');

    do {
        eventually { $page = http(GET =>
                         $nginx->url("/shop/deltas?limit=250$cursor"));
                     $page->{status} == 200 } undef, 30;
        $page = $page->{json};
        $ids{ $_->{id} } = 1 for @{ $page->{data} };
        $cursor = "&cursor=$page->{cursor}";
    } while ($page->{hasMore});

    return \%ids;
}

eventually { publish('first') } 'events are acknowledged', 20;

my $before = master();
my @clients = map { client($_) } 1 .. 2;
eventually { !grep { !-s $_->{file} } @clients } 'events flow', 20;

eventually { $sentinel->cli('SENTINEL', 'FAILOVER', 'shop') =~ /OK/ }
           'a failover is ordered', 20;
eventually { master() != $before } 'another is the master', 30;
eventually { follow() } 'whom both others follow', 60;
eventually { publish('after') } 'and which is used', 30;

spew($stop, '');
NotifyTest::reap($_->{pid}) for @clients;
my @ids = acknowledged(@clients);
cmp_ok(scalar @ids, '>', 50, "acknowledged meanwhile: @{[scalar @ids]}");
my $is = logged();
is(scalar(grep { !$is->{$_} } @ids), 0, 'and all of them are there');
like($nginx->log, qr/a replica has left the master/, 'of which it knew');

finish();
