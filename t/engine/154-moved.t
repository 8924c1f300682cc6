# A URL is changed: what the new one has got is settled, so that it is neither
# missed nor sent again by the worker of a reload.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(profile => 'retry off; breaker off;');
my %id = map { $_ => $shop->subscribe("/old$_") } 1 .. 4;

$shop->ready;

my @before = $shop->publish(1);
eventually { !grep { $shop->lacks("/old$_", @before) } keys %id }
           'the old URLs get what comes';

$shop->change($id{$_}, url => $shop->receiver->url("/new$_")) for keys %id;

my @after = $shop->publish(3);
eventually { !grep { $shop->lacks("/new$_", @after) } keys %id }
           'and then the new ones';

sub missed {
    my ($id) = @_;
    return @{ $shop->ask(GET => "deltas?missed=true&subscription=$id")
                   ->{json}{data} };
}

eventually { !grep { missed($id{$_}) } keys %id } 'nothing of it is missed';

my @workers = $shop->nginx->workers;
$shop->nginx->reload;
eventually { my %now = map { $_ => 1 } $shop->nginx->workers;
             !grep { $now{$_} } @workers } 'a reload';

my @last = $shop->publish(1);
eventually { !grep { $shop->lacks("/new$_", @last) } keys %id }
           'what follows it arrives';
is($shop->again("/new$_"), 0, "and nothing comes again to $_")
    for sort keys %id;

finish();
