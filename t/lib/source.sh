# sourced, after apt.sh: an nginx that is built here, with the module

# nginx_source SUITE DIR: unpacks the distribution's source package, patched, to
# DIR/src, unless it is there; what apt said is in DIR/log
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

# nginx_folder FROM DIR: copies a folder of nginx's sources to DIR/src, so that
# nothing is made in it; a copy that is there is brought up to date
nginx_folder() {
    [ -f "$1/src/core/nginx.h" ] || return 1
    mkdir -p "$2/src"
    tar -c -C "$1" --exclude=./objs --exclude=./.git . | tar -x -C "$2/src"
}

# nginx_tree KIND: sets $tree to a folder of $BUILD with the sources in src:
# those of the folder NGINX_SRC, or of the package of SUITE, which is this
# system's unless it is named
nginx_tree() {
    local build suite version

    build=$(mkdir -p "${BUILD:-.build}/$1" && cd "${BUILD:-.build}/$1" && pwd)

    if [ -n "${NGINX_SRC:-}" ]; then
        version=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' \
                      "$NGINX_SRC/src/core/nginx.h" 2> /dev/null) || true
        tree=$build/$version-${CC:-gcc}
        [ -n "$version" ] && nginx_folder "$NGINX_SRC" "$tree" \
            || { echo "NGINX_SRC=$NGINX_SRC has no sources of nginx" >&2
                 return 1; }
        return 0
    fi

    suite=${SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")}
    tree=$build/$suite
    nginx_source "$suite" "$tree" \
        || { echo "nginx's source package of $suite could not be fetched" >&2
             return 1; }
}

# nginx_make CC_OPT LD_OPT [CONFIGURE...]: builds $tree/src with the module, and
# names both to the suites
nginx_make() {
    local top stamp configure cc_opt=$1 ld_opt=$2
    shift 2

    top=$PWD
    stamp=$(printf '%s\n' src/*/*.c src/*/*.h "$cc_opt" "$ld_opt" "$@"
            cat src/store/lua/*.lua src/store/lua/include/*.lua src/api/*.json \
                src/http/*.html src/http/console/* config \
                t/lib/source.sh)

    configure=./configure
    [ -x "$tree/src/configure" ] || configure=auto/configure

    if ! [ -f "$tree/src/objs/Makefile" ] \
        || [ "$(cat "$tree/configured" 2> /dev/null)" != "$stamp" ]
    then
        (cd "$tree/src" && $configure --with-compat --with-threads \
            --with-http_ssl_module --with-http_v2_module \
            --with-http_sub_module --with-http_realip_module \
            --with-http_addition_module --with-http_stub_status_module \
            --with-http_auth_request_module --with-http_slice_module \
            --with-http_gunzip_module --with-http_dav_module \
            "$@" --with-cc="${CC:-gcc}" \
            --with-cc-opt="$(echo $cc_opt)" --with-ld-opt="$ld_opt" \
            --add-dynamic-module="$top" > "$tree/configure.log" 2>&1) \
            || { tail -n 20 "$tree/configure.log" >&2; return 1; }
        printf '%s' "$stamp" > "$tree/configured"
    fi

    env -u MAKEFLAGS -u MAKELEVEL make -s -j"$(nproc)" -C "$tree/src" \
        -f objs/Makefile > "$tree/make.log" 2>&1 \
        || { tail -n 40 "$tree/make.log" >&2; return 1; }

    export TEST_NGINX_BINARY=$tree/src/objs/nginx
    export NOTIFY_TEST_MODULE=$tree/src/objs/ngx_http_notify_module.so
}

# modules stay when nginx unloads them: what looks at the exit has their names
nginx_noclose() {
    noclose=$tree/noclose.o
    printf 'int __wrap_dlclose(void *h) { (void) h; return 0; }\n' \
        | "${CC:-gcc}" -x c -c -o "$noclose" -
}
