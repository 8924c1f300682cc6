# A profile leaves the configuration, and comes back: its subscriptions wait.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(profile => 'retry off; breaker off;',
    profiles => { other => 'retry off; breaker off;' });
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
$shop->ready;

my $id = $shop->subscribe('/a', profile => 'other');
my $watch = $shop->subscribe('/watch');
my @ids = $shop->publish(3);
eventually { !$shop->lacks('/a', @ids) } 'a subscription of a second profile';

my $http = $nginx->{http};
(my $without = $http) =~ s/^notify_profile other \{.*\n//m;
$without =~ s/(profile\s+local) other;/$1;/;
$nginx->write_conf(http => $without);
$nginx->reload;
my @more = map { scalar $shop->publish(1) } 1 .. 4;
eventually { !$shop->lacks('/watch', @more) } 'it goes on without that';
eventually { $shop->show($id)->{status} eq 'disabled' } 'it is disabled';
is($shop->show($id)->{reason}, 'profile', 'for that reason');
ok($shop->show($id)->{enabled}, 'by nobody');
is($shop->lacks('/a', @more), 4, 'and gets nothing');
my ($delivery) = grep { $_->{subscription} eq $id }
    @{ $shop->ask(GET => "events/$more[0]/deliveries")->{json} };
is($delivery->{status}, 'pending', 'what follows waits');
is($shop->ask(POST => "deliveries/$delivery->{id}/redeliver")->{status}, 409,
   'also if it is asked for');

$nginx->write_conf(http => $http);
$nginx->reload;
eventually { !$shop->lacks('/a', @more) }
           'with its profile again it goes on by itself, from where it stood';
is($shop->again('/a'), 0, 'nothing twice');
eventually { $shop->show($id)->{status} eq 'active' } 'it is active';


# as an earlier version has left it

my $key = 'notify:{shop.0}:subs';
$shop->act($id, 'disable');
my @late = $shop->publish(2);
my $document = $redis->cli('HGET', $key, $id);
$document =~ s/"reason":"[^"]*"/"reason":"profile"/ or die $document;
eventually { !$shop->lacks('/watch', @late) } 'it was disabled by that';
$redis->cli('HSET', $key, $id, $document);
$nginx->reload;
eventually { !$shop->lacks('/a', @late) } 'so is one from an earlier version';

finish();
