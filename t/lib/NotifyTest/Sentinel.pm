package NotifyTest::Sentinel;

# A sentinel of one suite that watches one master, with a quorum of one and
# little patience; with less than a second of it the first PING of a master that
# has just been promoted is late at times, and the next failover begins.  It is
# stopped with the others.

use strict;
use warnings;

use parent -norequire, 'NotifyTest::Redis';

use File::Path qw(make_path);

my $number = 0;


# new(name => 'shop', master => NotifyTest::Redis)
sub new {
    my ($class, %option) = @_;
    my $self = bless {
        port => NotifyTest::free_port(),
        dir  => NotifyTest::test_dir() . '/sentinel' . ++$number,
    }, $class;

    make_path($self->{dir});
    NotifyTest::spew("$self->{dir}/sentinel.conf", <<"END");
bind 127.0.0.1
port $self->{port}
dir $self->{dir}
sentinel monitor $option{name} 127.0.0.1 @{[ $option{master}->port ]} 1
sentinel down-after-milliseconds $option{name} 2000
sentinel failover-timeout $option{name} 3000
END
    NotifyTest::started($self);
    $self->start;
    return $self;
}

sub start {
    my ($self) = @_;

    $self->{pid} = NotifyTest::spawn(['redis-server',
        "$self->{dir}/sentinel.conf", '--sentinel'], "$self->{dir}/log");
    NotifyTest::eventually(sub { ($self->cli('PING') // '') eq 'PONG' })
        or die "sentinel: " . NotifyTest::slurp("$self->{dir}/log");
}

# the port of the master that it would name
sub master_port {
    my ($self, $name) = @_;
    return ($self->cli('SENTINEL', 'get-master-addr-by-name', $name))[1] // 0;
}

1;
