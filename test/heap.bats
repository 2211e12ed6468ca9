#!/usr/bin/env bats
# The malloc front (design, section 8): one program (test/progs/heap_*) for each behaviour. It checks contents, and who
# serves, by itself, and prints results and errno names; those must be glibc's, that is, those of the run without the preload.

load helpers

PROGS=$ROOT/build/test/progs
# shellcheck disable=SC2034 # for as_without
ways='on on_least on_guard_least on_debug_least on_tiny on_tiny_least on_no_malloc'

setup_file() {
  need_shims
  [ -x "$PROGS/heap_malloc" ] || fail "$PROGS is missing: run make tests"
}

heap() { as_without "$PROGS/heap_$1" "${@:2}"; }

@test "which blocks are served" { heap served; }

@test "malloc: every size, too large ones" { heap malloc; }
@test "calloc: zero, products that overflow" { heap calloc; }
@test "realloc: from every size to every other" { heap realloc; }
@test "realloc and reallocarray: a failure leaves the block" { heap realloc_fails; }
@test "aligned blocks: 8 bytes to 4 MB" { heap aligned; }
@test "aligned blocks: what glibc refuses" { heap aligned_bad; }
@test "malloc_usable_size" { heap usable; }
@test "malloc_trim, mallinfo2, mallopt, malloc_info" { heap trim; }
@test "errno" { heap errno; }
@test "blocks that libc allocates" { heap libc; }
@test "blocks protected, advised, locked, mapped over" { heap advice; }
@test "C++: new and delete" {
  g++ -std=c++17 -O2 -Wall -o "$BATS_TEST_TMPDIR/new" "$ROOT/test/progs/heap_new.cc" -pthread
  as_without "$BATS_TEST_TMPDIR/new"
}

@test "threads: blocks freed by another" { heap handover; }
@test "threads: destructors" { heap thread_exit; }
@test "fork: other threads at full speed" { heap fork; }
@test "signals: a handler that allocates" { heap signal; }

@test "constructors, atexit and destructors" { heap exit; }
@test "destructors of a preload before ours" { before_ours "$(library heap_exit)" "$PROGS/heap_exit"; }
@test "destructors of a preload after ours" { after_ours "$(library heap_exit)" "$PROGS/heap_exit"; }
@test "before the constructor: a library that the program needs" {
  local lib
  lib=$(library heap_constructor)
  gcc -std=gnu11 -D_GNU_SOURCE -O2 -o "$BATS_TEST_TMPDIR/early" "$ROOT/test/progs/heap_constructor.c" \
    -Wl,--no-as-needed "$lib"
  as_without "$BATS_TEST_TMPDIR/early"
}
@test "before the constructor: a preload before ours" {
  before_ours "$(library heap_constructor)" "$PROGS/heap_constructor"
}
@test "before the constructor: a preload after ours" {
  after_ours "$(library heap_constructor)" "$PROGS/heap_constructor"
}

@test "bounds: 2000 threads" { heap threads; }
# With GUARD=1 every free block is a mapping of its own.
@test "bounds: 40 000 live blocks" { ways=${ways/on_guard_least/} heap many; }
