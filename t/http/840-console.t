# notify_console: the page, what it may do, and that it works in jsdom; all that
# a person does with it is tried in 845-portal.t.

use strict;
use warnings;

use Digest::SHA qw(sha256_base64);
use Test::More;
use NotifyTest;

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new(
    scripts => { '/dead-one' => [{ status => 500 }] });
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
    notify_profile local { allow 127.0.0.1; retry off; response_log 100; }
    notify_channel shop { profile local; event order.paid; }

    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
        location = /shop/console { notify_console; }
        location = /elsewhere/console { notify_console; }
        location = /shop/framed {
            notify_console title="Acme & <sons>"
                           logo=https://cdn.example:8443/a/acme.svg?v=1&w=2
                           tenant=X-Tenant
                           frame_ancestors=https://app.example
                           https://*.example self;
        }
        location /closed/ {
            if ($http_authorization != "Bearer a.b-c") { return 401; }
            notify_api shop;
        }
        location = /closed/console { notify_console logo=/acme.svg; }
        location /emit { notify_emit shop order.paid;
            location = /emit/console { notify_console; } }
    }
END

# how it is served

my $answer = http(GET => $nginx->url('/shop/console'));
is($answer->{status}, 200, 'the page is there');
is($answer->{headers}{'content-type'}, 'text/html; charset=utf-8', 'as HTML');
my $page = $answer->{content};
my $source = "$NotifyTest::TOP/src/http";
is($page, slurp("$source/console.html")
          =~ s{^/\* (console/\w+\.\w+) \*/\n}{slurp("$source/$1")}megr,
   'it is the files, byte by byte');
cmp_ok((slurp($_) =~ tr/\n//), '<=', 700, "$_ is no longer than a file may be")
    for "$source/console.html", glob "$source/console/*";

my $policy = $answer->{headers}{'content-security-policy'};
for my $name (qw(script style)) {
    my ($text) = $page =~ m{<$name>(.*?)</$name>}s;
    my $hash = sha256_base64($text) . '=';
    like($policy, qr/$name-src 'sha256-\Q$hash\E'(;|$)/,
         "the policy allows its $name by its hash");
}
like($policy, qr/^default-src 'none';/, 'and nothing else');
like($policy, qr/connect-src 'self'/, 'calls go to its own server only');
unlike($policy, qr/unsafe/, 'nothing unsafe is allowed');
like($policy, qr/frame-ancestors 'none'/, 'nobody may frame it');
is($answer->{headers}{'x-content-type-options'}, 'nosniff', 'nosniff');
is($answer->{headers}{'referrer-policy'}, 'no-referrer', 'no-referrer');
unlike($page, qr/\b(?:src|href)\s*=|\@import|url\(/, 'it loads nothing');
unlike($page, qr/<[^>]+\son\w+=/, 'there are no handlers in its markup');
unlike($page, qr/innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b/,
       'and what it shows is text');

$answer = http(HEAD => $nginx->url('/shop/console'));
is($answer->{status}, 200, 'HEAD is GET');
is($answer->{headers}{'content-length'}, length $page, 'with its length');
$answer = http(POST => $nginx->url('/shop/console'), body => 'x');
is($answer->{status}, 405, 'POST is not allowed');
is($answer->{headers}{allow}, 'GET, HEAD', 'it says what is');

my $file = NotifyTest::test_dir() . '/console.html';
NotifyTest::spew($file, $page);
my $said = qx(cd '$NotifyTest::BUILD/npm' && node_modules/.bin/html-validate \\
    --preset standard --rule no-trailing-whitespace:error '$file' 2>&1);
is($said, '', 'it is valid HTML');


# what an operator puts into it

my $framed = http(GET => $nginx->url('/shop/framed'));
like($framed->{content}, qr{<title>Acme &amp; &lt;sons&gt;</title>},
     'its title, as text');
ok(index($framed->{content}, '<img id="logo" alt="" src="https://cdn.example'
         . ':8443/a/acme.svg?v=1&amp;w=2">') > 0, 'its logo');
like($framed->{content}, qr{^<body data-tenant="X-Tenant">$}m,
     'the header that says whose data is asked for');
my ($changed) = $framed->{headers}{'content-security-policy'};
is($changed =~ s/.*; //r, "frame-ancestors https://app.example "
   . "https://*.example 'self'", 'who may frame it');
like($changed, qr{; img-src https://cdn\.example:8443;}, 'its image alone');
is($changed =~ s/; img-src [^;]*//r =~ s/(frame-ancestors).*/$1/r,
   $policy =~ s/(frame-ancestors).*/$1/r, 'nothing else may be loaded');
is(length $framed->{content}, $framed->{headers}{'content-length'},
   'the page is whole');
like(http(GET => $nginx->url('/closed/console'))->{headers}
     {'content-security-policy'}, qr/; img-src 'self';/,
     'a logo of its own server is');

NotifyTest::spew($file, $framed->{content});
$said = qx(cd '$NotifyTest::BUILD/npm' && node_modules/.bin/html-validate \\
    --preset standard --rule no-trailing-whitespace:error '$file' 2>&1);
is($said, '', 'it is valid HTML still');


# what it does

sub subscribe {
    my ($path, %more) = @_;
    my $answer = http(POST => $nginx->url('/shop/subscriptions'), json => {
        url => $receiver->url($path), event => 'order.paid', %more });
    is($answer->{status}, 201, "a subscription for $path");
    return $answer->{json}{id};
}

sub publish {
    my ($data) = @_;
    return http(POST => $nginx->url('/shop/events'),
                json => { eventType => 'order.paid', data => $data });
}

my $dead = subscribe('/dead-one');
subscribe('/fine', name => '<img src=x onerror=alert(1)><b>bold</b>');
publish(1);
eventually { @{ http(GET => $nginx->url(
    "/shop/subscriptions/$dead/deliveries?status=dead"))->{json} // [] } }
    'a delivery is dead';

sub drive {
    my ($path) = @_;
    my %seen;

    open my $pipe, '-|', 'node', "$NotifyTest::TOP/t/clients/console.js",
        $nginx->url($path) or die "node: $!";
    while (<$pipe>) {
        my $one = from_json($_);
        %seen = (%seen, %$one);
        publish({ big => '<b>x</b>' }) if $one->{ready};
    }
    close $pipe;
    diag("$path: $seen{error}") if defined $seen{error};
    return \%seen;
}

my $seen = drive('/shop/console');
is($seen->{error}, undef, 'a person gets through without an error');
is($seen->{channel}, 'shop', 'the title has the channel');
is($seen->{role}, 'operator', 'and who looks');
like($seen->{health}, qr/^(?:Healthy|Warning)$/, 'health is told');
like($seen->{care}, qr/dead-one.*failing since/is, 'one that fails is told');
is(scalar @{ $seen->{rows} // [] }, 2, 'both endpoints are listed');
ok(scalar(grep { /<img src=x/ } @{ $seen->{rows} // [] }),
   'what looks like markup is shown as text');
is($seen->{markup}, 0, 'and is none');
is($seen->{focus}, 1, 'an arrow goes to the next endpoint');
is($seen->{found}, 1, 'one can be found');
like($seen->{attempt}, qr/500/, 'a dead letter shows its attempt');
like($seen->{redelivered}, qr/delivered again/, 'and is delivered again');
like($seen->{test}, qr/answered 500/, 'a test says what came of it');
like($seen->{rotated}, qr/^whsec_/, 'a rotated secret is shown');
like($seen->{created}, qr/^whsec_/, 'so is that of a new endpoint');
like($seen->{asks}, qr/^Delete/, 'what cannot be undone asks first');
like($seen->{deleted}, qr/deleted/, 'it is deleted again');
like($seen->{live}, qr/order\.paid.*<b>x/, 'an event is seen as it comes');
is(http(GET => $nginx->url('/shop/subscriptions'))->{json}[1]{status},
   'active', 'another endpoint is as it was');
eventually { $receiver->count('/dead-one') == 4 }
    'all this has really happened';

$seen = drive('/elsewhere/console?api=/shop/');
is($seen->{channel}, 'shop',
   'the API may be elsewhere on this server');

$seen = drive('/closed/console#token=a.b-c');
is($seen->{channel}, 'shop', 'a token in the fragment is sent');
like($seen->{live}, qr/order\.paid/, 'with the stream, too');
is(drive('/shop/framed')->{channel}, 'Acme & <sons>', 'a title that is given stays');

http(GET => $nginx->url('/emit/console')) for 1 .. 2;
publish('last');
my @data = map { $_->{data} } @{ http(GET => $nginx->url('/shop/deltas'))
                                 ->{json}{data} };
is(scalar(grep { !defined } @data), 0, 'the page emits nothing');

finish();
