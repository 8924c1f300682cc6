# Publishes of one turn: they share a script, and nothing else.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_channel shop {
        event      order.paid;
        event      order.sent  off;
        event      order.priced;
        unchanged  order.priced key=$notify_entity_id;
    }
    notify_channel small {
        event      order.paid;
        max_size   64k;
    }
    notify_channel free { }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/  { notify_api shop; }
        location /small/ { notify_api small; }
        location /free/  { notify_api free; }
    }
END
my ($worker) = $nginx->workers;

sub scripts {
    my ($calls) = $redis->cli('INFO', 'commandstats')
                  =~ /cmdstat_evalsha:calls=(\d+)/;
    return $calls // 0;
}

sub request {
    my ($path, $event, $key) = @_;
    my $body = ref $event ? to_json($event) : $event;
    return "POST /$path/events HTTP/1.1\r\nHost: a\r\n"
         . "Content-Type: application/json\r\nContent-Length: " . length($body)
         . "\r\n" . (defined $key ? "Idempotency-Key: $key\r\n" : '')
         . "\r\n$body";
}

# one answer of a connection that stays
sub answer {
    my ($socket) = @_;
    my ($text, $end) = ('', time + 10);

    until ($text =~ /\r\n\r\n/
           && $text =~ /^Content-Length: (\d+)/mi
           && length($text) >= $1 + index($text, "\r\n\r\n") + 4)
    {
        my $set = '';
        vec($set, fileno $socket, 1) = 1;
        select($set, undef, undef, $end - time) or return {};
        sysread $socket, $text, 65536, length $text or return {};
    }

    my ($status) = $text =~ m{^HTTP/1\.1 (\d+)};
    my ($body) = $text =~ /\r\n\r\n(.*)/s;
    return { status => $status, json => eval { from_json($body) } };
}

# the answers to requests that the worker finds all at once
sub together {
    my @requests = @_;
    my @sockets = map { IO::Socket::INET->new('127.0.0.1:' . $nginx->port) }
                  @requests;

    # they are accepted, and wait
    for my $socket (@sockets) {
        syswrite $socket, "GET /shop/event-types HTTP/1.1\r\nHost: a\r\n\r\n";
        answer($socket);
    }

    kill STOP => $worker;
    eventually { slurp("/proc/$worker/stat") =~ /\) T / };
    syswrite $sockets[$_], $requests[$_] for 0 .. $#requests;
    kill CONT => $worker;

    return map { answer($_) } @sockets;
}

sub statuses { return join ' ', map { $_->{status} // '-' } @_ }

sub logged { return $redis->cli('XLEN', $redis->key("{$_[0].0}:log")) }

sub paid { return { eventType => 'order.paid', entityID => $_[0] } }


http(POST => $nginx->url('/shop/events'), json => paid(0));
my $before = scripts();
my @answers = together(map { request(shop => paid($_)) } 1 .. 40);

is(statuses(@answers), join(' ', (202) x 40), 'each of forty is accepted');
my %ids = map { $_->{json}{id} => 1 } @answers;
is(scalar keys %ids, 40, 'with an id of its own');
is(logged('shop'), 41, 'they are in the log');
cmp_ok(scripts() - $before, '<=', 20, 'by fewer scripts');

my @wrong = grep {
    my $id = $answers[$_]{json}{id} // '';
    my $event = http(GET => $nginx->url("/shop/events/$id"));
    ($event->{json}{entityID} // 0) != $_ + 1;
} 0 .. $#answers;
is("@wrong", '', 'whose ids are those of their events');


# each of them for itself

http(POST => $nginx->url('/shop/events'), json => paid(100),
     headers => { 'Idempotency-Key' => 'broken' });
# its own and that of the request; those of "name" are others
my @broken = grep { length } split /\n/,
             $redis->cli('--scan', '--pattern', '*}:known:1:*');
for my $hash (@broken) {
    $redis->cli('DEL', $hash);
    $redis->cli('RPUSH', $hash, 'no string');
}
$before = logged('shop');

@answers = together(
    request(shop => paid(1)),
    request(shop => paid(2), 'name'),
    request(shop => paid(2), 'name'),
    request(shop => paid(3), 'name'),
    request(shop => { eventType => 'order.sent', entityID => 4 }),
    request(shop => { eventType => 'order.priced', entityID => 5, data => 1 }),
    request(shop => { eventType => 'order.priced', entityID => 5, data => 1 }),
    request(shop => [map { paid($_) } 6 .. 8]),
    request(shop => [{ %{paid(9)}, uid => 'u' }, { %{paid(10)}, uid => 'u' }]),
    request(shop => paid(100), 'broken'),
    request(shop => '{"eventType":'),
    request(shop => paid(11)));

is(statuses(@answers), '202 202 200 422 202 202 202 202 422 503 400 202',
   'what is wrong with one is not wrong with the others');
is($answers[2]{json}{id}, $answers[1]{json}{id},
   'the same key, the same event');
is($answers[3]{json}{code}, 'idempotency_conflict', 'or a conflict');
is($answers[4]{json}{skipped}, 'off', 'one that is off is skipped');
ok($answers[5]{json}{id}, 'a first value is published');
is($answers[6]{json}{skipped}, 'unchanged', 'the same behind it is not');
is(scalar @{ $answers[7]{json} }, 3, 'several of one request stay together');
is($answers[8]{json}{code}, 'idempotency_conflict', 'all or none of them');
is(logged('shop') - $before, 7, 'so many are in the log');


# a log that is full

my $filler = 'x' x 20000;
for (1 .. 10) {
    my $answer = http(POST => $nginx->url('/small/events'),
                      json => { %{paid(1)}, data => $filler });
    last if $answer->{status} == 507;
}

is(statuses(together((map { request(small => paid($_)) } 1 .. 3),
                     request(shop => paid(1)), request(small => paid(4)))),
   '507 507 507 202 507', 'a full log refuses each, and no other log');


# what nothing has to be asked about

http(POST => $nginx->url('/free/events'), json => paid(0));
$before = scripts();
@answers = together(map { request(free => paid($_)) } 1 .. 40);
is(statuses(@answers), join(' ', (202) x 40), 'each of forty is accepted');
is(logged('free'), 41, 'they are in the log');
cmp_ok(scripts() - $before, '<=', 20, 'without a script');

my $order = 0;
@answers = together(
    map { request(free => paid($_), $_ % 3 ? () : "free$_") } 1 .. 12);
is(statuses(@answers), join(' ', (202) x 12), 'with keys among them');
is_deeply([map { $_->{json}{id} } @answers],
          [sort map { $_->{json}{id} } @answers],
          'none overtakes another');


# a Redis that does not answer

$redis->pause;
my @half = together(map { request(shop => paid($_)) } 1 .. 5);
$redis->resume;
is(statuses(@half), '503 503 503 503 503', 'each is told that it is away');
eventually { http(POST => $nginx->url('/shop/events'),
                  json => paid(1))->{status} == 202 } 'until it is back';

done_testing;
