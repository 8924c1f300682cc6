# A name server that is slow, fails or changes its mind: attempts fail, others
# do not wait, and the schedule goes on until there is an address.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Dns;
use NotifyTest::Ledger;
use NotifyTest::Shop;

my $dns = NotifyTest::Dns->new;
my $receiver = NotifyTest::Receiver->new;
my $shop = NotifyTest::Shop->new(
    receiver => $receiver, profile => 'timeout 2s; breaker off; '
                                    . 'retry 300ms 500ms until=5m;',
    profiles => { brief => 'timeout 2s; breaker off; '
                         . 'retry 100ms 200ms jitter=0%;' },
    server => 'resolver ' . $dns->address . ' valid=1s ipv6=off; '
            . 'resolver_timeout 1s;', start => 0);
my $nginx = $shop->nginx;

# of the http level: calls have no server
my $http = $nginx->{http} =~ s/^\s*resolver[^\n]*\n//mr;
$nginx->write_conf(http => 'resolver ' . $dns->address
                           . " valid=1s ipv6=off;\nresolver_timeout 1s;\n$http");
$nginx->start;

my $port = $receiver->port;
sub named { return "http://$_[0]:$port" }

$dns->set(turn => 'silent');
$dns->set(moves => '4-127-0-0-1');

my %id = (
    slow  => $shop->subscribe(named('at-turn.a.test') . '/turn'),
    nx    => $shop->subscribe(named('nx.a.test') . '/nx'),
    moves => $shop->subscribe(named('at-moves.a.test') . '/moves'),
    plain => $shop->subscribe('/plain'),
);
my %to = map { ("/$_" => $id{$_}) } qw(moves plain);
$to{'/turn'} = $id{slow};
$to{"/$_"} = $shop->subscribe(named("$_.b.test") . "/$_", profile => 'brief')
    for qw(servfail refused silent);
$to{'/late'} = $shop->subscribe(named('late.4-127-0-0-1.test') . '/late');
$shop->ready;
my $ledger = NotifyTest::Ledger->new(shop => $shop, to => \%to);
$ledger->mark;


# nobody waits for a name server

my $began = time;
my @ids = $shop->publish(20);
eventually { !$shop->lacks('/plain', @ids) && !$shop->lacks('/moves', @ids) }
           'those with an address are called';
cmp_ok(time - $began, '<', 1 * ($ENV{NOTIFY_TEST_SLOW} // 1),
       'without waiting for the others');
eventually { !$shop->lacks('/late', @ids) } 'nor is a late answer lost';
is($receiver->count('/turn'), 0, 'a name without an answer is not called');

sub attempts {
    my ($id) = @_;
    my $list = $shop->ask(GET => "subscriptions/$id/deliveries")->{json};
    my $one = $shop->ask(GET => "deliveries/$list->[0]{id}")->{json};
    return @{ $one->{attempts} // [] };
}
eventually { (attempts($id{$_}))[0] } "the attempts at $_ are on record"
    for 'slow', 'nx';
like((attempts($id{nx}))[0]{error}, qr/./, 'with an error');


# the address comes

$dns->set(turn => '4-127-0-0-1');
eventually { !$shop->lacks('/turn', @ids) }
           'when the name has an address all of it is delivered', 20;
is($receiver->count('/nx'), 0, 'a name that there is not is still not called');


# and goes elsewhere: to an address where nobody listens, and back

$dns->set(moves => '4-127-0-0-9');
my ($log, @more) = (length $nginx->log);
eventually { push @more, $shop->publish(1);
             elapse 0.2;
             substr($nginx->log, $log) =~ /127\.0\.0\.9/
             || $shop->lacks('/moves', @more) > 5 }
           'a name is asked again when its answer has grown old', 15;
$dns->set(moves => '4-127-0-0-1');
eventually { !$shop->lacks('/moves', @more) }
           'and what failed meanwhile arrives', 20;
is($shop->again('/moves'), 0, 'nothing of it twice');
is($shop->again('/plain'), 0, 'nor the others');

$ledger->add(@ids, @more);
$ledger->holds('names fail and move', seconds => 60, spare => 64);
is(join(' ', sort keys %{{ map { $_ => 1 }
                           map { values %{ $ledger->dead("/$_") } }
                           qw(servfail refused silent) }}), 'exhausted',
   'what had no address to the end of its schedule says so');

finish();
