# Query parameters: each route has those that openapi.json says, another name
# is refused with the names that exist, unless the configuration reads it.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile local { allow 127.0.0.0/8; }
    notify_channel shop { profile local; event order.made sync; }
    map $arg_access_token $who { default $arg_access_token; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/    { notify_api shop; }
        location /samples/ { notify_api shop samples; }
        location /mine/    { notify_tenant $who; notify_api shop; }
    }
END

my $api = http_served(GET => $nginx->url('/shop/openapi.json'))->{json};
my $subscription = http(POST => $nginx->url('/shop/subscriptions'), json => {
    url => 'https://example.com/', event => 'order.made' })->{json}{id};
my $event = http(POST => $nginx->url('/shop/events'),
                 json => { eventType => 'order.made' })->{json}{id};
ok($subscription && $event, 'there is something to ask for');

sub ask {
    my ($method, $path, $query) = @_;
    return http($method => $nginx->url("$path$query"),
                $method =~ /^(?:GET|DELETE)$/ ? () : (body => '{}'),
                headers => { 'Content-Type' => 'application/json' });
}

for my $template (sort keys %{ $api->{paths} }) {
    my $item = $api->{paths}{$template};
    my $path = $template =~ s/\{event\}/order.made/r =~ s/\{\w+\}/
        $template =~ m{\/subs} ? $subscription
            : $template =~ m{\/events} ? $event : 'some'/er;

    for my $method (sort grep { ref $item->{$_} eq 'HASH' } keys %$item) {
        my @names = map { $_->{name} } grep { $_->{in} eq 'query' }
            map { my ($name) = ($_->{'$ref'} // '') =~ m{([^/]+)$};
                  defined $name ? $api->{components}{parameters}{$name} : $_ }
            @{ $item->{parameters} // [] },
            @{ $item->{$method}{parameters} // [] };

        my $answer = ask(uc $method, $path, '?evenType=x');
        is($answer->{status}, 400, "$method $template: a mistyped name");
        is($answer->{json}{code}, 'unknown_parameter', 'is unknown');
        my $there = $answer->{json}{detail} =~ /there are (.*)/ ? $1 : '';
        $there = '' if $there eq 'none';
        is(join(' ', sort split /, /, $there), join(' ', sort @names),
           'the names that exist are those of openapi.json');

        $answer = ask(uc $method, $path, '?access_token=x&Access_Token=y');
        unlike($answer->{content}, qr/unknown_parameter/,
               'one that the configuration reads is not');
    }
}

is(http(GET => $nginx->url("/shop/health$_"))->{status}, 200, "health$_")
    for '?', '?&', '?access_token', '?&access_token=1&';
is(http(GET => $nginx->url("/shop/subscriptions$_"))->{status}, 200,
   "subscriptions$_") for '?limit=5', '?LIMIT=5&access_token=x';
is(http(GET => $nginx->url("/shop/subscriptions$_"))->{status}, 400,
   "subscriptions$_") for '?limit=5&limits=5', '?%6cimit=5', '?limit%20=5',
                          '?limi', "?a\xe4b=1", '?=&x';

my $answer = http(GET => $nginx->url('/shop/deltas?evenType=x'));
is($answer->{json}{detail}, '"evenType" is not a parameter of this request; '
   . 'there are cursor, since, limit, eventType, entityTypeID, subscription, '
   . 'missed, wait, consumer', 'in words');

is(http(POST => $nginx->url('/shop/events?dryRun=1'),
        json => { eventType => 'order.made' })->{status}, 400,
   'nothing is done by a request that asks for what there is not');


# ids are whole numbers of 64 bits, or text

for my $id ('1.5', '1e3', '1.0', '-0', '9223372036854775808',
            '99999999999999999999', '1E400')
{
    for my $member (qw(entityID entityTypeID)) {
        my $answer = http(POST => $nginx->url('/shop/events'),
            body => qq({"eventType":"order.made","$member":$id}),
            headers => { 'Content-Type' => 'application/json' });
        is($answer->{status}, 422, "$member $id is refused");
        is($answer->{json}{errors}[0]{pointer}, "/$member", 'by its name');
    }
    is(http(POST => $nginx->url('/shop/sync/order.made'),
            body => qq({"entityID":$id}),
            headers => { 'Content-Type' => 'application/json' })->{status},
       422, "sync: $id, too");
}
for my $id ('0', '-1', '9223372036854775807', '-9223372036854775808', '"A4"',
            '"1.5"', '"007"', '"99999999999999999999"')
{
    $answer = http(POST => $nginx->url('/shop/events'),
        body => qq({"eventType":"order.made","entityID":$id}),
        headers => { 'Content-Type' => 'application/json' });
    is($answer->{status}, 202, "entityID $id is taken");
    ok(index(http(GET => $nginx->url("/shop/events/$answer->{json}{id}"))
                 ->{content}, qq("entityID":$id,)) > 0, 'and kept');
}

finish();
