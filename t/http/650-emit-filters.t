# notify_emit and notify_session beside nginx's modules that make one answer of
# several requests, or cut it: each answer is what it is without ours.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $big = 'part of a page ' x 20000;

my %emit = (
    none       => '',
    background => 'notify_emit shop e;',
    data       => 'notify_emit shop e data=response;',
    commit     => 'notify_emit shop e commit on_error=fail;',
    gather     => 'notify_emit shop e data=response commit on_error=fail;',
    session    => 'notify_session shop id=$arg_id commit;',
    presence   => 'notify_session shop id=$arg_id presence;',
);

my %location = (
    'ssi.html' => 'ssi on; alias %%DIR%%/html/ssi.html;',
    'wait.html' => 'ssi on; alias %%DIR%%/html/wait.html;',
    proxied    => 'ssi on; proxy_pass $app/ssi.html;',
    before     => 'add_before_body /inc; alias %%DIR%%/html/page.html;
                   default_type text/html;',
    after      => 'add_after_body /inc; alias %%DIR%%/html/page.html;
                   default_type text/html;',
    both       => 'add_before_body /inc; add_after_body /inc;
                   addition_types *; proxy_pass $app/big;',
    file       => 'alias %%DIR%%/html/big;',
    direct     => 'directio 512; alias %%DIR%%/html/page.html;',
    threads    => 'aio threads; sendfile on; alias %%DIR%%/html/big;',
    auth       => 'auth_request /who; alias %%DIR%%/html/page.html;',
    mirror     => 'mirror /mirrored; proxy_pass $app/big;',
    gunzip     => 'gunzip on; proxy_set_header Accept-Encoding gzip;
                   proxy_pass $app/gzipped;',
    'sub.html' => 'ssi on; sub_filter page book; sub_filter_once off;
                   alias %%DIR%%/html/ssi.html;',
    charset    => 'charset utf-8; source_charset koi8-r; override_charset on;
                   charset_types *; alias %%DIR%%/html/page.html;',
    slice      => 'slice 4k; proxy_set_header Range $slice_range;
                   proxy_cache c; proxy_cache_valid 1h;
                   proxy_cache_key %%AT%%$slice_range; proxy_pass $app/big;',
);

my $locations = join '', map {
    my $at = $_;
    map { "location /$at/$_ { $emit{$at} "
          . ($location{$_} =~ s/%%AT%%/$at/r) . " }\n" } sort keys %location;
} sort keys %emit;

my $second = NotifyTest::free_port();
my $nginx = NotifyTest::Nginx->new(redis => $redis, start => 0,
                                   http => <<"END");
    proxy_cache_path %%DIR%%/cache keys_zone=c:1m;
    proxy_http_version 1.1;
    notify_channel shop { event e; event i; }
    charset_map koi8-r utf-8 { C0 D18E; }
    types { text/html html; }
    server {
        listen 127.0.0.1:%%PORT%%;
        set \$app http://127.0.0.1:%%PORT%%/app;
        location /shop/ { notify_api shop; }
        $locations
        location /inc      { alias %%DIR%%/html/inc; }
        location /slow     { proxy_pass \$app/inc; }
        location /emits    { notify_emit shop i; proxy_pass \$app/inc; }
        location /nested   { ssi on; ssi_types *; alias %%DIR%%/html/nested; }
        location = /who    { internal; return 204; }
        location /mirrored { internal; notify_emit shop i; return 204; }
        location /app/     { alias %%DIR%%/html/; }
        location /app/gzipped {
            default_type text/plain; gzip on; gzip_types *; gzip_min_length 1;
            alias %%DIR%%/html/page.html;
        }
    }
    server {
        listen 127.0.0.1:$second;
        notify_emit shop e data=response commit on_error=fail;
        location /ssi.html { ssi on; alias %%DIR%%/html/ssi.html; }
        location /page.html {
            add_before_body /inc; add_after_body /inc;
            alias %%DIR%%/html/page.html;
        }
        location /inc      { alias %%DIR%%/html/inc; }
        location /slow     { proxy_pass http://127.0.0.1:%%PORT%%/app/inc; }
        location /emits    { proxy_pass http://127.0.0.1:%%PORT%%/app/inc; }
        location /nested   { ssi on; ssi_types *; alias %%DIR%%/html/nested; }
    }
END

my %page = (
    'inc'       => 'included',
    'nested'    => '(<!--# include virtual="/inc" -->)',
    'page.html' => "<p>a page</p>\n" x 100,
    'ssi.html'  => 'a page <!--# include virtual="/inc" --> and '
                   . '<!--# include virtual="/slow" --> and '
                   . '<!--# include virtual="/nested" --> and '
                   . '<!--# include virtual="/emits" -->',
    'wait.html' => '<!--# include virtual="/slow" wait="yes" -->'
                   . '<!--# include virtual="/inc" set="x" -->'
                   . '<!--# echo var="x" --> end',
    'big'       => $big,
);
NotifyTest::spew($nginx->dir . "/html/$_", $page{$_}) for keys %page;
$nginx->start;

sub page {
    my ($path, %option) = @_;
    my $answer = http(GET => $nginx->url($path), timeout => 5, %option);
    return join ' ', $answer->{status},
                     $answer->{headers}{'content-range'} // '',
                     $answer->{content} // '';
}

my @paths = sort keys %location;
my %right = map { $_ => page("/none/$_") } @paths;

is($right{'ssi.html'}, '200  a page included and included and (included) and '
                       . 'included', 'a page of several');
is($right{both}, "200  included${big}included", 'one with additions');
is($right{slice}, "200  $big", 'one of slices');

for my $at (grep { $_ ne 'none' } sort keys %emit) {
    for my $path (@paths) {
        my $page = page("/$at/$path?id=1");
        ok($page eq $right{$path}, "$at: $path")
            or diag(length $page, ': ', substr($page, 0, 200));
    }

    for my $range ('bytes=10-19', 'bytes=5000-9000,20000-20010',
                   'bytes=-5', 'bytes=9000000-') {
        for my $path (qw(slice file)) {
            my ($is, $was) = map {
                page("/$_/$path?id=1", headers => { Range => $range })
                    =~ s/^--\d+/--/gmr
            } $at, 'none';
            ok($is eq $was, "$at: $path, $range")
                or diag(substr($is, 0, 200), "\n", substr($was, 0, 200));
        }
    }
}

is(http(GET => "http://127.0.0.1:$second/ssi.html", timeout => 5)->{content},
   $right{'ssi.html'} =~ s/^200  //r, 'the server emits: SSI');
is(http(GET => "http://127.0.0.1:$second/page.html", timeout => 5)->{content},
   'included' . $page{'page.html'} . 'included', 'the server emits: addition');

my (%counts, $cursor);
eventually {
    my $answer = http(GET => $nginx->url('/shop/deltas?limit=100'
                                         . ($cursor ? "&cursor=$cursor" : '')));
    $counts{ $_->{eventType} }++ for @{ $answer->{json}{data} };
    $cursor = $answer->{json}{cursor};
    ($counts{e} // 0) >= 4 * @paths + 2 && ($counts{i} // 0) >= 7 * 4
} 'each has its event, and so have parts whose location says so';

finish();
