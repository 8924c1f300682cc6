# Device sessions over REST, and pushes only to those who are away.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    http => <<'END');
    notify_profile push {
        allow 127.0.0.0/8;
        schemes http;
        payload '{"id":"$notify_event_id","sessionId":"$notify_session_id"}';
        retry off;
    }
    notify_channel chat { profile push; }

    server {
        listen 127.0.0.1:%%PORT%%;
        notify_tenant $http_x_tenant optional;
        location / { notify_api chat; }
    }
END

sub req {
    my ($method, $path, %option) = @_;
    return http($method => $nginx->url($path), %option);
}

sub publish {
    my ($session, %more) = @_;
    my $headers = delete $more{headers};
    return req(POST => '/events', headers => $headers // {}, json => {
        eventType => 'message.new', sessionId => $session,
        data => 'the secret content', %more });
}

sub pushed {
    my ($path) = @_;
    $receiver->script('/settle');
    return map { from_json($_->{body})->{sessionId} }
           grep { $_->{path} eq $path } $receiver->requests;
}

eventually { req(GET => '/health')->{status} == 200 } 'ready';

my $one = req(POST => '/subscriptions', json => {
    url => $receiver->url('/one'), event => 'message.new' });
is($one->{status}, 201, 'a push configuration') or diag $one->{content};
my $two = req(POST => '/subscriptions', json => {
    url => $receiver->url('/two'), event => 'message.new' });

note('the resource');
{
    my $r = req(PUT => '/sessions/s-1', json => {
        subscription => $one->{json}{id}, deviceId => "d\x{e9}",
        provider => 'fcm', ttl => '2h', big => 1 });
    is($r->{status}, 201, 'registered') or diag $r->{content};
    is_deeply([ @{ $r->{json} }{qw(id subscription deviceId provider ttl big)},
                !!$r->{json}{connected} ],
              [ 's-1', $one->{json}{id}, "d\xc3\xa9", 'fcm', 7200, '1', !!0 ],
              'with what was given, disconnected');
    like($r->{json}{registered}, qr/^\d{4}-.*Z$/, 'and when it was');
    is(req(PUT => '/sessions/s-1', json => {
           subscription => $one->{json}{id} })->{status}, 200, 'again');
    $r = req(GET => '/sessions/s-1');
    is($r->{status}, 200, 'read');
    ok(!exists $r->{json}{deviceId}, 'what was there is replaced');
    is($r->{json}{ttl}, 86400, 'a day by default');

    $r = req(PUT => '/sessions/s%202', headers => {
        'Content-Type' => 'application/x-www-form-urlencoded' },
        body => 'userData%5BGCTI_GMS_PushDeviceId%5D=dev+1&a=%C3%A9&ttl=60');
    is($r->{status}, 201, 'a form') or diag $r->{content};
    is_deeply([ @{ $r->{json} }{qw(id GCTI_GMS_PushDeviceId a ttl)} ],
              [ 's 2', 'dev 1', "\xc3\xa9", 60 ], 'its fields are values');

    is(req(PUT => '/sessions/bare')->{status}, 201, 'nothing but an id');
    is(req(GET => '/sessions/bare')->{json}{ttl}, 86400, 'is a session, too');

    is(req(PUT => '/sessions/x', json => $_->[0])->{status}, $_->[1],
       to_json($_->[0]))
        for [{ ttl => 'x' }, 422], [{ ttl => 0 }, 422], [{ ttl => -1 }, 422],
            [{ a => [] }, 422], [{ subscription => 'nobody' }, 422],
            [{ a => 'x' x 5000 }, 422],
            [{ map { $_ => 1 } 1 .. 33 }, 422];
    is(req(PUT => '/sessions/x', body => 'a=1&A=2', headers => {
        'Content-Type' => 'application/x-www-form-urlencoded' })->{status},
       400, 'a field twice');
    is(req(PUT => '/sessions/x', headers => { 'X-Tenant' => 'other' },
           json => { subscription => $one->{json}{id} })->{status}, 422,
       "another tenant's subscription");
    is(req(GET => '/sessions/x')->{status}, 404, 'none of these was kept');
    is(req(PUT => '/sessions/' . 'x' x 257, json => {})->{status}, 404,
       'an id that is too long');
    is(req(POST => '/sessions/s-1/asleep')->{status}, 404, 'no such verb');
    is(req(POST => '/sessions/s-1')->{status}, 405, 'no such method');
    is(req(POST => '/sessions/nobody/connected')->{status}, 404,
       'nobody cannot be connected');
    is(req($_->[0] => "/sessions/s-1$_->[1]", headers => {
           'X-Tenant' => 'other' })->{status}, 404,
       "another tenant's is not there: $_->[0] $_->[1]")
        for ['GET', ''], ['POST', '/connected'];
    is(req(DELETE => '/sessions/s-1', headers => { 'X-Tenant' => 'other' })
       ->{status}, 204, 'its DELETE');
    is(req(GET => '/sessions/s-1')->{status}, 200, '... deletes nothing');
    is(req(DELETE => '/sessions/s%202')->{status}, 204, 'deleted');
    is(req(GET => '/sessions/s%202')->{status}, 404, 'and gone');
}

note('who is connected gets no push');
{
    my $r = req(POST => '/sessions/s-1/connected');
    is($r->{status}, 200, 'connected') or diag $r->{content};
    ok($r->{json}{connected} && $r->{json}{connectedUntil},
       'and until when, without a heartbeat');
    is(publish('s-1')->{status}, 202, 'an event for it');
    is(publish('nobody')->{status}, 202, 'one for a session unknown');
    is(publish(undef)->{status}, 202, 'one for none');
    eventually { 2 == pushed('/two') } 'only the others come';
    eventually { 2 == pushed('/one') } 'to each';
    ok(!grep({ ($_ // '') eq 's-1' } pushed('/one')), 'nothing for it');

    # the latest first
    for my $path ("/subscriptions/$one->{json}{id}/deliveries",
                  "/subscriptions/$one->{json}{id}/deliveries?status=skipped")
    {
        my ($list, $last);
        eventually {
            $list = req(GET => $path)->{json};
            @$list && !grep { $_->{status} eq 'pending' } @$list;
        } 'the commit';
        $last = $list->[-1];
        is_deeply([ @$last{qw(status reason attemptCount)} ],
                  ['skipped', 'session', 0],
                  "$path says that it was skipped") or diag(explain($list));
        is_deeply([ map { @$_{qw(status reason attemptCount)} }
                    @$list[0 .. $#$list - 1] ],
                  [ $path =~ /=/ ? () : (('succeeded', undef, 1) x 2) ],
                  'and nothing of the others');
        my $one = req(GET => "/deliveries/$last->{id}")->{json};
        is_deeply([ @$one{qw(status reason attemptCount)} ],
                  ['skipped', 'session', 0], 'so it is by itself');
    }

    is(req(POST => '/sessions/s-1/disconnected')->{json}{connected} ? 1 : 0, 0,
       'disconnected');
    publish('s-1') for 1 .. 3;
    eventually { 5 == pushed('/one') } 'its pushes come';
    publish(undef);
    eventually { 3 == pushed('/two') } 'what comes behind them comes';
    is(scalar grep({ ($_ // '') eq 's-1' } pushed('/two')), 0,
       "but only to the session's subscription");

    req(POST => '/sessions/s-1/heartbeat', json => { timeout => '1s' });
    ok(req(GET => '/sessions/s-1')->{json}{connected}, 'a heartbeat');
    publish('s-1');
    eventually { !req(GET => '/sessions/s-1')->{json}{connected} }
        'without another it is away';
    publish('s-1');
    publish(undef);
    eventually { 4 == pushed('/two') } 'the log goes on';
    eventually { 8 == pushed('/one') } 'and pushes come again';
    is(scalar grep({ ($_ // '') eq 's-1' } pushed('/one')), 4,
       'none for the time of the heartbeat, not even later');

    my $deltas = req(GET => '/deltas?limit=100');
    is(scalar @{ $deltas->{json}{data} }, 10, 'all are in the log');
    $receiver->script('/settle');
    ok(!grep({ $_->{body} =~ /secret content/
               || grep { /secret content/ } %{ $_->{headers} } }
             $receiver->requests), 'not a byte of the content was sent');
}

note('many');
{
    my $before = () = pushed('/two');
    my @events = map { { eventType => 'message.new', sessionId => "many-$_" } }
                 1 .. 500;
    req(PUT => "/sessions/many-$_", json => {}) for 1 .. 10;
    req(POST => "/sessions/many-$_/connected") for 1 .. 10;
    my ($calls) = map { /calls=(\d+)/ } grep { /^cmdstat_evalsha:/ }
                  $redis->cli('INFO', 'commandstats');
    is(req(POST => '/events', json => [ @events[0 .. 249] ])->{status}, 202,
       '250 at once');
    is(req(POST => '/events', json => [ @events[250 .. 499] ])->{status}, 202,
       'and again');
    eventually { $before + 490 == pushed('/two') } 'all but the connected';
    my ($after) = map { /calls=(\d+)/ } grep { /^cmdstat_evalsha:/ }
                  $redis->cli('INFO', 'commandstats');
    cmp_ok($after - $calls, '<', 200, 'presence costs a question a batch');
}

note('Redis is away, and comes back');
{
    my $before = () = pushed('/one');
    $redis->kill;
    $redis->start;
    eventually { publish('after')->{status} == 202 } 'published';
    eventually { $before < pushed('/one') } 'and pushed';
}

note('memory');
{
    req(PUT => '/sessions/bf813a5d-2e06-4047-bae2-e01da2f69f7c', json => {
        subscription => $one->{json}{id}, provider => 'fcm',
        deviceId => 'bf813a5d-2e06-4047-bae2-e01da2f69f7c' });
    req(POST => '/sessions/bf813a5d-2e06-4047-bae2-e01da2f69f7c/connected');
    my @sizes = sort { $b <=> $a }
                map { $redis->cli('MEMORY', 'USAGE', $_) }
                $redis->cli('--scan', '--pattern', '*session:*');
    note("bytes of Redis for a session: $sizes[0]");
    cmp_ok($sizes[0], '<=', 400, 'at most 400 bytes for a session');
}

finish();
