# health asks for what a publish needs: a Redis that takes writes, has memory
# and replicas, and lets its user run each command that the module knows.

use strict;
use warnings;

use Test::More;
use NotifyTest;
use NotifyTest::Shop;

my $shop = NotifyTest::Shop->new(
    server => 'location /portal/ { notify_tenant acme;
                                   notify_api shop role=partner; }',
    redis => NotifyTest::Redis->new(args => ['--dbfilename', 'folder.rdb']),
    workers => 1, channel => 'max_size 4m;',
    profile => 'retry 200ms until=1h; breaker off;');
my ($redis, $nginx) = ($shop->redis, $shop->nginx);

# a partner's, who has no part in it
sub partners {
    my ($status, $name) = @_;
    my $answer = http(GET => $nginx->url('/portal/health'));
    is($answer->{status}, $status, "a partner gets $status: $name");
    is_deeply($answer->{json}, { status => 'ok' }, '... and no more')
        if $status == 200;
    unlike($answer->{json}{detail} // "", qr{Redis|version|memory|user|save|log},
           '... and no reason');
}

sub health  { return $shop->ask(GET => 'health') }
sub publish { return $shop->ask(POST => 'events', { eventType => 'x' }) }
sub down {
    my ($detail, $name) = @_;
    my $answer = health();
    is($answer->{status}, 503, "health is 503: $name");
    like($answer->{json}{detail}, $detail, '... and says why');
    cmp_ok(publish()->{status}, '>=', 500, '... as publishes would');
    partners(503, $name);
}

$shop->ready;
is(health()->{json}{status}, 'ok', 'all is well');
partners(200, 'all is well');

$redis->cli(CONFIG => SET => 'maxmemory', 1);
down(qr/out of memory/, 'its maxmemory is reached');
$redis->cli(CONFIG => SET => 'maxmemory', 0);

$redis->cli(CONFIG => SET => 'min-replicas-to-write', 1);
down(qr/min-replicas-to-write/, 'too few replicas');
$redis->cli(CONFIG => SET => 'min-replicas-to-write', 0);

is(health()->{json}{status}, 'ok', 'all is well again');

# a save that fails, because there is a folder in its place

sub unsaved {
    mkdir "$redis->{dir}/folder.rdb" or die $!;
    $redis->cli('BGSAVE');
    eventually { $redis->cli(INFO => 'persistence')
                 =~ /rdb_last_bgsave_status:err/ } 'a save fails';
}

unsaved();
is(health()->{status}, 200, 'health, while writes are taken');
is(health()->{json}{status}, 'warning', '... warns of it');
like(health()->{json}{warning}, qr/could not save.*do not\s+restart/,
     '... and of a restart');
partners(200, 'a save has failed');

$redis->cli(CONFIG => SET => 'save', '900 1');
down(qr/cannot save.*do not restart/, 'writes are refused for it');
eventually { $nginx->log =~ /MISCONF.*cannot save: do not restart it/ }
           'the log says so, too';

$redis->cli(CONFIG => SET => 'save', '');
rmdir "$redis->{dir}/folder.rdb" or die $!;
$redis->cli('BGSAVE');
eventually { (health()->{json}{status} // '') eq 'ok' } 'it is saved again';

# rights: of each command, in the scripts and outside of them

my %used = map { lc($_) => 1 }
    map { /\bp?call\(\s*'([A-Z]+)'/g } map { slurp($_) }
    glob "$NotifyTest::TOP/src/store/lua/{*,include/*}.lua";
my $sources = join '', map { slurp($_) }
              glob "$NotifyTest::TOP/src/{store,engine,http}/*.c";
$used{lc $1} = 1
    while $sources =~ /(?:argv\[[0n]\],|claims,|_ask\(api,|xadd =
                           \ ngx_string\()\s*"([A-Z]+)"/xg;
$used{wait} = 1;
delete @used{qw(info count eval streams block evalsha)};

cmp_ok(scalar keys %used, '>', 45, 'the commands that are used');

my @commands = sort keys %used;
$redis->cli('ACL', 'SETUSER', 'default', map { "-$_" } @commands[0 .. 24]);
my $detail = health()->{json}{detail};
is(join(' ', grep { $detail !~ /\b$_\b/ } @commands[0 .. 24]), '',
   'health names each that is denied');
$redis->cli('ACL', 'SETUSER', 'default', '+@all',
            map { "-$_" } @commands[25 .. $#commands]);
$detail = health()->{json}{detail};
is(join(' ', grep { $detail !~ /\b$_\b/ } @commands[25 .. $#commands]), '',
   '... the others, too');
$redis->cli('ACL', 'SETUSER', 'default', '+@all', '-evalsha', '-eval');
down(qr/evalsha/, 'no scripts');

$redis->cli('ACL', 'SETUSER', 'default', '+@all', '-zrange');
is(health()->{json}{detail}, 'Redis: its user may not use zrange',
   'one that only delivering needs');
$nginx->reload;
eventually { $nginx->log =~ /notify load: Redis refused: "[^"]*zrange/ }
           'the log says what cannot be loaded for lack of it';

$redis->cli('ACL', 'SETUSER', 'default', '+@all');
eventually { health()->{status} == 200 } 'with all rights all is well', 30;

# the log is full

$redis->cli('EVAL', <<'END', 0, $redis->key('}:log'));
for i = 1, 5 do
    redis.call('XADD', ARGV[1], '*', 't', 'x', 'd',
               '"' .. string.rep('z', 1000000) .. '"')
end
END
down(qr/max_size/, 'the log is full');

finish();
