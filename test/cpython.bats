#!/usr/bin/env bats
# CPython's own tests (Debian's libpython3.11-testsuite) have the same outcomes, compared name by name, with GUARD=0 and
# GUARD=1 as without the shim. Left out: test_threads_join and test_threads_join_2, in which Python uses the memory of an
# interpreter that it has freed, so that it crashes now and then with GUARD=1, and with glibc's own
# MALLOC_MMAP_THRESHOLD_=8192 just so. Only a test counts that did not fail without it. One that differs is run once more, alone,
# both ways: many of them measure time, and the machine may be busy.

load helpers

PYTHON=/usr/bin/python3 # not a version manager's wrapper script

# The longest first: setup_file runs all of them three ways, three at a time, since most of the time they sleep.
MODULES="test_multiprocessing_fork test_signal test_subprocess test_faulthandler test_threading test_fork1 test_buffer
test_gc test_bytes test_ctypes test_array test_mmap"

# As in helpers.bash, for longer: test_multiprocessing_fork takes over a minute on an idle machine.
off() { timeout -k 5 400 "$@"; }
on() { timeout -k 5 400 env LD_PRELOAD="$SHIM" HAKMEM_PAGE_ARENA_ENABLE=1 "$@"; }
guard() { HAKMEM_PAGE_ARENA_GUARD=1 on "$@"; }

# Named on TAP's own stream, for which a test that passes has no other voice.
note() { printf '# cpython %s\n' "$@" >&3; }

# run_tests BASE off|on|guard ARG...: runs CPython's runner in a directory of its own and leaves BASE.out, BASE.status and
# BASE.outcomes, which is empty if the runner did not come to its end. A shell's background jobs ignore SIGINT and SIGQUIT,
# which these tests use.
run_tests() {
  local base=$1 way=$2 status=0
  shift 2
  mkdir -p "$base.dir"
  (cd "$base.dir" && HAKMEM_PAGE_ARENA_STATS=$base.stats.%p "$way" env --default-signal=INT,QUIT \
    "$PYTHON" -m test -v --junit-xml="$base.xml" -i 'test_threads_join*' "$@") >"$base.out" 2>&1 </dev/null 3>&- || status=$?
  echo "$status" >"$base.status"
  "$PYTHON" "$BATS_TEST_DIRNAME/outcomes.py" "$base.xml" >"$base.outcomes" 2>/dev/null || true
}

setup_file() {
  need_shims || return 1
  local module way running=0
  for module in $MODULES; do
    for way in off on guard; do
      if [ "$running" -eq 3 ]; then wait -n && running=2; fi
      run_tests "$BATS_FILE_TMPDIR/$module.$way" "$way" "$module" &
      running=$((running + 1))
    done
  done
  wait
}

# differing OFF ON: the names of tests that did not fail OFF and ended differently ON.
differing() {
  join -t $'\t' -a 1 -a 2 -e missing -o 0,1.2,2.2 "$1.outcomes" "$2.outcomes" |
    awk -F '\t' '($2 == "passed" || $2 == "skipped") && $2 != $3 { print $1 }'
}

# same_end OFF ON: ON came to its end, and in good order if OFF did.
same_end() {
  [ -s "$2.outcomes" ] && { [ "$(cat "$2.status")" -eq 0 ] || [ "$(cat "$1.status")" -ne 0 ]; }
}

# same_again WAY ARG...: what ARG choose, alone, has the same outcomes.
same_again() {
  local base=$BATS_TEST_TMPDIR/again way=$1
  shift
  note "$*: differs with $way, once more"
  rm -rf "$base".*
  run_tests "$base.off" off "$@"
  run_tests "$base.$way" "$way" "$@"
  if same_end "$base.off" "$base.$way" && [ -z "$(differing "$base.off" "$base.$way")" ]; then return 0; fi
  note "$*: DIFFERS with $way"
  tail -n 60 "$base.$way.out" >&2
  return 1
}

# same_outcomes MODULE WAY
same_outcomes() {
  local off=$BATS_FILE_TMPDIR/$1.off on=$BATS_FILE_TMPDIR/$1.$2 names name failed=0
  [ -s "$off.outcomes" ] || fail "$1 did not come to its end without the shim" "$(tail -n 30 "$off.out")" || return 1
  grep -qs '"total_allocs": [1-9]' "$on".stats.* || fail "$1, $2: the arena was not on" "$(tail -n 30 "$on.out")" || return 1
  mapfile -t names < <(differing "$off" "$on")
  # Without a name to blame, or with too many, the whole module.
  if ! same_end "$off" "$on" && [ ${#names[@]} -eq 0 ] || [ ${#names[@]} -gt 5 ]; then
    same_again "$2" "$1"
    return
  fi
  for name in "${names[@]}"; do same_again "$2" "$1" -m "$name" || failed=1; done
  return "$failed"
}

# same_module MODULE
same_module() {
  local failed=0 off=$BATS_FILE_TMPDIR/$1.off
  if [ "$(cat "$off.status")" -ne 0 ]; then
    note "$1 ends with status $(cat "$off.status") without the shim" \
      "$(awk -F '\t' '$2 == "failure" || $2 == "error" { printf "%s ", $1 }' "$off.outcomes")"
  fi
  same_outcomes "$1" on || failed=1
  same_outcomes "$1" guard || failed=1
  return "$failed"
}

@test "test_mmap" { same_module test_mmap; }
@test "test_gc" { same_module test_gc; }
@test "test_threading" { same_module test_threading; }
@test "test_fork1" { same_module test_fork1; }
@test "test_subprocess" { same_module test_subprocess; }
@test "test_signal" { same_module test_signal; }
@test "test_ctypes" { same_module test_ctypes; }
@test "test_multiprocessing_fork" { same_module test_multiprocessing_fork; }
@test "test_array" { same_module test_array; }
@test "test_bytes" { same_module test_bytes; }
@test "test_buffer" { same_module test_buffer; }
@test "test_faulthandler" { same_module test_faulthandler; }
