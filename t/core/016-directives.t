# src/DIRECTIVES.md against the module: the tables of directives in the sources,
# and what nginx -t says of its defaults, examples and bounds.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Page;

my $page = NotifyTest::Page->new('src/DIRECTIVES.md');
my $nginx = NotifyTest::Nginx->new(http => '', start => 0);

# the files that the examples name
my $etc = test_dir() . '/etc';
mkdir $etc;
my $make = "cd '$etc' && openssl ecparam -name prime256v1 -genkey -noout "
         . '-out push.pem 2> /dev/null && cp push.pem notify.pem '
         . '&& openssl req -x509 -newkey rsa:2048 -nodes -batch -days 1 '
         . '-subj /CN=test -keyout notify-client.key -out notify-client.pem '
         . '2> /dev/null && cp notify-client.pem partners-ca.pem '
         . '&& cp notify-client.pem redis-ca.crt '
         . '&& openssl genpkey -algorithm EC -pkeyopt '
         . 'ec_paramgen_curve:P-256 -out vapid.pem 2> /dev/null '
         . '&& openssl genpkey -algorithm RSA -out rsa.pem 2> /dev/null '
         . '&& openssl rand -base64 32 > notify.key '
         . '&& openssl rand -base64 32 > notify.key.old';
system($make) == 0 or BAIL_OUT('openssl made no keys');
spew("$etc/fcm.json", to_json({
    project_id => 'shop', client_email => 'push@shop.example',
    private_key => slurp("$etc/rsa.pem"),
    token_uri => 'https://127.0.0.1/token' }));
spew("$etc/redis.pass", "secret\n");
spew("$etc/portal.key", 'k' x 40);
spew("$etc/aws.key", "id\nsecret\n");
spew("$etc/$_", "secret\n") for qw(shop.secret proxy.password);
spew("$etc/push.secret", "whsec_" . 'a' x 32 . "\n");
spew("$etc/order.json", '{"type":"object"}');

my $around = <<'END';
notify_channel c { event s sync; }
notify_channel chat { attribute device; }
notify_channel retail {
    event  document.validation sync;
    event  document.payment sync;
}
upstream app { server 127.0.0.1:1; }
upstream chat { server 127.0.0.1:1; }
END

# what stands where its context says, several of them in one configuration
my $number = 0;

sub placed {
    my ($context, $text) = @_;
    my $name = 'x' . ++$number;

    $text =~ s{/etc/nginx/}{$etc/}g;
    $text =~ s{redis\.example\.com}{127.0.0.1};

    return ("notify_profile $name {\n$text}\n", '')
        if $context =~ /^notify_profile/;
    return ("notify_channel $name {\n"
            . ($text =~ /^\s*profile /m ? '' : "profile partner;\n")
            . "$text}\n", '')
        if $context eq 'notify_channel';
    return ($text, '') if $text =~ /^notify_provider/;
    return ("notify_provider $name {\ntype webpush;\n"
            . ($text =~ /^vapid_key/m ? '' : "vapid_key $etc/vapid.pem;\n")
            . ($text =~ /^vapid_s/m ? '' : "vapid_subject mailto:a\@b.no;\n")
            . "$text}\n", '')
        if $context eq 'notify_provider'
           && $text =~ /^(?:vapid_\w+|ttl|urgency|topic) /m;
    return ("notify_provider $name {\ntype fcm;\n"
            . ($text =~ /^service_account/m ? ''
                                        : "service_account $etc/fcm.json;\n")
            . "$text}\n", '')
        if $context eq 'notify_provider'
           && $text =~ /^(?:service_account|project|notification|android|data
                            |retry)[ ]/mx;
    return ("notify_provider $name {\n"
            . ($text =~ /^\s*url/m ? '' : "url http://127.0.0.1:1/;\n")
            . "$text}\n", '')
        if $context eq 'notify_provider' && $text !~ /^upstream/;
    return ($text, '') if $context !~ /location/;
    return ('', $text =~ /^location/m ? $text
                                      : "location /$name/ {\n$text}\n");
}

sub check {
    my (@places) = @_;
    my ($http, $server, $more) = ('', '', '');

    for (@places) {
        my ($in_http, $in_server) = placed(@$_);
        $http .= $in_http;
        $server .= $in_server;
    }

    for ('notify_profile partner', 'notify_profile legacy',
         'notify_channel shop')
    {
        $more .= "$_ { }\n" unless $http =~ /^$_ /m;
    }

    $nginx->write_conf(http => "$around$more$http"
        . "server {\nlisten 127.0.0.1:%%PORT%%;\n"
        . "notify_var \$saved response saved;\n$server}\n");
    return $nginx->check;
}

# once for all that can stand beside each other, alone where that fails
my @accepted;

sub accepted {
    my ($title, $context, $text) = @_;
    push @accepted, [$title, $context, $text];
}

sub judge_accepted {
    my @together = grep { $_->[1] ne 'http'
                          && $_->[2] !~ /^(?:location|upstream)/m } @accepted;
    my (undef, $all) = check(map { [@$_[1, 2]] } @together);
    my %passed = map { ($_ => 1) } $all ? @together : ();

    for (@accepted) {
        my ($title, $context, $text) = @$_;
        if ($passed{$_}) {
            pass("$title: accepted");
            next;
        }

        my ($said, $ok) = check([$context, $text]);
        ok($ok, "$title: accepted")
            or diag("$text\n", grep { /emerg/ } split /^/, $said);
    }
}

sub refused {
    my ($title, $context, $text) = @_;
    my ($said, $ok) = check([$context, $text]);
    ok(!$ok && $said =~ /\[emerg\]/, "$title: refused") or diag($text);
}


# what the sources declare, and where

my (@commands, %source);

for my $path (glob "$NotifyTest::TOP/src/*/*.c") {
    my $text = slurp($path);

    while ($text =~ /^(?:static )?ngx_command_t +\w+\[\] = \{(.*?)^\};/gms) {
        my $commands = $1;

        while ($commands
               =~ /ngx_string\("(\w+)"\),\s+([A-Z0-9_|\s]+),\s+(\w+),/g)
        {
            my ($name, $flags, $setter) = ($1, $2, $3);
            my %flag = (MAIN => ['http'], SRV => ['server'],
                        LOC => ['location'],
                        NOTIFY_CALL => ['notify_profile', 'notify_provider'],
                        map { ("NOTIFY_$_" => ["notify_" . lc]) }
                        qw(PROFILE PROVIDER CHANNEL));
            my @contexts = map { @{ $flag{$_} } }
                           grep { $flags =~ /NGX_HTTP_${_}_CONF/ }
                           qw(MAIN SRV LOC NOTIFY_CALL NOTIFY_PROFILE
                              NOTIFY_PROVIDER NOTIFY_CHANNEL);
            push @commands, [$name, $setter, @contexts];
        }
    }
}

for (@commands) {
    my ($name, $setter, @contexts) = @$_;
    next if $setter =~ /_refuse$/;
    $source{"$name " . join ', ', @contexts} = 1;
}

cmp_ok(scalar keys %source, '>', 60, 'the directives of the sources are found');

my (%documented, %title, %default, @entries);
for ($page->sections('####')) {
    my ($title, $text) = @$_;
    my ($syntax) = $text =~ /^\| \*\*Syntax\*\* \| (.+) \|$/m;
    my ($default) = $text =~ /^\| \*\*Default\*\* \| (.+) \|$/m;
    my ($context) = $text =~ /^\| \*\*Context\*\* \| (.+) \|$/m;

    subtest $title => sub {
        ok(defined $syntax, 'it has a syntax');
        ok(defined $default, 'a default');
        ok(defined $context, 'a context');
    };

    my @names = split /, /, $title =~ s/ \(.*//r;
    like($syntax, qr/`\Q$_\E /, "$title: the syntax has $_")
        for grep { $_ !~ /^notify_(?:console|metrics)$/ } @names;
    $documented{"$_ $context"} = $title for @names;
    push @entries, [$title, $context, $default, \@names];
}

# nginx's flags have no word for it: all three, in this order
is(join("\n", sort keys %documented), join("\n", sort keys %source),
   'each directive of the sources is documented with its contexts, '
   . 'and no other is');

sub rows {
    my ($head) = @_;
    return map { [@$_] } $page->rows($head);
}

is_deeply([sort map { my ($name) = NotifyTest::Page::names($_->[0]);
                      "$name $_->[1]" } grep { @$_ == 2 } rows('directive')],
          [sort keys %documented], 'the index by name has each');

my %by_context;
for (grep { @$_ == 2 } rows('context')) {
    push @{ $by_context{$_} }, $_->[0] for [1];
    my ($context, $names) = @$_;
    $by_context{$context} = [NotifyTest::Page::names($names)];
}
delete $by_context{1};

for my $context (qw(http server location notify_profile notify_provider
                    notify_channel))
{
    my @expected = map { /^(\S+)/ } grep { /[ ,]\Q$context\E(?:,|$)/ }
                   keys %documented;
    is(join(' ', sort @{ $by_context{$context} // [] }),
       join(' ', sort @expected), "the index by context has those of $context");
}


# the defaults, as they are written

for (@entries) {
    my ($title, $context, $default, $names) = @$_;

    for my $text ($default =~ /`([^`]+;)`/g) {
        for my $line ($text =~ /[^;]+;/g) {
            next unless grep { $line =~ /^\s*\Q$_\E\s/ } @$names;
            accepted("the default $line", $context, "$line\n");
        }
    }
}


# and what the sources initialize with

my %field = (
    keepalive_idle => 'keepalive idle', zone_size => 'notify_zone',
    hops_max => 'hops', size => 'notify_body_size', buffer => 'notify_buffer',
    jitter => undef, optional => undef,
    strict => undef, response => undef, payload => undef,
);
my %unit = (ms => 1, s => 1000, m => 60000, h => 3600000, d => 86400000);
my %macro;

my $sources = join '', map { slurp($_) } glob "$NotifyTest::TOP/src/*/*.[ch]";
$macro{$1} = $2
    while $sources =~ /^#define (NGX_HTTP_\w+) +(\(?[\d(][^\/\n]*)/mg;

my $compared = 0;
while ($sources =~ /ngx_conf_(?:init|merge)_(msec|size|uint)_value\(\s*\w+->
                    (\w+(?:\.\w+)?),\s*(?:prev->\w+,\s*)?([^;]+?)\);/gx)
{
    my ($type, $name, $value) = ($1, $2, $3);
    $name = $field{$name} if exists $field{$name};
    next unless defined $name;

    my ($directive, $parameter) = split / /, $name;
    my ($entry) = grep { my $e = $_; grep { $_ eq $directive } @{ $e->[3] } }
                  @entries or next;
    my $pattern = $parameter ? "$parameter=(\\w+)" : '(\w+)%?';
    my ($said) = $entry->[2] =~ ($parameter ? qr/\b$parameter=(\w+)/
                                            : qr/\b\Q$directive\E (\w+)%?[ ;]/)
        or next;

    $value = $macro{$value} // $value;
    next unless $value =~ /^[\d\s*()]+$/;
    $value = eval $value;

    if ($type eq 'msec') {
        $said = $1 * $unit{$2} if $said =~ /^(\d+)(ms|[smhd])$/;
    } elsif ($said =~ /^(\d+)([km])$/) {
        $said = $1 * ($2 eq 'k' ? 1024 : 1048576);
    } elsif ($said eq 'off') {
        $said = 0;
    }

    is($said, $value, "$name: the default is that of the sources");
    $compared++;
}
cmp_ok($compared, '>=', 12, 'the defaults of the sources are found');


# the examples

for my $block ($page->blocks('nginx')) {
    my ($entry) = grep { $_->[0] eq $block->{heading} } @entries;
    my @lines = split /\n/, $block->{text};
    cmp_ok(scalar @lines, '<=', 6, "the example of $block->{heading} is short");
    accepted("the example of $block->{heading}, line $block->{line}",
             $entry->[1], $block->{text});
}


# the bounds

sub ends {
    my ($value, $step) = @_;
    my ($n, $unit) = $value =~ /^(\d+)(\w*)$/ or die $value;

    return $n + $step if $unit eq '';
    return ($n + $step) . $unit if $step > 0 || $unit eq 'ms';
    return $n . 'x' if $n == 0;

    # just below it
    my %less = (s => [1000, 'ms'], m => [60, 's'], h => [60, 'm'],
                d => [24, 'h'], k => [1024, '']);
    my ($times, $of) = @{ $less{$unit} };
    return ($n * $times - 1) . $of;
}

my %bounds = map { my ($title, $text) = @$_;
                   my ($said) = $text =~ /^\| \*\*Bounds\*\* \| (.+) \|$/m;
                   map { $_ => $said } split /, /, $title =~ s/ \(.*//r }
             $page->sections('####');
my %said;

for my $row ($page->rows('directive')) {
    my ($line, $least, $most) = @$row;
    next unless defined $most;

    ($line) = NotifyTest::Page::names($line);
    my ($name) = $line =~ /^(\w+)/;
    my ($context) = map { /^\S+ (.+)/ } grep { /^\Q$name\E / } keys %documented;
    my ($parameter) = $line =~ /(\w+)=N/;
    my $unit = $line =~ /N%/ ? '%' : '';
    my $bounds = ($parameter ? "`$parameter` " : '')
               . join ' to ', map { "$_$unit" } grep { length } $least, $most;
    $bounds =~ s/^/at least / if $most eq '';
    $bounds =~ s/^/at most / if $least eq '';
    like($bounds{$name} // '', qr/(?:^|, |`$name` )\Q$bounds\E(?:, | each|$)/,
         "$name: its bounds are said twice alike, $bounds");
    $said{$name}++;

    my $with = sub { $line =~ s/\bN\b/$_[0]/r };

    for ([$least, -1, 'less'], [$most, 1, 'more']) {
        my ($bound, $step, $word) = @$_;
        next if $bound eq '';

        accepted($with->($bound), $context, $with->($bound) . "\n");
        refused("$word than " . $with->($bound), $context,
                $with->(ends($bound, $step)) . "\n");
    }
}

is(join(' ', grep { $bounds{$_} && !$said{$_} && $bounds{$_} !~ /each|`\w+`/ }
             sort keys %bounds), '', 'each that has bounds is in the table');

judge_accepted();
finish();
