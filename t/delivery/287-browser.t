# conf.examples/web-push.conf in a real Chromium: its page subscribes with the
# key of vapid.json, the browser makes its keys and decrypts what our encryption
# has made, and the service worker shows it.  Google's push service is played by
# t/clients/browser.js, its endpoint by the receiver.

use strict;
use warnings;

use IPC::Open2;
use Test::More;
use NotifyTest;
use NotifyTest::Tool;

my ($chromium) = grep { -x } map { ("$_/chromium", "$_/google-chrome") }
                 split /:/, $ENV{PATH};
plan(skip_all => 'chromium is not installed') unless $chromium;

my $modules = NotifyTest::Tool::npm_library('playwright-core', '1.65.1');
my $dir = NotifyTest::test_dir();

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
       . "-addext subjectAltName=IP:127.0.0.1 -keyout $dir/tls.key "
       . "-out $dir/tls.pem 2> /dev/null") == 0 or die "openssl\n";

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(example => 'web-push', redis => $redis,
                                   hook => $receiver->port);

eventually { http(GET => $nginx->url('/chat/health'))->{status} == 200 }
    'ready';

my $pid = open2(my $out, my $in, "exec node "
    . "$NotifyTest::TOP/t/clients/browser.js $modules $chromium "
    . $nginx->url('/page') . ' ' . $receiver->url('/push') . " $dir "
    . "2> $dir/browser.log");
local $SIG{PIPE} = 'IGNORE';
local $SIG{ALRM} = sub { kill KILL => $pid };
alarm 120;

my $line = <$out> // 'nothing';
like($line, qr/^endpoint [a-z0-9.]+\.google(?:apis)?\.com$/,
     'the browser has made a subscription') or diag slurp("$dir/browser.log");
my ($session) = (<$out> // '') =~ /^session ([\w-]+)$/;
ok($session, 'and the page has registered it');
my $kept = http(GET => $nginx->url("/chat/sessions/$session"))->{json};
is($kept->{subscription}{endpoint}, $receiver->url('/push'),
   'the session keeps it');
like($kept->{subscription}{keys}{p256dh}, qr/^B[\w-]{86}$/,
     "with the browser's key");

for my $n (1 .. 3) {
    is(http(POST => $nginx->url('/chat/events'), json => {
           eventType => 'chat.message', sessionId => $session })->{status},
       202, 'an event');
    eventually { $n == $receiver->count('/push') } 'the endpoint is called';
    my $call = ($receiver->requests('/push'))[-1];
    print $in to_json({ headers => $call->{headers}, body => $call->{body} }),
        "\n";
    $in->flush;
    is(<$out> // 'nothing', "worker There is news in your chat\n",
       'the browser decrypts it, and its service worker gets it');
}

close $in;
waitpid $pid, 0;
is($?, 0, 'the browser ends') or diag slurp("$dir/browser.log");
finish();
