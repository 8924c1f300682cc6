# Two channels that share a worker's calls: one that could use all of them does
# not keep the other from its own.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
$receiver->cycle('/busy', { delay => 0.2 });
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 1,
                                   connections => 128, http => <<'END');
notify_profile local { allow 127.0.0.0/8; in_flight 1000; }
notify_channel busy { profile local; tenant_share 100%; }
notify_channel calm { profile local; tenant_share 100%; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /busy/ { notify_api busy; }
    location /calm/ { notify_api calm; }
}
END

sub subscribe {
    my ($channel) = @_;
    my $answer = http_served(POST => $nginx->url("/$channel/subscriptions"),
        json => { url => $receiver->url("/$channel"), event => '*' });
    is($answer->{status}, 201, "$channel subscribes");
}

sub publish {
    my ($channel, $n) = @_;
    my $answer = http(POST => $nginx->url("/$channel/events"),
        json => [map { { eventType => 'x', data => $_ } } 1 .. $n]);
    is($answer->{status}, 202, "$channel: $n events");
}

subscribe($_) for qw(busy calm);
publish(calm => 1);
eventually { $receiver->count('/calm') == 1 } 'calls are made';

publish(busy => 1000) for 1 .. 4;
eventually { $receiver->count('/busy') >= 60 } 'one channel has all calls';

# 4000 calls of 200 ms, 64 at a time, take twelve seconds
my @waited;
for my $n (1 .. 10) {
    my $began = time;
    publish(calm => 1);
    eventually { $receiver->count('/calm') > $n } 'the other is called';
    push @waited, time - $began;
}
cmp_ok($receiver->count('/busy'), '<', 4000, 'while the first has more to do');
cmp_ok((sort { $a <=> $b } @waited)[-1], '<', 1, 'soon');

finish();
