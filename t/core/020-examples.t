# The examples are accepted as they stand, those for systemd too.

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

# the drop-in, as systemd reads it beside Debian's unit

my $drop_in = "$NotifyTest::TOP/conf.examples/nginx.service.d/notify.conf";
my ($analyze) = grep { -x } map { "$_/systemd-analyze" } split /:/, $ENV{PATH};

SKIP: {
    skip 'systemd or its unit of nginx is not installed', 2
        unless $analyze && -e '/lib/systemd/system/nginx.service';

    my $dir = NotifyTest::test_dir() . '/nginx.service.d';
    mkdir $dir or die "$dir: $!";
    local $ENV{SYSTEMD_UNIT_PATH} = NotifyTest::test_dir() . ':';
    my $verify = "'$analyze' verify --man=no nginx.service 2>&1";

    NotifyTest::spew("$dir/notify.conf", NotifyTest::slurp($drop_in));
    unlike(qx{$verify}, qr/notify\.conf/,
           'systemd takes each line of the drop-in');
    NotifyTest::spew("$dir/notify.conf", "[Service]\nNoSuchThing=1\n");
    like(qx{$verify}, qr/notify\.conf:2: Unknown key/,
         '... and would name a line that is wrong');
}

finish();
