#!/usr/bin/env bats
# What processes publish, and who reads it: the subcommands top, stat and report.
# shellcheck disable=SC2016 # for inner shells
# shellcheck disable=SC2154 # run sets stderr

load helpers
load tool

setup_file() { need_shims; }

setup() {
  folder="$BATS_TEST_TMPDIR/figures of mine"
  started=()
}

teardown() {
  local pid
  for pid in "${started[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
}

# publishes CMD...: starts CMD with the arena on, publishing in $folder, and sets pid when its file is there.
publishes() {
  LD_PRELOAD=$SHIM HAKMEM_PAGE_ARENA_ENABLE=1 HAKMEM_PAGE_ARENA_PUBLISH=$folder "$@" </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
  pid=$!
  started+=("$pid")
  disown "$pid"
  await [ -s "$folder/$pid" ]
}

# await CMD...: CMD succeeds within ten seconds.
await() {
  local i
  for ((i = 0; i < 200; i++)); do
    ! "$@" || return 0
    sleep 0.05
  done
  fail "in vain: $*" "$(ls -la "$folder")"
}

# Keeps 20 MB of its own and 8 MB that it has freed, says so, and waits.
HOLDS='
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
kept = [bytearray(1_000_000) for _ in range(20)]
for _ in range(300):
    gone = [bytearray(1_000_000) for _ in range(8)]
    for block in gone: block[::4096] = b"1" * len(block[::4096])
    del gone, block
time.sleep(0.1)
for _ in range(100): bytearray(1_000_000)
print("ready", flush=True)
time.sleep(60)'

@test "usage errors: status 64, usage on stderr, nothing on stdout" {
  local line
  while read -r line; do
    # shellcheck disable=SC2086 # words
    exits 64 $line
    [ -z "$output" ] || fail "$line: stdout: $output"
    complains '.'
  done <<<'
    stat
    stat 0
    stat x
    stat --all 5
    stat --json --prometheus --all
    stat --record x --all
    stat --record x -d 0 1
    top -n 0
    top -d nan
    top x
    report
    report a b
    report --record x'
}

@test "--help of each succeeds and is at most 100 columns wide" {
  local command
  for command in top stat report; do
    exits 0 $command --help
    says '^usage: pagearena'
    [ "$(wc -L <<<"$output")" -le 100 ] || fail "$command: lines too long"
  done
}

@test "stat: the figures of a process, as text and as JSON; its file goes with it" {
  publishes /usr/bin/python3 -c "$HOLDS"
  await grep -q ready "$BATS_TEST_TMPDIR/said"
  [ "$(stat -c %a "$folder") $(stat -c %a "$folder/$pid")" = '700 600' ]
  exits 0 stat --folder "$folder" --json "$pid"
  jq -e --argjson pid "$pid" '.pid == $pid and .name == "python3" and .live > 18e6 and .live < 40e6 and .live_peak >= .live
    and .retained > 6e6 and .resident > .live and .faults > 5000 and .total_allocs > 2000 and .hits + .misses > 0
    and .sizes.warm_64k.hits >= 0' <<<"$output" || fail "$output"
  exits 0 stat --folder "$folder" "$pid"
  says "^pid $pid\$"
  says '^warm_2m.evictions [0-9]+$'
  exits 0 stat --folder "$folder" --all --json
  [ "$(jq length <<<"$output")" -eq 1 ]
  kill "$pid"
  await [ ! -e "$folder/$pid" ]
  exits 125 stat --folder "$folder" "$pid"
  complains "^pagearena stat: $pid: "
}

@test "where: XDG_RUNTIME_DIR, or a folder of the user in /tmp" {
  local place
  place=$(XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR HAKMEM_PAGE_ARENA_PUBLISH=1 on sh -c 'ls $XDG_RUNTIME_DIR/pagearena; echo $$')
  [ "$(sort -u <<<"$place" | wc -l)" -le 2 ] && grep -qx '[0-9]*' <<<"$place" || fail "$place"
  XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR exits 0 stat --all --json
  [ "$output" = '[]' ]
  # dash leaves by _exit(2): what it left was removed just now.
  [ -z "$(ls "$BATS_TEST_TMPDIR/pagearena")" ] || fail "left behind: $(ls "$BATS_TEST_TMPDIR/pagearena")"
}

@test "a folder that cannot be had: one line, and the program is as it was" {
  local where
  mkdir -m 777 "$BATS_TEST_TMPDIR/open"
  ln -s "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/link"
  for where in /nonexistent/x /dev/null "$BATS_TEST_TMPDIR/open" "$BATS_TEST_TMPDIR/link"; do
    HAKMEM_PAGE_ARENA_PUBLISH=$where run --separate-stderr -3 on /usr/bin/python3 -c 'print("a"); raise SystemExit(3)'
    [ "$output" = a ]
    [ "$stderr" = "pagearena: cannot publish in $where" ] || fail "$stderr"
  done
  [ -z "$(ls "$BATS_TEST_TMPDIR/open")" ]
}

# valid_prometheus: what stands on stdin is Prometheus text, as its format has it: names, HELP and TYPE before the samples of a
# metric, these together, no sample twice. Prints how many samples there are.
valid_prometheus() {
  /usr/bin/python3 -c '
import re, sys
label = r"[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\n]|\\[\\\"n])*\""
sample = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{%s(?:,%s)*\}) (\d+)" % (label, label))
seen, done, types, current = set(), set(), {}, None
text = sys.stdin.read()
assert text.endswith("\n")
for line in text.splitlines():
    found = re.fullmatch(r"# (HELP|TYPE) (\S+) (.+)", line)
    if found:
        name = found[2]
        if found[1] == "HELP":
            assert name not in done and name != current, line
            done.add(current)
            current = name
        else:
            assert name == current and found[3] in ("counter", "gauge"), line
            assert (found[3] == "counter") == name.endswith("_total"), line
            types[name] = found[3]
        continue
    found = sample.fullmatch(line)
    assert found, line
    assert found[1] == current and current in types, line
    assert (found[1], found[2]) not in seen, line
    seen.add((found[1], found[2]))
print(len(seen))'
}

@test "stat --prometheus: valid text, with names that must be escaped" {
  local odd="$BATS_TEST_TMPDIR/a\"b\\c"
  cp /bin/sleep "$odd"
  publishes "$odd" 60
  publishes sleep 60
  pagearena stat --folder "$folder" --all --prometheus >"$BATS_TEST_TMPDIR/metrics"
  [ "$(valid_prometheus <"$BATS_TEST_TMPDIR/metrics")" -eq $((2 * (11 + 20))) ]
  grep -F 'name="a\"b\\c"' "$BATS_TEST_TMPDIR/metrics"
  grep -E "^pagearena_live_bytes\\{pid=\"$pid\",name=\"sleep\"\\} 0\$" "$BATS_TEST_TMPDIR/metrics"
}

@test "hostile files are ignored, with one line each" {
  publishes sleep 60
  local files=10
  cd "$folder"
  ln -s /etc/passwd 7 && mkfifo 8 && mkdir 9 && truncate -s 10G 10 && head -c 4096 /dev/urandom >./11
  head -c 100 "$pid" >./12 && cp "$pid" 13 && echo >'x'$'\e''[31m' && cp "$pid" 014 && ln -s "$pid" 15
  if [ "$EUID" -eq 0 ]; then cp "$pid" 16 && chown 1 16 && files=11; fi
  exits 0 stat --folder "$folder" --all --json
  [ "$(jq -c 'map(.pid)' <<<"$output")" = "[$pid]" ]
  [ "$(wc -l <<<"$stderr")" -eq $files ] || fail "$stderr"
  [ "$(grep -c ': ignored$' <<<"$stderr")" -eq $files ] || fail "$stderr"
  [[ $stderr != *$'\e'* ]] || fail "an escape sequence: $stderr"
  [ "$(find . -mindepth 1 | wc -l)" -eq $((files + 1)) ] || fail "something was removed: $(ls)"
  exits 0 top -b -n 1 --folder "$folder"
  [ "$(wc -l <<<"$output")" -eq 3 ] || fail "$output"
  chmod 777 "$folder"
  exits 0 stat --folder "$folder" --all --json
  [ "$output" = '[]' ]
  complains 'open to others: ignored$'
}

@test "what a killed process leaves, and one whose number was used again, is removed" {
  publishes sleep 60
  local killed=$pid other
  kill -KILL "$pid"
  await eval '! kill -0 "$pid" 2>/dev/null'
  publishes sleep 61
  # The page of a process that had this number before: another start time, bytes 40 to 47.
  other=$BATS_TEST_TMPDIR/page
  cp "$folder/$pid" "$other"
  [ -e "$folder/$killed" ]
  exits 0 stat --folder "$folder" --all --json
  [ "$(jq -c 'map(.pid)' <<<"$output")" = "[$pid]" ]
  [ ! -e "$folder/$killed" ]
  printf '\1' | dd of="$other" bs=1 seek=41 conv=notrunc status=none
  printf '\1' | dd of="$other" bs=1 seek=40 conv=notrunc status=none
  cat "$other" >"$folder/$pid"
  exits 125 stat --folder "$folder" "$pid"
  [ ! -e "$folder/$pid" ]
  [ -z "$stderr" ] || [ "$(wc -l <<<"$stderr")" -eq 1 ]
}

@test "exec: the new program publishes anew; one without the library has no figures" {
  publishes sh -c 'sleep 0.3; exec /usr/bin/python3 -c "import time; time.sleep(60)"'
  await eval 'pagearena stat --folder "$folder" "$pid" | grep -qx "name python3"'
  publishes sh -c 'sleep 0.3; exec env -u LD_PRELOAD sleep 60'
  await eval '! pagearena stat --folder "$folder" "$pid" 2>/dev/null'
  kill -0 "$pid"
}

@test "fork: parent and child have a page each" {
  publishes /usr/bin/python3 -c '
import os, time
child = os.fork()
blocks = [bytearray(1_000_000) for _ in range(100 if child else 300)]
time.sleep(0.05)
for _ in range(100): bytearray(1_000_000)
print("ready", flush=True)
time.sleep(60)'
  await eval '[ "$(grep -c ready "$BATS_TEST_TMPDIR/said")" -eq 2 ]'
  started+=("$(pgrep -P "$pid")")
  exits 0 stat --folder "$folder" --all --json
  [ "$(jq 'map(.live / 1e8 | floor) | sort | tostring' <<<"$output")" = '"[1,3]"' ] || fail "$output"
}

@test "top: tables in a pipe; on a terminal as wide as that, until q" {
  publishes /usr/bin/python3 -c "$HOLDS"
  exits 0 top --folder "$folder" -n 2 -d 0.05
  [ "$(grep -c "^ *$pid .* python3\$" <<<"$output")" -eq 2 ] || fail "$output"
  says '^pagearena top - .* 1 process, '
  says 'PID +RESIDENT +LIVE +CACHED +RETAINED +FAULTS/s +HITS/s +MISSES/s +HIT% +COMMAND'
  [[ $output != *$'\e'* ]] || fail "an escape sequence: $output"
  /usr/bin/python3 - "$TOOL" "$folder" <<'PY'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 10, 50, 0, 0))
    os.environ.pop("COLUMNS", None)
    os.execv(sys.argv[1], [sys.argv[1], "top", "--folder", sys.argv[2], "-d", "30"])
text = b""
while b"RESIDENT" not in text or b"\033[J" not in text:
    text += os.read(fd, 4096)
os.write(fd, b"q")
try:
    while data := os.read(fd, 4096):
        text += data
except OSError:
    pass
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert text.rstrip().endswith(b"\033[?25h"), text
lines = text.decode().replace("\033[K", "").replace("\033[1m", "").replace("\033[0m", "").split("\r\n")
assert max(map(len, lines[1:])) <= 50, lines
PY
}

@test "top: 200 processes within 5 % of a core, once a second" {
  # shellcheck disable=SC2034 # i
  publishes bash -c 'for i in {1..199}; do sleep 60 & done; jobs -p; wait'
  await eval '[ "$(ls "$folder" | wc -l)" -ge 200 ]'
  mapfile -t -O 1 started < <(grep -E '^[0-9]+$' "$BATS_TEST_TMPDIR/said")
  cost() { # in milliseconds of CPU time
    /usr/bin/time -q -o "$BATS_TEST_TMPDIR/cost" -f '%U %S' "$TOOL" top --folder "$folder" -b -d 0.01 -n "$1" >"$BATS_TEST_TMPDIR/tables"
    awk '{ print ($1 + $2) * 1000 }' "$BATS_TEST_TMPDIR/cost"
  }
  local once many
  once=$(cost 1)
  [ "$(grep -c ' sleep$' "$BATS_TEST_TMPDIR/tables")" -eq 199 ] || fail "$(head "$BATS_TEST_TMPDIR/tables")"
  many=$(cost 41)
  echo "CPU time of one table: $(((many - once) / 40)) ms"
  [ $(((many - once) / 40)) -le 50 ]
}

@test "publishing costs at most 1 % of the instructions of a program that maps all the time" {
  local cost=$BATS_TEST_TMPDIR/cost
  gcc -O2 -I"$ROOT/arena" -o "$cost" -x c - -x none "$ROOT/build/libpagearena.a" -pthread -ldl <<<'
    #include "page_arena.h"
    int main(void)
    {
        for (int i = 0; i < 5000; i++) {
            char *page = page_arena_alloc_pages((void *)0, 4096);
            page[0] = 1;
            page_arena_free_pages((void *)0, page, 4096);
        }
    }'
  count() { valgrind --tool=callgrind --callgrind-out-file=/dev/null "$cost" 2>&1 | awk '/Collected/ { print $4 }'; }
  local off on
  off=$(count)
  on=$(HAKMEM_PAGE_ARENA_PUBLISH=$folder count)
  [ -d "$folder" ]
  echo "instructions: $off off, $on on"
  [ $((on * 100)) -le $((off * 101)) ]
}

@test "report: records CMD and draws it; the page needs nothing else" {
  cd "$BATS_TEST_TMPDIR"
  exits 0 report --record 'a <b> c.json' --html 'p q.html' --svg 'p q.svg' --png 'p q.png' -d 0.02 -- \
    /usr/bin/python3 -c 'import time
for _ in range(20):
    blocks = [bytearray(1_000_000) for _ in range(50)]; time.sleep(0.02)
print("said")'
  [ "$output" = said ]
  jq -es 'length > 5 and (map(.seconds) | . == sort) and (map(.live) | max > 4e7) and (map(.faults) | . == sort)' 'a <b> c.json'
  /usr/bin/python3 -c '
import html.parser, sys
class Page(html.parser.HTMLParser):
    lines = 0
    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "img", "iframe", "b>"), tag
        assert not {"src", "href"} & {name for name, _ in attributes}, attributes
        self.lines += tag == "polyline"
text = open("p q.html").read()
assert "a &lt;b&gt; c.json" in text and "<b> c" not in text and "url(" not in text
page = Page()
page.feed(text)
assert page.lines == 5, page.lines'
  /usr/bin/python3 -c 'import xml.etree.ElementTree as t; assert t.parse("p q.svg").getroot().tag.endswith("svg")'
  [ "$(head -c 8 'p q.png' | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]
  exits 0 report 'a <b> c.json'
  [ -s 'a <b> c.json.html' ]
}

@test "report: a program with a space in its path, and megabytes of its output" {
  cp /usr/bin/python3 "$BATS_TEST_TMPDIR/my python"
  run -0 --separate-stderr pagearena report --record "$BATS_TEST_TMPDIR/my run.json" -d 0.02 -- "$BATS_TEST_TMPDIR/my python" -c \
    'import sys, time
for _ in range(5): sys.stdout.write("x" * 1_000_000); time.sleep(0.05)'
  [ "$output" = "$(head -c 5000000 /dev/zero | tr '\0' x)" ] || fail "${#output} characters"
  [ -s "$BATS_TEST_TMPDIR/my run.json.html" ]
}

@test "report: CMD's status is kept; no recording, no gnuplot, no room: one line" {
  cd "$BATS_TEST_TMPDIR"
  exits 7 report --record r.json -- sh -c 'sleep 0.3; exit 7'
  exits 137 report --record r.json -- sh -c 'sleep 0.3; kill -KILL $$'
  [ -s r.json.html ]
  exits 127 report --record r.json -- no-such-command
  exits 125 report --record /nonexistent/x -- true
  exits 125 report /nonexistent
  echo '{"seconds": 1}' >bad.json
  exits 125 report bad.json
  complains '^pagearena report: bad.json:1: not a line of a recording$'
  head -c 100000 /dev/urandom >bad.json
  exits 125 report bad.json
  exits 0 report --record r.json -d 0.02 -- sleep 0.3
  exits 125 report --html /nonexistent/x r.json
  mkdir none
  ln -s "$(command -v env)" /usr/bin/python3 none
  run --separate-stderr -125 env PATH="$PWD/none" /usr/bin/python3 "$TOOL" report --svg x.svg r.json
  complains 'gnuplot is not here'
}

@test "stat --record: lines until the process ends, for report" {
  local file="$BATS_TEST_TMPDIR/a b.json"
  publishes sleep 1
  exits 0 stat --folder "$folder" --record "$file" -d 0.05 "$pid"
  [ "$(wc -l <"$file")" -ge 5 ]
  exits 0 report "$file"
  exits 125 stat --folder "$folder" --record "$file" "$pid"
}
