# Shared by the bats files. A command runs either "off", without the preload, or "on", with it; bats itself, and
# whatever measures or traces, never runs with it. Knobs are set in front of a call: `HAKMEM_PAGE_ARENA_GUARD=1 on php x.php`.

bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
# shellcheck disable=SC2034 # for the bats files
WORK=$ROOT/test/workloads
SHIM=$ROOT/build/libpagearena_shim.so
DEBUG_SHIM=$ROOT/build/debug/libpagearena_shim.so

# The caller's environment is not part of any test.
unset LD_PRELOAD "${!HAKMEM_PAGE_ARENA_@}"
export LC_ALL=C PYTHONHASHSEED=0 PERL_HASH_SEED=0

fail() {
  printf '%s\n' "$@" >&2
  return 1
}

# ld.so only warns about a preload that is not there, and every comparison would then hold of itself.
need_shims() {
  local lib
  for lib in "$SHIM" "$DEBUG_SHIM"; do
    [ -f "$lib" ] || fail "$lib is missing: run make all debug" || return 1
  done
}

# The limit is for deadlocks only; timeout itself runs without the preload.
off() { timeout -k 5 120 "$@"; }
on() { timeout -k 5 120 env LD_PRELOAD="$SHIM" HAKMEM_PAGE_ARENA_ENABLE=1 "$@"; }
on_debug() { timeout -k 5 120 env LD_PRELOAD="$DEBUG_SHIM" HAKMEM_PAGE_ARENA_ENABLE=1 "$@"; }

# record NAME off|on|on_debug CMD...: runs CMD in an empty directory of its own and keeps stdout, stderr and the status in
# $BATS_TEST_TMPDIR/NAME.{out,err,status}.
record() {
  local base=$BATS_TEST_TMPDIR/$1 way=$2 status=0
  shift 2
  mkdir "$base.dir"
  (cd "$base.dir" && "$way" "$@") >"$base.out" 2>"$base.err" </dev/null || status=$?
  echo "$status" >"$base.status"
}

# same NAME NAME SUFFIX...: what two runs left behind is equal.
same() {
  local a=$BATS_TEST_TMPDIR/$1 b=$BATS_TEST_TMPDIR/$2 suffix differs=0
  shift 2
  for suffix; do
    diff -u --label "off: $suffix" --label "on: $suffix" "$a.$suffix" "$b.$suffix" >&2 || differs=1
  done
  return $differs
}

# same_output CMD...: CMD prints the same, on both streams, and leaves with the same status off and on. That the arena
# was really on is seen from the statistics file that some process of the run must have left.
same_output() {
  local stats=$BATS_TEST_TMPDIR/stats
  mkdir "$stats"
  record off off "$@"
  HAKMEM_PAGE_ARENA_STATS=$stats/%p.json record on on "$@"
  same off on status err out || return 1
  [ -n "$(ls "$stats")" ] || fail "no process left statistics: the arena was not on"
}

# The same for the debug build, which checks its invariants and logs to stderr, so that stderr is not compared.
same_output_debug() {
  record off off "$@"
  record on on_debug "$@"
  same off on status out || { cat "$BATS_TEST_TMPDIR/on.err" >&2 && return 1; }
  grep -q '^\[PageArena-INIT\]' "$BATS_TEST_TMPDIR/on.err" || fail "no [PageArena-INIT] line: the arena was not on"
}

# The smallest caches and region: spans are evicted all the time, and the region overflows into the kernel.
on_tiny() {
  HAKMEM_PAGE_ARENA_HOT_SIZE=64 HAKMEM_PAGE_ARENA_WARM_64K=16 HAKMEM_PAGE_ARENA_WARM_128K=8 HAKMEM_PAGE_ARENA_WARM_2M=4 \
    HAKMEM_PAGE_ARENA_REGION=64M HAKMEM_PAGE_ARENA_MAX_SPAN=1G on "$@"
}
on_guard() { HAKMEM_PAGE_ARENA_GUARD=1 on "$@"; }

# The malloc front taking all that it can take, and nothing.
on_least() { HAKMEM_PAGE_ARENA_MALLOC_MIN=4096 on "$@"; }
on_guard_least() { HAKMEM_PAGE_ARENA_MALLOC_MIN=4096 on_guard "$@"; }
on_debug_least() { HAKMEM_PAGE_ARENA_MALLOC_MIN=4096 on_debug "$@"; }
on_tiny_least() { HAKMEM_PAGE_ARENA_MALLOC_MIN=4096 on_tiny "$@"; }
on_no_malloc() { HAKMEM_PAGE_ARENA_MALLOC=0 on "$@"; }

ways='on on_guard on_debug on_tiny'

# as_without CMD...: CMD leaves with $expected_status (0) without the preload, and then prints the same and leaves with the
# same status in each of $ways of being on. The debug build logs to stderr.
as_without() {
  local way streams differs=0
  record off off "$@"
  [ "$(cat "$BATS_TEST_TMPDIR/off.status")" -eq "${expected_status:-0}" ] ||
    fail "without the preload: status $(cat "$BATS_TEST_TMPDIR/off.status")" "$(tail "$BATS_TEST_TMPDIR"/off.{out,err})" || return 1
  for way in $ways; do
    record "$way" "$way" "$@"
    streams='status out err'
    [[ $way != on_debug* ]] || streams='status out'
    # shellcheck disable=SC2086 # a list
    same off "$way" $streams || { echo "differs: $way" "$(tail -n 3 "$BATS_TEST_TMPDIR/$way.err")" >&2 && differs=1; }
  done
  return $differs
}

# before_ours LIB CMD..., after_ours LIB CMD...: as_without, with LIB preloaded as well.
# shellcheck disable=SC2016 # for the inner shell
before_ours() { as_without sh -c 'LD_PRELOAD="$0:$LD_PRELOAD" exec "$@"' "$@"; }
# shellcheck disable=SC2016
after_ours() { as_without sh -c 'LD_PRELOAD="$LD_PRELOAD:$0" exec "$@"' "$@"; }

# library NAME: builds the program test/progs/NAME.c as a shared library, and prints its path.
library() {
  gcc -std=gnu11 -D_GNU_SOURCE -O2 -shared -fPIC -o "$BATS_TEST_TMPDIR/lib$1.so" "$ROOT/test/progs/$1.c" -ldl
  echo "$BATS_TEST_TMPDIR/lib$1.so"
}

# measure off|on CMD...: sets faults (minor, of the whole process tree) and peak_kb (of its largest process).
# /usr/bin/time reads them with wait4 and is not preloaded itself.
measure() {
  local result=$BATS_TEST_TMPDIR/measured way=$1
  shift
  case $way in
    off) /usr/bin/time -q -o "$result" -f '%R %M' "$@" >/dev/null ;;
    on) /usr/bin/time -q -o "$result" -f '%R %M' env LD_PRELOAD="$SHIM" HAKMEM_PAGE_ARENA_ENABLE=1 "$@" >/dev/null ;;
  esac || return 1
  # shellcheck disable=SC2034 # for the callers
  read -r faults peak_kb <"$result"
}
