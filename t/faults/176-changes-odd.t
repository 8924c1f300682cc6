# What Redis answers about changes of subscriptions is of wrong types: no worker
# dies, and the changes count when Redis is well again.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Hostile;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $hostile = NotifyTest::Hostile->new(redis => $redis, seed => 1);

my $nginx = NotifyTest::Nginx->new(redis => $hostile, http => <<'END');
    notify_profile local { allow 127.0.0.0/8; retry 100ms 100ms; breaker off; }
    notify_channel shop  { profile local; event order.paid; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
    }
END

sub api { return http($_[0] => $nginx->url("/shop/$_[1]"), @_[2 .. $#_]) }

eventually { api(GET => 'health')->{status} == 200 } 'it is well', 20;

my $id = api(POST => 'subscriptions', json => {
    url => $receiver->url('/first'), event => 'order.paid' })->{json}{id};

sub delivered {
    my ($path) = @_;
    my $n = $receiver->count($path);
    is(api(POST => 'events', json => { eventType => 'order.paid',
                                       data => 1 })->{status}, 202,
       "an event for $path");
    eventually { $receiver->count($path) > $n } 'is delivered', 30;
}

delivered('/first');
my @workers = sort $nginx->workers;

my $text = qr/\$(?:-1|\d+\r\n[^\r]*)\r\n/;
my $cursor = qr/^\*3\r\n\$\d+\r\n\d+-\d+(?: [^\r]*)?\r\n$text$text\z/;
my $n = 0;
for (['the name of a field is a number', qr/\$3\r\nver\r\n/ => ":7\r\n"],
     ['the name of a field is null', qr/\$2\r\nop\r\n/ => "\$-1\r\n"],
     ['the value of a field is a list', qr/\$3\r\nset\r\n/ => "*0\r\n"],
     ['there is nothing about its cursor', $cursor => "*0\r\n"],
     ['the answer about its cursor is null', $cursor => "\$-1\r\n"])
{
    my ($what, @swap) = @$_;
    my $path = '/' . ++$n;
    my $changed = $hostile->changed;

    $hostile->swap(@swap);
    is(api(PATCH => "subscriptions/$id", json => {
           url => $receiver->url($path) })->{status}, 200, "a change: $what");
    eventually { $hostile->changed > $changed } 'it is so', 10;
    is(api(GET => 'health')->{status}, 200, 'it answers');
    is_deeply([sort $nginx->workers], \@workers, 'no worker died');
    $hostile->swap;

    is(api(PATCH => "subscriptions/$id", json => { name => $path })->{status},
       200, 'another change');
    delivered($path);
}

is_deeply([sort $nginx->workers], \@workers, 'no worker died');

finish();
