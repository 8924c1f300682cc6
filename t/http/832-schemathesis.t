# Requests made of openapi.json by schemathesis, right ones and wrong ones: the
# answers are those that the document says.

use strict;
use warnings;

use IPC::Run ();
use Test::More;
use NotifyTest;
use NotifyTest::Tool;

my $st = NotifyTest::Tool::pip('schemathesis', '4.32.5', 'st');
my $seconds = $ENV{SECONDS_OF_REQUESTS} // 45;

my $redis = NotifyTest::Redis->new;
my $nginx = NotifyTest::Nginx->new(redis => $redis, workers => 2,
                                   http => <<'END');
    notify_profile local { allow 127.0.0.1; schemes http https; retry off;
                           timeout 100ms; }
    notify_channel shop {
        profile     local;
        event       document.validation alias=document.check;
        event       contact.search sync iframe;
        attribute   country required "pattern=^[A-Z]{2}$";
        setting     token secret optional;
        setting     days unit=1d optional;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /shop/ { notify_api shop; }
    }
END

eventually { http(GET => $nginx->url('/shop/health'))->{status} == 200 }
    'ready';

# What a schema cannot say is answered with 422 and the like, a loop with 508.
# nginx itself refuses TRACE, without Allow; and a client may send any header.
my $dir = test_dir();
spew("$dir/schemathesis.toml", <<"END");
hooks = "$dir/hooks.py"
[checks]
positive_data_acceptance.expected-statuses = [
    "2xx", "3xx", "400", "401", "403", "404", "409", "410", "412", "422",
    "503", "508" ]
negative_data_rejection.expected-statuses = [
    "400", "401", "403", "404", "405", "406", "409", "410", "412", "415",
    "422", "508" ]
not_a_server_error.expected-statuses = [ "2xx", "3xx", "4xx", "503", "508" ]
[phases.coverage]
unexpected-methods = [ "GET", "PUT", "POST", "DELETE", "PATCH" ]
[parameters]
"query.wait" = "50ms"
END
spew("$dir/hooks.py", <<'END');
import schemathesis


@schemathesis.hook
def filter_case(context, case):
    return "x-schemathesis-unknown-property" not in (case.headers or {})
END

chdir $dir;
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
IPC::Run::run([$st, '--config-file', "$dir/schemathesis.toml", '--no-color',
    'run', $nginx->url('/shop/openapi.json'), '--url', $nginx->url(''),
    '--checks', 'all', '--phases', 'examples,coverage,fuzzing',
    '--max-examples', 10, '--max-time', $seconds, '--request-timeout', 10,
    '--continue-on-failure', '--no-shrink', '--seed', 1],
    '>', \my $said, '2>', \my $noise);
my $status = $? >> 8;
spew("$dir/said", "$said$noise");

my ($cases) = $said =~ /^\s+(\d+) generated/m;
cmp_ok($cases // 0, '>', 500 / ($ENV{NOTIFY_TEST_SLOW} // 1),
       'requests were made');
is($status, 0, 'and answered as openapi.json says')
    or diag(substr $said, 0, 6000);
is(http(GET => $nginx->url('/shop/health'))->{status}, 200,
   'nginx is there still');

finish();
