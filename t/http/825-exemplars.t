# OpenMetrics: a bucket of the calls names the trace of the last one that it has
# counted, as the parser of prometheus_client reads it.

use strict;
use warnings;

use IPC::Run ();
use Test::More;
use NotifyTest;
use NotifyTest::Shop;
use NotifyTest::Tool;

my $python = NotifyTest::Tool::pip_library('prometheus_client', '0.26.0');

my $shop = NotifyTest::Shop->new(
    workers => 2, profile => 'retry off;',
    scripts => { '/slow' => [{ delay => 0.15 }] },
    server => 'location = /metrics { notify_metrics; }');
my $nginx = $shop->nginx;

# what the parser finds: [le, trace id, value, time] of each that is there
sub exemplars {
    my $text = http(GET => $nginx->url('/metrics'), headers => {
        Accept => 'application/openmetrics-text; version=1.0.0' })->{content};
    IPC::Run::run([$python, '-c', <<'END'], '<', \$text, '>', \my $out,
import sys, json
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    for one in family.samples:
        if one.exemplar:
            print(json.dumps([one.name, one.labels['le'],
                              one.exemplar.labels['trace_id'],
                              one.exemplar.value, float(one.exemplar.timestamp)]))
END
                  '2>', \my $wrong);
    is($wrong, '', 'the text is OpenMetrics');
    return map { from_json($_) } split /\n/, $out;
}

sub publish {
    my ($type, $trace, $flags) = @_;
    my $answer = http(POST => $nginx->url('/shop/events'),
        json => { eventType => $type },
        headers => defined $trace
            ? { traceparent => "00-$trace-00f067aa0ba902b7-$flags" } : {});
    is($answer->{status}, 202, "$type is published");
}

$shop->subscribe('/fast', event => 'fast');
$shop->subscribe('/slow', event => 'slow');
$shop->ready;
is_deeply([exemplars()], [], 'without a trace there is no exemplar');

my ($fast, $slow) = ('4bf92f3577b34da6a3ce929d0e0e4736',
                     '0af7651916cd43dd8448eb211c80319c');
publish('fast', $fast, '01');
publish('slow', $slow, '01');
eventually { $shop->receiver->count('/slow') == 1 } 'the calls are made';

my @found;
eventually { @found = grep { $_->[2] } quiet(); @found == 2 }
    'each of two buckets has one';
my %by = map { $_->[2] => $_ } @found;
for my $trace ($fast, $slow) {
    my $one = $by{$trace};
    is($one->[0], 'notify_call_duration_seconds_bucket', "$trace: of a call");
    cmp_ok($one->[3], '<=', $one->[1], 'with a value that its bucket has');
    cmp_ok(abs($one->[4] - time), '<', 60, 'and the time of now');
}
cmp_ok($by{$slow}[3], '>=', 0.15, 'the value is how long it took');

# one that is not sampled, or has no trace, is none
my $calls = $shop->receiver->count('/fast');
publish('fast', '1' x 32, '00');
publish('fast');
eventually { $shop->receiver->count('/fast') == $calls + 2 } 'called again';
is(join(' ', sort map { $_->[2] } exemplars()), join(' ', sort $fast, $slow),
   'only a sampled trace is named');

unlike(http(GET => $nginx->url('/metrics'))->{content}, qr/trace_id/,
       "Prometheus' own text has none");

# the same without a test of each try
sub quiet {
    my $text = http(GET => $nginx->url('/metrics'), headers => {
        Accept => 'application/openmetrics-text' })->{content};
    return map { /^(\w+)\{.*le="([^"]+)"\} \d+ # \{trace_id="(\w+)"\} (\S+) (\S+)$/
                 ? [$1, $2 eq '+Inf' ? 9e9 : $2, $3, $4, $5] : () }
           split /\n/, $text;
}

finish();
