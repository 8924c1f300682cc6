# Whoever wants one value only is found by it: the same events come as are in
# the list of deltas of the subscription, which is made without the index.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my @attributes = map { "a$_" } 1 .. 6;
my $shop = NotifyTest::Shop->new(workers => 2, channel =>
    join ' ', 'subscriptions_max 2000;', map { "attribute $_;" } @attributes);
my $receiver = $shop->receiver;
$shop->ready;

my $long = 'x' x 300;

# events, as JSON: what they are called, and the rest of them
my @events = (
    [five      => '"entityID":5,"data":{"n":1,"s":"open"}'],
    [five_text => '"entityID":"5","data":{"n":"1","s":"open"}'],
    [float     => '"entityID":5,"data":{"n":1.0,"s":"closed"}'],
    [exponent  => '"entityID":5,"data":{"n":0.1e1}'],
    [zero      => '"entityID":0,"data":{"n":-0.0,"s":""}'],
    [big       => '"entityID":9007199254740993,"data":{"n":null}'],
    [big_next  => '"entityID":9007199254740992,"data":{"n":true}'],
    [escaped   => '"entityID":"\u0035","data":{"s":"\u00e9t\u00e9 \ud83d\ude00 '
                  . '\/"}'],
    [plain     => '"data":{"s":"' . "\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80 /\"}"],
    [long      => "\"data\":{\"s\":\"${long}a\"}"],
    [long_else => "\"data\":{\"s\":\"${long}b\"}"],
    [long_esc  => "\"data\":{\"s\":\"\\u0078" . 'x' x 299 . "a\"}"],
    [deep      => '"data":{"a":{"b":{"c":"d"}},"list":[3,"four",{"x":5}]}'],
    [name      => '"data":{"\u0061":{"b":{"c":"d"}}}'],
    [array     => '"data":["open",5]'],
    [text      => '"data":"open"'],
    [none      => '"data":null'],
    [typed     => '"entityTypeID":7,"entityID":1'],
    [typed_txt => '"entityTypeID":"7","entityID":1'],
    [a1        => '"a1":"x","data":{"s":"open"}'],
    [a1_a2     => '"a1":"x","a2":"y","entityTypeID":7'],
    [a6        => '"a6":"z","a1":"y"'],
    [many      => '"data":{' . join(',', map { "\"k$_\":$_" } 1 .. 12) . '}'],
);

# subscriptions: what they want, and events that they get for certain
my @wants = (
    [{}                                          => qw(five none many)],
    [{ filter => { entityID => 5 } }             => qw(five float exponent)],
    [{ filter => { entityID => '5' } }           => qw(five_text escaped)],
    [{ filter => { entityID => 0 } }             => qw(zero)],
    [{ filter => { entityID => 9007199254740993 } } => qw(big)],
    [{ filter => { entityID => 9007199254740992 } } => qw(big_next)],
    [{ filter => { 'data.n' => 1 } }             => qw(five float exponent)],
    [{ filter => { 'data.n' => 0 } }             => qw(zero)],
    [{ filter => { 'data.n' => undef } }         => qw(big)],
    [{ filter => { 'data.s' => 'open' } }        => qw(five five_text a1)],
    [{ filter => { 'data.s' => '' } }            => qw(zero)],
    [{ filter => { 'data.s' => "\xe9t\xe9 \x{1f600} /" } }
                                                 => qw(escaped plain)],
    [{ filter => { 'data.s' => "${long}a" } }    => qw(long long_esc)],
    [{ filter => { 'data.s' => "${long}b" } }    => qw(long_else)],
    [{ filter => { 'data.a.b.c' => 'd' } }       => qw(deep name)],
    [{ filter => { 'data.list.0' => 3 } }        => qw(deep)],
    [{ filter => { 'data.list.2.x' => 5 } }      => qw(deep)],
    [{ filter => { 'data.0' => 'open' } }        => qw(array)],
    [{ filter => { data => 'open' } }            => qw(text)],
    [{ filter => { entityTypeID => 7 } }         => qw(typed a1_a2)],
    [{ entityTypeID => 7 }                       => qw(typed a1_a2)],
    [{ entityTypeID => '7' }                     => qw(typed_txt)],
    [{ a1 => 'x' }                               => qw(a1 a1_a2)],
    [{ a1 => 'x', a2 => 'y' }                    => qw(a1_a2)],
    [{ a6 => 'z' }                               => qw(a6)],
    [{ a1 => 'x', filter => { 'data.s' => 'open' } } => qw(a1)],
    [{ a1 => 'x', entityTypeID => 7 }            => qw(a1_a2)],
    [{ filter => { a1 => 'x' } }                 => qw(a1 a1_a2)],
    [{ filter => { entityID => 5, 'data.s' => 'open' } } => qw(five)],
    [{ filter => { 'data.n' => { '$eq' => 1 } } } => qw(five float)],
    [{ filter => { 'data.n' => { '$gte' => 1, '$eq' => 1 } } } => qw(five)],
    [{ filter => { 'data.n' => { '$in' => [1, 2] } } } => qw(five)],
    [{ filter => { 'data.s' => { '$ne' => 'open' } } } => qw(none long)],
    [{ filter => { '$or' => [{ entityID => 5 }, { 'data.s' => 'open' }] } }
                                                 => qw(five five_text a1)],
    [{ filter => { '$and' => [{ entityID => 5 }, { 'data.n' => 1 }] } }
                                                 => qw(five float)],
    [{ filter => { '$not' => { entityID => 5 } } } => qw(none zero)],
    [{ events => ['order.*', 'order.paid', '*'],
       filter => { entityID => 5 } }             => qw(five float exponent)],
    # more paths than are looked up
    map { [{ filter => { "data.k$_" => $_ } }    => 'many'] } 1 .. 12,
);

my (%id, @ids);

sub publish_all {
    my $body = '[' . join(',', map { "{\"eventType\":\"order.paid\",$_->[1]}" }
                               @events) . ']';
    my $answer = http(POST => $shop->nginx->url('/shop/events'),
                      headers => { 'Content-Type' => 'application/json' },
                      body => $body);
    is($answer->{status}, 202, 'all is published')
        or diag($answer->{content});
    my @new = map { $_->{id} } @{ $answer->{json} };
    @id{@new} = map { $_->[0] } @events;
    push @ids, @new;
    return @new;
}

# the names of those of some events that came, or are in deltas
sub came {
    my ($path, @of) = @_;
    my %of = map { $_ => 1 } @of;
    return join ' ', map { $id{$_} }
                     sort grep { $of{$_} } $shop->ids($path);
}
sub listed {
    my ($subscription, @of) = @_;
    my %of = map { $_ => 1 } @of;
    my $answer = $shop->ask(GET =>
                            "deltas?limit=250&subscription=$subscription");
    return join ' ', map { $id{$_} }
                     sort grep { $of{$_} }
                     map { $_->{id} } @{ $answer->{json}{data} };
}

my @subscriptions;

sub compare {
    my ($what, @new) = @_;
    my $last = $shop->publish(1, eventType => 'order.paid', a6 => 'z', a1 => 'x',
        a2 => 'y', entityTypeID => 7, entityID => 5, data => { n => 1 });
    for my $n (0 .. $#subscriptions) {
        my $wanted = listed($subscriptions[$n], @new);
        my $text = to_json($wants[$n][0]);
        eventually { length came("/$n", @new) >= length $wanted };
        is(came("/$n", @new), $wanted, "$what: "
           . (length $text > 100 ? substr($text, 0, 100) . '...' : $text));
    }
}


# each of them, and beside it others that want something else

for my $n (0 .. $#wants) {
    push @subscriptions, $shop->subscribe("/$n", events => ['order.paid'],
                                          event => undef, %{ $wants[$n][0] });
}
for my $n (1 .. 300) {
    $shop->subscribe('/others', filter => { 'data.s' => "other $n" })
        if $n % 3 == 0;
    $shop->subscribe('/others', a1 => "other $n") if $n % 3 == 1;
    $shop->subscribe('/others', entityTypeID => 1000 + $n) if $n % 3 == 2;
}
$shop->subscribe('/last');
$shop->publish;
eventually { $shop->ids('/last') } 'all are there';

my @first = publish_all();
compare('by the index', @first);

for my $n (0 .. $#wants) {
    my ($want, @certain) = @{ $wants[$n] };
    my %came = map { $_ => 1 } split ' ', came("/$n", @first);
    is(join(' ', grep { !$came{$_} } @certain), '',
       "number $n gets what it must get");
    cmp_ok(keys %came, '<', @events, 'and not all') if %$want;
}
is($receiver->count('/others'), 0, 'the others get nothing');


# changed ones are found by what they want now

my @turned = reverse map { $_->[0] } @wants;
for my $n (0 .. $#wants) {
    $shop->change($subscriptions[$n], filter => undef, entityTypeID => undef,
                  (map { $_ => undef } @attributes), events => ['order.paid'],
                  %{ $turned[$n] });
    $wants[$n][0] = $turned[$n];
}
my $before = $shop->ids('/last');
$shop->publish;
eventually { $shop->ids('/last') > $before } 'all are there';
compare('after a change', publish_all());


# and found no more when they are gone

my @gone = splice @subscriptions, 20;
$shop->delete($_) for @gone;
$before = $shop->ids('/last');
$shop->publish;
eventually { $shop->ids('/last') > $before } 'the others are there';
my @third = publish_all();
compare('among fewer', @third);
is(join('', map { came("/$_", @third) } 20 .. $#wants), '',
   'the deleted ones get nothing');

done_testing;
