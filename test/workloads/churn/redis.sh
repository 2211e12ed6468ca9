#!/bin/sh
# redis-server (jemalloc inside) under redis-benchmark, in a directory of its own.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
redis-server --port 0 --unixsocket redis.sock --dir . --save '' --logfile redis.log &
until redis-cli -s redis.sock ping >/dev/null 2>&1; do
  kill -0 $! # or it has crashed
  sleep 0.01
done
redis-benchmark -s redis.sock -q -n 60000 -c 10 -d 2000 -r 20000 -P 16 -t set,lpush,hset,lpop >/dev/null
redis-cli -s redis.sock shutdown nosave >/dev/null 2>&1 || true
wait
