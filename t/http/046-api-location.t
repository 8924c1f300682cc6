# notify_api and what else stands in its location, or beside it: other content
# handlers, limit_except and `if`, internal locations.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http2 => 1, http => <<'END');
    notify_channel shop { event paid; }

    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 1k;
        rewrite ^/old/(.*)$ /shop/$1;

        location /shop/ {
            add_header X-Location shop always;
            notify_api shop;
        }
        location = /shop/         { internal; return 200 secret; }
        location = /shop/auth     { internal; return 200 secret; }
        location ~ ^/shop/.*\.key$ { internal; return 200 secret; }
        location /bare            { notify_api shop; }
        location = /bare          { internal; return 200 secret; }

        location /read/ {
            notify_api shop;
            limit_except GET { deny all; }
        }
        location /ruled/ {
            notify_api shop;
            limit_except GET { allow 127.0.0.1; deny all; }
        }
        location /if/ {
            notify_api shop;
            if ($http_x_branch) { set $branch taken; }
            add_header X-Branch "none" always;
        }
        location /own/ {
            notify_api shop;
            error_page 413 = /own-page;
        }
        location /own-page { return 200 "a page of its own"; }
        location /nested/ {
            notify_api shop;
            location /nested/app/ { proxy_pass http://127.0.0.1:%%PORT%%/x/; }
        }
        location /x/ { client_max_body_size 0; return 200 app; }
    }
END

eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 }
           'it serves';


# the 413 of nginx is the API's, and leads nowhere else

my $big = '{"eventType":"' . 'x' x 2000 . '"}';
my %json = (headers => { 'Content-Type' => 'application/json' });

for my $client (qw(close late http2)) {
    for my $path ('/shop/events', '/shop/subscriptions/a.key%3Fx',
                  '/bare/events', '/old/events', '/shop/auth%3Fx',
                  '/shop/%3Fx', '/bare%3F', '/old/auth%3F')
    {
        # of HTTP/2 bodies nginx learns the size where they are read
        next if $client eq 'http2' && $path =~ /%3F/;
        my $answer = http($path =~ /key/ ? 'PUT' : 'POST',
                          $nginx->url($path), body => $big,
                          client => $client, %json);
        is($answer->{status}, 413, "$client: POST $path with too much is 413");
        is($answer->{headers}{'content-type'}, 'application/problem+json',
           'a problem document');
        is($answer->{json}{code}, 'body_too_large', 'by its code');
        is($answer->{headers}{'x-location'},
           $path =~ /bare/ ? undef : 'shop', 'with the fields of its location');
    }
}

my @parts = ($big, '');
my $answer = http(PUT => $nginx->url('/shop/subscriptions/a.key%3Fx'),
                  body => sub { shift @parts }, %json);
is($answer->{status}, 413, 'a body without a length is 413, too');
is($answer->{json}{code}, 'body_too_large', 'and the same problem');

is(http(POST => $nginx->url('/own/events'), body => $big, %json)->{content},
   'a page of its own', "the location's own error_page holds");
$answer = http(POST => $nginx->url('/nested/app/'), body => $big, %json);
is($answer->{status}, 413, 'a location below that is no API is refused');
is($answer->{json}, undef, "by nginx's own page");
is(http(GET => $nginx->url('/shop/auth'))->{status}, 404,
   'an internal location is not there');


# limit_except and `if`

my $event = { eventType => 'paid' };
is(http(GET => $nginx->url('/read/stats'))->{status}, 200,
   'limit_except lets what it excepts');
is(http(POST => $nginx->url('/read/events'), json => $event)->{status}, 403,
   'and denies the rest');
is(http(POST => $nginx->url('/ruled/events'), json => $event)->{status}, 202,
   'what it allows is served by the API');
is(http(POST => $nginx->url('/ruled/events'), json => { eventType => 'x' })
       ->{status}, 422, 'of that channel');
is(http(POST => $nginx->url('/ruled/events'), body => $big, %json)
       ->{json}{code}, 'body_too_large', 'within its bounds');
is(http(POST => $nginx->url('/if/events'), json => $event)->{status}, 202,
   'a location with an `if` that does not hold');
$answer = http(POST => $nginx->url('/if/events'), json => $event,
               headers => { 'X-Branch' => 1 });
is($answer->{status}, 202, 'and one that does');
is(http(POST => $nginx->url('/if/events'), body => $big,
        headers => { 'X-Branch' => 1 })->{json}{code}, 'body_too_large',
   'within its bounds');


# one content handler

my %others = (
    'proxy_pass http://127.0.0.1:1'   => 'proxy_pass',
    'fastcgi_pass 127.0.0.1:1'        => 'fastcgi_pass',
    'uwsgi_pass 127.0.0.1:1'          => 'uwsgi_pass',
    'scgi_pass 127.0.0.1:1'           => 'scgi_pass',
    'memcached_pass 127.0.0.1:1'      => 'memcached_pass',
    'grpc_pass 127.0.0.1:1'           => 'grpc_pass',
    'empty_gif'                       => 'empty_gif',
    'stub_status'                     => 'stub_status',
    'notify_metrics'                  => 'notify_metrics',
    'notify_console'                  => 'notify_console',
);
my @ours = ('notify_api shop', 'notify_metrics', 'notify_console');

for my $our (@ours) {
    for my $other (sort keys %others) {
        next if $our eq $other;

        for my $lines ("$our;\n$other;", "$other;\n$our;") {
            my $config = NotifyTest::Nginx->new(start => 0, redis => $redis,
                http => <<"END");
    notify_channel shop { }
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /x {
            $lines
        }
    }
END
            my ($said, $ok) = $config->check;
            next if $said =~ /unknown directive/;
            like($said, qr/nginx\.conf:\d+$|nginx\.conf:\d+\n/m,
                 "$lines: the line is named") unless $ok;
            ok(!$ok, "$lines is refused") or diag($said);
        }
    }
}

my $config = NotifyTest::Nginx->new(start => 0, redis => $redis,
                                    http => <<'END');
    notify_channel shop { }
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /x {
            notify_api shop;
            proxy_pass http://127.0.0.1:1;
        }
    }
END
my ($before) = slurp($config->conf) =~ /(.*)notify_api/s;
my $line = 1 + ($before =~ tr/\n//);
like(scalar $config->check,
     qr/"notify_api" directive cannot be used, .* location in \S+nginx\.conf:$line\n/,
     'a handler that comes later is refused with the line of ours');
finish();
