#!/usr/bin/env bats
# A signal at the instructions of mmap and munmap themselves. Every 1499th here, which takes seconds;
# build/test/progs/signal_each_instruction STRIDE tries them more closely (1: all, for hours).

setup() {
  load helpers
  need_shims
}

@test "a handler that maps, forks or jumps out, between any two instructions" {
  same_output "$ROOT/build/test/progs/signal_each_instruction" 1499
}
