# sourced, after apt.sh: the distribution's source package of nginx

# nginx_source SUITE DIR: unpacks it, patched, to DIR/src, unless it is there;
# what apt said is in DIR/log
nginx_source() {
    local suite=$1 dir=$2 options try

    if [ -f "$dir/src/auto/configure" ] || [ -f "$dir/src/configure" ]; then
        return 0
    fi

    for try in 1 2; do
        rm -rf "$dir"
        mkdir -p "$dir"
        mapfile -t options < <(private_apt deb-src "$suite" "$dir/apt")
        [ ${#options[@]} -gt 0 ] || return 1

        if apt-get "${options[@]}" update > "$dir/log" 2>&1 \
            && (cd "$dir" && apt-get "${options[@]}" source nginx >> log 2>&1)
        then
            mv "$dir"/nginx-*/ "$dir/src"
            rm -rf "$dir/apt"
            return 0
        fi
    done

    tail -n 5 "$dir/log" >&2
    return 1
}
