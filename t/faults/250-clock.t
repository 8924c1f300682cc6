# The clock of the machine that nginx runs on jumps, forwards and back, while
# Redis' does not: a library in front of libc's says what time it is.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

plan skip_all => 'a sanitizer wants to be the first library'
    if $ENV{ASAN_OPTIONS};

my $library = NotifyTest::test_dir() . '/clock.so';
my $offset = NotifyTest::test_dir() . '/offset';

sub jump { NotifyTest::spew("$offset.new", pack 'q', $_[0]);
           rename "$offset.new", $offset or die $! }
jump(0);

NotifyTest::spew("$library.c", <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long offset(void)
{
    long long  n = 0;
    int        fd = open(OFFSET, O_RDONLY);

    if (fd != -1) {
        if (read(fd, &n, sizeof(n)) != sizeof(n)) {
            n = 0;
        }
        close(fd);
    }
    return n;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    static int  (*real)(clockid_t, struct timespec *);
    int          rc;

    if (real == NULL) {
        real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    rc = real(id, ts);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) {
        ts->tv_sec += offset();
    }
    return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    struct timespec  ts;

    (void) tz;
    clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *t)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    if (t) {
        *t = ts.tv_sec;
    }
    return ts.tv_sec;
}
END

my $cc = (grep { system("$_ --version > /dev/null 2>&1") == 0 }
          $ENV{CC} || 'cc', 'gcc')[0]
    or plan skip_all => 'no compiler';
is(system("$cc -shared -fPIC -O1 -DOFFSET='\"$offset\"' -o $library $library.c"
          . ' -ldl'), 0, 'the library compiles') or BAIL_OUT('no library');

my $shop = NotifyTest::Shop->new(
    start => 0, profile => 'in_flight 4; breaker off; '
                         . 'retry 300ms 500ms 500ms until=2d;',
    profiles => { brief => 'retry 100ms 200ms jitter=0%; breaker off;' },
    scripts => { '/ok' => [{ status => 204 }],
                 '/broken' => [{ status => 500 }] });
my $nginx = $shop->nginx;

$ENV{LD_PRELOAD} = $library;
$nginx->start;
delete $ENV{LD_PRELOAD};

$shop->receiver->cycle('/half', { status => 500 }, { status => 204 });
my %id = map { $_ => $shop->subscribe($_) } '/ok', '/half';
$id{'/broken'} = $shop->subscribe('/broken', profile => 'brief');
$shop->ready;
my $ledger = NotifyTest::Ledger->new(shop => $shop, to => \%id);

sub date { return http(GET => $nginx->url('/shop/health'))->{headers}{date} }
sub missed {
    my ($path) = @_;
    my $page = $shop->ask(GET => "deltas?missed=true&subscription=$id{$path}")
                    ->{json} or return 'no answer';
    return scalar @{ $page->{data} };
}

my @ids;
for my $jump ([0, 'the clock is right'], [3600, 'an hour forwards'],
              [0, 'and back'], [-7200, 'two hours backwards'],
              [86400, 'a day forwards'])
{
    my ($seconds, $title) = @$jump;
    $ledger->mark if $seconds;
    my $was = date();

    # in the middle of a schedule
    push @ids, $shop->publish(5);
    jump($seconds);
    eventually { date() ne $was } "$title: nginx knows";
    push @ids, $shop->publish(5);

    for my $path ('/ok', '/half') {
        eventually { !$shop->lacks($path, @ids) } "$title: $path is called";
    }
    eventually { missed('/ok') eq '0' } "$title: /ok has missed nothing";
    is($shop->again('/ok'), 0, "$title: nothing comes twice");

    eventually { missed('/half') eq '0' }
               "$title: what failed before it and after it is called again";
}

is($shop->redis->cli('XLEN', 'notify:{shop.0}:log'), @ids + 1,
   'the log has all of it, with the time of Redis');
my @times = map { /^(\d+)-/ } grep { /^\d{13}-\d+$/ }
            $shop->redis->cli('--raw', 'XRANGE', 'notify:{shop.0}:log', '-', '+');
cmp_ok(abs($times[-1] / 1000 - time), '<', 60, 'which did not jump');

$ledger->add(@ids);
$ledger->holds('the clock jumped');

finish();
