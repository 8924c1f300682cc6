# What a suite of nginx's own tests was answered, for t/lib/nginx-suite: loaded
# into each of them by PERL5OPT.  Goes to the file NOTIFY_ANSWERS names, without
# what changes from run to run: times, ports, processes, folders, and how an
# answer was cut into chunks.

package NotifyTest::Answers;

use strict;
use warnings;

use MIME::Base64 qw(decode_base64);
use Test::Nginx;

my $pid = $$;
my $log = \&Test::Nginx::log_core;

sub answer {
    my ($text) = @_;
    my ($head, $body) = $text =~ /\A(.*?\x0d?\n)\x0d?\n(.*)\z/s
        or return $text;

    if ($head =~ s/^Transfer-Encoding: chunked\x0d?\n//mi) {
        $body = Test::Nginx::http_content($text);
    }
    if ($head =~ /^Content-Encoding: gzip/mi
        && eval { require IO::Uncompress::Gunzip })
    {
        my $plain;
        IO::Uncompress::Gunzip::gunzip(\$body => \$plain);
        $body = $plain // $body;
    }

    $head =~ s/^((?:Date|Last-Modified|Expires|ETag|Set-Cookie):).*/$1/gmi;

    return "$head\n$body";
}

no warnings qw(redefine prototype);

# nginx-suite loads those that are there
*Test::Nginx::test_globals_modules = sub () { '' };

*Test::Nginx::log_core = sub {
    my ($prefix, $text) = @_;

    # frames of HTTP/2 are cut anyhow
    if ($$ == $pid && $prefix eq '<<' && defined $text && $text =~ /\AHTTP\//)
    {
        $text = answer($text);
        $text =~ s/nginx-test-\w+/nginx-test/g;
        $text =~ s/^(X-Pid:).*/$1/gmi;
        $text =~ s/^(X-Headers: )(\S+)/$1 . decode_base64($2)/gme;
        $text =~ s/\b\d\d-\w{3}-\d{4} \d\d:\d\d\b/DATE/g;
        $text =~ s/\b(?:[89]\d{3}|[3-6]\d{4})\b/PORT/g;
        $text =~ s/\b\d{1,3}\.\d{3}\b/SECONDS/g;
        $text =~ s/"[0-9a-f]{8}-[0-9a-f]+"/"ETAG"/g;
        $text =~ s/\b\w{6,9}, \d\d-\w{3}-\d{4} [\d:]{8} GMT/DATE/g;
        $text =~ s/\b(\w{6,9}), [\d:]{8}/$1, TIME/g;
        $text =~ s/\b\d{10}(?:\.\d{3})?\b/TIME/g;
        $text =~ s/\b\w{3}, \d\d[ -]\w{3}[ -]\d+ [\d:]{8} GMT/DATE/g;

        open(my $file, '>>:raw', $ENV{NOTIFY_ANSWERS}) or die "$!";
        print $file $text, "\n";
        close($file);
    }

    return $log->(@_);
};

1;
