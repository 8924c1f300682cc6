# The examples are accepted as they stand.

use strict;
use warnings;

use File::Basename qw(basename);
use Test::More;
use NotifyTest;

for my $path (glob "$NotifyTest::TOP/conf.examples/*.conf") {
    my $name = basename($path, '.conf');

    like(NotifyTest::slurp($path),
         qr/^load_module modules\/ngx_http_notify_module\.so;$/m,
         "$name loads the module as packages install it");

    my $nginx = NotifyTest::Nginx->new(example => $name, start => 0);
    my ($said, $ok) = $nginx->check;
    ok($ok, "$name is accepted") or diag($said);
}

finish();
