# Pushes to browsers over TLS, one to each of many sessions, by one worker: its
# CPU and that of Redis, publishes and all, against npm's web-push.
# usage: BENCH=push make -f Makefile.dev bench
#        SESSIONS=10000 ROUNDS=3

use strict;
use warnings;

use MIME::Base64 ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Bench qw(median pipeline request);
use NotifyTest::Tool;

use constant { PIPELINE => 50, BATCH => 250, GOAL => 10, WARM => 500 };

# as a whole
alarm 210;

my $sessions = $ENV{SESSIONS} // 10_000;
my $rounds = $ENV{ROUNDS} // 3;
my $top = $NotifyTest::TOP;
my $dir = NotifyTest::test_dir();
my $modules = NotifyTest::Tool::npm_library('web-push', '3.6.7');

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
       . "-addext subjectAltName=IP:127.0.0.1 -keyout $dir/tls.key "
       . "-out $dir/tls.pem 2> /dev/null && "
       . "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
       . "-out $dir/vapid.pem 2> /dev/null") == 0 or die "openssl\n";

my $redis = NotifyTest::Redis->new;
my $status = free_port();
my $service = NotifyTest::Nginx->new(workers => 1, connections => 4096,
    level => 'warn', http => <<"END");
    access_log off;
    keepalive_requests 10000000;
    server {
        listen 127.0.0.1:%%PORT%% ssl backlog=4096;
        ssl_certificate $dir/tls.pem;
        ssl_certificate_key $dir/tls.key;
        location / { return 201; }
    }
    server {
        listen 127.0.0.1:$status;
        location / { stub_status; }
    }
END
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 1,
    level => 'warn', connections => 4096, http => <<"END");
    access_log off;
    keepalive_requests 10000000;
    notify_provider default {
        type           webpush;
        vapid_key      $dir/vapid.pem;
        vapid_subject  mailto:ops\@example.com;
        ttl            1h;
        message        "There is news in your chat";
        payload        on;
        allow          127.0.0.0/8;
        ssl_verify     off;
        attempt_log    off;
    }
    notify_channel chat {
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { notify_api chat; }
    }
END

# seconds of all threads
sub cpu {
    my ($pid) = @_;
    my @field = split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //r;
    return ($field[11] + $field[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

my $looks = 0;

# messages that the service has had
sub had {
    my ($n) = http(GET => "http://127.0.0.1:$status/")->{content}
              =~ /^ \d+ \d+ (\d+)/m;
    return $n - ++$looks;
}

eventually { http(GET => $nginx->url('/health'))->{status} == 200 } 'ready';

my @browsers = map { from_json($_) }
               split /\n/, `node $top/t/clients/webpush.js keys $sessions`;
my @subscriptions = map { +{
    endpoint => 'https://127.0.0.1:' . $service->port . "/push/$_",
    keys => { p256dh => $browsers[$_]{p256dh}, auth => $browsers[$_]{auth} } } }
    0 .. $#browsers;
spew("$dir/subscriptions", join '', map { to_json($_) . "\n" } @subscriptions);

pipeline($nginx, PIPELINE, 201, map { request(PUT => "/sessions/browser-$_", {
    subscription => $subscriptions[$_], payload => \1 }) }
    0 .. $#subscriptions);

my $worker = (split ' ', slurp('/proc/' . $nginx->{pid} . '/task/'
                               . $nginx->{pid} . '/children'))[0];
my $server = $redis->{pid};

sub publish {
    my ($n) = @_;
    my @posts;

    for (my $i = 0; $i < $n; $i += BATCH) {
        push @posts, request(POST => '/events', [ map { +{
            eventType => 'chat.message', sessionId => "browser-$_",
            data => { text => 'x' x 200 } } } $i .. $i + BATCH - 1 ]);
    }

    my $before = had();
    my @cpu = (cpu($worker), cpu($server));
    my $start = time;

    pipeline($nginx, PIPELINE, 202, @posts);
    eventually { had() - $before >= $n } "$n pushes", 60;

    my $seconds = time - $start;

    return ((cpu($worker) - $cpu[0]) * 1e6 / $n,
            (cpu($server) - $cpu[1]) * 1e6 / $n, $n / $seconds);
}

my ($key) = http(GET => $nginx->url('/vapid.json'))->{json}{publicKey};
my $private = qx{openssl pkey -in $dir/vapid.pem -noout -text 2> /dev/null};
($private) = $private =~ /priv:\s+([0-9a-f:\s]+?)pub:/ or die "no key\n";
$private =~ s/[:\s]//g;
$private = substr "0" x 64 . $private, -64;
spew("$dir/vapid.json", to_json({ publicKey => $key,
    privateKey => MIME::Base64::encode_base64url(pack 'H*', $private) }));

publish(WARM);

my (@ours, @nginx, @redis, @theirs, @ratio, @rate, @other);

for (1 .. $rounds) {
    my ($nginx_us, $redis_us, $rate) = publish($sessions);
    my ($us, $other) = split ' ', qx{node $top/t/bench/push.js $modules \\
        $dir/vapid.json @{[ WARM ]} < $dir/subscriptions};
    die "web-push failed\n" unless $other;
    push @nginx, $nginx_us;
    push @redis, $redis_us;
    push @ours, $nginx_us + $redis_us;
    push @rate, $rate;
    push @theirs, $us;
    push @other, $other;
    push @ratio, $us / ($nginx_us + $redis_us);
}

is(http(GET => $nginx->url('/stats'))->{json}{counters}{pushFailed}, 0,
   'none was dropped');

printf "  %d sessions, over TLS, %d rounds, medians\n", $sessions, $rounds;
printf "  us of CPU a push: %.1f (nginx %.1f, Redis %.1f), %.0f pushes a "
       . "second\n", median(@ours), median(@nginx), median(@redis),
       median(@rate);
printf "  web-push and node %s: %.1f, %.0f a second\n",
       qx{node --version} =~ s/\s//gr, median(@theirs), median(@other);

my ($least, $most) = (sort { $a <=> $b } @ratio)[0, -1];
my $text = sprintf '%-58s %8.1f  %13s  %5s  %s', 'npm web-push : a push',
           median(@ratio), sprintf('%.1f-%.1f', $least, $most), GOAL,
           median(@ratio) >= GOAL ? 'met' : 'short';
print "$text\n";

if (open my $rows, '>>', $ENV{BENCH_ROWS} // '/dev/null') {
    print $rows "CPU|$text\n";
}

finish();
