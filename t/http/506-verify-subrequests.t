# notify_verify and notify_sync in the subrequests of nginx's modules: judged
# there as a request would be, once a client's request.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex);
use MIME::Base64 qw(encode_base64url);

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $second = NotifyTest::free_port();
my $nginx = NotifyTest::Nginx->new(redis => $redis, start => 0,
                                   http => <<"END");
    notify_profile local { allow 127.0.0.0/8; schemes http; }
    notify_channel shop { profile local; event asked sync; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/   { notify_api shop; }

        location = /who   { internal; notify_verify jwt alg=HS256 key=%%DIR%%/secret; return_ok; }
        location = /once  { internal; notify_verify jwt alg=HS256 key=%%DIR%%/secret once=\$http_x_id; try_files /ok =204; }
        location = /sign  { internal; notify_verify hmac header=X-Sign secret_file=%%DIR%%/secret; try_files /ok =204; }
        location = /gate  { internal; notify_sync shop asked gate refused=403 data=\$request_uri; try_files /ok =204; }
        location = /body  { internal; notify_sync shop asked gate refused=403; try_files /ok =204; }

        location /private { auth_request /who;  try_files /page =404; }
        location /single  { auth_request /once; try_files /page =404; }
        location /signed  { auth_request /sign; proxy_pass http://127.0.0.1:%%PORT%%/app; }
        location /gated   { auth_request /gate; try_files /page =404; }
        location /asks    { auth_request /body; proxy_pass http://127.0.0.1:%%PORT%%/app; }
        location /app     { return 200 "a page"; }

        location /ssi/    { ssi on; ssi_types *; alias %%DIR%%/html/; }
        location /part    { notify_verify jwt alg=HS256 key=%%DIR%%/secret; try_files /page =404; }
        location /again   { notify_verify jwt alg=HS256 key=%%DIR%%/secret once=\$arg_id; try_files /page =404; }
        location /answered { notify_sync shop asked answer data=\$request_uri; try_files /page =404; }

        location /mirrored { mirror /copy; return_body; }
        location = /copy  { internal; notify_verify hmac header=X-Sign secret_file=%%DIR%%/secret; proxy_pass @{[ $receiver->url('/copy') ]}; }
        location /unread  { mirror /copy; mirror_request_body off; proxy_pass http://127.0.0.1:%%PORT%%/app; }
    }
    server {
        listen 127.0.0.1:$second;
        notify_verify jwt alg=HS256 key=%%DIR%%/secret once=\$arg_id;
        location /        { ssi on; ssi_types *; root %%DIR%%/html; }
    }
END
NotifyTest::spew($nginx->conf, NotifyTest::slurp($nginx->conf)
    =~ s/return_ok;/try_files \/ok =204;/gr
    =~ s/return_body;/proxy_pass http:\/\/127.0.0.1:@{[ $nginx->port ]}\/app;/gr);

my $secret = 'a secret of thirty-two bytes, yes';
NotifyTest::spew($nginx->dir . '/secret', "$secret\n");
NotifyTest::spew($nginx->dir . '/html/page', 'a page');
NotifyTest::spew($nginx->dir . '/html/parts',
                 '[<!--# include virtual="/part" -->]');
NotifyTest::spew($nginx->dir . '/html/twice',
                 '[<!--# include virtual="/again?id=$arg_id" -->'
                 . '<!--# include virtual="/again?id=$arg_id" -->]');
NotifyTest::spew($nginx->dir . '/html/asked',
                 '[<!--# include virtual="/answered" -->]');
NotifyTest::spew($nginx->dir . '/html/inherited',
                 '[<!--# include virtual="/page" -->]');
$nginx->start;

sub jwt {
    my ($key) = @_;
    my $text = join '.', map { encode_base64url(to_json($_)) }
               { alg => 'HS256', typ => 'JWT' }, { exp => time + 600 };
    return "Bearer $text." . encode_base64url(hmac_sha256($text, $key));
}

sub get {
    my ($path, %headers) = @_;
    return http(GET => $path =~ /^http/ ? $path : $nginx->url($path),
                headers => \%headers);
}

my @good = ('X-Id' => 'a', Authorization => jwt($secret));
my @bad = (Authorization => jwt('another secret of some length ..'));


# auth_request

for my $path (qw(/private /single)) {
    for ([], \@bad) {
        my $answer = get($path, @$_);
        is($answer->{status}, 401, "$path: refused");
        is($answer->{headers}{'www-authenticate'}, 'Bearer',
           "$path: and why is said");
    }
    my $answer = get($path, @good);
    is($answer->{status}, 200, "$path: let through");
    is($answer->{content}, 'a page', "$path: to the page");
}
is(get('/single', @good, 'X-Id' => 'a')->{status}, 401, 'once means once');
is(get('/single', @good, 'X-Id' => 'b')->{status}, 200,
   'another one is another');

is(get('/signed', 'X-Sign' => hmac_sha256_hex('', $secret))->{status}, 200,
   'a request without a body is signed');
is(get('/signed', 'X-Sign' => hmac_sha256_hex('x', $secret))->{status}, 401,
   'or is not');
is(http(POST => $nginx->url('/signed'), body => 'a body',
        headers => { 'X-Sign' => hmac_sha256_hex($_, $secret) })->{status}, 401,
   "a body that auth_request does not read is refused: '$_'")
    for '', 'a body';


# SSI

is(get('/ssi/parts', @good)->{content}, '[a page]', 'a part is let through');
for ([], \@bad) {
    my $answer = get('/ssi/parts', @$_);
    is($answer->{status}, 200, 'a page');
    unlike($answer->{content}, qr/a page/, 'without the part');
}
is(get('/ssi/twice?id=c', @good)->{content}, '[a pagea page]',
   'once is once a client\'s request');
unlike(get('/ssi/twice?id=c', @good)->{content}, qr/a page/, 'not again');

my $other = "http://127.0.0.1:$second/inherited";
is(get("$other?id=d", @good)->{content}, '[a page]',
   'what the page has passed holds for its parts');
is(get("$other?id=d", @good)->{content}, '', 'and once for both');
is(get("$other?id=e", @bad)->{status}, 401, 'or for neither');


# mirror

for (['signed', hmac_sha256_hex('a body', $secret), '/mirrored', 1],
     ['not signed', hmac_sha256_hex('', $secret), '/mirrored', 1],
     ['not read', hmac_sha256_hex('', $secret), '/unread', 1])
{
    my ($title, $sign, $path, $count) = @$_;
    is(http(POST => $nginx->url($path), body => 'a body',
            headers => { 'X-Sign' => $sign })->{content}, 'a page',
       "mirror, $title");
    eventually { $receiver->count('/copy') == $count } "$title: $count copied";
}


# notify_sync

is(get('/gated')->{status}, 200, 'nobody is to be asked');
$receiver->script('/s', { body => '{"success":false}' });
is(http(POST => $nginx->url('/shop/subscriptions'), json => {
            event => 'asked', mode => 'sync', url => $receiver->url('/s'),
        })->{status}, 201, 'now somebody is');
eventually { get('/gated')->{status} == 403 } 'who says no';
$receiver->script('/s', { body => '{"success":true,"data":{"x":1}}' });
is(get('/gated')->{status}, 200, 'who says yes');
is(from_json(($receiver->requests('/s'))[-1]{body})->{data}, '/gated',
   'about this request');
like(get('/ssi/asked')->{content}, qr/^\[\{.*"x":1.*\}\]$/s,
     'an answer is a part of a page');
is(http(POST => $nginx->url('/asks'), body => '{"a":1}')->{status}, 500,
   'a body that auth_request does not read cannot be asked about');
is((grep { $_->{body} =~ /"a":1/ } $receiver->requests('/s')), 0, 'and is not');

my @lines = grep { /the body is not read before this subrequest/ }
            split /\n/, $nginx->log;
cmp_ok(scalar @lines, '>=', 3, 'the log says so');

finish();
