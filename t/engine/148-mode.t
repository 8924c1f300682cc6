# A subscription that answers sync calls gets no deliveries: one that becomes a
# webhook begins with what is published after that, and does not begin anew.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(profile => 'retry off; breaker off;',
    channel => 'event ask sync; event order.paid; event ready;');
$shop->ready;
my $watch = $shop->subscribe('/watch', event => 'ask');

sub asked {
    my @ids = $shop->publish(2, eventType => 'ask');
    eventually { !$shop->lacks('/watch', @ids) } 'others get it';
    return @ids;
}

my $id = $shop->subscribe('/a', event => 'ask', mode => 'sync');
my @sync = asked();
$shop->change($id, mode => 'webhook');
my @webhook = asked();
eventually { !$shop->lacks('/a', @webhook) }
           'one that is a webhook now gets what follows';
is($shop->lacks('/a', @sync), 2, 'but not what came before');

$shop->change($id, mode => 'sync');
push @sync, asked();
is($shop->lacks('/a', @sync), 4, 'one that answers calls now gets nothing');
$shop->change($id, mode => 'webhook');
my @again = asked();
eventually { !$shop->lacks('/a', @again) }
           'a webhook once more, it gets what follows';
is($shop->lacks('/a', @sync), 4, 'nothing else');
is($shop->again('/a'), 0, 'and nothing twice');

$shop->act($id, 'redeliver', { since => $sync[0] });
eventually { !$shop->lacks('/a', @sync) }
           'what it did not get can be redelivered';
is($shop->again('/a'), 0, 'without what it has got');

finish();
