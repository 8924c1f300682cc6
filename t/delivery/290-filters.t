# What nginx is told to do with answers to clients does not concern calls: they
# are requests of nginx' as well, but have no client, and few of its parts.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 1);
my ($nginx, $receiver) = ($shop->nginx, $shop->receiver);
$shop->ready;

my $conf = NotifyTest::slurp($nginx->conf);
$conf =~ s/http \{/http {
    ssi on;  ssi_types *;
    gzip on;  gzip_types *;  gzip_min_length 1;
    sub_filter zzqq b;  sub_filter_types *;  sub_filter_once off;
    add_header A b always;
    expires 1d;
    etag on;
    charset utf-8;  override_charset on;  charset_types *;
    limit_rate 100k;
    log_subrequest on;
/ or die;
NotifyTest::spew($nginx->conf, $conf);
$nginx->reload;

$receiver->script('/a', { status => 200, body => '<!--# echo -->' x 500,
                          headers => { 'Content-Type' => 'text/html' } });
my $id = $shop->subscribe('/a');
my @ids = $shop->publish(5);
eventually { !$shop->lacks('/a', @ids) } 'calls are made under any filter';
is($shop->again('/a'), 0, 'once each');
eventually { 5 == grep { $_->{status} eq 'succeeded' }
                 @{ $shop->ask(GET => "subscriptions/$id/deliveries")
                         ->{json} } } 'and are known to have succeeded';

finish();
