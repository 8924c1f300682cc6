# The receivers of the guides, in five languages with the official libraries of
# Standard Webhooks, as they are printed: what is genuine they take and print,
# anything else is 401.  A language that this machine has not is skipped.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_base64);
use File::Path qw(make_path);
use Test::More;
use NotifyTest;
use NotifyTest::Page;
use NotifyTest::Tool;

my $page = NotifyTest::Page->new('conf.examples/README.md');
my ($secret) = $page->text =~ /WEBHOOK_SECRET=(\S+)/;

sub have { return system("command -v $_[0] > /dev/null 2>&1") == 0 }

# the library, once; then what makes the printed program run
my %language = (
    Node => {
        fence => 'js', file => 'receiver.js', needs => 'node',
        version => 'npm install standardwebhooks@1.1.1',
        run => sub { ('node', $_[0]) },
    },
    Python => {
        fence => 'python', file => 'receiver.py', needs => 'python3',
        version => 'pip install standardwebhooks==1.1.0',
        library => sub {
            NotifyTest::Tool::install('standardwebhooks-python', '1.1.0',
                'bin/python', 'python3 -m venv . && bin/pip install --quiet '
                . '--disable-pip-version-check standardwebhooks==1.1.0');
        },
        run => sub { ($_[1], $_[0]) },
    },
    Go => {
        fence => 'go', file => 'main.go', needs => 'go',
        version => 'go get github.com/standard-webhooks/standard-webhooks/'
                   . 'libraries@v0.0.1',
        library => sub {
            NotifyTest::Tool::install('standardwebhooks-go', '0.0.1', 'go.mod',
                'go mod init receiver && go get github.com/standard-webhooks/'
                . 'standard-webhooks/libraries@v0.0.1');
        },
        make => 'cp $(dirname LIBRARY)/go.* . && go build -o receiver .',
        run => sub { ($_[0] =~ s/main\.go$/receiver/r) },
    },
    Rust => {
        fence => 'rust', file => 'main.rs', needs => 'cargo',
        version => 'cargo add standardwebhooks@1.0.1 http@1 tiny_http@0.12',
        library => sub {
            NotifyTest::Tool::install('standardwebhooks-rust', '1.0.1',
                'Cargo.toml', 'cargo init --quiet --name receiver && cargo add '
                . '--quiet standardwebhooks@1.0.1 http@1 tiny_http@0.12 '
                . '&& cargo build --quiet');
        },
        make => 'lib=$(dirname LIBRARY) && cp main.rs $lib/src/ '
              . '&& (cd $lib && cargo build --quiet) '
              . '&& cp $lib/target/debug/receiver .',
        run => sub { ($_[0] =~ s/main\.rs$/receiver/r) },
    },
    Java => {
        fence => 'java', file => 'Receiver.java', needs => 'mvn',
        version => 'com.standardwebhooks:standardwebhooks:1.1.0',
        library => sub {
            NotifyTest::Tool::install('standardwebhooks-java', '1.1.0',
                'standardwebhooks-1.1.0.jar', 'mvn -q -B dependency:copy '
                . '-DoutputDirectory=. -Dartifact='
                . 'com.standardwebhooks:standardwebhooks:1.1.0');
        },
        run => sub { ('java', '-cp', $_[1], $_[0]) },
    },
);

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, http => <<'END');
notify_profile p {
    sign   standard;
    allow  127.0.0.0/8;
}
notify_channel shop { profile p; }
server {
    listen 127.0.0.1:%%PORT%%;
    location /shop/ { notify_api shop; }
}
END

sub listens {
    my ($port) = @_;
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
}

for my $name (sort keys %language) {
    my $language = $language{$name};
    my ($block) = grep { $_->{heading} eq $name }
                  $page->blocks($language->{fence});
    my $dir = test_dir() . "/$name";
    make_path($dir);

    ok($block, "$name has a program") or next;
    like($page->text, qr/^`\Q$language->{version}\E`$/m,
         "$name: the library that is tested is the one that is printed");

    SKIP: {
        skip("$name: $language->{needs} is not here", 5)
            unless have($language->{needs});

        my $library = $language->{library} ? $language->{library}->() : '';
        skip("$name: its library cannot be had", 5) unless defined $library;

        my $port = free_port();
        my $program = "$dir/$language->{file}";
        spew($program, $block->{text} =~ s/8081/$port/r);

        if (my $make = $language->{make}) {
            $make =~ s/LIBRARY/$library/;
            is(system("cd '$dir' && ($make) > make.log 2>&1"), 0,
               "$name: it is built") or diag(slurp("$dir/make.log"));
        }

        local $ENV{WEBHOOK_SECRET} = $secret;
        my $pid = NotifyTest::spawn([$language->{run}->($program, $library)],
                                    "$dir/output");
        eventually { listens($port) } "$name: it listens", 60
            or diag(slurp("$dir/output"));

        my $url = "http://127.0.0.1:$port/";
        my $made = http_served(POST => $nginx->url('/shop/subscriptions'),
                               json => { url => $url, event => "$name.*",
                                         secret => $secret });
        is($made->{status}, 201, "$name: it is subscribed");
        my $id = $made->{json}{id};
        my $event = http_served(POST => $nginx->url('/shop/events'),
                                json => { eventType => "$name.tried",
                                          data => { text => "na\x{ef}ve" } });
        eventually {
            my $list = http(GET => $nginx->url(
                "/shop/subscriptions/$id/deliveries"))->{json};
            ($list->[0]{status} // '') eq 'succeeded';
        } "$name: a genuine call is taken"
            or diag(slurp("$dir/output"));
        eventually { slurp("$dir/output") =~ /\Q$name.tried\E/ }
            "$name: and printed";

        my $body = '{"a":1}';
        my $now = time;
        my $forged = http(POST => $url, body => $body, headers => {
            'content-type' => 'application/json', 'webhook-id' => 'msg_1',
            'webhook-timestamp' => $now,
            'webhook-signature' => 'v1,'
                . hmac_sha256_base64("msg_1.$now.$body", 'another') . '=' });
        is($forged->{status}, 401, "$name: a forged one is not");
        NotifyTest::reap($pid, 'KILL');
    }
}

finish();
