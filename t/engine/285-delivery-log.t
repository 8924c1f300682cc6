# delivery_log: a line of JSON for each attempt, or each that failed; opened
# again on USR1.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(scripts => {
    '/twice' => [{ status => 503 }, { status => 200 }],
    '/dead'  => [{ status => 500 }],
});
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
notify_profile local  { allow 127.0.0.0/8; retry 100ms; }
notify_profile silent { allow 127.0.0.0/8; retry off; connect_timeout 1s; }
notify_channel shop {
    profile       local silent;
    delivery_log  logs/deliveries.log;
}
notify_channel bad {
    profile       local silent;
    delivery_log  logs/failures.log failures;
}
notify_channel none { profile local; delivery_log off; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_tenant $http_x_tenant optional; notify_api shop; }
    location /bad/  { notify_api bad; }
}
END

my $log = $nginx->dir . '/logs/deliveries.log';
my $failures = $nginx->dir . '/logs/failures.log';

sub lines {
    my ($file) = @_;
    return map { from_json($_) } split /\n/, slurp($file);
}

sub subscribe {
    my ($channel, $url, %more) = @_;
    my $answer = http_served(POST => $nginx->url("/$channel/subscriptions"),
        json => { url => $url, event => 'order.paid', %more },
        headers => { 'X-Tenant' => 'acme' });
    is($answer->{status}, 201, "a subscription of $channel")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    my ($channel) = @_;
    return http(POST => $nginx->url("/$channel/events"),
        json => { eventType => 'order.paid', data => 'SECRET-DATA' },
        headers => { 'X-Tenant' => 'acme', traceparent =>
            '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
        ->{json}{id};
}

my $sub = subscribe('shop', $receiver->url('/twice?key=SECRET-QUERY'));
my $event = publish('shop');

eventually { -e $log && lines($log) == 2 } 'each attempt has a line'
    or diag(slurp($log));
my ($first, $second) = lines($log);
is_deeply([sort keys %$first], [qw(attempt channel error event latency status
    subscription tenant time traceId url)], 'with its members');
is($first->{$_->[0]}, $_->[1], "$_->[0] is $_->[1]")
    for [channel => 'shop'], [tenant => 'acme'], [subscription => $sub],
        [event => $event], [attempt => 1], [status => 503],
        [url => $receiver->url('/twice')],
        [traceId => '0af7651916cd43dd8448eb211c80319c'];
like($first->{error}, qr/\w/, 'what failed is told');
like($first->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'and when');
like($first->{latency}, qr/^\d+$/, 'and how long it took');
is($second->{attempt}, 2, 'the second attempt');
is($second->{status}, 200, 'has its status');
is($second->{error}, undef, 'and no error');
unlike(slurp($log), qr/SECRET/, 'neither a query nor data is in it');

my $away = subscribe('shop', "http://127.0.0.1:" . free_port() . '/x',
                     profile => 'silent');
publish('shop');
eventually { grep { $_->{subscription} eq $away } lines($log) }
    'a call without an answer has a line';
my ($line) = grep { $_->{subscription} eq $away } lines($log);
is($line->{status}, undef, 'whose status is null');
like($line->{error}, qr/refused/, 'and says why');


# only failures

subscribe('bad', $receiver->url('/fine'), profile => 'silent');
subscribe('bad', $receiver->url('/dead'), profile => 'silent');
publish('bad') for 1 .. 3;
eventually { -e $failures && lines($failures) == 3
             && $receiver->count('/fine') == 3 } 'failures have lines';
is(join(' ', map { $_->{status} } lines($failures)), '500 500 500',
   'and nothing else has');
ok(!grep({ $_->{tenant} ne '' } lines($failures)), 'the default tenant is ""');


# rotated

rename $log, "$log.1" or die $!;
kill USR1 => $nginx->pid;
eventually { -e $log } 'USR1 opens it again';
my $before = lines("$log.1");
publish('shop');
eventually { lines($log) >= 1 } 'new lines go to the new file';

finish();
