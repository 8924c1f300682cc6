# notify_metrics: the text as Prometheus reads it, and what it says.

use strict;
use warnings;

use IPC::Run ();
use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/fails' => [{ status => 500 }],
    '/holds' => [{ hold => 1 }],
});
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    connections => 256,
    allow => qr/exited on signal 9/, http => <<'END');
    notify_profile local {
        allow 127.0.0.1; retry 1h; breaker failures=2 window=1m cooldown=1h;
    }
    notify_profile plain { allow 127.0.0.1; retry off; }
    notify_profile short { allow 127.0.0.1; retry off; timeout 4s; }
    notify_profile guarded { retry off; }
    notify_channel shop { profile plain local short guarded; attribute country; }
    notify_channel a-b_9 { profile plain; }
    notify_buffer 64k;

    server {
        listen 127.0.0.1:%%PORT%%;
        location = /metrics { notify_metrics; }
        location /shop/ { notify_api shop; }
        location /other/ { notify_api a-b_9; }
        location = /emit { notify_emit shop seen; return 200 ok; }
        location /own { notify_emit shop seen; location = /own/metrics {
            notify_metrics; } }
        location = /charset { charset koi8-r; notify_metrics; }
    }
END

my $judge = "$NotifyTest::BUILD/bin/promtool";
($judge) = grep { -x } $judge, map { "$_/promtool" } split /:/, $ENV{PATH};

# { family => { type, help, samples => { 'name{labels}' => value } } }, and all
# that the format asks for; dies of what is wrong
sub parse {
    my ($text) = @_;
    my (%family, $now, %seen);

    die "no line end at the end\n" unless $text =~ /\n\z/;

    for (split /\n/, $text, -1) {
        next if $_ eq '' && !$now;
        if (/^# HELP (\w+) (.+)$/) {
            die "$1 comes twice\n" if $family{$1};
            $now = $family{$1} = { name => $1, help => $2 };
            next;
        }
        if (/^# TYPE (\w+) (counter|gauge|histogram)$/) {
            die "TYPE of $1 has no place\n"
                if $1 ne $now->{name} || $now->{type} || $now->{samples};
            $now->{type} = $2;
            next;
        }
        next if $_ eq '';

        my ($name, $labels, $value) =
            /^([a-z_]+)(?:\{((?:\w+="(?:[^"\\\n]|\\[\\n"])*"(?:,|(?=\})))*)\})?
             \ (\d+(?:\.\d+)?)$/x
            or die "not a sample: $_\n";
        $labels //= '';
        my $type = $now->{type} or die "a sample before its TYPE: $_\n";
        my $base = $now->{name};

        die "$name is not of $base\n" unless $name eq $base
            || $type eq 'histogram' && $name =~ /^\Q$base\E_(bucket|sum|count)$/;
        die "$name is no name of a counter\n"
            if $type eq 'counter' && $name !~ /_total$/;
        die "$name\{$labels} comes twice\n" if $seen{"$name\{$labels}"}++;
        $now->{samples}{$labels eq '' ? $name : "$name\{$labels}"} = $value;
    }

    histograms($_) for grep { $_->{type} eq 'histogram' } values %family;
    return \%family;
}

sub histograms {
    my ($family) = @_;
    my (%bucket, $name);

    $name = $family->{name};
    while (my ($key, $value) = each %{ $family->{samples} }) {
        next unless $key =~ /^\Q$name\E_bucket\{(.*?),?le="([^"]+)"\}$/;
        $bucket{$1}{$2} = $value;
    }

    for my $labels (keys %bucket) {
        my %value = %{ $bucket{$labels} };
        my $of = $labels eq '' ? '' : "{$labels}";
        my $last = delete $value{'+Inf'} // die "$name$of has no +Inf\n";
        my $before = 0;
        for my $bound (sort { $a <=> $b } keys %value) {
            die "$name$of falls at $bound\n" if $value{$bound} < $before;
            $before = $value{$bound};
        }
        die "$name$of falls at +Inf\n" if $last < $before;
        die "$name$of: _count is not +Inf\n"
            if $family->{samples}{"${name}_count$of"} != $last;
        die "$name$of has no _sum\n"
            unless defined $family->{samples}{"${name}_sum$of"};
    }
}

sub scrape { return http(GET => $nginx->url('/metrics'))->{content} }

# the value of one sample, by its name and labels
sub value {
    my ($sample) = @_;
    return scrape() =~ /^\Q$sample\E (\S+)$/m ? $1 : undef;
}

sub becomes {
    my ($sample, $value, $title) = @_;
    my $ok = eventually { (value($sample) // 'absent') == $value };
    ok($ok, $title) or diag("$sample is " . (value($sample) // 'absent'));
}

sub subscribe {
    my ($path, %more) = @_;
    my $answer = http(POST => $nginx->url('/shop/subscriptions'), json => {
        url => $receiver->url($path), event => 'e', %more });
    is($answer->{status}, 201, "a subscription for $path")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    my (%event) = @_;
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => 'e', %event });
}


# how it answers

my $answer = http(GET => $nginx->url('/metrics'));
is($answer->{status}, 200, 'it answers');
is($answer->{headers}{'content-type'},
   'text/plain; version=0.0.4; charset=utf-8', 'in format 0.0.4');
my $family = eval { parse($answer->{content}) };
is($@, '', 'that is well formed');
is($answer->{headers}{'content-length'}, length $answer->{content},
   'of its length');

$answer = http(HEAD => $nginx->url('/metrics'));
is($answer->{status}, 200, 'HEAD is GET');
is($answer->{content} // '', '', 'without a body');
for my $method (qw(POST PUT DELETE OPTIONS)) {
    $answer = http($method => $nginx->url('/metrics'), body => 'x');
    is($answer->{status}, 405, "$method is not allowed");
    is($answer->{headers}{allow}, 'GET, HEAD', 'it says what is');
}
is(http(GET => $nginx->url('/charset'))->{headers}{'content-type'},
   'text/plain; version=0.0.4; charset=utf-8', 'a charset changes nothing');


# what it says

becomes('notify_workers', 2, 'both workers are seen');
becomes('notify_redis_connected_workers', 2, 'and connected');
becomes('notify_events_total{channel="shop",outcome="published"}', 0,
        'nothing has been published yet');

subscribe('/ok');
publish(data => $_) for 1 .. 20;
publish(eventType => 'no name');
eventually { $receiver->count('/ok') == 20 } 'twenty events are delivered';

becomes('notify_events_total{channel="shop",outcome="published"}', 20,
        'publishes are counted');
becomes('notify_events_total{channel="shop",outcome="refused"}', 1,
        'refused ones too');
becomes('notify_deliveries_total{channel="shop",outcome="delivered"}', 20,
        'deliveries are counted by outcome');
becomes('notify_matches_total{channel="shop"}', 20, 'matches are');
becomes('notify_call_duration_seconds_count{channel="shop"}', 20,
        'each call is in the histogram of calls');
becomes('notify_delivery_delay_seconds_count{channel="shop"}', 20,
        'each delivery in that of delays');
becomes('notify_subscriptions{channel="shop"}', 1, 'subscriptions are told');
is(value('notify_events_total{channel="a-b_9",outcome="published"}'), 0,
   'another channel has its own');
cmp_ok(value('notify_redis_round_trip_seconds_count'), '>', 20,
       'commands of Redis are measured');
my ($sum, $count) = map { value("notify_redis_round_trip_seconds_$_") }
                        qw(sum count);
cmp_ok($sum / $count, '<', 1, 'a round trip takes less than a second');
cmp_ok($sum, '>', 0, 'and more than nothing');

subscribe('/fails', event => 'f', profile => 'local');
publish(eventType => 'f') for 1 .. 2;
becomes('notify_breakers_open{channel="shop"}', 1, 'an open breaker is seen');
becomes('notify_breaker_openings_total{channel="shop"}', 1,
        'that it opened is counted');
becomes('notify_calls_total{channel="shop",outcome="failed",class="5xx"}', 2,
        'calls that failed are counted');
becomes('notify_retrying_deliveries{channel="shop"}', 2,
        'what waits for another attempt is told');

subscribe('/refused', event => 'g', profile => 'guarded',
          url => 'http://guarded.example/') ;
publish(eventType => 'g');
becomes('notify_calls_without_resolver_total{channel="shop"}', 1,
        'a call to a name is counted, where nobody resolves it');
is(value('notify_calls_total{channel="shop",outcome="failed",'
         . 'class="no_resolver"}'), 1, 'in a class of its own');
is(value('notify_calls_total{channel="shop",outcome="failed",class="5xx"}'), 2,
   'and once only');
is(http(GET => $nginx->url('/shop/stats'))->{json}{counters}{failed}, 3,
   'of all that failed in stats');
is(value('notify_guard_refusals_total{channel="shop"}'), 0,
   'and is none that the guard refused');
becomes('notify_deliveries_total{channel="shop",outcome="dead"}', 1,
        'a delivery that was given up too');

subscribe('/holds', event => 'h', inFlight => 1,
          profile => 'short');
publish(eventType => 'h') for 1 .. 5;
becomes('notify_in_flight_deliveries{channel="shop"}', 1,
        'a call under way is seen');
eventually { value('notify_lag_seconds{channel="shop"}') > 1 }
    'the lag grows meanwhile';
eventually { value('notify_queued_deliveries{channel="shop"}') >= 4 }
    'others are queued behind it';


# the whole text, as its readers see it

my $text = scrape();
$family = eval { parse($text) };
is($@, '', 'it is still well formed');
my %labels;
$labels{$_}++ for $text =~ /[{,](\w+)=/g;
is_deeply([ sort keys %labels ], [qw(channel class le outcome version)],
          'no other labels than these');
unlike($text, qr/127\.0\.0\.1|example|sub_|evt_/,
       'no address, no id of a client');

SKIP: {
    skip 'no promtool here', 1 unless $judge;
    IPC::Run::run([$judge, 'check', 'metrics'], '<', \$text, '>&',
                  \my $said);
    is($said, '', 'promtool finds nothing');
}

IPC::Run::run(['node', '-e', 'console.log(JSON.stringify(
    require("parse-prometheus-text-format")(
        require("fs").readFileSync(0, "utf8"))))'], '<', \$text, '>',
    \my $json) or die "node failed\n";
my $parsed = from_json($json);
is_deeply([ sort map { lc "$_->{type} $_->{name}" } @$parsed ],
          [ sort map { "$_->{type} $_->{name}" } values %$family ],
          'another parser finds the same families');
my ($calls) = grep { $_->{name} eq 'notify_call_duration_seconds' } @$parsed;
my ($shop) = grep { ($_->{labels}{channel} // '') eq 'shop' }
             @{ $calls->{metrics} };
is($shop->{count}, $shop->{buckets}{'+Inf'}, 'its histogram is whole');


# over time

my $delivered = value('notify_call_duration_seconds_count{channel="shop"}');
$nginx->reload;
becomes('notify_workers', 2, 'after a reload there are two workers again');
cmp_ok(value('notify_call_duration_seconds_count{channel="shop"}'), '>=',
       $delivered, 'histograms are kept');
$nginx->kill_worker;
eventually { $nginx->workers == 2 } 'a killed worker is replaced';
becomes('notify_workers', 2, 'its successor has its place');
cmp_ok(value('notify_call_duration_seconds_count{channel="shop"}'), '>=',
       $delivered, 'what it measured is kept');

http(GET => $nginx->url('/own/metrics')) for 1 .. 3;
http(GET => $nginx->url('/emit'));
eventually { http(GET => $nginx->url('/shop/deltas?eventType=seen&limit=5'))
             ->{json}{data}[0] } 'a location emits';
is(scalar @{ http(GET => $nginx->url('/shop/deltas?eventType=seen'))
             ->{json}{data} }, 1, 'an own endpoint does not');

$redis->stop;
becomes('notify_redis_connected_workers', 0,
        'it answers while Redis is away, and says so');
http(GET => $nginx->url('/emit')) for 1 .. 3;
becomes('notify_outbox_events{channel="shop"}', 3,
        'what waits for Redis is told');
cmp_ok(value('notify_outbox_bytes'), '>', 0, 'with its memory');
for (1 .. 600) {
    http(GET => $nginx->url('/emit'));
    last if value('notify_events_total{channel="shop",outcome="lost"}');
}
cmp_ok(value('notify_events_total{channel="shop",outcome="lost"}'), '>', 0,
       'what no buffer had room for is counted as lost');
$redis->start;
becomes('notify_redis_connected_workers', 2, 'it comes back');
becomes('notify_outbox_events{channel="shop"}', 0, 'and the outbox empties');

finish();
