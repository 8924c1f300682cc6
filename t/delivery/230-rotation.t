# Secrets that rotate: during the grace both verify, after it the new one only.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
notify_profile local {
    sign  standard;
    sign  hmac header=X-Signature encoding=base64 algorithm=sha512;
    allow 127.0.0.0/8;
}
notify_channel shop { profile local; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

my $subscriptions = $nginx->url('/shop/subscriptions');

sub subscribe {
    my ($path) = @_;
    my $answer = http_served(POST => $subscriptions, json => {
        url => $receiver->url($path), event => '*' });
    is($answer->{status}, 201, "a subscription for $path")
        or diag($answer->{content});
    return ($answer->{json}{id}, $answer->{json}{secret});
}

# a call that was made from now on
sub next_call {
    my ($path) = @_;
    my $before = $receiver->count($path);

    my $status = http(POST => $nginx->url('/shop/events'), json => {
        eventType => 'order.paid', data => {} })->{status};

    die "an event was answered $status\n" unless $status == 202;
    eventually { $receiver->count($path) > $before }
        or die "no call to $path\n";
    return ($receiver->requests($path))[-1];
}

sub signatures { my @list = split / /, $_[0]{headers}{'webhook-signature'};
                 return scalar @list }

# whether both packages accept it with a secret
sub verify {
    my ($call, $secret, $good, $title) = @_;
    my ($verdict) = judge({ secret => $secret, headers => $call->{headers},
                            body => $call->{body} });
    for my $package (qw(standardwebhooks svix)) {
        my $said = $verdict->{$package} // 'nothing';
        ok($good ? $said eq 'ok' : $said ne 'ok',
           "$package " . ($good ? 'accepts' : 'refuses') . " $title")
            or diag($said);
    }
}

sub rotate {
    my ($id, $grace) = @_;
    my $answer = http(POST => "$subscriptions/$id/rotate-secret",
                      json => defined $grace ? { grace => $grace } : {});
    is($answer->{status}, 200, 'the secret is rotated')
        or diag($answer->{content});
    like($answer->{json}{secret}, qr/^whsec_/, 'and the new one is told');
    return $answer->{json}{secret};
}

# as long as the change needs to be known, and no longer
sub until_call {
    my ($path, $title, $condition) = @_;
    my ($call, $end) = (undef, time + 3);

    do { elapse 0.02; $call = next_call($path) }
        until $condition->($call) || time > $end;
    ok($condition->($call), $title);
    return $call;
}


my ($id, $old) = subscribe('/a');
my $call = next_call('/a');
is(signatures($call), 1, 'one secret, one signature');
verify($call, $old, 1, 'it');

my $began = time;
my $new = rotate($id, '2s');
isnt($new, $old, 'another one');
$call = until_call('/a', 'then there are two signatures',
                   sub { signatures($_[0]) == 2 });
cmp_ok($call->{time} - $began, '<', 1.5, 'soon');
verify($call, $old, 1, 'the old secret in the grace');
verify($call, $new, 1, 'the new secret in the grace');
verify($call, 'whsec_d3JvbmctYnV0LWxvbmctZW5vdWdo', 0, 'a third one');

$call = until_call('/a', 'after it there is one',
                   sub { signatures($_[0]) == 1 });
cmp_ok($call->{time} - $began, '>', 1, 'not before its end');
verify($call, $new, 1, 'the new secret after the grace');
verify($call, $old, 0, 'the old secret after the grace');


# the grace that the issue names

($id, $old) = subscribe('/b');
next_call('/b');
$new = rotate($id, '1s');
elapse 1.1;
$call = next_call('/b');
verify($call, $new, 1, 'the new secret after 1s');
verify($call, $old, 0, 'the old secret after 1s');


# none, and a second rotation in the grace of the first

($id, $old) = subscribe('/c');
next_call('/c');
$new = rotate($id, 0);
$call = until_call('/c', 'without a grace the new one signs alone', sub {
    my ($verdict) = judge({ secret => $new, headers => $_[0]{headers},
                            body => $_[0]{body} });
    return $verdict->{svix} eq 'ok' });
is(signatures($call), 1, 'at once');
verify($call, $old, 0, 'the old one');

my @secrets = ($new, rotate($id), rotate($id));
$call = until_call('/c', 'two rotations, three signatures',
                   sub { signatures($_[0]) == 3 });
verify($call, $_, 1, 'each of the three') for @secrets;


# one header has room for one: the newest secret's

is((judge({ secret => $secrets[-1], headers => $call->{headers},
            body => $call->{body}, judges => ['hmac'] }))[0]{hmac}, 'ok',
   'sign hmac has the newest secret');

for my $json ({ grace => '-1s' }, { grace => '31d' }, { grace => 'x' },
              { grace => [] }, { other => 1 })
{
    is(http(POST => "$subscriptions/$id/rotate-secret", json => $json)
       ->{status}, 422, 'refused: ' . to_json($json));
}

finish();
