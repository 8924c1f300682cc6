#!/usr/bin/env bash
#
# 100,000 device sessions: what one takes of Redis, and what it costs to ask
# whether they are connected.

set -eu

exec perl -It/lib t/bench/sessions.pl
