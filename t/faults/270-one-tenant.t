# One tenant can neither stop, starve, flood, nor fill Redis for the others:
# while a tenant does its worst, events of another one come within a second at
# the 99th percentile, its questions are asked and its sessions registered.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $slow = $ENV{NOTIFY_TEST_SLOW} // 1;
my $bound = 1 * ($slow > 1 ? 1.5 : 1);

my $redis = NotifyTest::Redis->new;
my $good = NotifyTest::Receiver->new(scripts => {
    '/asked' => [{ body => '{"success":true}' }] });
my $bad = NotifyTest::Receiver->new(scripts => {
    '/silent' => [{ hold => 1 }], '/asked' => [{ hold => 1 }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, connections => 1024,
    http => <<'END');
    notify_profile local { sign standard; allow 127.0.0.0/8; timeout 8s;
                           retry 1s 1s 1s; in_flight 64; breaker off; }
    notify_profile loop  { allow 127.0.0.1; retry off; breaker off;
                           payload '{"eventType":"paid"}'; }
    notify_channel shop  {
        profile local loop;
        event paid; event asked sync;
        publish_rate 100r/s burst=400;
        sessions_max 50;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 1m;
        location /shop/ { notify_api shop; }
        location /by/   { notify_tenant $http_x_tenant; notify_api shop; }
        location /gate  { notify_sync shop asked gate timeout=2s
                              tenant=$arg_tenant; try_files x =204; }
    }
END

sub by {
    my ($who, $method, $path, $json) = @_;
    return http($method => $nginx->url("/by/$path"),
                headers => { 'X-Tenant' => $who },
                defined $json ? (json => $json) : ());
}
sub counters { return by($_[0], GET => 'stats')->{json}{counters} }
sub subscribe {
    my ($who, $url, %more) = @_;
    return by($who, POST => 'subscriptions',
              { url => $url, event => 'paid', %more });
}
sub done { is($_[0]{status}, $_[1], $_[2]) or diag($_[0]{content}) }

eventually { by(ann => GET => 'health')->{status} == 200 } 'it is up';
done(subscribe(ann => $good->url('/good')), 201, 'ann is notified');
done(subscribe(ann => $good->url('/asked'), event => 'asked', mode => 'sync'),
     201, 'and asked');
by(ann => POST => 'events', { eventType => 'paid' });
eventually { $good->count('/good') } 'she is called';

# the 99th percentile of n events of ann, published one by one
sub late {
    my ($n, $what, $meanwhile) = @_;
    my (%sent, @late, $refused);

    for (1 .. $n) {
        my $now = time;
        my $r = by(ann => POST => 'events', { eventType => 'paid' });
        $refused .= " $r->{status}" unless $r->{success};
        $sent{ $r->{json}{id} } = $now if $r->{success};
        $meanwhile->() if $meanwhile;
        elapse 0.02;
    }
    eventually {
        my %seen = map { $_->{headers}{'webhook-id'} => $_->{time} }
                       $good->requests('/good');
        @late = sort { $a <=> $b }
                map { $seen{$_} ? $seen{$_} - $sent{$_} : () } keys %sent;
        @late == $n;
    } "$what: all of ann's events come", 15
        or diag("refused:", $refused // ' none');
    my $p99 = $late[int(@late * 0.99) - 1] // 1e9;
    cmp_ok($p99, '<=', $bound, "$what: within a second")
        or diag("p50 $late[@late / 2], p99 $p99, last $late[-1]");
    return $p99;
}
sub asked {
    my ($what) = @_;
    my $start = time;
    is(http(GET => $nginx->url('/gate?tenant=ann'))->{status}, 204,
       "$what: ann is asked");
    cmp_ok(time - $start, '<=', $bound, 'at once');
}
late(50, 'calm');


# starve: a hundred receivers that never answer

my @silent;
for (1 .. 100) {
    my $r = subscribe(bob => $bad->url('/silent'));
    push @silent, $r->{json}{id};
}
is(scalar(grep { defined } @silent), 100, 'bob has a hundred silent receivers');
done(by(bob => POST => 'events', [map { { eventType => 'paid' } } 1 .. 20]),
     202, 'of twenty events each');
eventually { $bad->count('/silent') >= 200 } 'they are called';
late(100, 'starved');
asked('starved');
cmp_ok($bad->count('/silent'), '<=', 300, "bob's calls are half of them, once")
    or diag($bad->count('/silent'));
cmp_ok(counters('bob')->{crowded}, '>', 0, 'the others wait, and are counted');
is(counters('ann')->{crowded}, 0, "ann's do not");
my $r = by(bob => POST => "subscriptions/$silent[0]/test");
is($r->{status}, 503, 'a test of bob has no call left');
is($r->{json}{code}, 'too_many_calls', 'it says so');
like($r->{json}{detail}, qr/tenant_share/, 'and names the limit');

# another one, too
subscribe(cid => $bad->url('/silent')) for 1 .. 20;
by(cid => POST => 'events', [map { { eventType => 'paid' } } 1 .. 20]);
late(50, 'starved by two');

by(bob => DELETE => "subscriptions/$_") for @silent;


# starve: questions that are never answered

done(subscribe(bob => $bad->url('/asked'), event => 'asked', mode => 'sync'),
     201, 'bob has a silent one to ask');
my @open = map {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port);
    print $socket "GET /gate?tenant=bob HTTP/1.0\r\n\r\n";
    $socket;
} 1 .. 300;
late(30, 'questions', sub { });
asked('questions');
close $_ for @open;


# flood: thirty subscriptions that publish again what they get

my $own = $nginx->url('/by/events');
my @loops = map {
    subscribe(bob => $own, profile => 'loop', headers => { 'X-Tenant' => 'bob' })
} 1 .. 30;
is(scalar(grep { $_->{status} == 201 } @loops), 30, 'bob has thirty loops');
is(subscribe(bob => $own)->{status}, 422,
   'which only a profile that names the address lets him have');
my $before = counters('bob')->{published};
my $start = time;
by(bob => POST => 'events', { eventType => 'paid' });
eventually { counters('bob')->{published} > $before + 30 } 'they publish';
late(100, 'flooded');
asked('flooded');
my $published = counters('bob')->{published} - $before;
cmp_ok($published, '<=', 400 + 100 * (time - $start) + 1,
       "no more than bob's rate");
diag("of one event $published were made");
by(bob => DELETE => "subscriptions/$_->{json}{id}") for @loops;


# flood: as many events as he can send

my %answers;
$start = time;
$before = counters('bob')->{published};
late(100, 'rushed', sub {
    $answers{ by(bob => POST => 'events',
                 [map { { eventType => 'paid' } } 1 .. 200])->{status} }++;
});
cmp_ok($answers{429} // 0, '>', 0, 'bob is told to wait');
cmp_ok(counters('bob')->{published} - $before, '<=',
       400 + 100 * (time - $start) + 1, "no more than bob's rate");


# fill Redis

sub used {
    my $text = join "\n", $redis->cli(qw(INFO memory));
    return $text =~ /^used_memory:(\d+)/m ? $1 : 0;
}
my $used = used();
%answers = ();
late(50, 'filled', sub {
    for (1 .. 10) {
        my $n = $answers{n}++;
        $answers{ by(bob => PUT => "sessions/s$n",
                     { ttl => '366d', text => 'x' x 4000 })->{status} }++;
    }
});
is($answers{201}, 50, 'bob has as many sessions as he may');
is($answers{409}, 450, 'and no more');
cmp_ok(used() - $used, '<', 8_000_000, 'Redis does not grow');
done(by(ann => PUT => 'sessions/s1', { ttl => '1h' }), 201,
     'ann registers hers');
is(by(ann => GET => "stats")->{json}{counters}{limited}, 0,
   'ann was limited by nothing');

$nginx->stop('TERM');
finish();
