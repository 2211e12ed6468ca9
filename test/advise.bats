#!/usr/bin/env bats
# The subcommand advise, and the replay of traces behind it.
# shellcheck disable=SC2016 # for inner shells
# shellcheck disable=SC2154 # run sets stderr

load helpers
load tool

setup_file() { need_shims; }

@test "advise: what it predicts is within 10 % of what is then measured" {
  local work="$ROOT/test/workloads/waves.py" file="$BATS_TEST_TMPDIR/a b.json" setting name
  # The replays, too, shall have pages of 4 KB: PR_SET_THP_DISABLE is inherited.
  pagearena() {
    timeout -k 5 120 /usr/bin/python3 -c 'import ctypes, os, sys
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])' "$TOOL" "$@"
  }
  exits 0 advise --json "$file" --keep "$BATS_TEST_TMPDIR/traces of it" -- /usr/bin/python3 "$work"
  says 'better than the defaults'
  setting=$(jq -r .best.setting "$file")
  says "^    $setting\$"
  [[ $setting == *WARM_2M=* ]] || fail "$setting"
  ls "$BATS_TEST_TMPDIR/traces of it"/*.trace
  near() { # near PREDICTED, of what measure found
    [ $((faults * 9)) -le $(($1 * 10)) ] && [ $(($1 * 10)) -le $((faults * 11)) ] || fail "$name: predicted $1, measured $faults"
  }
  name=off
  measure off /usr/bin/python3 "$work"
  near "$(jq .off.faults "$file")"
  name=defaults
  measure on /usr/bin/python3 "$work"
  near "$(jq '.predicted[] | select(.knobs == {}).faults' "$file")"
  name=best
  # shellcheck disable=SC2086 # words
  measure on env $setting /usr/bin/python3 "$work"
  near "$(jq .best.faults "$file")"
}

@test "advise: CMD that fails, is killed, says much, cannot be preloaded, is not there" {
  exits 3 advise -- /usr/bin/python3 -c 'raise SystemExit(3)'
  exits 143 advise -- sh -c 'kill -TERM $$'
  exits 0 advise -- head -c 5000000 /dev/zero
  says 'would not help'
  exits 127 advise -- no-such-command
  gcc -static -o "$BATS_TEST_TMPDIR/static one" -x c - <<<'int main(void) { return 0; }'
  exits 125 advise -- "$BATS_TEST_TMPDIR/static one"
  complains 'statically linked'
}

@test "advise: a program that becomes another one" {
  exits 0 advise -- env sh -c 'exec env "$0" -c "
for _ in range(20): bytearray(3_000_000)"' /usr/bin/python3
  says '^1 process, [0-9 ]+ requests, [1-9][0-9]+ MB in all'
  if grep '^note' <<<"$output"; then fail "not as without a trace"; fi
}

@test "advise: a program, a folder and a file of figures with spaces; without what make builds" {
  local place="$BATS_TEST_TMPDIR/a b"
  mkdir -p "$place/build"
  cp /usr/bin/python3 "$place/my python"
  exits 0 advise --keep "$place/traces of mine" --json "$place/the figures.json" -- "$place/my python" -c 'x = [0] * 1000000'
  jq -e .best.faults "$place/the figures.json"
  [ -n "$(ls "$place/traces of mine")" ]
  exits 125 advise --keep "$place/traces of mine" -- true
  exits 125 advise --json /nonexistent/x -- true
  cp -r "$ROOT/scripts" "$place/scripts"
  cp "$SHIM" "$place/build"
  run -125 --separate-stderr "$place/scripts/pagearena" advise -- true
  complains 'make'
}

@test "the replay refuses what is no trace" {
  local file=$BATS_TEST_TMPDIR/t
  echo nothing >"$file"
  run -1 "$ROOT/build/pagearena-replay" "$file"
  run -1 "$ROOT/build/pagearena-replay" /nonexistent
  run -1 "$ROOT/build/pagearena-replay" "$BATS_TEST_TMPDIR"
  run -64 "$ROOT/build/pagearena-replay"
  { printf 'PATRACE1' && head -c 8 /dev/zero && head -c 64 /dev/zero | tr '\0' '\377'; } >"$file"
  run -1 "$ROOT/build/pagearena-replay" "$file"
  { printf 'PATRACE1' && head -c 8 /dev/zero; } >"$file"
  run -0 "$ROOT/build/pagearena-replay" "$file"
}
