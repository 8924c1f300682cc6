# Redis goes away under traffic: background events wait and arrive in order,
# none twice; commit answers by on_error; a buffer that is full says so.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new(args => ['--appendfsync', 'always']);
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    allow => qr/exited on signal 9/, http => <<'END');
    notify_buffer 32m;
    keepalive_requests 1000000;
    notify_channel shop { event e; event pass; event fail;
                         event killed; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /e {
            notify_emit shop e entity_id=$arg_n session_id=$pid;
            return 200;
        }
        location /pass {
            notify_emit shop pass entity_id=$arg_n commit;
            return 200 "$arg_n";
        }
        location /fail {
            notify_emit shop fail entity_id=$arg_n session_id=fail commit
                        on_error=fail;
            return 200 "$arg_n";
        }
        location /killed {
            notify_emit shop killed entity_id=$arg_n commit;
            return 200 "$arg_n";
        }
        location /asked {
            notify_emit shop fail entity_id=$arg_n session_id=asked
                        on=request commit on_error=fail;
            empty_gif;
        }
    }
END

# (worker, entity) of the events of a type, in the order of the log
sub logged {
    my ($type) = @_;
    my @lines = $redis->cli('--json', 'XRANGE', $redis->key('}:log'), '-', '+');
    my @got;
    for my $entry (@{ from_json(join '', @lines) }) {
        my %field = @{ $entry->[1] };
        push @got, [$field{s} // '', $field{i}] if $field{t} eq $type;
    }
    return @got;
}

# as fast as it goes on one connection until told to stop; its answers
sub load {
    my ($path, $file) = @_;
    return NotifyTest::spawn(sub {
        my $client = HTTP::Tiny->new(timeout => 10, keep_alive => 1);
        open my $out, '>', $file or die;
        $out->autoflush(1);
        for my $n (1 .. 1_000_000) {
            last if -e "$file.stop";
            my $answer = $client->get($nginx->url("$path?n=$n"));
            print $out "$n $answer->{status}\n";
            elapse 0.001;
        }
    });
}

sub stop_load {
    my ($pid, $file) = @_;
    spew("$file.stop", '');
    NotifyTest::reap($pid, undef, 20);
    return map { [split] } split /\n/, slurp($file);
}


my $dir = test_dir();
my @paths = qw(e pass fail asked);
my %pid = map { $_ => load("/$_", "$dir/$_") } @paths;

for my $kill (1 .. 3) {
    elapse 0.7;
    $redis->kill;
    elapse 1;
    $redis->start;
    elapse 0.5;
}

$redis->pause;
elapse 3;
$redis->resume;
elapse 0.5;

my %answers = map { $_ => [stop_load($pid{$_}, "$dir/$_")] } @paths;

my %failed = map { my $path = $_;
                   $path => [grep { $_->[1] != 200 } @{ $answers{$path} }] }
             @paths;
is(scalar @{ $failed{$_} }, 0, "$_: clients saw nothing") for qw(e pass);
ok(scalar @{ $failed{$_} }, "$_: clients saw that it was away")
    for qw(fail asked);
for my $path (qw(fail asked)) {
    is(join(' ', map { "@$_" } grep { $_->[1] != 503 } @{ $failed{$path} }), '',
       "$path: as 503");
}

my $n = @{ $answers{e} };
eventually { logged('e') >= $n } "all $n events arrive", 30;
my @got = logged('e');
is(scalar @got, $n, 'none of them twice');
my %last;
my $disorder = grep { my $before = $last{$_->[0]} // 0;
                      $last{$_->[0]} = $_->[1];
                      $_->[1] <= $before } @got;
is($disorder, 0, 'in order per worker');

$n = @{ $answers{pass} };
eventually { logged('pass') >= $n } "commit, pass: all $n arrive", 30;
is(scalar(logged('pass')), $n, 'none twice');

my %seen;
$seen{"@$_"}++ for logged('fail');
for my $path (qw(fail asked)) {
    my @missing = grep { $_->[1] == 200 && !$seen{"$path $_->[0]"} }
                  @{ $answers{$path} };
    is(scalar @missing, 0, "$path: each 200 is in the log");

    # the window that is left: Redis had it and died before it said so, which
    # is one request of a connection and kill
    my @more = grep { $seen{"$path $_->[0]"} } @{ $failed{$path} };
    cmp_ok(scalar @more, '<=', 4, "$path: and hardly a 503");
}
is(scalar(grep { $_ > 1 } values %seen), 0, 'none of them twice');

my $stats = http(GET => $nginx->url('/shop/stats'))->{json}{counters};
is($stats->{lost}, 0, 'nothing was lost');


# workers that are killed

my @pids = map { load('/killed', "$dir/killed$_") } 1 .. 2;

for (1 .. 5) {
    elapse 0.4;
    $nginx->kill_worker;
}

my @killed = map { stop_load($pids[$_ - 1], "$dir/killed$_") } 1 .. 2;
%seen = ();
$seen{$_->[1]}++ for logged('killed');
my %got;
$got{$_->[0]} += $_->[1] == 200 for @killed;
my @missing = grep { ($seen{$_} // 0) < $got{$_} } keys %got;
is(scalar @missing, 0, 'what was answered before its worker died is there');
ok(keys %got > 100, 'and there were answers');


# a buffer that is full

$nginx->stop;
$nginx->{http} =~ s/32m/16k/;
$nginx->write_conf;
$nginx->start;
$redis->kill;
http(GET => $nginx->url("/e?n=$_")) for 1 .. 200;
is(http(GET => $nginx->url('/pass?n=1'))->{content}, 1, 'pass passes');
is(http(GET => $nginx->url('/fail?n=1'))->{status}, 503, 'fail fails');
like($nginx->log, qr/events are lost.*notify_buffer is full/,
     'what is lost is logged');
$redis->start;
my ($lost, $in);
eventually {
    $stats = http(GET => $nginx->url('/shop/stats'))->{json}{counters};
    $lost = $stats->{lost} // 0;
    $in = $stats->{published} // 0;
    $lost + $in == 201
} 'and counted' or diag("$lost lost, $in in");
ok($lost && $in, 'only what does not fit');


# a worker that exits waits for Redis

$redis->kill;
http(GET => $nginx->url("/e?n=$_")) for 9_000_001 .. 9_000_010;
kill HUP => $nginx->pid;
elapse 0.5;
$redis->start;
eventually { grep({ $_->[1] > 9_000_000 } logged('e')) == 10 }
    'a reload does not lose what waits';

finish();
