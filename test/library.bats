#!/usr/bin/env bats
# The library alone, as the author of an allocator uses it: programs that include <page_arena.h> and are linked with
# build/libpagearena.a, without any preload.
# shellcheck disable=SC2030,SC2031 # every test is a subshell, and meant to be
# shellcheck disable=SC2154 # run sets stderr

load helpers

LIB=$ROOT/build/test/lib
TOTALS='schema pid allocated live cached retained region total_allocs total_frees mmap_calls'

setup_file() {
  local program
  for program in chunk_pool containers; do
    [ -x "$LIB/$program" ] || fail "$LIB/$program is missing: run make tests" || return 1
  done
}

# works PROGRAM ARG...: it ends well and its first line is `ok`.
works() {
  run --separate-stderr timeout -k 5 120 "$LIB/$1" "${@:2}"
  if [ "$status" -ne 0 ] || [ "${lines[0]}" != ok ]; then fail "$*: status $status: $output" "$stderr"; fi
}

# stat KEY: the value on the last run's stderr.
stat() { sed -n "s/^$1 \([0-9]*\)$/\1/p" <<<"$stderr"; }

faults() { sed -n 's/^minor_faults //p' <<<"$output"; }

@test "a chunk pool and a run allocator, one thread and four" {
  works chunk_pool arena 1
  works chunk_pool arena 4
}

@test "its statistics: the keys in their order, nothing live, everything within the bound" {
  works chunk_pool arena 4
  local size counter expected=$TOTALS
  for size in hot_4k warm_64k warm_128k warm_2m short; do
    for counter in hits misses frees evictions; do expected+=" $size.$counter"; done
  done
  [ "$(sed -n 's/^\([a-z0-9_.]*\) [0-9]*$/\1/p' <<<"$stderr" | paste -sd' ')" = "$expected" ] || fail "$stderr"
  [ "$(stat schema)" -eq 1 ]
  [ "$(stat live)" -eq 0 ]
  [ "$(stat mmap_calls)" -eq 0 ]
  [ "$(stat total_allocs)" -gt 4000 ]
  [ "$(stat warm_64k.hits)" -gt $((9 * $(stat warm_64k.misses))) ] || fail "$stderr"
  [ "$(stat retained)" -le $((164 << 20)) ]
  # All that may be cached is the run that the main thread frees last: the others' caches went with them.
  [ "$(stat cached)" -le $((2 << 20)) ] || fail "threads have left something behind: $stderr"
}

@test "far fewer page faults than on mmap" {
  local threads on_mmap
  for threads in 1 4; do
    works chunk_pool mmap $threads
    on_mmap=$(faults)
    works chunk_pool arena $threads
    # Four threads together come up to what may be retained, so that some of it goes back in between.
    [ $((5 * $(faults))) -lt "$on_mmap" ] || fail "$threads threads: $on_mmap faults on mmap, $(faults) on the arena"
  done
}

@test "the same with small bounds, guarded, in a small region, with none at all" {
  HAKMEM_PAGE_ARENA_HOT_SIZE=64 HAKMEM_PAGE_ARENA_WARM_64K=16 HAKMEM_PAGE_ARENA_WARM_2M=4 works chunk_pool arena 4
  [ "$(stat retained)" -le $((26 << 20)) ] || fail "$stderr"
  HAKMEM_PAGE_ARENA_GUARD=1 works chunk_pool arena 2
  HAKMEM_PAGE_ARENA_REGION=64M works chunk_pool arena 4
  [ "$(stat region)" -eq $((64 << 20)) ]
  [ "$(stat mmap_calls)" -gt 0 ] || fail "the region was large enough: $stderr"
  ulimit -v $((500 << 10))
  works chunk_pool arena 2
  [ "$(stat region)" -eq 0 ] || fail "$stderr"
}

@test "hot and warm caches alone, with no arena behind them" {
  works containers
}
