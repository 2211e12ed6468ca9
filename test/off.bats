#!/usr/bin/env bats
# Off means off: preloaded, but with ENABLE unset or 0, a program makes the memory system calls of the plain program, in
# the same order.
#
# What is compared: the traces of strace -e trace=memory, process by process, without the loading of the library itself.
# Loading is recognised in the trace rather than subtracted as a constant, so that nothing can hide in it:
# - ld.so's first mmap of libpagearena_shim.so gives the library's addresses; calls on those (its segments, its .bss, the mprotect
#   of its relocated data) are left out;
# - so are, off and on alike, the anonymous maps of up to 12 KB that ld.so makes for its own tables, from execve to the
#   munmap of ld.so.cache, because one library more shifts them. No constructor has run by then.
# Addresses are masked. The plain run has variables of the same number and length in its environment. CPython runs with
# PYTHONMALLOC=malloc: how many arenas its own allocator maps depends on how addresses are aligned, so on ASLR.

load helpers

setup_file() { need_shims; }

# trace FILTER VAR=VALUE... -- CMD...: prints the normalised trace of CMD, of all its processes in the order of their pids.
trace() {
  local filter=$1 dir vars=()
  shift
  while [ "$1" != -- ]; do
    vars+=(-E "$1")
    shift
  done
  shift
  dir=$(mktemp -d -p "$BATS_TEST_TMPDIR")
  strace -ff -y -o "$dir/pid" -e "$filter" "${vars[@]}" "$@" </dev/null >/dev/null || return 1
  # shellcheck disable=SC2016 # perl's variables
  find "$dir" -name 'pid.*' | sort -V | xargs perl -ne '
    no warnings "portable";
    if (/^execve\(/) { ($loading, $cache, $low, $high) = (1, "", 0, 0); next }
    if (/^mmap\(NULL, (\d+), .*libpagearena_shim\.so>.* = (0x[0-9a-f]+)$/) { ($low, $high) = (hex $2, $1 + hex $2) }
    next if /libpagearena_shim\.so/ || /^(\+\+\+|---)/ || /^\w+\((0x[0-9a-f]+)/ && hex $1 >= $low && hex $1 < $high;
    $cache = $1 if m{^mmap\(NULL, .*/etc/ld\.so\.cache>.* = (0x[0-9a-f]+)};
    $loading = 0 if $cache && /^munmap\($cache,/;
    next if $loading && /^mmap\(NULL, (8192|12288), PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS/;
    s/^(set_tid_address.* = )\d+/$1PID/;
    s/0x[0-9a-f]+/ADDRESS/g;
    s/"[^"]*"(\.\.\.)?/TEXT/g; # random bytes, and the names of temporary files
    s/\d+<[^>]*>/FILE/g;
    s/ +/ /g;
    print'
}

# same_calls FILTER CMD...: the plain trace equals the preloaded one, with ENABLE unset and with ENABLE=0.
same_calls() {
  local filter=$1 t=$BATS_TEST_TMPDIR
  shift
  trace "$filter" "LD_PRELOAX=$SHIM" -- "$@" >"$t/plain" || return 1
  [ -s "$t/plain" ] || fail "strace saw nothing" || return 1
  trace "$filter" "LD_PRELOAD=$SHIM" -- "$@" >"$t/unset" || return 1
  diff -U2 "$t/plain" "$t/unset" >&2 || fail "differs with ENABLE unset" || return 1
  trace "$filter" "LD_PRELOAX=$SHIM" HAKMEM_PAGE_ARENA_ENABLX=0 HAKMEM_PAGE_ARENA_STATX=1 -- "$@" >"$t/plain" || return 1
  trace "$filter" "LD_PRELOAD=$SHIM" HAKMEM_PAGE_ARENA_ENABLE=0 HAKMEM_PAGE_ARENA_STATS=1 -- "$@" >"$t/zero" || return 1
  diff -U2 "$t/plain" "$t/zero" >&2 || fail "differs with ENABLE=0"
}

@test "python3: lists, a file, an anonymous map that moves, a child" {
  same_calls trace=memory,execve env PYTHONMALLOC=malloc /usr/bin/python3 -c '
import mmap, subprocess
for i in range(3):
    x = [[j] * 8 for j in range(50000)]
    del x
with mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as m:
    m.resize(8 << 20)
    m.madvise(mmap.MADV_DONTNEED)
b = [bytearray(n << 14) for n in range(100)]
subprocess.run(["/bin/sh", "-c", "/bin/echo hi"])'
}

@test "perl: strings, hashes, a forked child" {
  # shellcheck disable=SC2016 # perl's variables
  same_calls trace=memory,execve perl -e 'my %h = map { ($_ => "x" x $_) } 1 .. 3000; if (fork) { wait } else { my @a = (1) x 1e6 }'
}

@test "sqlite3: 30 000 rows" {
  same_calls trace=memory,execve sqlite3 :memory: 'create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n
    where i < 30000) insert into t select i, hex(zeroblob(i % 300)) from n; select count(*), max(b) from (select a, b from t order by b)'
}

@test "a shell with a pipeline of small programs" {
  same_calls trace=memory,execve sh -c 'seq 30000; seq 1000 | sort -n >/dev/null'
}

@test "not one system call of any kind more than loading takes" {
  same_calls trace=all /bin/echo hi
}
