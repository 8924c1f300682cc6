# Push servers that stop: a session whose server has failed moves to another
# one, and stays there; a group never goes silent while a server may be back.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my @nodes = map { NotifyTest::Receiver->new } 1 .. 2;
my ($single, $only, $last) = map { NotifyTest::Receiver->new } 1 .. 3;

my $nginx = NotifyTest::Nginx->new(redis => $redis, vars => {
    N1 => $nodes[0]->port, N2 => $nodes[1]->port, ONE => $single->port,
    UP => $only->port, DOWN => NotifyTest::free_port(), LAST => $last->port,
    }, http => <<'END');
    notify_provider nodes {
        url      http://gms/node;
        message  hello;
        group    gms slow one rest;
        breaker  off;
    }
    upstream gms {
        server 127.0.0.1:%%N1%% fail_timeout=1s;
        server 127.0.0.1:%%N2%% fail_timeout=1s;
    }
    upstream slow {
        server 127.0.0.1:%%N1%% max_fails=3 fail_timeout=1s;
        server 127.0.0.1:%%N2%% max_fails=3 fail_timeout=1s;
    }
    upstream one { server 127.0.0.1:%%ONE%% fail_timeout=1h; }
    upstream rest {
        server 127.0.0.1:%%UP%% fail_timeout=1h;
        server 127.0.0.1:%%DOWN%% down;
    }
    notify_channel chat { event chat.message; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { notify_api chat; }
    }
END

sub req { my ($method, $path, @more) = @_;
          return http($method => $nginx->url($path), @more) }
sub session {
    my ($id, $group) = @_;
    is(req(PUT => "/sessions/$id", json => {
           provider => 'nodes', deviceId => $id, group => $group })->{status},
       201, "a session $id in group $group");
}
sub node { return req(GET => "/sessions/$_[0]")->{json}{node} // '' }
sub calls { return map { $_->count('/node') } @_ }
sub sum { my $sum = 0; $sum += $_ for @_; return $sum }
sub drops { return grep { /notify push: / } split /\n/, $nginx->log }

# publishes once, until it has arrived at one of these or was dropped; says
# whether it has arrived
sub push_to {
    my ($session, @at) = @_;
    my ($calls, $drops) = (sum(calls(@at)), scalar drops());
    is(req(POST => '/events', json => { eventType => 'chat.message',
           sessionId => $session })->{status}, 202, "a push to $session");
    eventually { sum(calls(@at)) + drops() > $calls + $drops };
    return sum(calls(@at)) - $calls;
}

eventually { req(GET => '/health')->{status} == 200 } 'ready';

for my $group (qw(gms slow)) {
    my ($x, $y) = ("$group-a", "$group-b");
    session($_, $group) for $x, $y;
    ok(push_to($_, @nodes), 'which is pushed') for $x, $y;
    eventually { node($x) ne '' } 'and has a node';

    my $port = $nodes[0]->port;
    my ($dead) = node($x) =~ /:$port$/ ? 0 : 1;
    my ($node, $other) = @nodes[$dead, 1 - $dead];
    $node->stop;
    ok(!push_to($x, $other), 'its node stops: the push is lost');
    eventually { node($x) =~ /:@{[ $other->port ]}$/ }
        'the session has moved to the other node';

    for (1 .. 3) {
        elapse 1.2;          # longer than fail_timeout
        ok(push_to($x, $other), 'what follows arrives');
    }

    my $lost = drops();
    session("$group-$_", $group) for 1 .. 20;
    for my $n (1 .. 20) { push_to("$group-$n", $other) }
    for my $n (1 .. 20) { push_to("$group-$n", $other) }
    cmp_ok(drops() - $lost, '<=', $group eq 'gms' ? 3 : 5,
           'a few find out that a node is away')
        or diag(join "\n", drops());
    is(scalar(grep { node("$group-$_") !~ /:@{[ $other->port ]}$/ } 1 .. 20),
       0, 'all sessions are at the other node');

    $node->start;
    elapse 1.2;
    my $before = $node->count('/node');
    session("$group-new-$_", $group) for 1 .. 10;
    ok(push_to("$group-new-$_", @nodes), 'it is back') for 1 .. 10;
    cmp_ok($node->count('/node'), '>', $before, 'new sessions find it');
    ok(push_to($x, @nodes), 'the one that has moved');
    like(node($x), qr/:@{[ $other->port ]}$/, 'stays');
}

# all are away, or the only one

$_->stop for @nodes;
push_to('gms-1', @nodes) for 1 .. 3;
$_->start for @nodes;
ok(push_to('gms-1', @nodes),
   'after all have failed, the first that is back is found at once');

for (['one', $single], ['rest', $only]) {
    my ($group, $node) = @$_;
    session($group, $group);
    $node->stop;
    ok(!push_to($group, $node), "a group of one, $group, fails");
    $node->start;
    ok(push_to($group, $node), 'and is tried again at once');
}

unlike(join("\n", drops()), qr/no node in group/, 'no push was not tried');

finish();
