package NotifyTest::Dns;

# A name server of one suite, over UDP, whose answers stand in the names:
#   4-10-0-0-1 and 6-fd000000000000000000000000000001, labels anywhere in a
#   name, are its addresses; `at-NAME` are those of set(NAME => labels...)
# and a first label that says what goes wrong with it:
#   nx servfail refused silent late empty cname chain loop garbage short otherid
#   otherwise truncated badlength
# `halfway` answers A alone, `huge` has thirty good addresses in front.

use strict;
use warnings;

use IO::Socket::INET;

my $number = 0;


sub new {
    my ($class) = @_;
    my $self = bless {
        port => NotifyTest::free_port(),
        dir  => NotifyTest::test_dir() . '/dns' . ++$number,
    }, $class;

    mkdir $self->{dir};
    my $socket = IO::Socket::INET->new(
        LocalAddr => "127.0.0.1:$self->{port}", Proto => 'udp')
        or die "dns: $self->{port}: $!";

    NotifyTest::started($self);
    $self->{pid} = NotifyTest::spawn(sub { serve($self, $socket) },
                                     "$self->{dir}/log");
    return $self;
}

sub port    { return $_[0]{port} }
sub address { return "127.0.0.1:$_[0]{port}" }
sub stop    { my ($self) = @_; NotifyTest::reap(delete $self->{pid}, 'KILL') }

# the names that were asked for
sub asked { return split /\n/, NotifyTest::slurp("$_[0]{dir}/asked") }

sub set {
    my ($self, $name, @labels) = @_;
    NotifyTest::spew("$self->{dir}/$name.new", join '.', @labels);
    rename "$self->{dir}/$name.new", "$self->{dir}/$name" or die $!;
}


# --- in the child ---

sub serve {
    my ($self, $socket) = @_;
    open my $asked, '>>', "$self->{dir}/asked" or die $!;
    $asked->autoflush(1);

    while (1) {
        my $peer = recv $socket, my $query, 4096, 0;
        next unless defined $peer && length $query > 16;

        my ($id, $at, @labels) = (unpack('n', $query), 12);
        while (my $n = ord substr $query, $at, 1) {
            push @labels, lc substr $query, $at + 1, $n;
            $at += $n + 1;
            last if $at >= length $query;
        }
        my $type = unpack 'n', substr $query, $at + 1, 2;
        print {$asked} join('.', @labels), "\n";

        my @packets = answers($self, $id, $type, @labels);

        # late: others do not wait
        local $SIG{CHLD} = 'IGNORE';
        next if $labels[0] eq 'late' && fork;

        select undef, undef, undef, 0.6 if $labels[0] eq 'late';
        send $socket, $_, 0, $peer for @packets;
        POSIX::_exit(0) if $labels[0] eq 'late';
    }
}

sub name { return join('', map { chr(length) . $_ } @_) . "\0" }

# a packet: header, question, records of [owner, type, bytes]
sub packet {
    my ($id, $code, $type, $labels, @records) = @_;
    return pack('n6', $id, 0x8180 | $code, 1, scalar @records, 0, 0)
         . name(@$labels) . pack('n2', $type, 1)
         . join '', map { name(@{ $_->[0] })
                          . pack('n2 N n/a*', $_->[1], 1, 0, $_->[2]) }
                    @records;
}

sub addresses {
    my ($self, $type, @labels) = @_;
    my @found;

    for my $label (@labels) {
        push @found, pack 'C4', split /-/, $1
            if $type == 1 && $label =~ /^4-(\d+-\d+-\d+-\d+)$/;
        push @found, pack 'H32', $1
            if $type == 28 && $label =~ /^6-([0-9a-f]{32})$/;
        push @found, addresses($self, $type, split /\./,
                               NotifyTest::slurp("$self->{dir}/$1"))
            if $label =~ /^at-(\w+)$/;
    }
    return @found;
}

sub answers {
    my ($self, $id, $type, @labels) = @_;
    my ($how, @rest) = @labels;
    my @all = map { [\@labels, $type, $_] } addresses($self, $type, @labels);
    my $good = packet($id, 0, $type, \@labels, @all);

    return () if $how eq 'silent' || $how eq 'halfway' && $type != 1;
    return packet($id, 3, $type, \@labels) if $how eq 'nx';
    return packet($id, 2, $type, \@labels) if $how eq 'servfail';
    return packet($id, 5, $type, \@labels) if $how eq 'refused';
    return packet($id, 0, $type, \@labels) if $how eq 'empty';
    return packet($id, 0, $type, \@labels, [\@labels, 5, name(@rest)],
                  map { [\@rest, $type, $_->[2]] } @all) if $how eq 'cname';
    return packet($id, 0, $type, \@labels, [\@labels, 5, name(@rest)])
        if $how eq 'chain';
    return packet($id, 0, $type, \@labels, [\@labels, 5, name(@labels)])
        if $how eq 'loop';
    return map { chr($_) x 60 } 0, 0xc0, 0xff if $how eq 'garbage';
    return map { substr $good, 0, $_ } 1, 5, 11, 12, 20, length($good) - 1
        if $how eq 'short';
    return packet($id ^ 1, 0, $type, \@labels, @all) if $how eq 'otherid';
    return packet($id, 0, $type, ['other', @rest],
                  map { [['other', @rest], $type, $_->[2]] } @all)
        if $how eq 'otherwise';
    return $good =~ s/^(..)./$1\x83/sr if $how eq 'truncated';
    return packet($id, 0, $type, \@labels,
                  map { [\@labels, $type, "$_->[2]\0\0"] } @all)
        if $how eq 'badlength';
    return packet($id, 0, $type, \@labels,
                  ($type == 1 ? map { [\@labels, 1, pack 'C4', 93, 184, 216,
                                       100 + $_] } 1 .. 30 : ()), @all)
        if $how eq 'huge';
    return $good;
}

1;
