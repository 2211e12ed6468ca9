#!/usr/bin/env bats
# GUARD: who uses memory after unmapping it dies of it, as without the arena, and is told of it in one line. SCRUB: what was
# given back holds nothing any more.
# shellcheck disable=SC2154 # run sets stderr and stderr_lines

load helpers

PROGS=$ROOT/build/test/progs

setup_file() {
  need_shims
  [ -x "$PROGS/use_late" ] || fail "$PROGS/use_late is missing: run make tests"
}

# dies HOW: use_late HOW is killed by SIGSEGV with GUARD on; sets stderr, output.
dies() {
  ulimit -c 0
  run --separate-stderr on_guard "$PROGS/use_late" "$1"
  [ "$status" -eq 139 ] || fail "$1: status $status: $output $stderr"
}

# report HOW BYTES: it says who has used what, and who has unmapped it.
report() {
  dies "$1" || return 1
  local user where owner
  user=$(sed -nE 's/^used by ([0-9]+) at .*/\1/p' <<<"$output")
  where=$(sed -nE 's/^used by .* at (0x[0-9a-f]+)/\1/p' <<<"$output")
  owner=$(sed -nE 's/^unmapped by ([0-9]+)/\1/p' <<<"$output")
  [[ $stderr =~ ^"pagearena: thread $user uses $where, which thread ${owner:-$user} unmapped 0."[0-9]{3}" s ago, with $2 bytes from 0x"[0-9a-f]+$ ]] ||
    fail "$1: $stderr" "$output"
}

@test "a use after munmap, of all or a part, here or in another thread" {
  report map 81920
  report part 4096
  report thread 81920
}

@test "a use after free" { report malloc 81920; }

@test "a handler that passes on to what was there before" { report chained 81920; }

@test "other faults, and signals that were sent, say nothing" {
  dies null
  [ -z "$stderr" ] || fail "$stderr"
  dies raise
  [ -z "$stderr" ] || fail "$stderr"
}

@test "the program's own handler is the only one" {
  run --separate-stderr on_guard "$PROGS/use_late" kept
  [ "$status" -eq 0 ] || fail "status $status: $stderr"
  [[ $output == *"the program's own handler" ]] || fail "$output"
  [ -z "$stderr" ] || fail "$stderr"
}

@test "SIGSEGV that is ignored or blocked by the parent is left alone" {
  run --separate-stderr on_guard sh -c 'trap "" SEGV; exec /bin/cat /proc/self/status'
  [[ $((0x$(sed -n "s/^SigIgn:\t//p" <<<"$output") >> 10 & 1)) -eq 1 ]] || fail "not ignored any more: $output"
}

@test "without GUARD nothing is said, and SIGSEGV is as it was" {
  local way
  for way in on on_guard; do
    run --separate-stderr "$way" /bin/cat /proc/self/status
    local caught=$((0x$(sed -n "s/^SigCgt:\t//p" <<<"$output") >> 10 & 1))
    if [ "$way" = on ]; then [ "$caught" -eq 0 ]; else [ "$caught" -eq 1 ]; fi || fail "$way: $output"
  done
}

@test "SCRUB: what is unmapped, freed or moved is cleared at once" {
  local text
  HAKMEM_PAGE_ARENA_SCRUB=1 run on "$PROGS/scrubbed"
  [ "$status" -eq 0 ] || fail "$output"
  [ "$(grep -c gone <<<"$output")" -ge 40 ] || fail "$output"
  if grep kept <<<"$output"; then fail "kept"; fi
  # And that the test would see it.
  text=$(on "$PROGS/scrubbed")
  grep -q 'munmap of .*kept' <<<"$text" && grep -q 'free of .*kept' <<<"$text" || fail "nothing was ever kept: $text"
}

@test "SCRUB: the same output, and pages that were never touched stay untouched" {
  HAKMEM_PAGE_ARENA_SCRUB=1 same_output /usr/bin/python3 "$WORK/../matrix/python.py"
  cat >"$BATS_TEST_TMPDIR/sparse.py" <<'P'
import mmap, resource
for i in range(400):
    m = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    m[0] = 1
    m.close()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 60000)
P
  HAKMEM_PAGE_ARENA_SCRUB=1 run on /usr/bin/python3 "$BATS_TEST_TMPDIR/sparse.py"
  [ "$output" = True ] || fail "$output"
}
