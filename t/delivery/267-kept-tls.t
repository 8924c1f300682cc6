# Connections to https receivers are kept, however the answers come: in many
# records at once, in halves, longer than what is read at a time, with the end
# of the connection behind them or with bytes that nobody has asked for.

use strict;
use warnings;

use FindBin;
use Test::More;
use NotifyTest;

use constant EVENTS => 6;

my $dir = NotifyTest::test_dir();
my $port = free_port();

system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
       . " -days 2 -subj /CN=receiver -addext subjectAltName=IP:127.0.0.1"
       . " -keyout '$dir/key' -out '$dir/certificate' 2> '$dir/openssl.log'")
    and die slurp("$dir/openssl.log");

my $node = NotifyTest::spawn(['node', "$FindBin::Bin/../lib/tls-receiver.js",
                              $port, "$dir/key", "$dir/certificate"],
                             "$dir/calls");
eventually { slurp("$dir/calls") =~ /^listening$/m } 'there is a receiver'
    or diag(slurp("$dir/calls"));

# [connection, length of the text] of the calls to a path
sub calls {
    my ($path) = @_;
    return map { /^(\d+) \Q$path\E (\d+)$/ ? [$1, $2] : () }
           split /\n/, slurp("$dir/calls");
}

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<"END");
    client_max_body_size 1m;
    notify_profile tls {
        allow 127.0.0.0/8; ssl_trusted_certificate $dir/certificate;
        in_flight 1; response_limit 100k; timeout 3s; retry off;
    }
    notify_profile alone {
        allow 127.0.0.0/8; ssl_trusted_certificate $dir/certificate;
        in_flight 1; response_limit 100k; timeout 3s; retry off;
    }
    notify_channel shop { profile tls alone; }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_body_buffer_size 1m;
        location /shop/ { notify_api shop; }
    }
END
my $url = $nginx->url('/shop');

sub subscribe {
    my ($path, %more) = @_;
    my $answer = http_served(POST => "$url/subscriptions", json => {
        url => "https://127.0.0.1:$port/$path", event => $path, %more });
    is($answer->{status}, 201, "$path is subscribed")
        or diag($answer->{content});
    return $answer->{json}{id};
}

sub publish {
    my ($path, $bytes) = @_;
    my $answer = http(POST => "$url/events", json => {
        eventType => $path, data => { text => 'x' x $bytes } });
    is($answer->{status}, 202, 'an event is accepted')
        or diag($answer->{content});
}

# the deliveries to a path, one after the other, all at the first attempt
sub delivered {
    my ($path, @sizes) = @_;
    my $id = subscribe($path);
    my @all;

    for my $n (1 .. @sizes) {
        publish($path, $sizes[$n - 1]);
        eventually {
            @all = @{ http(GET => "$url/subscriptions/$id/deliveries")
                      ->{json} };
            @all == $n && $all[0]{status} ne 'pending';
        } "$path: event $n has an answer" or return;
    }

    is(join(' ', map { "$_->{status} $_->{attemptCount}" } @all),
       join(' ', ('succeeded 1') x @sizes), "$path: all have succeeded")
        or diag(explain(\@all));
    is(scalar calls($path), scalar @sizes, "$path: each was called once");
    http(DELETE => "$url/subscriptions/$id");
}

sub connections { my %all = map { $_->[0] => 1 } calls(@_);
                  return scalar keys %all }

for my $path (qw(whole records halves long)) {
    delivered($path, (10) x EVENTS);
    is(connections($path), 1, "$path: over one connection");
}

delivered('close', (10) x EVENTS);
is(connections('close'), EVENTS, 'close: each over a connection of its own');


# bytes behind an answer are not the answer to what comes next

my $more = subscribe('more', profile => 'alone');
for my $n (1 .. EVENTS) {
    publish('more', 10);
    eventually { calls('more') == $n } "more: call $n";
}
is(connections('more'), EVENTS, 'more: no connection is used again');


# calls of every size come whole: in one record with their head, or behind it

my @sizes = (0, 900, 1100, 5000, 15_000, 16_000, 16_384, 40_000, 70_000);
delivered('sizes', @sizes);
is(connections('sizes'), 1, 'sizes: over one connection');
is(join(' ', map { $_->[1] } calls('sizes')), "@sizes", 'sizes: all of it');

NotifyTest::reap($node, 'TERM');
finish();
