#!/usr/bin/env bats
# The contract with mmap(2) (design, section 7): one program (test/progs) for each behaviour. It checks contents by
# itself and prints results and errno names; those must be the kernel's, that is, those of the run without the preload.

load helpers

PROGS=$ROOT/build/test/progs

setup_file() {
  need_shims
  [ -x "$PROGS/served" ] || fail "$PROGS is missing: run make tests"
}

contract() { as_without "$PROGS/$1" "${@:2}"; }

@test "memory that comes back reads zero, at every size" { contract zero_on_reuse; }
@test "mapped memory: what the kernel refuses" { contract errors; }
@test "unmapped memory: what the kernel refuses" { contract errors_on_holes; }
@test "success leaves errno alone" { contract errno_kept; }
@test "mmap: every flag" { contract flags; }
@test "mmap: reservations, trimming, hints" { contract reservation; }
@test "mmap: a reservation that two threads open" { contract reservation_threads; }

@test "munmap: parts of a span" { contract unmap_parts; }
@test "munmap: across spans" { contract unmap_neighbours; }
@test "munmap: twice, overhanging" { contract unmap_twice; }
@test "munmap: everything there is" { contract unmap_everything; }

@test "MAP_FIXED: over live, unmapped and mixed pages" { contract fixed_over; }
@test "MAP_FIXED: over many spans, and far away" { contract fixed_beyond; }
@test "MAP_FIXED: failing" { contract fixed_fails; }
@test "MAP_FIXED: one with its neighbours" { contract fixed_joins; }
@test "MAP_FIXED_NOREPLACE" { contract fixed_noreplace; }

@test "mprotect, then reuse" { contract protect; }
@test "calls on ranges with holes" { contract holes; }
@test "MADV_DONTNEED and MADV_FREE" { contract discard; }
@test "lasting advice, then reuse and fork" { contract lasting_advice; }
@test "mlock, then reuse" { contract lock_memory; }
@test "mlockall" { contract lock_all; }

@test "mremap: shrinking" { contract remap_shrink; }
@test "mremap: growing" { contract remap_grow; }
@test "mremap: growing in place" { contract remap_in_place; }
@test "mremap: odd memory" { contract remap_odd; }
@test "mremap: large memory, time and again" { contract remap_again; }
@test "mremap: to a fixed place" { contract remap_fixed; }
@test "mremap: MREMAP_DONTUNMAP" { contract remap_dontunmap; }
# Calls 1 and 2 are about all of it, 3 moves a half, 4 to 7 fail to move the rest; from 8 on that half goes back, or not.
half_way() { after_ours "$(library remap_half_way)" "$PROGS/remap_half_way" "$@"; }
@test "mremap: in pieces, failing half-way" { MREMAP_FAILS=0x7b half_way fixed back; }
@test "mremap: in pieces, failing half-way and on the way back" { MREMAP_FAILS=0xffffb half_way fixed; }
@test "mremap: in pieces, to anywhere, failing half-way" { MREMAP_FAILS=0x7b half_way anywhere back; }
@test "mremap: in pieces, to anywhere, by an older kernel" { MREMAP_OLD=1 MREMAP_FAILS=0x7b half_way anywhere; }
@test "mremap: old_size 0" { contract remap_duplicate; }
@test "mremap: what the kernel refuses" { contract remap_errors; }
@test "remap_file_pages" { contract remap_pages; }

@test "vmsplice keeps what was given" { contract pipe_keeps; }
@test "MSG_ZEROCOPY keeps what was sent" { contract zero_copy; }

@test "fork: what is under MADV_DONTFORK is a hole in the child" { contract fork_unforked; }
@test "fork: both sides" { contract fork_contents; }
@test "fork: other threads at full speed" { contract fork_threads; }
@test "_Fork and raw clone" { contract fork_raw; }
@test "vfork, posix_spawn, system, popen, exec" { expected_status=7 contract spawn; }

@test "signals: a storm" { contract signal_storm; }
@test "signals: between threads" { contract signal_threads; }
@test "signals: a handler that forks" { contract signal_fork; }
@test "signals: a handler that jumps out" { contract signal_jump; }
@test "signals: MAP_FIXED after a handler has jumped out" { contract signal_jump over; }

@test "threads: memory handed over" { contract thread_handover; }
@test "threads: MAP_FIXED, mprotect and mremap beside others" { contract thread_fixed; }
@test "threads: destructors" { contract thread_destructors; }
@test "threads: asynchronous cancellation" { contract thread_cancel; }

@test "constructors, atexit and destructors" { contract exit_handlers; }
@test "dlopen and dlclose" { contract load_libraries; }

@test "before the constructor: a library that the program needs" {
  local lib
  lib=$(library constructor)
  gcc -std=gnu11 -D_GNU_SOURCE -O2 -o "$BATS_TEST_TMPDIR/early" "$ROOT/test/progs/constructor.c" -Wl,--no-as-needed "$lib"
  as_without "$BATS_TEST_TMPDIR/early"
}

@test "before the constructor: a preload before ours" { before_ours "$(library constructor)" "$PROGS/constructor"; }
@test "before the constructor: a preload after ours" { after_ours "$(library constructor)" "$PROGS/constructor"; }
@test "a program with its own mmap and dlsym" { contract interposer; }
@test "a program with its own mmap, by syscall(2)" { contract hook_syscall; }
@test "a preload with its own mmap, by syscall(2), before ours" { before_ours "$(library hook_syscall)" "$PROGS/unmap_parts"; }
@test "a preload with its own mmap, by syscall(2), after ours" { after_ours "$(library hook_syscall)" "$PROGS/fixed_over"; }
@test "a preload with its own mmap and dlsym, before ours" { before_ours "$(library interposer)" "$PROGS/constructor"; }
@test "a preload with its own mmap and dlsym, after ours" { after_ours "$(library interposer)" "$PROGS/constructor"; }

@test "bounds: resident memory" { contract memory_bound; }
@test "bounds: 2000 threads" { contract thread_memory; }
@test "bounds: mappings" { contract mapping_count; }

@test "GUARD=1: unmapped memory faults" {
  record off off "$PROGS/use_after_unmap"
  record on on_guard "$PROGS/use_after_unmap"
  same off on status out err
}

# shellcheck disable=SC2016 # for the inner shell
@test "RLIMIT_AS: what fits without us fits" {
  as_without sh -c 'ulimit -v 1000000 && exec "$0" 400' "$PROGS/fits_limit"
}

# shellcheck disable=SC2016
@test "RLIMIT_DATA: what fits without us fits" {
  as_without sh -c 'ulimit -d 300000 && exec "$0" 200' "$PROGS/fits_limit"
}

# shellcheck disable=SC2016
@test "descriptors 0 to 2 closed" {
  expected_status=5 as_without sh -c 'exec 3>&1; exec >log; "$0" out <&- >&- 2>&- 3>&-; s=$?; cat out >&3; exit $s' \
    "$PROGS/closed_descriptors"
}

# ld.so drops preloads from set-id programs, so these are linked with the library.
@test "set-id programs: the knobs are ignored" {
  local dir=$BATS_TEST_TMPDIR/set-id user=nobody
  mkdir "$dir"
  cp "$SHIM" "$dir"
  gcc -std=gnu11 -D_GNU_SOURCE -O2 -o "$dir/plain" "$ROOT/test/progs/served.c" -Wl,--no-as-needed,-rpath,"$dir" \
    "$dir/libpagearena_shim.so"
  cp "$dir/plain" "$dir/gid"
  cp "$dir/plain" "$dir/uid"
  chgrp nogroup "$dir/gid"
  chown $user "$dir/uid"
  chmod g+s "$dir/gid"
  chmod u+s "$dir/uid"
  chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$BATS_TEST_TMPDIR" # for ld.so, as nobody

  export HAKMEM_PAGE_ARENA_ENABLE=1 HAKMEM_PAGE_ARENA_STATS=$dir/stats-%p HAKMEM_PAGE_ARENA_HOT_SIZE=nonsense
  run --separate-stderr "$dir/plain"
  [ "$status" -eq 0 ] && [ "$output" = served ] && [ -n "$stderr" ]
  rm "$dir"/stats-*
  local program
  for program in gid uid; do
    run --separate-stderr "$dir/$program"
    if [ "$status" -ne 0 ] || [ "$output" != 'not served' ] || [ -n "$stderr" ]; then
      fail "$program: status $status, '$output', '$stderr'"
    fi
  done
  run --separate-stderr setpriv --reuid=daemon --clear-groups "$dir/uid"
  [ "$status" -eq 0 ] && [ "$output" = 'not served' ] && [ -z "$stderr" ]
  run ls "$dir"
  [[ $output != *stats* ]]
}
