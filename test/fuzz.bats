#!/usr/bin/env bats
# Exactly mmap(2): sequences of memory calls give the same under the shim as against the kernel. A
# fixed seed and size for each configuration, about two minutes in all; `make soak` goes on for hours.

setup() {
  load helpers
  need_shims
  FUZZ=$ROOT/build/test/fuzz/pagefuzz
}

# same_as_the_kernel CONFIG OPS [OPTION...]
same_as_the_kernel() {
  local config=$1 ops=$2
  shift 2
  run timeout -k 5 600 "$FUZZ" --config "$config" --seed 1 --ops "$ops" --shrink 60 "$@"
  echo "$output"
  [ "$status" -eq 0 ] && [[ $output == *"$ops operations, "*": no difference" ]]
}

@test "calls, contents and protection are the kernel's" { same_as_the_kernel default 400000; }

@test "the same with unmapped memory out of reach" { same_as_the_kernel guard 400000; }

@test "the same with the smallest caches and region" { same_as_the_kernel tiny 300000; }

@test "the same with huge pages" { same_as_the_kernel thp 250000; }

@test "the same with spans of many megabytes" { same_as_the_kernel big 200000; }

@test "the same in forked children" { same_as_the_kernel fork 150000; }

@test "the same with four threads" { same_as_the_kernel threads 500000; }

@test "the same in the debug build, which checks its invariants" {
  same_as_the_kernel default 100000 --shim "$DEBUG_SHIM"
}

@test "the fuzzer finds faults that were put in" {
  run "$ROOT/scripts/mutants" dirty-called-clean unmap-one-more guard-open
  echo "$output"
  [ "$status" -eq 0 ] && [[ $output == *"3 mutants, 0 not found" ]]
}
