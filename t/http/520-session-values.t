# What a session keeps goes into the pushes for it, and decides on its own
# activity.

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
        header X-Device $notify_session_push_device_id;
        payload '{"n":"$notify_data","session":"$notify_session_id",
                  "device":"$notify_session_pushDeviceId",
                  "say":"to $notify_session_nick of $notify_session_nothing!",
                  "none":"$notify_session_nothing",
                  "content":"$notify_session_data"}';
        retry 300ms 300ms 300ms 300ms;
    }
    notify_channel chat {
        profile push;
        event message.new;
        event chat.abandon own;
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        location / { notify_api chat; }
    }
END

my $n = 0;

sub publish {
    my ($session, $type) = @_;
    my $r = http(POST => $nginx->url('/events'), json => {
        eventType => $type // 'message.new', data => ++$n,
        defined $session ? (sessionId => $session) : () });
    is($r->{status}, 202, "event $n is published") or diag $r->{content};
    return $n;
}

sub session {
    my ($id, %values) = @_;
    my $r = http(PUT => $nginx->url("/sessions/$id"), json => { %values });
    like($r->{status}, qr/^20[01]$/, "$id is registered")
        or diag $r->{content};
}

sub pushed {
    my ($path, $data) = @_;
    return grep { $_->{json}{n} == $data }
           map { { %$_, json => from_json($_->{body}) } }
           $receiver->requests($path);
}

eventually { http(GET => $nginx->url('/health'))->{status} == 200 } 'ready';

my $sub = http(POST => $nginx->url('/subscriptions'), json => {
    url => $receiver->url('/push'),
    events => ['message.new', 'chat.abandon'] });
is($sub->{status}, 201, 'a subscription') or diag $sub->{content};


note('values');

session('s-1', PushDeviceId => "dev\x{e9} \"1\"", nick => 'Ann');
my $data = publish('s-1');
eventually { pushed('/push', $data) } 'a push';
my ($push) = pushed('/push', $data);
is($push->{json}{device}, "dev\xc3\xa9 \"1\"",
   'a value of the session, by its name without case and underscores');
is($push->{headers}{'x-device'}, "dev\xc3\xa9 \"1\"", 'in a header too');
is($push->{json}{say}, 'to Ann of !', 'inside of text');
is($push->{json}{none}, undef, 'a value that it does not keep is null');

session('s-1', PushDeviceId => 'other');
$data = publish('s-1');
eventually { pushed('/push', $data) } 'registered anew, the next push';
($push) = pushed('/push', $data);
is($push->{json}{device}, 'other', 'has the new value');
is($push->{json}{say}, 'to  of !', 'and not one that is gone');

$data = publish('nobody');
eventually { pushed('/push', $data) } 'for a session that is not registered';
is((pushed('/push', $data))[0]{json}{device}, undef, 'there is none');

$data = publish();
eventually { pushed('/push', $data) } 'for no session';
is((pushed('/push', $data))[0]{json}{device}, undef, 'there is none');


note('again');

$receiver->script('/push', ({ status => 503 }) x 2, { status => 200 });
$data = publish('s-1');
eventually { 3 == pushed('/push', $data) } 'tried again until it is taken';
is($_->{json}{device}, 'other', 'every attempt has the value')
    for pushed('/push', $data);

my @many = map { publish($_ % 2 ? 's-1' : undef) } 1 .. 20;
eventually { 20 == grep { pushed('/push', $_) } @many } 'many';
$receiver->script('/push', ({ status => 503 }) x 20, { status => 200 });
my @failed = map { publish($_ % 2 ? 's-1' : undef) } 1 .. 20;
eventually { 20 == grep { 2 <= pushed('/push', $_) } @failed }
    'many are tried again';
is(scalar(grep { ($_->{json}{device} // '') ne
                 ($_->{json}{session} ? 'other' : '') }
          map { pushed('/push', $_) } @failed), 0,
   'each with what its session keeps');

is(http(POST => $nginx->url("/subscriptions/$sub->{json}{id}/redeliver"),
        json => { all => JSON::PP::true,
                  since => '2020-01-01T00:00:00Z' })->{status}, 202,
   'all of it once more');
eventually { 3 <= pushed('/push', $failed[-1]) } 'comes';
is((pushed('/push', $many[0]))[1]{json}{device}, 'other', 'with the value');


note('content');

for (['', undef], ['0', undef], ['FALSE', undef], ['off', undef], ['no', undef],
     ['true', 1], ['1', 1], ['yes', 1])
{
    my ($value, $asked) = @$_;
    session('s-1', payload => $value);
    $data = publish('s-1');
    eventually { pushed('/push', $data) } "payload=\"$value\"";
    is((pushed('/push', $data))[0]{json}{content}, $asked && $data,
       $asked ? 'is the content' : 'is none');
}


note('own activity');

$data = publish('s-1', 'chat.abandon');
my $behind = publish('s-1');
eventually { pushed('/push', $behind) } 'what comes behind it is pushed';
is(scalar pushed('/push', $data), 0,
   'own activity is not pushed to a session that has not asked for it');

session('s-1', own => $_) for 'false';
$data = publish('s-1', 'chat.abandon');
$behind = publish('s-1');
eventually { pushed('/push', $behind) } 'it says own=false';
is(scalar pushed('/push', $data), 0, 'and still gets none');

session('s-1', own => 'true');
$data = publish('s-1', 'chat.abandon');
eventually { pushed('/push', $data) } 'it asks for it, and gets it';

$data = publish('nobody', 'chat.abandon');
$behind = publish('nobody');
eventually { pushed('/push', $behind) } 'a session unknown';
is(scalar pushed('/push', $data), 0, 'has asked for nothing');

finish();
