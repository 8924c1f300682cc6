# A request's body that is read early, for an event, a signature or a question,
# is there for what serves the location as that wants it.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use Digest::SHA qw(hmac_sha256_hex);

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;

my %reads = (
    none   => '',
    data   => 'notify_emit shop e data=request;',
    member => 'notify_emit shop e entity_id=$notify_body_id;',
    asked  => 'notify_emit shop e on=request data=request commit;',
    commit => 'notify_emit shop e data=request commit on_error=fail;',
    session => 'notify_session shop id=$notify_body_id commit;',
    var    => 'notify_var $id request id; notify_emit shop e entity_id=$id;',
    sync   => 'notify_sync shop s gate;',
    verify => 'notify_verify hmac header=X-Sign secret_file=%%DIR%%/secret;',
);

my $locations = join '', map { <<"END" } sort keys %reads;
        location /$_/dav/   { $reads{$_} dav_methods PUT DELETE; create_full_put_path on; alias %%DIR%%/html/$_/; }
        location /$_/proxy  { $reads{$_} proxy_pass http://127.0.0.1:%%PORT%%/echo; }
        location /$_/stream { $reads{$_} proxy_request_buffering off; proxy_http_version 1.1; proxy_pass http://127.0.0.1:%%PORT%%/echo; }
        location /$_/file   { $reads{$_} client_body_in_file_only clean; proxy_set_body \$request_body_file; proxy_pass http://127.0.0.1:%%PORT%%/echo; }
END

my $nginx = NotifyTest::Nginx->new(redis => $redis, start => 0,
                                   http => <<"END");
    notify_profile local { allow 127.0.0.0/8; schemes http; }
    notify_channel shop { profile local; event e; event s sync; }
    client_body_buffer_size 8k;
    notify_body_size 100k;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        $locations
        location /echo {
            proxy_pass http://127.0.0.1:%%PORT%%/back;
            proxy_set_header X-Length \$content_length;
        }
        location /back {
            client_body_buffer_size 1m;
            mirror /nothing; add_header X-Got \$request_body always;
            return 200 "\$http_x_length";
        }
        location /nothing { return 204; }
    }
END
NotifyTest::spew($nginx->dir . '/secret', "secret of the sender\n");
$nginx->start;

$receiver->script('/s', { body => '{"success":true}' });
is(http(POST => $nginx->url('/shop/subscriptions'), json => {
            event => 's', mode => 'sync', url => $receiver->url('/s'),
        })->{status}, 201, 'somebody is asked');

my $small = to_json({ id => 7, text => 'small' });
my $large = to_json({ id => 8, text => 'x' x 40_000 });

sub call {
    my ($method, $path, $body, %option) = @_;
    return http($method => $nginx->url($path), body => $body,
                headers => { 'Content-Type' => 'application/json',
                             'X-Sign' => hmac_sha256_hex($body,
                                             'secret of the sender') },
                %option);
}

eventually { call(POST => '/sync/proxy', '{}'); $receiver->count('/s') }
    'by each worker';

for my $at (sort keys %reads) {
    my $n = 0;

    for my $body ($small, $large) {
        my $name = 'file' . $n++;

        is(call(PUT => "/$at/dav/d/$name", $body)->{status}, 201,
           "$at: a file is put, " . length $body);
        is(NotifyTest::slurp($nginx->dir . "/html/$at/d/$name"), $body,
           "$at: as it was sent");
        is(call(PUT => "/$at/dav/d/$name", $body)->{status}, 204,
           "$at: and again");

        for my $path (qw(proxy stream)) {
            is(call(POST => "/$at/$path", $body)->{content}, length $body,
               "$at: $path has the body");
        }
        is(call(POST => "/$at/file", $body)->{status}, 200,
           "$at: a body in a file");
    }

    my $answer = http_raw($nginx->port, "PUT /$at/dav/chunked HTTP/1.1\r\n"
        . "Host: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
        . 'X-Sign: ' . hmac_sha256_hex($small, 'secret of the sender')
        . "\r\n\r\n" . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $small, $small));
    like($answer, qr/^HTTP\/1\.1 201 /, "$at: in chunks");
    is(NotifyTest::slurp($nginx->dir . "/html/$at/chunked"), $small,
       "$at: as it was sent");
}

cmp_ok($receiver->count('/s'), '>', 10, 'the subscriber was asked');

my @left = grep { -f } glob($nginx->dir . '/temp/client_body/*');
is(scalar @left, 0, 'no file is left behind');

my @events = @{ http(GET => $nginx->url('/shop/deltas?limit=100'))
                ->{json}{data} };
is((grep { ref $_->{data} && $_->{data}{id} } @events) > 0, 1,
   'events have the bodies');

finish();
