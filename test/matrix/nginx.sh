# A server of its own here; the answers are compared, wrk's figures are not.
set -eu
mkdir -p www tmp
seq 60000 >www/big.txt
cat >conf <<C
daemon off; pid $PWD/pid; error_log $PWD/error.log; worker_processes 2;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path $PWD/tmp; proxy_temp_path $PWD/tmp; fastcgi_temp_path $PWD/tmp;
  uwsgi_temp_path $PWD/tmp; scgi_temp_path $PWD/tmp; gzip on; gzip_types text/plain;
  server { listen 127.0.0.1:$PORT; root $PWD/www; }
}
C
user=
if [ "$(id -u)" = 0 ]; then user='user root;'; fi
nginx -p "$PWD" -c "$PWD/conf" -g "$user" 2>nginx.err &
server=$!
until curl -s -o /dev/null "http://127.0.0.1:$PORT/"; do
  kill -0 "$server" || { cat nginx.err; exit 1; }
  sleep 0.02
done
wrk -t 2 -c 10 -d 1 "http://127.0.0.1:$PORT/big.txt" | grep -cE 'Non-2xx|Socket errors' || true
curl -s --compressed "http://127.0.0.1:$PORT/big.txt" | sha256sum
kill -QUIT "$server"
wait "$server"
exit 3
