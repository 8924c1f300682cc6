# notify_emit: events from the traffic of an application that knows nothing of
# them.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_body_size 4k;
    notify_channel shop {
        event      order.made;
        event      order.seen;
        event      order.asked;
        attribute  country "pattern=^[A-Z]{2}$";
    }
    map $upstream_http_x_saved $saved { yes 1; default 0; }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%DIR%%/html;
        notify_var $order_id   response order.id;
        notify_var $true       response ok;
        notify_var $line       request lines.1.sku;
        notify_var $option     request userData[KEY];

        location /shop/ { notify_api shop; }
        location /x/ { notify_tenant $arg_tenant optional; notify_api shop; }

        location /orders {
            proxy_pass http://127.0.0.1:%%PORT%%/app;
            notify_emit shop order.made entity_id=$order_id country=$arg_country
                        data=response conversation_id=$line session_id=$option;
        }
        location /commit {
            proxy_pass http://127.0.0.1:%%PORT%%/app;
            notify_emit shop order.made entity_id=$order_id data=response
                        commit on_error=fail;
        }
        location /if {
            proxy_pass http://127.0.0.1:%%PORT%%/app;
            notify_emit shop order.made if=$saved entity_id=$notify_body_id;
        }
        location /true/ {
            proxy_pass http://127.0.0.1:%%PORT%%/said/;
            notify_emit shop order.made if=$true;
        }
        location /asked {
            proxy_pass http://127.0.0.1:%%PORT%%/app/500;
            notify_emit shop order.asked on=request data=request commit
                        entity_type_id=$notify_body_kind;
        }
        location /two {
            notify_emit shop order.made 'data={"a":1.10}' id=$arg_id;
            notify_emit shop order.seen data=$arg_text tenant=$arg_tenant
                        optional customer_id=$arg_c;
            return 200 "two\n";
        }
        location /outer {
            notify_emit shop order.made;
            location /outer/inner {
                notify_emit shop order.seen;
                return 204;
            }
            location /outer/off { notify_emit off; return 204; }
            return 200;
        }

        location /app {
            default_type application/json;
            add_header X-Saved $arg_saved;
            return 200 '{"order":{"id":"$arg_id"},"sum":12.50}';
        }
        location /app/500 { return 500; }
        location /said/ { return 200 '{"ok":$arg_ok}'; }
        location /app/text { return 200 "not JSON"; }
    }
END

sub call {
    my ($method, $path, %option) = @_;
    return http($method => $nginx->url($path), %option);
}

# the events since the last look
my $cursor = '';
sub events {
    my ($n, $name) = @_;
    my @got;
    eventually {
        my $answer = call(GET => '/shop/deltas' . ($cursor ? "?cursor=$cursor" : ''));
        push @got, @{ $answer->{json}{data} };
        $cursor = $answer->{json}{cursor} // $cursor;
        @got >= $n
    } $name;
    return @got;
}

# of the newest entry of the log
sub field {
    my ($name) = @_;
    my (undef, %field) = $redis->cli('XREVRANGE', $redis->key('}:log'), '+',
                                     '-', 'COUNT', 1);
    return $field{$name};
}

sub stat_of { return call(GET => '/shop/stats')->{json}{counters}{$_[0]} }

sub nothing {
    my ($name) = @_;
    call(GET => '/two?id=' . rand);
    my @got = events(2, "$name: a mark");
    is(scalar @got, 2, $name) or diag(to_json(\@got));
}


# on=response

my $answer = call(POST => '/orders?id=77&country=NO',
                  json => { lines => [{}, { sku => 's-2' }] });
is($answer->{status}, 200, 'the application answers');
is($answer->{content}, '{"order":{"id":"77"},"sum":12.50}', 'as it does');
my ($event) = events(1, 'an event is emitted');
is($event->{eventType}, 'order.made', 'its type');
is($event->{entityID}, 77, 'its entity, from the answer');
is($event->{country}, 'NO', 'an attribute');
is_deeply($event->{data}, { order => { id => '77' }, sum => 12.5 },
          'the answer is its data');
like(call(GET => '/shop/deltas')->{content}, qr/"sum":12\.50\}/,
     'byte for byte');
is(field('v'), 's-2', 'and a place in the request');

call(POST => '/orders?id=78', body => 'a=1&userData%5BKEY%5D=a+b',
     headers => { 'Content-Type' => 'application/x-www-form-urlencoded' });
($event) = events(1, 'a form');
is(field('s'), 'a b', 'has fields');

call(POST => '/orders?id=1&country=norway');
nothing('an attribute that does not match makes no event');
call($_ => '/orders?id=1') for qw(HEAD OPTIONS);
nothing('nor does HEAD or OPTIONS');
is(stat_of('refused'), 1, 'what is refused is counted');

call(POST => '/if?saved=no', json => { id => 5 });
nothing('if= says no');
call(POST => '/if?saved=yes', json => { id => 5, pad => 'x' x 3000 });
($event) = events(1, 'if= says yes');
is($event->{entityID}, 5, 'with a member of the body');

for my $no (qw(false null 0 "")) {
    call(GET => '/true/?ok=' . $no);
    nothing("if= takes JSON's $no for no");
}
call(GET => '/true/?ok=true');
events(1, "and JSON's true for yes");


# on=request, commit

$answer = call(POST => '/asked', json => { kind => 3, n => [1, 2] });
is($answer->{status}, 500, 'the application fails');
($event) = events(1, 'on=request does not care');
is_deeply($event->{data}, { kind => 3, n => [1, 2] }, 'and has the body');
is($event->{entityTypeID}, 3, 'and what is in it');

my $before = stat_of('unread');
$answer = call(POST => '/asked', json => { kind => 3, pad => 'x' x 5000 });
is($answer->{status}, 500, 'a long body');
($event) = events(1, 'makes an event');
is($event->{data}, undef, 'without data');
is(stat_of('unread'), $before + 1, 'and is counted');
call(POST => '/asked', body => 'not json');
($event) = events(1, 'a body that is not JSON, too');
is($event->{data}, undef, 'has no data');

for my $n (1 .. 20) {
    $answer = call(POST => "/commit?id=$n");
    is($answer->{content}, qq({"order":{"id":"$n"},"sum":12.50}),
       'an answer that was held is whole');
    my $now = call(GET => '/shop/deltas' . ($cursor ? "?cursor=$cursor" : ''))
              ->{json};
    is($now->{data}[0]{entityID}, $n, 'the event is there before it');
    $cursor = $now->{cursor};
}


# several, ids, values

http_raw($nginx->port, "GET /two?text=plain&c=\xc3\xa4&tenant=north&id=a1"
                       . " HTTP/1.0\r\n\r\n");
($event) = events(1, 'two directives');
is(field('c'), "\xc3\xa4", 'each has its members');
my $north = call(GET => '/x/deltas?tenant=north')->{json}{data};
is(scalar @$north, 1, 'a tenant of its own');
is($north->[0]{data}, 'plain', 'text becomes a string');
call(GET => '/two?text={"a":1}&id=a1');
my @got = events(1, 'the same id again');
is(join(' ', map { $_->{eventType} } @got), 'order.seen', 'is the same event');
is_deeply($got[0]{data}, { a => 1 }, 'JSON stays JSON');
http_raw($nginx->port, "GET /two?c=\xff&id=a2 HTTP/1.0\r\n\r\n");
events(2, 'what is not UTF-8');
is(field('c'), "\xef\xbf\xbd", 'says so in its place');

call(GET => '/outer');
call(GET => '/outer/inner');
call(GET => '/outer/off');
is(join(' ', sort map { $_->{eventType} } events(2, 'levels')),
   'order.made order.seen', 'an inner list replaces the outer one');
nothing('or there is none');

finish();
