# What nginx -t says of likely mistakes of configuration, each by its whole
# message, its file and its line: the message names the directive, the parameter
# or the block, and says what is wrong with it or what is wanted.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $nginx = NotifyTest::Nginx->new(http => '', start => 0);
my $dir = $nginx->dir;

spew("$dir/secret", 'k' x 40);
spew("$dir/empty", '');
spew("$dir/words", "no key at all\n");
spew("$dir/broken.json", qq({\n  "type": "object",\n}\n));
spew("$dir/kind.json", qq({\n  "type": "objekt"\n}\n));
spew("$dir/list.json", "[1]\n");
system("openssl ecparam -name prime256v1 -genkey -noout -out $dir/ec.pem "
       . '2> /dev/null') == 0 or BAIL_OUT('openssl made no key');

system("openssl genpkey -algorithm RSA -out $dir/rsa.pem 2> /dev/null") == 0
    or BAIL_OUT('openssl made no key');

# files of service accounts, and what is none or not enough of one
sub account {
    my ($name, $key, %more) = @_;
    spew("$dir/$name.json", to_json({
        client_email => 'push@shop.example', private_key => slurp("$dir/$key"),
        token_uri => 'http://127.0.0.1/token', project_id => 'shop',
        %more }));
}

account(account => 'rsa.pem');
account('account-ec', 'ec.pem');
account('account-words', 'words');
account('account-alone', 'rsa.pem', project_id => undef);
account('account-odd', 'rsa.pem', project_id => 'a/b');
account('account-uri', 'rsa.pem', token_uri => 'ftp://127.0.0.1/token');
account('account-no-uri', 'rsa.pem', token_uri => undef);

sub fcm {
    my ($text, $message) = @_;
    return [raw => "notify_provider q {    # !\ntype fcm;\n"
                   . "service_account %%DIR%%/account.json;\n$text\n}\n"
                   . "notify_channel c { }\n",
            "notify_provider \"q\" $message"];
}

sub account_of {
    my ($file, $message, $line) = @_;
    return [raw => "notify_provider q {" . ($line ? '    # !' : '')
                   . "\ntype fcm;\nservice_account $file;"
                   . ($line ? '' : '    # !') . "\n}\nnotify_channel c { }\n",
            $message];
}

# where a text is put; the mistake is on the line with # !, by default its last
my %place = (
    raw      => sub { $_[0] },
    http     => sub { "$_[0]\nnotify_channel c { event a.b; }\n" },
    profile  => sub { "notify_profile p {\n$_[0]\n}\nnotify_channel c { }\n" },
    channel  => sub { "notify_channel c {\n$_[0]\n}\n" },
    provider => sub { "notify_provider p {\nurl http://127.0.0.1/;\n$_[0]\n}\n"
                      . "notify_channel c { }\n" },
    server   => \&server,
    location => sub { server("location /x/ {\n$_[0]\n}") },
);

sub server {
    return "notify_channel c {\nevent a.b;\nevent s sync;\nattribute device;\n"
           . "}\nserver {\nlisten 127.0.0.1:%%PORT%%;\n$_[0]\n}\n";
}

sub check {
    my ($level, $title, $place, $text, $message) = @_;
    my $where = $place eq 'raw' ? 'a block' : "in $place";
    my $shown = $text =~ s/    # !//r =~ s/\s+/ /gr =~ s/[^ -~]/?/gr;

    $text .= '    # !' unless $text =~ /# !/;
    $nginx->write_conf(http => $place{$place}->($text));

    my ($said, $ok) = $nginx->check;
    my @lines = split /\n/, slurp($nginx->conf);
    my ($line) = grep { $lines[$_ - 1] =~ /# !/ } 1 .. @lines;

    $message =~ s/%%DIR%%/$dir/g;
    $message =~ s/%%CONF%%/$nginx->conf/e;
    $message =~ s/%%BEFORE%%/$line - 1/e;

    my $whole = "[$level] $message in " . $nginx->conf . ":$line";
    my $found = $said =~ /\Q$whole\E$/m;
    ok($found && ($level eq 'warn' ? $ok : !$ok), "$title, $where: $shown")
        or diag("$whole\n", grep { /\[\w+\]/ } split /^/, $said);
}

sub mistakes {
    my ($title, @table) = @_;

    for (@table) {
        check('emerg', "$title is refused", @$_);
    }
}

sub warned {
    my ($title, @table) = @_;
    check('warn', $title, @$_) for @table;
}


mistakes('a directive in the wrong block',
    [http     => 'event a.c;', '"event" directive is not allowed here'],
    [http     => 'notify_api c;',
     '"notify_api" directive is not allowed here'],
    [http     => 'notify_sync c s gate;',
     '"notify_sync" directive is not allowed here'],
    [server   => 'notify_redis 127.0.0.1;',
     '"notify_redis" directive is not allowed here'],
    [server   => 'notify_profile q { }',
     '"notify_profile" directive is not allowed here'],
    [server   => 'notify_api c;',
     '"notify_api" directive is not allowed here'],
    [location => 'retention 1d;', '"retention" directive is not allowed here'],
    [location => 'notify_provider q { }',
     '"notify_provider" directive is not allowed here'],
    [channel  => 'notify_tenant $arg_t;',
     '"notify_tenant" directive is not allowed here'],
    [channel  => 'url http://127.0.0.1/;',
     '"url" belongs in notify_provider {}, not in notify_channel {}'],
    [channel  => 'timeout 5s;',
     '"timeout" belongs in notify_profile {} or notify_provider {}, not in '
     . 'notify_channel {}'],
    [profile  => 'event a;',
     '"event" belongs in notify_channel {}, not in notify_profile {}'],
    [profile  => 'group g;',
     '"group" belongs in notify_provider {}, not in notify_profile {}'],
    [provider => 'retention 1d;',
     '"retention" belongs in notify_channel {}, not in notify_provider {}'],
    [provider => 'retry 5s;',
     '"retry" directive cannot be in notify_provider: nothing is sent again'],
    [provider => 'order strict;',
     '"order" directive cannot be in notify_provider: nothing is sent again'],
    [provider => 'sign standard;',
     '"sign" directive cannot be in notify_provider, which has no '
     . 'subscription\'s secret: use "jwt"'],
);

mistakes('a directive with a typo',
    [http     => 'notify_chanel x;', 'unknown directive "notify_chanel"'],
    [location => 'notify_emmit c a.b;', 'unknown directive "notify_emmit"'],
    [profile  => 'read_timeut 5s;', 'unknown directive "read_timeut"'],
    [provider => 'mesage x;', 'unknown directive "mesage"'],
);

mistakes('a ";" that is missing',
    [profile  => "method PUT\nretry 5s;", 'is a ";" missing before "retry"?'],
    [profile  => "header X-A b\nsign standard;",
     'is a ";" missing before "sign"?'],
    [channel  => "hops 2\nattribute a;",
     'is a ";" missing before "attribute"?'],
    [channel  => "event a;\nevent b\n}", 'unexpected "}"'],
);

mistakes('a directive given twice',
    (map { my ($name) = /^(\w+)/;
           [profile => "$_\n$_", "\"$name\" directive is duplicate"] }
     'method PUT;', 'payload raw;', 'retry 5s;', 'rate 5r/s;', 'in_flight 2;',
     'schemes https;', 'ports 443;', 'timeout 1s;', 'response_limit 1k;',
     'success status;', 'sign standard;'),
    (map { my ($name) = /^(\w+)/;
           [channel => "$_\n$_", "\"$name\" directive is duplicate"] }
     'profile standard;', 'publish_rate 5r/s;', 'tenant_share 5%;',
     'operator_events on;'),
    [provider => "message x;\nmessage y;", '"message" directive is duplicate'],
    [http     => "notify_zone 1m;\nnotify_zone 2m;",
     '"notify_zone" directive is duplicate'],
    [http     => "notify_redis 127.0.0.1;\nnotify_redis 127.0.0.1:6380;",
     '"notify_redis" directive is duplicate'],
    [location => "notify_session c id=\$arg_a;\nnotify_session c id=\$arg_b;",
     '"notify_session" directive is duplicate'],
    [location => "notify_sync c s gate;\nnotify_sync c s answer;",
     '"notify_sync" directive is duplicate'],
    [channel  => "setting a;\nsetting a secret;",
     'duplicate setting "a" in notify_channel "c"'],
    [channel  => "event a;\nevent b alias=a;",
     'duplicate event "a" in notify_channel "c"'],
    [channel  => "entity_type a 1 b;\nentity_type a 1 b;",
     'duplicate entity type "a" "1" "b" in notify_channel "c"'],
    [channel  => "event a;\nunchanged a key=x;\nunchanged a key=y;",
     '"unchanged" is said twice of "a"'],
    [channel  => "setting a target;\nsetting b target;",
     'duplicate "target" in notify_channel "c"'],
    [profile  => "header X-A 1;\nheader x-a 2;", 'duplicate header "x-a"'],
);

mistakes('a block declared twice',
    map { [raw => "$_\n$_    # !\nnotify_channel other { }\n",
           "duplicate $1 \"d\", first in %%CONF%%:%%BEFORE%%"]
          if /^(\w+)/ }
    'notify_profile d { }', 'notify_channel d { }',
    'notify_provider d { url http://127.0.0.1/; }'
);

mistakes('an invalid name',
    [raw      => "notify_profile 'a b' { }    # !\n",
     'invalid name "a b", it must be 1 to 64 characters of [A-Za-z0-9_-]'],
    [channel  => 'attribute "a b";',
     'invalid attribute name "a b", it must be 1 to 64 characters of '
     . '[A-Za-z0-9_]'],
    [channel  => 'attribute eventType;',
     'attribute name "eventType" is reserved'],
    [channel  => 'setting a-b;',
     'invalid setting name "a-b", it must be 1 to 64 characters of '
     . '[A-Za-z0-9_]'],
    [channel  => 'event notify.x;',
     'event name "notify.x" begins with the reserved "notify."'],
    [channel  => 'entity_type a x b;',
     'invalid entity type "x", it must be a number'],
    [location => 'notify_var $x request a..b;',
     'invalid path "a..b", it must be 1 to 16 names with dots between them, or '
     . 'NAME[KEY]'],
);

mistakes('an unknown unit',
    [profile  => 'rate 5r/h;',
     'invalid rate "5r/h", it must be "off" or 1 to 1000000 with "r/s" or '
     . '"r/m", as "50r/s"'],
    [profile  => 'retry 5sec;',
     'invalid step "5sec" in "retry", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"'],
    [profile  => 'response_log 1kb;',
     'invalid size "1kb" in "response_log", it must be "off" or 1 to 1m'],
    [profile  => 'breaker failures=5 window=1min cooldown=5m;',
     'invalid window "1min" in "breaker", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"'],
    [channel  => 'publish_rate 100/s;',
     'invalid publish_rate "100/s", it must be "off" or 1 to 1000000 with '
     . '"r/s" or "r/m", as "50r/s"'],
    [channel  => 'tenant_share 50;',
     'invalid tenant_share "50", it must be 1% to 100%, as "50%"'],
    [channel  => 'subscription_size 64kb;',
     'invalid size "64kb" in "subscription_size", it must be 1k to 16m'],
    [location => 'notify_sync c s gate timeout=5sec;',
     'invalid parameter "timeout=5sec", it must be a time of 1ms to 24h'],
    [location => 'notify_sync c s gate limit=1x;',
     'invalid parameter "limit=1x", it must be a size'],
    [http     => 'notify_redis 127.0.0.1 timeout=2sec;',
     'invalid timeout "2sec" in "notify_redis", it must be 10ms to 1h'],
);

mistakes('a value out of bounds',
    [profile  => 'retry 366d;',
     'invalid step "366d" in "retry", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"'],
    [profile  => 'retry 5s jitter=101%;',
     'invalid jitter "101" in "retry", it must be 0% to 100%'],
    [profile  => 'order random;',
     'invalid order "random", it must be "none", "strict" or "key=TEXT"'],
    [profile  => 'order key=;',
     'invalid order "key=", it must be "none", "strict" or "key=TEXT"'],
    [profile  => 'order key=one;',
     '"order" directive has a "key=" that is the same for all events, that is '
     . '"order strict"'],
    [profile  => 'order key=$notify_attempt;',
     'a variable in "key=$notify_attempt" is not one of the event as it was '
     . 'published'],
    [profile  => 'batch 1;',
     'invalid number "1" in "batch", it must be "off" or 2 to 1000'],
    [profile  => 'batch 2 wait=2m;',
     'invalid wait "2m" in "batch", it must be a time of 1ms to 1m, as '
     . '"500ms"'],
    [profile  => 'batch 2 size=10;',
     'invalid size "10" in "batch", it must be a size of 1k to 16m'],
    [profile  => 'batch off wait=1s;',
     '"batch" directive has parameters after "off"'],
    [profile  => 'disable_after 500ms;',
     'invalid time "500ms" in "disable_after", it must be "off" or a time of '
     . '1s to 365d, as "5d"'],
    [profile  => 'customize timeouts;', 'invalid value "timeouts"'],
    [profile  => 'confirm maybe;', 'invalid value "maybe"'],
    [profile  => 'in_flight 2000;',
     'invalid number "2000" in "in_flight", it must be "auto" or 1 to 1024'],
    [profile  => 'in_flight auto max=2000;',
     'invalid max "2000" in "in_flight", it must be 1 to 1024'],
    [profile  => 'in_flight 8 max=16;',
     '"in_flight" directive has parameters after what is not "auto"'],
    [profile  => 'keepalive 70000;',
     'invalid number "70000" in "keepalive", it must be 0 to 65535'],
    [profile  => 'read_timeout 0;',
     'invalid time "0" in "read_timeout", it must be 1ms to 24h, as "30s"'],
    [profile  => 'timeout 5sec;',
     'invalid time "5sec" in "timeout", it must be 1ms to 24h, as "30s"'],
    [profile  => 'response_limit 17m;',
     'invalid size "17m" in "response_limit", it must be 0 to 16m, as "16k"'],
    [profile  => 'response_limit 1gb;',
     'invalid size "1gb" in "response_limit", it must be 0 to 16m, as "16k"'],
    [profile  => 'ssl_verify_depth 101;',
     'invalid number "101" in "ssl_verify_depth", it must be 0 to 100'],
    [profile  => 'ports 443 0;',
     'invalid port "0" in "ports", it must be 1 to 65535'],
    [profile  => 'response_header_limit 2m;',
     'invalid size "2m" in "response_header_limit", it must be 1k to 1m, as '
     . '"32k"'],
    [profile  => 'attempt_log all max=0;',
     'invalid max "0" in "attempt_log", it must be 1 to 100000'],
    [profile  => 'breaker failures=0 window=1m cooldown=1m;',
     'invalid failures "0" in "breaker", it must be 1 to 100000'],
    [profile  => 'breaker failures=5 window=1m cooldown=1m ignore=4xx;',
     'invalid status codes "ignore=4xx", they must be 100 to 599, at most 64 '
     . 'of them'],
    [channel  => 'tenant_share 101%;',
     'invalid tenant_share "101%", it must be 1% to 100%, as "50%"'],
    [channel  => 'retention 4000d;',
     'invalid time "4000d" in "retention", it must be 1s to 3650d, as "15d"'],
    [channel  => 'max_size 0;',
     'invalid size "0" in "max_size", it must be "off" or at least 1, as '
     . '"512m"'],
    [channel  => 'publish_rate 100r/s burst=0;',
     'invalid burst "0" in "publish_rate", it must be 1 to 1000000'],
    [channel  => 'sessions_max 0;',
     'invalid number "0" in "sessions_max", it must be 1 to 100000000'],
    [channel  => 'subscription_size 512;',
     'invalid size "512" in "subscription_size", it must be 1k to 16m'],
    [channel  => 'hops 6;', 'invalid number "6" in "hops", it must be 1 to 5'],
    [http     => 'notify_zone 16k;',
     'zone size "16k" is too small, it must be at least 32768'],
    [location => 'notify_sync c s gate timeout=25h;',
     'invalid parameter "timeout=25h", it must be a time of 1ms to 24h'],
    [location => 'notify_sync c s gate refused=200;',
     'invalid parameter "refused=200", it must be a status from 400 to 599'],
    [location => 'notify_session c id=$arg_s ttl=400d;',
     'invalid parameter "ttl=400d", it must be a time of 1s to 366d'],
    [location => 'notify_session c id=$arg_s presence lease=500ms;',
     'invalid parameter "lease=500ms", it must be a time of 1s to 1h'],
    [location => 'notify_verify standard secret_file=%%DIR%%/secret window=0;',
     'invalid time "window=0", it must be 1s to 365d'],
);

mistakes('an unknown word or parameter',
    [profile  => 'ssl_protocols TLSv1.2 SSLv3;',
     'invalid protocol "SSLv3" in "ssl_protocols", it must be "TLSv1", '
     . '"TLSv1.1", "TLSv1.2" or "TLSv1.3"'],
    [profile  => 'attempt_log some;',
     'invalid value "some" in "attempt_log", it must be "all", "failures" or '
     . '"off"'],
    [profile  => 'success 2xx;',
     'invalid parameter "2xx" in "success", it must be "status", or "json" '
     . 'and an object'],
    [profile  => 'payload cloudevents text;',
     'invalid parameter "text" in "payload", after "cloudevents" it must be '
     . '"binary"'],
    [profile  => 'payload raw binary;',
     'invalid parameter "binary" in "payload", only "cloudevents" has one'],
    [profile  => 'payload yes;',
     'invalid JSON at byte 0: a value is expected in "payload", it must be '
     . '"raw", "cloudevents" or JSON'],
    [profile  => 'breaker on;',
     'invalid parameter "on" in "breaker", it must be "off", or "failures=", '
     . '"window=" and "cooldown="'],
    [channel  => 'attribute country pattern=(A;',
     'invalid "pattern" of attribute "country": '
     . 'pcre2_compile() failed: missing closing parenthesis in '
     . '"(A"'],
    [location => 'notify_api c hooks;',
     'unknown resource "hooks" in "notify_api", it must be one of '
     . join(', ', qw(subscriptions events deltas deliveries settings sessions
                     sync filter redeliver redeliveries samples event-types
                     health stats jwks.json vapid.json
                     openapi.json))],
    [profile  => 'method GET;',
     'invalid method "GET", it must be "POST", "PUT" or "PATCH"'],
    [profile  => 'schemes ftp;',
     'invalid scheme "ftp" in "schemes", it must be "http" or "https"'],
    [profile  => 'sign standard id=;',
     '"id=" is empty in "sign standard"'],
    [profile  => 'sign standard id=$remote_addr;',
     'unknown variable "$remote_addr", only $notify_... of a delivery can '
     . 'stand here in "sign standard"'],
    [profile  => 'oauth2 token_url=http://1.1.1.1/ client_id=a '
                 . 'secret_file=%%DIR%%/secret auth=digest;',
     'invalid auth "digest" in "oauth2", it must be "basic" or '
     . '"post"'],
    [profile  => 'sign rsa;',
     'invalid parameter "rsa" in "sign", it must be "standard", "hmac" or '
     . '"aws"'],
    [profile  => 'sign aws region=eu-west-1 key_file=%%DIR%%/secret;',
     '"service=" is missing in "sign aws"'],
    [profile  => 'sign aws service=sns region=eu-west-1 '
                 . 'key_file=%%DIR%%/secret;',
     '"%%DIR%%/secret" of "sign aws" has no id and secret, a line each'],
    [profile  => 'sign aws service=sns region=eu/1 key_file=%%DIR%%/secret;',
     'invalid region "eu/1" in "sign", it must be letters, digits '
     . 'and "-"'],
    [profile  => 'sign hmac header=X-A algorithm=md5;',
     'invalid algorithm "md5" in "sign", it must be "sha1", "sha256" or '
     . '"sha512"'],
    [profile  => 'sign hmac header=X-A encoding=base32;',
     'invalid encoding "base32" in "sign", it must be "hex" or "base64"'],
    [profile  => 'ssl_verify maybe;',
     'invalid value "maybe" in "ssl_verify" directive, it must be "on" or '
     . '"off"'],
    [provider => 'payload yes;',
     'invalid value "yes" in "payload" directive, it must be "on" or "off"'],
    [channel  => 'operator_events yes;',
     'invalid value "yes" in "operator_events" directive, it must be "on" or '
     . '"off"'],
    [location => 'notify_api c security=digest;',
     'invalid "security=digest", it must be "security=none", "security=basic" '
     . 'or "security=bearer"'],
    [location => 'notify_api c role=admin;',
     'invalid "role=admin", it must be "role=operator" or "role=partner"'],
    [location => 'notify_console frame_ancestors=app.example;',
     'invalid source "app.example" in "frame_ancestors", it must be "self" or '
     . 'one as "https://app.example"'],
    [location => q(notify_console "logo=javascript:alert('x')";),
     q(invalid parameter "logo=javascript:alert('x')", it must be a URL or a )
     . 'path'],
    [location => 'notify_console tenant=$http_x_tenant;',
     'invalid parameter "tenant=$http_x_tenant", it must be the name of a '
     . 'header'],
    [location => 'notify_sync c s ask;',
     'invalid mode "ask", it must be "answer" or "gate"'],
    [location => 'notify_emit c a.b on=reply;',
     'invalid parameter "on=reply", it must be "request" or "response"'],
    [location => 'notify_emit c a.b on_error=ignore;',
     'invalid parameter "on_error=ignore", it must be "pass" or "fail"'],
    [location => 'notify_verify rsa;',
     'invalid scheme "rsa", it must be "standard", "hmac", "jwt", "stripe", '
     . '"slack", "github", "shopify", "svix" or "twilio"'],
    [location => 'notify_verify jwt alg=none key=%%DIR%%/secret;',
     '"alg=none" must be HS256, RS256, ES256 or EdDSA'],
    [location => 'notify_var $x body a;',
     'invalid body "body", it must be "request" or "response"'],
    [profile  => 'retry 5s max=3;', 'invalid parameter "max=3" in "retry"'],
    [profile  => 'sign hmac header=X-A secret=x;',
     'invalid parameter "secret=x" in "sign"'],
    [location => 'notify_verify standard secret=x;',
     'invalid parameter "secret=x" in "notify_verify"'],
    [location => 'notify_verify github secret_file=%%DIR%%/secret header=X;',
     'invalid parameter "header=X" in "notify_verify"'],
);

mistakes('a name that nothing declares',
    [channel  => 'profile ghost;', 'unknown profile "ghost"'],
    [channel  => "event a;\nunchanged b key=x;", 'unknown event "b"'],
    [provider => 'type web;',
     'invalid "type" "web", it must be "http", "webpush" or "fcm"'],
    [provider => 'project "a b";',
     'invalid "project" "a b", it must be the id of one, 1 to 128 characters '
     . 'of [A-Za-z0-9_.:-]'],
    [provider => "notification '[1]';",
     'invalid "notification", it must be a JSON object'],
    [provider => "data 7;",
     'invalid "data", it must be a JSON object or a variable, as '
     . '"$notify_data"'],
    [provider => "android '{';",
     'invalid JSON at byte 1: unexpected end in "android"'],
    [provider => "android '{\"a\":\"\$host\"}';",
     'unknown variable "$host", only $notify_... of a delivery can stand here '
     . 'in "android"'],
    [provider => 'ttl soon;',
     'invalid "ttl" "soon", it must be a time of 0 to 365d'],
    [provider => 'urgency now;',
     'invalid "urgency" "now", it must be "very-low", "low", "normal" or '
     . '"high"'],
    [provider => 'topic a.b;',
     'invalid "topic" "a.b", it must be 1 to 32 characters of A-Z, a-z, 0-9, '
     . '"-" and "_"'],
    [provider => 'vapid_subject ops@example.com;',
     'invalid "vapid_subject" "ops@example.com", it must be '
     . '"mailto:ADDRESS" or "https://HOST" of at most 255 bytes'],
    [provider => 'group ghost;', 'unknown upstream "ghost"'],
    [location => 'notify_api nowhere;', 'unknown notify_channel "nowhere"'],
    [location => 'notify_ingest nowhere a.b;',
     'unknown notify_channel "nowhere"'],
    [location => 'notify_emit nowhere a.b;',
     'unknown notify_channel "nowhere"'],
    [location => 'notify_sync nowhere s gate;',
     'unknown notify_channel "nowhere"'],
    [location => 'notify_session nowhere id=$arg_s;',
     'unknown notify_channel "nowhere"'],
    [location => 'notify_emit c a.z;',
     'unknown event "a.z" of notify_channel "c"'],
    [location => 'notify_sync c z gate;',
     'unknown event "z" of notify_channel "c"'],
    [location => 'notify_sync c a.b gate;',
     'event "a.b" of notify_channel "c" is not declared "sync"'],
    [location => 'notify_emit c a.b colour=red;',
     'invalid parameter "colour=" of notify_emit, it is no attribute of '
     . 'notify_channel "c"'],
    [location => 'notify_sync c s gate colour=red;',
     'invalid parameter "colour=" of notify_sync, it is no attribute of '
     . 'notify_channel "c"'],
);

mistakes('a parameter that is missing, empty or given twice',
    [profile  => 'sign hmac;', '"header=" is missing in "sign hmac"'],
    [profile  => 'proxy 127.0.0.1:3128;',
     'invalid proxy "127.0.0.1:3128", it must be "http://HOST:PORT"'],
    [profile  => 'proxy http://127.0.0.1:3128 user=a;',
     '"user=" and "password_file=" of "proxy" need each other'],
    [profile  => 'bind nowhere;', 'invalid address "nowhere" in "bind"'],
    [profile  => 'oauth2 client_id=a secret_file=%%DIR%%/secret;',
     '"token_url=" is missing in "oauth2"'],
    [profile  => 'oauth2 jwt_bearer key_file=%%DIR%%/ec.pem;',
     '"token_url=" is missing in "oauth2"'],
    [profile  => 'oauth2 token_url=http://1.1.1.1/ client_id=a '
                 . 'secret_file=%%DIR%%/empty;',
     '"%%DIR%%/empty" of "oauth2" has no secret in its first line'],
    [profile  => 'oauth2 jwt_bearer token_url=http://1.1.1.1/ '
                 . 'key_file=%%DIR%%/words;',
     'key "%%DIR%%/words" of "oauth2" cannot be used: it has no private key '
     . 'in PEM: RSA of 2048 bits or more, P-256 or Ed25519'],
    [profile  => "jwt alg=ES256 key=%%DIR%%/ec.pem;\n"
                 . 'oauth2 token_url=http://1.1.1.1/ client_id=a '
                 . 'secret_file=%%DIR%%/secret;',
     'duplicate header "Authorization"'],
    [profile  => 'oauth2 token_url=http://127.0.0.1/ client_id=a '
                 . 'secret_file=%%DIR%%/secret;',
     'invalid "token_url=http://127.0.0.1/" in "oauth2": address 127.0.0.1 is '
     . 'in 127.0.0.0/8, not allowed ("allow" in the profile)'],
    [profile  => 'sign hmac header=;',
     'invalid header "" in "sign", it must be the name of a header'],
    [profile  => 'breaker failures=5 window=1m;',
     '"breaker" directive needs "failures", "window" and "cooldown"'],
    [profile  => 'jwt alg=HS256 kid=a;', '"key=" is missing in "jwt"'],
    [profile  => 'jwt key=%%DIR%%/secret;',
     '"alg=" is missing in "jwt", it must be HS256, RS256, ES256 or EdDSA'],
    [channel  => 'unchanged a value=x;',
     '"unchanged" directive needs events and a "key="'],
    [channel  => 'event a schema=;', '"event" directive has an empty "schema"'],
    [channel  => 'event a error=E;',
     '"event" directive has "error" without "entity"'],
    [channel  => 'attribute a pattern=;',
     '"attribute" directive has an empty "pattern"'],
    [channel  => 'entity_type a 1;',
     '"entity_type" directive needs an object, a number and a name'],
    [channel  => 'event a entity entity;',
     'invalid parameter "entity" in "event", it is given twice'],
    [location => 'notify_emit c;',
     '"notify_emit" directive needs a channel and an event'],
    [location => 'notify_emit c a.b device=$arg_d device=$arg_e;',
     'invalid parameter "device=$arg_e", it is given twice'],
    [location => 'notify_session c id=;',
     'invalid parameter "id=", nobody could be registered by it'],
    [location => 'notify_session c id=$arg_s grace=5s;',
     '"notify_session" directive has "grace=" or "lease=" without "presence"'],
    [location => 'notify_verify standard;',
     '"notify_verify" directive needs "secret_file="'],
    [location => 'notify_verify hmac secret_file=%%DIR%%/secret;',
     '"notify_verify" directive needs "header="'],
    [location => 'notify_verify stripe;',
     '"notify_verify" directive needs "secret_file="'],
    [location => 'notify_verify jwt alg=HS256;',
     '"notify_verify" directive needs "key="'],
    [location => 'notify_verify jwt key=%%DIR%%/secret;',
     '"alg=" must be HS256, RS256, ES256 or EdDSA'],
    [location => 'notify_verify jwt alg=HS256 key=%%DIR%%/secret aud=;',
     'empty parameter "aud="'],
    [location => 'notify_verify jwt alg=HS256 key=%%DIR%%/secret aud=a aud=b;',
     'duplicate parameter "aud=b"'],
    [location => 'notify_verify jwt alg=HS256 key=%%DIR%%/secret header=X-A '
                 . 'token=$arg_t;',
     '"notify_verify" directive takes "header=" or "token="'],
    [location => 'notify_verify jwt alg=HS256 key=%%DIR%%/secret once=abc;',
     '"once=abc" has no variable, all calls would have the same value'],
    [raw      => "notify_provider q { type webpush; } # !\n"
                 . "notify_channel c { }\n",
     'notify_provider "q" has no "vapid_key", which "type webpush" needs'],
    [raw      => "notify_provider q { url http://127.0.0.1/; ttl 1h; } # !\n"
                 . "notify_channel c { }\n",
     'notify_provider "q" has a directive of "type webpush", but is not of '
     . 'that type'],
    [raw      => "notify_provider q { url http://127.0.0.1/; project a; } # !\n"
                 . "notify_channel c { }\n",
     'notify_provider "q" has a directive of "type fcm", but is not of that '
     . 'type'],
    [raw      => "notify_provider q { type webpush; data '{}'; } # !\n"
                 . "notify_channel c { }\n",
     'notify_provider "q" has a directive of "type fcm", but is not of that '
     . 'type'],
    fcm('ttl 1h;', 'has a directive of "type webpush", but is not of that type'),
    fcm('group g;', 'has a "group", but "type fcm" calls one URL'),
    fcm('method PUT;', 'has a "method", but "type fcm" sends by POST'),
    fcm('response_limit 0;', 'has "type fcm" and a "response_limit" of 0'),
    fcm("message a;\nnotification '{}';",
        'has a "notification" and a "message" or "debug_message", which is '
        . 'one\'s body'),
    fcm("payload on;\ndata '{}';",
        'has "data" and "payload on", which are the event\'s data'),
    [raw      => "notify_provider q { type fcm; } # !\nnotify_channel c { }\n",
     'notify_provider "q" has no "service_account", which "type fcm" needs'],
    [raw      => "notify_provider q { type fcm; project a; } # !\n"
                 . "notify_channel c { }\n",
     'notify_provider "q" has no "service_account", which "type fcm" needs'],
    account_of('%%DIR%%/account-alone.json',
               'notify_provider "q" has no "project", nor has its '
               . '"service_account" a "project_id"', 1),
    account_of('%%DIR%%/account-odd.json',
               'notify_provider "q" has a "service_account" with an invalid '
               . '"project_id"', 1),
    [raw      => "notify_provider q { type webpush; group g; } # !\n"
                 . "notify_channel c { }\n",
     'notify_provider "q" has a "url", "debug_url" or "group", but "type '
     . 'webpush" calls the endpoint of each session'],
    [raw      => "notify_provider q { }    # !\nnotify_channel c { }\n",
     'notify_provider "q" has no "url"'],
    [provider => 'debug_url 127.0.0.1;',
     'invalid URL "127.0.0.1": the URL does not begin with "http://" or '
     . '"https://"'],
);

mistakes('a file with the wrong content',
    account_of('%%DIR%%/account-ec.json',
               '"%%DIR%%/account-ec.json" of "service_account" cannot be used: '
               . 'it is not the JSON of a service account with an RSA key'),
    account_of('%%DIR%%/rsa.pem',
               '"%%DIR%%/rsa.pem" of "service_account" cannot be used: it is '
               . 'not the JSON of a service account with an RSA key'),
    account_of('%%DIR%%/account-words.json',
               'key "%%DIR%%/account-words.json" of "service_account" cannot be '
               . 'used: it has no private key in PEM: RSA of 2048 bits or more, '
               . 'P-256 or Ed25519'),
    account_of('%%DIR%%/broken.json',
               'key "%%DIR%%/broken.json" of "service_account" cannot be used: '
               . 'it is not JSON'),
    account_of('%%DIR%%/account-no-uri.json',
               'key "%%DIR%%/account-no-uri.json" of "service_account" cannot '
               . 'be used: it has no "token_uri"'),
    account_of('%%DIR%%/account-uri.json',
               'invalid "token_uri ftp://127.0.0.1/token" in '
               . '"service_account": the URL does not begin with "http://" or '
               . '"https://"'),
    [provider => "service_account %%DIR%%/account.json;\n"
                 . "oauth2 client_id=a;",
     '"oauth2" directive cannot be beside "service_account"'],
    [provider => "oauth2 token_url=http://127.0.0.1/ client_id=a "
                 . "secret_file=%%DIR%%/secret;\n"
                 . "service_account %%DIR%%/account.json;",
     '"service_account" directive cannot be beside "oauth2"'],
    [provider => "service_account %%DIR%%/account.json;\n"
                 . "service_account %%DIR%%/account.json;",
     '"service_account" directive is duplicate'],
    [provider => "header Authorization a;\n"
                 . "service_account %%DIR%%/account.json;",
     'duplicate header "Authorization"'],
    [profile  => 'jwt alg=RS512 key=%%DIR%%/secret;',
     '"alg=RS512" of "jwt" must be HS256, RS256, ES256 or EdDSA'],
    [profile  => 'jwt alg=ES256 key=%%DIR%%/words;',
     'key "%%DIR%%/words" of "jwt" cannot be used: not an unencrypted private '
     . 'key in PEM form'],
    [profile  => 'jwt alg=RS256 key=%%DIR%%/ec.pem;',
     'key "%%DIR%%/ec.pem" of "jwt" cannot be used: RS256 needs an RSA key'],
    [profile  => 'jwt alg=HS256 key=%%DIR%%/empty;',
     'key "%%DIR%%/empty" of "jwt" cannot be used: HS256 needs a secret of at '
     . 'least 32 bytes'],
    [profile  => 'jwt alg=HS256 key=%%DIR%%/secret claims=[1];',
     '"claims=" of "jwt" is not a JSON object'],
    [profile  => q(jwt alg=HS256 key=%%DIR%%/secret 'claims={"exp":1}';),
     'claim "exp" of "jwt" is always added'],
    [location => 'notify_verify standard secret_file=%%DIR%%/empty;',
     'secret file "%%DIR%%/empty" cannot be used: it has no secret'],
    [location => 'notify_verify jwt alg=ES256 key=%%DIR%%/words;',
     'key "%%DIR%%/words" cannot be used: not a public key in PEM form'],
    [http     => 'notify_secret_key %%DIR%%/words;',
     '"%%DIR%%/words" of "notify_secret_key" must hold 32 bytes in base64, in '
     . 'one line'],
    [http     => 'notify_redis 127.0.0.1 password_file=%%DIR%%/empty;',
     'no password in the first line of "%%DIR%%/empty"'],
    [channel  => 'event a schema=%%DIR%%/broken.json;',
     'schema "%%DIR%%/broken.json", line 3: a member name is expected'],
    [channel  => 'event a schema=%%DIR%%/words;',
     'schema "%%DIR%%/words", line 1: a value is expected'],
    [channel  => 'event a schema=%%DIR%%/kind.json;',
     'schema "%%DIR%%/kind.json", line 2: not a type'],
    [channel  => 'event a schema=%%DIR%%/list.json;',
     'schema "%%DIR%%/list.json", line 1: a schema must be an object or a '
     . 'boolean'],
    [channel  => 'event a schema=%%DIR%%;',
     'schema "%%DIR%%" is no file, or larger than 1048576 bytes'],
    [raw      => "notify_profile p {    # !\n"
                 . "ssl_certificate %%DIR%%/a.pem;\n}\n",
     '"ssl_certificate" and "ssl_certificate_key" need each other'],
    [raw      => "notify_profile p {    # !\n"
                 . "ssl_trusted_certificate %%DIR%%/words;\n}\n",
     'cannot use "ssl_trusted_certificate" "%%DIR%%/words"'],
    [raw      => "notify_profile p {    # !\nssl_ciphers NOSUCH;\n}\n",
     'cannot use "ssl_ciphers" "NOSUCH"'],
);

mistakes('a file that is absent or unreadable',
    (map { [@$_, '"' . ($_->[1] =~ /^(\w+)/)[0] . '" directive: open() '
                 . '"%%DIR%%/none" failed (2: No such file or directory)'] }
     [profile  => 'jwt alg=ES256 key=%%DIR%%/none;'],
     [location => 'notify_verify standard secret_file=%%DIR%%/none;'],
     [provider => 'service_account %%DIR%%/none;'],
     [http     => 'notify_secret_key %%DIR%%/none;'],
     [http     => 'notify_redis 127.0.0.1 password_file=%%DIR%%/none;'],
     [channel  => 'event a schema=%%DIR%%/none;']),
    (map { [@$_, '"' . ($_->[1] =~ /^(\w+)/)[0] . '" directive: read() '
                 . '"%%DIR%%" failed (21: Is a directory)'] }
     [profile  => 'jwt alg=HS256 key=%%DIR%%;'],
     [location => 'notify_verify jwt alg=HS256 key=%%DIR%%;'],
     [http     => 'notify_secret_key %%DIR%%;']),
);

mistakes('an invalid template',
    [profile  => q(payload '{"a": }';),
     'invalid JSON at byte 6: a value is expected in "payload"'],
    [profile  => q(payload '{"a":1';),
     'invalid JSON at byte 6: unexpected end in "payload"'],
    [profile  => q(payload '{"a":1,}';),
     'invalid JSON at byte 7: a member name is expected in "payload"'],
    [profile  => q(payload '[1] [2]';),
     'invalid JSON at byte 4: text after the value in "payload"'],
    [profile  => q(payload '{"a":$notify_data}';),
     'invalid JSON at byte 5: a value is expected in "payload"'],
    [profile  => q(payload '{"a":"$remote_addr"}';),
     'unknown variable "$remote_addr", only $notify_... of a delivery can '
     . 'stand here in "payload"'],
    [profile  => q(payload '{"a":"$notify_payload"}';),
     'the payload cannot contain "$notify_payload" in "payload"'],
    [profile  => q(payload '{"a":"${notify_data"}';),
     'the closing bracket of a variable is missing in "payload"'],
    [profile  => q(payload '{"a":"${notify_data.a..b}"}';),
     'a path into the data must be at most 32 names or indexes, separated by '
     . 'dots in "payload"'],
    [profile  => q(payload '{"a":"${notify_tenant.name}"}';),
     'unknown variable "$notify_tenant.name", only $notify_... of a delivery '
     . 'can stand here in "payload"'],
    [profile  => q(payload '{"a":"${notify_attribute_a.b}"}';),
     'unknown variable "$notify_attribute_a.b", only $notify_... of a '
     . 'delivery can stand here in "payload"'],
    [profile  => q(payload '{"$notify_event_id":1}';),
     'variables are not allowed in the names of members in "payload"'],
    [profile  => q(payload '{"a":1,"a":2}';),
     'a member is given twice in "payload"'],
    [profile  => 'success json [1;',
     'invalid JSON at byte 2: unexpected end in "success"'],
    [profile  => 'success json [1];',
     '"success" directive must name a JSON object'],
    [provider => 'message $remote_addr;',
     'message "$remote_addr": unknown variable "$remote_addr", only '
     . '$notify_... of a delivery can stand here'],
    [raw      => "notify_profile p {    # !\nsuccess json '{\"a\":1}';\n"
                 . "response_limit 0;\n}\n",
     'notify_profile "p" has "success json" and a "response_limit" of 0'],
    [raw      => "notify_profile p {    # !\nbatch 2;\n"
                 . "payload cloudevents binary;\n}\n",
     'notify_profile "p" has "batch" and "payload cloudevents binary", whose '
     . 'headers are of one event'],
    [raw      => "notify_profile p {    # !\nbatch 2;\n"
                 . 'sign standard id=$notify_event_uid;' . "\n}\n",
     'notify_profile "p" has "batch" and "sign standard id=", the id is that '
     . 'of the batch'],
    [raw      => "notify_profile p {    # !\nbatch 2;\n"
                 . 'sign hmac header=X-H data=$notify_event_id;' . "\n}\n",
     'notify_profile "p" has "batch" and "sign hmac data=" of an event\'s '
     . 'members'],
);

mistakes('an invalid network',
    [profile  => 'allow 10.0.0.0/33;',
     'invalid address or network "10.0.0.0/33" in "allow"'],
    [profile  => 'allow 10.0.0.300;',
     'invalid address or network "10.0.0.300" in "allow"'],
    [profile  => 'deny localhost;',
     'invalid address or network "localhost" in "deny"'],
    [profile  => 'deny fd00::/129;',
     'invalid address or network "fd00::/129" in "deny"'],
    [server   => 'notify_trusted example.com;',
     'invalid address "example.com" in "notify_trusted", it must be an address '
     . 'or a network'],
);

mistakes('a header that cannot be set',
    (map { [profile => "header $_ x;",
            "header \"$_\" cannot be set: it belongs to the connection or to "
            . 'the signature'] }
     'Host', 'Content-Length', 'Transfer-Encoding', 'webhook-id'),
    [profile  => 'sign hmac header=Connection;',
     'header "Connection" cannot be set: it belongs to the connection or to '
     . 'the signature'],
    [profile  => 'jwt alg=HS256 key=%%DIR%%/secret header=;',
     'header "" cannot be set: its name is empty or too long'],
    [profile  => 'header X-A: 1;',
     'header "X-A:" cannot be set: its name has a character that no header\'s '
     . 'name has'],
    [profile  => "header X-A 'a\x01b';",
     'the value of header "X-A" has control characters'],
    [profile  => 'header X-A $http_host;',
     'unknown variable "$http_host", only $notify_... of a delivery can stand '
     . 'here in "header"'],
);

mistakes('an invalid schedule of retries',
    [profile  => 'retry often;',
     'invalid step "often" in "retry", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"'],
    [profile  => 'retry 5s off;',
     'invalid step "off" in "retry", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"'],
    [profile  => 'retry 5s,10s;',
     'invalid step "5s,10s" in "retry", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"'],
    [profile  => 'retry off 5s;',
     '"retry" directive has parameters after "off"'],
    [profile  => 'retry jitter=5%;', '"retry" directive has no step'],
    [profile  => 'retry 5s until=;',
     'invalid until "" in "retry", it must be a time of 1ms to 365d, as "30s", '
     . '"5m" or "2h"'],
    [profile  => 'retry 5s until=1d until=2d;',
     'invalid parameter "until=2d" in "retry", it is given twice'],
);

my $cluster = '"notify_redis" directive cannot have "cluster" together with '
            . '"sentinel" or "db"';
my $pair = '"notify_redis" directive needs "ssl_certificate" and '
         . '"ssl_certificate_key" together';

mistakes('an invalid address or parameter of Redis',
    map({ [http => "notify_redis $_->[0];", $_->[1]] }
    ['127.0.0.1:', 'invalid port in "127.0.0.1:" of "notify_redis"'],
    ['127.0.0.1:70000', 'invalid port in "127.0.0.1:70000" of "notify_redis"'],
    ['unix:',
     'no path in the unix domain socket in "unix:" of "notify_redis"'],
    ['/run/redis.sock', 'invalid host in "/run/redis.sock" of "notify_redis"'],
    ['redis://127.0.0.1',
     'invalid host in "redis://127.0.0.1" of "notify_redis"'],
    ['db=1', '"notify_redis" directive needs an address'],
    ['127.0.0.1 sentinel=shop cluster', $cluster],
    ['127.0.0.1 cluster db=1', $cluster],
    ['127.0.0.1 sentinel=',
     'invalid sentinel "" in "notify_redis", it must be a text that is not '
     . 'empty'],
    ['127.0.0.1 db=x',
     'invalid db "x" in "notify_redis", it must be 0 to 65535'],
    ['127.0.0.1 db=1 db=2',
     'invalid parameter "db=2" in "notify_redis", it is given twice'],
    ['127.0.0.1 replicas=0',
     'invalid replicas "0" in "notify_redis", it must be 1 to 100'],
    ['127.0.0.1 prefix=', '"notify_redis" directive has an empty "prefix"'],
    ['127.0.0.1 "prefix=a{b"',
     '"notify_redis" directive has a "prefix" with a brace, a space or a '
     . 'control character'],
    ['127.0.0.1 user=x',
     '"notify_redis" directive has "user" but no "password_file"'],
    ['127.0.0.1 password=x',
     'invalid parameter "password=x" in "notify_redis"'],
    ['127.0.0.1 ssl_name=x',
     '"notify_redis" directive has a parameter of "ssl" but not "ssl"'],
    ['127.0.0.1 ssl ssl_certificate=%%DIR%%/ec.pem', $pair],
    ['127.0.0.1 ssl ssl_verify=%%DIR%%/none',
     '"notify_redis" directive cannot use its "ssl_verify"'],
    ['unix:/tmp/x ssl',
     '"notify_redis" directive has "ssl" and the path of a socket']),
);

my $other = 'cannot be used, something else answers in this location';

mistakes('a directive beside one that excludes it',
    [location => "notify_api c;\nnotify_api c events;",
     '"notify_api" directive is duplicate'],
    [location => "proxy_pass http://127.0.0.1/;\nnotify_api c;",
     "\"notify_api\" directive $other"],
    [location => "notify_api c;    # !\nproxy_pass http://127.0.0.1/;",
     "\"notify_api\" directive $other"],
    [location => "notify_api c;\nnotify_metrics;",
     "\"notify_metrics\" directive $other"],
    [location => "notify_api c;\nnotify_console;",
     "\"notify_console\" directive $other"],
    [server   => "location ~ ^/x {\nnotify_api c;    # !\n}",
     '"notify_api" directive cannot be used in a regex or named location'],
    [raw      => "notify_profile p { sign standard; }\nnotify_channel c {\n"
                 . "profile p;\nsetting u target;    # !\n}\n",
     'profile "p" cannot "sign" the calls of setting "u" in notify_channel '
     . '"c", a target has no secret; put a profile without "sign" first'],
);

warned('a likely mistake is accepted with a warning',
    [profile  => 'allow 10.0.0.1/8;',
     'low address bits of 10.0.0.1/8 are meaningless'],
    [location => 'notify_api c;',
     'no "resolver" in http {}: subscribers can be called by address only, not '
     . 'by name,'],
    [location => 'notify_verify shopify secret_file=%%DIR%%/secret window=1m;',
     '"1m" is only how long "once=" remembers at least, no time is signed'],
    [location => 'notify_verify github secret_file=%%DIR%%/secret '
                 . 'once=$http_x_github_delivery;',
     '"once=$http_x_github_delivery" is not signed, a call may be repeated '
     . 'with another value'],
    [location => 'notify_verify standard secret_file=%%DIR%%/secret '
                 . 'once=$arg_x;',
     '"once=$arg_x" is not signed, a call may be repeated with another value'],
);

finish();
