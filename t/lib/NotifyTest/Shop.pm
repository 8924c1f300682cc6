package NotifyTest::Shop;

# A channel "shop" of one profile, with its Redis, its receiver and its nginx,
# and what the engine's suites do with it.
#
#   my $shop = NotifyTest::Shop->new(profile => 'retry 1s;', workers => 2);
#   my $id = $shop->subscribe('/a');
#   my @ids = $shop->publish(10);
#   eventually { !$shop->lacks('/a', @ids) } 'they arrive';

use strict;
use warnings;

use Time::HiRes qw(sleep time);


# new(profile => TEXT, channel => TEXT, server => TEXT, redis => REDIS,
#     also => TEXT, more of http {}, receiver => RECEIVER, scripts => {...},
#     sign => TEXT of the profile in place of "sign standard;",
#     profiles => { NAME => TEXT }, which subscriptions may choose, too); the
#     rest is for the nginx
sub new {
    my ($class, %option) = @_;
    my $self = bless {}, $class;
    my ($profile, $channel, $server, $also, $scripts) =
        map { delete $option{$_} // '' }
            qw(profile channel server also scripts);
    my $more = delete $option{profiles} // {};
    my $sign = delete $option{sign} // 'sign standard;';
    my $others = join '', map {
        "notify_profile $_ { sign standard; allow 127.0.0.0/8; $more->{$_} }\n"
    } sort keys %$more;

    $self->{redis} = delete $option{redis} // NotifyTest::Redis->new;
    $self->{receiver} = delete $option{receiver}
        // NotifyTest::Receiver->new(scripts => $scripts || {});
    $self->{nginx} = NotifyTest::Nginx->new(
        redis => $self->{redis}, connections => 2048, http => <<"END", %option);
notify_profile local {
    $sign
    allow  127.0.0.0/8;
    $profile
}
$others
notify_channel shop {
    profile  local @{[ sort keys %$more ]};
    $channel
}
$also
server {
    listen 127.0.0.1:%%PORT%%;
    client_max_body_size 16m;
    location /shop/ { notify_api shop; }
    $server
}
END
    return $self;
}

sub redis    { return $_[0]{redis} }
sub receiver { return $_[0]{receiver} }
sub nginx    { return $_[0]{nginx} }

sub ask {
    my ($self, $method, $path, $json) = @_;
    return NotifyTest::http($method => $self->{nginx}->url("/shop/$path"),
                            defined $json ? (json => $json) : ());
}

# repeated while Redis is not yet there
sub insist {
    my ($self, @request) = @_;
    my $end = time + 10;
    my $answer;

    while (1) {
        $answer = $self->ask(@request);
        last unless ($answer->{status} == 503 || $answer->{status} == 599)
                    && time < $end;
        sleep 0.02;
    }

    die "$request[0] $request[1]: $answer->{status} $answer->{content}\n"
        unless $answer->{success};
    return $answer->{json};
}

# a subscription's id; the receiver's path, or a whole URL
sub subscribe {
    my ($self, $path, %more) = @_;
    my $url = $path =~ /^http/ ? $path : $self->{receiver}->url($path);
    return $self->insist(POST => 'subscriptions',
                         { url => $url, event => 'order.paid', %more })->{id};
}

sub change { my ($self, $id, %members) = @_;
             return $self->insist(PATCH => "subscriptions/$id", \%members) }
sub show   { my ($self, $id) = @_;
             return $self->ask(GET => "subscriptions/$id")->{json} }
sub act    { my ($self, $id, $verb, $json) = @_;
             return $self->insist(POST => "subscriptions/$id/$verb", $json) }
sub delete { my ($self, $id) = @_;
             return $self->ask(DELETE => "subscriptions/$id")->{status} }

# publish(N, member => value...): the ids of N events of one request
sub publish {
    my ($self, $n, %more) = @_;
    my @events = map { { eventType => 'order.paid', entityID => $_,
                         data => { n => $_ }, %more } } 1 .. $n // 1;
    my @ids = map { $_->{id} } @{ $self->insist(POST => 'events', \@events) };
    return wantarray ? @ids : $ids[0];
}

# the ids of events that came to a path, in their order
sub ids {
    my ($self, $path) = @_;
    return map { $_->{headers}{'webhook-id'} }
               $self->{receiver}->requests($path);
}

# how many of these events have not come to a path
sub lacks {
    my ($self, $path, @ids) = @_;
    my %seen = map { $_ => 1 } $self->ids($path);
    return scalar grep { !$seen{$_} } @ids;
}

# how many calls to a path were made again
sub again {
    my ($self, $path) = @_;
    my %seen;
    return scalar grep { $seen{$_}++ } $self->ids($path);
}

# waits until the engine follows the log: something published has come
sub ready {
    my ($self) = @_;
    my $id = $self->subscribe('/ready', event => 'ready');
    $self->publish(1, eventType => 'ready');
    NotifyTest::eventually(sub { $self->{receiver}->count('/ready') })
        or die "the engine has not started\n";
    $self->delete($id);
}

1;
