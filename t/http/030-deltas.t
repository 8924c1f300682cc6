# The resource `deltas`: the log, pulled with cursors.

use strict;
use warnings;
no warnings qw(portable);       # ids have 64 bits

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_channel shop { }
    notify_channel void { }
    notify_channel old  { retention 1000d; }

    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /void/ { notify_api void; }
        location /old/  { notify_api old; }
        location /mine/ {
            notify_tenant $http_x_tenant optional;
            notify_api shop;
        }
    }
END

my $shop = $nginx->url('/shop/deltas');
eventually { http(GET => $shop)->{status} == 200 };

sub publish {
    my ($path, $events, %option) = @_;
    my $answer = http(POST => $nginx->url("/$path/events"), json => $events,
                      %option);
    return map { $_->{id} } @{ $answer->{json} };
}
sub ids { return map { $_->{id} } @{ $_[0]{json}{data} } }


# without events

my $answer = http(GET => $nginx->url('/void/deltas'));
is($answer->{status}, 200, 'an empty log can be read');
is_deeply($answer->{json}{data}, [], 'it has nothing');
ok(!$answer->{json}{hasMore}, 'and no more');
my $void = $answer->{json}{cursor};
my ($id) = publish(void => [{ eventType => 'a' }]);
is(join(' ', ids(http(GET => $nginx->url("/void/deltas?cursor=$void")))), $id,
   'its cursor finds what comes later');


# pages

my @ids = publish(shop => [ map { +{
    eventType => $_ % 2 ? 'odd' : 'even', entityTypeID => $_ % 3,
    entityID => $_, data => { n => $_ } } } 1 .. 300 ]);

$answer = http(GET => $shop);
is(scalar ids($answer), 100, 'a page has a hundred');
ok($answer->{json}{hasMore}, 'and says that there are more');
my @seen = ids($answer);

while ($answer->{json}{hasMore}) {
    $answer = http(GET => "$shop?limit=70&cursor=$answer->{json}{cursor}");
    push @seen, ids($answer);
}

is("@seen", "@ids", 'the pages have all of them in their order');
my $end = $answer->{json}{cursor};
$answer = http(GET => "$shop?cursor=$end");
is($answer->{json}{cursor}, $end, 'the cursor of the end stays');

my ($late) = publish(shop => [{ eventType => 'late', uid => 'u',
                                entityID => 9 }]);
$answer = http(GET => "$shop?cursor=$end");
is(join(' ', ids($answer)), $late, 'what is new comes behind it');
is_deeply([ @{ $answer->{json}{data}[0] }{qw(eventType entityID data uid)} ],
          ['late', 9, undef, 'u'], 'in the call format');
like($answer->{json}{data}[0]{time}, qr/^\d{4}-.*Z$/, 'with its time');
is(join(' ', sort keys %{ $answer->{json}{data}[0] }),
   'data entityID entityTypeID eventType id time uid', 'and no more');

publish(shop => [{ eventType => 'late', sessionId => 's"1',
                   customerId => 'c', conversationId => 'v' }]);
$answer = http(GET => "$shop?cursor=$answer->{json}{cursor}");
is_deeply([ @{ $answer->{json}{data}[0] }{qw(sessionId customerId
                                             conversationId)} ],
          ['s"1', 'c', 'v'], 'unless it is for somebody');
$end = $answer->{json}{cursor};

$answer = http(POST => $nginx->url('/shop/events'),
               json => { eventType => 'x' });
is(join(' ', ids(http(GET => "$shop?cursor=$answer->{json}{cursor}"))), '',
   'the cursor of a publish is behind its event');


# filters and places

is(scalar ids(http(GET => "$shop?eventType=odd&limit=250")), 150,
   'deltas of one event');
is(scalar ids(http(GET => "$shop?entityTypeID=0&limit=250")), 100,
   'deltas of one entity type');
is(scalar ids(http(GET => "$shop?entityTypeID=0&eventType=even&limit=250")),
   50, 'of both');
is((ids(http(GET => "$shop?since=$ids[9]")))[0], $ids[10],
   'since an event: what comes behind it');
is(scalar ids(http(GET => "$shop?since=2100-01-01T00:00:00Z")), 0,
   'since a time: nothing before it');
is((ids(http(GET => "$shop?since=2000-01-01T00:00:00%2B01:00")))[0], $ids[0],
   'an early time is the oldest');


# what is refused

is(http(GET => "$shop?$_")->{status}, 400, "$_ is a bad request")
    for 'cursor=forged', 'since=yesterday', 'limit=0', 'limit=251',
        'eventType=a%20b', 'eventType=', 'since=%zz', 'limit=1&limit=2',
        "since=$ids[0]&cursor=$end";

my $forged = $end;
substr($forged, 8, 1) = substr($forged, 8, 1) eq 'A' ? 'B' : 'A';
is(http(GET => "$shop?cursor=$forged")->{status}, 400,
   'a cursor that was changed is refused');
is(http(GET => $nginx->url("/void/deltas?cursor=$end"))->{status}, 400,
   'so is one of another channel');
is(http(GET => $nginx->url("/mine/deltas?cursor=$end"),
        headers => { 'X-Tenant' => 'ann' })->{status}, 400,
   'so is one of another tenant');
is(http(POST => $shop, json => {})->{status}, 405, 'deltas cannot be posted');
is(http(HEAD => $shop)->{status}, 200, 'HEAD is GET');


# tenants, and what a request looks at

my %ann = (headers => { 'X-Tenant' => 'ann' });
my ($hers) = publish(mine => [{ eventType => 'hers' }], %ann);
$answer = http(GET => $nginx->url('/mine/deltas'), %ann);
is(join(' ', ids($answer)), $hers, 'a tenant sees only its own');
ok(!grep({ $_ eq $hers } ids(http(GET => "$shop?limit=250"))),
   'which nobody else does');

publish(shop => [ map { +{ eventType => 'noise' } } 1 .. 1000 ]) for 1 .. 6;
my ($requests, @found);
publish(shop => [{ eventType => 'signal' }]);
my $cursor = '';

for (1 .. 10) {
    $requests++;
    $answer = http(GET => "$shop?eventType=signal$cursor");
    push @found, ids($answer);
    last unless $answer->{json}{hasMore};
    $cursor = "&cursor=$answer->{json}{cursor}";
}

is(scalar @found, 1, 'a rare event is found');
cmp_ok($requests, '>', 1, 'a request looks at 5,000 entries at most');


# what retention took

sub trim {
    my ($id) = @_;
    my ($ms, $seq) = $id =~ /^evt_(.{12})(.+)$/;
    $redis->cli('--eval', NotifyTest::script('trim'),
                'notify:{old.0}:log', ',', hex($ms) . '-' . hex($seq));
}

@ids = publish(old => [ map { +{ eventType => 'a' } } 1 .. 20 ]);
my $old = $nginx->url('/old/deltas');
my $early = http(GET => "$old?limit=2")->{json}{cursor};
my $last = http(GET => "$old?limit=10")->{json}{cursor};
my $all = http(GET => $old)->{json}{cursor};
trim($ids[10]);
$answer = http(GET => "$old?cursor=$early");
is($answer->{status}, 410, 'a cursor older than the log is gone');
is(join(' ', ids(http(GET => "$old?cursor=$answer->{json}{oldest}"))),
   "@ids[10 .. 19]", 'the answer has the oldest');
is(join(' ', ids(http(GET => "$old?cursor=$last"))), "@ids[10 .. 19]",
   'a cursor is not gone with its own event');
is(http(GET => "$old?cursor=$all")->{status}, 200,
   'nor is the cursor of the end');
is((ids(http(GET => $old)))[0], $ids[10], 'without one the log begins anew');

($id) = publish(old => [{ eventType => 'b' }]);
trim($id);
is(http(GET => "$old?cursor=$early")->{status}, 410, 'an early one stays gone');
is(join(' ', ids(http(GET => "$old?cursor=$all"))), $id,
   'one that had seen all that is gone goes on');

my $end_of_all = http(GET => $old)->{json}{cursor};
trim('evt_ffffffffff' . '000000');
is(join(' ', ids(http(GET => $old))), '', 'an empty log has nothing');
my $empty = http(GET => $old)->{json}{cursor};
($id) = publish(old => [{ eventType => 'c' }]);
is(join(' ', ids(http(GET => "$old?cursor=$_"))), $id,
   'a log that was empty goes on behind what it had')
    for $empty, $end_of_all;


# another instance, another connection

$nginx->reload;
is(http(GET => "$shop?cursor=$end")->{status}, 200, 'cursors outlive a reload');
$redis->stop;
$redis->start;
eventually { http(GET => "$shop?cursor=$end")->{status} == 200 }
    'and a restart of Redis';

finish();
