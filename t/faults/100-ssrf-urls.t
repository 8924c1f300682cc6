# What a subscriber's URL may be: form, scheme, port, reserved names and
# literal addresses, on create and on update.  Nothing is called here.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile plain  { }
    notify_profile tls    { schemes https; }
    notify_profile ports  { ports 443 8443; }
    notify_profile lan    { deny 10.6.6.0/24; allow 10.0.0.0/8;
                            allow fd00::/8; deny 8.8.8.8; }
    notify_profile closed { allow 1.1.1.1; deny all; }
    notify_profile open   { allow all; }

    notify_channel shop { profile plain tls ports lan closed open;
                          subscriptions_max 10000;
                          setting place target; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
    }
END

my $url = $nginx->url('/shop/subscriptions');
my $n = 0;

sub create {
    my ($target, $profile) = @_;
    return http(POST => $url, json => {
        url => $target, event => '*', profile => $profile // 'plain' });
}

my $good = create('https://hooks.example.com/');
is($good->{status}, 201, 'a name is taken');
my $kept = "$url/$good->{json}{id}";

sub detail {
    my ($answer) = @_;
    my @errors = @{ $answer->{json}{errors} // [] };
    return @errors == 1 && $errors[0]{pointer} eq '/url'
           ? $errors[0]{detail} : "not about /url: $answer->{content}";
}

sub shown { my $text = substr $_[0], 0, 60;
            return $text =~ s/([^\x21-\x7e])/sprintf '\\x%02x', ord $1/ger }

# refused('http://a/', qr/why/, profile): on create, and on update, which
# leaves what was there
sub refused {
    my ($target, $why, $profile) = @_;
    my $title = shown($target) . (defined $profile ? " in $profile" : '');

    my $answer = create($target, $profile);
    is($answer->{status}, 422, "$title is refused");
    like(detail($answer), $why, 'with the reason');

    $answer = http(PATCH => $kept, json => {
        url => $target, defined $profile ? (profile => $profile) : () });
    is($answer->{status}, 422, 'as an update, too');
    like(detail($answer), $why, 'with the same');
    $n++;
}

sub taken {
    my ($target, $profile) = @_;
    my $title = shown($target) . (defined $profile ? " in $profile" : '');
    my $answer = create($target, $profile);

    is($answer->{status}, 201, "$title is taken") or diag($answer->{content});
    is($answer->{json}{url}, $target, 'as it is');
    http(DELETE => "$url/$answer->{json}{id}") if $answer->{json}{id};
}

sub in_range { return qr/\Qin $_[0], not allowed ("allow" in the profile)\E/ }


# every range, its first and its last address, and what lies beside it

my @ranges = (
    # range, inside, outside
    ['0.0.0.0/8', '0.0.0.0 0.255.255.255', '1.0.0.0'],
    ['10.0.0.0/8', '10.0.0.0 10.255.255.255', '9.255.255.255 11.0.0.0'],
    ['100.64.0.0/10', '100.64.0.0 100.100.100.200 100.127.255.255',
        '100.63.255.255 100.128.0.0'],
    ['127.0.0.0/8', '127.0.0.0 127.0.0.1 127.255.255.255',
        '126.255.255.255 128.0.0.0'],
    ['169.254.0.0/16', '169.254.0.0 169.254.169.254 169.254.255.255',
        '169.253.255.255 169.255.0.0'],
    ['172.16.0.0/12', '172.16.0.0 172.31.255.255',
        '172.15.255.255 172.32.0.0'],
    ['192.0.0.0/24', '192.0.0.0 192.0.0.192 192.0.0.255', '192.0.1.0'],
    ['192.0.2.0/24', '192.0.2.0 192.0.2.255', '192.0.3.0'],
    ['192.88.99.0/24', '192.88.99.0 192.88.99.255',
        '192.88.98.255 192.88.100.0'],
    ['192.168.0.0/16', '192.168.0.0 192.168.255.255',
        '192.167.255.255 192.169.0.0'],
    ['198.18.0.0/15', '198.18.0.0 198.19.255.255',
        '198.17.255.255 198.20.0.0'],
    ['198.51.100.0/24', '198.51.100.0 198.51.100.255',
        '198.51.99.255 198.51.101.0'],
    ['203.0.113.0/24', '203.0.113.0 203.0.113.255',
        '203.0.112.255 203.0.114.0'],
    ['224.0.0.0/4', '224.0.0.0 239.255.255.255', '223.255.255.255'],
    ['240.0.0.0/4', '240.0.0.0 255.255.255.254 255.255.255.255', ''],
    ['168.63.129.16', '168.63.129.16', '168.63.129.15 168.63.129.17'],

    ['::', '[::] [0:0:0:0:0:0:0:0]', ''],
    ['::1', '[::1] [0000::0001] [0:0:0:0:0:0:0:1]', ''],
    ['::/96', '[::2] [::10.0.0.1] [::ffff:ffff]', '[::1:0:0]'],
    ['::ffff:0:0:0/96', '[::ffff:0:0:0] [::ffff:0:10.0.0.1]', ''],
    ['64:ff9b::/96', '[64:ff9b::] [64:ff9b::7f00:1] [64:FF9B::10.0.0.1]',
        '[64:ff9a::1]'],
    ['64:ff9b:1::/48', '[64:ff9b:1::] [64:ff9b:1:ffff:ffff::1]',
        '[64:ff9b:2::]'],
    ['100::/64', '[100::] [100::ffff:ffff:ffff:ffff]', '[100:0:0:2::]'],
    ['100:0:0:1::/64', '[100:0:0:1::] [100:0:0:1:ffff::1]', '[101::]'],
    ['2001::/32', '[2001::] [2001:0:ffff::1]', ''],
    ['2001::/23', '[2001:1::] [2001:1::4] [2001:2::1] [2001:4:111::1] '
        . '[2001:4:113::1] [2001:5::1] [2001:10::1] [2001:1f:ffff::1] '
        . '[2001:40::1] [2001:1ff:ffff::1]',
        '[2001:200::] [2001:1::1] [2001:1::2] [2001:1::3] [2001:3::1] '
        . '[2001:4:112::1] [2001:20::1] [2001:2f:ffff::1] [2001:3f:ffff::1]'],
    ['2001:db8::/32', '[2001:db8::] [2001:db8:ffff:ffff::1]', '[2001:db9::]'],
    ['2002::/16', '[2002::] [2002:7f00:1::] [2002:ffff::]', '[2003::]'],
    ['3ffe::/16', '[3ffe::] [3ffe:ffff::1]', '[3ffd:ffff::1]'],
    ['3fff::/20', '[3fff::] [3fff:fff:ffff::1]', '[3fff:1000::]'],
    ['5f00::/16', '[5f00::] [5f00:ffff::1]', '[5f01::] [5eff::]'],
    ['fc00::/7', '[fc00::] [fd00:ec2::254] [fdff:ffff::1]', '[fbff::]'],
    ['fe80::/10', '[fe80::1] [febf:ffff::1]', ''],
    ['fec0::/10', '[fec0::] [feff:ffff::1]', ''],
    ['ff00::/8', '[ff00::] [ff02::1] [ffff:ffff::1]', ''],
);

for (@ranges) {
    my ($range, $inside, $outside) = @$_;

    for my $address (split ' ', $inside) {
        refused("http://$address/", in_range($range));

        # unwrapped from what IPv6 puts around it
        refused("http://[::ffff:$address]/", in_range($range))
            if $address !~ /:|^255.255.255.255$/;
    }
    taken("https://$_/") for split ' ', $outside;
}

refused('http://[::ffff:7f00:1]/', in_range('127.0.0.0/8'));
refused('http://[0:0:0:0:0:FFFF:169.254.169.254]/',
        in_range('169.254.0.0/16'));
# ISATAP, with and without the universal bit
for my $prefix (qw(2606:4700:: 2606:4700::200:)) {
    refused("http://[${prefix}5efe:$_->[0]]/", in_range($_->[1]))
        for ['10.0.0.1', '10.0.0.0/8'], ['a9fe:a9fe', '169.254.0.0/16'];
    refused("http://[${prefix}5efe:8.8.8.8]/", in_range('8.8.8.8'), 'lan');
    taken("http://[${prefix}5efe:$_]/") for qw(8.8.8.8 808:808);
    taken("http://[${prefix}5efe:10.0.0.1]/", 'lan');
}
taken('http://[2606:4700::5eff:10.0.0.1]/');
taken('http://[2606:4700::100:5efe:10.0.0.1]/');
refused('https://127.0.0.1:8443/', in_range('127.0.0.0/8'));
refused('http://10.0.0.1?x', in_range('10.0.0.0/8'));
taken('http://[::ffff:8.8.8.8]/');
taken('https://[2606:4700::1111]:8443/a?b=c');
taken('HTTPS://Hooks.Example.COM:443/A%20b?c=%0d%0a');
taken('http://hooks.example.com./');
taken('http://hooks.example.com?x=http://10.0.0.1/');
taken('http://hooks.example.com/@10.0.0.1:80/');


# what is no canonical address, and would be taken for one elsewhere

my $canonical = qr/not an address in canonical form/;

refused("http://$_/", $canonical) for qw(
    0177.0.0.1 0x7f.0.0.1 0x7f.1 0x7f000001 0X7F000001 2130706433 127.1
    127.0.1 017700000001 127.0.0.01 127.0.0.1. 127.0.0.256 256.256.256.256
    1.2.3.4.5 0 0x 0x0 00000000.1 4294967295 99999999999999999999
    10.0.0.1.0x1 hooks.example.1 hooks.example.0xA 8.8.8.08 1.2.3);
refused("http://$_/", qr/empty label/)
    for qw(127...1 . .. ... 127.0.0.1.. a..b .a.b a.b.. .127.0.0.1);
refused("http://$_/", qr/not a valid IPv6 address/) for qw(
    [] [:] [:::] [1] [127.0.0.1] [::1::] [::ffff:0177.0.0.1]
    [::ffff:127.1] [::ffff:0x7f.1] [::ffff:127.0.0.1.] [:1:2:3:4:5:6:7:8]
    [1:2:3:4:5:6:7] [1:2:3:4:5:6:7:8:9] [::12345] [g::] [::1:] [1:2:3:4:5:6:7:]
    [v1.fe80::a] [localhost]);
refused('http://[fe80::1%eth0]/', qr/"%"/);
refused('http://[fe80::1%25eth0]/', qr/"%"/);
refused('http://[::1/', qr/no closing/);
refused('http://[::1]x/', qr/malformed/);
refused('http://[2606:4700::1111].example.com/', qr/malformed/);
refused('http://::1/', qr/port|no host/);


# names

refused("http://$_/", qr/reserved name/) for qw(
    localhost LOCALHOST localhost. a.localhost a.b.LocalHost. internal
    metadata.google.internal METADATA.GOOGLE.INTERNAL. instance-data.internal);
taken("http://$_/") for qw(notlocalhost.example localhost.example.com
                           internal.example.com myinternal);
refused('http://' . ('a' x 64) . '.com/', qr/longer than 63/);
refused('http://' . join('.', ('a' x 50) x 6) . '/', qr/too long/);
refused('http://' . ('a' x 2048), qr/longer than 2048 bytes/);


# other tricks

refused("http://$_", qr/user information/) for (
    'a@10.0.0.1/', '@a.com/', 'a:b@a.com/', 'a.com:80@10.0.0.1/',
    'a.com@', 'a@b@c.com/', '10.0.0.1@a.com/');
refused($_, qr/backslash/) for (
    'http://a.com\\@10.0.0.1/', 'http:\\\\10.0.0.1\\', 'http://a.com\\.b.com/');
refused("http://$_/", qr/"%"/) for (
    '127.0.0.%31', '%31%32%37.0.0.1', 'a.com%00.b.com', 'a%2fb.com',
    'localhos%74', '%6c%6f%63%61%6c%68%6f%73%74');
refused("http://$_/", qr/not ASCII/) for (
    "\x{2460}\x{2461}\x{2466}.0.0.1", "127\x{3002}0\x{3002}0\x{3002}1",
    "\x{ff11}\x{ff12}\x{ff17}.0.0.1", "loc\x{e1}lhost.com",
    "\x{24db}\x{24de}calhost", "a.com\x{ff0f}.b.com", "a\x{200b}.com",
    "a.com\x{ff20}10.0.0.1", "\x{430}.com");
refused("http://a.com/$_", qr/control character/) for (
    "\r\nX: y", "\n", "\t", "\0", "\x7f", "x\r");
refused("http://a$_.com/", qr/control character/) for (
    "\r\n", "\n", "\t", "\0", "\x1b");
refused($_, qr/a space/) for ('http://a.com/ HTTP/1.1', 'http://a b.com/',
                              ' http://a.com/', 'http://a.com/ ');
refused($_, qr/fragment/) for ('http://a.com/#x', 'http://a.com#@10.0.0.1/');
refused($_, qr/does not begin with|empty/) for (
    'ftp://a.com/', 'file:///etc/passwd', 'gopher://a.com:6379/_x',
    'unix:/run/redis.sock', 'http:a.com', 'http:/a.com', '//a.com/', '/x',
    'a.com', 'javascript:x', 'data:,x', 'dict://a.com:6379/', 'httpx://a.com',
    'http', 'ws://a.com/', 'http://'  =~ s/:.*//r);
refused($_, qr/no host/) for ('http://', 'http:///x', 'http://:80/',
                              'https://?x', 'http:////10.0.0.1/');
refused("http://$_/", qr/character that no name has/) for (
    'a;b.com', 'a,b.com', "a'b.com", 'a"b.com', 'a|b.com', 'a$b.com',
    'a&b.com', 'a=b.com', '<a>.com', '{a}.com', 'a~b.com', 'a*.com',
    'a.com]');
refused('', qr/./);


# ports

my $number = qr/port of the URL is not a number between 1 and 65535/;

refused("http://a.com:$_/", $number)
    for qw(0 00 65536 99999 080 +80 -1 8e1 0x50 80x 80:80
           18446744073709551696 4294967376);
refused('http://a.com:/', qr/port of the URL is empty/);
refused('http://[2606:4700::1111]:/', qr/port of the URL is empty/);
refused("http://a.com:$_/", qr/\Qport $_ is not allowed ("ports" in\E/)
    for qw(1 21 22 23 25 53 79 81 110 111 135 139 143 389 442 444 445 465 514
           587 631 636 873 993 1023);
taken("http://a.com:$_/") for qw(80 443 1024 8080 65535);
taken('https://a.com:8443/', 'ports');
taken('https://a.com/', 'ports');
refused($_, qr/"ports" in the profile/, 'ports')
    for qw(http://a.com/ https://a.com:8444/ https://a.com:80/);


# what profiles allow and deny

refused('http://a.com/', qr/"schemes" in the profile/, 'tls');
taken('https://a.com/', 'tls');
taken("http://$_/", 'lan') for qw(10.0.0.1 10.6.5.255 [fd00::1] 8.8.4.4
                                  [::ffff:10.0.0.1]);
refused("http://$_/", qr/10\.6\.6\.0\/24.*"allow" in the profile/, 'lan')
    for qw(10.6.6.0 10.6.6.255 [::ffff:10.6.6.1]);
refused("http://$_/", qr/"allow" in the profile/, 'lan')
    for qw(8.8.8.8 192.168.0.1 127.0.0.1 [fc00::1] [::1]);
taken('http://1.1.1.1/', 'closed');
refused("http://$_/", qr/deny all/, 'closed')
    for qw(1.1.1.2 8.8.8.8 [2606:4700::1111]);
taken("http://$_/", 'open') for qw(127.0.0.1 10.0.0.1 [::1] 0.0.0.0);
refused("http://$_/", $canonical, 'open') for qw(127.1 0x7f000001);
refused('http://localhost/', qr/reserved name/, 'open');


# none of it has changed what was there, nor got past another way in

is(http(GET => $kept)->{json}{url}, 'https://hooks.example.com/',
   'after all of this the subscription is as it was');
is(http(PUT => $kept, json => { url => 'http://10.0.0.1/', event => '*' })
   ->{status}, 422, 'PUT looks, too');
is(http(POST => $url, json => { callbackUrl => 'http://10.0.0.1/',
                                event => '*' })->{status}, 422,
   'so does the other name of the member');

my $lan = create('http://10.0.0.1/', 'lan')->{json}{id};
my $moved = http(PATCH => "$url/$lan", json => { profile => 'plain' });
is($moved->{status}, 422, 'a profile that does not allow the URL is refused');
like(detail($moved) . $moved->{content}, qr/"allow/, 'with the directive');

is(http(PUT => $nginx->url('/shop/settings'),
        json => { place => $_ })->{status}, 422, "a target of $_ is refused")
    for qw(http://10.0.0.1/ http://localhost/ http://0x7f.1/ file:///x);
cmp_ok($n, '>', 250, "$n URLs were refused");

finish();
