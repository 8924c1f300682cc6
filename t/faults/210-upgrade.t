# A new binary takes over, and an old one back, under load: USR2, WINCH, QUIT.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

# A master in the foreground takes no USR2: this one is a daemon, and whose
# parent has gone becomes a child of ours.
use constant { PRCTL => 157, PR_SET_CHILD_SUBREAPER => 36 };

plan skip_all => 'only on x86-64 Linux'
    unless $^O eq 'linux' && (POSIX::uname())[4] eq 'x86_64';

is(syscall(PRCTL, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0,
   'orphans are adopted');

# a new binary gets of the environment what the configuration names
my $sanitizers = join '', map { "env $_;\n" }
                 grep { exists $ENV{$_} } qw(ASAN_OPTIONS LSAN_OPTIONS
                                             UBSAN_OPTIONS LD_PRELOAD);

my $shop = NotifyTest::Shop->new(
    start => 0, workers => 2, main => $sanitizers,
    profile => 'in_flight 8; retry 200ms 1s until=5m;',
    profiles => { brief => 'retry 100ms 200ms jitter=0%; breaker off;' },
    scripts => { '/a' => [{ status => 204, delay => 0.005 }],
                 '/broken' => [{ status => 500 }] });
my $nginx = $shop->nginx;
my $file = $nginx->dir . '/nginx.pid';
my %masters;

END { kill TERM => keys %masters }

NotifyTest::spew($nginx->conf,
                 NotifyTest::slurp($nginx->conf) =~ s/daemon off;//r);
is(system($nginx->command), 0, 'nginx starts');
eventually { ($nginx->{pid}) = NotifyTest::slurp($file) =~ /^(\d+)/;
             $nginx->{pid} && $nginx->workers == 2 } 'and has workers';
my $old = $nginx->pid;
$masters{$old} = 1;

my %id = map { $_ => $shop->subscribe($_) } map { "/a?$_" } 1 .. 4;
$id{'/broken'} = $shop->subscribe('/broken', profile => 'brief');
$shop->ready;
my @ids;
my $ledger = NotifyTest::Ledger->new(shop => $shop, to => \%id);
sub publish { push @ids, $shop->publish(20); elapse 0.02 }

# publishes until the condition holds
sub meanwhile (&$) {
    my ($condition, $title) = @_;
    my $end = time + 20 * ($ENV{NOTIFY_TEST_SLOW} // 1);
    my $is;

    until ($is = $condition->()) {
        last if time > $end;
        publish();
    }
    ok($is, $title);
    publish() for 1 .. 10;
}

sub children {
    my ($pid) = @_;
    return map { /^\s*(\d+)/ } grep { /worker process$/ }
           split /\n/, `ps -o pid=,args= --ppid $pid`;
}
sub new_master {
    my ($pid) = NotifyTest::slurp($file) =~ /^(\d+)/;
    return unless $pid && -e "$file.oldbin" && $pid != $old;
    $masters{$pid} = 1;
    return children($pid) == 2 ? $pid : undef;
}
sub gone {
    my ($pid) = @_;
    waitpid $pid, POSIX::WNOHANG();
    return !kill(0, $pid) && delete $masters{$pid};
}

# there and back again

my $new;
publish() for 1 .. 10;
eventually { !$shop->lacks('/a?1', @ids) } 'events flow';
$ledger->mark;
kill USR2 => $old;
meanwhile { $new = new_master() } 'USR2: a new master, with workers';
kill WINCH => $old;
meanwhile { !$nginx->workers } 'WINCH: the old workers go';
kill HUP => $old;
meanwhile { $nginx->workers == 2 } 'HUP: they come back';
kill QUIT => $new;
meanwhile { gone($new) } 'QUIT: the new master goes, the old one stays';
meanwhile { NotifyTest::slurp($file) =~ /^(\d+)/ && $1 == $old }
          'its pid is in its file again';
$ledger->add(@ids);
$ledger->holds('there and back', spare => 64);

# and for good

kill USR2 => $old;
meanwhile { $new = new_master() } 'USR2 again';
kill WINCH => $old;
meanwhile { !$nginx->workers } 'WINCH again';
delete $nginx->{pid};
kill QUIT => $old;
meanwhile { gone($old) } 'QUIT: the old master goes';

eventually { !$shop->lacks("/a?$_", @ids) } "receiver $_ got every event", 30
    or diag($shop->lacks("/a?$_", @ids), ' of ', scalar @ids) for 1 .. 4;
is($shop->again("/a?$_"), 0, "receiver $_ got none twice") for 1 .. 4;
$nginx->{pid} = $new;
$ledger->add(@ids);
$ledger->holds('a new binary', spare => 64);
delete $nginx->{pid};
is($shop->redis->cli('XLEN', 'notify:{shop.0}:log'), @ids + 1,
   'the log has what was acknowledged, and nothing else');

kill QUIT => $new;
eventually { gone($new) } 'the new one goes, too', 30;
$nginx->check_logs;

finish();
