# A server of its own on a socket here; redis-benchmark's figures are not compared, what it wrote is.
set -eu
redis-server --port 0 --unixsocket redis.sock --dir . --save '' --enable-debug-command yes \
  --logfile redis.log --daemonize no &
server=$!
until redis-cli -s redis.sock ping >ping.out 2>&1 && grep -q PONG ping.out; do
  kill -0 "$server" || exit 1
  sleep 0.02
done
redis-benchmark -s redis.sock -q -n 2000 -c 10 -d 9000 -t set,lpush,hset >/dev/null
awk 'BEGIN { for (i = 0; i < 3000; i++) print "SETRANGE blob:" i % 40 " " i * 17 % 60000 " end" }' | redis-cli -s redis.sock >/dev/null
redis-cli -s redis.sock llen mylist
redis-cli -s redis.sock strlen blob:7
redis-cli -s redis.sock bgsave >/dev/null
until redis-cli -s redis.sock info persistence | grep -q '^rdb_bgsave_in_progress:0'; do sleep 0.02; done
redis-cli -s redis.sock info persistence | grep '^rdb_last_bgsave_status'
redis-cli -s redis.sock shutdown nosave >/dev/null 2>&1 || true
wait "$server"
exit 3
