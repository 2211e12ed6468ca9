#!/usr/bin/env bats
# scripts/bench itself, on a shell command that takes no time: what it refuses, what it makes of rivals that crash and of
# programs that notice, what it writes and what it leaves alone.
# shellcheck disable=SC2154 # run sets stderr

load helpers

setup_file() { need_shims; }

# The machine's setting of huge pages is not for a test to change: other tests count faults meanwhile.
setup() {
  export BENCH_HUGE_PAGES=$BATS_TEST_TMPDIR/huge_pages
  echo 'always [madvise] never' >"$BENCH_HUGE_PAGES"
}

bench() { run --separate-stderr timeout -k 5 100 "$ROOT/scripts/bench" "$@"; }

# succeeds; fails: the whole of a run, when a test fails.
succeeds() { [ "$status" -eq 0 ] || fail "status $status" "$output" "$stderr"; }
has() { grep -qE -e "$1" <<<"$output" || fail "no line like $1 in:" "$output" "$stderr"; }

# refused ARG...: bad arguments are named, and nothing is run.
refused() {
  bench "$@"
  if [ "$status" -ne 2 ] || [ -n "$output" ] || [[ $stderr != usage:* ]]; then fail "$*: status $status" "$output" "$stderr"; fi
}

@test "bad arguments" {
  refused -n 0
  refused -n x
  refused -w nonsense
  refused -w ''
  refused nonsense
  refused -c true xz
  refused --write xz
  refused --write -w PageArena
  refused --nonsense
}

@test "a rival that crashes is a result" {
  # shellcheck disable=SC2016 # for the inner shell
  bench -n 1 -w PageArena,mimalloc,ours+mimalloc -c 'case $LD_PRELOAD in *pagearena*) ;; *mimalloc*) kill -SEGV $$ ;; esac; echo hi'
  succeeds
  has '^\| the command +\| +[0-9]+ \| +[0-9]+ \|'
  has '^\| the command +\| +[0-9.]+ s \| +[0-9./]+ \([0-9./-]+\) \| +crashed \| +[0-9./]+ \([0-9./-]+\) \|'
}

@test "a program that fails or prints something else with the shim fails the run" {
  # shellcheck disable=SC2016
  bench -n 1 -w PageArena,jemalloc -c 'echo $LD_PRELOAD'
  [ "$status" -eq 1 ]
  has '^\| the command \| +PageArena \| other output \|'
  # shellcheck disable=SC2016
  bench -n 1 -w PageArena -c 'test -z "$LD_PRELOAD"'
  [ "$status" -eq 1 ]
  has 'off: sound, on: status 1'
}

# Elsewhere than in docs, so that a test may.
@test "tables and plots are written between the markers, and nothing else is touched" {
  local docs=$BATS_TEST_TMPDIR/docs ours
  mkdir "$docs"
  ours=$(find "$ROOT/docs" -type f -exec cksum {} +)
  cp "$ROOT/docs/benchmarks.md" "$docs"
  bench -n 1 -w PageArena,jemalloc --into "$docs" 'cycles, 1' 'realloc half'
  succeeds
  grep -q '^| realloc half ' "$docs/benchmarks.md"
  grep -q '^| 2048 ' "$docs/benchmarks.md"
  written() { sed -E '/^<!-- bench: (machine|cycles|blocks|losses) -->$/,/^<!-- end -->$/{/^<!--/!d}' "$1"; }
  diff <(written "$ROOT/docs/benchmarks.md") <(written "$docs/benchmarks.md")
  run ls "$docs" "$docs/plots"
  [[ $output == *cycles.svg* && $output == *blocks-operations.svg* && $output != *programs* ]] || fail "$output"
  grep -q '^</svg>' "$docs/plots/cycles.svg"
  [ "$(find "$ROOT/docs" -type f -exec cksum {} +)" = "$ours" ]
}

@test "huge pages: set for the runs that want them, and set back" {
  bench -n 2 -w THP=always -c "echo \$(cat $BENCH_HUGE_PAGES) >>$BATS_TEST_TMPDIR/seen"
  succeeds
  # A first run that does not count, then two rounds of plain and THP=always, forwards and backwards.
  run cat "$BATS_TEST_TMPDIR/seen"
  [ "$output" = $'madvise\nmadvise\nalways\nalways\nmadvise' ] || fail "$output"
  [ "$(cat "$BENCH_HUGE_PAGES")" = madvise ]
}

@test "huge pages: set back when the run is interrupted" {
  local signal status bench=$BATS_TEST_TMPDIR/started
  for signal in INT TERM; do
    # A shell's background jobs ignore SIGINT.
    env --default-signal=INT "$ROOT/scripts/bench" -n 1 -w THP=always \
      -c "if grep -qx always $BENCH_HUGE_PAGES; then echo \$\$ >$bench; sleep 60; fi" >/dev/null 2>&1 &
    # shellcheck disable=SC2016 # for the inner shell
    timeout 30 sh -c 'until [ -s "$0" ]; do sleep 0.05; done' "$bench"
    kill -s "$signal" $!
    status=0
    wait $! || status=$?
    [ "$status" -gt 128 ] || fail "$signal: status $status"
    [ "$(cat "$BENCH_HUGE_PAGES")" = madvise ] || fail "$signal: $(cat "$BENCH_HUGE_PAGES")"
    # What it had started is gone, or a zombie of somebody else's.
    # shellcheck disable=SC2016
    timeout 10 sh -c 'while readlink "/proc/$0/exe"; do sleep 0.05; done' "$(cat "$bench")"
    rm "$bench"
  done
}

@test "huge pages: a machine that does not let them be set" {
  export BENCH_HUGE_PAGES=$BATS_TEST_TMPDIR/none/huge_pages
  bench -n 1 -w THP=always -c true
  succeeds
  has '^THP=always: skipped: .*huge_pages: No such file or directory'
}
