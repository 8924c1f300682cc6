# What was attempted stays listed at its event, whatever is selected now; and
# the target of a channel at the events of all tenants.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    profile => 'retry off; breaker off;',
    profiles => { patient => 'retry 1h; breaker off;',
                  held => 'order strict; breaker off; retry 1h;' },
    scripts => { '/bad' => [{ status => 500 }], '/held' => [{ status => 500 }],
                 '/patient' => [{ status => 500 }] });
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);
$shop->ready;

my %id = (good => $shop->subscribe('/good'), bad => $shop->subscribe('/bad'),
          patient => $shop->subscribe('/patient', profile => 'patient'),
          held => $shop->subscribe('/held', profile => 'held'),
          none => $shop->subscribe('/none', event => 'order.other'));
my @events = $shop->publish(2);

sub listed {
    my %name = reverse %id;
    return join ' ', sort map { "$name{ $_->{subscription} }:$_->{status}" }
           @{ $shop->ask(GET => "events/$events[1]/deliveries")->{json} };
}

my $all = 'bad:dead good:succeeded held:pending patient:retrying';
eventually { listed() eq $all } 'what an event has come to' or diag(listed());
$shop->change($id{$_}, filter => { 'data.n' => -1 })
    for qw(good bad patient held);
is(listed(), $all, 'it is so after a change of the filters');
$shop->change($id{$_}, filter => undef, event => 'order.other')
    for qw(good bad patient held);
is(listed(), $all, 'and of the events');


# a target

my $scoped = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile local { allow 127.0.0.0/8; breaker off; retry off; }
    notify_channel calls {
        profile local;
        setting url target;
        event call.made;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /calls/ { notify_tenant $http_x_tenant optional;
                           notify_api calls; }
    }
END

sub ask {
    my ($method, $path, $tenant, @json) = @_;
    return http($method => $scoped->url("/calls/$path"),
                headers => { $tenant ? ('X-Tenant' => $tenant) : () }, @json);
}

eventually { ask(GET => 'health')->{status} == 200 };
my $set = ask(PUT => 'settings', '',
              json => { url => $receiver->url('/target') });
is($set->{status}, 200, 'a target') or diag($set->{content});
my $event = ask(POST => 'events', 'one',
                json => { eventType => 'call.made' })->{json}{id};
eventually { $receiver->count('/target') } 'it is called for a tenant\'s event';
my $list;
eventually { $list = ask(GET => "events/$event/deliveries", 'one')->{json};
             @$list && $list->[0]{status} eq 'succeeded' }
           'and listed for the tenant' or diag(explain $list);
is(ask(GET => "deliveries/$list->[0]{id}", 'one')->{json}{status}, 'succeeded',
   'who may look at it');
is(ask(GET => "deliveries/$list->[0]{id}", 'two')->{status}, 404,
   'another may not');
is(ask(POST => "deliveries/$list->[0]{id}/redeliver", 'one')->{status}, 404,
   'nor have it called');

finish();
