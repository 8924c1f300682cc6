# Tenants see and get only their own; calls that go round in circles end.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'breaker off;', channel => 'retention 1h;',
    server => 'location /mine/ { notify_tenant $http_x_tenant required;
                                 notify_trusted 127.0.0.1;
                                 notify_api shop; }');
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);

sub as {
    my ($tenant, $method, $path, $json, %headers) = @_;
    return http($method => $nginx->url("/mine/$path"),
                headers => { 'X-Tenant' => $tenant, %headers },
                defined $json ? (json => $json) : ());
}
sub publish_as {
    my ($tenant, $n) = @_;
    return map { $_->{id} } @{ as($tenant, POST => 'events',
        [ map { { eventType => 'order.paid', data => $_ } } 1 .. $n ])
        ->{json} };
}
sub subscribe_as {
    my ($tenant, $path, %more) = @_;
    my $answer = as($tenant, POST => 'subscriptions', {
        url => $receiver->url($path), event => '*', %more });
    is($answer->{status}, 201, "$tenant subscribes")
        or diag($answer->{content});
    return $answer->{json}{id};
}
sub logged {
    my ($tenant) = @_;
    return map { $_->{id} } @{ as($tenant, GET => 'deltas')->{json}{data} };
}

$shop->ready;


# deliveries and deltas

my %id = map { $_ => subscribe_as($_, "/$_") } qw(red blue);
$id{none} = $shop->subscribe('/none', event => '*');
my %ids;

for my $round (1 .. 3) {
    push @{ $ids{$_} }, publish_as($_, 5) for qw(red blue);
    push @{ $ids{none} }, $shop->publish(5);
}

for my $tenant (qw(red blue none)) {
    my @own = @{ $ids{$tenant} };
    my $name = $tenant eq 'none' ? 'the default tenant' : $tenant;
    eventually { !$shop->lacks("/$tenant", @own) } "$name gets its own events";
    is(join(' ', sort $shop->ids("/$tenant")), join(' ', sort @own),
       'and nothing else');
}

is(join(' ', logged($_)), join(' ', @{ $ids{$_} }),
   "in deltas $_ sees its own and nothing else") for qw(red blue);
is(join(' ', map { $_->{id} }
             grep { $_->{eventType} ne 'ready' }
             @{ $shop->ask(GET => 'deltas')->{json}{data} }),
   join(' ', @{ $ids{none} }), 'so does the default tenant');


# what belongs to another is not there

for my $request ([GET => ''], [PATCH => '', { name => 'x' }],
                 [POST => '/disable'], [POST => '/redeliver', {}],
                 [POST => '/test'], [POST => '/rotate-secret', {}]) {
    my ($method, $verb, $json) = @$request;
    $json = { since => $ids{red}[0] } if $verb eq '/redeliver';
    is(as(blue => $method, "subscriptions/$id{red}$verb", $json)->{status}, 404,
       "$method of another's subscription$verb is 404");
    is($shop->ask($method, "subscriptions/$id{red}$verb", $json)->{status}, 404,
       'for the default tenant, too');
}

is(as(blue => DELETE => "subscriptions/$id{red}")->{status}, 204,
   'a DELETE is answered with 204');
is(as(red => GET => "subscriptions/$id{red}")->{status}, 200,
   'and deletes nothing of another');
is(as(blue => GET => "events/$ids{red}[0]")->{status}, 404,
   'an event of another is 404');
is(join(' ', map { $_->{id} }
             @{ as(blue => GET => 'subscriptions')->{json} }),
   $id{blue}, 'the list has one\'s own');

my $cursor = as(red => GET => 'deltas?limit=1')->{json}{cursor};
is(as(red => GET => "deltas?cursor=$cursor")->{status}, 200,
   'a cursor is good for its tenant');
is(as(blue => GET => "deltas?cursor=$cursor")->{status}, 400,
   'but not for another');
is(http(GET => $nginx->url('/mine/deltas'))->{status}, 401,
   'without a tenant, where one is required, it is 401');


# the same keys, separately

my %event = (eventType => 'order.paid', uid => 'same', data => 1);
my %first = map { $_ => as($_, POST => 'events', \%event) } qw(red blue);
is($first{$_}{status}, 202, "$_ publishes with a uid") for qw(red blue);
isnt($first{red}{json}{id}, $first{blue}{json}{id}, 'the same one twice');
is(as(red => POST => 'events', \%event)->{json}{id}, $first{red}{json}{id},
   'each has its own answer to a repetition');


# redeliveries

my @red = @{ $ids{red} };
as(red => POST => "subscriptions/$id{red}/redeliver",
   { since => $red[0], all => JSON::PP::true });
eventually { $shop->again('/red') >= @red } 'a redelivery has one\'s own';
my %own = map { $_ => 1 } @red, $first{red}{json}{id};
is(scalar(grep { !$own{$_} } $shop->ids('/red')), 0, 'and nothing else');


# circles

my ($call) = $receiver->requests('/none');
like($call->{headers}{'x-notify-hops'}, qr/^1;[\w-]{32}$/, 'a call says that it is the first hop');

for my $hops (1, 4) {
    my $answer = as(red => POST => 'events', { eventType => 'hop', data => $hops },
                    'X-Notify-Hops' => $hops);
    is($answer->{status}, 202, "after $hops an event is accepted");
    my $id = $answer->{json}{id};
    eventually { !$shop->lacks('/red', $id) } 'and delivered';
    my ($next) = grep { $_->{headers}{'webhook-id'} eq $id }
                 $receiver->requests('/red');
    like($next->{headers}{'x-notify-hops'}, qr/^@{[ $hops + 1 ]};/,
         'with one more');
}

for my $hops (5, 6, 99999999) {
    is(as(red => POST => 'events', { eventType => 'hop' },
          'X-Notify-Hops' => $hops)->{status}, 508,
       "after $hops it is refused as a circle");
}

finish();
