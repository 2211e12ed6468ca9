#!/usr/bin/env bats
# Allocating and freeing costs at most twice as much with 100 000 live spans, and 50 000 holes between them, as with 10.
# Instructions are counted, under valgrind: they are the same on every machine.

load helpers

LIVE_SPANS=$ROOT/build/test/lib/live_spans

setup_file() { [ -x "$LIVE_SPANS" ] || fail "$LIVE_SPANS is missing: run make tests"; }

# executed LIVE BYTES CYCLES: prints how many instructions the whole run takes.
executed() {
  local log=$BATS_TEST_TMPDIR/callgrind.$1.$3
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$LIVE_SPANS" "$@" 2>"$log" || fail "$(cat "$log")" || return 1
  sed -nE 's/.*Collected : ([0-9]+).*/\1/p' "$log"
}

# per_cycle LIVE BYTES: the difference of two runs, so that setting up cancels out.
per_cycle() {
  local once twice
  once=$(executed "$1" "$2" 1000) && twice=$(executed "$1" "$2" 2000) || return 1
  echo $(((twice - once) / 1000))
}

# scales BYTES: once in dozens of runs under load, setting up takes some instructions more. A second try has to do.
scales() { try "$1" || try "$1"; }

try() {
  local few many
  few=$(per_cycle 10 "$1") && many=$(per_cycle 100000 "$1") || return 1
  echo "# $1 bytes: $few instructions with 10 live spans, $many with 100 000" >&3
  [ "$few" -gt 0 ] && [ "$many" -gt 0 ] && [ "$many" -le $((2 * few)) ]
}

@test "64 KB: a size that is cached" { scales 65536; }
@test "68 KB: a size that is not, and fits into none of the holes" { scales 69632; }
