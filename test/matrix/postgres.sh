# A cluster of its own in this directory, on a socket only; pgbench's figures are not compared.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
run=
if [ "$(id -u)" = 0 ]; then
  chown postgres .
  run='setpriv --reuid=postgres --regid=postgres --clear-groups'
fi
$run "$bin/initdb" -D data -U me -A trust --locale=C -E UTF8 --no-sync >init.log 2>&1
$run "$bin/postgres" -D data -k "$PWD" -c listen_addresses= -c fsync=off -c shared_buffers=8MB \
  -c max_connections=10 >server.log 2>&1 &
server=$!
until "$bin/pg_isready" -q -h "$PWD" -U me; do
  kill -0 "$server" || exit 1
  sleep 0.05
done
"$bin/pgbench" -h "$PWD" -U me -i -q -s 1 postgres >/dev/null 2>&1
"$bin/pgbench" -h "$PWD" -U me -n -c 4 -t 25 postgres | grep -E '^number of (transactions actually|failed)'
"$bin/psql" -h "$PWD" -U me -At postgres -c "select count(*), sum(length(filler)) from pgbench_accounts" \
  -c "set work_mem='64kB'; select count(*) from (select * from generate_series(1,40000) i order by i::text) s" \
  -c "select (select count(*) from pgbench_history), sum(tbalance) - sum(bbalance) from pgbench_tellers, pgbench_branches where tid < 0"
kill -INT "$server"
wait "$server" || echo "left with $?"
exit 3
