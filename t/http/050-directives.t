# notify_api and notify_tenant: what nginx -t refuses, and where they stand.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $nginx = NotifyTest::Nginx->new(http => '', start => 0);

sub check {
    my ($inside) = @_;
    $nginx->write_conf(http => <<"END");
    notify_channel shop { }
    server {
        listen 127.0.0.1:%%PORT%%;
$inside
    }
END
    return $nginx->check;
}

sub refused {
    my ($title, $inside, $message) = @_;
    my ($text, $ok) = check($inside);
    my @lines = split /\n/, NotifyTest::slurp($nginx->conf);
    my ($line) = grep { $lines[$_ - 1] =~ /# !/ } 1 .. @lines;

    ok(!$ok, "$title is refused");
    like($text, qr/\[emerg\] .*$message.* in \S+:$line$/m,
         "$title: nginx -t says why and where");
}

sub accepted {
    my ($title, $inside) = @_;
    my ($text, $ok) = check($inside);
    ok($ok, "$title is accepted") or diag($text);
}

refused('an unknown resource',
    "location /a/ {\nnotify_api shop things;    # !\n}",
    'unknown resource "things"');
refused('an unknown channel',
    "location /a/ {\nnotify_api shed;    # !\n}", '"shed"');
refused("security that is $_",
    "location /a/ {\nnotify_api shop security=$_;    # !\n}",
    "invalid \"security=$_\", it must be") for 'digest', 'Basic', 'basics';
refused('security twice',
    "location /a/ {\nnotify_api shop security=none security=basic;    # !\n}",
    'more than one "security"');
refused('a second resource',
    "location /a/ {\nnotify_api shop events deltas;    # !\n}",
    'invalid parameter "deltas"');
refused('a regex location',
    "location ~ ^/a/ {\nnotify_api shop;    # !\n}", 'regex or named');
refused('a named location',
    "location \@a {\nnotify_api shop;    # !\n}", 'regex or named');
refused('notify_api in a server', "notify_api shop;    # !", 'not allowed');
refused('notify_api twice',
    "location /a/ {\nnotify_api shop;\nnotify_api shop;    # !\n}",
    'duplicate');
my @content = ('notify_api shop;', 'notify_metrics;', 'notify_console;');

for my $first (@content) {
    for my $second (grep { $_ ne $first } @content) {
        refused("in one location $first and $second",
            "location /a/ {\n$first\n$second    # !\n}",
            'something else answers in this location');
    }
}

refused("behind proxy_pass, $_",
    "location /a/ {\nproxy_pass http://127.0.0.1:1;\n$_    # !\n}",
    'something else answers in this location') for @content;

refused('a tenant with an unknown word',
    "notify_tenant \$host needed;    # !", 'invalid parameter "needed"');
refused('an empty tenant that is required',
    "notify_tenant \"\" required;    # !", 'invalid parameter "required"');
# variables are looked up when all is read, so nginx names no line
my ($text, $ok) = check('notify_tenant $notify_nothing_here;');
ok(!$ok, 'a tenant with an unknown variable is refused');
like($text, qr/unknown "notify_nothing_here" variable/, 'nginx -t says why');
refused('a tenant twice',
    "notify_tenant a;\nnotify_tenant b;    # !", 'duplicate');

refused('a session without an id',
    "location /a/ {\nnotify_session shop id=;    # !\n}", 'nobody');
refused("a parameter twice: $_",
    "location /a/ {\n$_    # !\n}", 'given twice')
    for 'notify_session shop id=1 ttl=1d ttl=2d;',
        'notify_emit shop a on=request on=response;',
        'notify_emit shop a on_error=pass on_error=pass;',
        'notify_emit shop a commit commit;',
        'notify_session shop id=1 presence presence;';
refused('a failure that nobody waits for',
    "location /a/ {\nnotify_emit shop a on_error=fail;    # !\n}",
    'without "commit"');
refused("a header's name that is none: '$_'",
    "location /a/ {\nnotify_verify hmac secret_file=none 'header=$_';    # !\n}",
    'invalid name in "header=') for 'X A', 'X-A:', ' ';
refused("a window of $_",
    "location /a/ {\nnotify_verify standard secret_file=none window=$_;"
    . "    # !\n}", '1s to 365d') for '0', '366d', '9223372036854775807';

accepted('a location of a prefix', 'location /a/ { notify_api shop; }');
accepted('one that no regex takes', 'location ^~ /a { notify_api shop; }');
accepted("security=$_", "location /a/ { notify_api shop security=$_; }"
         . "location /b { notify_api shop events security=$_; }")
    for qw(none basic bearer);
accepted('an exact one',
         'location = /a { notify_api shop subscriptions; }');
accepted('an optional tenant', 'notify_tenant $remote_user optional;');
accepted('a tenant for all of a server',
    'notify_tenant $remote_user required; location /a/ { notify_api shop; }');
accepted("every resource: $_", "location /a { notify_api shop $_; }")
    for qw(subscriptions events deltas event-types health stats);

finish();
