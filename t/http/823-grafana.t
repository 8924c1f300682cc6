# The dashboard of conf.examples/monitoring before Grafana's own types, those of
# its panels too (t/clients/grafana.js): they take it, and refuse it with a
# mistake.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Tool;

my $typescript = NotifyTest::Tool::npm_library('typescript', '5.9.3');
my $schema = NotifyTest::Tool::npm_library('@grafana/schema', '13.2.3');

my $text = slurp("$NotifyTest::TOP/conf.examples/monitoring/dashboard.json");
my $dir = test_dir();
my %change = (
    'a panel of a type that there is not' => sub { $_->{panels}[4]{type} = 'timeserie' },
    'a panel without its width' => sub { delete $_->{panels}[0]{gridPos}{w} },
    'an option that a panel has not' => sub { $_->{panels}[4]{options}{legends} = {} },
    'an option of another type' =>
        sub { $_->{panels}[0]{options}{reduceOptions}{calcs} = 'last' },
    'a value that an option has not' =>
        sub { $_->{panels}[4]{options}{legend}{displayMode} = 'large' },
    'a way to draw that there is not' =>
        sub { $_->{panels}[4]{fieldConfig}{defaults}{custom}{drawStyle} = 'rope' },
    'a query with a member misspelt' => sub { $_->{panels}[4]{targets}[0]{exprs} = 'up' },
    'a query without an expression' => sub { delete $_->{panels}[4]{targets}[0]{expr} },
    'a variable of a type that there is not' =>
        sub { $_->{templating}{list}[0]{type} = 'source' },
    'a variable with a number out of range' =>
        sub { $_->{templating}{list}[0]{refresh} = 9 },
    'a member that dashboards have not' => sub { $_->{panel} = [] },
);

my @names = sort keys %change;
my %file = ('as it is' => "$dir/dashboard.json");
spew($file{'as it is'}, $text);
for my $n (0 .. $#names) {
    my $changed = from_json($text);
    $change{ $names[$n] }->() for $changed;
    spew($file{ $names[$n] } = "$dir/dashboard-$n.json", to_json($changed));
}
spew("$dir/given.json", to_json({ typescript => $typescript, schema => $schema,
                                  dashboards => [map { $file{$_} } sort keys %file] }));

my @said = split /\n/, qx(node '$NotifyTest::TOP/t/clients/grafana.js' '$dir/given.json' 2>&1);
is($?, 0, 'Grafana has types to judge by');
sub refused { my ($name) = @_; return grep { /^\Q$file{$name}\E: / } @said }

is(join("\n", refused('as it is')), '', 'they take the dashboard');
is(scalar(() = refused($_)), 1, "and refuse $_") or diag(join("\n", refused($_)))
    for @names;
ok(!(grep { !/^\Q$dir\E\/dashboard/ } @said), 'they complain of nothing else')
    or diag(join("\n", @said));

finish();
