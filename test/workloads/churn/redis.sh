#!/bin/sh
# redis-server (jemalloc inside), in a directory of its own: commands over a socket, then a data set that is built and
# dropped, again and again.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
redis-server --port 0 --unixsocket redis.sock --dir . --save '' --logfile redis.log &
until redis-cli -s redis.sock ping >/dev/null 2>&1; do
  kill -0 $! # or it has crashed
  sleep 0.01
done
redis-benchmark -s redis.sock -q -n 10000 -c 10 -d 500 -r 1000 -P 16 -t set,lpush,hset,lpop >/dev/null
redis-cli -s redis.sock eval "
  local value = string.rep('x', 9000)
  for round = 1, 40 do
    for i = 1, 1500 do
      redis.call('set', 'key:' .. i, value)
      redis.call('rpush', 'list:' .. i % 10, value)
    end
    redis.call('flushall', 'sync')
  end
  return 'done'" 0
redis-cli -s redis.sock shutdown nosave >/dev/null 2>&1 || true
wait
