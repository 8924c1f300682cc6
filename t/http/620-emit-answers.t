# What emits and what does not, and that answers stay as they are: filters,
# caches, subrequests, redirects, with and without commit.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $big = join '', map { sprintf '%07d ', $_ } 1 .. 40_000;
my $json = '{"a":"' . 'x' x 20_000 . '"}';

# the same locations twice: /b/ in the background, /c/ with commit
my $locations = join "\n", map {
    my ($at, $commit) = @$_;
    my ($bare, $data) = ("notify_emit shop e $commit",
                         "notify_emit shop e data=response $commit");
    <<"END";
        location /$at/small  { $data; proxy_pass \$app/json; }
        location /$at/big    { $data; proxy_pass \$app/big; }
        location /$at/bare   { $bare; proxy_pass \$app/big; }
        location /$at/unbuffered {
            $data; proxy_buffering off; proxy_pass \$app/json;
        }
        location /$at/unbuffered-big {
            $bare; proxy_buffering off; proxy_pass \$app/big;
        }
        location /$at/few-buffers {
            $bare; proxy_buffers 2 4k; proxy_busy_buffers_size 4k;
            proxy_max_temp_file_size 0; proxy_pass \$app/big;
        }
        location /$at/gzip {
            $data; gzip on; gzip_types *; gzip_min_length 1;
            proxy_pass \$app/json;
        }
        location /$at/gzipped { $data; proxy_pass \$app/gzipped; }
        location /$at/sub {
            $data; sub_filter_types *; sub_filter '"a"' '"b"';
            proxy_pass \$app/json;
        }
        location /$at/file   { $data; alias %%DIR%%/html/json; }
        location /$at/static { $bare; alias %%DIR%%/html/big; }
        location /$at/cached {
            $data; proxy_cache c; proxy_cache_valid 1m;
            proxy_cache_key \$request_uri; proxy_pass \$app/json;
        }
        location /$at/fresh {
            $bare if=\$fresh; proxy_cache c; proxy_cache_valid 1m;
            proxy_cache_key \$request_uri; proxy_pass \$app/json;
        }
        location /$at/stored {
            $data; proxy_cache c; proxy_cache_valid 1m;
            proxy_cache_key \$request_uri; proxy_pass \$app/json;
        }
        location /$at/304    { $data; proxy_pass \$app/304; }
        location /$at/asks {
            $bare; auth_request /auth-emits; proxy_pass \$app/json;
        }
        location /$at/204    { $data; return 204; }
        location /$at/302    { $bare; return 302 /x; }
        location /$at/404    { $bare; proxy_pass \$app/404; }
        location /$at/500    { $bare; return 500; }
        location /$at/empty  { $data; return 200; }
        location /$at/error-page {
            $bare; proxy_intercept_errors on; error_page 404 = /plain;
            proxy_pass \$app/404;
        }
        location /$at/error-page-emits {
            proxy_intercept_errors on; error_page 404 = \@fallback-$at;
            proxy_pass \$app/404;
        }
        location \@fallback-$at { $data; return 200 '"fallback"'; }
        location /$at/auth   { $bare; auth_request /auth; proxy_pass \$app/json; }
        location /$at/denied { $bare; auth_request /deny; proxy_pass \$app/json; }
        location /$at/mirror { $bare; mirror /mirrored; proxy_pass \$app/json; }
        location /$at/try {
            $bare; try_files /nothing \@try-$at;
        }
        location \@try-$at { $bare; proxy_pass \$app/\$is_args; }
        location /$at/truncated { $data; proxy_pass %%BREAKS%%/; }
END
} ['b', ''], ['c', 'commit on_error=fail'];

my $breaks = NotifyTest::Receiver->new(scripts => { '/' => [
    { raw => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
             . "Content-Length: 1000\r\n\r\n{\"a\":" }] });
my $h2 = NotifyTest::free_port();
my $nginx = NotifyTest::Nginx->new(redis => $redis, start => 0,
    vars => { SIZE => length $big, BREAKS => $breaks->url('') }, http => <<"END");
    proxy_cache_path %%DIR%%/cache keys_zone=c:1m;
    notify_channel shop { event e; event auth; event mirrored; }
    map \$upstream_cache_status \$fresh { HIT 0; default 1; }
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:$h2 http2;
        set \$app http://127.0.0.1:%%PORT%%/app;
        location /shop/ { notify_api shop; }
        $locations
        location /plain { return 200 plain; }
        location /auth { internal; return 204; }
        location /deny { internal; return 403; }
        location /auth-emits {
            internal; notify_emit shop auth; return 204;
        }
        location /mirrored {
            internal; notify_emit shop mirrored; return 200;
        }
        location /app { return 200; }
        location /app/json {
            default_type application/json; alias %%DIR%%/html/json;
        }
        location /app/gzipped {
            default_type application/json; alias %%DIR%%/html/json;
            gzip on; gzip_types *; gzip_http_version 1.0; gzip_proxied any;
            gzip_min_length 1;
        }
        location /app/big { alias %%DIR%%/html/big; }
        location /app/404 { return 404; }
        location /app/304 { return 304; }
    }
END

NotifyTest::spew($nginx->dir . '/html/json', $json);
NotifyTest::spew($nginx->dir . '/html/big', $big);
$nginx->start;

my $cursor = '';
sub fetch {
    my $answer = http(GET => $nginx->url("/shop/deltas?cursor=$cursor"
                                         . '&wait=0s'));
    $answer = http(GET => $nginx->url('/shop/deltas')) if $cursor eq '';
    $cursor = $answer->{json}{cursor} // $cursor;
    return @{ $answer->{json}{data} // [] };
}

# one request: its answer, the events it emits, the data of the first one
sub row {
    my ($path, $events, $data, %option) = @_;
    my $body = delete $option{content};
    my $status = delete $option{status} // 200;
    my $answer = http(delete $option{method} // 'GET', $nginx->url($path),
                      %option);

    is($answer->{status}, $status, "$path: $status");
    is(sha1_hex($answer->{content} // ''), sha1_hex($body), "$path: its content")
        or diag(length($answer->{content} // '')) if defined $body;

    my @got;
    eventually { push @got, fetch(); @got >= $events } "$path: emits $events"
        if $events;
    if (!$events) {
        # whatever it had emitted would stand before this one
        http(GET => $nginx->url('/b/204'));
        eventually { push @got, fetch(); @got >= 1 } "$path: a mark";
        is(scalar @got, 1, "$path: emits nothing");
        return $answer;
    }
    is(scalar @got, $events, "$path: and no more");
    is_deeply($got[0]{data}, $data, "$path: its data");
    return $answer;
}

my $whole = from_json($json);

for my $at (qw(b c)) {
    row("/$at/small", 1, $whole, content => $json);
    row("/$at/big", 1, undef, content => $big);
    row("/$at/bare", 1, undef, content => $big);
    row("/$at/unbuffered", 1, $whole, content => $json);
    row("/$at/unbuffered-big", 1, undef, content => $big);
    row("/$at/few-buffers", 1, undef, content => $big);

    my $answer = row("/$at/gzip", 1, $whole,
                     headers => { 'Accept-Encoding' => 'gzip' });
    is($answer->{headers}{'content-encoding'}, 'gzip',
       "$at: compressed behind it");
    $answer = row("/$at/gzipped", 1, undef,
                  headers => { 'Accept-Encoding' => 'gzip' });
    is($answer->{headers}{'content-encoding'}, 'gzip',
       "$at: compressed before it, no data");
    row("/$at/sub", 1, $whole, content => $json =~ s/"a"/"b"/r);
    row("/$at/file", 1, $whole, content => $json);
    row("/$at/static", 1, undef, content => $big);
    row("/$at/cached", 1, $whole, content => $json) for 1 .. 2;
    row("/$at/fresh", 1, undef, content => $json);
    row("/$at/fresh", 0, undef, content => $json) for 1 .. 2;

    my $modified = http(GET => $nginx->url("/$at/file"))
                   ->{headers}{'last-modified'};
    eventually { fetch() } "$at: one more";
    row("/$at/file", 1, undef, status => 304, content => '',
        headers => { 'If-Modified-Since' => $modified });
    my @range = (headers => { Range => 'bytes=0-9' });
    row("/$at/file", 1, $whole, status => 206,
        content => substr($json, 0, 10), @range);
    my $none = row("/$at/file", $at eq 'c', $whole, status => 416,
                   headers => { Range => 'bytes=100000-' });
    like($none->{headers}{'content-range'}, qr/^bytes \*\/\d+$/,
         "$at: which ranges there are");

    # the same, of a cache; a Range is for what is stored, never for a 304
    row("/$at/stored", 1, $whole, content => $json);
    row("/$at/stored", 1, undef, status => 304, content => '',
        headers => { 'If-Modified-Since' => $modified });
    row("/$at/stored", 1, $whole, status => 206,
        content => substr($json, 0, 10), @range);
    row("/$at/304", 1, undef, status => 304, content => '');

    row("/$at/204", 1, undef, status => 204);
    row("/$at/302", 1, undef, status => 302);
    row("/$at/empty", 1, undef, content => '');
    row("/$at/404", 0, undef, status => 404);
    row("/$at/500", 0, undef, status => 500);
    row("/$at/error-page", 0, undef, content => 'plain');
    row("/$at/error-page-emits", 1, 'fallback', content => '"fallback"');
    row("/$at/auth", 1, undef, content => $json);
    row("/$at/denied", 0, undef, status => 403);
    row("/$at/asks", 2, undef, content => $json);
    row("/$at/mirror", 2, undef, content => $json);
    row("/$at/small", 0, undef, method => 'HEAD');
    row("/$at/small", 0, undef, method => 'OPTIONS', status => 405);
}

# an application that breaks off: the client sees that, and nobody waits

for my $at (qw(b c)) {
    my $answer = http_raw($nginx->port, "GET /$at/truncated HTTP/1.1\r\n"
                          . "Host: a\r\n\r\n");
    like($answer, qr/^HTTP\/1\.1 200 .*\{"a":$/s, "$at: what came is passed on");
    my @got;
    eventually { push @got, fetch(); @got } "$at: the event is emitted";
    is($got[0]{data}, undef, "$at: without data");
}


# one connection for several

for my $at (qw(b c)) {
    my $path = "/$at/small";
    my $answer = http_raw($nginx->port, join '', map {
        "GET $path HTTP/1.1\r\nHost: a\r\n$_\r\n"
    } '', '', "Connection: close\r\n");
    is(scalar(() = $answer =~ /\Q$json\E/g), 3, "$at: three answers");
    my @got;
    eventually { push @got, fetch(); @got == 3 } "$at: three events";
}


# HTTP/2

SKIP: {
    skip 'no curl with HTTP/2', 1
        unless `curl --version 2>/dev/null` =~ /\bHTTP2\b/;

for my $at (qw(b c)) {
    for my $row (['small', $json], ['big', $big], ['204', ''],
                 ['few-buffers', $big], ['404', undef]) {
        my ($path, $body) = @$row;
        my $url = "http://127.0.0.1:$h2/$at/$path";
        my $got = `curl -s -m 10 --http2-prior-knowledge $url`;
        is($?, 0, "h2 /$at/$path: no error");
        next unless defined $body;
        is(sha1_hex($got), sha1_hex($body), "h2 /$at/$path: its content");
        my @got;
        eventually { push @got, fetch(); @got } "h2 /$at/$path: an event";
    }
}

}

finish();
