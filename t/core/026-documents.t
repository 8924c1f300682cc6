# The blocks of README.md and of the guides: what looks like a command is run
# as it is printed, save for ports and folders, and its answer is compared.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);
use POSIX ();
use Test::More;
use NotifyTest;
use NotifyTest::Page;

# run by another suite, or changing the system
my %elsewhere = (
    'Receive and verify' => 't/delivery/295-receivers.t',
    'From the package'            => 't/lib/newcomer, by test-deb',
    'With the nginx of nginx.org' => 't/lib/newcomer, by test-deb',
);

my $top = test_dir();
my $build = "$top/build";
my $etc = "$top/etc";
make_path($build, $etc);
symlink dirname($NotifyTest::MODULE), "$build/modules" or die "modules: $!";
my %made = ('portal.key' => 'k' x 40, 'notify.htpasswd' => "a:b\n",
            'push.secret' => "whsec_" . 'a' x 32 . "\n",
            'redis.pass' => "secret\n");
spew("$etc/$_", $made{$_}) for keys %made;
system("cd '$etc' && openssl req -x509 -newkey rsa:2048 -nodes -batch -days 1 "
       . '-subj /CN=test -keyout shop.key -out shop.pem 2> /dev/null '
       . '&& cp shop.pem redis-ca.crt') == 0 or BAIL_OUT('no certificate');

# of one section: what is printed with other ports and folders
sub moved {
    my ($text, $port) = @_;
    $text =~ s/127\.0\.0\.1:8080/127.0.0.1:$port->{nginx}/g;
    $text =~ s/127\.0\.0\.1:8081/127.0.0.1:$port->{receiver}/g;
    $text =~ s/listen 443 ssl/listen 127.0.0.1:$port->{nginx} ssl/g;
    $text =~ s{/etc/nginx/}{$etc/}g;
    $text =~ s{/var/(?:lib/redis|backups)}{$top/$&}g;
    return $text;
}

# what differs from run to run
sub same_form {
    my ($text) = @_;
    $text =~ s/\b(evt|sub|dlv)_[A-Za-z0-9_]+/$1_/g;
    $text =~ s/\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?Z/TIME/g;
    $text =~ s/^\d\d:\d\d:\d\d /TIME /mg;
    $text =~ s/"cursor":"[A-Za-z0-9_-]+"/"cursor":""/g;
    $text =~ s/whsec_(?!bmdpbngtbm90aWZ5)[A-Za-z0-9+\/=]+/whsec_/g;
    $text =~ s/(webhook-signature: v1,|webhook-timestamp: ).*/$1/g;
    $text =~ s/(x-notify-hops: 1;).*/$1/g;
    $text =~ s/127\.0\.0\.1:\d+/127.0.0.1/g;
    $text =~ s/\s*\n\s*//g if $text =~ /^\s*[{\[]/;
    return $text =~ s/\s+\z//r;
}

sub shell {
    my ($text, $before) = @_;
    spew("$top/block.sh", "curl() { command curl -sS \"\$@\"; }\n"
                          . ($before // '') . $text);
    open my $pipe, '-|', "bash '$top/block.sh' 2>&1" or die "bash: $!";
    local $/;
    my $said = <$pipe> // '';
    close $pipe;
    return ($said, $? >> 8);
}

sub run_example {
    my ($example, $output, $port) = @_;
    local $ENV{BUILD} = $build;
    local $ENV{NGINX_BINARY} = $NotifyTest::NGINX;
    local @ENV{qw(PORT RECEIVER_PORT)} = @$port{qw(nginx receiver)};
    my $pid = NotifyTest::spawn(["$NotifyTest::TOP/t/lib/run", $example],
                                $output);
    eventually { slurp($output) =~ /In another terminal/ }
        "$example runs" or diag(slurp($output));
    return $pid;
}

# the blocks of a section, in their order, with what is printed after a command
sub run_blocks {
    my ($name, $port, $output, @blocks) = @_;

    for my $i (0 .. $#blocks) {
        my ($block, $next) = @blocks[$i, $i + 1];
        my $title = "$name, line $block->{line}";
        next if $block->{language} ne 'sh' || $block->{text} =~ /apt-get/;

        my ($said, $status) = shell(moved($block->{text}, $port));
        is($status, 0, "$title: it succeeds") or diag($said);
        next unless $next && $next->{language} =~ /^(?:json|)$/;
        is(same_form($said), same_form($next->{text}),
           "$title: it answers what is printed");
    }

    # what a receiver prints follows an answer
    for my $i (1 .. $#blocks) {
        my ($block, $before) = @blocks[$i, $i - 1];
        next unless $block->{language} eq '' && $before->{language} eq 'json';
        eventually { index(same_form(slurp($output)),
                           same_form($block->{text})) >= 0 }
            "$name, line $block->{line}: its receiver prints it"
            or diag(slurp($output));
    }
}

my $number = 0;
my @daemons;

END { kill TERM => @daemons }

for my $path ('README.md', 'conf.examples/README.md') {
    my $page = NotifyTest::Page->new($path);
    my (%blocks, @order);

    for my $block (sort { $a->{line} <=> $b->{line} }
                   map { $page->blocks($_) } '', qw(sh json nginx))
    {
        push @order, $block->{heading} unless $blocks{ $block->{heading} };
        push @{ $blocks{ $block->{heading} } }, $block;
    }

    my %text = map { @$_ } map { $page->sections($_) } '##', '###';

    for my $heading (@order) {
        my @blocks = @{ $blocks{$heading} };
        my $commands = grep { $_->{language} eq 'sh' } @blocks;
        my @conf = grep { $_->{language} eq 'nginx' } @blocks;
        my $name = "$path, $heading";
        my %port = (nginx => free_port(), receiver => free_port());
        my $output = "$top/output" . ++$number;
        my ($example) = $text{$heading} =~ /`EXAMPLE=([\w-]+)`.*running:/s;
        $example //= 'minimal' if $heading eq 'Five minutes';

        if ($elsewhere{$heading}) {
            pass("$name: $elsewhere{$heading}");

        } elsif ($heading eq 'Backup and restore') {
            backup_and_restore(@blocks);

        } elsif ($heading eq 'Upgrading') {
            upgrade(@blocks);

        } elsif ($example) {
            my $pid = run_example($example, $output, \%port);
            run_blocks($name, \%port, $output, @blocks);
            NotifyTest::reap($pid, 'INT');

        } elsif ($commands) {
            my $redis = NotifyTest::Redis->new;
            my $nginx = NotifyTest::Nginx->new(
                redis => $redis, port => $port{nginx},
                http => moved(join('', map { $_->{text} } @conf), \%port));
            run_blocks($name, \%port, $output, @blocks);
            $nginx->stop;

        } elsif (@conf) {
            # one after the other stands in one file, or each is a variant
            my @texts = map { $_->{text} } @conf;
            @texts = join '', @texts
                unless grep { /^notify_redis .*(?:sent|cluster|ssl)/ } @texts;
            for my $text (@texts) {
                my $nginx = NotifyTest::Nginx->new(start => 0,
                    http => moved($text, \%port));
                my ($said, $ok) = $nginx->check;
                ok($ok, "$name: nginx -t takes it") or diag($said);
            }

        } else {
            pass("$name: shown, not run");
        }
    }
}

# a Redis with something in it, lost and restored by the commands as printed
sub backup_and_restore {
    my (@blocks) = @_;
    my ($backup, $restore) = map { $_->{text} }
                             grep { $_->{language} eq 'sh' } @blocks;
    my $redis = NotifyTest::Redis->new;
    my $port = $redis->port;
    my $folder = "$top/var/lib/redis";
    make_path($folder, "$top/var/backups");
    my $before = <<"END";
systemctl() { :; }
chown() { :; }
redis-cli() { command redis-cli -p $port "\$@"; }
redis-server() { command redis-server --port $port --bind 127.0.0.1 "\$@"; }
END

    $redis->cli('SET', 'kept', 'yes');
    my ($said, $status) = shell(moved($backup, {}), $before);
    is($status, 0, 'a backup is made') or diag($said);
    ok(-s "$top/var/backups/notify.rdb", 'and is there');
    $redis->stop;

    ($said, $status) = shell(moved($restore, {}), $before);
    is($status, 0, 'it is restored') or diag($said);

    my $restored = NotifyTest::Redis->new(args => ['--dir', $folder]);
    is($restored->cli('GET', 'kept'), 'yes', 'and is what it was');
    $restored->stop;
}

# A line after the other, as one types them: each until it succeeds.  A master
# that is a daemon becomes a child of this suite, as in t/faults/210-upgrade.t.
sub upgrade {
    my (@blocks) = @_;
    my ($block) = grep { $_->{language} eq 'sh' } @blocks;
    my $modules = "$top/usr/lib/nginx/modules";
    my $redis = NotifyTest::Redis->new;
    # a new binary gets of the environment what the configuration names
    my $main = join '', map { "env $_;\n" } grep { exists $ENV{$_} }
               qw(ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS LD_PRELOAD);
    my $nginx = NotifyTest::Nginx->new(redis => $redis, start => 0,
                                       main => $main, http => <<'END');
notify_channel shop { }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END
    my $pid_file = $nginx->dir . '/nginx.pid';
    my $command = join ' ', map { "'$_'" } $nginx->command;
    my $before = "cd '$top'\nnginx() { $command \"\$@\"; }\n"
               . 'export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}'
               . "detect_leaks=0\n";

    SKIP: {
        skip('a daemon is adopted on x86-64 Linux only', 1)
            unless $^O eq 'linux' && (POSIX::uname())[4] eq 'x86_64';
        syscall(157, 36, 1, 0, 0, 0);

        make_path("$top/new", $modules);
        copy($NotifyTest::MODULE, $_) or die "$_: $!"
            for map { "$_/ngx_http_notify_module.so" } "$top/new", $modules;
        my $conf = slurp($nginx->conf) =~ s/daemon off;//r
                   =~ s{\Q$NotifyTest::MODULE\E}
                       {$modules/ngx_http_notify_module.so}r;
        spew($nginx->conf, $conf);
        is(system($nginx->command), 0, 'the old nginx starts');

        my $first;
        eventually { ($first) = slurp($pid_file) =~ /^(\d+)/; $first }
            'as a daemon';
        push @daemons, $first;
        my $publish = sub {
            return http(POST => $nginx->url('/shop/events'),
                        json => { eventType => 'a' })->{status} == 202;
        };
        eventually { $publish->() } 'it takes events';

        for my $line (split /\n/, moved($block->{text}, {})) {
            $line =~ s{/usr/lib/nginx/modules}{$modules}g;
            $line =~ s{/run/nginx\.pid}{$pid_file}g;
            eventually { (shell("$line\n", $before))[1] == 0 } $line;
            eventually { $publish->() } 'events are taken';
        }

        eventually { !kill 0, $first or waitpid($first, 1) == $first }
            'the old master is gone';
        my ($second) = slurp($pid_file) =~ /^(\d+)/;
        push @daemons, $second;
        isnt($second, $first, 'another one has taken its place');
        ok($publish->(), 'which takes events');
        kill QUIT => $second;
        eventually { waitpid($second, 1) == $second || !kill 0, $second }
            'and ends when asked to';
        @daemons = ();
    }
}

finish();
