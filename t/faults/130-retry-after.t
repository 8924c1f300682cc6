# Retry-After in every form that receivers have: who asks for a pause in one
# that is defined gets it, anything else is the schedule's.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Ledger;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'retry 300ms until=5m jitter=0%; breaker off;');
my ($redis, $receiver) = ($shop->redis, $shop->receiver);
my $slack = $ENV{NOTIFY_TEST_SLOW} // 1;
my @days = qw(Sunday Monday Tuesday Wednesday Thursday Friday Saturday);
my @months = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);

# RFC 9110, 5.6.7: the three forms of a date
sub imf  { my @t = gmtime $_[0];
           return sprintf '%s, %02d %s %d %s GMT', substr($days[$t[6]], 0, 3),
                          $t[3], $months[$t[4]], $t[5] + 1900,
                          strftime('%T', @t) }
sub rfc850 { my @t = gmtime $_[0];
             return sprintf '%s, %02d-%s-%02d %s GMT', $days[$t[6]], $t[3],
                            $months[$t[4]], $t[5] % 100, strftime('%T', @t) }
sub asctime { my @t = gmtime $_[0];
              return sprintf '%s %s %2d %s %d', substr($days[$t[6]], 0, 3),
                             $months[$t[4]], $t[3], strftime('%T', @t),
                             $t[5] + 1900 }

$shop->ready;
my $soon = int(time) + 4;

# name, status, header, the least and the most seconds of its pause
my @cases = (
    [seconds   => 429, '2',            1.9, 2.5],
    [zeros     => 429, '0002',         1.9, 2.5],
    [spaces    => 503, "  2 \t",       1.9, 2.5],
    [imf       => 429, imf($soon),     1.9, 4.5],
    [rfc850    => 429, rfc850($soon),  1.9, 4.5],
    [asctime   => 503, asctime($soon), 1.9, 4.5],
    [any       => 500, '2',            1.9, 2.5],
    [moved     => 302, '2',            1.9, 2.5],

    [none      => 429, undef],
    [zero      => 429, '0'],
    [past      => 429, imf(time - 3600)],
    [epoch     => 429, 'Thu, 01 Jan 1970 00:00:00 GMT'],
    [minus     => 429, '-1'],
    [plus      => 429, '+60'],
    [float     => 429, '60.5'],
    [exponent  => 429, '6e3'],
    [hex       => 429, '0x60'],
    [unit      => 429, '60s'],
    [iso       => 429, strftime('%Y-%m-%dT%TZ', gmtime time + 60)],
    [zone      => 429, imf(time + 60) =~ s/GMT/CET/r =~ s/ \d+:/ 99:/r],
    [words     => 429, 'tomorrow'],
    [list      => 429, '60, 60'],
    [empty     => 429, ''],
    [blank     => 429, '   '],
    [long      => 429, '6' . ' ' x 5000 . '0'],
    [quoted    => 429, '"60"'],
    [percent   => 429, '%s%n'],
    [month     => 429, 'Sun, 31 Feb 2094 00:00:00 GMT'],
    [success   => 200, '60'],
);
my @long = (
    [day       => 429, 86400 * 10],
    [most      => 429, '18446744073709551616'],
    [digits    => 429, '9' x 60],
    [century   => 429, 'Fri, 31 Dec 2094 23:59:59 GMT'],
    [two       => 429, '7200'],
);
my %id;

for (@cases, @long) {
    my ($name, $status, $value) = @$_;
    $receiver->script("/$name", { raw => "HTTP/1.1 $status X\r\n"
        . "Content-Length: 0\r\nConnection: close\r\n"
        . (defined $value ? "Retry-After: $value\r\n" : '')
        . ($name eq 'two' ? "Retry-After: 1\r\n" : '') . "\r\n" }, {});
    $id{$name} = $shop->subscribe("/$name");
}

my $ledger = NotifyTest::Ledger->new(shop => $shop,
    to => { map { ("/$_->[0]" => $id{ $_->[0] }) }
            grep { $_->[1] != 200 } @cases });
$ledger->mark;
$ledger->add($shop->publish(1));

for (@cases) {
    my ($name, $status, $value, $least, $most) = @$_;
    my $calls = $status == 200 ? 1 : 2;
    my $title = $name . (defined $value ? ' ' . substr($value, 0, 40) : '');
    eventually { $receiver->count("/$name") >= $calls }
               "$title: it goes on";
    my @times = map { $_->{time} } $receiver->requests("/$name");
    next if $calls == 1;

    cmp_ok($times[1] - $times[0], '>=', $least // 0.25, 'not before its time');
    cmp_ok($times[1] - $times[0], '<=', ($most // 1) + $slack,
           'nor long after');
}

my %until;
eventually {
    my %cursor = map { grep { length } $redis->cli('HGETALL', $_) }
                 $redis->cli('--scan', '--pattern', '*:cursor:*');
    for my $name (map { $_->[0] } @long) {
        ($until{$name}) = ($cursor{$id{$name}} // '') =~ / paused (\d+) /;
    }
    !grep { !defined $until{ $_->[0] } } @long;
} 'the long ones are kept' or diag(explain(\%until));

for (@long) {
    my ($name) = @$_;
    my $left = ($until{$name} // 0) / 1000 - time;
    is($receiver->count("/$name"), 1, "$name: called once");
    is($shop->show($id{$name})->{status}, 'paused', 'and paused');
    cmp_ok($left, '<=', 86400, 'for a day at most');
    cmp_ok($left, '>=', $name eq 'two' ? 7100 : 86300,
           'and for what was asked, of two the first');
}

$ledger->holds('pauses that ended', spare => @cases + @long);

finish();
