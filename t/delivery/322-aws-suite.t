# sign aws by AWS' own test suite: what it publishes judges a signer, byte for
# byte, and that signs what we have sent to its paths and queries.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use Encode qw(encode);
use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $id = 'AKIDEXAMPLE';
my $secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

# parts of a text of bytes, as they stand in a canonical request

sub encoded {
    my ($text) = @_;
    return $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
}

sub path {
    my @kept;
    for my $segment (split m{/}, $_[0]) {
        next if $segment eq '' || $segment eq '.';
        $segment eq '..' ? pop @kept : push @kept, $segment;
    }
    my $end = @kept && $_[0] =~ m{/\.{0,2}\z} ? '/' : '';
    return '/' . join('/', map { encoded($_) } @kept) . $end;
}

sub query {
    my @pairs = map { [map { encoded(s/%([0-9A-Fa-f]{2})/chr hex $1/ger) }
                           (split(/=/, $_, 2), '', '')[0, 1]] }
                split /&/, $_[0];
    return join '&', map { "$_->[0]=$_->[1]" }
           sort { $a->[0] cmp $b->[0] || $a->[1] cmp $b->[1] } @pairs;
}

# method, URI as it is sent, [name, value] of headers, hash of the body
sub canonical {
    my ($method, $uri, $headers, $hash) = @_;
    my ($path, $query) = (split(/\?/, $uri, 2), '')[0, 1];

    my %values;
    for (@$headers) {
        my ($name, $value) = (lc $_->[0], $_->[1]);
        push @{ $values{$name} }, $value =~ s/^\s+|\s+\z//gr =~ s/\s+/ /gr;
    }
    my @names = sort keys %values;

    return join("\n", $method, path($path), query($query),
                (map { "$_:" . join ',', @{ $values{$_} } } @names), '',
                join(';', @names), $hash), join(';', @names);
}

sub to_sign {
    my ($canonical, $time) = @_;
    my $day = substr $time, 0, 8;
    return join "\n", 'AWS4-HMAC-SHA256', $time,
           "$day/us-east-1/service/aws4_request", sha256_hex($canonical);
}

sub signature {
    my ($to_sign) = @_;
    my ($day) = $to_sign =~ /^(\d{8})\//m;
    my $key = "AWS4$secret";
    $key = hmac_sha256($_, $key) for $day, qw(us-east-1 service aws4_request);
    return hmac_sha256_hex($to_sign, $key);
}


# the signer, by the suite

my @suite = map { from_json($_) } grep { /^\[/ }
    split /\n/, slurp("$NotifyTest::TOP/t/judges/aws-sig-v4-test-suite.txt");
cmp_ok(scalar @suite, '>=', 30, 'the suite');

for (@suite) {
    my ($name, $request, $more, $creq, $sts, $sign) =
        map { ref ? $_ : encode('UTF-8', $_) } @$_;
    my ($head, $body) = (split(/\n\n/, $request, 2), '')[0, 1];
    my ($line, @lines) = split /\n(?![ \t])/, $head;
    my ($method, $uri) = $line =~ m{^(\S+) (.*) HTTP/1\.1$};
    my @headers = ((map { [split /:/, $_, 2] } @lines),
                   ['X-Amz-Date', '20150830T123600Z'],
                   $more->{sign_body}
                   ? ['x-amz-content-sha256', sha256_hex($body)] : (),
                   $more->{token} ? ['X-Amz-Security-Token', $more->{token}]
                                  : ());

    my ($text) = canonical($method, $uri, \@headers, sha256_hex($body));
    is($text, $creq, "$name: its canonical request");
    is(to_sign($text, '20150830T123600Z'), $sts, "$name: its text to sign");
    is(signature($sts), $sign, "$name: its signature");
}


# what we send to such paths and queries

my $dir = NotifyTest::test_dir();
spew("$dir/key", "$id\n$secret\n");
my $shop = NotifyTest::Shop->new(
    sign => "sign aws service=service region=us-east-1 key_file=$dir/key;");

my %uri;
for (@suite) {
    my ($uri) = encode('UTF-8', $_->[1]) =~ m{^\S+ (.*) HTTP/1\.1};
    $uri =~ s/([^!-~])/sprintf '%%%02X', ord $1/ge;
    $uri{$uri} = $_->[0];
}

$shop->subscribe($_, headers => { 'Content-Type' => "text/x; a=b" })
    for sort keys %uri;
my ($event) = $shop->publish(1);
my $receiver = $shop->receiver;
eventually { $receiver->requests >= keys %uri } 'all calls arrive';

for my $call ($receiver->requests) {
    my $headers = $call->{headers};
    my ($names) = $headers->{authorization} =~ /SignedHeaders=(.*?),/;
    my ($text, $signed) = canonical($call->{method}, $call->{path},
        [map { [$_, $headers->{$_}] } split /;/, $names],
        sha256_hex($call->{body}));
    my $sts = to_sign($text, $headers->{'x-amz-date'});
    my ($scope) = $sts =~ m{^(\d{8}/\S+)}m;

    is($headers->{authorization}, "AWS4-HMAC-SHA256 Credential=$id/$scope, "
       . "SignedHeaders=$signed, Signature=" . signature($sts),
       "$call->{path}: is signed the same");
    delete $uri{$call->{path}};
}
is_deeply([keys %uri], [], 'each of them');

finish;
