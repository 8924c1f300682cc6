# A server of access tokens that is away: what waits is tried again, and the
# endpoint, which was not called, is not blamed.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $dir = NotifyTest::test_dir();
spew("$dir/secret", "secret\n");

my $tokens = NotifyTest::Receiver->new(scripts => {
    '/token' => [{ status => 503 }],
    '/own'   => [{ status => 503 }],
});
my $oauth2 = "oauth2 token_url=@{[ $tokens->url('/token') ]} client_id=shop"
             . " secret_file=$dir/secret;";
my $shop = NotifyTest::Shop->new(workers => 2,
    profile => "$oauth2 customize oauth2; retry 100ms until=1h;
                disable_after 1s;
                breaker failures=2 window=1m cooldown=1h;",
    channel => 'event order.paid; event other;',
    server => 'location = /metrics { notify_metrics; }');
my $receiver = $shop->receiver;

sub metric {
    my ($class) = @_;
    my $text = http(GET => $shop->nginx->url('/metrics'))->{content};
    return $text =~ /^notify_calls_total\{channel="shop",outcome="failed",
                     class="$class"\}\ (\d+)$/mx ? $1 : undef;
}

my $sub = $shop->subscribe('/x');
my $own = $shop->subscribe('/y', event => 'other', oauth2 => {
    tokenUrl => $tokens->url('/own'), clientId => 'a', clientSecret => 'b' });
my @ids = $shop->publish(5);
eventually { $shop->show($sub)->{status} eq 'paused' }
    'without a token there is a pause';
eventually { $tokens->count('/token') >= 3 } 'after which it is asked for again';
elapse 1.5;

my $shown = $shop->show($sub);
ok($shown->{enabled}, 'its endpoint is not given up, however long that is');
is($shown->{failingSince}, undef, 'and has not failed');
is($receiver->count('/x'), 0, 'it was not called');
cmp_ok($tokens->count('/token'), '<=', 8, 'nor was the server at every attempt');
cmp_ok(metric('token'), '>=', 3, 'such calls are counted in a class of theirs');
is(metric('connect'), 0, 'and in no other');

$tokens->script('/token', { headers => { 'Content-Type' => 'application/json' },
    body => '{"access_token":"t","token_type":"Bearer","expires_in":600}' });
eventually { !$shop->lacks('/x', @ids) } 'once it is back all are delivered';
is(($receiver->requests('/x'))[0]{headers}{authorization}, 'Bearer t',
   'with its token');

# of a subscription's own server

$shop->publish(3, eventType => 'other');
eventually { !$shop->show($own)->{enabled}
             || ($shop->show($own)->{failingSince} // '') ne '' }
    'its own server is a part of its endpoint, and that fails';

finish;
