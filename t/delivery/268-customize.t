# customize: what a subscription sets itself in place of its profile: payload,
# retry, timeout and tls; what it may not, and what nobody is shown.

use strict;
use warnings;

use MIME::Base64;
use Test::More;
use Time::HiRes qw(time);
use NotifyTest;
use NotifyTest::Shop;

my $dir = NotifyTest::test_dir();
spew("$dir/secret.key", encode_base64('k' x 32, '') . "\n");

my $shop = NotifyTest::Shop->new(workers => 2,
    profile => 'customize payload retry timeout tls; timeout 5s;
                retry 1h; breaker off;',
    profiles => { plain => 'retry 1h;' },
    channel => 'event order.paid; event ready; attribute country;
                setting token optional secret;',
    also => "notify_secret_key $dir/secret.key;
             notify_channel old { profile local; attribute retry; }",
    server => 'location /old/ { notify_api old; }
               location /acme/ { notify_tenant acme; notify_api shop; }',
    scripts => { '/bad' => [{ status => 500 }],
                 '/slow' => [{ status => 200, delay => 3 }] });
my ($nginx, $receiver, $redis) = ($shop->nginx, $shop->receiver, $shop->redis);
$shop->ready;

sub create {
    return $shop->ask(POST => 'subscriptions',
                      { url => $receiver->url('/x'), event => 'order.paid',
                        @_ });
}
sub refused {
    my ($title, $pointer, $words, %members) = @_;
    my $answer = create(%members);
    my ($error) = @{ $answer->{json}{errors} // [{}] };
    is($answer->{status}, 422, "$title is refused");
    is($error->{pointer}, $pointer, "$title: the answer names it");
    like($error->{detail}, $words, "$title: and says why");
}
sub call { my ($path, $id) = @_;
           my ($one) = grep { $_->{headers}{'webhook-id'} eq $id }
                       $receiver->requests($path);
           return $one }
sub attempts {
    my ($id) = @_;
    my $all = $shop->ask(GET => "subscriptions/$id/deliveries")->{json};
    return $shop->ask(GET => "deliveries/$all->[0]{id}")->{json};
}


# payload

my %wants = (
    '/object' => [{ id => '$notify_event_id', from => '${notify_attribute_country}',
                    n => '$notify_data' }],
    '/text'   => ['{"type":"$notify_event_type"}'],
    '/raw'    => ['raw'],
    '/ce'     => ['cloudevents'],
    '/binary' => ['cloudevents binary'],
);
my %id = map { $_ => $shop->subscribe($_, payload => $wants{$_}[0]) }
         sort keys %wants;
my $plain = $shop->subscribe('/plain');
is_deeply($shop->show($id{'/object'})->{payload}, $wants{'/object'}[0],
          'a template is shown as it was given');
my ($event) = $shop->publish(1, country => 'NO');
eventually { !grep { $shop->lacks($_, $event) } '/plain', keys %id }
           'each gets a call';
is_deeply(from_json(call('/object', $event)->{body}),
          { id => $event, from => 'NO', n => { n => 1 } },
          'a template makes the body');
is(call('/text', $event)->{body}, '{"type":"order.paid"}', 'also as a text');
is_deeply(from_json(call('/raw', $event)->{body}), { n => 1 }, 'so does raw');
is(from_json(call('/ce', $event)->{body})->{specversion}, '1.0',
   'or cloudevents');
is(call('/ce', $event)->{headers}{'content-type'},
   'application/cloudevents+json', 'with its type');
is(call('/binary', $event)->{headers}{'ce-id'} // '', $event,
   'or as headers');
is(from_json(call('/plain', $event)->{body})->{eventType}, 'order.paid',
   'others get the profile\'s');
my $secret = 'whsec_' . 'abcd' x 8;
my $signed = $shop->subscribe('/signed', payload => ['$notify_entity_id'],
                              secret => $secret);
($event) = $shop->publish(1);
eventually { !$shop->lacks('/signed', $event) } 'one more';
my $call = call('/signed', $event);
is($call->{body}, '[1]', 'a value keeps its type');
is((judge({ secret => $secret, headers => $call->{headers},
            body => $call->{body} }))[0]{standardwebhooks}, 'ok',
   'and is what is signed');

refused('a number', '/payload', qr/^must be "raw"/, payload => 7);
refused('a text that is no JSON', '/payload', qr/invalid JSON/,
        payload => '{"a":');
refused('an unknown variable', '/payload', qr/notify_zzz/,
        payload => { a => '$notify_zzz' });
refused('a variable of a request', '/payload', qr/host/,
        payload => { a => '$host' });
refused('a setting', '/payload', qr/setting cannot be read/,
        payload => { a => '$notify_setting_token' });
refused('an unknown attribute', '/payload', qr/no attribute "shoe"/,
        payload => { a => '$notify_attribute_shoe' });
refused('too much of it', '/payload', qr/more than 32/,
        payload => [('$notify_data') x 33]);


# retry

my $bad = $shop->subscribe('/bad', retry => ['200ms', 1]);
($event) = $shop->publish(1);
eventually { attempts($bad)->{status} eq 'dead' } 'its retries end';
is(scalar @{ attempts($bad)->{attempts} }, 3, 'after the steps that it has');
is_deeply($shop->show($bad)->{retry}, ['200ms', 1], 'they are shown as given');
$shop->delete($bad);
for ([], ['soon'], ['0s'], ['400d'], '5s', [1.5], [('1s') x 33], [[]]) {
    refused('a schedule', '/retry', qr/^must be 1 to 32 times/, retry => $_);
}


# timeout

my $slow = $shop->subscribe('/slow', timeout => '300ms');
my $began = time;
$shop->publish(1);
eventually { (attempts($slow)->{lastAttempt} // {})->{error}
             || @{ attempts($slow)->{attempts} // [] } } 'an attempt has ended';
is(attempts($slow)->{attempts}[0]{error}, 'timeout', 'by its own timeout');
$shop->delete($slow);
refused('a longer one than the profile\'s', '/timeout', qr/at most .*5000ms/,
        timeout => '6s');
refused('a time that is none', '/timeout', qr/like "10s"/, timeout => 'x');


# tls

sub openssl {
    my ($command) = @_;
    my $text = qx(openssl $command 2>&1);
    die "openssl $command: $text" if $?;
}
sub authority {
    my ($name) = @_;
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
            . " -days 2 -subj /CN=$name -addext basicConstraints=critical,CA:true"
            . " -keyout $dir/$name.key -out $dir/$name.crt");
}
sub certificate {
    my ($name, $ca, $extensions) = @_;
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
            . " -subj /CN=$name -keyout $dir/$name.key -out $dir/$name.csr");
    spew("$dir/$name.ext", "$extensions\n");
    openssl("x509 -req -in $dir/$name.csr -days 2 -CA $dir/$ca.crt"
            . " -CAkey $dir/$ca.key -CAcreateserial -extfile $dir/$name.ext"
            . " -out $dir/$name.crt");
}
authority($_) for qw(theirs ours);
certificate('endpoint', 'theirs', 'subjectAltName=DNS:hooks.example');
certificate('client', 'ours', 'extendedKeyUsage=clientAuth');
certificate('other', 'ours', 'extendedKeyUsage=clientAuth');

spew("$dir/server.js", <<'JS');
const fs = require('fs'), https = require('https');
const [port, dir] = process.argv.slice(2);
https.createServer({
    key: fs.readFileSync(`${dir}/endpoint.key`),
    cert: fs.readFileSync(`${dir}/endpoint.crt`),
    ca: fs.readFileSync(`${dir}/ours.crt`),
    requestCert: true, rejectUnauthorized: true,
}, (req, res) => {
    console.log(req.url, req.socket.getPeerCertificate().subject.CN,
                req.socket.servername, req.headers['webhook-id']);
    req.resume(); res.end('ok');
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
JS
my $port = free_port();
NotifyTest::spawn(['node', "$dir/server.js", $port, $dir], "$dir/calls");
eventually { slurp("$dir/calls") =~ /listening/ } 'there is an https endpoint';
my %text = map { $_ => slurp("$dir/$_") }
           qw(theirs.crt ours.crt client.crt client.key other.crt other.key);
my %tls = (ca => $text{'theirs.crt'}, certificate => $text{'client.crt'},
           key => $text{'client.key'}, serverName => 'hooks.example');

sub secure { return create(url => "https://127.0.0.1:$port$_[0]",
                           retry => ['100ms'], tls => $_[1]) }
sub came { my ($path, $id) = @_;
           return slurp("$dir/calls") =~ /^\Q$path\E (\S+) (\S+) \Q$id\E$/m
                  ? "$1 $2" : '' }

my $made = secure('/mutual', \%tls);
is($made->{status}, 201, 'a subscription with a certificate of its own')
    or diag($made->{content});
my $mutual = $made->{json}{id};
unlike($made->{content}, qr/PRIVATE/, 'its key is not shown');
is_deeply($shop->show($mutual)->{tls},
          { map { $_ => $tls{$_} } qw(ca certificate serverName) },
          'all else of it is');
my $stored = $redis->cli('HGET', $redis->key(':subs'), $mutual);
unlike($stored, qr/PRIVATE|CERTIFICATE/, 'it is encrypted in Redis');

($event) = $shop->publish(1);
eventually { came('/mutual', $event) } 'a call comes to the endpoint';
is(came('/mutual', $event), 'client hooks.example',
   'with its certificate, and the name that it has');

my $answer = $shop->ask(PUT => "subscriptions/$mutual",
                        $shop->show($mutual));
is($answer->{status}, 200, 'what was read can be sent back');
$nginx->reload;
($event) = $shop->publish(1);
eventually { came('/mutual', $event) } 'and its key is still there';

$shop->change($mutual, tls => { map { $_ => $text{"other." . ($_ eq 'key'
                                ? 'key' : 'crt')} } qw(certificate key) });
($event) = $shop->publish(1);
eventually { came('/mutual', $event) } 'another certificate';
is(came('/mutual', $event), 'other hooks.example',
   'is used at once, on no connection of the former one');

my $stranger = secure('/stranger', { %tls, ca => $text{'ours.crt'} })
                   ->{json}{id};
my $unnamed = secure('/unnamed', { map { $_ => $tls{$_} }
                                   qw(ca certificate key) })->{json}{id};
my $without = secure('/without', { ca => $tls{ca},
                                   serverName => 'hooks.example' })->{json}{id};
($event) = $shop->publish(1);
eventually { !grep { attempts($_)->{status} ne 'dead' }
             $stranger, $unnamed, $without } 'what cannot be is given up';
is(attempts($stranger)->{attempts}[0]{error}, 'certificate not trusted',
   'an endpoint of another authority');
is(attempts($unnamed)->{attempts}[0]{error}, 'certificate not trusted',
   'an endpoint of another name');
isnt(attempts($without)->{attempts}[0]{error}, undef,
     'an endpoint that wants a certificate');
is(came('/stranger', $event) . came('/unnamed', $event)
   . came('/without', $event), '', 'none of them got a request');
$shop->delete($_) for $stranger, $unnamed, $without;

refused('a certificate without its key', '/tls/key', qr/private key/,
        tls => { certificate => $tls{certificate} });
refused('a key without a certificate', '/tls/certificate', qr/certificate/,
        tls => { key => $tls{key} });
refused('the key of another', '/tls/key', qr/not the one/,
        tls => { %tls, key => $text{'other.key'} });
refused('no certificate', '/tls/ca', qr/PEM/, tls => { ca => 'x' });
refused('a name that is none', '/tls/serverName', qr/name of a host/,
        tls => { serverName => 'a b' });
refused('another member', '/tls/cert', qr/none of/, tls => { cert => 'x' });
refused('a text', '/tls', qr/object/, tls => 'x');
is($shop->change($mutual, tls => undef)->{tls}, undef, 'it can be taken away');


# where it may not

refused("$_->[0] without customize", "/$_->[0]",
        qr/the profile has no "customize $_->[0]"/,
        profile => 'plain', @$_)
    for [payload => 'raw'], [retry => ['1s']], [timeout => '1s'],
        [tls => { ca => $tls{ca} }];
is(create(profile => 'plain', payload => undef)->{status}, 201,
   'null is no payload');
is(http(GET => $nginx->url("/acme/subscriptions/$mutual"))->{status}, 404,
   'another tenant sees nothing of it');
$made = http(POST => $nginx->url('/old/subscriptions'),
    json => { url => $receiver->url('/o'), event => '*', retry => 'north' });
is($made->{json}{retry}, 'north',
   'where a channel has an attribute of such a name it is that');
$shop->change($id{'/raw'}, payload => undef);
($event) = $shop->publish(1);
eventually { !$shop->lacks('/raw', $event) } 'one without its payload';
is(from_json(call('/raw', $event)->{body})->{eventType}, 'order.paid',
   'has the profile\'s again');


# the profile's certificate, where the subscription has none of its own

my $other = NotifyTest::Nginx->new(redis => $redis, http => <<"END");
    notify_secret_key $dir/secret.key;
    notify_profile local {
        allow 127.0.0.0/8;
        customize tls;
        retry 1s;
        ssl_certificate $dir/other.crt;
        ssl_certificate_key $dir/other.key;
    }
    notify_channel profiled { profile local; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { notify_api profiled; }
    }
END
eventually { http(GET => $other->url('/health'))->{status} == 200 } undef;
is(http(POST => $other->url('/subscriptions'), json => {
       url => "https://127.0.0.1:$port/profile", event => 'order.paid',
       tls => { ca => $tls{ca}, serverName => 'hooks.example' } })->{status},
   201, 'a subscription with no certificate');
http(POST => $other->url('/events'), json => { eventType => 'order.paid' });
eventually { slurp("$dir/calls") =~ m{^/profile other hooks\.example}m }
           "has the profile's";

finish();
