#!/usr/bin/env bats
# Debian's stress-ng verifies the same under the shim, with GUARD=0 and GUARD=1, as without it. Each stressor does a
# fixed number of operations, a second's worth or so, with buffers small enough for the arena to serve (MAX_SPAN). One
# that this kernel or container does not let pass is named in the output, and has then to end under the shim in the same
# way.

load helpers

setup_file() { need_shims; }

# Named on TAP's own stream, for which a test that passes has no other voice.
note() { printf '# stress-ng %s\n' "$@" >&3; }

# verify NAME WAY STRESSOR OPTION...: keeps, besides what record keeps, in NAME.verdict what stress-ng found wrong,
# without the numbers that differ from run to run. EXTRA is preloaded as well.
verify() {
  local base=$BATS_TEST_TMPDIR/$1 extra=${EXTRA-}
  if [ "$2" = on ]; then extra=$SHIM${extra:+:$extra}; fi
  record "$1" "$2" env LD_PRELOAD="$extra" stress-ng --verify --seed 1 "--$3" 1 "${@:4}"
  cat "$base.out" "$base.err" | grep -E '^stress-ng: (fail|error):|skip' | sed -E 's/\[[0-9]+\] *//; s/0x[0-9a-f]+/0x/g' |
    sort -u >"$base.verdict" || true
}

# same_verdict STRESSOR OPTION...: passes on where it passes off; else ends on with the status that it had off.
same_verdict() {
  local base=$BATS_TEST_TMPDIR guard
  mkdir "$base/stats"
  verify off off "$@"
  if [ "$(cat "$base/off.status")" -ne 0 ] || [ -s "$base/off.verdict" ]; then
    note "$1 does not pass without the shim: status $(cat "$base/off.status"), $(head -n 1 "$base/off.verdict")"
  fi
  for guard in 0 1; do
    HAKMEM_PAGE_ARENA_GUARD=$guard HAKMEM_PAGE_ARENA_STATS=$base/stats/$guard.%p verify "on$guard" on "$@"
    same off "on$guard" status verdict || { tail -n 30 "$base/on$guard".{out,err} >&2 && fail "with GUARD=$guard"; } || return 1
    grep -qs '"total_allocs": [1-9]' "$base/stats/$guard".* || fail "GUARD=$guard: no arena served a process" || return 1
  done
}

# own_maps off|on STRESSOR OPTION...: prints how many fresh private mappings the kernel gave the stressor's own processes,
# which leave no statistics.
own_maps() {
  local trace=$BATS_TEST_TMPDIR/$1.trace env=(-E LD_PRELOAD=)
  if [ "$1" = on ]; then env=(-E "LD_PRELOAD=$SHIM" -E HAKMEM_PAGE_ARENA_ENABLE=1); fi
  off strace -f -qq -e trace=mmap -o "$trace" "${env[@]}" stress-ng --seed 1 "--$2" 1 "${@:3}" >/dev/null 2>&1 || return 1
  awk 'NR == 1 { main = $1 }
       $1 != main && /mmap\(NULL, [0-9]+, PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, / { maps++ }
       END { print maps + 0 }' "$trace"
}

@test "the arena serves the stressors' own processes" {
  local stressor off on
  for stressor in "mmapmany --mmapmany-ops 1000" "mremap --mremap-ops 40 --mremap-bytes 4M" "vm --vm-ops 40000 --vm-bytes 4M"; do
    # shellcheck disable=SC2086 # options
    off=$(own_maps off $stressor) on=$(own_maps on $stressor)
    [ "$off" -ge 20 ] || fail "$stressor: only $off mappings to begin with"
    [ $((on * 10)) -le "$off" ] || fail "$stressor: $off mappings off, $on on"
  done
}

@test "mmap" { same_verdict mmap --mmap-ops 6 --mmap-bytes 8M --mmap-mprotect; }
@test "mmapaddr" { same_verdict mmapaddr --mmapaddr-ops 20000; }
@test "mmapfixed" { same_verdict mmapfixed --mmapfixed-ops 15; }

# Each of its rounds takes half of the free memory, which no option bounds.
@test "mmapfork" {
  EXTRA=$BATS_TEST_TMPDIR/little_memory.so
  gcc -shared -fPIC -o "$EXTRA" "$WORK/little_memory.c"
  same_verdict mmapfork --mmapfork-ops 4
}

@test "mmapmany" { same_verdict mmapmany --mmapmany-ops 30000; }
@test "mremap" { same_verdict mremap --mremap-ops 25 --mremap-bytes 16M; }
@test "mprotect" { same_verdict mprotect --mprotect-ops 100000; }
@test "madvise" { same_verdict madvise --madvise-ops 12; }
@test "munmap" { same_verdict munmap --munmap-ops 20000; }
@test "mlock" { same_verdict mlock --mlock-ops 10000; }

# Pathological only where it may lock all of memory: each of its processes locks what the limit allows.
@test "mlockmany" {
  ulimit -l 8192
  same_verdict mlockmany --pathological --mlockmany-procs 2 --mlockmany-ops 300
}

@test "mincore" { same_verdict mincore --mincore-ops 600; }
@test "msync" { same_verdict msync --msync-ops 1000 --msync-bytes 8M; }

# So many that each of its methods has its turn.
@test "vm" { same_verdict vm --vm-ops 100000 --vm-bytes 4M; }

@test "vm-addr" { same_verdict vm-addr --vm-addr-ops 40; }
@test "vm-segv" { same_verdict vm-segv --vm-segv-ops 600; }
@test "vm-splice" { same_verdict vm-splice --vm-splice-ops 50000; }
@test "fork" { same_verdict fork --fork-ops 1000; }
@test "vfork" { same_verdict vfork --vfork-ops 3000; }
@test "clone" { same_verdict clone --clone-ops 80 --clone-max 16; }
@test "userfaultfd" { same_verdict userfaultfd --userfaultfd-ops 50000 --userfaultfd-bytes 16M; }
@test "pkey" { same_verdict pkey --pkey-ops 30000; }
@test "remap" { same_verdict remap --remap-ops 20; }
@test "shm" { same_verdict shm --shm-ops 40 --shm-bytes 4M; }
@test "zero" { same_verdict zero --zero-ops 10000; }
@test "bigheap" { same_verdict bigheap --bigheap-ops 10000; }
@test "brk" { same_verdict brk --brk-ops 100000; }
@test "stack" { same_verdict stack --stack-ops 1; }
@test "stackmmap" { same_verdict stackmmap --stackmmap-ops 20; }
