#!/bin/sh
# A private redis-server on a socket in the current directory: fill it, fork a saver while writing (BGSAVE), rewrite
# the append-only file, restart from the dump, and compare the data set's own digest.
set -eu

start() {
  redis-server --port 0 --unixsocket redis.sock --dir . --save '' --enable-debug-command yes \
    --logfile redis.log --daemonize no "$@" &
  server=$!
  until redis-cli -s redis.sock ping >ping.out 2>&1 && grep -q PONG ping.out; do
    kill -0 "$server" || exit 1
    sleep 0.05
  done
}

stop() {
  redis-cli -s redis.sock shutdown nosave >/dev/null 2>&1 || true
  wait "$server" && echo "server left with 0" || echo "server left with $?"
}

cli() { redis-cli -s redis.sock "$@"; }

# Waits until INFO's field $1 reads 0.
settle() {
  until cli info persistence | grep -q "^$1:0"; do
    kill -0 "$server"
    sleep 0.05
  done
}

start
awk 'BEGIN { for (i = 0; i < 20000; i++) { print "SET key:" i, i * 7919; print "RPUSH list:" i % 50, i
       print "HSET hash:" i % 100, "f" i, "v" i * i; print "ZADD zset:" i % 20, i * 31 % 1009, "m" i; print "SADD set:" i % 30, i } }' | sed 's/$/\r/' >fill.txt
cli --pipe <fill.txt | tail -1
awk 'BEGIN { for (i = 0; i < 200; i++) { print "SETRANGE blob:" i, i * 1777 % 300000, "end"; print "APPEND blob:" i, "tail" } }' | cli | sha256sum
cli debug digest
cli bgsave
cli --pipe <fill.txt >/dev/null # writes while the child saves: every touched page is copied
settle rdb_bgsave_in_progress
cli info persistence | grep '^rdb_last_bgsave_status'
cli eval 'local t = {} for i = 1, 50000 do t[i] = tostring(i) end return #table.concat(t)' 0
cli lrange list:7 0 -1 | sha256sum
cli zrange zset:3 0 -1 withscores | sha256sum
cli sort set:5 desc limit 0 10
cli flushall
cli dbsize
cli --pipe <fill.txt >/dev/null
cli debug digest
cli save
cli config set appendonly yes
settle aof_rewrite_in_progress
cli info persistence | grep '^aof_last_bgrewrite_status'
cli config set appendonly no
stop
start --dbfilename dump.rdb
cli debug digest
cli dbsize
cli memory doctor >/dev/null
stop
exit 3
