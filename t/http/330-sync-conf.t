# notify_sync is checked by nginx -t.

use strict;
use warnings;

use Test::More;
use NotifyTest;

my $nginx = NotifyTest::Nginx->new(http => '', start => 0);

sub check {
    my ($line) = @_;
    $nginx->write_conf(http => <<"END");
    server {
        listen 127.0.0.1:%%PORT%%;
        location / {
            $line
        }
    }
    notify_channel shop {
        event      a.sync sync alias=a.alias;
        event      a.page iframe;
        event      a.none;
        attribute  country;
    }
END
    return $nginx->check;
}

for my $case (
    ['notify_sync shop a.sync;', 'needs a channel, an event'],
    ['notify_sync shop a.sync maybe;', 'invalid mode "maybe"'],
    ['notify_sync none a.sync gate;', 'unknown notify_channel "none"'],
    ['notify_sync shop b gate;', 'unknown event "b"'],
    ['notify_sync shop a.none gate;', 'is not declared "sync"'],
    ['notify_sync shop a.page gate;', 'is not declared "sync"'],
    ['notify_sync shop a.sync gate timeout=x;', 'it must be a time'],
    ['notify_sync shop a.sync gate timeout=0;', 'it must be a time'],
    ['notify_sync shop a.sync gate timeout=25h;',
     'it must be a time of 1ms to 24h'],
    ['notify_sync shop a.sync gate limit=x;', 'it must be a size'],
    ['notify_sync shop a.sync gate on_error=x;', '"pass" or "fail"'],
    ['notify_sync shop a.sync gate refused=200;', '400 to 599'],
    ['notify_sync shop a.sync answer refused=403;', 'only a gate refuses'],
    ['notify_sync shop a.sync gate wrong;', 'invalid parameter "wrong"'],
    ['notify_sync shop a.sync gate wrong=1;', 'invalid parameter "wrong="'],
    ['notify_sync shop a.sync gate data=$nothing;', 'unknown "nothing"'],
    ['notify_sync shop a.sync gate data=response;', 'no response yet'],
    (map { ["notify_sync shop a.sync gate $_ $_;", 'it is given twice'] }
     qw(id=1 timeout=1s limit=1m on_error=pass refused=403 data=request)),
    ['notify_sync shop a.sync gate; notify_sync shop a.sync gate;',
     'is duplicate'])
{
    my ($line, $why) = @$case;
    my ($said, $ok) = check($line);
    ok(!$ok, "refused: $line");
    like($said, qr/\Q$why\E/, 'with the reason');
    # nginx itself tells no place of a variable
    like($said, qr/nginx\.conf:\d+/, 'and the place') unless $line =~ /\$/;
}

for my $line ('notify_sync shop a.sync gate;', 'notify_sync off;',
              'notify_sync shop a.alias answer;',
              'notify_sync shop a.page answer;',
              'notify_sync shop a.sync gate timeout=100ms limit=32m '
              . 'on_error=pass refused=403 data=$arg_x entity_id=$arg_id '
              . 'entity_type_id=3 session_id=$request_id customer_id=1 '
              . 'conversation_id=1 id=$request_id tenant=$arg_t '
              . 'country=$arg_c;',
              'notify_body_size 1m;')
{
    my ($said, $ok) = check($line);
    ok($ok, "accepted: $line") or diag($said);
}

finish();
