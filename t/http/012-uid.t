# uid: the owner's own id of a subscription, unique in its tenant, in paths as
# uid:VALUE; one that is made again is the same one.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    server => 'location /acme/ { notify_tenant acme; notify_api shop; }');
my $nginx = $shop->nginx;
my $url = $shop->receiver->url('/a');
$shop->ready;

sub ask {
    my ($method, $path, $json, %headers) = @_;
    return http($method => $nginx->url($path), headers => \%headers,
                defined $json ? (json => $json) : ());
}
sub create {
    my ($where, @members) = @_;
    return ask(POST => "/$where/subscriptions",
               { url => $url, event => 'order.paid', @members });
}


# made once

my $made = create('shop', uid => 'crm/1');
is($made->{status}, 422, 'a uid that cannot stand in a path is refused');
is($made->{json}{errors}[0]{pointer}, '/uid', 'the answer names it');
is(create('shop', uid => $_->[0])->{status}, 422, "so is $_->[1]")
    for ['', 'an empty one'], ['x' x 257, 'a long one'], [7, 'a number'];

$made = create('shop', uid => 'crm 1', metadata => { a => 'b' });
is($made->{status}, 201, 'a subscription with a uid is made');
is($made->{json}{uid}, 'crm 1', 'which is shown');
my $id = $made->{json}{id};

my $again = create('shop', uid => 'crm 1', metadata => { a => 'b' });
is($again->{status}, 200, 'the same again is 200');
is($again->{json}{id}, $id, 'and the same subscription');
ok(!exists $again->{json}{secret}, 'whose secret is not shown again');
is($again->{headers}{etag}, $made->{headers}{etag}, 'with its ETag');
is(create('shop', uid => 'crm 1', metadata => { a => 'b' },
          secret => $made->{json}{secret})->{status}, 200,
   'the same with its secret, too');

for (['another member', name => 'x'], ['another secret',
     secret => 'whsec_' . 'AAAA' x 8], ['one member less', metadata => undef],
     ['another kind of secret', signature => 'ed25519'])
{
    my ($what, @members) = @$_;
    my $other = create('shop', uid => 'crm 1', metadata => { a => 'b' },
                       @members);
    is($other->{status}, 409, "$what is a conflict");
    is($other->{json}{code}, 'uid_taken', 'as it says');
    is($other->{json}{subscription}, $id, 'and with whom');
}

my @ids = do {
    my @pids;
    my $dir = NotifyTest::test_dir();
    for my $n (1 .. 8) {
        push @pids, NotifyTest::spawn(sub {
            my $one = create('shop', uid => 'at once');
            spew("$dir/$n", "$one->{status} $one->{json}{id}");
            require POSIX; POSIX::_exit(0);
        });
    }
    waitpid($_, 0) for @pids;
    map { slurp("$dir/$_") } 1 .. 8;
};
my %seen = map { (split / /)[1] => 1 } @ids;
is(scalar keys %seen, 1, 'many at once make one') or diag("@ids");
is(scalar(grep { /^201 / } @ids), 1, 'and one of them is told so');


# in paths

my $at = '/shop/subscriptions/uid:crm%201';
is(ask(GET => $at)->{json}{id}, $id, 'it is read by its uid');
is(ask(PATCH => $at, { name => 'n' })->{json}{name}, 'n', 'changed');
is(ask(POST => "$at/disable")->{json}{status}, 'disabled', 'disabled');
is(create('shop', uid => 'crm 1', metadata => { a => 'b' }, name => 'n')
   ->{status}, 200, 'disabled meanwhile, it is the same still');
is(ask(POST => "$at/enable")->{json}{status}, 'active', 'enabled');
is(ask(POST => "$at/rotate-secret")->{status}, 200, 'given a new secret');
is(ask(GET => "$at/deliveries")->{status}, 200, 'its deliveries listed');
is(ask(PATCH => $at, { name => 'm' }, 'If-Match' => '"1"')->{status}, 412,
   'a condition holds');
is(ask(GET => '/shop/subscriptions/uid:other')->{json}{code}, 'not_found',
   'an unknown uid is 404');
is(ask(GET => '/shop/subscriptions/uid:')->{status}, 404, 'so is none');
is(ask(DELETE => '/shop/subscriptions/uid:other')->{status}, 204,
   'and its deletion is done');


# of a tenant

is(ask(GET => '/acme/subscriptions/uid:crm%201')->{status}, 404,
   'another tenant does not see it');
is(ask(DELETE => '/acme/subscriptions/uid:crm%201')->{status}, 204,
   'nor deletes it');
is(create('acme', uid => 'crm 1')->{status}, 201, 'and may have its own');
is(ask(GET => $at)->{json}{id}, $id, 'each is where it was');


# changed, given back

my $second = create('shop', uid => 'crm 2')->{json}{id};
my $taken = ask(PATCH => "/shop/subscriptions/$second", { uid => 'crm 1' });
is($taken->{status}, 409, 'it cannot be changed to one that is taken');
is($taken->{json}{code}, 'uid_taken', 'as it says');
is(ask(PATCH => $at, { uid => 'crm 3' })->{status}, 200, 'but to another');
is(ask(GET => $at)->{status}, 404, 'the former is nobody\'s');
is(ask(GET => '/shop/subscriptions/uid:crm%203')->{json}{id}, $id,
   'the new one is its');
is(ask(PATCH => "/shop/subscriptions/$second", { uid => 'crm 1' })->{status},
   200, 'the former can be taken');
is(ask(PATCH => '/shop/subscriptions/uid:crm%203', { uid => undef })->{json}
   {uid}, undef, 'it can be taken away');
is(ask(DELETE => '/shop/subscriptions/uid:crm%201')->{status}, 204, 'deleted');
is(ask(GET => "/shop/subscriptions/$second")->{status}, 404, 'it is gone');
is(create('shop', uid => 'crm 1')->{status}, 201,
   'and its uid free for another');


# what disables and loads it keeps it

$shop->receiver->script('/gone', { status => 410 });
my $gone = create('shop', uid => 'g', url => $shop->receiver->url('/gone'));
$shop->publish(1);
eventually { ask(GET => '/shop/subscriptions/uid:g')->{json}{status}
             eq 'disabled' } 'a 410 leaves the uid';
$nginx->reload;
$shop->redis->restart if $shop->redis->can('restart');
is($shop->insist(GET => 'subscriptions/uid:g')->{id}, $gone->{json}{id},
   'and so does a reload');

finish();
