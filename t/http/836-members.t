# The members of a subscription: what the table reads and shows is what
# openapi.json says that a client may send, and sees.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $form = "$NotifyTest::TOP/src/form/ngx_http_notify_subscription_";
my ($table) = slurp("${form}members.c")
    =~ /_members\[\] =\n\{\n(.*?)^\};/ms;
my (%read, %shown);

for my $row ($table =~ /^    \{ (.*?) \},?$/msg) {
    my ($name) = $row =~ /^"(\w+)"/ or next;

    $read{$name} = 1 if $row =~ /_subscription_(members|maps|custom)_/;
    $shown{$name} = 1 if $row =~ /_subscription_show_/;
}

# told with others: the status, and once the secret

$shown{$_} = 1 for qw(enabled reason secret);

my $schemas = from_json(slurp(
    "$NotifyTest::TOP/src/api/openapi.json"))->{components}{schemas};

for (['SubscriptionInput', \%read, 'what is read when one is made'],
     ['SubscriptionPatch', \%read, 'what is read when one is changed'],
     ['Subscription', \%shown, 'what is shown'])
{
    my ($schema, $members, $title) = @$_;

    is_deeply([sort keys %{ $schemas->{$schema}{properties} }],
              [sort keys %$members], "$title is in openapi.json");
}

done_testing();
