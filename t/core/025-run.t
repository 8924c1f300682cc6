# `make run` with every example: what it prints is pasted as printed, and
# nothing is left behind.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use Test::More;
use NotifyTest;

my $run = "$NotifyTest::TOP/t/lib/run";

# a folder of this suite's own, with the module that is tested
my $build = NotifyTest::test_dir() . '/build';
make_path($build);
symlink dirname($NotifyTest::MODULE), "$build/modules" or die "modules: $!";

sub run {
    my ($example, $output, %port) = @_;
    local $ENV{BUILD} = $build;
    local $ENV{NGINX_BINARY} = $NotifyTest::NGINX;
    local @ENV{qw(PORT RECEIVER_PORT)} = @port{qw(nginx receiver)};
    return NotifyTest::spawn([$run, $example], $output);
}

# a function in front of curl: silent, and a refusal is a failure
sub paste {
    my ($commands, $output) = @_;
    my $script = "curl() { command curl -sS --fail-with-body \"\$@\"; }\n"
               . "set -o pipefail\n"
               . join '', map { "$_\nstatus=\$?; echo; echo \"=\$status\"\n" }
                          @$commands;
    spew("$output.sh", $script);
    open my $pipe, '-|', "bash '$output.sh' 2>&1" or die "bash: $!";
    local $/;
    return scalar <$pipe>;
}

# what an answer must have, and how many calls its receiver prints
my %expect = (
    'appointment-push'     => [qr/"evt_.*"appointment":7/s, 1],
    'capture-proxied'      => [qr/"order\.created".*"order\.deleted"/s, 2],
    'chat-push'            => [qr/"push":"true"/, 1],
    'cloudevents'          => [qr/"profile":"binary".*"evt_/s, 2],
    'contact-center'       => [qr/"conversation\.activity"/, 1],
    'dashboard'            => [qr/"title":"Sales"|"country":"NO"/, 1],
    'deltas'               => [qr/"entityID":1001.*"entityID":1002/s, 0],
    'fcm'                  => [qr/"registration-token-1".*"evt_/s, 2],
    'fcm-connector'        => [qr/ 204 /, 1],
    'github-style'         => [qr/"evt_.*"order\.paid"/s, 1],
    'inbound'              => [qr/\n200\n.*"github\.push".*"stripe\./s, 3],
    'minimal'              => [qr/"evt_.*"order\.paid"/s, 1],
    'one-event-five-wires' => [qr/"profile":"chat".*"evt_/s, 5],
    'portal'               => [qr/"sub_.*"evt_.*"order\.paid"/s, 1],
    'retail-ops'           => [qr/"success":true.*"document\.validation"/s, 1],
    'standard-webhooks'    => [qr/"evt_.*"order\.paid"/s, 1],
    'stripe-style'         => [qr/"evt_.*"order\.paid"/s, 1],
    'web-push'             => [qr/"publicKey":"B.*"endpoint".*"evt_/s, 1],
);

my @examples = map { basename($_, '.conf') }
               glob "$NotifyTest::TOP/conf.examples/*.conf";
is(join(' ', sort @examples), join(' ', sort keys %expect),
   'each example is tried');

for my $example (@examples) {
    my %port = (nginx => free_port(), receiver => free_port());
    my $output = NotifyTest::test_dir() . "/$example";
    my $pid = run($example, $output, %port);

    my ($text, @commands);
    eventually {
        $text = slurp($output);
        $text =~ /In another terminal:\n\n(.+\n\n)\n/s;
    } "$example starts, and says what to try" or diag($text);

    my ($said) = $text =~ /In another terminal:\n\n(.*)/s;
    @commands = ($said // '') =~ /^  (\S.*)$/mg;
    cmp_ok(scalar @commands, '>', 1, "$example has commands");

    my $answers = paste(\@commands, $output);
    is(scalar(() = $answers =~ /^=0$/mg), scalar @commands,
       "$example: all its commands succeed") or diag($answers);

    my ($like, $calls) = @{ $expect{$example} };
    like($answers, $like, "$example: they answer what they are there for");
    eventually { (() = slurp($output) =~ /^\d\d:\d\d:\d\d  [A-Z]+ \//mg)
                 >= $calls } "$example: its receiver prints $calls calls"
        or diag(slurp($output));
    unlike(slurp($output), qr/signature (?!verified)\w/,
           "$example: no signature is wrong");

    my $page = http(GET => "http://127.0.0.1:$port{nginx}/");
    is($page->{status}, 302, "$example: / leads to its page");
    $page = http(GET => $page->{headers}{location});
    is($page->{status}, 200, "$example: the page is there");
    my ($folder) = $page->{url} =~ m{(.*/)};
    is(http(GET => "${folder}health")->{status}, 200,
       "$example: it has an API beside it");

    ok(NotifyTest::reap($pid, 'INT'), "$example ends with Ctrl-C");
    ok(!IO::Socket::INET->new(PeerAddr => "127.0.0.1:$_"),
       "$example: nothing listens at $_") for values %port;
    unlike(slurp("$build/run/$port{nginx}/logs/error.log"),
           $NotifyTest::TROUBLE, "$example: no trouble in its log");
}

# two at once, and what cannot start

my %port = (nginx => free_port(), receiver => free_port());
my $output = NotifyTest::test_dir() . '/first';
my $pid = run('minimal', $output, %port);
eventually { slurp($output) =~ /In another terminal/ } 'one is running';

my %other = (nginx => free_port(), receiver => free_port());
my $second = NotifyTest::test_dir() . '/second';
my $beside = run('deltas', $second, %other);
eventually { slurp($second) =~ /In another terminal/ }
    'another one runs beside it' or diag(slurp($second));
is(http(GET => "http://127.0.0.1:$_->[0]/$_->[1]/health")->{status}, 200,
   "$_->[1] answers") for [$port{nginx}, 'shop'], [$other{nginx}, 'orders'];
NotifyTest::reap($beside, 'INT');

sub fails {
    my ($example, %port) = @_;
    my $file = NotifyTest::test_dir() . '/fails';
    unlink $file;
    NotifyTest::reap(run($example, $file, %port));
    return slurp($file);
}

like(fails('minimal', %other, nginx => $port{nginx}),
     qr/127\.0\.0\.1:$port{nginx} is in use by nginx.*; set PORT=\n$/,
     'a port that is taken is named, and by which program');
like(fails('minimal', %other, receiver => $port{receiver}),
     qr/127\.0\.0\.1:$port{receiver} is in use by perl.*; set RECEIVER_PORT=\n$/,
     "so is the receiver's");
like(fails('nosuch', %other),
     qr/^run: there is no example "nosuch"; there are: .*\bminimal\b/,
     'an example that is not there: which ones are');

# what cannot start is said before anything is built for it

sub make {
    my ($example, %port) = @_;
    local @ENV{qw(PORT RECEIVER_PORT)} = @port{qw(nginx receiver)};
    my $empty = NotifyTest::test_dir() . '/nothing';
    my $said = qx{cd '$NotifyTest::TOP' && make -s -f Makefile.dev run \\
                  BUILD='$empty' EXAMPLE='$example' 2>&1};
    return ($said, -e $empty);
}

my ($said, $built) = make('nosuch', %other);
like($said, qr/^run: there is no example "nosuch"; there are: .*\bdeltas\b/,
     'make run names the examples at once');
ok(!$built, '... and builds nothing');
($said, $built) = make('minimal', %other, nginx => $port{nginx});
like($said, qr/^run: 127\.0\.0\.1:$port{nginx} is in use/,
     'make run says at once that a port is taken');
ok(!$built, '... and builds nothing');
NotifyTest::reap($pid, 'INT');

finish();
