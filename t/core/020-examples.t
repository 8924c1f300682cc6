# The examples are accepted as they stand.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use Test::More;
use NotifyTest;

my $nginx = NotifyTest::Nginx->new(http => '', start => 0);
my $dir = $nginx->dir;
my $temp = join '', map { "${_}_temp_path $dir/temp/$_;\n" }
                    qw(client_body proxy fastcgi uwsgi scgi);

symlink dirname($NotifyTest::MODULE), "$dir/modules";
NotifyTest::spew("$dir/conf/local.conf",
                 "access_log $dir/logs/access.log;\n$temp");

for my $example (glob "$NotifyTest::TOP/conf.examples/*.conf") {
    my $text = NotifyTest::slurp($example);
    my $name = basename($example);

    like($text, qr/^load_module modules\/ngx_http_notify_module\.so;$/m,
         "$name loads the module as packages install it");

    $text =~ s/^http \{\n/http {\n    include local.conf;\n/m;
    NotifyTest::spew($nginx->conf, "pid $dir/nginx.pid;\n$text");

    my ($said, $ok) = $nginx->check;
    ok($ok, "$name is accepted") or diag($said);
}

finish();
