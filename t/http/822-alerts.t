# The rules of Prometheus and the dashboard of Grafana that stand in
# conf.examples/monitoring: promtool takes and tries the rules, and what they
# ask for is what a running nginx has.  And the same metrics as OpenMetrics.

use strict;
use warnings;

use Test::More;
use IPC::Run ();
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_channel shop { }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
    location = /metrics { notify_metrics; }
}
END

my $folder = "$NotifyTest::TOP/conf.examples/monitoring";
my $dir = NotifyTest::test_dir();
my ($promtool) = grep { -x } map { "$_/promtool" }
                 "$NotifyTest::BUILD/bin", split /:/, $ENV{PATH};

http_served(GET => $nginx->url('/shop/health'));
my $text = http(GET => $nginx->url('/metrics'))->{content};
my %type = $text =~ /^# TYPE (\w+) (\w+)$/mg;

sub known {
    my ($expression, $what) = @_;
    for my $name ($expression =~ /\b(notify_\w+)/g) {
        my $family = $name =~ s/_(?:bucket|sum|count)$//r;
        ok(exists $type{$name} || ($type{$family} // '') eq 'histogram',
           "$what asks for $name, which there is");
    }
}


# the rules

my $rules = slurp("$folder/alerts.yml");
my @alerts = $rules =~ /^ +- alert: (\w+)$/mg;
cmp_ok(scalar @alerts, '>=', 8, 'there are alarms');
known($_, 'a rule') for $rules =~ /^ +expr: (?!\|)(.*)$/mg,
                        $rules =~ /^ +(?:sum by|> ).*(notify_.*)$/mg;
my $guide = slurp("$NotifyTest::TOP/conf.examples/README.md");
like($guide, qr/^\| `$_` \|/m, "$_ is in the guide") for @alerts;

SKIP: {
    skip 'no promtool here', 2 unless $promtool;

    my $said = qx('$promtool' check rules '$folder/alerts.yml' 2>&1);
    is($?, 0, 'promtool takes the rules') or diag($said);

    my $tests = do { local $/; <DATA> };
    spew("$dir/alerts-test.yml", $tests =~ s/%%RULES%%/$folder\/alerts.yml/r);
    $said = qx('$promtool' test rules '$dir/alerts-test.yml' 2>&1);
    is($?, 0, 'they fire when they should, and only then') or diag($said);
}


# the dashboard

my $dashboard = from_json(slurp("$folder/dashboard.json"));
is(join(' ', map { $_->{name} } @{ $dashboard->{templating}{list} }),
   'datasource channel', 'the dashboard asks for a source and a channel');
ok(!exists $dashboard->{id}, 'it can be imported anew');
my (%id, %place);
for my $panel (@{ $dashboard->{panels} }) {
    ok(!$id{ $panel->{id} }++, "$panel->{title} has an id of its own");
    ok($panel->{fieldConfig}{defaults}{unit}, "$panel->{title} has a unit");
    is($panel->{datasource}{uid}, '${datasource}', 'and the source');
    known($_->{expr}, "$panel->{title}") for @{ $panel->{targets} };

    my $at = $panel->{gridPos};
    my $taken = grep { $place{$_}++ }
        map { my $x = $_; map { "$x,$_" }
              $at->{'y'} .. $at->{'y'} + $at->{h} - 1 }
        $at->{x} .. $at->{x} + $at->{w} - 1;
    ok(!$taken && $at->{x} + $at->{w} <= 24,
       "$panel->{title} has a place of its own");
}


# OpenMetrics

my $open = http(GET => $nginx->url('/metrics'), headers => {
    Accept => 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' });
is($open->{headers}{'content-type'},
   'application/openmetrics-text; version=1.0.0; charset=utf-8',
   'who accepts OpenMetrics gets it');
like($open->{content}, qr/\n# EOF\n\z/, 'whole, by its end');
is(scalar(() = $open->{content} =~ /# EOF/g), 1, 'which is there once');

my %open = $open->{content} =~ /^# TYPE (\w+) (\w+)$/mg;
is_deeply(\%open, { map { ($type{$_} eq 'counter' ? s/_total$//r : $_)
                          => $type{$_} } keys %type },
          'its counters are named without _total');
sub samples {
    my ($content) = @_;
    return join "\n", map { s/le="([\d.]+)"/sprintf 'le="%s"', 0 + $1/er }
                      grep { !/redis_round_trip|pending_commands/ }
                      $content =~ /^(notify_[^ ]+) /mg;
}
is(samples($open->{content}), samples($text), 'its samples are the same');
unlike($open->{content}, qr/le="\d+"/, 'bounds are written as floats');
is(http(GET => $nginx->url('/metrics'), headers => { Accept => '*/*' })
   ->{headers}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8',
   'others get the text');

finish();

__DATA__
rule_files:
  - %%RULES%%

evaluation_interval: 1m

tests:
  - interval: 1m
    input_series:
      - series: notify_workers{instance="a"}
        values: 4x20
      - series: notify_redis_connected_workers{instance="a"}
        values: 4x5 2x15
      - series: notify_lag_seconds{instance="a",channel="shop"}
        values: 0x3 400x20
      - series: notify_lag_seconds{instance="a",channel="calm"}
        values: 1x20
      - series: notify_calls_total{instance="a",channel="shop",outcome="failed"}
        values: 0+60x20
      - series: notify_calls_total{instance="a",channel="shop",outcome="succeeded"}
        values: 0+30x20
      - series: notify_deliveries_total{instance="a",channel="shop",outcome="dead"}
        values: 0x20
    alert_rule_test:
      - eval_time: 5m
        alertname: NotifyRedisAway
        exp_alerts: []
      - eval_time: 8m
        alertname: NotifyRedisAway
        exp_alerts:
          - exp_labels:
              severity: critical
              instance: a
            exp_annotations:
              summary: Workers of a are not connected to Redis
              description: Publishes are answered with 503. See "notify redis" in the error log.
      - eval_time: 10m
        alertname: NotifyDeliveriesLate
        exp_alerts:
          - exp_labels:
              severity: warning
              instance: a
              channel: shop
            exp_annotations:
              summary: Channel shop delivers 6m 40s late
              description: Endpoints are slow, or there are more events than calls can be made.
      - eval_time: 20m
        alertname: NotifyCallsFail
        exp_alerts:
          - exp_labels:
              severity: warning
              instance: a
              channel: shop
            exp_annotations:
              summary: More than half of the calls of channel shop fail
              description: Probably the way out is broken, not all of the endpoints.
      - eval_time: 20m
        alertname: NotifyDeliveriesGivenUp
        exp_alerts: []
