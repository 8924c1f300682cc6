#!/usr/bin/env bash
#
# A page of 250 deltas of a log of a million entries: at its end as at its
# start.  The entries have the form of published ones.
# usage: BENCH=pages make -f Makefile.dev bench
#        ROUNDS=5 ENTRIES=1000000 BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

rounds=${ROUNDS:-5}
entries=${ENTRIES:-1000000}
api=$port
log='notify:{shop.0}:log'

start_redis --appendonly no
start_nginx notify "$api" << END
    access_log off;
    notify_redis unix:$socket;
    notify_channel shop { }
    server {
        listen 127.0.0.1:$api;
        location /shop/ { notify_api shop; }
    }
END

until_ready nginx serves /shop/deltas
api POST /shop/events '{"eventType":"bench.event","entityID":1,
    "data":{"text":"a text of some length, as events have them"}}' > /dev/null

# the fields of the one that was published, at a millisecond each; the first
# script takes it out of the log, none blocks Redis for long
now=$(($(date +%s) * 1000))
fill="
    if ARGV[1] == '1' then
        redis.call('RENAME', KEYS[1], KEYS[2])
    end
    local entry = redis.call('XRANGE', KEYS[2], '-', '+')[1][2]
    for i = ARGV[1], ARGV[2] do
        redis.call('XADD', KEYS[1], string.format('%.0f', ARGV[3] + i) .. '-0',
                   unpack(entry))
    end"
for ((i = 1; i <= entries; i += 50000)); do
    redis eval "$fill" 2 "$log" bench:entry $i $((i + 49999)) \
        $((now - entries)) > /dev/null
done
until_ready nginx serves /shop/deltas

since() { date -u -d "@$(($1 / 1000))" +since=%FT%TZ; }

end=$(since $((now - 10000)))
middle=$(since $((now - entries / 2)))

for ((round = 1; round <= rounds; round++)); do
    perl t/bench/pages.pl "http://127.0.0.1:$api/shop/deltas" 100 250 \
        '' "$middle" "$end" > "$dir/pages" || fail "no pages, see $dir"
    for name in start middle end; do
        cut -d' ' -f"$(case $name in start) echo 1 ;; middle) echo 2 ;;
                       end) echo 3 ;; esac)" "$dir/pages" >> "$dir/$name"
    done
done

no_alerts
machine
printf '\n%d entries, pages of 250, medians of %d rounds of 100 pages; ' \
    "$entries" "$rounds"
printf 'the first one %.2f ms\n' "$(median "$dir/start" | cut -d' ' -f1)"
heading
row 'a page at the end of the log : at its start' end start '<= 1.3'
row 'a page in the middle : at its start' middle start '<= 1.3'
