# `success json` and what an answer must be, said by POST .../test.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my @cases = (
    # profile, its success, [answer's body, status, whether it is one], ...
    [a => '{"Success":true,"Code":0,"Message":null}',
        ['{"Success":true,"Code":0,"Message":"OK"}',           200, 1],
        ['{"Success":true,"Code":"0","Message":""}',           200, 1],
        [' {"Message":null , "Code": 0,"Success":true}' . "\n", 200, 1],
        ['{"Success":true,"Code":0,"Message":{"a":[1]},"x":1}', 201, 1],
        ['{"Success":true,"Code":0,"Message":"",'
         . '"id":18446744073709551615}',                       200, 1],
        ['{"Success":true,"Code":0,"Message":"","n":1e400}',   200, 1],
        ['{"Success":true,"Code":0.0,"Message":""}',           200, 1],
        ['{"Success":true,"Code":0,"Message":"","\u0000":1}',  200, 1],
        ['{"Success":true,"Code":0,"Message":{"a":1,"a":2}}',  200, 1],
        ['{"Success":true,"Code":0,"Message":"","x":1,"x":2}', 200, 1],
        ['{"\u0053uccess":true,"Code":0,"Message":"cut \ud83d"}', 200, 1],
        ['{"Success":true,"Code":0,"Message":' . '[' x 400 . ']' x 400
         . '}',                                                200, 1],
        ['{"Success":true,"Code":18446744073709551616,"Message":""}', 200, 0],
        ['{"Success":true,"Code":0,"Code":1,"Message":""}',    200, 0],
        ['{"Success":true,"Code":0,"Message":""}',             500, 0],
        ['{"Success":true,"Code":0,"Message":""}',             302, 0],
        ['{"Success":true,"Code":0}',                          200, 0],
        ['{"Success":true,"Message":""}',                      200, 0],
        ['{"Code":0,"Message":""}',                            200, 0],
        ['{"Success":false,"Code":0,"Message":""}',            200, 0],
        ['{"Success":true,"Code":1,"Message":""}',             200, 0],
        ['{"Success":true,"Code":"1","Message":""}',           200, 0],
        ['{"Success":true,"Code":"","Message":""}',            200, 0],
        ['{"Success":true,"Code":"00","Message":""}',          200, 0],
        ['{"Success":true,"Code":" 0","Message":""}',          200, 0],
        ['{"Success":true,"Code":false,"Message":""}',         200, 0],
        ['{"Success":true,"Code":null,"Message":""}',          200, 0],
        ['{"Success":1,"Code":0,"Message":""}',                200, 0],
        ['{"Success":"true","Code":0,"Message":""}',           200, 0],
        ['{"success":true,"code":0,"message":""}',             200, 0],
        ['{"Success":true,"Success":false,"Code":0,"Message":""}', 200, 0],
        ['[{"Success":true,"Code":0,"Message":""}]',           200, 0],
        ['{"Success":true,"Code":0,"Message":""',              200, 0],
        ['{"Success":true,"Code":0,"Message":""}x',            200, 0],
        ['"OK"',                                               200, 0],
        ['OK',                                                 200, 0],
        ['',                                                   200, 0],
        ['',                                                   204, 0]],
    [b => '{"status":"0","meta":{"ok":true,"n":null}}',
        ['{"status":0,"meta":{"ok":true,"n":1}}',              200, 1],
        ['{"status":"0","meta":{"more":1,"ok":true,"n":null}}', 200, 1],
        ['{"status":0e9,"meta":{"ok":true,"n":{"a":1,"a":1}}}', 200, 1],
        ['{"status":0.5,"meta":{"ok":true,"n":1}}',            200, 0],
        ['{"status":0,"meta":{"ok":true}}',                    200, 0],
        ['{"status":0,"meta":[]}',                             200, 0],
        ['{"status":0}',                                       200, 0]],
    [c => undef,
        ['{"Success":false}',                                  200, 1],
        ['',                                                   204, 1],
        ['',                                                   299, 1],
        ['',                                                   300, 0],
        ['',                                                   404, 0]],
);

my $http = join '', map { my $json = defined $_->[1]
    ? "json '$_->[1]'" : 'status'; <<"END" } @cases;
notify_profile $_->[0] {
    success         $json;
    response_limit  1k;
    allow           127.0.0.0/8;
}
END

my $redis = NotifyTest::Redis->new;
my $receiver = NotifyTest::Receiver->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => $http . <<'END');
notify_channel shop { profile a b c; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

for my $case (@cases) {
    my ($name, $success, @answers) = @$case;
    my $answer = http_served(
        POST => $nginx->url('/shop/subscriptions'), json => {
            url => $receiver->url("/$name"), event => '*', profile => $name });
    is($answer->{status}, 201, "a subscription in profile $name");

    my $test = $nginx->url("/shop/subscriptions/$answer->{json}{id}/test");

    # too long to be read to its end
    push @answers, ['{"Success":true,"Code":0,"Message":"' . 'x' x 2000 . '"}',
                    200, 0] if $name eq 'a';

    for (@answers) {
        my ($body, $status, $good) = @$_;
        $receiver->script("/$name", { body => $body, status => $status });
        my $said = http(POST => $test);
        my $title = length $body > 60 ? substr($body, 0, 60) . '...' : $body;

        is($said->{json}{success}, $good ? JSON::PP::true : JSON::PP::false,
           "$name: $status with '$title' is " . ($good ? 'success' : 'failure'))
            or diag($said->{content});
    }
}

is($redis->cli('XLEN', $redis->key('}:log') // 'none'), 0,
   'nothing of this is logged');

finish();
