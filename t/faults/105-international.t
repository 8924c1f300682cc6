# International host names: refused, with the name to write in their place.
# What is expected are the examples of RFC 3492 and of registries.

use strict;
use warnings;
use utf8;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(workers => 1, profile => '');

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

sub said {
    my ($url) = @_;
    my $answer = $shop->ask(POST => 'subscriptions',
                            { url => $url, event => 'order.paid' });
    is($answer->{status}, 422, "$url is refused");
    return $answer->{json}{errors}[0]{detail};
}

my %name = (
    'münchen.de' => 'xn--mnchen-3ya.de',
    'Bücher.example' => 'xn--bcher-kva.example',
    'faß.example' => 'xn--fa-hia.example',
    'hooks.例え.jp' => 'hooks.xn--r8jz45g.jp',
    '他们为什么不说中文.example' => 'xn--ihqwcrb4cv8a8dqg056pqjye.example',
    'ليهمابتكلموشعربي؟.example' => 'xn--egbpdaj6bu4bxfgehfvwxn.example',
    'почемужеонинеговорятпорусски.example' =>
        'xn--b1abfaaepdrnnbgefbadotcwatmq2g4l.example',
    '3年b組金八先生.example' => 'xn--3b-ww4c5e180e575a65lsy2b.example',
    'blåbærgrød.no' => 'xn--blbrgrd-fxak7p.no',
);

for my $host (sort keys %name) {
    like(said("https://$host/hook"), qr/write its host as "\Q$name{$host}\E"/,
         "and $name{$host} is named");
}

like(said('https://example.com:8443/é'), qr/not ASCII\z/,
     'a path has no such name');
like(said("https://127.0.0.\x{ff11}/"), qr/not ASCII\z/,
     'another form of a digit is no letter');
like(said("https://a\x{3002}example/"), qr/not ASCII\z/,
     'another form of a dot is none');

my $id = $shop->subscribe('https://xn--mnchen-3ya.example/hook');
ok($id, 'what is named can be written');

finish;
