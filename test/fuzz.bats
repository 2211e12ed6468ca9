#!/usr/bin/env bats
# Exactly mmap(2): sequences of memory calls give the same under the shim as against the kernel. A
# fixed seed and size for each configuration, about two minutes in all; `make soak` goes on for hours.
# And malloc(3): sequences of its calls, mixed with those, break nothing that a shadow heap knows of.

setup() {
  load helpers
  need_shims
  FUZZ=$ROOT/build/test/fuzz/pagefuzz
  HEAPFUZZ=$ROOT/build/test/fuzz/heapfuzz
}

# same_as_the_kernel CONFIG OPS [OPTION...]
same_as_the_kernel() {
  local config=$1 ops=$2
  shift 2
  run timeout -k 5 600 "$FUZZ" --config "$config" --seed 1 --ops "$ops" --shrink 60 "$@"
  echo "$output"
  [ "$status" -eq 0 ] && [[ $output == *"$ops operations, "*": no difference" ]]
}

# heap_holds CONFIG OPS [OPTION...]
heap_holds() {
  local config=$1 ops=$2
  shift 2
  run timeout -k 5 600 "$HEAPFUZZ" --config "$config" --seed 1 --ops "$ops" --shrink 60 "$@"
  echo "$output"
  [ "$status" -eq 0 ] && [[ $output == *"$ops operations, "*": nothing wrong" ]]
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

@test "blocks of the heap are whole, apart and as asked for" { heap_holds default 1500000; }

@test "the heap's with unmapped memory out of reach" { heap_holds guard 500000; }

@test "the heap's with the smallest caches and region" { heap_holds tiny 500000; }

@test "the heap's with blocks from 4 KB up" { heap_holds min4k 1000000; }

@test "the heap's with four threads that free each other's" { heap_holds threads 700000; }

@test "the heap's with next to nothing kept, and nothing lost" { heap_holds scarce 1000000; }

@test "the heap's with two threads of which one is alone at work" { heap_holds handover 700000; }

@test "the heap's in forked children" { heap_holds fork 300000; }

@test "the heap's in the debug build" { heap_holds default 200000 --shim "$DEBUG_SHIM"; }

@test "the heap's without the shim: the fuzzer raises no false alarm" { heap_holds off 200000; }

@test "the fuzzer finds faults that were put in" {
  run "$ROOT/scripts/mutants" dirty-called-clean unmap-one-more guard-open
  echo "$output"
  [ "$status" -eq 0 ] && [[ $output == *"3 mutants, 0 not found" ]]
}
