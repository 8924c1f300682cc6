package NotifyTest::Tool;

# Programs that judge and that no distribution has: each in a folder of its own
# below $BUILD/tools, installed once.  Where the registry is out of reach the
# suite that asks is skipped, with these words.
#
#   my $redocly = NotifyTest::Tool::npm('@redocly/cli', '1.2.3', 'redocly');
#   my $st = NotifyTest::Tool::pip('schemathesis', '1.2.3', 'st');
#   my $dir = NotifyTest::Tool::npm_library('jose', '1.2.3');  # node_modules
#   my $python = NotifyTest::Tool::pip_library('botocore', '1.2.3');

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Path qw(make_path remove_tree);
use Test::More ();

sub npm {
    my ($package, $version, $program) = @_;
    return install($program, $version, "node_modules/.bin/$program", <<"END")
echo '{"private":true}' > package.json &&
npm install --no-package-lock --no-audit --no-fund --silent '$package\@$version'
END
        // skip("npm's package $package");
}

sub pip {
    my ($package, $version, $program) = @_;
    return install($program, $version, "bin/$program", <<"END")
python3 -m venv . &&
bin/pip install --quiet --disable-pip-version-check '$package==$version'
END
        // skip("PyPI's package $package");
}

# what has no program of its own
sub npm_library {
    my ($package, $version) = @_;
    my $path = install($package =~ s{/}{-}r, $version,
                       "node_modules/$package/package.json", <<"END")
echo '{"private":true}' > package.json &&
npm install --no-package-lock --no-audit --no-fund --silent '$package\@$version'
END
        // skip("npm's package $package");
    return $path =~ s{/\Q$package\E/package\.json\z}{}r;
}

sub pip_library {
    my ($package, $version) = @_;
    return install($package, $version, 'bin/python3', <<"END")
python3 -m venv . &&
bin/pip install --quiet --disable-pip-version-check '$package==$version'
END
        // skip("PyPI's package $package");
}

sub skip {
    my ($what) = @_;
    Test::More::plan(skip_all => "$what cannot be had here");
}

# the path of the program, or undef; suites that run at once wait for it
sub install {
    my ($name, $version, $path, $command) = @_;
    my $tools = "$NotifyTest::BUILD/tools";
    my $dir = "$tools/$name-$version";

    make_path($tools);
    open my $lock, '>', "$tools/$name.lock" or die "$tools/$name.lock: $!";
    flock $lock, LOCK_EX or die "$tools/$name.lock: $!";

    return "$dir/$path" if -e "$dir/done";

    # a venv cannot be moved: it is made where it stays
    remove_tree($dir);
    make_path($dir);

    if (system("cd '$dir' && ($command) > '$tools/$name.log' 2>&1") != 0
        || !-e "$dir/$path")
    {
        Test::More::diag("see $tools/$name.log");
        return;
    }

    NotifyTest::spew("$dir/done", '');
    return "$dir/$path";
}

1;
