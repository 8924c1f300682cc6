# Which addresses are called when names are resolved: in a network namespace
# where every address is this machine's, so that a receiver that listens on all
# of them sees each mistake, and none of it leaves the machine.

use strict;
use warnings;

BEGIN {
    if (!$ENV{NOTIFY_TEST_NAMESPACE}) {
        my @unshare = ('unshare', '-n', ($> == 0 ? () : '-r'), '--');
        my $setup = 'ip link set lo up'
            . ' && ip route add local 0.0.0.0/0 dev lo'
            . ' && ip -6 route add local ::/0 dev lo';

        if (my $why = qx(@unshare sh -c '$setup' 2>&1) || $?) {
            $why =~ s/\s+/ /g;
            print "1..0 # SKIP no network namespace with IPv6: $why\n";
            exit 0;
        }

        $ENV{NOTIFY_TEST_NAMESPACE} = 1;
        exec @unshare, 'sh', '-c', "$setup && exec \"\$@\"", 'sh',
             $^X, map({ "-I$_" } @INC), $0 or die "unshare: $!";
    }
}

use IO::Select;
use IO::Socket::IP;
use Socket qw(IPPROTO_IPV6 IPV6_V6ONLY);
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Dns;

my $port = free_port();
my $log = NotifyTest::test_dir() . '/called';
my $private = '10.9.9.9';
my $good = '93.184.216.34';
my $target = '4-93-184-216-34';

# listens on every address; a path may say what comes back
my $listen = IO::Socket::IP->new(
    LocalHost => '::', LocalPort => $port, Listen => 100, ReuseAddr => 1,
    V6Only => 0) or die "receiver: $!";

sub receive {
    my $select = IO::Select->new($listen);
    my %in;
    local $SIG{PIPE} = 'IGNORE';

    while (1) {
        for my $socket ($select->can_read) {
            if ($socket == $listen) {
                my $new = $listen->accept or next;
                $select->add($new);
                $in{$new} = '';
                called($new, '-');
                next;
            }
            my $n = sysread $socket, $in{$socket}, 65536, length $in{$socket};
            if (!$n) {
                $select->remove($socket);
                delete $in{$socket};
                close $socket;
                next;
            }
            next unless $in{$socket} =~ /\r\n\r\n/;
            my ($length) = $in{$socket} =~ /^content-length: (\d+)/im;
            next if length $in{$socket} < $+[0] + ($length // 0)
                    || $in{$socket} !~ /\r\n\r\n.{$length}/s;
            my ($path) = $in{$socket} =~ m{^\w+ (\S+)};
            $in{$socket} = '';
            called($socket, $path);
            syswrite $socket, answer($path);
        }
    }
}

sub called {
    my ($socket, $path) = @_;
    open my $file, '>>', $log or die $!;
    print {$file} $socket->sockhost =~ s/^::ffff:(?=\d+\.)//r, " $path\n";
}

sub answer {
    my ($path) = @_;
    my $there = "http://$private:$port/there";

    return "HTTP/1.1 $1 Moved\r\nLocation: $there\r\nRefresh: 0; url=$there"
           . "\r\nContent-Length: 0\r\n\r\n" if $path =~ m{^/moved/(\d+)};
    return "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /secret/x\r\n"
           . "X-Accel-Limit-Rate: 1\r\nX-Accel-Buffering: no\r\n"
           . "X-Accel-Expires: \@1\r\nX-Accel-Charset: utf-7\r\n"
           . "Content-Length: 3\r\n\r\nown" if $path eq '/accel';
    return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
}

my $pid = NotifyTest::spawn(\&receive, NotifyTest::test_dir() . '/receiver');
close $listen;

sub calls { return map { [split / /] } split /\n/, slurp($log) }
sub paths { my ($path) = @_; return grep { $_->[1] eq $path } calls() }


my $dns = NotifyTest::Dns->new;
my $redis = NotifyTest::Redis->new;
my $conf = <<'END';
    resolver 127.0.0.1:%%DNS%%;
    resolver_timeout 1s;

    upstream collide.test  { server %%PRIVATE%%; }
    upstream 93.184.216.35 { server %%PRIVATE%%; }
    upstream 4-93-184-216-34.up.test { server %%PRIVATE%%; }
    upstream notify        { server %%PRIVATE%%; }

    notify_profile plain { retry 200ms 200ms 200ms until=1m jitter=0%;
                           breaker off; timeout 3s; response_log 100; }
    notify_profile lan   { retry 200ms until=1m; breaker off; %%ALLOW%% }
    notify_channel shop  { profile plain lan; event paid;
                           event asked sync; subscriptions_max 9999; }

    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/   { notify_api shop; }
        location /secret/ { internal; proxy_pass http://%%PRIVATE%%; }
    }
END
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 1,
    http => $conf, vars => { DNS => $dns->port, ALLOW => 'allow 10.0.0.0/8;',
                             PRIVATE => "$private:$port" });
my $url = $nginx->url('/shop/subscriptions');

sub subscribe {
    my ($host, %more) = @_;
    my $path = delete $more{path} // '/' . $host;
    my $answer = http(POST => $url, json => {
        url => "http://$host:$port$path", event => 'paid', %more });
    is($answer->{status}, 201, substr("$host is subscribed", 0, 75))
        or diag($answer->{content});
    return $answer->{json}{id};
}

# what one call to a name came to, as POST .../test says
sub tried {
    my ($host, %more) = @_;
    my $id = subscribe($host, enabled => JSON::PP::false(), %more);
    my $answer = http(POST => "$url/$id/test");
    is($answer->{status}, 200, 'and tried') or diag($answer->{content});
    http(DELETE => "$url/$id");
    return $answer->{json} // {};
}

sub works {
    my ($host, $address, %more) = @_;
    my $attempt = tried($host, %more);
    my $path = $more{path} // "/$host";
    ok($attempt->{success}, 'with success') or diag(explain($attempt));
    is(join(' ', map { $_->[0] } paths($path)), $address, "by $address");
}

sub blocked {
    my ($host, $error) = @_;
    my $before = calls();
    my $attempt = tried($host);
    ok(defined $attempt->{success} && !$attempt->{success}, 'without success');
    is($attempt->{error}, $error // 'address not allowed', 'and it says why')
        or diag(explain($attempt));
    is(scalar(calls()), $before, 'nobody was called');
}


# names of good addresses

works("$target.a.test", $good);
works('6-26064700000000000000000000001111.a.test', '2606:4700::1111');
works("cname.$target.a.test", $good);
works("chain.$target.a.test", $good);
works("at-one.$target.a.test", $good);
works("$target.a.test.", $good, path => '/dot');
works('[2606:4700::1111]', '2606:4700::1111', path => '/literal');


# names of others: one in every range, alone and beside a good one

my @four = qw(0.0.0.1 10.0.0.1 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1
              172.31.255.254 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1
              198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1
              255.255.255.255 168.63.129.16 0.0.0.0);
my @six = qw(00000000000000000000000000000000 00000000000000000000000000000001
             0000000000000000000000000a000001 00000000000000000000ffff0a000001
             00000000000000000000ffff7f000001 0000000000000000ffff00000a000001
             0064ff9b000000000000000000000001 0064ff9b000100000000000000000001
             01000000000000000000000000000001 20010000000000000000000000000001
             20010db8000000000000000000000001 20020a00000100000000000000000001
             01000000000000010000000000000001 20010002000000000000000000000001
             3ffe0000000000000000000000000001 260647000000000000005efe0a000001
             3fff0000000000000000000000000001 5f000000000000000000000000000001
             fd000000000000000000000000000001 fe800000000000000000000000000001
             fec00000000000000000000000000001 ff020000000000000000000000000001);
my $six = '6-26064700000000000000000000001111';

for my $label ((map { '4-' . tr/./-/r } @four), map { "6-$_" } @six) {
    blocked("$label.b.test");
    blocked("$target.$label.b.test");
}
blocked("$six.4-10-0-0-1.b.test");
blocked("4-10-0-0-1.$target.b.test");
blocked("$target.4-93-184-216-35.4-93-184-216-36.4-10-0-0-1.b.test");
blocked("huge.4-10-0-0-1.b.test");
blocked("huge.6-fd000000000000000000000000000001.b.test");
blocked("cname.4-127-0-0-1.b.test");
blocked("chain.4-127-0-0-1.b.test");
blocked("chain.chain.cname.$target.4-127-0-0-1.b.test");


# names without an answer

blocked("$_.$target.c.test", 'name not resolved')
    for qw(nx servfail refused empty loop garbage short otherid otherwise
           badlength silent);
blocked("truncated.$target.c.test", 'name not resolved');


# upstream blocks of the same name; answers that would lead elsewhere

$dns->set(up => $target);
works("$target.up.test", $good, path => '/up');
works('93.184.216.35', '93.184.216.35', path => '/number');
blocked('collide.test', 'name not resolved');
blocked('notify', 'name not resolved');

for my $status (301, 302, 303, 305, 307, 308, 300, 304) {
    my $attempt = tried("$target.d.test", path => "/moved/$status");
    is($attempt->{status}, $status, "$status is an answer");
    ok(!$attempt->{success}, 'and no success');
}

my $attempt = tried("$target.d.test", path => '/accel');
ok($attempt->{success}, 'X-Accel-Redirect is nothing to us')
    or diag(explain($attempt));
my $sync = subscribe("$target.d.test", path => '/accel', mode => 'sync',
                     event => 'asked');
my $said = http(POST => $nginx->url('/shop/sync/asked'), json => {});
is($said->{json}{success}, JSON::PP::false(),
   'in a sync call neither') or diag($said->{content});
is(scalar(paths('/accel')), 2, 'both have come');
is(scalar(grep { $_->[1] =~ m{^/(?:there|secret)} } calls()), 0,
   'and nothing has gone where they pointed');


# rebinding: good when it was created, another when it is called

sub publish {
    my $answer = http(POST => $nginx->url('/shop/events'),
                      json => { eventType => 'paid', data => { n => 1 } });
    return $answer->{json}{id};
}
sub last_error {
    my ($id, $event) = @_;
    my $answer = http(GET => "$url/$id/deliveries");
    my ($one) = grep { $_->{eventId} eq $event } @{ $answer->{json} };
    return ($one // {})->{lastAttempt}{error} // '';
}

$dns->set(turn => $target);
my $turn = subscribe('at-turn.e.test', path => '/turn');
publish();
eventually { paths('/turn') == 1 } 'a good one is called';

$dns->set(turn => '4-10-0-0-1');
elapse 1.2;
my $event = publish();
eventually { last_error($turn, $event) eq 'address not allowed' }
           'rebound, it is refused, though a connection is idle';
is(scalar(paths('/turn')), 1, 'nobody was called');

$dns->set(turn => 'silent');
elapse 1.2;
$dns->set(turn => $target);
eventually { paths('/turn') == 2 } 'good again, the retry goes on', 15;
is(join(' ', map { $_->[0] } paths('/turn')), "$good $good", 'there');

for my $way ('4-127-0-0-1', '6-' . '0' x 31 . '1') {
    $dns->set(turn => $target);
    my $other = subscribe('at-turn.e.test', path => "/$way",
                          event => 'paid');
    $dns->set(turn => $way);
    elapse 1.2;
    $event = publish();
    eventually { last_error($other, $event) eq 'address not allowed' }
               'between creation and the first call it is, too';
    http(DELETE => "$url/$other");
}
http(DELETE => "$url/$turn");


# what was allowed by a configuration that is gone

my $lan = subscribe($private, path => '/lan', profile => 'lan');
publish();
eventually { paths('/lan') == 1 } 'a profile allows its network';
$nginx->write_conf(vars => { %{ $nginx->{vars} }, ALLOW => '' });
$nginx->reload;
$event = publish();
eventually { last_error($lan, $event) =~ /"allow" in the profile/ }
           'after a reload without it the attempt says so'
    or diag(last_error($lan, $event));
is(scalar(paths('/lan')), 1, 'and is not called');


# no resolver

my $none = NotifyTest::Nginx->new(redis => $redis, http =>
    $conf =~ s/^ *resolver.*?;$//mgr, vars => $nginx->{vars});
$url = $none->url('/shop/subscriptions');
blocked("$target.f.test", 'no resolver');


my %ours = map { $_ => 1 } $good, '2606:4700::1111', '93.184.216.35';
my @wrong = grep { !$ours{ $_->[0] }
                   && !($_->[0] eq $private && $_->[1] =~ m{^(?:-|/lan)$}) }
            calls();
is(join(' ', map { "@$_" } @wrong), '', 'no other address was ever called');
is(scalar(grep { $_->[0] eq $private && $_->[1] eq '-' } calls()), 1,
   'nor connected to');

NotifyTest::reap($pid, 'KILL');
finish();
