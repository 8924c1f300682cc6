# notify_provider: rows D1 to D7 over real HTTP, with the REST resource of
# sessions; and what nginx -t says of a bad one.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my @nodes = map { NotifyTest::Receiver->new } 1 .. 2;
my %vars = (PUSH => $receiver->port, N1 => $nodes[0]->port,
            N2 => $nodes[1]->port, GONE => NotifyTest::free_port());

my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
    allow => qr/exited on signal 9/, vars => \%vars, http => <<'END');
    notify_provider first {
        url      http://127.0.0.1:%%PUSH%%/first;
    }
    notify_provider default {
        url            http://127.0.0.1:%%PUSH%%/push?app=1;
        message        "Something \"new\" in $notify_event_type";
        debug_url      http://127.0.0.1:%%PUSH%%/debug;
        debug_message  "debug $notify_session_id";
        payload        on;
    }
    notify_provider other {
        url            http://127.0.0.1:%%PUSH%%/other;
        message        other;
        header         X-API-Key k-1;
        breaker        failures=3 window=1m cooldown=1s;
        read_timeout   300ms;
    }
    # a name that nobody resolves: the nodes take its place
    notify_provider nodes {
        url            http://gms/node;
        message        "for a node";
        group          gms ring;
        connect_timeout 500ms;
        timeout        1s;
    }

    upstream gms {
        server 127.0.0.1:%%N1%% fail_timeout=2s;
        server 127.0.0.1:%%N2%% fail_timeout=2s;
        server 127.0.0.1:%%GONE%% down;
    }
    upstream ring {
        server 127.0.0.1:%%GONE%%;
    }

    notify_channel chat {
        event chat.message;
        event chat.abandon own;
    }

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
    my $headers = delete $more{headers} // {};
    my $r;
    # of two workers one may not have found Redis again
    eventually {
        $r = req(POST => '/events', headers => $headers, json => {
            eventType => 'chat.message', sessionId => $session,
            data => { text => 'what was said' }, %more });
        $r->{status} != 503;
    };
    is($r->{status}, 202, 'published') or diag $r->{content};
    return $r->{json}{id};
}

sub session {
    my ($id, %values) = @_;
    my $r = req(PUT => "/sessions/$id", json => \%values);
    like($r->{status}, qr/^20[01]$/, "a session $id") or diag $r->{content};
    return $r->{json};
}

sub bodies { my ($r, $path) = @_;
             return map { from_json($_->{body}) } $r->requests($path) }

sub drops { return grep { /notify push: event/ } split /\n/, $nginx->log }
sub counters { return req(GET => '/stats')->{json}{counters} }

eventually { req(GET => '/health')->{status} == 200 } 'ready';

note('D1, D4, D7: the subscription rides inside the session');
{
    my $r = req(PUT => '/sessions/s-form', headers => {
        'Content-Type' => 'application/x-www-form-urlencoded' },
        body => join '&', 'userData%5BGCTI_Chat_PushSubscribe%5D=true',
        'userData%5BGCTI_GMS_NodeGroup%5D=GMS+cluster',
        'userData%5BGCTI_GMS_PushDeviceId%5D=device+1',
        'userData%5BGCTI_GMS_PushDeviceType%5D=customhttp');
    is($r->{status}, 201, 'a form as chat clients send it') or diag $r->{content};
    is($r->{json}{subscription}, 'provider-default',
       'belongs to the provider "default"');

    publish('s-form');
    eventually { 1 == bodies($receiver, '/push?app=1') } 'is pushed';
    my ($call) = $receiver->requests('/push?app=1');
    is_deeply(from_json($call->{body}),
              { message => 'Something "new" in chat.message',
                deviceId => 'device 1' },
              'the message and the device, and no payload by default');
    is($call->{headers}{'content-type'}, 'application/json', 'as JSON');
    unlike(join(' ', %{ $call->{headers} }, $call->{body}), qr/was said/,
           'not a byte of the content');

    is(session('s-other', provider => 'other', deviceId => 'd-2')
       ->{subscription}, 'provider-other', 'a provider of its own choice');
    publish('s-other');
    eventually { 1 == bodies($receiver, '/other') } 'is called';
    is(($receiver->requests('/other'))[0]{headers}{'x-api-key'}, 'k-1',
       'with its header');
    is(scalar(bodies($receiver, '/push?app=1')), 1, 'and no other is');
    is(scalar(bodies($receiver, '/first')), 0, 'the first is not the default');
}

note('D2, D5: payload and debug are the session\'s, off is the server\'s');
{
    session('s-debug', push => 'true', deviceId => 'd-3', payload => 'true',
            debug => 'true');
    publish('s-debug');
    eventually { 1 == bodies($receiver, '/debug') } 'the debug URL';
    is_deeply([ bodies($receiver, '/debug') ],
              [ { message => 'debug s-debug', deviceId => 'd-3',
                  payload => { text => 'what was said' } } ],
              'the debug message, and the payload');

    session('s-off', provider => 'other', deviceId => 'd-4',
            GCTI_GMS_PushIncludePayload => 'true', debug => 'true');
    publish('s-off');
    eventually { 2 == bodies($receiver, '/other') }
        'without a debug URL its own';
    is_deeply((bodies($receiver, '/other'))[1],
              { message => 'other', deviceId => 'd-4' },
              'a provider that is off sends no payload, whoever asks');
    session('s-no', push => 'true', deviceId => 'd-5', payload => 'false');
    publish('s-no');
    eventually { 2 == bodies($receiver, '/push?app=1') } 'payload=false';
    ok(!exists((bodies($receiver, '/push?app=1'))[1]{payload}), 'has none');
}

note('who gets it');
{
    my $hook = req(POST => '/subscriptions', json => {
        url => 'http://192.0.2.1/', event => 'chat.message' });
    is($hook->{status}, 422, 'a subscriber may not name such an address');

    publish('nobody');
    publish(undef);
    session('s-plain', deviceId => 'd-6');
    publish('s-plain');
    req(POST => '/sessions/s-form/connected');
    publish('s-form');
    req(POST => '/sessions/s-form/disconnected');
    publish('s-form', eventType => 'chat.abandon');
    session('s-own', push => 1, deviceId => 'd-7',
            GCTI_GMS_NotifyRequestor => 'true');
    publish('s-own', eventType => 'chat.abandon');
    eventually { 3 == bodies($receiver, '/push?app=1') }
        'D3: own activity for who asks for it';
    is((bodies($receiver, '/push?app=1'))[2]{deviceId}, 'd-7',
       'and nothing for sessions unknown, connected or without a provider');

    my $r = req(PUT => '/sessions/t-1', headers => { 'X-Tenant' => 'other' },
                json => { push => 1, deviceId => 'd-8' });
    is($r->{status}, 201, "another tenant's session");
    publish('t-1');
    publish('t-1', headers => { 'X-Tenant' => 'other' });
    eventually { 4 == bodies($receiver, '/push?app=1') } 'is pushed to';
    is(scalar(grep { $_->{deviceId} eq 'd-8' }
              bodies($receiver, '/push?app=1')), 1, 'by its own events only');
    is_deeply(req(GET => '/subscriptions')->{json}, [],
              "a provider's subscription is nobody's to see");
    is(req(PUT => '/sessions/x', json => {
           subscription => 'provider-default' })->{status}, 422,
       'nor to name');
    is(drops(), 0, 'none of these was a drop');
}

note('D7: never resent, one line and one counter each');
{
    my $before = bodies($receiver, '/other');
    $receiver->script('/other', { status => 503 }, { reset => 1 },
                      { hold => 1 }, { status => 200 });
    session('s-fail', provider => 'other', deviceId => "d\"\x{1}\n9",
            group => 'G');
    my $id = publish('s-fail');
    eventually { 1 == drops() } 'a failure is a drop';
    like((drops())[0], qr/\[warn\] .*dropped by provider "other": status, status 503, device "d\?\?\?9", group "G"/,
         'with its reason, device and group') or diag(drops());
    publish('s-fail') for 1, 2;
    eventually { 3 == drops() } 'one line each';
    like($nginx->log, qr/breaker of subscription "provider-other" opened/,
         'a breaker opens');
    publish('s-fail');
    eventually { 4 == drops() } 'what it holds is dropped';
    like((drops())[3], qr/: breaker open, status 0, device/, 'and said');
    is(scalar(bodies($receiver, '/other')) - $before, 3,
       'nothing is sent again');
    elapse 1.1;
    publish('s-fail');
    eventually { 4 == bodies($receiver, '/other') - $before }
        'after the cool-down a new one';
    is(() = $nginx->log =~ /given up|notify retry/g, 0, 'no other line');
    eventually { counters()->{pushFailed} == 3 && counters()->{pushHeld} == 1 }
        'and the counters' or diag explain counters();

    session('s-unknown', provider => 'none', deviceId => 'd-10');
    publish('s-unknown');
    eventually { 5 == drops() } 'a provider that is not configured';
    like((drops())[4], qr/unknown provider, status 0, device "d-10"/, 'is said');
    session('s-bare', push => 1, group => 'G');
    publish('s-bare');
    eventually { 6 == drops() } 'a session without a device';
    like((drops())[5], qr/: no device, .*group "G"/, 'is said');
    eventually { counters()->{pushNoProvider} == 1
                 && counters()->{pushNoDevice} == 1 } 'counted by their reason';
}

note('D6: nodes of a group');
{
    my @at = map { { port => $_->port, r => $_, name => '127.0.0.1:' . $_->port } }
             @nodes;
    my $calls = sub { map { $_->{r}->count('/node') } @at };
    my $total = sub { my ($x, $y) = $calls->(); $x + $y };

    session("n-$_", provider => 'nodes', deviceId => "n$_", group => 'gms')
        for 1 .. 20;
    publish("n-$_") for 1 .. 20;
    eventually { 20 == $total->() } 'all are pushed';
    ok(!grep({ $_ < 3 } $calls->()), 'over the nodes that are not down')
        or diag join ' ', $calls->();

    my %node;
    for my $n (0, 1) {
        $node{ $_->{deviceId} } = $n for bodies($at[$n]{r}, '/node');
        is(($at[$n]{r}->requests('/node'))[0]{headers}{host}, $at[$n]{name},
           "whose address is the URL's host");
    }

    my ($one) = grep { $node{"n$_"} == 0 } 1 .. 20;
    my ($two) = grep { $node{"n$_"} == 1 } 1 .. 20;
    eventually { (req(GET => "/sessions/n-$one")->{json}{node} // '')
                 eq $at[0]{name} } 'the node is kept with the session';
    my ($x, $y) = $calls->();
    publish("n-$one") for 1 .. 3;
    eventually { $total->() == $x + $y + 3 } 'more for one session';
    is(($calls->())[0], $x + 3, 'go to its node');

    my $drops = drops();
    $at[0]{r}->stop;
    publish("n-$one");
    eventually { drops() == $drops + 1 } 'its node fails: dropped, once';
    like((drops())[-1], qr/connection (refused|closed|reset).*device "n$one", group "gms"/,
         'and said');
    publish("n-$one");
    eventually { ($calls->())[1] == $y + 1 }
        "another node at the session's next activity";
    eventually { req(GET => "/sessions/n-$one")->{json}{node} eq $at[1]{name} }
        'is kept from then on';
    $at[0]{r}->start;
    elapse 2.1;
    publish("n-$one");
    eventually { ($calls->())[1] == $y + 2 }
        'also when the first one is back';
    publish("n-$two");
    eventually { ($calls->())[1] == $y + 3 } 'who never left stays';
    is(drops(), $drops + 1, 'no other drop');

    session("n-$one", provider => 'nodes', deviceId => "n$one", group => 'gms');
    ok(!exists req(GET => "/sessions/n-$one")->{json}{node},
       'registered again, it has none');
    ($x, $y) = $calls->();
    publish("n-$one");
    eventually { ($calls->())[0] == $x + 1 } 'and one is looked for';

    session('r-1', provider => 'nodes', deviceId => 'r', group => 'ring');
    publish('r-1');
    eventually { drops() == $drops + 2 } 'a group whose only node is away';
    like((drops())[-1], qr/connection refused/, 'it is tried');
    publish('r-1');
    eventually { drops() == $drops + 3 } 'as nginx does, again';
    like((drops())[-1], qr/connection refused/, 'it is never left alone');
    session('r-2', provider => 'nodes', deviceId => 'r', group => 'unheard-of');
    publish('r-2');
    eventually { drops() == $drops + 4 } 'a group that there is not';
    like((drops())[-1], qr/no node in group, status 0, device "r", group/,
         'is said');
    eventually { counters()->{pushNoNode} == 1 } 'and counted';
    session('r-3', provider => 'nodes', deviceId => 'r');
    my $before = $total->();
    publish('r-3');
    eventually { $total->() == $before + 1 }
        'without a group in the session the first one';
}

note('Redis is away, and comes back; nginx is reloaded');
{
    my $before = bodies($receiver, '/push?app=1');
    $redis->kill;
    $redis->start;
    eventually { req(GET => '/health')->{status} == 200
                 && req(GET => '/sessions/s-form')->{status} == 200 } 'back';
    publish('s-form');
    eventually { bodies($receiver, '/push?app=1') == $before + 1 } 'pushed';
    $nginx->reload;
    publish('s-form');
    eventually { bodies($receiver, '/push?app=1') == $before + 2 } 'and again';
}

note('a push that takes long is not made again by who comes after');
{
    my $before = bodies($receiver, '/push?app=1');
    $receiver->script('/push?app=1', { delay => 6 }, {});
    publish('s-form');
    eventually { bodies($receiver, '/push?app=1') == $before + 1 } 'under way';
    elapse 1.5;              # after a second nobody waits for it
    kill KILL => $nginx->workers;
    eventually { req(GET => '/health')->{status} == 200 } 'workers die';
    publish('s-no');
    eventually { my @bodies = bodies($receiver, '/push?app=1');
                 grep { $_->{deviceId} eq 'd-5' }
                 @bodies[$before + 1 .. $#bodies] }
        'others go on';
    is(scalar(bodies($receiver, '/push?app=1')), $before + 2,
       'with what follows');
}

note('a provider that is taken out of the configuration');
{
    my $drops = drops();
    $nginx->{http} =~ s/notify_provider other \{.*?\n    \}\n//s or die;
    $nginx->write_conf;
    $nginx->reload;
    publish('s-off');
    eventually { drops() == $drops + 1 } "drops what is for its sessions";
    like((drops())[-1],
         qr/dropped by provider "default": unknown provider.*device "d-4"/,
         'and says so');
}

note('nginx -t');
{
    my $bad = NotifyTest::Nginx->new(start => 0, http => '', redis => $redis);
    my $url = 'url http://127.0.0.1/;';

    for ([ '', qr/notify_provider "p" has no "url" in \S+:\d+/ ],
         [ 'url http://127.0.0.1/; url http://127.0.0.1/;',
           qr/"url" directive is duplicate/ ],
         [ 'url ftp://x/;', qr/invalid URL "ftp:\/\/x\/": the URL does not/ ],
         [ "\n url http://localhost/;", qr/reserved name.*nginx.conf:LINE1/ ],
         [ "$url debug_url http://x y/;", qr/invalid number of arguments/ ],
         [ "$url\n debug_url http://a\@b/;", qr/user information.*:LINE1/ ],
         [ "$url message;", qr/invalid number of arguments in "message"/ ],
         [ "$url message 'a \$host';", qr/unknown variable "\$host"/ ],
         [ "$url\n debug_message \$notify_payload;",
           qr/payload cannot contain.*:LINE1/ ],
         [ "$url payload maybe;", qr/it must be "on" or "off"/ ],
         [ "$url payload '{}';", qr/it must be "on" or "off"/ ],
         [ "$url retry 1s;", qr/"retry" directive cannot be in notify_provider: nothing is sent again/ ],
         [ "$url retry off;", qr/"retry" directive cannot be/ ],
         [ "$url order strict;", qr/"order" directive cannot be/ ],
         [ "$url sign standard;", qr/use "jwt"/ ],
         [ "$url group;", qr/invalid number of arguments in "group"/ ],
         [ "$url group a a;", qr/duplicate group "a"/ ],
         [ "$url\n group nowhere;", qr/unknown upstream "nowhere" in \S+:LINE1/ ],
         [ "$url group u; group v;", qr/"group" directive is duplicate/ ],
         [ "$url group sock;", qr/server "unix:\/x" of upstream "sock" cannot be called, it has no address with a port/ ],
         [ "$url deny 127.0.0.0/8;", qr/address 127\.0\.0\.1 is in 127\.0\.0\.0\/8/ ],
         [ "url https://x/; deny 127.0.0.0/8; group u;",
           qr/server "127\.0\.0\.1:1" of upstream "u" cannot be called/ ],
         [ "url http://127.0.0.1:25/; ports 80;", qr/port 25 is not allowed/ ],
         [ "$url nothing;", qr/unknown directive "nothing"/ ])
    {
        my ($block, $said) = @$_;
        my $line = 0;
        $bad->write_conf(http => <<"END");
    upstream u { server 127.0.0.1:1; }
    upstream sock { server unix:/x; }
    notify_provider p { $block }
    notify_channel c { }
    server { listen 127.0.0.1:%%PORT%%; }
END
        for (split /^/, slurp($bad->conf)) {
            $line++;
            last if /notify_provider p/;
        }
        $said =~ s/LINE1/$line + 1/e;
        my ($text, $ok) = $bad->check;
        ok(!$ok && $text =~ /\[emerg\].*$said/, "refused: $block")
            or diag($text);
    }

    # an nginx before 1.27.3 has no such parameter
    $bad->write_conf(http => <<'END');
    resolver 127.0.0.1:1;
    upstream u { zone u 64k; server 127.0.0.1:1; server a.test:1 resolve; }
    notify_provider p { url http://127.0.0.1/; group u; }
    server { listen 127.0.0.1:%%PORT%%; }
END
    like($bad->check, qr/invalid\ parameter\ "resolve"
        |server\ "a\.test:1"\ of\ upstream\ "u"\ cannot\ be\ called,
         \ its\ addresses\ are\ not\ known\ yet/x,
         'a server whose name nginx asks for later is refused');

    $bad->write_conf(http => <<'END');
    notify_provider p { url http://127.0.0.1/; }
    notify_provider p { url http://127.0.0.1/; }
    server { listen 127.0.0.1:%%PORT%%; }
END
    like($bad->check, qr/duplicate notify_provider "p", first in/, 'twice');
    $bad->write_conf(http => <<'END');
    notify_provider p {
        url http://10.0.0.1:25/; header X-A $notify_session_deviceId;
        breaker off; rate 5r/s; in_flight 2; timeout 1s; group u;
    }
    upstream u { server 127.0.0.1:22; server 127.0.0.1:80 backup; }
    server { listen 127.0.0.1:%%PORT%%; }
END
    my ($text, $ok) = $bad->check;
    ok($ok, "an operator's addresses and ports are the operator's")
        or diag($text);
}

finish();
