#!/usr/bin/env bash
#
# What notify_sync costs, as ratios in one run: a gate beside auth_request to
# the same receiver, and a location without a subscriber beside one without the
# directive.  Requests per second, and CPU time of the worker per request: the
# latter holds on a busy machine.  Its own Redis and nginx; nothing is left.
# usage: t/bench/sync.sh     ROUNDS=6 SECONDS_EACH=2 BENCH_PORT=22500

set -eu

cd "$(dirname "$0")/../.."

rounds=${ROUNDS:-6}
seconds=${SECONDS_EACH:-2}
port=${BENCH_PORT:-22500}
build=$(cd "${BUILD:-.build}" && pwd)
dir=$build/bench-sync
rm -rf "$dir"
mkdir -p "$dir"/{front,back}/{logs,temp} "$dir/redis"

paths() {
    for p in client_body proxy fastcgi uwsgi scgi; do
        printf '%s_temp_path temp/%s;\n' "$p" "$p"
    done
}

common() {
    [ "$(id -u)" != 0 ] || printf 'user root;\n'
    printf 'daemon off; pid nginx.pid; worker_processes 1;\n'
    printf 'events { worker_connections 4096; }\n'
}

{
    common
    printf 'http {\n access_log off; keepalive_requests 100000000;\n'
    paths
    cat << END
    server { listen 127.0.0.1:$((port + 2));
             location / { return 200 '{"success":true}'; } }
}
END
} > "$dir/back/nginx.conf"

{
    printf 'load_module %s;\n' \
        "${NOTIFY_TEST_MODULE:-$build/modules/ngx_http_notify_module.so}"
    common
    printf 'http {\n access_log off; keepalive_requests 100000000;\n'
    paths
    cat << END
    notify_redis 127.0.0.1:$((port + 1));
    notify_profile plain { allow 127.0.0.0/8; schemes http; keepalive 128; }
    notify_channel bench {
        profile plain;
        event asked.about sync;
        event nobodys.business sync;
    }
    upstream back {
        server 127.0.0.1:$((port + 2));
        keepalive 128;
        keepalive_requests 100000000;
    }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {
        listen 127.0.0.1:$port;
        location /api   { notify_api bench; }
        location /plain { proxy_pass http://back; }
        location /none  { notify_sync bench nobodys.business gate;
                          proxy_pass http://back; }
        location /gate  { notify_sync bench asked.about gate;
                          proxy_pass http://back; }
        location /auth  { auth_request /ask; proxy_pass http://back; }
        location = /ask { internal; proxy_pass http://back;
                          proxy_pass_request_body off;
                          proxy_set_header Content-Length ""; }
    }
}
END
} > "$dir/front/nginx.conf"

pids=()

stop() {
    trap '' INT TERM HUP
    kill -TERM "${pids[@]}" 2> /dev/null || true
    wait "${pids[@]}" 2> /dev/null || true
    rm -rf "$dir/redis"
}

trap stop EXIT

redis-server --port $((port + 1)) --save '' --appendonly no --dir "$dir/redis" \
    --maxmemory-policy noeviction > "$dir/redis.log" &
pids+=($!)

for name in back front; do
    "${TEST_NGINX_BINARY:-nginx}" -p "$dir/$name/" -c nginx.conf \
        -e "$dir/$name/logs/error.log" &
    pids+=($!)
done

front=${pids[2]}
url=http://127.0.0.1:$port

for ((i = 0; i < 100; i++)); do
    ! curl -sf -o "$dir/made" -H 'Content-Type: application/json' \
        -d "{\"event\":\"asked.about\",\"mode\":\"sync\",
             \"url\":\"http://127.0.0.1:$((port + 2))/\"}" \
        "$url/api/subscriptions" || break
    sleep 0.1
done

# the front's worker has seen it when its receiver is asked
sleep 2
worker=$(pgrep -P "$front")

cpu() { awk '{ print $14 + $15 }' "/proc/$worker/stat"; }

for ((i = 0; i < rounds; i++)); do
    for path in plain none auth gate; do
        before=$(cpu)
        n=$(wrk -t1 -c32 -d"${seconds}s" "$url/$path" \
            | awk '/requests in/ { print $1 }')
        printf '%s %s %s\n' "$path" "$n" $(($(cpu) - before))
    done
done | awk '
    { n[$1] += $2; ticks[$1] += $3 }
    function cost(a, b) { return (ticks[a] / n[a]) / (ticks[b] / n[b]) }
    END {
        printf "%-34s %8s %8s\n", "", "CPU", "requests"
        printf "%-34s %8.3f %8.3f\n", "gate, to auth_request", \
               cost("gate", "auth"), n["gate"] / n["auth"]
        printf "%-34s %8.3f %8.3f\n", "without a subscriber, to without it", \
               cost("none", "plain"), n["none"] / n["plain"]
    }'
