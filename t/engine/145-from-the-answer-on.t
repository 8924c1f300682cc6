# A change of a subscription counts from its answer on: what is published after
# it is delivered, or is not, as the changed one says.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'retry off; breaker off;');
$shop->ready;

$shop->subscribe('/watch');
my $rounds = 60;
my %wrong;


# how many of them a path has got, once others have

sub came {
    my ($path, @ids) = @_;
    eventually { !$shop->lacks('/watch', @ids) }
        or die "the engine has stopped\n";
    return @ids - $shop->lacks($path, @ids);
}


for my $i (1 .. $rounds) {
    my $id = $shop->subscribe("/old$i");
    my @before = $shop->publish(2);
    eventually { !$shop->lacks("/old$i", @before) }
        or die "a new one gets nothing\n";

    $shop->change($id, url => $shop->receiver->url("/new$i"));
    my @url = $shop->publish(2);
    eventually { !$shop->lacks("/new$i", @url) } undef, 1;
    $wrong{url} += $shop->lacks("/new$i", @url);
    $wrong{old} += came("/old$i", @url);

    $shop->change($id, filter => { 'data.n' => 7 });
    my @not = $shop->publish(2);
    my @only = $shop->publish(1, data => { n => 7 });
    eventually { !$shop->lacks("/new$i", @only) } undef, 1;
    $wrong{filter} += came("/new$i", @not);

    $shop->change($id, filter => { 'data.n' => 8 });
    my @eight = $shop->publish(1, data => { n => 8 });
    $wrong{matching} += !eventually { !$shop->lacks("/new$i", @eight) }
                        undef, 1;

    $shop->act($id, 'disable');
    my @disabled = $shop->publish(2, data => { n => 8 });
    $wrong{disabled} += came("/new$i", @disabled);

    $shop->act($id, 'enable');
    my @enabled = $shop->publish(2, data => { n => 8 });
    $wrong{enabled} += !eventually { !$shop->lacks("/new$i", @enabled) }
                       undef, 1;
    $wrong{missed} += came("/new$i", @disabled);

    $shop->act($id, 'redeliver', { since => $before[0] });
    eventually { !$shop->lacks("/new$i", @disabled) } undef, 1;
    $wrong{redelivered} += $shop->lacks("/new$i", @disabled);
}

my %what = (
    url => 'goes to the new URL',
    old => 'and not to the old one',
    filter => 'is not delivered if a new filter is against it',
    matching => 'is delivered if a new filter is for it',
    disabled => 'is not delivered to a disabled one',
    enabled => 'is delivered to one that is enabled again',
    missed => 'does not come while it was disabled, even then',
    redelivered => 'comes when that is redelivered',
);

is($wrong{$_}, 0, "what is published after the answer $what{$_}")
    for qw(url old filter matching disabled enabled missed redelivered);

is($shop->again("/new$_") + $shop->again("/old$_"), 0,
   "nothing comes twice ($_)")
    for 1 .. $rounds;


# secrets: what follows a rotation is signed with the new and the old one

my $id = $shop->subscribe('/rotated');
my ($new, $both) = (0, 0);

for (1 .. $rounds) {
    my $secret = $shop->act($id, 'rotate-secret', { grace => '1h' })->{secret};
    my $event = $shop->publish(1);
    eventually { !$shop->lacks('/rotated', $event) } undef, 1;
    my ($call) = grep { $_->{headers}{'webhook-id'} eq $event }
                 $shop->receiver->requests('/rotated') or next;

    my $headers = $call->{headers};
    my $signed = join '.', @$headers{qw(webhook-id webhook-timestamp)},
                      $call->{body};
    my ($key) = $secret =~ /^whsec_(.+)/;
    my $signature = encode_base64(hmac_sha256($signed, decode_base64($key)),
                                  '');
    my @signatures = split / /, $headers->{'webhook-signature'};
    $new += grep { $_ eq "v1,$signature" } @signatures;
    $both += @signatures > 1;
}

is($new, $rounds, 'after a rotation calls are signed with the new secret');
is($both, $rounds, 'and with an old one');

finish();
