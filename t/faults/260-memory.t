# No memory for a subscriber while a worker gets it ready: it is tried again,
# by itself.  A library in front of libc's refuses blocks of some sizes.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

plan skip_all => 'a sanitizer has a malloc of its own'
    if $ENV{ASAN_OPTIONS};

my $library = NotifyTest::test_dir() . '/memory.so';
my $control = NotifyTest::test_dir() . '/memory';

# refuses multiples of $unit in a range, and counts from 0
sub refuse {
    my ($unit, $from, $to) = @_;
    open my $file, '+<', $control or die "$control: $!";
    syswrite $file, pack('q4', $unit, $from // 0, $to // 0, 0);
    close $file;
}

sub refused { return (unpack 'q4', NotifyTest::slurp($control))[3] }

NotifyTest::spew($control, pack 'q4', (0) x 4);
NotifyTest::spew("$library.c", <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    volatile long long  unit, from, to, refused;
} *control;

static void *(*real)(size_t);

__attribute__((constructor)) static void start(void)
{
    void  *p;
    int    fd = open(CONTROL, O_RDWR);

    real = dlsym(RTLD_NEXT, "malloc");

    if (fd != -1) {
        p = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        control = p == MAP_FAILED ? NULL : p;
    }
}

void *malloc(size_t size)
{
    if (real == NULL) {
        real = dlsym(RTLD_NEXT, "malloc");
    }

    if (control && control->unit && size >= (size_t) control->from
        && size <= (size_t) control->to && size % control->unit == 0)
    {
        control->refused++;
        errno = ENOMEM;
        return NULL;
    }

    return real(size);
}
END

my $cc = (grep { system("$_ --version > /dev/null 2>&1") == 0 }
          $ENV{CC} || 'cc', 'gcc')[0]
    or plan skip_all => 'no compiler';
is(system("$cc -shared -fPIC -O1 -DCONTROL='\"$control\"' -o $library"
          . " $library.c -ldl"), 0, 'the library compiles')
    or BAIL_OUT('no library');

my $shop = NotifyTest::Shop->new(
    start => 0, workers => 1, profile => 'retry 200ms until=1h; breaker off;',
    allow => qr/malloc\(\d+\) failed/);
my $nginx = $shop->nginx;

$ENV{LD_PRELOAD} = $library;
$nginx->start;
delete $ENV{LD_PRELOAD};

# 97 links of one block; a head of a request that no pool of 1 KB has room for
my $many = $shop->subscribe('/many', event => undef,
                            events => [ map { "many.$_" } 1 .. 97 ]);
my $query = 'x' x 1583;
my $path = "/long?$query";
my $long = $shop->subscribe($path, event => 'long');
my $other = $shop->subscribe('/other', event => 'other');
$shop->ready;

sub sent {
    my ($path, $type) = @_;
    return [ $path, $shop->publish(1, eventType => $type) ];
}
sub come {
    return !grep { my ($path, @ids) = @$_; $shop->lacks($path, @ids) } @_;
}

my @first = (sent('/many', 'many.7'), sent($path, 'long'),
             sent('/other', 'other'));
eventually { come(@first) } 'all are called';

# with room for a slash that this URL has already
my $head = length("POST //long?$query HTTP/1.1\r\nHost: \r\nConnection: close"
                  . "\r\nContent-Length: " . $shop->receiver->url(''))
           - length 'http://';

for my $case (['the index, a reload', '/many', 'many.3', 97 * 8, 3000, 12000,
               sub { $nginx->reload }],
              ['the target, a change', $path, 'long', 1, $head, $head,
               sub { $shop->change($long, metadata => { n => '1' }) }])
{
    my ($title, $to, $type, $unit, $from, $last, $cause) = @$case;

    refuse($unit, $from, $last);
    $cause->();
    eventually { refused() >= 2 } "$title: it is tried again"
        or diag(refused());
    my @sent = sent($to, $type);
    ok(!come(@sent), "$title: an event waits");
    refuse(0);
    eventually { come(@sent) } "$title: and comes, with memory";
    my @more = (sent($to, $type), sent('/other', 'other'));
    eventually { come(@more) } "$title: so do those behind it";
}

like($nginx->log, qr/no memory for subscription "\Q$_\E"/,
     'the log says of whom') for $many, $long;
for my $id ($many, $long) {
    eventually { !@{ $shop->ask(GET => "deltas?missed=true&subscription=$id")
                          ->{json}{data} } } 'nothing is missed';
}

finish();
