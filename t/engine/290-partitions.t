# partitions: a tenant lives wholly in one of several key spaces, whose number
# is fixed when the channel is first used.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $n = 4;
my @tenants = map { "tenant$_" } 1 .. 12;

# CRC-16 of the name, as Redis Cluster has it, modulo the number
sub part {
    my ($name, $of) = @_;
    my $crc = 0;
    for my $byte (unpack 'C*', $name) {
        $crc ^= $byte << 8;
        $crc = ($crc << 1 ^ ($crc & 0x8000 ? 0x1021 : 0)) & 0xffff for 1 .. 8;
    }
    return $crc % ($of // $n);
}
is(part('123456789', 65536), 0x31c3, 'the checksum is that of the standard');

# a target has no secret: nothing is signed, and so there is no webhook-id
{
    package Unsigned;
    our @ISA = ('NotifyTest::Shop');
    sub ids {
        my ($self, $path) = @_;
        return map { $_->{headers}{'x-event'} }
                   $self->receiver->requests($path);
    }
}

my $server = <<'END';
location /as/ { notify_tenant $http_x_tenant; notify_api shop; }
location /partner/ { notify_tenant $http_x_tenant optional;
                     notify_api shop role=partner; }
location /emit { notify_emit shop order.paid tenant=$arg_tenant commit;
                 return 200 "ok"; }
location /metrics { notify_metrics; }
END

my $channel = "retention 15d; operator_events on;
               setting url target; setting days unit=1d optional;
               event order.paid; event order.off off; event order.opened; event ready;
               partitions $n;";

my $shop = Unsigned->new(workers => 2, allow => qr{exited on signal 9}, channel => $channel, sign => '',
    profile => 'header X-Event $notify_event_id; retry 200ms until=1h;
                breaker off;', server => $server);
my ($redis, $receiver, $nginx) = ($shop->redis, $shop->receiver, $shop->nginx);

sub as {
    my ($tenant, $method, $path, $json) = @_;
    return http($method => $nginx->url("/as/$path"),
                headers => { 'X-Tenant' => $tenant },
                defined $json ? (json => $json) : ());
}
sub len { my ($i) = @_; return $redis->cli('XLEN', "notify:{shop.$i}:log") }

$shop->ready;
my %at = map { $_ => part($_) } @tenants;
is(join(' ', sort keys %{ { map { $_ => 1 } values %at } }), '0 1 2 3',
   'these tenants are in all partitions');
is($redis->cli('HGET', "notify:{shop.$_}:meta", 'partitions'), $n,
   "partition $_ has the number written down") for 0 .. $n - 1;


# a tenant is where its name says, with all it has

my (%id, %event);
for my $tenant (@tenants) {
    my $answer = as($tenant, POST => 'subscriptions', {
        url => $receiver->url("/$tenant"), event => '*' });
    is($answer->{status}, 201, "$tenant subscribes");
    $id{$tenant} = $answer->{json}{id};
    ok($redis->cli('HEXISTS', "notify:{shop.$at{$tenant}}:subs", $id{$tenant}),
       'in its partition');
}

my %before = map { $_ => len($_) } 0 .. $n - 1;
for my $tenant (@tenants) {
    my $answer = as($tenant, POST => 'events', [
        map { { eventType => 'order.paid', data => $_ } } 1 .. 20 ]);
    is($answer->{status}, 202, "$tenant publishes");
    $event{$tenant} = [ map { $_->{id} } @{ $answer->{json} } ];
}
for my $i (0 .. $n - 1) {
    is(len($i) - ($before{$i} || 0), 20 * (grep { $at{$_} == $i } @tenants),
       "partition $i has what is its tenants'");
}

for my $tenant (@tenants) {
    eventually { !$shop->lacks("/$tenant", @{ $event{$tenant} }) }
               "$tenant gets its events";
    is($receiver->count("/$tenant"), 20, 'each once, and none of another');
    is(join(' ', map { $_->{id} } @{ as($tenant, GET => 'deltas')->{json}{data} }),
       join(' ', @{ $event{$tenant} }), 'its deltas are these');
    is(as($tenant, GET => "events/$event{$tenant}[0]")->{status}, 200,
       'it reads an event');
}
my ($red) = grep { $at{$_} == 1 } @tenants;
my ($blue) = grep { $at{$_} == 2 } @tenants;
is(as($blue, GET => "events/$event{$red}[0]")->{status}, 404,
   'one of another partition is 404');
is(as($blue, GET => "subscriptions/$id{$red}")->{status}, 404,
   'so is a subscription');

my $cursor = as($red, GET => 'deltas?limit=5')->{json}{cursor};
is(as($red, GET => "deltas?cursor=$cursor")->{json}{data}[0]{id},
   $event{$red}[5], 'a cursor goes on where it was');
is(as($red, PUT => 'sessions/s', {})->{status} =~ s/201/200/r, 200,
   'a session');
is($redis->cli('EXISTS', map { $redis->key("{shop.$at{$red}}:session*") || () }
                         1), 1, 'is in the partition, too');

my %published = (uid => 'same', eventType => 'order.paid', data => 1);
my $first = as($red, POST => 'events', \%published)->{json}{id};
is(as($red, POST => 'events', \%published)->{json}{id}, $first,
   'a uid again has the first answer');
isnt(as($blue, POST => 'events', \%published)->{json}{id}, $first,
     'of its own tenant');

is(http(GET => $nginx->url("/emit?tenant=$blue"))->{status}, 200, 'an emit');
eventually { $receiver->count("/$blue") == 22 } 'goes to its tenant';


# settings hold everywhere

my $set = $shop->ask(PUT => 'settings', { url => $receiver->url('/target'),
                                          days => 2 });
is($set->{status}, 200, 'the settings of the channel are written')
    or diag($set->{content});
is($redis->cli('HGET', "notify:{shop.$_}:settings", 'v:days'), 2,
   "they are in partition $_") for 0 .. $n - 1;
ok($redis->cli('HEXISTS', "notify:{shop.$_}:subs", 'target'),
   "with the target's subscription in partition $_") for 0 .. $n - 1;
sub opened {
    my ($tenant) = @_;
    return as($tenant, POST => 'events', { eventType => 'order.off' })
           ->{json}{skipped} // 'no';
}
is(opened($_), 'off', "an event is off for $_") for $red, $blue;
is($shop->ask(PATCH => 'settings', { flags => { 'order.off' => \1 } })
   ->{status}, 200, 'it is put on for all');
is(opened($_), 'no', "it is on for $_ at once") for $red, $blue;
is(as($red, PATCH => "settings/$red", { flags => { 'order.off' => \0 } })
   ->{status}, 200, 'one tenant puts it off for itself');
is(opened($red), 'off', 'it is off for that one');
is(opened($blue), 'no', 'and on for the other');
is(as($red, GET => "settings/$red")->{json}{flags}{'order.off'}, 0,
   'it reads what it wrote') or diag(as($red, GET => "settings/$red")->{content});

my @seen = map { as($_, POST => 'events', { eventType => 'order.opened' })
                 ->{json}{id} } $red, $blue;
eventually { !$shop->lacks('/target', @seen) }
           'the target gets the events of all tenants';
is($shop->again('/target'), 0, 'each once');

# as if a partition had been away when they were written
my $away = $at{$red};
$redis->cli('DEL', "notify:{shop.$away}:settings");
kill HUP => $nginx->pid;
eventually { ($redis->cli('HGET', "notify:{shop.$away}:settings", 'v:days') // '')
             eq 2 } 'a partition without the settings is given them', 15;
eventually { opened($red) eq 'off' } "and its tenants' flags";


# what is the channel's

my $sum = 0;
$sum += len($_) for 0 .. $n - 1;
is($shop->ask(GET => 'stats')->{json}{events}, $sum,
   'stats have the length of all logs');
is($shop->ask(GET => 'health')->{status}, 200, 'health is asked of all');
my $text = http(GET => $nginx->url('/metrics'))->{content};
eventually { http(GET => $nginx->url('/metrics'))->{content}
             =~ /^notify_subscriptions\{channel="shop"\} (\d+)/m
             && $1 == @tenants + $n }
           'a gauge is the sum of all partitions';


# workers have whole partitions

sub owners {
    my ($i) = @_;
    my %owner = map { (split / /)[0] => 1 }
                grep { !/^- / } $redis->cli('HVALS', "notify:{shop.$i}:leases");
    return sort keys %owner;
}
eventually { my @owners = map { my @all = owners($_); @all == 1 ? @all : () }
                          0 .. $n - 1;
             @owners == $n && keys %{ { map { $_ => 1 } @owners } } == 2 }
           'two workers have two partitions each', 15
    or diag(map { "$_: @{[ owners($_) ]}\n" } 0 .. $n - 1);
my $tails = grep { /name=nginx-notify/ && /cmd=xread/ }
            $redis->cli('CLIENT', 'LIST');
is($tails, 2, 'each reads the logs of both by one connection');

# each of the partitions goes on with another worker
$nginx->kill_worker;
my %more;
for my $tenant (@tenants) {
    $more{$tenant} = [ map { $_->{id} } @{ as($tenant, POST => 'events', [
        map { { eventType => 'order.paid', data => $_ } } 1 .. 5 ])->{json} } ];
}
for my $tenant (@tenants) {
    eventually { !$shop->lacks("/$tenant", @{ $more{$tenant} }) }
               "a worker is killed: $tenant gets its events", 20;
}


# the number is fixed

sub partitions {
    my ($number) = @_;
    $nginx->stop;
    $nginx->{http} =~ s/partitions \d+;/partitions $number;/;
    $nginx->write_conf;
    $nginx->start;
}
sub wait_for {
    my ($status) = @_;
    my $answer;
    eventually { $answer = http(GET => $nginx->url('/shop/health'));
                 $answer->{status} == $status
                 && ($status == 200 || $answer->{json}{detail} =~ /partitions/) }
               "health is $status", 10 or diag($answer->{content});
    return $answer;
}
for my $other (1, 2, 16) {
    my $at = length $nginx->log;
    partitions($other);
    my $answer = wait_for(503);
    like($answer->{json}{detail}, qr/have "partitions 4".*has "partitions $other"/,
         "partitions $other: health says which numbers");
    is(as($_, POST => 'events', { eventType => 'order.paid' })->{status}, 503,
       "nothing is taken for $_") for $red, $blue;
    is(as($red, GET => 'subscriptions')->{status}, 503, 'nothing is shown');
    like(substr($nginx->log, $at),
         qr/\[crit\].*channel "shop".*"partitions 4".*"partitions $other"/,
         'the log says so');
}
is($redis->key("{shop.$_}:*"), undef, "partition $_ was not begun") for 4 .. 15;

partitions(4);
wait_for(200);
is(as($red, GET => 'subscriptions')->{json}[0]{id}, $id{$red},
   'with the first number all is there');


# data of a version without partitions are those of one

$nginx->stop;
$redis->cli('DEL', "notify:{shop.0}:meta");
$nginx->start;
my $answer = wait_for(503);
like($answer->{json}{detail}, qr/"partitions 1".*"partitions 4"/,
     'data from before are not divided');
partitions(1);
wait_for(200);
is($redis->cli('HGET', 'notify:{shop.0}:meta', 'partitions'), 1,
   'they stay as they are');

finish();
