#!/usr/bin/env bash
#
# Events per second of one subscription whose endpoint answers after 1, 20 and
# 200 ms, and of one that gets slower by the calls under way, with in_flight 16,
# 64, 256 and auto, in the fifth and sixth second; how many calls are refused by
# one that takes 100 a second, after five; and what `order key=` of a thousand
# values leaves of that.
# usage: BENCH=latency make -f Makefile.dev bench
#        SECONDS_EACH=6 LATENCIES="1 20 200 slows20"

set -eu

cd "$(dirname "$0")/../.."

exec perl -It/lib t/bench/latency.pl
