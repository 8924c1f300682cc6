# notify_session: sessions registered by the traffic of a location.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Chat;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $chat = NotifyTest::Chat->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    vars => { CHAT => $chat->address }, http => <<'END');
    notify_profile push {
        allow 127.0.0.0/8;
        schemes http;
        payload '{"session":"$notify_session_id",
                  "device":"$notify_session_device",
                  "provider":"$notify_session_provider"}';
        retry off;
    }
    notify_channel chat { profile push; }

    notify_var $subscribe request userData[GCTI_Chat_PushSubscribe];
    notify_var $group     request userData[GCTI_GMS_NodeGroup];
    notify_var $device    request userData[GCTI_GMS_PushDeviceId];
    notify_var $type      request userData[GCTI_GMS_PushDeviceType];
    notify_var $debug     request userData[GCTI_GMS_PushDebug];
    notify_var $provider  request userData[GCTI_GMS_PushProvider];
    notify_var $chat_id   response chatId;

    map "$subscribe:$type:$group:$device" $push {
        "~^true:customhttp:[^:]+:."  1;
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        notify_tenant $http_x_tenant optional;

        location /create {
            proxy_pass http://%%CHAT%%;
            notify_session chat id=$chat_id if=$push ttl=94600s commit
                           device=$device group=$group provider=$provider
                           debug=$debug;
        }
        location /create/quiet {
            proxy_pass http://%%CHAT%%/create;
            notify_session chat id=$chat_id device=$arg_device;
        }
        location /create/header {
            proxy_pass http://%%CHAT%%/create;
            notify_session chat id=$upstream_http_x_chat_id
                           subscription=$arg_sub;
        }
        location /create/events {
            proxy_pass http://%%CHAT%%/create;
            notify_session chat id=$chat_id commit device=$device;
            notify_emit    chat chat.created session_id=$chat_id
                           data=response commit on_error=fail;
        }
        location /create/elsewhere {
            proxy_pass http://%%CHAT%%/create;
            notify_session chat id=$chat_id commit tenant=$arg_tenant;
            error_page 404 = @other;
        }
        location @other { return 200 "other"; }
        location /static {
            notify_session chat id=$arg_id commit nick=$arg_nick;
            return 200 "static";
        }
        location / { notify_api chat; }
    }
END

my %mandatory = (
    'userData[GCTI_Chat_PushSubscribe]' => 'true',
    'userData[GCTI_GMS_NodeGroup]' => 'cluster 1',
    'userData[GCTI_GMS_PushDeviceId]' => "dev\xe9&=1",
    'userData[GCTI_GMS_PushDeviceType]' => 'customhttp');

sub create {
    my ($uri, %form) = @_;
    my $headers = delete $form{headers} // {};
    return http(POST => $nginx->url($uri), headers => {
        'Content-Type' => 'application/x-www-form-urlencoded', %$headers },
        body => HTTP::Tiny->new->www_form_urlencode({ %form }));
}

sub session {
    my ($id, $tenant) = @_;
    return http(GET => $nginx->url("/sessions/$id"),
                headers => { 'X-Tenant' => $tenant // '' });
}

sub said { $_[0]{headers}{'x-notify-session'} }

eventually { http(GET => $nginx->url('/health'))->{status} == 200 } 'ready';


note('D1: the subscription rides inside of the creation of a chat');
{
    my $r = create('/create', id => 'c-1', %mandatory,
                   'userData[GCTI_GMS_PushProvider]' => 'gold');
    is($r->{status}, 201, 'the chat is created') or diag $r->{content};
    is(said($r), 'registered', 'and its answer says that it is registered');
    is($r->{content}, '{"chatId":"c-1"}', 'its body is as it was');
    my $s = session('c-1');
    is($s->{status}, 200, 'it is, already');
    is_deeply([ @{ $s->{json} }{qw(id device group provider ttl)} ],
              [ 'c-1', "dev\xc3\xa9&=1", 'cluster 1', 'gold', 94600 ],
              'with what was given, under the id that the backend gave');
    ok(!exists $s->{json}{debug}, 'what is empty is not kept');
    ok(!$s->{json}{connected}, 'nobody is connected');

    my $n = 0;
    for my $without (sort keys %mandatory) {
        my %form = %mandatory;
        delete $form{$without};
        my $id = 'without-' . ++$n;
        $r = create('/create', id => $id, %form);
        is($r->{status}, 201, "without $without a chat is created");
        is(said($r), undef, 'of which nothing is said');
        is(session($id)->{status}, 404, 'and which is no session');
    }

    $r = create('/create', id => 'c-2', %mandatory,
                'userData[GCTI_GMS_PushDeviceType]' => 'other');
    is(said($r), undef, 'nor with another type of device');
    $r = create('/create', id => '', %mandatory);
    is(said($r), undef, 'nor without an id');
    $r = create('/create?status=403', id => 'c-3', %mandatory);
    is($r->{status}, 403, 'what the backend refuses');
    is(said($r), undef, 'is not registered');
    is(session('c-3')->{status}, 404, 'is no session');
    is(create('/create', id => 'x' x 257, %mandatory)->{status}, 201,
       'an id that is too long is none');
}


note('again');
{
    my $r = create('/create', id => 'c-1', %mandatory,
                   'userData[GCTI_GMS_PushDebug]' => 'true');
    is(said($r), 'registered', 'registered once more');
    my $s = session('c-1');
    is($s->{json}{debug}, 'true', 'with what is new');
    ok(!exists $s->{json}{provider}, 'without what is gone');
}


note('elsewhere');
{
    my $r = create('/create/header?header=1', id => 'h-1');
    is($r->{status}, 201, 'the id from a header of the backend');
    is(said($r), undef, 'nobody waits: nothing is said');
    eventually { session('h-1')->{status} == 200 } 'it is registered';
    is(session('h-1')->{json}{ttl}, 86400, 'for a day');

    $r = create('/create/header?header=1&sub=nobody', id => 'h-2');
    is($r->{status}, 201, 'a subscription that there is not');
    eventually { $nginx->log =~ /not registered: there is no such subscr/ }
        'the log says so';
    is(session('h-2')->{status}, 404, 'it is not registered');

    $r = create('/create/events', id => 'e-1', %mandatory);
    is(said($r), 'registered', 'beside an event that is committed');
    like($r->{content}, qr/e-1/, 'the answer is as it was');
    my $deltas = http(GET => $nginx->url('/deltas'))->{json}{data};
    is(scalar(grep { ($_->{eventType} eq 'chat.created') } @$deltas), 1,
       'which is in the log');
    is(session('e-1')->{json}{device}, "dev\xc3\xa9&=1", 'and the session');

    $r = create('/create/elsewhere?tenant=t-2', id => 't-1');
    is(said($r), 'registered', 'with a tenant of its own');
    is(session('t-1')->{status}, 404, 'not that of the request');
    is(session('t-1', 't-2')->{status}, 200, 'it is that one');
    $r = create('/create', headers => { 'X-Tenant' => 't-3' }, id => 't-3',
                %mandatory);
    is(said($r), 'registered', 'the tenant of the request');
    is(session('t-3', 't-3')->{status}, 200, 'by default');
    is(session('t-3')->{status}, 404, 'and no other');

    $r = http(GET => $nginx->url('/static?id=s-1&nick=Ann'));
    is($r->{content}, 'static', 'an answer that nginx gives itself');
    is(said($r), 'registered', 'registers, too');
    is(session('s-1')->{json}{nick}, 'Ann', 'its session');

    is(http($_ => $nginx->url('/create?id=m-1'))->{headers}
       {'x-notify-session'}, undef, "$_ registers nothing")
        for 'HEAD', 'OPTIONS';
}


note('a push has what the session keeps');
{
    http(POST => $nginx->url('/subscriptions'), json => {
        url => $receiver->url('/push'), event => 'message.new' });
    http(POST => $nginx->url('/events'), json => {
        eventType => 'message.new', sessionId => 'c-1' });
    eventually { $receiver->count('/push') } 'a push';
    my ($push) = $receiver->requests('/push');
    is(from_json($push->{body})->{device}, "dev\xc3\xa9&=1", 'its device');
}


note('many at once, and clients that leave');
{
    my @pids = map { my $n = $_; NotifyTest::spawn(sub {
        create('/create', id => "many-$n-$_", %mandatory) for 1 .. 25;
    }) } 1 .. 4;
    for (1 .. 20) {
        my $socket = NotifyTest::Chat::request($nginx->port, 'POST',
            '/create?id=left', 'Content-Length' => 0);
        elapse 0.001 * $_;
        $chat->cut($socket);
    }
    NotifyTest::reap($_) for @pids;
    is(scalar(grep { session("many-$_")->{status} != 200 }
              map { my $n = $_; map { "$n-$_" } 1 .. 25 } 1 .. 4), 0,
       'all are registered');
}


note('Redis is away');
{
    $redis->kill;
    my $start = time;
    my $r = create('/create', id => 'away-1', %mandatory);
    is($r->{status}, 201, 'a chat is created all the same');
    is(said($r), 'failed', 'and said not to be registered');
    cmp_ok(time - $start, '<', 5, 'soon');
    $r = create('/create/header?header=1', id => 'away-2');
    is($r->{status}, 201, 'nor when nobody waits');
    like($nginx->log, qr/a session of "chat" is not registered/,
         'the log says so');
    unlike($nginx->log, qr/is not registered.*away-1/, 'without its id');

    # one connection has one worker, which keeps their order
    my $client = HTTP::Tiny->new;
    is($client->post_form($nginx->url("/create/quiet?device=$_"),
                          { id => 'away-3' })->{status}, 201, 'nor nine times')
        for 1 .. 9;
    like($nginx->log, qr/sessions of "chat" wait for Redis/, 'it says so');
    $redis->start;
    eventually { my $r = create('/create', id => 'away-1', %mandatory);
                 (said($r) // '') eq 'registered' } 'and then it is';
    my $stats = http_served(GET => $nginx->url('/stats'))->{content};
    like($stats, qr/"unregistered":[1-9]/, 'those that were not are counted')
        or diag $stats;
    eventually { session('away-2')->{status} == 200 }
        'where nobody waited it is registered by itself';
    eventually { (session('away-3')->{json}{device} // '') eq '9' }
        'with what it said last';
}

note('too many, while Redis is away');
{
    my $counted = sub { http_served(GET => $nginx->url('/stats'))->{content}
                        =~ /"unregistered":(\d+)/ ? $1 : 0 };
    my $before = $counted->();
    my $device = 'd' x 3900;

    $redis->kill;
    create("/create/quiet?device=$device", id => "full-$_") for 1 .. 560;
    # the last of them after its answer
    my $lost = sub { scalar(() = $nginx->log
                            =~ /not registered: too many wait for Redis/g) };
    cmp_ok($lost->(), '>', 0, 'not all of 2 MB are kept by two workers');
    cmp_ok($lost->(), '<', 340, 'but 1 MB is, at the least');
    $redis->start;
    eventually { $lost->() + grep({ session("full-$_")->{status} == 200 }
                                  1 .. 560) == 560 } 'and come';
    is($counted->() - $before, $lost->(), 'the others are counted');
}

note('a worker that exits while some wait');
{
    $redis->kill;
    create('/create/quiet?device=d', id => "exit-$_") for 1 .. 3;
    my $mark = () = $nginx->log =~ /the worker exits/g;
    $nginx->reload;
    eventually { $mark + 3 == (() = $nginx->log =~ /the worker exits/g) }
        'says so of each';
    $redis->start;
    eventually { http(GET => $nginx->url('/health'))->{status} == 200 };
}

finish();
