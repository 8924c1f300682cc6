# notify_ingest: a webhook's body becomes an event's data, once, and its sender
# is answered when Redis has it.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use Test::More;
use NotifyTest;

my $dir = test_dir();
my $redis = NotifyTest::Redis->new;
spew("$dir/secret", "a secret\n");

my $nginx = NotifyTest::Nginx->new(redis => $redis,
    vars => { KEYS => $dir }, http => <<'END');
    client_max_body_size 6m;
    client_body_buffer_size 16k;

    notify_channel any {
        attribute source;
    }
    notify_channel listed {
        event order.paid;
    }
    notify_channel slow { publish_rate 1r/m burst=2; }

    server {
        listen 127.0.0.1:%%PORT%%;

        location /any/    { notify_api any; }
        location /listed/ { notify_api listed; }

        location /in {
            notify_ingest any in.came source=$http_x_source;
        }
        location /by-id {
            notify_ingest any in.came id=$http_x_id session_id=$arg_session;
        }
        location /named {
            notify_ingest any hub.$http_x_event;
        }
        location /paid    { notify_ingest listed order.paid; }
        location /listed-by-name { notify_ingest listed $arg_name; }
        location /slow    { notify_ingest slow in.came; }
        location /of {
            notify_tenant $http_x_tenant required;
            notify_ingest any in.came id=$http_x_id;
        }
        location /of-any/ {
            notify_tenant $http_x_tenant required;
            notify_api any;
        }
        location /small {
            client_max_body_size 10;
            notify_ingest any in.came;
        }
        location /github {
            notify_verify github secret_file=%%KEYS%%/secret
                          once=$http_x_hub_signature_256;
            notify_ingest any hub.$http_x_event;
        }
    }
END

sub ask {
    my ($path, %option) = @_;
    my $answer = http(POST => $nginx->url($path), %option);
    $answer->{json} = eval { from_json($answer->{content}) } // {};
    return $answer;
}

sub event {
    my ($answer, $where, %headers) = @_;
    my $got = http(GET => $nginx->url("/$where/events/$answer->{json}{id}"),
                   headers => \%headers);
    return { %{ from_json($got->{content}) }, text => $got->{content} };
}

my @json = ('Content-Type' => 'application/json');
my @form = ('Content-Type' => 'application/x-www-form-urlencoded');

note('what a body becomes');
{
    my $body = '{"b": 1.50, "a":[12345678901234567890, "\u00e9"] }';
    my $came = ask('/in', body => $body,
                   headers => { @json, 'X-Source' => 'hub' });
    is($came->{status}, 202, 'JSON is taken');
    like($came->{json}{id}, qr/^evt_/, '... has an id');
    like($came->{json}{cursor}, qr/^\S{20,}$/, '... and a cursor');
    is(join(' ', sort keys %{ $came->{json} }), 'cursor id',
       '... and nothing else');
    my $event = event($came, 'any');
    like($event->{text}, qr/\Q"b": 1.50, "a":[12345678901234567890/,
         '... is the data as it was written');
    is($event->{event} // $event->{eventType}, 'in.came', '... by its name');
    is($event->{attributes} ? $event->{attributes}{source} : $event->{source},
       'hub', '... with its attribute');

    is_deeply(event(ask('/in', body => $_->[0], headers => { @form }), 'any')
              ->{data}, $_->[1], "a form: $_->[0]")
        for ['a=1&b=x+y%21', { a => '1', b => 'x y!' }],
            ['a=2&b&a=1&a=3', { a => ['2', '1', '3'], b => '' }],
            ['payload=%7B%22a%22%3A1%7D&&', { payload => '{"a":1}' }],
            ['a%5B%5D=%C3%A9&=z', { 'a[]' => "\xc3\xa9", '' => 'z' }];
    is_deeply(event(ask('/in', body => '[1,2]', headers => {
        'Content-Type' => 'application/vnd.hub+json; charset=utf-8' }), 'any')
        ->{data}, [1, 2], 'what ends in +json is JSON');
    is(event(ask('/in', headers => { @json }), 'any')->{data}, undef,
       'no body is no data');
}

note('what it cannot become');
for (['text/plain', '{}', 415], ['multipart/form-data; boundary=x', 'x', 415],
     ['application/xml', '<a/>', 415], ['application/json', '{', 400],
     ['application/json', '{"a":1,"a":2}', 400],
     ['application/x-www-form-urlencoded', 'a=%ff', 400],
     ['application/x-www-form-urlencoded', 'a=%00', 202],
     ['application/x-www-form-urlencoded', 'a%00=1', 400],
     ['application/x-www-form-urlencoded',
      join('&', map { "f$_" } 1 .. 1001), 400])
{
    my ($type, $body, $status) = @$_;
    my $came = ask('/in', body => $body,
                   headers => { 'Content-Type' => $type });
    is($came->{status}, $status, "$type: $status");
    is($came->{headers}{'content-type'}, 'application/problem+json',
       '... as a problem') if $status > 299;
}
is(http(GET => $nginx->url('/in'))->{status}, 405, 'it is posted');
is(ask('/small', body => '{"a":"0123456789"}', headers => { @json })->{status},
   413, 'a body may be too large');
is(ask('/in?any=thing', body => '{}', headers => { @json })->{status}, 202,
   'its sender may add a query');

note('which event it is');
is(event(ask('/named', body => '{}', headers => { @json,
   'X-Event' => 'pull_request' }), 'any')->{text} =~ /hub\.pull_request/, 1,
   'a name may have a variable');
for (['/named', 'a b'], ['/named', 'x' x 300], ['/listed-by-name?name=no.such'],
     ['/listed-by-name'])
{
    my ($path, $name) = @$_;
    my $came = ask($path, body => '{}', headers => { @json,
        defined $name ? ('X-Event' => $name) : () });
    is($came->{status}, 422, "$path is none that there is");
    is($came->{json}{errors}[0]{pointer}, '/eventType', '... and why');
}
is(ask('/listed-by-name?name=order.paid', body => '{}',
       headers => { @json })->{status}, 202, 'one of the catalogue is taken');
is(ask('/paid', body => '{}', headers => { @json })->{status}, 202,
   '... by its name, too');

note('the same again');
{
    my $first = ask('/by-id', body => '{"try":1}',
                    headers => { @json, 'X-Id' => 'i-1' });
    for my $body ('{"try":1}', '{"try":2}') {
        my $again = ask('/by-id', body => $body,
                        headers => { @json, 'X-Id' => 'i-1' });
        is($again->{status}, 202, "an id again, with $body, is taken");
        is($again->{content}, $first->{content}, '... and answered as before');
    }
    is(event($first, 'any')->{data}{try}, 1, '... the first is kept');
    isnt(ask('/by-id', body => '{"try":1}', headers => { @json,
             'X-Id' => 'i-2' })->{json}{id}, $first->{json}{id},
         'another id is another event');
    isnt(ask('/by-id', body => '{}', headers => { @json })->{json}{id},
         ask('/by-id', body => '{}', headers => { @json })->{json}{id},
         'without an id each is one');
    is(ask('/by-id', body => '{}', headers => { @json, 'X-Id' => 'x' x 1000 })
       ->{status}, 422, 'an id may be too long');
}

note('whose it is');
{
    my @ids = map { ask('/of', body => '{}', headers => { @json,
        'X-Tenant' => $_, 'X-Id' => 'same' }) } qw(a b a);
    is($ids[0]{status}, 202, 'a tenant\'s is taken');
    isnt($ids[0]{json}{id}, $ids[1]{json}{id}, 'another\'s id is another one');
    is($ids[0]{json}{id}, $ids[2]{json}{id}, 'its own is the same');
    is(http(GET => $nginx->url("/of-any/events/$ids[0]{json}{id}"),
            headers => { 'X-Tenant' => $_->[0] })->{status}, $_->[1],
       "tenant $_->[0] gets $_->[1]") for ['a', 200], ['b', 404];
    is(ask('/of', body => '{}', headers => { @json })->{status}, 401,
       'nobody\'s is refused');
}

note('how much');
is(join(' ', map { ask('/slow', body => '{}', headers => { @json })->{status} }
        1 .. 3), '202 202 429', 'publish_rate holds');
for my $size (1, 65_536, 5_242_880) {
    my $body = $size == 1 ? '7' : '"' . 'x' x ($size - 2) . '"';
    my $came = ask('/in', body => $body, headers => { @json });
    is($came->{status}, 202, "$size bytes");
    next if $size > 100_000;
    is(length to_json(event($came, 'any')->{data}), $size, '... all of them');
    my @parts = ($body =~ /(.{1,20000})/gs);
    is(ask('/in', headers => { @json }, body => sub { shift @parts })
       ->{status}, 202, '... chunked');
    is(ask('/in', body => $body, headers => { @json }, client => $_)
       ->{status}, 202, "... $_") for qw(late http2);
}

note('behind notify_verify');
{
    my $sign = sub { return (body => $_[0], headers => { @json,
        'X-Event' => 'push', 'X-Hub-Signature-256' => 'sha256='
            . hmac_sha256_hex($_[0], 'a secret') }) };
    for my $body ('{"n":1}', '{"n":"' . 'x' x 70_000 . '"}') {
        my $came = ask('/github', $sign->($body));
        is($came->{status}, 202, 'what is signed is kept');
        is(to_json(event($came, 'any')->{data}), $body, '... as it came');
        is(ask('/github', $sign->($body))->{status}, 200,
           '... and 200 when it comes again');
    }
    my %forged = $sign->('{"n":2}');
    is(ask('/github', %forged, body => '{"n":3}')->{status}, 401,
       'what is forged is not');

    $redis->stop;
    is(ask('/github', $sign->('{"n":4}'))->{status}, 503,
       'without Redis a sender is to come again');
    $redis->start;
    eventually { ask('/github', $sign->('{"n":4}'))->{status} == 202 }
        '... and is then let in';
}

finish();
