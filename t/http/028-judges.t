# What others test readers of JSON and JSON Schema with, over HTTP: the texts of
# JSONTestSuite as captured bodies and as data of published events, the cases of
# the JSON Schema Test Suite as the schemas of events.

use strict;
use warnings;

use MIME::Base64;
use Test::More;
use NotifyTest;

my $dir = NotifyTest::test_dir();

sub lines {
    my ($name) = @_;
    my @lines = grep { /\S/ && !/^#/ }
                split /\n/, NotifyTest::slurp("t/judges/$name.txt");
    die "t/judges/$name.txt is not there\n" unless @lines;
    return @lines;
}

# refused by nginx -t: an enum without values, a property's name that PCRE does
# not have
my @cases = grep { $_->[2] !~ /^\{"enum":\[\]\}$|\\p\{Letter\}/ }
            map { from_json($_) } lines('JSON-Schema-Test-Suite');
for my $n (0 .. $#cases) {
    NotifyTest::spew("$dir/$n.json", $cases[$n][2]);
}
my $events = join '', map { "event case.n$_ schema=$dir/$_.json;\n" }
                      0 .. $#cases;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<"END");
    notify_body_size 4m;
    notify_channel shop   { event text.sent; }
    notify_channel schema { $events }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 4m;
        location /shop/   { notify_api shop; }
        location /schema/ { notify_api schema; }
        location /app {
            proxy_pass http://127.0.0.1:%%PORT%%/silent;
            notify_emit shop text.sent data=request id=\$arg_id commit;
        }
        location /silent { return 204; }
    }
END
eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 };


# JSONTestSuite: y is JSON, n is not, i is what RFC 8259 leaves to the reader

my %text = map { my ($name, $bytes) = split / /;
                 ($name => decode_base64($bytes // '')) }
           lines('JSONTestSuite');
$text{n_structure_100000_opening_arrays} = '[' x 100_000;
$text{n_structure_open_array_object} = '[{"":' x 50_000 . "\n";

# numbers of any size, halves of surrogate pairs and 500 levels are taken; what
# is not UTF-8, or begins with a byte order mark, is not
my %taken = map { ("i_$_" => 1) } qw(
    number_double_huge_neg_exp number_huge_exp number_neg_int_huge_exp
    number_pos_double_huge_exp number_real_neg_overflow
    number_real_pos_overflow number_real_underflow number_too_big_neg_int
    number_too_big_pos_int number_very_big_negative_int
    object_key_lone_2nd_surrogate string_1st_surrogate_but_2nd_missing
    string_1st_valid_surrogate_2nd_invalid
    string_incomplete_surrogate_and_escape_valid
    string_incomplete_surrogate_pair string_incomplete_surrogates_escape_valid
    string_invalid_lonely_surrogate string_invalid_surrogate
    string_inverted_surrogates_U+1D11E string_lone_second_surrogate
    structure_500_nested_arrays);

# grammatical, and ambiguous all the same: captured, but not to be published
my %twice = map { ("y_$_" => 1) } qw(
    object_duplicated_key object_duplicated_key_and_value);

sub logged {
    my ($id, $data) = @_;
    my $answer = http(GET => $nginx->url("/shop/events/$id"));
    return index($answer->{content}, qq("data":$data,)) >= 0;
}

my (@captured, @published);
for my $name (sort keys %text) {
    my $wanted = $name =~ /^y_/ || $taken{$name};
    my $data = $text{$name} =~ s/^[ \t\r\n]+|[ \t\r\n]+$//gr;

    http(POST => $nginx->url("/app?id=$name"), body => $text{$name});
    push @captured, $name unless logged($name, $wanted ? $data : 'null');

    my $status = http(POST => $nginx->url('/shop/events'),
        body => qq({"eventType":"text.sent","data":$text{$name}}),
        headers => { 'Content-Type' => 'application/json' })->{status};
    push @published, "$name: $status"
        if $status != ($wanted && !$twice{$name} ? 202 : 400);
}
cmp_ok(scalar keys %text, '>', 300, 'there are texts');
is("@captured", '', 'each is captured as data, or is no data');
is("@published", '', 'each is published as data, or refused');


# the JSON Schema Test Suite

my @wrong;
my $tests = 0;
for my $n (0 .. $#cases) {
    my ($keyword, $title, undef, $list) = @{ $cases[$n] };

    for (@$list) {
        my ($what, $data, $valid) = @$_;
        my $status = http(POST => $nginx->url('/schema/events'),
            body => qq({"eventType":"case.n$n","data":$data}),
            headers => { 'Content-Type' => 'application/json' })->{status};
        push @wrong, "$keyword: $title: $what: $status"
            if $status != ($valid ? 202 : 422);
        $tests++;
    }
}
cmp_ok($tests, '>', 400, 'there are tests of schemas');
is(join("\n", @wrong), '', 'each has the verdict that it is to have');

finish();
