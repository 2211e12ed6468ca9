#!/usr/bin/env bats
# The command pagearena: run, compare, doctor. What a run costs is told by machines; here it is what holds on any of them.
# shellcheck disable=SC2016 # for inner shells
# shellcheck disable=SC2154 # run sets stderr

load helpers
load tool

setup_file() { need_shims; }

# program NAME FLAG...: builds a program that does nothing into $BATS_TEST_TMPDIR/NAME.
program() {
  local out=$BATS_TEST_TMPDIR/$1
  shift
  gcc -o "$out" "$@" -x c - <<<'int main(void) { return 0; }'
}

# package CODE: runs Python code that may import the modules of the package.
package() {
  /usr/bin/python3 -B -c "import sys; sys.path.insert(0, '$ROOT/scripts/lib')
$1"
}

# The shortest compare.
quick=(compare -n 1 --warmup 0 --no-strace)

@test "usage errors: status 64, one usage on stderr, nothing on stdout" {
  local line
  while read -r line; do
    # shellcheck disable=SC2086 # words
    exits 64 $line
    [ -z "$output" ] || fail "$line: stdout: $output"
    complains '.'
  done <<<'
    nosuch
    --nosuch
    run
    run --
    run --nosuch true
    run --thp sometimes true
    run --malloc 2 true
    run --preset fast true
    run --set x true
    run --set NOSUCH=1 true
    compare
    compare -n 0 true
    compare -n x true
    compare --warmup -1 true
    compare --vs nobody true
    compare --js x true
    doctor --nosuch
    advise
    advise --
    advise --nosuch true'
}

@test "--help and --version succeed everywhere" {
  exits 0 --version
  local command
  exits 0 --help
  for command in run compare advise doctor; do
    says "$command"
  done
  for command in run compare advise doctor; do
    exits 0 $command --help
    says '^usage: pagearena'
    [ "$(wc -L <<<"$output")" -le 100 ] || fail "$command: lines too long"
  done
}

@test "run: becomes CMD with the arena on, and CMD's status is its own" {
  exits 7 run --stats -- /usr/bin/python3 -c 'import sys; print("a  b"); sys.exit(7)'
  [ "$output" = 'a  b' ]
  complains '^schema 1$'
  run bash -c 'echo $$; exec "$0" run sh -c "echo \$\$"' "$TOOL"
  [ "${lines[0]}" = "${lines[1]}" ] || fail "not the same process: $output"
  run bash -c '"$0" run sh -c "kill -KILL \$\$"' "$TOOL"
  [ "$status" -eq 137 ]
  run -127 pagearena run /nonexistent/x
  run -127 pagearena run no-such-command
  run -126 pagearena run "$ROOT/README.md"
  run -126 pagearena run "$ROOT"
}

@test "run: megabytes of CMD's output" {
  pagearena run head -c 50000000 /dev/zero | cmp - <(head -c 50000000 /dev/zero)
}

@test "run: CMD inherits what the shell's child would: signals, stdin" {
  off sh -c 'grep Sig.[gl][tn] /proc/self/status' >"$BATS_TEST_TMPDIR/off"
  pagearena run grep 'Sig.[gl][tn]' /proc/self/status | diff "$BATS_TEST_TMPDIR/off" -
  [ "$(echo hi | pagearena run cat)" = hi ]
}

@test "closed streams and names that are no UTF-8 do no harm" {
  local name=$'\xff \xe4'
  exits 0 "${quick[@]}" --html "$BATS_TEST_TMPDIR/$name.html" --json "$BATS_TEST_TMPDIR/$name.json" true "$name" <&-
  [ -s "$BATS_TEST_TMPDIR/$name.html" ]
  jq -e '.ways[0].statuses == [0]' "$BATS_TEST_TMPDIR/$name.json"
  says "^true '$name'"
  "$TOOL" "${quick[@]}" true >&- 2>&-
  "$TOOL" run --dry-run true <&- >&- 2>&-
  run -125 sh -c '"$0" doctor >/dev/full' "$TOOL"
  says 'No space left'
  # In CMD, what was closed is closed.
  run -1 timeout 30 sh -c '"$0" run cat <&-' "$TOOL"
}

@test "run: a text file without #! goes to the shell, as execvp has it" {
  echo 'echo "$1"; exit 3' >"$BATS_TEST_TMPDIR/a script"
  chmod +x "$BATS_TEST_TMPDIR/a script"
  exits 3 run "$BATS_TEST_TMPDIR/a script" 'x y'
  [ "$output" = 'x y' ]
}

@test "run: options beat the preset, which beats the environment; others' preloads stay behind ours" {
  HAKMEM_PAGE_ARENA_WARM_2M=9 HAKMEM_PAGE_ARENA_HOT_SIZE=99 HAKMEM_PAGE_ARENA_GUARD=0 LD_PRELOAD=/lib/x86_64-linux-gnu/libdl.so.2 \
    exits 0 run --preset low-memory --set warm_2m=11 --malloc 0 --thp auto env
  local line
  for line in HAKMEM_PAGE_ARENA_WARM_2M=11 HAKMEM_PAGE_ARENA_HOT_SIZE=256 HAKMEM_PAGE_ARENA_GUARD=0 \
    HAKMEM_PAGE_ARENA_MALLOC=0 HAKMEM_PAGE_ARENA_THP=auto HAKMEM_PAGE_ARENA_ENABLE=1 \
    "LD_PRELOAD=$SHIM:/lib/x86_64-linux-gnu/libdl.so.2"; do
    says "^$line\$"
  done
  exits 0 run --preset throughput "$TOOL" run env
  says "^LD_PRELOAD=$SHIM\$"
  says '^GLIBC_TUNABLES=glibc.malloc.hugetlb=1$'
}

@test "run --dry-run: what it prints does the same in a shell" {
  exits 0 run --dry-run --stats --set max_span=1M -- sh -c 'echo "$HAKMEM_PAGE_ARENA_MAX_SPAN $LD_PRELOAD $1"' x "a  'b"
  [ "$(sh -c "$output")" = "1M $SHIM a  'b" ] || fail "$output"
}

@test "run --stats-file: JSON of each process, in a folder with a space" {
  mkdir "$BATS_TEST_TMPDIR/a b"
  cd "$BATS_TEST_TMPDIR"
  exits 0 run --stats-file 'a b/%p.json' /usr/bin/python3 -c pass
  jq -e '.schema == 1' 'a b'/*.json
}

@test "what cannot be preloaded: run says why and runs it, compare and doctor refuse" {
  local other=/bin/su file reason
  program static -static
  program sanitized -fsanitize=address
  program musl -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1
  # A 64-bit file whose class and machine say 32.
  cp /bin/true "$BATS_TEST_TMPDIR/narrow"
  printf '\001' | dd of="$BATS_TEST_TMPDIR/narrow" bs=1 seek=4 conv=notrunc status=none
  head -c 300 /dev/zero >"$BATS_TEST_TMPDIR/data"
  if [ $EUID -eq 0 ]; then
    other=$BATS_TEST_TMPDIR/other
    cp /bin/true "$other"
    chown nobody "$other"
    chmod 4755 "$other"
  fi
  chmod +x "$BATS_TEST_TMPDIR/data"
  printf '#!/usr/bin/env valgrind\n' >"$BATS_TEST_TMPDIR/checked"
  chmod +x "$BATS_TEST_TMPDIR/checked"
  while read -r file reason; do
    exits 125 compare "$BATS_TEST_TMPDIR/$file"
    complains "$reason"
    exits 1 doctor "$BATS_TEST_TMPDIR/$file"
    says "^FAIL .*$reason"
  done <<<'static statically linked
    sanitized sanitizer
    musl musl
    narrow 32-bit
    checked valgrind
    data neither an ELF file nor a script'
  exits 125 compare "$other"
  complains set-user-ID
  exits 0 run "$BATS_TEST_TMPDIR/static"
  complains 'without PageArena: .*statically linked'
}

@test "compare: the table, JSON and page of python3 building and dropping lists" {
  exits 0 compare -n 6 --json "$BATS_TEST_TMPDIR/a b.json" --html "$BATS_TEST_TMPDIR/a b.html" --vs tuned-glibc,jemalloc \
    /usr/bin/python3 -c 'for i in range(12): x = [[j] * 8 for j in range(40000)]; del x'
  [ -z "$stderr" ] || fail "$stderr"
  local row ncharts=5
  for row in 'wall time, s' 'user time, s' 'system time, s' 'minor page faults' 'peak memory, MB'; do
    says "^$row\$"
  done
  if strace -f --seccomp-bpf -o /dev/null /bin/true; then # a container may forbid it
    ncharts=6
    says '^memory system calls$'
    jq -e '.ways[1].system_calls.munmap < .ways[0].system_calls.munmap' "$BATS_TEST_TMPDIR/a b.json"
  fi
  says '^PageArena: .*fewer page faults'
  says '^PageArena: .*: the same\.$'
  says '^jemalloc: '
  [ "$(wc -L <<<"$output")" -le 110 ]
  jq -e '.schema == 1 and (.ways | map(.name)) == ["off", "on", "tuned-glibc", "jemalloc"]
    and (.ways[1].metrics.faults | .verdict == "less" and .ratio < 0.5 and .p <= 0.05 and (.figures | length) == 6)
    and .ways[1].outcome == {"the status": "same", "stdout": "same", "stderr": "same"}' "$BATS_TEST_TMPDIR/a b.json"
  /usr/bin/python3 -c 'import sys, xml.dom.minidom as dom
page = open(sys.argv[1]).read()
assert page.count("<svg") == int(sys.argv[2]) * 4, page.count("<svg")
for text in page.split("<svg")[1:]:
    dom.parseString("<svg" + text.split("</svg>")[0] + "</svg>")
assert not any(word in page for word in ("src=", "href=", "url(", "@import", "<script"))' "$BATS_TEST_TMPDIR/a b.html" "$ncharts"
}

@test "compare --json -: nothing but JSON on stdout" {
  exits 0 "${quick[@]}" --json - true
  jq -e '.command == ["true"] and .ways[0].statuses == [0] and .ways[0].system_calls == null' <<<"$output"
}

@test "compare: a file that cannot be written is told before anything runs" {
  exits 125 "${quick[@]}" --html /nonexistent/x.html touch "$BATS_TEST_TMPDIR/ran"
  complains /nonexistent/x.html
  [ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "compare: CMD's status is kept, failed or killed" {
  exits 3 compare -n 1 sh -c 'echo no such luck >&2; exit 3'
  says 'note: CMD leaves with status 3: no such luck'
  exits 137 "${quick[@]}" sh -c 'kill -KILL $$'
  exits 139 compare -n 1 sh -c 'kill -SEGV $$'
  exits 127 "${quick[@]}" no-such-command
  exits 126 "${quick[@]}" "$ROOT/README.md"
}

@test "compare: output or status that differs is status 124, and said" {
  exits 124 "${quick[@]}" sh -c 'echo "$LD_PRELOAD"'
  says '^PageArena: stdout DIFFERED'
  exits 124 "${quick[@]}" sh -c 'echo "$LD_PRELOAD" >&2'
  says '^PageArena: stderr DIFFERED'
  exits 124 "${quick[@]}" sh -c 'test -z "$LD_PRELOAD"'
  says '^PageArena: the status DIFFERED'
}

@test "compare: output that varies by itself is no difference" {
  exits 0 compare -n 2 --no-strace sh -c 'echo $$'
  says 'stdout varied from run to run even without PageArena; the status, stderr: the same'
}

@test "compare: hundreds of megabytes on both streams are neither kept nor stuck" {
  run -0 timeout 120 /usr/bin/time -f 'tool: %M KB' "$TOOL" "${quick[@]}" sh -c \
    'head -c 200000000 /dev/zero >&2 & head -c 200000000 /dev/zero; wait'
  says 'stdout, stderr: the same'
  peak_kb=$(sed -n 's/^tool: \(.*\) KB$/\1/p' <<<"$output")
  [ "$peak_kb" -lt 60000 ] || fail "peak $peak_kb KB"
}

@test "compare: does not wait for what CMD left running with its pipes open" {
  export BATS_TEST_TMPDIR
  run -0 timeout 30 "$TOOL" "${quick[@]}" sh -c 'sleep 60 & echo $! >>"$BATS_TEST_TMPDIR/left"; echo x'
  says 'stdout, stderr: the same'
  local pid
  while read -r pid; do kill "$pid"; done <"$BATS_TEST_TMPDIR/left"
  # It writes until nobody reads.
  run timeout -s KILL 30 "$TOOL" "${quick[@]}" sh -c 'yes &'
  [ "$status" -ne 137 ]
}

@test "compare: CMD reads a file from where it stands each time, a kept pipe, or nothing" {
  printf 'skip\n1\n2\n' >"$BATS_TEST_TMPDIR/three lines"
  local -x seen=$BATS_TEST_TMPDIR/seen
  local reader=(sh -c 'wc -l >>"$seen"')
  (read -r _ && exits 0 "${quick[@]}" "${reader[@]}") <"$BATS_TEST_TMPDIR/three lines"
  exits 0 "${quick[@]}" --input "$BATS_TEST_TMPDIR/three lines" "${reader[@]}"
  printf '1\n2\n3\n4\n' | exits 0 "${quick[@]}" --input - "${reader[@]}"
  printf '1\n' | exits 0 "${quick[@]}" "${reader[@]}"
  [ "$(xargs <"$seen")" = '2 2 3 3 4 4 0 0' ] || fail "$(cat "$seen")"
  exits 125 "${quick[@]}" --input /nonexistent true
}

@test "compare: without strace, or where it may not trace, it says so and goes on" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  ln -s /bin/true "$BATS_TEST_TMPDIR/bin/true"
  PATH=$BATS_TEST_TMPDIR/bin run -0 "$TOOL" compare -n 1 true
  says 'not counted: strace is not installed'
  if grep 'memory system calls$' <<<"$output"; then fail "a row without figures"; fi
  printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/strace"
  chmod +x "$BATS_TEST_TMPDIR/bin/strace"
  PATH=$BATS_TEST_TMPDIR/bin run -0 "$TOOL" compare -n 1 true
  says 'not counted: strace cannot trace here'
}

@test "compare: progress on a terminal only" {
  exits 0 "${quick[@]}" true
  [ -z "$stderr" ] || fail "$stderr"
  run -0 script -qec "'$TOOL' compare -n 1 --no-strace true" "$BATS_TEST_TMPDIR/typescript"
  says 'run 4 of 4: on'
}

# ends SIGNAL STATUS: compare, sent SIGNAL alone, leaves with STATUS, and CMD is gone.
ends() {
  local -x pids=$BATS_TEST_TMPDIR/$1
  env --default-signal=INT "$TOOL" "${quick[@]}" sh -c 'echo $$ >"$pids.new"; mv "$pids.new" "$pids"; exec sleep 100' &
  local started=$! i status=0
  for i in $(seq 200); do
    if [ -e "$pids" ]; then break; fi
    sleep 0.05
  done
  kill -s "$1" $started
  for i in $(seq 200); do
    kill -0 "$(cat "$pids")" 2>/dev/null || break
    sleep 0.05
  done
  if kill "$(cat "$pids")" 2>/dev/null; then fail "$1: CMD is still there after $i looks" || return 1; fi
  wait $started || status=$?
  [ "$status" -eq "$2" ] || fail "$1: status $status"
}

@test "compare: ended by SIGTERM or SIGINT, it takes CMD with it" {
  ends TERM 143
  ends INT 130
}

@test "the verdict: Wilcoxon's table, one in twenty at most for noise alone, and a drift does not hide 5 %" {
  package '
import random
from pagearena.judge import judge, wilcoxon
assert wilcoxon([1, 2, 3, 4, 5, 6]) == 2 / 64 and wilcoxon([-1, 2, 3, 4, 5, 6, 7]) == 4 / 128
assert wilcoxon([]) == 1 and wilcoxon([0, 0]) == 1 and wilcoxon([1, -1, 1, -1]) == 1
random.seed(5)
draw = lambda n: [random.lognormvariate(0, 0.2) for _ in range(n)]
for n in (6, 10, 80):
    wrong = sum(judge(draw(n), draw(n)).word != "noise" for _ in range(1000))
    assert wrong <= 65, (n, wrong)
drift = [1 + i / 4 for i in range(10)]
noise = [random.lognormvariate(0, 0.005) for _ in range(10)]
assert judge(drift, [d * 0.95 * x for d, x in zip(drift, noise)]).word == "less"
assert judge(drift, [d * 0.995 for d in drift]).word == "noise"
assert judge([1] * 5, [2] * 5).word == "few"
assert judge([0] * 6, [3] * 6).ratio is None and judge([0] * 6, [3] * 6).word == "more"
'
}

@test "compare --vs: a rival that is not installed is named with its package" {
  run package '
from pagearena import ways
ways.FOLDERS = ()
ways.rival("mimalloc")'
  says 'mimalloc is not installed.*libmimalloc2.0'
}

@test "from a path with spaces everything works; a colon, or nothing built, is refused" {
  local place="$BATS_TEST_TMPDIR/a b"
  mkdir -p "$place/build"
  cp -r "$ROOT/scripts" "$place/scripts"
  run -125 "$place/scripts/pagearena" run true
  says 'run make first'
  cp "$SHIM" "$ROOT/build/pagearena-measure" "$place/build"
  run -0 "$place/scripts/pagearena" run --stats /usr/bin/python3 -c pass
  says '^schema 1$'
  cp /usr/bin/python3 "$place/my python"
  run -0 "$place/scripts/pagearena" compare -n 1 "$place/my python" -c 'print("x y")'
  says '^PageArena: the status, stdout, stderr: the same'
  if grep 'no statistics' <<<"$output"; then fail "it was off"; fi
  run -0 "$place/scripts/pagearena" doctor "$place/my python"
  mv "$place" "$BATS_TEST_TMPDIR/a:b"
  run -125 "$BATS_TEST_TMPDIR/a:b/scripts/pagearena" run true
}

@test "doctor: without strace it says what is then missing" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  ln -s /usr/bin/true "$BATS_TEST_TMPDIR/bin/my true"
  PATH=$BATS_TEST_TMPDIR/bin run -0 "$TOOL" doctor 'my true'
  says '^note +strace: .*not installed'
}

@test "doctor: all that it looks at, a bad knob, a library that is not there" {
  exits 0 doctor
  local what
  for what in machine kernel libc library 'huge pages' swap overcommit mappings limits container environment strace; do
    says "^(ok|note) +$what:"
  done
  HAKMEM_PAGE_ARENA_WRAM_2M=1 exits 0 doctor /usr/bin/python3 'a b'
  says '^note environment: no such knob: HAKMEM_PAGE_ARENA_WRAM_2M'
  says '^ok +expect: +much'
  says "^next: pagearena compare -- /usr/bin/python3 'a b'\$"
  exits 1 doctor --library /nonexistent
  says '^FAIL library:'
  exits 127 doctor no-such-command
  (ulimit -d 500000 && exits 1 doctor && says '^note limits: +RLIMIT_DATA')
}
