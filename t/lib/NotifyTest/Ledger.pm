package NotifyTest::Ledger;

# What has to hold behind every fault, in one place: each acknowledged event is
# in deltas, and at each subscriber, or dead with a reason; hardly anything has
# come twice; workers have no more descriptors and memory; no alert.
#
#   my $ledger = NotifyTest::Ledger->new(shop => $shop,
#                                        to => { '/a' => $id, ... });
#   $ledger->mark;                      # what workers have is usual
#   $ledger->add($shop->publish(10));
#   $ledger->holds('Redis was killed', twice => 8);

use strict;
use warnings;
no warnings 'portable';         # hex of milliseconds

use Test::More ();


# new(shop => SHOP, or nginx =>, redis =>, receiver =>; to => { PATH => ID },
#     base => '/shop', channel => 'shop')
sub new {
    my ($class, %option) = @_;
    my $shop = delete $option{shop};
    my $self = bless {
        $shop ? map { $_ => $shop->{$_} } qw(nginx redis receiver) : (),
        base => '/shop', channel => 'shop', ids => {}, log => {}, times => {},
        %option,
    }, $class;

    $self->{logged} = length $self->{nginx}->log;
    return $self;
}

sub add { my ($self, @ids) = @_; $self->{ids}{$_} = 1 for @ids; return @ids }
sub ids { return keys %{ $_[0]{ids} } }

# from here on: calls, memory and descriptors of the workers, the log
sub mark {
    my ($self) = @_;
    $self->{usual} = [$self->most('descriptors'), $self->most('memory')];
    $self->{logged} = length $self->{nginx}->log;
    $self->{times}{$_} = $self->twice($_) for keys %{ $self->{to} };
}

sub descriptors { return scalar(() = glob "/proc/$_[0]/fd/*") }
sub memory      { return NotifyTest::slurp("/proc/$_[0]/status")
                         =~ /^VmRSS:\s+(\d+)/m ? $1 : 0 }
sub most {
    my ($self, $what) = @_;
    my ($most) = sort { $b <=> $a }
                 map { __PACKAGE__->can($what)->($_) } $self->{nginx}->workers;
    return $most // 0;
}

# the log as it is pulled, from where it was left
sub pull {
    my ($self) = @_;
    my $from = $self->{cursor};

    for (1 .. 10_000) {
        my $page = NotifyTest::http(GET => $self->{nginx}->url(
            "$self->{base}/deltas?limit=250" . ($from ? "&cursor=$from" : '')));
        return 0 if $page->{status} != 200;
        $self->{log}{ $_->{id} }++ for @{ $page->{json}{data} };
        $self->{cursor} = $from = $page->{json}{cursor};
        return 1 unless $page->{json}{hasMore};
    }
}

sub unlogged {
    my ($self) = @_;
    $self->pull;
    return grep { !$self->{log}{$_} } $self->ids;
}

# how often each event was answered well at a path
sub taken {
    my ($self, $path) = @_;
    my %taken;
    for ($self->{receiver}->requests($path)) {
        $taken{ $_->{headers}{'webhook-id'} }++ if $_->{status} =~ /^2/;
    }
    return \%taken;
}

# and how many of these calls were too many
sub twice {
    my ($self, $path) = @_;
    my $n = 0;
    $n += $_ - 1 for values %{ $self->taken($path) };
    return $n;
}

# ID => REASON of what is dead at a subscription
sub dead {
    my ($self, $path) = @_;
    return { map { /^(\d+)-(\d+) (\w+)$/
                   ? (sprintf('%012x', $1) . ".$2" => $3) : () }
             $self->{redis}->cli('ZRANGE',
                 "notify:{$self->{channel}.0}:dead:$self->{to}{$path}", 0, -1) };
}

# its events that have neither been taken nor are dead with a reason
sub unsettled {
    my ($self, $path) = @_;
    my ($taken, $dead) = ($self->taken($path), $self->dead($path));

    return grep {
        my ($ms, $seq) = /^evt_([0-9a-f]{12})([0-9a-f]+)$/;
        !$taken->{$_} && !$dead->{"$ms." . hex $seq};
    } $self->ids;
}


# holds(TITLE, twice => calls that may have come again to each path,
#       seconds => 20, spare => further descriptors, grow => kB, to => [PATH])
sub holds {
    my ($self, $title, %option) = @_;
    my ($nginx, $n) = ($self->{nginx}, scalar $self->ids);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::cmp_ok($n, '>', 0, "$title: $n events were acknowledged");
    my @lost;
    NotifyTest::eventually(sub { !(@lost = $self->unlogged) },
                           "$title: all of them are in deltas", 10)
        or Test::More::diag("not there: @lost[0 .. ($#lost > 4 ? 4 : $#lost)]");

    for my $path (sort @{ $option{to} // [ keys %{ $self->{to} } ] }) {
        my @left;
        NotifyTest::eventually(sub { !(@left = $self->unsettled($path)) },
            "$title: each has come to $path, or is dead with a reason",
            $option{seconds} // 20)
            or Test::More::diag(scalar(@left) . " of $n, first $left[0]");

        my $twice = $self->twice($path) - ($self->{times}{$path} // 0);
        Test::More::cmp_ok($twice, '<=', $option{twice} // 0,
            "$title: $path has got no more of them twice than may be");
    }

    $self->flat($title, %option) if $self->{usual};

    my @bad = grep { $_ =~ $NotifyTest::TROUBLE
                     && !(defined $nginx->{allow} && $_ =~ $nginx->{allow}) }
              split /\n/, substr $nginx->log, $self->{logged};
    Test::More::is(join("\n", @bad), '', "$title: no alert");
}

# what the workers have, whichever they are by now
sub flat {
    my ($self, $title, %option) = @_;
    my ($files, $memory) = @{ $self->{usual} };
    my $spare = $option{spare} // 16;

    NotifyTest::eventually(sub { $self->most('descriptors') <= $files + $spare },
                           "$title: no more descriptors", 10)
        or Test::More::diag($self->most('descriptors') . ", it was $files");

    return if $ENV{ASAN_OPTIONS};   # it keeps what was freed

    my $grown = $self->most('memory') - $memory;
    Test::More::note("$title: grown by $grown kB of $memory");
    Test::More::cmp_ok($grown, '<=', $option{grow} // 2048,
                       "$title: no more memory");
}

1;
