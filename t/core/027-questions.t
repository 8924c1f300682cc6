# The questions in conf.examples/README.md: the section that a question leads to
# has what answers it.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;
use NotifyTest;
use NotifyTest::Page;

my $index = 'conf.examples/README.md';

# the question, and what its answer must have
my %answer = (
    'How do I see it work?' => [qr/make -f Makefile\.dev run/, qr/curl/],
    'How do I install it beside my sites?' =>
        [qr/apt-get install/, qr{/etc/nginx/conf\.d/}, qr/sites-enabled/],
    'What is a channel, a profile, a tenant?' =>
        [map { qr/^\| \*\*$_\*\* \| \w/m } qw(channel profile tenant)],
    'How do I verify a call in Node, Python, Go, Rust, Java?' =>
        [map { qr/^### \Q$_\E\n.*?^```\w/ms } qw(Node Python Go Rust Java)],
    'Can I verify calls in nginx, without code?' =>
        [qr/notify_verify standard secret_file=/],
    'What may come twice?' => [qr/\*\*What may come twice/, qr/webhook-id/],
    'In which order do events come?' => [qr/order strict/, qr/order key=/],
    'How long are events kept, and what if an endpoint is away for longer?' =>
        [qr/older than `retention`/, qr/away for longer/],
    'How do I send what an endpoint missed?' =>
        [qr{/redeliver}, qr/missed=true/],
    'Why is my endpoint paused?' => [qr/`paused` \|.*breaker.*`Retry-After`/],
    'Why is my subscription disabled?' =>
        [qr/`disabled` \|.*410.*`failing`.*enable/],
    'Why is a URL refused?' => [qr/denied/, qr/`allow`/, qr/localhost/],
    'How do I rotate a secret?' => [qr{/rotate-secret}, qr/`grace`/],
    'Can my webhooks look like those of Stripe or GitHub?' =>
        [qr/Stripe-Signature/, qr/X-Hub-Signature-256/],
    'What may a partner set himself, and what becomes of a dead endpoint?' =>
        [qr/customize/, qr/disable_after/],
    'Can events come from an application that I cannot change?' =>
        [qr/notify_emit/, qr/EXAMPLE=capture-proxied/],
    'How do partners log in?' =>
        [qr/notify_verify jwt/, qr/role=partner/, qr/Authorization: Bearer/],
    'How do I publish with no event twice or lost?' =>
        [qr/`Idempotency-Key`/, qr/24 hours/],
    'How do I read events without an endpoint?' =>
        [qr/cursor/, qr/hasMore/, qr/`wait=30s`/, qr{text/event-stream}],
    'Which rights does the Redis user need?' => [qr/^user nginx .*\+eval/ms],
    'How do I run it on several nginx?' =>
        [qr/same profiles and channels/, qr/same\s+`notify_secret_key`/],
    'How do I use Sentinel, Cluster or TLS?' =>
        [qr/sentinel=/, qr/ cluster/, qr/ ssl_verify=/],
    'How do I back up and restore?' => [qr/redis-cli --rdb/, qr/dump\.rdb/],
    'Can a page in a browser use the API?' =>
        [qr/Access-Control-Allow-Origin/, qr/OPTIONS/],
    'What do I watch, and when do I raise an alarm?' =>
        [qr/notify_metrics/, qr/^\| alarm \|/m],
    'How do I upgrade without losing a call?' => [qr/kill -USR2/, qr/rename/],
    'How much memory and CPU does it take?' =>
        [qr/event of 1 KB in Redis/, qr/subscription in a worker/,
         qr/of one core/],
    'What does this error code mean?' =>
        [qr/`invalid_members` \| 422/, qr/`redis_unavailable` \| 503/],
    'What happens when Redis, a worker or a receiver fails?' =>
        [qr/Redis/, qr/worker/, qr/receiver|endpoint/],
);

my ($table) = grep { $_->[0] eq 'Questions' }
                   NotifyTest::Page->new($index)->tables;
my (undef, undef, @rows) = @$table;
cmp_ok(scalar @rows, '>=', 25, 'there are 25 questions');

for my $row (@rows) {
    my ($question, $link) = @$row;
    my ($file, $anchor) = $link =~ /\]\(([^)#]*)#([^)]+)\)/;
    $file = length $file ? dirname($index) . "/$file" : $index;
    $file =~ s{[^/]+/\.\./}{};
    my ($section) = map { $_->[1] }
                    grep { NotifyTest::Page::anchor($_->[0]) eq $anchor }
                    map { NotifyTest::Page->new($file)->sections($_) }
                        '##', '###', '####';
    # of a question that is new any section will do
    my $wanted = $answer{$question} // [qr/\w/];
    my @lacks = grep { ($section // '') !~ $_ } @$wanted;
    ok(!@lacks, "$question $file, $anchor") or diag("no @lacks");
}

finish();
