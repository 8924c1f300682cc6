# What can happen to Redis while events flow: after each of it every event that
# was acknowledged is in deltas, has come to who answers, and has come to who
# does not, or is dead with a reason; hardly anything comes twice.

use strict;
use warnings;

my $no_mounts;

BEGIN {
    if (!$^C && !defined $ENV{NOTIFY_TEST_MOUNTS}) {
        $ENV{NOTIFY_TEST_MOUNTS} = my $why = $> != 0 ? 'not root'
            : qx(unshare -m true 2>&1) || ($? ? 'unshare failed' : '');
        $why or exec 'unshare', '-m', '--', $^X, map({ "-I$_" } @INC), $0
            or die "unshare: $!";
    }
    $no_mounts = $ENV{NOTIFY_TEST_MOUNTS} // '';
}

use File::Path qw(make_path);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

my $in_flight = 4;
my $disk = test_dir() . '/redis1';      # Redis' folder: its append-only file
make_path($disk);

if (!$no_mounts && system "mount -t tmpfs -o size=32m tmpfs '$disk' 2>&1") {
    $no_mounts = 'no tmpfs';
}

my $shop = NotifyTest::Shop->new(
    profile => "in_flight $in_flight; retry 100ms 200ms jitter=0%;"
               . ' breaker off;',
    scripts => { '/broken' => [{ status => 500 }],
                 '/hold' => [({ hold => 1 }) x $in_flight,
                             { status => 200 }] });
my ($redis, $nginx, $receiver) = ($shop->redis, $shop->nginx, $shop->receiver);
$receiver->cycle('/half', { status => 500 }, { status => 204 });

my %id = map { $_ => $shop->subscribe("/$_") } qw(healthy half broken);
$shop->ready;

my $ledger = NotifyTest::Ledger->new(shop => $shop,
    to => { map { ("/$_" => $id{$_}) } keys %id });
my ($worker) = $nginx->workers;
my $file;


# --- a client that publishes, and repeats what was not acknowledged

sub client {
    my ($run) = @_;
    open my $out, '>', $file or die "$file: $!";
    $out->autoflush(1);

    for (my $n = 1; !-e "$file.stop"; $n++) {
        my @events = map { { eventType => 'order.paid', uid => "$run.$n.$_",
                             data => { n => $n } } } 1 .. 5;
        my $status = 0;

        while ($status != 202 && $status != 200) {
            my $answer = http(POST => $nginx->url('/shop/events'),
                              json => \@events, timeout => 10);
            $status = $answer->{status};
            my @ids = $status == 202 || $status == 200
                      ? map { $_->{id} } @{ $answer->{json} } : ();
            print {$out} "$status @ids\n";
            elapse 0.03;
        }
    }
}

sub answers { return map { (split)[0] } split /\n/, slurp($file) }
sub answered { my ($status) = @_; return grep { $_ == $status } answers() }
sub accepted { return answered(202) + answered(200) }
sub goes_on { my $n = accepted(); return eventually { accepted() > $n } }


# --- what is looked at afterwards

sub waits { my ($name) = @_;
            return $redis->cli('ZCARD', "notify:{shop.0}:retry:$id{$name}") }

# connections on which commands can be lost: the first, and each one later
sub connections { return scalar(() = $nginx->log =~ /"commands" is up/g) }

my $runs = 0;

sub fault {
    my ($what, $sub) = @_;
    my $up = connections();

    $file = test_dir() . '/run' . ++$runs;
    my $run = $runs;
    my $pid = NotifyTest::spawn(sub { client($run) });
    eventually { accepted() > 6 };
    $ledger->mark;
    $sub->();
    ok(goes_on(), "$what: events are accepted again behind it");
    spew("$file.stop", '');
    NotifyTest::reap($pid);

    my %answers;
    $answers{$_}++ for answers();
    my @ids = map { my (undef, @ids) = split; @ids } split /\n/, slurp($file);
    $ledger->add(@ids);

    # what was in flight when a connection was lost
    my $lost = connections() - $up;
    $ledger->holds($what, twice => $lost * 2 * $in_flight,
                   spare => 3 * 2 * $in_flight);
    is(join(' ', $nginx->workers), $worker, "$what: the worker is the same");
    note("$what: ", scalar @ids, " events; answers ", join(', ',
        map { "$answers{$_} times $_" } sort keys %answers),
        "; $lost connections");
}


# --- the faults

fault('Redis is killed and started' => sub {
    $redis->kill;
    eventually { answered(503) } 'a publish is answered with 503 meanwhile';
    $redis->start;
});

fault('Redis stands still' => sub {
    $redis->pause;
    elapse 3;
    ok(scalar(answered(503)), 'a publish is answered with 503 meanwhile');
    $redis->resume;
});

fault('Redis is out of memory' => sub {
    $redis->cli('CONFIG', 'SET', 'maxmemory', 1_000_000);
    eventually { answered(507) } 'a publish is answered with 507';
    my @ids = map { my (undef, @ids) = split; @ids } split /\n/, slurp($file);
    eventually { !$shop->lacks('/healthy', @ids) } 'what is there is delivered';
    eventually { !waits('half') && !waits('broken') }
               'again, too, and the results are committed';
    $redis->cli('CONFIG', 'SET', 'maxmemory', 0);
});

fault('Redis is a replica' => sub {
    $redis->cli('REPLICAOF', '127.0.0.1', free_port());
    elapse 2;
    ok(scalar(answered(503)), 'a publish is answered with 503 meanwhile');
    $redis->cli('REPLICAOF', 'NO', 'ONE');
});

fault('Redis cannot save' => sub {
    my $refused = answered(503);
    mkdir "$disk/dump.rdb" or die "dump.rdb: $!";       # no rename to it
    $redis->cli('CONFIG', 'SET', 'save', '3600 1000000');
    $redis->cli('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes');
    $redis->cli('BGSAVE');
    eventually { answered(503) > $refused } 'a publish is answered with 503';
    like(scalar $redis->cli('SET', 'x', 1), qr/^MISCONF/, 'it refuses writes');
    rmdir "$disk/dump.rdb" or die "dump.rdb: $!";
    eventually { $redis->cli('BGSAVE');
                 ($redis->cli('SET', 'notify:x', 1) // '') eq 'OK' }
               'it takes them again';
    $redis->cli('DEL', 'notify:x');
    $redis->cli('CONFIG', 'SET', 'save', '');
});

SKIP: {
    skip "no disk of its own for Redis: $no_mounts", 1 if $no_mounts;

    fault("Redis' disk is full" => sub {
        system "dd if=/dev/zero of='$disk/full' bs=64k >/dev/null 2>&1";
        eventually { answered(503) } 'a publish is answered with 503';
        like(scalar $redis->cli('SET', 'x', 1), qr/^MISCONF/,
             'it refuses writes');
        unlink "$disk/full";
    });
}

fault('scripts are flushed' => sub {
    for (1 .. 20) {
        $redis->cli('SCRIPT', 'FLUSH');
        $redis->cli('SCRIPT', 'KILL');
        elapse 0.03;
    }
    is(scalar(grep { $_ != 202 } answers()), 0, 'no publisher sees it');
});

fault('a script is killed' => sub {
    $redis->cli('CONFIG', 'SET', 'busy-reply-threshold', 100);
    my $pid = NotifyTest::spawn(['redis-cli', '-p', $redis->port, 'EVAL',
                                 'while true do end', 0],
                                test_dir() . '/script');
    eventually { answered(503) } 'while it runs a publish is answered with 503';
    is(scalar $redis->cli('SCRIPT', 'KILL'), 'OK', 'it is killed');
    NotifyTest::reap($pid);
    like(slurp(test_dir() . '/script'), qr/killed/, 'in the middle');
});

sub descriptors { return scalar(() = glob "/proc/$worker/fd/*") }
sub memory { return slurp("/proc/$worker/status") =~ /^VmRSS:\s+(\d+)/m
                    ? $1 : 0 }

# after two quiet seconds it connects as quickly as at first
sub kills {
    my ($rounds) = @_;

    for (1 .. $rounds) {
        for (1 .. 5) {
            my $up = connections();
            $redis->cli('CLIENT', 'KILL', 'TYPE', 'normal');
            eventually { connections() > $up } or fail('it connects anew');
        }

        elapse 2.1;
    }
}

my $rounds = $ENV{NOTIFY_TEST_LONG} ? 20 : 3;
fault('connections are cut' => sub { kills(1) });
my ($descriptors, $memory) = (descriptors(), memory());
fault('connections are cut ' . 5 * $rounds . ' times'
      => sub { kills($rounds) });
cmp_ok(descriptors(), '<=', $descriptors + $in_flight,
       'the worker has no more descriptors');

SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $ENV{ASAN_OPTIONS};
    my $grown = memory() - $memory;
    note("it grew by $grown kB");
    cmp_ok($grown, '<=', 1024, 'and has not grown');
}


# --- QUIT, and Redis is not there to be told

sub quit {
    my ($how, $away, $back) = @_;
    my ($held, $lines) = map { scalar @$_ } [$receiver->requests('/hold')],
                             [$nginx->log =~ /left without Redis/g];

    my @ids = $shop->publish(20);
    eventually { $receiver->count('/hold') >= $held + $in_flight }
               "Redis $how: calls are under way";
    $away->();
    my $began = time;
    $nginx->stop;
    my $took = time - $began;
    note(sprintf 'QUIT took %.1f s', $took);
    cmp_ok($took, '<', 10 * ($ENV{NOTIFY_TEST_SLOW} // 1),
           "Redis $how: QUIT ends soon");
    my @left = $nginx->log =~ /(left without Redis, .*)/g;
    is(@left - $lines, 1, "Redis $how: it is said in one line");
    like($left[-1], qr/\b$in_flight calls/, 'with the calls that were cut');

    $back->();

    # as if the leases had run out; a call that took longer than a second may
    # be written down, as one to be made again when its timeout has passed
    $redis->cli('DEL', map { "notify:{shop.0}:$_" } qw(leases workers))
        unless $ENV{NOTIFY_TEST_LONG};
    $nginx->start;
    eventually { my $taken = $ledger->taken('/hold'); !grep { !$taken->{$_} } @ids }
               'the next one sends all that had no answer, what was cut again',
               $ENV{NOTIFY_TEST_LONG} ? 60 : 20;
    eventually { !$shop->lacks('/healthy', @ids) } 'to who answers, too';
}

my $hold = $shop->subscribe('/hold');
quit('is gone', sub { $redis->kill }, sub { $redis->start });

if ($ENV{NOTIFY_TEST_LONG}) {
    my @hold = ('/hold', ({ hold => 1 }) x $in_flight, { status => 200 });

    $receiver->script(@hold);
    quit('stands still', sub { $redis->pause }, sub { $redis->resume });

    $receiver->script(@hold);
    quit('goes when nginx does', sub {
        my $from = length $nginx->log;
        kill QUIT => $nginx->pid;
        eventually { substr($nginx->log, $from) =~ /gracefully shutting/ };
        elapse 0.2;
        $redis->kill;
    }, sub { $redis->start });
}

finish();
