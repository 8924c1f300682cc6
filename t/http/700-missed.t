# What a subscription has not got, pulled: all of it and nothing else.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/ok'    => [{ status => 200 }],
    '/ill'   => [{ status => 500 }],
    '/gone'  => [{ status => 410 }],
});
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_profile patient { allow 127.0.0.0/8; retry 1h 1h; breaker off; }
    notify_profile hasty   { allow 127.0.0.0/8; retry off; breaker off; }
    notify_profile nervous {
        allow 127.0.0.0/8;
        retry off;
        breaker failures=3 window=1m cooldown=1h;
    }
    notify_channel shop { profile patient hasty nervous; }

    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 8m;
        location /shop/ { notify_api shop; }
        location /mine/ { notify_tenant ann; notify_api shop; }
    }
END

my $deltas = $nginx->url('/shop/deltas');
eventually { http(GET => $deltas)->{status} == 200 };

sub subscribe {
    my ($url, $event, %more) = @_;
    return http(POST => $nginx->url('/shop/subscriptions'), json => {
        url => $receiver->url($url), event => $event, %more })->{json}{id};
}
sub publish {
    my @types = @_;
    return map { $_->{id} } @{ http(POST => $nginx->url('/shop/events'),
        json => [ map { +{ eventType => $_ } } @types ])->{json} };
}
sub ids { return join ' ', map { $_->{id} } @{ $_[0]{json}{data} } }

sub missed {
    my ($id, $query) = @_;
    return http(GET => "$deltas?subscription=$id&missed=true"
                       . ($query // ''));
}
# all pages of it
sub all {
    my ($id, $limit) = @_;
    my ($cursor, @all) = '';
    for (1 .. 1000) {
        my $page = missed($id, "&limit=$limit$cursor");
        die "$page->{status} $page->{content}" if $page->{status} != 200;
        push @all, map { $_->{id} } @{ $page->{json}{data} };
        last unless $page->{json}{hasMore};
        $cursor = "&cursor=$page->{json}{cursor}";
    }
    return join ' ', @all;
}


# nothing

my $ok = subscribe('/ok', 'ok.*');
my @done = publish(map { "ok.$_" } 1 .. 50);
eventually { $receiver->count('/ok') == 50 } 'all is delivered';
eventually { ids(missed($ok)) eq '' } 'and nothing missed';
ok(!missed($ok)->{json}{hasMore}, 'nor is there more');
is(ids(http(GET => "$deltas?subscription=$ok&limit=250")), "@done",
   'without missed: what the subscription selects');


# waiting for another attempt, in log order, among what was delivered

$receiver->script('/half', map { { status => $_ % 3 ? 200 : 503 } } 1 .. 60);
my $half = subscribe('/half', 'half');
my (@waiting, @half);
for (1 .. 60) {
    my $n = $_;
    my ($id) = publish('half');
    eventually { $receiver->count('/half') == $n };
    push @half, $id;
    push @waiting, $id if $_ % 3 == 0;
    publish("ok.$_");
}
eventually { all($half, 100) eq "@waiting" }
    'what waits for a retry is missed, and nothing else';
is(all($half, $_), "@waiting", "in pages of $_") for 1, 7, 19, 20, 21;
is(ids(missed($half, "&since=$waiting[4]")), "@waiting[5 .. $#waiting]",
   'since an event');
is(ids(missed($half, '&eventType=other')), '', 'other filters hold, too');


# given up

my $ill = subscribe('/ill', 'ill', profile => 'hasty');
my @dead = publish(('ill') x 300);
eventually { all($ill, 250) eq "@dead" } 'what was given up is missed';
eventually { $receiver->count('/ill') == 300 } 'and was tried';
is(all($ill, 33), "@dead", 'in pages');
my ($late) = publish('ill');
eventually { all($ill, 100) eq "@dead $late" } 'in log order';


# gone: the rest is after the cursor

my $gone = subscribe('/gone', 'gone');
my @gone = publish(('gone') x 10);
eventually { http(GET => $nginx->url("/shop/subscriptions/$gone"))
                 ->{json}{status} eq 'disabled' } '410 disables';
push @gone, publish(('gone', 'ok.x') x 3);
@gone = (@gone[0 .. 9], @gone[10, 12, 14]);
eventually { all($gone, 4) eq "@gone" }
    'what came since is after its cursor';


# disabled for a while

my $pause = subscribe('/ok', 'pause');
my @a = publish(('pause') x 5);
eventually { all($pause, 100) eq '' } 'delivered before';
my $action = $nginx->url("/shop/subscriptions/$pause");
is(http(POST => "$action/disable")->{status}, 200, 'disabled');
my @b = publish(('pause') x 5);
is(all($pause, 2), "@b", 'while it is disabled');
is(http(POST => "$action/enable")->{status}, 200, 'enabled');
my @c = publish(('pause') x 5);
eventually { all($pause, 100) eq "@b" } 'the gap stays when it goes on';
is(http(POST => "$action/disable")->{status}, 200, 'disabled again');
my @d = publish(('pause') x 2);
is(http(POST => "$action/enable")->{status}, 200, 'and enabled');
publish('pause');
eventually { all($pause, 3) eq "@b @d" } 'two gaps';


# dropped by a breaker

my $break = subscribe('/ill', 'break', profile => 'nervous');
my @broken = map { publish('break') } 1 .. 20;
eventually { http(GET => $nginx->url("/shop/subscriptions/$break"))
                 ->{json}{status} eq 'paused' } 'the breaker opens';
push @broken, map { publish('break') } 1 .. 20;
eventually { all($break, 9) eq "@broken" }
    'what a breaker drops is missed', 20;


# a filter is that of the subscription

my $picky = http(POST => $nginx->url('/shop/subscriptions'), json => {
    url => $receiver->url('/ill'), event => 'pick', profile => 'hasty',
    filter => { 'data.n' => { '$gte' => 3 } } })->{json}{id};
my @pick = map { $_->{id} } @{ http(POST => $nginx->url('/shop/events'),
    json => [ map { +{ eventType => 'pick', data => { n => $_ } } } 1 .. 5 ])
    ->{json} };
eventually { all($picky, 100) eq "@pick[2 .. 4]" }
    'what a filter leaves out is not missed';


# a log of many that were delivered is jumped over

publish(map { "ok.$_" } 1 .. 1000) for 1 .. 12;
eventually { all($ok, 250) eq '' } 'much was delivered', 60;
my ($far) = publish('half');
eventually { ids(missed($half, '&limit=250')) eq "@waiting $far"
             || ids(missed($half, '&limit=250')) eq "@waiting" }
    'one request finds what lies far apart';


# redelivered

$receiver->script('/ill', { status => 200 });
is(http(POST => $nginx->url("/shop/subscriptions/$ill/redeliver"), json => {
    since => '2000-01-01T00:00:00Z' })->{status}, 202, 'redelivery');
eventually { all($ill, 100) eq '' } 'what was redelivered is missed no more',
           20;


# refused

is(http(GET => "$deltas?$_->[0]")->{status}, $_->[1], $_->[0])
    for ['missed=true', 400], ["missed=1&subscription=$ok", 400],
        ["missed=true&wait=1s&subscription=$ok", 400],
        ['subscription=', 400], ['subscription=sub_none', 404],
        ['missed=true&subscription=sub_none', 404];
is(http(GET => $nginx->url("/mine/deltas?subscription=$ok"))->{status}, 404,
   'nor one of another tenant');
is(missed($ok, '&cursor=x')->{status}, 400, 'a forged cursor is refused');

finish();
