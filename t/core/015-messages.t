# What nginx -t says of likely mistakes: the name of the directive, the units
# that it takes, where it belongs.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $nginx = NotifyTest::Nginx->new(http => '', start => 0);

# the mistake is on the line with # !
sub says {
    my ($title, $http, @messages) = @_;
    $nginx->write_conf(http => $http);
    my ($text, $ok) = $nginx->check;
    my @lines = split /\n/, slurp($nginx->conf);
    my ($line) = grep { $lines[$_ - 1] =~ /# !/ } 1 .. @lines;

    subtest $title => sub {
        ok(!$ok, 'nginx -t fails');
        like($text, qr/\[emerg\] \Q$_\E in \Q@{[ $nginx->conf ]}\E:$line$/m,
             "says: $_") for @messages;
    };
}

sub accepted {
    my ($title, $http) = @_;
    $nginx->write_conf(http => $http);
    my ($text, $ok) = $nginx->check;
    ok($ok, $title) or diag($text);
}

# accepted, with a warning of the line with # !, or without any
sub warns {
    my ($title, $http, $message) = @_;
    $nginx->write_conf(http => $http);
    my ($text, $ok) = $nginx->check;
    my @lines = split /\n/, slurp($nginx->conf);
    my ($line) = grep { $lines[$_ - 1] =~ /# !/ } 1 .. @lines;

    subtest $title => sub {
        ok($ok, 'nginx -t accepts it') or diag($text);

        if (defined $message) {
            like($text, qr/\[warn\] \Q$message in @{[ $nginx->conf ]}\E:$line$/m,
                 "warns: $message");
        } else {
            unlike($text, qr/\[warn\]/, 'without a warning');
        }
    };
}

sub profile  { return "notify_profile p {\n$_[0]    # !\n}\n" }
sub channel  { return "notify_channel c {\n$_[0]    # !\n}\n" }
sub provider { return "notify_provider p {\nurl http://127.0.0.1/;\n"
                      . "$_[0]    # !\n}\nnotify_channel c { }\n" }


# names and units

says('a rate per something else', profile('rate 50/s;'),
     'invalid rate "50/s", it must be "off" or 1 to 1000000 with "r/s" or '
     . '"r/m", as "50r/s"');
says('a burst that is none', profile('rate 50r/s burst=x;'),
     'invalid burst "x" in "rate", it must be 1 to 1000000');
says('minutes that nginx does not have', profile('retry 5 5min;'),
     'invalid step "5min" in "retry", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"');
says('an until that is no time', profile('retry 5s until=3days;'),
     'invalid until "3days" in "retry", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"');
says('days that nginx does not have', channel('retention 15days;'),
     'invalid time "15days" in "retention", it must be 1s to 3650d, as "15d"');
says('a cool-down without a unit that there is',
     profile('breaker failures=1 window=1m cooldown=5min;'),
     'invalid cooldown "5min" in "breaker", it must be a time of 1ms to 365d, '
     . 'as "30s", "5m" or "2h"');
says('failures that are no number',
     profile('breaker failures=many window=1m cooldown=5m;'),
     'invalid failures "many" in "breaker", it must be 1 to 100000');
says('a size with a unit that there is not', channel('max_size 1gb;'),
     'invalid size "1gb" in "max_size", it must be "off" or at least 1, as '
     . '"512m"');
says('too many subscriptions', channel('subscriptions_max 10000000;'),
     'invalid number "10000000" in "subscriptions_max", it must be 1 to '
     . '1000000');
says('a unit that is none', channel('setting n unit=day;'),
     'invalid unit "day" in "setting", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"');
says('connections that are no number', profile('keepalive many;'),
     'invalid number "many" in "keepalive", it must be 0 to 65535');
says('an idle time that is none', profile('keepalive 8 idle=1min;'),
     'invalid idle "1min" in "keepalive", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"');
says('a parameter that is none', $_->[1],
     "invalid parameter \"$_->[0]\" in \"" . ($_->[1] =~ /\n(\w+)/)[0] . '"')
    for ['now', channel('event a now;')],
        ['now', channel('attribute a now;')],
        ['now', channel('setting a now;')],
        ['now', channel('entity_type a 1 b now;')],
        ['now', profile('rate 50r/s now;')],
        ['now=1', profile('retry 5s now=1;')],
        ['now', profile('keepalive 8 now;')];


# where it belongs

says('a directive of profiles in a channel', channel('retry 5s;'),
     '"retry" directive is not allowed here',
     '"retry" belongs in notify_profile {} or notify_provider {}, not in '
     . 'notify_channel {}');
says('a directive of channels in a profile', profile('retention 15d;'),
     '"retention" directive is not allowed here',
     '"retention" belongs in notify_channel {}, not in notify_profile {}');
says('a directive of channels in a provider', provider('event a;'),
     '"event" directive is not allowed here',
     '"event" belongs in notify_channel {}, not in notify_provider {}');
says('a directive of providers in a profile', profile('debug_url x;'),
     '"debug_url" directive is not allowed here',
     '"debug_url" belongs in notify_provider {}, not in notify_profile {}');
says('a directive that is none', channel('retenton 15d;'),
     'unknown directive "retenton"');
says('a provider without a URL, by its name',
     "notify_provider gms {    # !\nmessage x;\n}\nnotify_channel c { }\n",
     'notify_provider "gms" has no "url"');


# a forgotten semicolon

says('a ";" that is forgotten after an event',
     "notify_channel c {\nevent a.b\nevent c.d;    # !\n}\n",
     'invalid parameter "event" in "event"',
     'is a ";" missing before "event"?');
says('after a time', "notify_channel c {\nretention 15d\nevent a;    # !\n}\n",
     'invalid number of arguments in "retention" directive',
     'is a ";" missing before "event"?');
says('in a profile',
     "notify_profile p {\nretry 5s 1m\ntimeout 10s;    # !\n}\n",
     'invalid step "timeout" in "retry", it must be a time of 1ms to 365d, as '
     . '"30s", "5m" or "2h"',
     'is a ";" missing before "timeout"?');


# variables that nobody declares

my $declared = "notify_channel c {\nprofile p;\nattribute country;\n"
             . "setting token;\n}\n";

for my $line ('header X-A $notify_attribute_%s;',
              'header X-A a-${notify_attribute_%s}-b;',
              'payload \'{"a":"$notify_attribute_%s"}\';',
              'sign hmac header=X-H data=$notify_attribute_%s.x;',
              'sign hmac header=X-H prefix=$notify_attribute_%s;')
{
    my $wrong = sprintf $line, 'contry';
    says("an attribute that is none: $wrong", profile($wrong) . $declared,
         'unknown variable "$notify_attribute_contry": no notify_channel that '
         . 'uses it has an attribute "contry"');
    accepted('one that there is', profile(sprintf $line, 'country')
                                  . $declared);
}

says('a setting that is none',
     profile('header Authorization $notify_setting_tokn;') . $declared,
     'unknown variable "$notify_setting_tokn": no notify_channel that uses it '
     . 'has a setting "tokn"');
accepted('one that there is',
     profile('header Authorization $notify_setting_token;') . $declared);
accepted('in a profile that no channel uses',
     profile('header X-A $notify_setting_any;') . "notify_channel c { }\n");
accepted('in a profile that two channels use, one of which has it',
     profile('header X-A $notify_attribute_country;') . $declared
     . "notify_channel d { profile p; }\n");
says('in the message of a provider, which is read with its block',
     "notify_provider p {    # !\nurl http://127.0.0.1/;\n"
     . "message \$notify_attribute_x;\n}\nnotify_channel c { }\n",
     'unknown variable "$notify_attribute_x": no notify_channel that uses it '
     . 'has an attribute "x"');
says('in what must have changed',
     channel('unchanged a key=$notify_attribute_x;'),
     'unknown variable "$notify_attribute_x": no notify_channel that uses it '
     . 'has an attribute "x"');


# what holds together only in part

my $long = "resolver 127.0.0.1;\nnotify_profile p { retry 1h until=%s; }\n"
           . "notify_channel c {\nretention 3d;\nprofile p;    # !\n}\n";
warns('retries that go on for longer than the event is kept',
      sprintf($long, '73h'),
      'profile "p" has a "retry" with an "until" above the "retention" of '
      . 'notify_channel "c", which ends the retries');
warns('for as long', sprintf($long, '3d'));
warns('in the profile that a channel has without a word',
      "resolver 127.0.0.1;\nnotify_profile standard { retry 1h until=16d; }\n"
      . "notify_channel c {    # !\n}\n",
      'profile "standard" has a "retry" with an "until" above the "retention" '
      . 'of notify_channel "c", which ends the retries');

finish();
