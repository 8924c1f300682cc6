# The reference against the module, in both directions: variables, metrics,
# counters, log lines, error codes, what openapi.json describes; and no link of
# the documents leads nowhere.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Page;

my $directives = NotifyTest::Page->new('src/DIRECTIVES.md');
my $api = NotifyTest::Page->new('src/API.md');
my $readme = NotifyTest::Page->new('README.md');
my $sources = join '', map { slurp($_) } glob "$NotifyTest::TOP/src/*/*.c";

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_channel shop { }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location = /metrics { notify_metrics; }
}
END

sub same {
    my ($title, $got, $expected) = @_;
    my (%got, %expected);
    @got{@$got} = ();
    @expected{@$expected} = ();
    my @lacks = grep { !exists $got{$_} } sort keys %expected;
    my @more = grep { !exists $expected{$_} } sort keys %got;
    ok(%expected && !@lacks && !@more, $title)
        or diag('not in the reference: ' . join(', ', @lacks),
                "\nin the reference only: " . join(', ', @more));
}

sub first_names { return map { NotifyTest::Page::names($_->[0]) } @_ }


# variables

my ($table) = $sources =~ /variable_def_t\s+ngx_http_notify_variables\[\]\s=\s\{
                           (.*?)^\};/msx;
my @variables = map { '$notify_' . (/_$/ ? "${_}NAME" : $_) }
                $table =~ /\{ ngx_string\("(\w+)"\)/g;
push @variables, map { "\$$_" . (/_$/ ? 'NAME' : '') }
    $sources =~ /ngx_string\("(notify_(?:sync|payload|body|jwt)_\w*)"\)/g;
same('each variable is documented, and no other is',
     [first_names($directives->rows('variable'))],
     [grep { !/body_size/ } @variables]);


# metrics and counters, as a running nginx has them

my $metrics = http(GET => $nginx->url('/metrics'))->{content};
my %type = $metrics =~ /^# TYPE (\w+) (\w+)$/mg;
same('each metric is documented, and no other is',
     [first_names($directives->rows('metric'))], [keys %type]);

for my $row ($directives->rows('metric')) {
    my ($metric) = NotifyTest::Page::names($row->[0]);
    my @labels = map { /(?:outcome|class)="(\w+)"/g }
                     $metrics =~ /^(\Q$metric\E\{.*\})/mg;
    next unless @labels;

    my ($said) = $row->[1] =~ /`outcome`: (.*)/;
    same("$metric: its labels are documented",
         [grep { $_ ne 'class' && $_ ne 'resolver' }
               NotifyTest::Page::names($said // '')], \@labels);
}

my $stats = http(GET => $nginx->url('/shop/stats'))->{json};
same('each counter is documented, and no other is',
     [first_names($api->rows('counter'))], [keys %{ $stats->{counters} }]);
my ($worker) = $api->text =~ /^\| `worker` \| (.*)/m;
same('so is each member of a worker', [NotifyTest::Page::names($worker)],
     [keys %{ $stats->{worker} }]);


# log lines: the pieces of each stand in one string of the sources

(my $strings = $sources) =~ s/"\s+"//g;
my @strings = map { s/\\"/"/gr } $strings =~ /"((?:[^"\\]|\\.)*)"/g;

for my $row ($directives->rows('level')) {
    my ($line) = NotifyTest::Page::names($row->[1]);
    my $pattern = join '.*', map { quotemeta } split / *… */, $line;
    ok((grep { /^$pattern/ } @strings), "the log line is there: $line");
}


# codes

my @codes = first_names($readme->rows('code'));
my %code = map { $_ => 1 } @codes;
ok($sources =~ /["#]\Q$_\E\\?"/, "the code $_ is in the sources") for @codes;

same('each code of a question is documented, and no other is',
     [map { /(NOTIFICATION_\w+)/g } grep { !/example|error=/ }
          split /\n/, $api->text],
     [$sources =~ /"(NOTIFICATION_\w+)/g]);


# what openapi.json describes

my $openapi = from_json(slurp("$NotifyTest::TOP/src/api/openapi.json"));
my $components = $openapi->{components};
my (%operation, %parameter, %path);

sub resolved {
    my ($what) = @_;
    my $ref = $what->{'$ref'} or return $what;
    my (undef, undef, $kind, $name) = split m{/}, $ref;
    return $components->{$kind}{$name};
}

for my $path (keys %{ $openapi->{paths} }) {
    my $item = $openapi->{paths}{$path};
    for my $method (grep { $_ ne 'parameters' } keys %$item) {
        my $operation = $item->{$method};
        $operation{uc($method) . " $path"} = $operation;
        $parameter{$_->{name}} = $_->{in}
            for grep { $_->{in} ne 'path' }
                map { resolved($_) } @{ $item->{parameters} // [] },
                                     @{ $operation->{parameters} // [] };
    }
}

my %request = map { (NotifyTest::Page::names($_->[0]))[0] => $_ }
              $api->rows('request');
same('each operation is documented, and no other is', [keys %request],
     [keys %operation]);
same('each parameter is documented, and no other is',
     [first_names($api->rows('parameter'))], [keys %parameter]);

my ($params) = $sources =~ /api_params_table\[\] = \{(.*?)^\};/ms;
same('those of the sources are those',
     [grep { $parameter{$_} eq 'query' } keys %parameter],
     [grep { $_ ne 'deliveries' && $_ ne 'stats' } $params =~ /"(\w+)"/g]);

for my $name (sort keys %operation) {
    my $row = $request{$name} or next;
    my $operation = $operation{$name};
    my @statuses = grep { $_ ne 'default' } keys %{ $operation->{responses} };
    my (undef, $success, $other, $text) = @$row;

    is(join(' ', sort split /, /, $success),
       join(' ', sort grep { /^[23]/ } @statuses), "$name: $success");

    my %status = map { $_ => 1 } @statuses;
    is(join(' ', grep { !$status{$_} } split /, /, $other), '',
       "$name: may answer $other") if length $other;

    my $body = ($operation->{requestBody} // {})->{content} // {};
    my $schema = ($body->{'application/json'} // {})->{schema} // {};
    next if $schema->{'$ref'} || $name =~ /settings/;
    like($text, qr/["`]\Q$_\E["`]/, "$name: its body may have $_")
        for grep { $text ne 'the same' }
            sort keys %{ $schema->{properties} // {} };
}

sub members {
    my (@names) = @_;
    return map { keys %{ $components->{schemas}{$_}{properties} } } @names;
}

my %schemas = (
    'a problem'          => ['Problem'],
    'a subscription'     => [qw(Subscription SubscriptionInput
                                SubscriptionPatch)],
    'a test'             => ['TestResult'],
    "a subscription's stats" => ['SubscriptionStats'],
    "a publish's answer" => ['Published'],
    'an event'           => [qw(Event EventInput)],
    'a delivery'         => ['Delivery'],
    'a bulk redelivery'  => ['RedeliverInput'],
    'an attempt'         => ['Attempt'],
    'deltas'             => ['Deltas'],
    'a consumer'         => ['Consumer'],
    'a response'         => ['Response'],
    'a session'          => ['Session'],
    'settings'           => [qw(Settings SettingsInput)],
    'an event type'      => ['EventTypeEntry'],
    'a call'             => ['Call'],
);

same("the members of $_ are documented, and no others are",
     [first_names($api->rows("member of $_"))], [members(@{ $schemas{$_} })])
    for sort keys %schemas;

for my $what (qw(health stats)) {
    my $schema = $openapi->{paths}{"/$what"}{get}{responses}{200}{content}
                 {'application/json'}{schema};
    same("the members of $what are documented, and no others are",
         [first_names($api->rows("member of $what"))],
         [keys %{ $schema->{properties} }]);
}

my @tables = map { $_->[1][0] =~ /^member of (.+)/ ? $1 : () } $api->tables;
same('no table of members is forgotten', \@tables,
     [keys %schemas, 'health', 'stats']);

# the bounds that it has
my %limits = map { $_->[0] => $_->[1] } $api->rows('what');
for my $name (qw(SubscriptionInput EventInput)) {
    my $properties = $components->{schemas}{$name}{properties};
    for my $member (sort keys %$properties) {
        my $most = $properties->{$member}{maxLength}
                   // $properties->{$member}{maxItems} // next;
        my ($said) = map { $limits{$_} }
                     sort { ($a =~ /of a sub/) <=> ($b =~ /of a sub/) }
                     grep { /`\Q$member\E`/ } keys %limits;
        $said = $limits{"`$member` of a subscription"} // $said
            if $name eq 'SubscriptionInput';
        like($said // '', qr/^$most\b/, "$member: at most $most");
    }
}


# files

same('the README names each example',
     [grep { !/=/ } first_names($readme->rows('EXAMPLE='))],
     [map { m{([^/]+)\.conf$} } glob "$NotifyTest::TOP/conf.examples/*.conf"]);

my $guides = NotifyTest::Page->new('conf.examples/README.md');
my %suites = map { $_ => 1 } map { $_->text =~ m{`(t/\w+/[\w.-]+)`}g }
             $readme, $guides, $api, $directives;
is(join(' ', grep { my @files = glob "$NotifyTest::TOP/$_*"; !@files }
             sort keys %suites), '',
   'each suite that is named is there');
cmp_ok(scalar keys %suites, '>', 40, 'which are many');


# links

is(join("\n", NotifyTest::Page::broken('README.md', 'src/DIRECTIVES.md',
                                       'src/API.md', 't/README.md',
                                       'conf.examples/README.md')),
   '', 'no link leads nowhere');
cmp_ok(scalar(() = $readme->text =~ /\n/g), '<=', 600,
       'README.md has at most 600 lines');

finish();
