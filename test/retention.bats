#!/usr/bin/env bats
# How much stays resident, and how long: the budget, DECAY_MS, BACKGROUND, and what huge pages add.
# shellcheck disable=SC2030,SC2031 # every test is a subshell, and meant to be
# shellcheck disable=SC2154 # measure sets faults and peak_kb

load helpers

setup_file() { need_shims; }

BURST=$ROOT/build/test/progs/burst
PYTHON=/usr/bin/python3

# all_goes CMD...: 512 MB were there, no more than the budget of 164 MB and a little stays at first, and next to nothing
# in the end.
all_goes() {
  local peak after end
  read -r peak after end < <(on "$@")
  if [ "$peak" -ge 512 ] && [ "$after" -le $((164 + 16)) ] && [ "$end" -le 16 ]; then return; fi
  fail "$*: resident at the peak $peak MB, after it $after, in the end $end"
}

@test "with some calls, all goes within DECAY_MS" {
  export HAKMEM_PAGE_ARENA_DECAY_MS=1000
  for kb in 4 64 2048 16384; do all_goes "$BURST" "$kb" 1500 calls map; done
  for kb in 20 300 2048; do all_goes "$BURST" "$kb" 1500 calls malloc; done
}

@test "with BACKGROUND=1 it goes without any call" {
  export HAKMEM_PAGE_ARENA_DECAY_MS=1000 HAKMEM_PAGE_ARENA_BACKGROUND=1
  for kb in 64 2048 16384; do all_goes "$BURST" "$kb" 2000 idle map; done
  all_goes "$BURST" 300 2000 idle malloc
}

@test "DECAY_MS=-1: it stays" {
  local peak after end
  read -r peak after end < <(HAKMEM_PAGE_ARENA_DECAY_MS=-1 on "$BURST" 64 500 calls map)
  [ "$end" -ge $((after - 2)) ] || fail "after the burst $after MB, in the end $end"
}

@test "DECAY_MS=0: nothing is retained" {
  local peak after end
  for kb in 4 64 2048 16384; do
    read -r peak after end < <(HAKMEM_PAGE_ARENA_DECAY_MS=0 on "$BURST" "$kb" 0 calls map)
    [ "$after" -le 8 ] || fail "$kb KB: after the burst $after MB"
  done
}

@test "BACKGROUND=1: the child of a fork has no thread, its parent keeps its own" {
  HAKMEM_PAGE_ARENA_DECAY_MS=1000 HAKMEM_PAGE_ARENA_BACKGROUND=1 run -0 on "$ROOT/build/test/progs/fork_idle"
  [ "$output" = "$(printf 'child: much\nparent: little')" ] || fail "$output"
}

@test "BACKGROUND=1: the process ends with its last thread, and its exit handlers run there" {
  export HAKMEM_PAGE_ARENA_BACKGROUND=1
  same_output "$ROOT/build/test/progs/last_thread"
}

@test "BACKGROUND=1: the process ends when its threads end without exit handlers" {
  record off off "$ROOT/build/test/progs/raw_exit"
  HAKMEM_PAGE_ARENA_BACKGROUND=1 record on on timeout 30 "$ROOT/build/test/progs/raw_exit"
  same off on status out err
}

@test "BACKGROUND=1: a program that maps under the lock of its own malloc" {
  export HAKMEM_PAGE_ARENA_BACKGROUND=1
  record off off "$ROOT/build/test/progs/own_malloc"
  record on on timeout -s KILL 60 "$ROOT/build/test/progs/own_malloc"
  same off on status out err
}

@test "BACKGROUND=1: the thread takes no descriptor" {
  HAKMEM_PAGE_ARENA_DECAY_MS=2000 HAKMEM_PAGE_ARENA_BACKGROUND=1 run -0 on "$ROOT/build/test/progs/opens_nothing"
  [ "$output" = 'before: much, after: little' ] || fail "$output"
}

@test "BACKGROUND=1: what is freed after a rest goes as well" {
  HAKMEM_PAGE_ARENA_DECAY_MS=300 HAKMEM_PAGE_ARENA_BACKGROUND=1 run -0 on "$ROOT/build/test/progs/free_after_rest"
  [ "$output" = little ] || fail "$output"
}

# threads_are MS LINES [ARGUMENT]: what threads_made prints with this DECAY_MS.
threads_are() {
  HAKMEM_PAGE_ARENA_DECAY_MS=$1 run -0 on "$ROOT/build/test/progs/threads_made" "${@:3}"
  [ "$output" = "$2" ] || fail "DECAY_MS=$1: $output"
}

@test "BACKGROUND=1: the thread is made at the start, and sleeps; none where nothing decays" {
  export HAKMEM_PAGE_ARENA_BACKGROUND=1
  threads_are 1 $'start: 2\nafter use: 2\nchild: 1\nchild, after use: 1'
  threads_are 1000 $'start: 2\nafter use: 2\nchild: 1\nchild, after use: 1'
  threads_are 0 $'start: 1\nafter use: 1\nchild: 1\nchild, after use: 1'
  threads_are -1 $'start: 1\nafter use: 1\nchild: 1\nchild, after use: 1'
}

@test "BACKGROUND=1: where no thread can be made there is none, and errno is kept" {
  export HAKMEM_PAGE_ARENA_BACKGROUND=1
  threads_are 1000 $'start: 1\nafter use: 1' forbidden
}

@test "BACKGROUND=1 changes no output" {
  export HAKMEM_PAGE_ARENA_BACKGROUND=1 HAKMEM_PAGE_ARENA_DECAY_MS=5
  same_output $PYTHON "$WORK/digest/python.py"
}

# huge_pages_add CMD...: no more than 4 MB or a twentieth, whichever is larger, over the peak with THP=never.
# Those of threads differ by up to 0.7 MB from run to run: the largest of five is what they may have.
huge_pages_add() {
  local never_kb=0 most
  for _ in 1 2 3 4 5; do
    HAKMEM_PAGE_ARENA_THP=never measure on "$@"
    ((never_kb >= peak_kb)) || never_kb=$peak_kb
  done
  most=$((never_kb / 20 > 4096 ? never_kb / 20 : 4096))
  measure on "$@"
  [ "$peak_kb" -le $((never_kb + most + 512)) ] || fail "$*: with THP=never $never_kb KB, with auto $peak_kb KB"
}

@test "huge pages add little to a peak" {
  huge_pages_add /bin/true
  huge_pages_add $PYTHON -c pass
  huge_pages_add $PYTHON "$WORK/churn/python.py"
  huge_pages_add php "$WORK/churn/php.php"
  huge_pages_add "$ROOT/build/test/progs/sparse" 8 2048
  huge_pages_add "$ROOT/build/test/progs/sparse" 64 2048
  huge_pages_add "$ROOT/build/test/progs/sparse" 64 1024
  huge_pages_add "$ROOT/build/test/progs/sparse" 8 16384
  huge_pages_add "$ROOT/build/test/progs/sparse" 64 2048 part
  huge_pages_add "$ROOT/build/test/progs/sparse" 64 2048 whole
  huge_pages_add "$ROOT/build/test/progs/sparse" 64 2048 stride
  huge_pages_add "$ROOT/build/test/progs/sparse" 64 2048 later
  huge_pages_add "$ROOT/build/test/progs/sparse" 8 16384 later
  huge_pages_add "$ROOT/build/test/progs/sparse" 64 2048 threads
  huge_pages_add "$ROOT/build/test/progs/sparse" 200 2048 split
  huge_pages_add "$ROOT/build/test/progs/sparse" 100 2048 stuck
}

@test "a limit that is set takes no memory" {
  measure off bash -c 'ulimit -v 8000000; :'
  local off_kb=$peak_kb
  measure on bash -c 'ulimit -v 8000000; :'
  [ "$peak_kb" -le $((off_kb + 2048)) ] || fail "off $off_kb KB, on $peak_kb KB"
}

@test "python3 building and dropping lists: huge pages take most of the faults that were left" {
  grep -qE '\[(madvise|always)\]' /sys/kernel/mm/transparent_hugepage/enabled || return 0
  HAKMEM_PAGE_ARENA_THP=never measure on $PYTHON "$WORK/churn/python.py"
  local never=$faults
  measure on $PYTHON "$WORK/churn/python.py"
  [ $((faults * 2)) -le "$never" ] || fail "faults: with THP=never $never, with auto $faults"
}

@test "page_arena_purge: it goes at once" {
  local before after
  read -r before after < <(HAKMEM_PAGE_ARENA_DECAY_MS=-1 on $PYTHON - <<'EOF'
import ctypes, mmap

def resident_mb():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) // 256

for memory in [mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(100)]:
    memory.write(b"x" * (1 << 20))
    memory.close()
before = resident_mb()
ctypes.CDLL(None).page_arena_purge()
print(before, resident_mb())
EOF
  )
  [ $((before - after)) -ge 90 ] || fail "resident: before $before MB, after $after MB"
}
