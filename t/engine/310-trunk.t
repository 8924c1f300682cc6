# 256 channels of one nginx read their logs by a few connections together: what
# comes to one of them wakes it, what breaks one holds no other, and a channel
# that begins to read while the others wait does not wait for them.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $n = 256;
my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;

sub channels {
    my ($count) = @_;
    return "notify_profile local { sign standard; allow 127.0.0.0/8; "
           . "retry 100ms 500ms; }\n"
           . (join '', map { "notify_channel c$_ { profile local; }\n" }
                       1 .. $count)
           . "server {\n    listen 127.0.0.1:%%PORT%%;\n"
           . "    client_max_body_size 4m;\n"
           . (join '', map { "    location /c$_/ { notify_api c$_; }\n" }
                       1 .. $count) . "}\n";
}

my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    connections => 1024, http => channels($n));

sub of_nginx {
    my ($what) = @_;
    return map { /^id=(\d+)/ } grep { /name=nginx-notify/ && /$what/ }
                                    $redis->cli('CLIENT', 'LIST');
}

sub publish {
    my ($c, $data) = @_;
    my $answer = http_served(POST => $nginx->url("/c$c/events"),
                             json => { eventType => 'x', data => $data });
    die "c$c: $answer->{status} $answer->{content}\n"
        unless $answer->{status} == 202 && defined $answer->{json}{id};
    return $answer->{json}{id};
}

# how many of a channel's events have not come
sub lacks {
    my ($c, @ids) = @_;
    my %seen = map { $_->{headers}{'webhook-id'} // '' => 1 }
                   $receiver->requests("/c$c");
    return scalar grep { !$seen{$_} } @ids;
}


# at rest

eventually { !grep { my %of; $of{(split / /)[0]}++
                         for $redis->cli('HVALS', "notify:{c$_.0}:leases");
                     keys %of != 2 } 1, $n / 2, $n }
           'two workers share the channels', 40;
eventually { of_nginx('.') <= 6 }
           'each has three connections to Redis, or two'
    or diag(scalar of_nginx('.'));

sub reads { return ($redis->cli('INFO', 'commandstats')
                    =~ /cmdstat_xread:calls=(\d+)/)[0] }
my $before;
eventually { $before = reads(); elapse 1; reads() - $before < 10 }
           'no read ends before something comes';
eventually { of_nginx('cmd=xread') == 4 }
           'those at rest wait apart from the others', 20;


# each is told

my %ids;
for my $c (1 .. $n) {
    my $answer = http_served(POST => $nginx->url("/c$c/subscriptions"),
        json => { url => $receiver->url("/c$c"), event => '*' });
    die "c$c: $answer->{status}\n" unless $answer->{status} == 201;
}
push @{ $ids{$_} }, publish($_, 'first') for 1 .. $n;
eventually { !grep { lacks($_, @{ $ids{$_} }) } 1 .. $n }
           'an event comes to the subscriber of each channel', 20
    or diag(join ' ', grep { lacks($_, @{ $ids{$_} }) } 1 .. $n);

push @{ $ids{7} }, publish(7, $_) for 1 .. 20;
eventually { !lacks(7, @{ $ids{7} }) } 'one of them has more';
cmp_ok(scalar of_nginx('.'), '<=', 6, 'by the same connections');


# one of a wrong type

my $log = 'notify:{c9.0}:log';
$redis->cli('DEL', $log);
$redis->cli('SET', $log, 'by hand');
for my $round (1 .. 3) {
    push @{ $ids{$_} }, publish($_, "wrong $round") for 8, 10, 100;
    eventually { !grep { lacks($_, @{ $ids{$_} }) } 8, 10, 100 }
               "a log that is none holds no other: $round";
    eventually { $nginx->log =~ /the log of channel "c9" cannot be read/ }
               'which is said' if $round == 1;
}
unlike($nginx->log, qr/the log of channel "c(?!9")\d+" cannot/,
       'and of no other');

$redis->cli('CLIENT', 'KILL', 'ID', $_) for of_nginx('.');
push @{ $ids{$_} }, publish($_, 'anew') for 8, 10, 100;
eventually { !grep { lacks($_, @{ $ids{$_} }) } 8, 10, 100 }
           'nor when all are read anew', 20;
$redis->cli('DEL', $log);
push @{ $ids{9} }, publish(9, 'again');
eventually { !lacks(9, @{ $ids{9} }) } 'that one goes on when it is gone';


# one of many large ones

push @{ $ids{3} }, publish(3, 'x' x 1_000_000) for 1 .. 12;
push @{ $ids{$_} }, publish($_, 'beside') for 4 .. 40;
eventually { !grep { lacks($_, @{ $ids{$_} }) } 3 .. 40 }
           'large events of one come, and those of the others', 20;


# connections that are lost

sub many {
    my $file = test_dir() . '/commands';
    spew($file, join '', map { my @words = @$_;
        s/(["\\])/\\$1/g, $_ = "\"$_\"" for @words; "@words\n" } @_);
    open my $pipe, '-|', 'redis-cli -p ' . $redis->port . " < '$file'"
        or die "redis-cli: $!";
    chomp(my @lines = <$pipe>);
    close $pipe;
    return @lines;
}

for my $which ('cmd=xread', 'cmd=(?!xread)', '.') {
    for my $round (1 .. 3) {
        my @some = map { ($round * 31 + $_ * 17) % $n + 1 } 1 .. 20;
        push @{ $ids{$_} }, publish($_, 'before') for @some[0 .. 4];
        my @added = many(['MULTI'],
            (map { ['XADD', "notify:{c$_.0}:log", '*', 't', 'x', 'd', '1'] }
                 @some),
            (map { ['CLIENT', 'KILL', 'ID', $_] } of_nginx($which)), ['EXEC']);
        is(scalar(grep { /^\d+-\d+$/ } @added), 20, 'events come meanwhile');
        push @{ $ids{$_} }, publish($_, 'behind') for @some[5 .. 9];
        my %comes = map { $_ => 0 } @some;
        eventually { !grep { lacks($_, @{ $ids{$_} }) } @some }
                   "connections ($which) are killed: nothing is lost, $round";
        eventually { !grep { my $c = $_; my $found = 0;
                             $found += $_->{body} =~ /"data":1\b/
                                 for $receiver->requests("/c$c");
                             !$found } keys %comes }
                   '... nor what came meanwhile';
    }
}
is(scalar(grep { lacks($_, @{ $ids{$_} }) } 1 .. $n), 0, 'of any channel');
eventually { of_nginx('.') <= 6 } 'they are as few as before';

$redis->pause;
elapse 0.3;
$redis->resume;
push @{ $ids{$_} }, publish($_, 'resumed') for 1, 128, 256;
eventually { !grep { lacks($_, @{ $ids{$_} }) } 1, 128, 256 }
           'nor by a Redis that stood still';


# an old worker leaves, the new one has its own

$nginx->reload;
push @{ $ids{$_} }, publish($_, 'reloaded') for 1 .. 40;
eventually { !grep { lacks($_, @{ $ids{$_} }) } 1 .. 40 }
           'a reload loses nothing', 30;
$nginx->stop;


# a user of Redis with the rights that were enough before

spew(test_dir() . '/secret', "secret\n");
for my $right (qw(id unblock)) {
    $redis->cli('ACL', 'SETUSER', "no$right", 'on', '>secret', '~*', '&*',
                '+@all', "-client|$right");
    $nginx = NotifyTest::Nginx->new(connections => 1024, http => 'notify_redis '
        . $redis->address . " user=no$right password_file=" . test_dir()
        . "/secret;\n" . channels(4));
    push @{ $ids{$_} }, publish($_, "no $right") for 1 .. 4;
    eventually { !grep { lacks($_, @{ $ids{$_} }) } 1 .. 4 }
               "without CLIENT \U$right\E all are told", 20;

    # one that comes back while the others wait
    $redis->cli('DEL', 'notify:{c1.0}:log');
    $redis->cli('SET', 'notify:{c1.0}:log', 'by hand');
    push @{ $ids{2} }, publish(2, "wakes $right");
    eventually { $nginx->log =~ /channel "c1" cannot be read/ }
               'one of them cannot be read';
    $redis->cli('DEL', 'notify:{c1.0}:log');
    for my $round (1 .. 3) {
        push @{ $ids{$_} }, publish($_, "$right $round") for 1 .. 4;
        eventually { !grep { lacks($_, @{ $ids{$_} }) } 1 .. 4 }
                   "and then it can, $round", 20;
    }
    eventually { of_nginx('cmd=xread') == 4 } 'by a connection each', 20;
    my @said = $nginx->log
               =~ /(Redis allows no CLIENT ID or CLIENT UNBLOCK)/g;
    is(scalar @said, 1, 'which is said once');
    $nginx->stop;
}

finish();
