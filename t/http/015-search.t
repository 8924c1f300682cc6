# The list of subscriptions is searched by the server: by a text, by status.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(
    scripts => { '/fails' => [{ status => 500 }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile local { allow 127.0.0.0/8; retry 1h; }
    notify_channel shop { profile local; subscriptions_max 6000; }

    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location /mine/ { notify_tenant $http_x_tenant required;
                          notify_api shop; }
    }
END

http_served(GET => $nginx->url('/shop/health'));

sub create {
    my ($name, %more) = @_;
    my $answer = http(POST => $nginx->url('/shop/subscriptions'), json => {
        url => $receiver->url("/$name"), event => 'order.made', name => $name,
        %more });
    return $answer->{json}{id} // die "$answer->{content}\n";
}

sub names {
    my ($query) = @_;
    my $answer = http(GET => $nginx->url("/shop/subscriptions?$query"));
    return "$answer->{status} $answer->{json}{code}"
        unless $answer->{status} == 200;
    return join ' ', map { $_->{name} } @{ $answer->{json} };
}

my %id;
$id{fine} = create('fine');
$id{off} = create('off', enabled => \0);
$id{waits} = create('waits', event => undef, events => ['ship.sent', 'ship.lost']);
$id{fails} = create('fails', uid => 'erp-17');
http(POST => $nginx->url("/shop/subscriptions/$id{waits}/pause"), json => {});
http(POST => $nginx->url('/mine/subscriptions'), json => {
    url => $receiver->url('/theirs'), event => 'ship.sent', name => 'theirs' },
    headers => { 'X-Tenant' => 'acme' });
http(POST => $nginx->url('/shop/events'), json => { eventType => 'order.made' });
eventually { names('status=failing') eq 'fails' } 'one that fails is found';


# by a text

is(names('search=WAIT'), 'waits', 'a name, without regard to case');
is(names('search=erp-1'), 'fails', 'a uid');
is(names("search=$id{off}"), 'off', 'an id');
is(names('search=/fine'), 'fine', 'a piece of a URL');
is(names('search=ship.l'), 'waits', 'any of the events');
is(names('search=order'), 'fine off fails', 'several in their order');
{
    my $id = create("S\x{f8}rg \"A\\/B\"", url => $receiver->url("/else"));
    like(names("search=$_"), qr{^S.+rg "A\\/B"$}, "what JSON may write in another way: $_")
        for 's%C3%B8rg', '%22a', 'a%5C', '%2FB', '%5C%2F';
    http(DELETE => $nginx->url("/shop/subscriptions/$id"));
}
is(names('search='), 'fine off waits fails', 'nothing is no search');
is(names('search=theirs'), '', q(another tenant's are not found));
is(names('search=enabled'), '', 'nor is what is no text of it');
is(names('search=' . 'x' x 257), '400 invalid_parameter',
   'a text has its bounds');


# by status

is(names('status=active'), 'fine fails', 'the active ones');
is(names('status=disabled'), 'off', 'the disabled ones');
is(names('status=paused,disabled'), 'off waits', 'those of several');
is(names('status=failing,disabled&search=erp'), 'fails', 'both together');
is(names('status=lagging'), '', 'there may be none');
is(names("status=$_"), '400 invalid_parameter', "\"$_\" is no status")
    for 'dead', ',active', 'active,', 'Active';


# page by page

create("of-many&$_", url => $receiver->url("/p-$_")) for 1 .. 12;
my $next = '/shop/subscriptions?limit=5&search=OF%2dmany%26&status=active,failing';
my @pages;
while ($next) {
    my $answer = http(GET => $nginx->url($next));
    push @pages, join ' ', map { $_->{name} =~ /(\d+)/ }
                               @{ $answer->{json} };
    ($next) = ($answer->{headers}{link} // '') =~ /^<([^>]*)>; rel="next"$/;
    like($next, qr/search=OF-many%26/, 'the link keeps the text') if $next;
    like($next, qr/status=active(?:,|%2c)failing/i, 'and the status')
        if $next;
}
is(join(' | ', @pages), '1 2 3 4 5 | 6 7 8 9 10 | 11 12',
   'each of them is on one page');

# no request looks at all of very many: they are copied, in Redis

my $copied = $redis->cli('EVAL', <<'END', 0);
local subs, of = redis.call('KEYS', '*}:subs')[1], nil
for _, key in ipairs(redis.call('KEYS', '*:subs:of:*')) do
    if redis.call('ZCARD', key) > 10 then of = key end
end
local id = redis.call('ZRANGE', of, 0, 0)[1]
local text = redis.call('HGET', subs, id)
local score = tonumber(redis.call('ZRANGE', of, -1, -1, 'WITHSCORES')[2])
for i = 1, 6000 do
    local copy = string.format('sub_copy%06d', i)
    redis.call('HSET', subs, copy, (text:gsub(id, copy)))
    redis.call('ZADD', of, score + i, copy)
end
return 'copied'
END
like($copied, qr/copied/, 'there are 6000 more');

my $answer = http(GET => $nginx->url('/shop/subscriptions?search=copy006000'));
is_deeply($answer->{json}, [], 'a page of a search may be empty');
($next) = ($answer->{headers}{link} // '') =~ /^<([^>]*)>/;
$answer = http(GET => $nginx->url($next));
is($answer->{json}[0]{id}, 'sub_copy006000', 'its link leads further');
is($answer->{headers}{link}, undef, 'to the end');

finish();
