# The version has one place, src/base/ngx_http_notify_version.h, and all that
# shows it says the same.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $top = $NotifyTest::TOP;
my ($version) = slurp("$top/src/base/ngx_http_notify_version.h")
                =~ /^#define NGX_HTTP_NOTIFY_VERSION\s+"(\d+\.\d+\.\d+)"$/m;
ok($version, 'the version has three numbers');

my $shop = NotifyTest::Shop->new(workers => 2,
    server => 'location = /metrics { notify_metrics; }');
my $nginx = $shop->nginx;
my $line = qr/\[notice\] .*notify module: version (\S+)$/m;
$shop->ready;

is(join(' ', $nginx->log =~ /$line/g), $version,
   'the log says it once when nginx starts, with two workers');
$nginx->reload;
$shop->ready;
is(join(' ', $nginx->log =~ /$line/g), $version, '... and not at a reload');

my ($said, $ok) = $nginx->check;
ok($ok && $said !~ $line, 'nginx -t does not say it');

is($shop->ask(GET => 'health')->{json}{version}, $version, 'health has it');

my ($info) = http(GET => $nginx->url('/metrics'))->{content}
             =~ /^(notify_build_info\S*) 1$/m;
is($info, "notify_build_info{version=\"$version\"}", 'so have the metrics');

$shop->subscribe('/calls');
my $id = $shop->publish;
eventually { !$shop->lacks('/calls', $id) } 'an event is delivered';
my ($call) = $shop->receiver->requests('/calls');
is($call->{headers}{'user-agent'}, "nginx-notify/$version",
   'the call names it in its User-Agent');

is(qx{'$top/t/lib/deb' version}, "$version\n", 'the package is made with it');

my $readme = slurp("$top/README.md");
like($readme, qr/^This is version \Q$version\E\.$/m, 'the README says it');
like($readme, qr/^## Changes\n\n### \Q$version\E\n/m,
     '... and its changes begin with it');
like($readme, qr{^    user-agent: nginx-notify/\Q$version\E$}m,
     '... as its example of a call does');
like(slurp("$top/src/DIRECTIVES.md"),
     qr{`User-Agent: nginx-notify/\Q$version\E`}, 'so does the reference');
like(slurp("$top/src/api/openapi.json"),
     qr/"channel": "shop", "version": "\Q$version\E"/,
     'so does the example of health in openapi.json');

finish();
