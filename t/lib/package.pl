#!/usr/bin/env perl
#
# The package's life in a fresh folder, from t/lib/test-deb: a site publishes
# and delivers, an upgrade under load, a purge beside another site.  Runs as
# root inside, without a network; core modules only.
#
# usage: package.pl FORMER.deb FORMER NEW.deb NEW     each with its version

use strict;
use warnings;

use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP qw(decode_json encode_json);
use Test::More;
use Time::HiRes qw(sleep time);

use constant { API => 'http://127.0.0.1:8080/shop', RECEIVER => 8081,
               OTHER => 'http://127.0.0.1:8000/', PACKAGE =>
               'libnginx-mod-http-notify' };

my ($former_deb, $former, $new_deb, $new) = @ARGV;
my $dir = '/package';
my $link = '/etc/nginx/modules-enabled/50-mod-http-notify.conf';
my $started = time;
my @children;

mkdir $dir;
$ENV{DEBIAN_FRONTEND} = 'noninteractive';
$ENV{PATH} = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

# (whether it has succeeded, what it has said without apt-get's returns); to a
# file, since a service that it starts would keep a pipe open
sub command {
    my ($line) = @_;
    my $status = system "($line) > $dir/said 2>&1 < /dev/null";
    return ($status == 0, join '', map { tr/\r//dr . "\n" } lines('said'));
}

sub done {
    my ($line, $title) = @_;
    my ($ok, $said) = command($line);
    ok($ok, $title) or diag($said);
    return $said;
}

sub eventually (&$) {
    my ($condition, $title) = @_;
    my $end = time + 60;
    my $is;
    sleep 0.05 until ($is = $condition->()) || time > $end;
    return ok($is, $title);
}

sub append {
    my ($file, $line) = @_;
    open my $out, '>>', "$dir/$file" or die "$file: $!";
    syswrite $out, "$line\n";
}

sub lines {
    my ($file) = @_;
    my @lines;
    if (open my $in, '<', "$dir/$file") {
        chomp(@lines = <$in>);
    }
    return @lines;
}

sub spew {
    my ($file, $text) = @_;
    open my $out, '>', $file or die "$file: $!";
    print $out $text;
    close $out or die "$file: $!";
}

sub http {
    my ($method, $url, $json) = @_;
    my $answer = HTTP::Tiny->new(timeout => 20, keep_alive => 0)->request(
        $method, $url, $json ? { content => encode_json($json),
        headers => { 'content-type' => 'application/json' } } : {});
    $answer->{json} = eval { decode_json($answer->{content}) };
    return $answer;
}

sub child (&) {
    my ($code) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        $code->();
        exec '/bin/true';
    }
    push @children, $pid;
}

sub master {
    open my $in, '<', '/run/nginx.pid' or return 0;
    return <$in> =~ /(\d+)/ ? $1 : 0;
}

sub masters { return scalar(() = qx{ps -eo args} =~ /^nginx: master/mg) }

# a line for each call: its id and its User-Agent
sub receive {
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => RECEIVER, Listen => 128, ReuseAddr => 1) or die $!;
    while (1) {
        my $client = $listen->accept or next;
        my ($head, $n) = ('');
        1 while ($n = sysread $client, $head, 65536, length $head)
                && $head !~ /\r\n\r\n/;
        my ($length) = $head =~ /^content-length: *(\d+)/mi;
        my $rest = ($length // 0) - length(($head =~ /\r\n\r\n(.*)/s)[0] // '');
        while ($rest > 0 && ($n = sysread $client, my $more, $rest)) {
            $rest -= $n;
        }
        my ($id) = $head =~ /^webhook-id: *(\S+)/mi or next;
        my ($agent) = $head =~ /^user-agent: *(\S+)/mi;
        append('calls', "$id $agent");
        print $client "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    }
}

# 503 asks to try again: a worker that has just started looks for Redis
sub publish {
    until (-e "$dir/stop") {
        my $answer = http(POST => API . '/events', { eventType => 'order.paid',
                                                     data => { at => time } });
        append($answer->{status} == 202 ? ('published', $answer->{json}{id})
               : $answer->{status} == 503 ? ('again', 1)
               : ('refused', "$answer->{status} $answer->{content}"));
        sleep 0.005;
    }
}

sub visit {
    until (-e "$dir/leave") {
        my $answer = http(GET => OTHER);
        append($answer->{content} eq "other\n" ? ('visits', 1)
               : ('missed', "$answer->{status} $answer->{content}"));
        sleep 0.01;
    }
}

sub lacks {
    my %called = map { (split)[0] => 1 } lines('calls');
    return grep { !$called{$_} } lines('published');
}

child { receive() };


# another site

done('apt-get install -y --no-install-recommends nginx', 'nginx is installed');
unlink '/etc/nginx/sites-enabled/default';
spew('/etc/nginx/sites-enabled/other',
     "server { listen 127.0.0.1:8000; location / { return 200 'other\n'; }}\n");
done('nginx -t && { service nginx status && service nginx restart'
     . ' || service nginx start; }', 'another site runs');
eventually { http(GET => OTHER)->{content} eq "other\n" } 'it answers';
child { visit() };


# from the package to the first event, as the README says

my $begin = time;
my $size = -s $former_deb;
done("apt-get install -y $former_deb redis-server", 'the package is installed');
my $installed = time - $begin;

my ($ok, $said) = command('redis-cli ping');
done('service redis-server start', 'Redis starts') unless $said =~ /PONG/;

ok(-l $link && readlink($link)
   eq '/usr/share/nginx/modules-available/mod-http-notify.conf',
   'the module is enabled by its link');
like(qx{dpkg-query -W -f '\${Depends}' @{[PACKAGE]}}, qr/\bnginx-abi-[\d.]+/,
     'the package depends on the ABI of nginx');
my $doc = '/usr/share/doc/' . PACKAGE;
ok(-s "$doc/$_", "$_ is among its documents")
    for qw(README.md src/API.md src/DIRECTIVES.md conf.examples/README.md
           examples/minimal.conf copyright);

spew('/etc/nginx/conf.d/notify.conf', <<'END');
notify_redis    127.0.0.1:6379;
notify_profile  local {
    sign   standard;
    allow  127.0.0.0/8;
    retry  200ms 1s until=5m;
}
notify_channel  shop { profile local; event order.paid; }
END
spew('/etc/nginx/sites-enabled/shop', <<'END');
server {
    listen 127.0.0.1:8080;
    location /shop/ { notify_api shop; }
}
END
done('nginx -t && service nginx reload', 'a site with the module is applied');
eventually { http(GET => API . '/health')->{status} == 200 } 'it is healthy';
is(http(GET => API . '/health')->{json}{version}, $former,
   "it is version $former");

is(http(POST => API . '/subscriptions', { event => 'order.paid',
        url => 'http://127.0.0.1:' . RECEIVER . '/' })->{status}, 201,
   'a subscription is taken');
my $first = http(POST => API . '/events', { eventType => 'order.paid' });
is($first->{status}, 202, 'an event is taken') or diag($first->{content});
append('published', $first->{json}{id});
eventually { !lacks() } 'it is delivered';
diag(sprintf 'from the package to the first event: %.1f s, of these %.1f s'
     . ' apt-get; the package has %d bytes', time - $begin, $installed, $size);


# an upgrade under load

my $old = master();
child { publish() };
eventually { lines('calls') > 100 } 'events are published and delivered';
$begin = time;
done("apt-get install -y $new_deb", 'the package is upgraded');
eventually { (http(GET => API . '/health')->{json}{version} // '') eq $new }
           "nginx goes on with version $new";
diag(sprintf 'the upgrade took %.1f s', time - $begin);
my $before = lines('calls');
eventually { lines('calls') > $before + 100 } 'events go on';
spew("$dir/stop", '');
isnt(master(), $old, 'there is a new master');
eventually { masters() == 1 } 'the old one has ended';

eventually { !lacks() } 'each event that was taken is delivered'
    or diag(scalar(lacks()), ' are not');
is(join("\n", lines('refused')), '', 'no publish was refused or lost');
my %agent;
$agent{(split)[1]}++ for lines('calls');
is(join(' ', sort keys %agent), "nginx-notify/$former nginx-notify/$new",
   'the calls are by the former and by the new version, and no others');
diag(join ', ', (map { "$_: $agent{$_} calls" } sort keys %agent),
     scalar(lines('published')) . ' events',
     scalar(lines('again')) . ' times 503 and tried again',
     lines('calls') - lines('published') . ' came twice');


# a purge

$said = done('apt-get purge -y ' . PACKAGE, 'the package is purged');
for my $file (qw(conf.d/notify.conf sites-enabled/shop)) {
    like($said, qr{notify_ directives .*^  /etc/nginx/\Q$file\E$}ms,
         "it says that $file still needs it");
}
ok(!-l $link && !-l "$link.removed", 'its link has gone');
ok(!-e $doc && !-e '/usr/lib/nginx/modules/ngx_http_notify_module.so',
   'so have its files');
eventually { http(GET => OTHER)->{content} eq "other\n" }
           'the other site runs on';

unlink '/etc/nginx/conf.d/notify.conf', '/etc/nginx/sites-enabled/shop';
done('nginx -t && service nginx reload', 'without its site nginx is reloaded');
eventually { http(GET => API . '/health')->{status} == 599 }
           'that site has ended';
my $visits = lines('visits');
eventually { lines('visits') > $visits + 20 } 'the other one goes on';
spew("$dir/leave", '');
is(join("\n", lines('missed')), '',
   'the other site has answered all the time: each of ' . lines('visits'));

kill KILL => @children;
diag(sprintf 'all of it took %.1f s', time - $started);
done_testing();
