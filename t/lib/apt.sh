# sourced: apt with lists and a cache of our own

# the archive that this machine uses
apt_uri() {
    apt-get indextargets --format '$(LABEL) $(COMPONENT) $(REPO_URI)' \
        | awk '$1 == "Debian" && $2 == "main" { print $3; exit }'
}

# private_apt deb|deb-src SUITE DIR: writes a sources.list for one suite of the
# archive that this machine uses and prints, one a line, the options that make
# apt-get use it and nothing of the system's
private_apt() {
    local kind=$1 suite=$2 dir=$3 uri

    uri=$(apt_uri)
    [ -n "$uri" ] || return 1

    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    printf '%s [signed-by=%s] %s %s main\n' "$kind" \
        /usr/share/keyrings/debian-archive-keyring.gpg "$uri" "$suite" \
        > "$dir/sources.list"

    printf '%s\n' -qq \
        -o "Dir::Etc::sourcelist=$dir/sources.list" \
        -o "Dir::Etc::sourceparts=-" \
        -o "Dir::State::lists=$dir/lists" \
        -o "Dir::Cache=$dir/cache" \
        -o "Acquire::Languages=none" \
        -o "APT::Sandbox::User=" \
        -o "Acquire::Retries=3"
}
