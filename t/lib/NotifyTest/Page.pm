package NotifyTest::Page;

# A page of the documents, as the suites that compare it with the code read it:
#
#   my $page = NotifyTest::Page->new('src/API.md');
#   $page->sections('####')         # [heading, text]...
#   $page->tables                   # [heading, [head cells], [cells]...]...
#   $page->blocks('sh')             # { heading, line, text }...
#   NotifyTest::Page::names($cell)  # what stands in `backticks`
#   NotifyTest::Page::broken(...)   # links of pages that lead nowhere

use strict;
use warnings;

use File::Basename qw(dirname);
use NotifyTest;

sub new {
    my ($class, $path) = @_;
    return bless { path => $path,
                   text => slurp("$NotifyTest::TOP/$path") }, $class;
}

sub text { return $_[0]{text} }

# without what stands in fences
sub prose {
    my ($self) = @_;
    (my $text = $self->{text}) =~ s/^```.*?^```$//gms;
    return $text;
}

# up to the next heading of this level or of a higher one
sub sections {
    my ($self, $level) = @_;
    my $higher = join '|', map { '#' x $_ } 1 .. length $level;
    my @sections;
    push @sections, [$1, $2] while $self->{text}
        =~ /^\Q$level\E ([^\n]+)\n(.*?)(?=^(?:$higher) |\z)/gms;
    return @sections;
}

sub tables {
    my ($self) = @_;
    my ($heading, @tables, $open) = ('');

    for (split /\n/, $self->prose) {
        $heading = $1 if /^#+ (.+)/;

        if (!/^\|(.*)\|$/) {
            undef $open;
            next;
        }

        my @cells = map { s/^ +| +$//gr } split /(?<!\\)\|/, "$1 ", -1;

        if (!$open) {
            push @tables, $open = [$heading, \@cells];
        } elsif (join('', @cells) !~ /^[-: ]+$/) {
            push @$open, \@cells;
        }
    }

    return @tables;
}

# the rows of the tables whose head begins with this cell
sub rows {
    my ($self, $head) = @_;
    return map { my (undef, undef, @rows) = @$_; @rows }
           grep { $_->[1][0] eq $head } $self->tables;
}

sub blocks {
    my ($self, $language) = @_;
    my ($heading, $number, @blocks, $open) = ('', 0);

    for (split /\n/, $self->{text}, -1) {
        $number++;

        if (/^```(\w*)$/) {
            if ($open) {
                push @blocks, $open if $open->{language} eq $language;
                undef $open;
            } else {
                $open = { language => $1, heading => $heading, text => '',
                          line => $number + 1 };
            }
        } elsif ($open) {
            $open->{text} .= "$_\n";
        } elsif (/^#+ (.+)/) {
            $heading = $1;
        }
    }

    return @blocks;
}

sub names { return $_[0] =~ /`([^`]+)`/g }

# as GitHub makes them
sub anchor {
    my ($heading) = @_;
    (my $anchor = lc $heading) =~ s/[^\w\- ]//g;
    $anchor =~ tr/ /-/;
    return $anchor;
}

sub anchors {
    my ($self) = @_;
    my $prose = $self->prose;
    return map { $_ => 1 } $prose =~ /<a id="([^"]+)">/g,
                           map { anchor($_) } $prose =~ /^#+ (.+)$/mg;
}

sub broken {
    my (@paths) = @_;
    my %page = map { $_ => NotifyTest::Page->new($_) } @paths;
    my %anchors = map { $_ => { $page{$_}->anchors } } @paths;
    my @broken;

    for my $path (@paths) {
        for my $link ($page{$path}->prose =~ /\]\(([^)]+)\)/g) {
            next if $link =~ /^https?:/;

            my ($file, $anchor) = split /#/, $link, 2;
            my $to = length $file ? dirname($path) . "/$file" : $path;
            $to =~ s{^\./|(?<=/)\./}{}g;
            1 while $to =~ s{(?:^|(?<=/))[^/.][^/]*/\.\./}{};

            push @broken, "$path: $link"
                if !-e "$NotifyTest::TOP/$to"
                   || defined $anchor && !$anchors{$to}{$anchor};
        }
    }

    return @broken;
}

1;
