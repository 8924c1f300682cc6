# sign aws: Signature Version 4 over random requests, and over the paths and
# queries of AWS' own test suite, each signed again by PyPI's botocore.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;
use NotifyTest::Tool;

my $python = NotifyTest::Tool::pip_library('botocore', '1.44.8');
my $dir = NotifyTest::test_dir();

# id and secret of AWS' test suite
my $id = 'AKIDEXAMPLE';
my $secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
my $token = 'AQoDYXdzEPT//////////wEXAMPLEtc764assume/role+token==';

spew("$dir/key", "$id\n$secret\n");
spew("$dir/session", "$id\r\n$secret\r\n$token\r\n");

my %service = (
    local  => ['service', 'us-east-1', undef, 'POST'],
    s3     => ['s3', 'eu-central-1', undef, 'PUT'],
    events => ['execute-api', 'ap-southeast-2', $token, 'POST'],
);

my $shop = NotifyTest::Shop->new(workers => 2,
    sign => "sign aws service=service region=us-east-1 key_file=$dir/key;",
    profile => 'payload raw; in_flight 64;',
    profiles => {
        s3 => "sign aws service=s3 region=eu-central-1 key_file=$dir/key;"
              . ' method PUT; in_flight 64;',
        events => 'sign aws service=execute-api region=ap-southeast-2'
                  . " key_file=$dir/session; header Content-Type"
                  . ' "text/x-$notify_action; a=b"; in_flight 64;',
    });
my $receiver = $shop->receiver;

# what a path, a name or a value may have, encoded as URLs are
srand(my $seed = $ENV{SEED} // time);
diag("SEED=$seed") if $ENV{SEED};

sub piece {
    return join '', map {
        my $c = chr(int rand 256);
        $c =~ /[A-Za-z0-9._~-]/ || rand() < .5
            ? ($c =~ /[A-Za-z0-9._~-]/ ? $c : sprintf '%%%02X', ord $c)
            : chr(97 + int rand 26)
    } 1 .. 1 + int rand 12;
}

sub random_path {
    my $path = join '', map { '/' . piece() } 1 .. 1 + int rand 4;
    my @pairs = map { piece() . (rand() < .9 ? '=' . piece() : '') }
                    1 .. int rand 6;
    return $path . (@pairs ? '?' . join '&', @pairs : '');
}

# the paths and queries of the suite, as far as a URL can have them
my @suite = qw(/ /example/.. /example1/example2/../.. /./ /./example // //foo//
    /example%20space/ /%E1%88%B4 /-._~0123456789abcdefghijklmnopqrstuvwxyz
    /ABCDEFGHIJKLMNOPQRSTUVWXYZ /?Param1=value1 /?Param1=
    /?Param1=value2&Param1=Value1 /?Param2=value2&Param1=value1
    /?Param1=value1&Param2=value1&Param1=value2 /?%E1%88%B4=bar
    /?Param-3=Value3&Param=Value2&%E1%88%B4=Value1);
push @suite, '/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst'
             . 'uvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

my %profile;
my $n = 0;

for my $path (@suite, map { random_path() } 1 .. 31) {
    my $name = (qw(local s3 events))[$n++ % 3];
    my $own = $path . ($path =~ /\?/ ? '&' : '?') . "n=$n";
    $profile{$own} = $name;
    $shop->subscribe($own, profile => $name,
                     headers => { 'X-Amz-Date' => 'now' });
}

for (1 .. 10) {
    my $answer = http(POST => $shop->nginx->url('/shop/events'), json =>
        { eventType => 'order.paid', data => { text => piece(), n => $_ } });
    is($answer->{status}, 202, 'an event is published');
}

eventually { $receiver->requests >= 10 * $n } 'all calls arrive';

my @calls = $receiver->requests;
is(scalar @calls, 500, 'five hundred requests');

my $lines = join '', map {
    my ($service, $region, $session, $method) =
        @{ $service{$profile{$_->{path}}} };
    my ($names) = ($_->{headers}{authorization} // '') =~ /SignedHeaders=(.*?),/;
    my $headers = $_->{headers};
    to_json({ method => $method, url => $receiver->url($_->{path}),
              headers => { map { $_ => $headers->{$_} } split /;/,
                           $names // '' },
              body => $_->{body}, time => $headers->{'x-amz-date'},
              service => $service, region => $region, id => $id,
              secret => $secret, $session ? (token => $session) : () }) . "\n"
} @calls;

spew("$dir/calls", $lines);
my @signed = split /\n/,
    `'$python' '$NotifyTest::TOP/t/clients/aws.py' < '$dir/calls'`;
my @bad = grep { $calls[$_]{headers}{authorization} ne ($signed[$_] // '') }
               0 .. $#calls;
is(scalar @bad, 0, 'botocore signs each of them the same')
    or diag("SEED=$seed", map { "\n$calls[$_]{path}\n"
            . "$calls[$_]{headers}{authorization}\n" . ($signed[$_] // '') }
            @bad[0 .. ($#bad > 2 ? 2 : $#bad)]);

my %by = map { $profile{$_->{path}} => $_->{headers} } @calls;
is($by{events}{'x-amz-security-token'}, $token, 'a session sends its token');
like($by{events}{authorization}, qr/;x-amz-security-token,/, 'signed, too');
ok(!exists $by{local}{'x-amz-security-token'}, 'no other does');
like($by{local}{authorization},
     qr/SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date,/,
     'with the headers that AWS wants');

unlike($shop->nginx->log, qr/\Q$secret\E/, 'the secret is not logged');

finish;
