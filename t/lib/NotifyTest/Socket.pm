package NotifyTest::Socket;

# Suites in Test::Nginx's form: one nginx and one Redis for all blocks, and a
# tenant for each, so that none sees what another made.
#
#   use NotifyTest::Socket;
#   use Test::Nginx::Socket 'no_plan';
#   socket_blocks(http => '...', config => '...');
#   __DATA__
#
# Beside Test::Nginx's sections there are, each of lines "METHOD PATH BODY":
#   --- given    requests made before; they must succeed
#   --- until    the same, "... => REGEX", made until status and body match
# In these, requests, headers and expectations $ID, $ETAG, $CURSOR and $SECRET
# are those of the last answer of `given` that had one, $PORT is nginx's.

use strict;
use warnings;

use NotifyTest ();

my (%value, $redis);


# before Test::Nginx::Socket, which reads the environment when it is loaded
sub import {
    NotifyTest::socket_suite();
    # one nginx for all blocks
    $ENV{TEST_NGINX_FORCE_RESTART_ON_TEST} //= 0;

    if (!eval { require Test::Nginx::Socket; 1 }) {
        Test::More::plan(skip_all => 'Test::Nginx::Socket is not installed');
    }

    $redis = NotifyTest::Redis->new;

    no strict 'refs';
    *{ caller() . '::socket_blocks' } = \&socket_blocks;
}


# http => what goes into http {}, config => into its server {}
sub socket_blocks {
    my (%option) = @_;
    my $http = 'notify_redis ' . $redis->address . ";\n"
               . "notify_tenant \$http_x_tenant optional;\n" . ($option{http} // '');

    Test::Nginx::Socket::add_block_preprocessor(sub {
        my ($block) = @_;
        $block->set_value(http_config => $http);
        $block->set_value(config => $option{config});
        # evaluated where it is called $block, when nginx runs
        $block->set_value(init => 'NotifyTest::Socket::prepare($block)');
        NotifyTest::socket_block($block);
    });

    Test::Nginx::Socket::no_shuffle();
    Test::Nginx::Socket::no_long_string();
    Test::Nginx::Socket::run_tests();
    quit();
}

# what nginx says when it ends belongs to the suite, too
sub quit {
    my $logs = "$ENV{TEST_NGINX_SERVROOT}/logs";
    my ($pid) = NotifyTest::slurp("$logs/nginx.pid") =~ /^(\d+)$/m or return;

    kill 'QUIT', $pid;
    NotifyTest::eventually(sub { !-e "$logs/nginx.pid" },
                           'nginx ends when asked to');
    my @bad = grep { $_ =~ $NotifyTest::TROUBLE }
              split /\n/, NotifyTest::slurp("$logs/error.log");
    Test::More::is(join("\n", @bad), '', 'no alert, emerg or sanitizer line');
}


# what is wrong with a block fails it: dying here would end all suites
sub prepare {
    my ($block) = @_;
    my ($number) = $block->name =~ /TEST (\d+)/;
    my $tenant = "t$number";

    %value = (PORT => $ENV{TEST_NGINX_PORT});

    if (!eval { given($block, $tenant); 1 }) {
        Test::More::fail($block->name . ' - what is given');
        Test::More::diag($@);
    }

    headers($block, $tenant);
}

sub given {
    my ($block, $tenant) = @_;
    ready();

    for my $line (split /\n/, $block->given // '') {
        my $answer = ask($tenant, filled($line));
        die "$line: $answer->{status} $answer->{content}\n"
            unless $answer->{success};
        learn($answer);
    }

    for my $line (split /\n/, $block->until // '') {
        my ($request, $regex) = filled($line) =~ /^(.*?) => (.*)$/
            or die "no \"=> REGEX\" in: $line\n";
        my $answer;
        NotifyTest::eventually(sub {
            $answer = ask($tenant, $request);
            return "$answer->{status} $answer->{content}" =~ /$regex/s;
        }) or die "$line: $answer->{status} $answer->{content}\n";
    }

    for my $name (qw(request pipelined_requests more_headers response_headers
                     response_headers_like response_body response_body_like
                     response_body_unlike))
    {
        my $section = $block->$name;
        next unless defined $section;
        $block->set_value($name, ref $section eq 'ARRAY'
                                 ? [ map { filled($_) } @$section ]
                                 : filled($section));
    }
}

# a worker that has only just started answers 503 until Redis is reached
sub ready {
    my $url = "http://127.0.0.1:$value{PORT}/shop/health";
    NotifyTest::eventually(sub {
        return NotifyTest::http(GET => $url)->{status} == 200;
    }) or die "not ready\n";
}

sub ask {
    my ($tenant, $line) = @_;
    my ($method, $path, $body) = split ' ', $line, 3;
    my %headers = ('X-Tenant' => $tenant);

    if (defined $body) {
        $headers{'Content-Type'} = 'application/json';
    }

    return NotifyTest::http($method => "http://127.0.0.1:$value{PORT}$path",
                            headers => \%headers, body => $body);
}

sub learn {
    my ($answer) = @_;
    my $json = $answer->{json};

    $value{ETAG} = $answer->{headers}{etag} // $value{ETAG};
    return unless ref $json eq 'HASH';

    for my $name (qw(id cursor secret)) {
        $value{uc $name} = $json->{$name} // $value{uc $name};
    }
}

sub filled {
    my ($text) = @_;
    return $text if ref $text;
    $text =~ s/\$(ID|ETAG|CURSOR|SECRET|PORT)\b/
               $value{$1} \/\/ die "there is no \$$1\n"/gex;
    return $text;
}

# the tenant and the media type, where the block does not say its own
sub headers {
    my ($block, $tenant) = @_;
    my $given = $block->more_headers // '';
    my @all = map {
        my $text = $_;
        $text .= "\n" if $text =~ /[^\n]\z/;
        $text .= "X-Tenant: $tenant\n" unless $text =~ /^X-Tenant:/mi;
        $text .= "Content-Type: application/json\n"
            unless $text =~ /^Content-Type:/mi;
        $text;
    } ref $given ? @$given : $given;

    $block->set_value(more_headers => ref $given ? \@all : $all[0]);
}

1;
