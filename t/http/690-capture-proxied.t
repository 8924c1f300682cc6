# conf.examples/capture-proxied.conf: driven by the application's requests.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(example => 'capture-proxied',
                                   redis => $redis);

sub call {
    my ($method, $path, $json) = @_;
    return http($method => $nginx->url($path), $json ? (json => $json) : ());
}

is(call(POST => '/notify/subscriptions',
        { event => '*', url => $receiver->url('/s') })->{status}, 201,
   'somebody wants to know');

is(call(POST => '/orders', { customer => 7 })->{status}, 201, 'made');
is(call(PUT => '/orders/1001', { n => 1 })->{status}, 200, 'changed');
is(call(PUT => '/orders/1001', { n => 1 })->{status}, 200, 'to the same');
is(call(GET => '/orders/1001')->{status}, 200, 'read');
is(call(PATCH => '/orders/1001', { n => 2 })->{status}, 200, 'changed again');
is(call(DELETE => '/orders/1001')->{status}, 200, 'deleted');

eventually { $receiver->count('/s') == 4 } 'four events are told';
my @calls = sort { $a->{eventType} cmp $b->{eventType} }
            map { from_json($_->{body}) } $receiver->requests('/s');
is(join(' ', map { "$_->{eventType}:$_->{entityID}" } @calls),
   'order.changed:1001 order.changed:1001 order.created:1001 '
   . 'order.deleted:1001', 'what was done, of which order');
is_deeply($calls[2]{data}, { id => 1001, state => 'new' },
          'with what the application answered');

finish();
