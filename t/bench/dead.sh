#!/usr/bin/env bash
#
# A hundred thousand events while one of a thousand subscribers is dead, then
# it comes back: what Redis and the worker have of it, the order and the rate
# in which it gets what it missed, and how late the others are, as a ratio to
# without it.  Three of the others get all events, the rest a few.
# usage: BENCH=dead make -f Makefile.dev bench
#        EVENTS=100000 RATE=8000 BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

events=${EVENTS:-100000}
rate=${RATE:-8000}
subscribers=${SUBSCRIBERS:-1000}
all=3
before=64000
receiver=$port
dead=$((port + 1))
api=$((port + 2))

start_redis
start_logging_receiver

start_nginx notify "$api" << END
    access_log off;
    client_max_body_size     2m;
    client_body_buffer_size  1m;
    notify_redis unix:$socket;
    notify_profile live {
        sign    standard;
        header  X-Sent \$notify_entity_id;
        allow   127.0.0.0/8;
    }
    notify_profile dies {
        sign     standard;
        header   X-Sent \$notify_entity_id;
        retry    1s until=1d;
        breaker  failures=3 window=1m cooldown=2s;
        order    strict;
        rate     ${rate}r/s;
        allow    127.0.0.0/8;
    }
    notify_channel shop { profile live dies; }
    server {
        listen 127.0.0.1:$api;
        location /shop/ { notify_api shop; }
    }
END

shop=http://127.0.0.1:$api/shop

# EVENT URL PROFILE ARGUMENT...: subscriptions, one for each argument; their ids
subscribe() {
    local json="{\"event\":$1,\"url\":\"$2\",\"profile\":\"$3\"}\n"
    shift 3
    printf "$json" "$@" | perl t/bench/client.pl post "$shop/subscriptions" \
        | sed 's/.*"id":"\([^"]*\)".*/\1/'
}

# PATTERN NUMBER: so many lines of the receiver's log
arrived() { [ "$(grep -c "$1" "$log")" -ge "$2" ]; }

few=0
# NAME TIMES: sixteen events for the many that get few, four a second, and how
# late the latest were
few_events() {
    local i
    for ((i = 0; i < $2; i++)); do
        perl t/bench/client.pl pace "$shop/events" few 4 4
        few=$((few + 16))
        until_ready 'what the others get' arrived '^/few' \
            $((few * (subscribers - all - 1)))
        late $((16 * (subscribers - all - 1))) '^/few' \
            | perl t/bench/client.pl p 0.99 >> "$dir/$1"
    done
}

# FROM TO: events for those that get all, in arrays, four thousand a second
all_events() {
    perl -MTime::HiRes=sleep,time -e '
        my ($from, $to) = @ARGV; my $start = time; $| = 1;
        for (my $n = $from; $n < $to; $n += 200) {
            print "[", join(",", map {
                "{\"eventType\":\"all\",\"entityID\":$_,\"data\":{\"text\":"
                . "\"" . "x" x 100 . "\"}}" } $n .. $n + 199), "]\n";
            my $wait = $start + ($n - $from) / 4000 - time;
            sleep $wait if $wait > 0;
        }' "$1" "$2" | perl t/bench/client.pl post "$shop/events" > /dev/null
}

size() { redis memory usage "$1" samples 0; }

# bytes of all keys, of the log, of the attempt logs
used() {
    redis info memory | sed -n 's/^used_memory_dataset:\([0-9]*\).*/\1/p'
    size 'notify:{shop.0}:log'
    redis eval "local n = 0
        local keys = redis.call('KEYS', 'notify:{shop.0}:attempts:*')
        for _, key in ipairs(keys) do
            n = n + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)
        end
        return n" 0
}

until_ready nginx serves /shop/deltas
subscribe '"few"' "http://127.0.0.1:$receiver/few/%s" live \
    $(seq $((subscribers - all - 1))) > /dev/null
subscribe '"*"' "http://127.0.0.1:$receiver/all/%s" live $(seq $all) > /dev/null

# without it
all_events 0 "$before" &
publisher=$!
few_events warm 1
few_events p99-without 3
wait $publisher
until_ready 'all' arrived '^/all' $(((before + few) * all))

# with it, dead
id=$(subscribe '"all"' "http://127.0.0.1:$dead/%s" dies dead)
memory=$(resident notify)
used > "$dir/used-before"
all_events "$before" $((before + events)) &
publisher=$!
few_events p99-dead 3
wait $publisher
until_ready 'all' arrived '^/all' $(((before + events + few) * all))
sleep 1

api GET "/shop/subscriptions/$id" | sed 's/.*"status":"\([a-z]*\)".*/\1/' \
    > "$dir/status"
{
    redis --scan --pattern "*$id*" | while read -r key; do size "$key"; done
    # its fields of what the subscriptions of a bucket share
    echo 500
} | awk '{ n += $1 } END { printf "%.0f\n", n / 1024 }' > "$dir/dead-kilobytes"
used | paste - "$dir/used-before" \
    | awk '{ printf "%.0f\n", ($1 - $2) / 1024 }' > "$dir/used"
{ read -r redis_more; read -r log_more; read -r attempts_more; } < "$dir/used"
resident notify | awk -v before="$memory" '{ print $1 / before }' \
    > "$dir/memory"

# it comes back
start_nginx back "$dead" << END
    log_format  times  '\$msec \$http_x_sent';
    access_log  $dir/back/calls.log times buffer=64k flush=100ms;
    server {
        listen 127.0.0.1:$dead;
        return 204;
    }
END
until_ready 'the first call' test -s "$dir/back/calls.log"
few_events p99-back 3
caught_up() { [ "$(wc -l < "$dir/back/calls.log")" -ge "$events" ]; }
for ((i = 0; i < 4; i++)); do caught_up || sleep 5; done
until_ready 'what it missed' caught_up

awk -v from="$before" '
    # what it gets a second time comes before what is next
    $2 != from + n { wrong++ }
    { n++; from_time = from_time ? from_time : $1; count[int($1)]++ }
    END {
        for (s in count) if (count[s] > most) most = count[s]
        printf "%d %d %.0f %d\n", n, wrong, n / ($1 - from_time), most
    }' "$dir/back/calls.log" > "$dir/back.txt"
read -r got wrong pace most < "$dir/back.txt"
echo "$pace" > "$dir/pace"
awk -v n="$most" -v rate="$rate" 'BEGIN { print n / rate }' > "$dir/most"

no_alerts
machine
printf '\n%d subscribers, one dead and "%s" while %d events were published\n' \
    "$subscribers" "$(cat "$dir/status")" "$events"
printf 'Redis took %d KB more, %d of them the log, %d the attempt logs\n' \
    "$redis_more" "$log_more" "$attempts_more"
printf 'when it was back it got %d of %d, ' "$got" "$events"
printf '%d out of their order, %d a second of at most %d\n' \
    "$wrong" "$pace" "$rate"
heading figure
row 'kilobytes in Redis for the dead one' dead-kilobytes '' '<= 200'
row 'memory of the worker, after : before' memory '' '<= 1.2'
row 'p99 of the others, one is dead : without it' p99-dead p99-without '<= 1.2'
row 'p99 of the others, it catches up : without it' p99-back p99-without
row 'its events in any one second : its rate' most '' '<= 1.1'
[ "$got" = "$events" ] && [ "$wrong" = 0 ] || fail 'events are lost'
