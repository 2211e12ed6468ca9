#!/usr/bin/env bats
# glibc's own tests of malloc, built from Debian's glibc-source with the support code that comes with them. They judge
# themselves; besides, each leaves with the same status and, where it prints no addresses and no statistics, prints the same,
# off and on.
#
# Not here, because it does not build outside glibc:
#   tst-compathooks-{off,on}, tst-mallocstate   need shlib-compat.h, and symbols that are no longer there to be linked with
#   tst-interpose-static-{nothread,thread}      are static: nothing can be preloaded
# because it is about no malloc of libc's:
#   tst-scratch_buffer, tst-dynarray*, tst-alloc_buffer, tst-obstack   glibc's own containers
# and because 2.36 has no such test: tst-aligned_alloc.

load helpers

DEBUG_MALLOC=/lib/x86_64-linux-gnu/libc_malloc_debug.so.0

# What the tests use of support/, and what they include of glibc's own headers.
SUPPORT='check ignore_stderr oom_error support-xstat support_capture_subprocess support_copy_file support_copy_file_range
support_paths support_record_failure support_shared_allocate support_subprocess support_test_compare_failure
support_test_main support_test_verify_impl temp_file write_message xasprintf xcalloc xchdir xclose xdup2 xfclose
xfopen xfork xmalloc xmemstream xmmap xmunmap xopen xpipe xpoll xposix_spawn xposix_spawn_file_actions_addclose
xposix_spawn_file_actions_adddup2 xpthread_barrier_destroy xpthread_barrier_init xpthread_barrier_wait
xpthread_barrierattr_destroy xpthread_barrierattr_init xpthread_barrierattr_setpshared xpthread_check_return
xpthread_create xpthread_join xpthread_kill xsignal xsysconf xwaitpid'
HEADERS='array_length libc-diag intprops scratch_buffer libc-pointer-arith'

compile=(gcc -std=gnu11 -D_GNU_SOURCE -O1 -w -include limits.h '-Dlibc_hidden_proto(x)=' -DTIMEOUTFACTOR=2 -DTEST_NO_MALLOPT
  -I. -Iheaders -Isupport -Isysdeps/generic)

# Where glibc would be installed; nothing looks there.
paths=(-D{SRCDIR,OBJDIR,OBJDIR_ELF_LDSO,INSTDIR,LIBDIR,BINDIR,SBINDIR,ROOTSBINDIR,COMPLOCALEDIR,SYSCONFDIR,SLIBDIR}_PATH='"/"')

setup_file() {
  need_shims
  local name
  cd "$BATS_FILE_TMPDIR" || return 1
  tar xf /usr/src/glibc/glibc-*.tar.xz --strip-components=1 --wildcards '*/malloc/tst-*' '*/malloc/mallocbug.c' \
    '*/malloc/dynarray*' '*/support/*' '*/include/*' '*/test-skeleton.c' '*/sysdeps/generic/malloc-*.h'
  mkdir headers tests
  for name in $HEADERS; do cp "include/$name.h" headers; done
  # The same in less time: what these three look for shows, if it shows, in the first rounds too.
  sed -i 's/iterations = 10000/iterations = 2000/' malloc/tst-mallocfork[23].c
  sed -i 's/threads = 100000/threads = 20000/' malloc/tst-malloc-tcache-leak.c

  # shellcheck disable=SC2086 # a list
  (mkdir objects && cd objects && printf '../support/%s.c\n' $SUPPORT |
    xargs -P 2 -n 20 "${compile[@]}" -I.. -I../headers -I../support "${paths[@]}" -c)
  ar rc support.a objects/*.o
  for name in malloc/tst-*.c malloc/mallocbug.c; do basename "$name" .c; done | build_all
}

# build_all: the names that it reads, by full path, since tst-mtrace reads its own source.
build_all() {
  local name
  while read -r name; do
    case $name in
      tst-interpose-* | *compathooks* | tst-mallocstate | *_buffer | *dynarray* | tst-obstack) ;;
      *) echo "$name" ;;
    esac
  done | xargs -P 2 -I{} "${compile[@]}" -o tests/{} "$PWD/malloc/{}.c" support.a -pthread
  for name in nothread thread; do
    "${compile[@]}" -Imalloc -o "tests/tst-interpose-$name" "malloc/tst-interpose-$name.c" \
      "malloc/tst-interpose-aux-$name.c" support.a -pthread
  done
}

# alike STREAMS WAYS CMD...: CMD succeeds off, and in each of WAYS it does so too and leaves the same STREAMS.
alike() {
  local streams=$1 ways=$2 way pids=()
  shift 2
  for way in off $ways; do
    record "$way" "$way" "$@" &
    pids+=($!)
  done
  wait "${pids[@]}" # and not for the clock of BATS_TEST_TIMEOUT
  [ "$(cat "$BATS_TEST_TMPDIR/off.status")" -eq 0 ] || fail "off:" "$(tail -n 5 "$BATS_TEST_TMPDIR"/off.{out,err})" || return 1
  for way in $ways; do
    # shellcheck disable=SC2086 # a list
    same off "$way" $streams || fail "differs: $way" "$(tail -n 5 "$BATS_TEST_TMPDIR/$way".{out,err})" || return 1
  done
}

WAYS='on on_least on_debug_least on_no_malloc'

glibc() { alike 'status out' "$WAYS" env "${@:2}" "$BATS_FILE_TMPDIR/tests/$1"; }

# What prints addresses or statistics.
glibc_status() { alike status "$WAYS" env "${@:2}" "$BATS_FILE_TMPDIR/tests/$1"; }

# What damages the heap of glibc and looks how glibc finds out: blocks of ours are not there to be damaged. And
# tst-malloc-usable is not for the debugging malloc after ours: its symbols cannot be found by dlsym(3).
glibc_own() { alike status on_no_malloc "$BATS_FILE_TMPDIR/tests/$1"; }

# What takes seconds.
glibc_slow() { alike status on_least "$BATS_FILE_TMPDIR/tests/$1"; }

# before_debug NAME VARIABLE, after_debug NAME VARIABLE: with glibc's debugging malloc preloaded, before ours and after.
# shellcheck disable=SC2016 # for the inner shell
before_debug() { alike 'status out' "$WAYS" env "$2" sh -c 'LD_PRELOAD="$0:$LD_PRELOAD" exec "$@"' $DEBUG_MALLOC "$BATS_FILE_TMPDIR/tests/$1"; }
# shellcheck disable=SC2016
after_debug() { alike 'status out' "$WAYS" env "$2" sh -c 'LD_PRELOAD="$LD_PRELOAD:$0" exec "$@"' $DEBUG_MALLOC "$BATS_FILE_TMPDIR/tests/$1"; }

@test "mallocbug" { glibc mallocbug; }
@test "tst-calloc" { glibc tst-calloc; }
@test "tst-free-errno" { glibc tst-free-errno; }
@test "tst-interpose-nothread" { glibc tst-interpose-nothread; }
@test "tst-interpose-thread" { glibc tst-interpose-thread; }
@test "tst-mallinfo2" { glibc_status tst-mallinfo2; }
@test "tst-malloc" { glibc tst-malloc; }
@test "tst-malloc-backtrace" { glibc_own tst-malloc-backtrace; }
@test "tst-malloc-check" { glibc tst-malloc-check; }
@test "tst-malloc-fork-deadlock" { glibc_slow tst-malloc-fork-deadlock; }
@test "tst-malloc-stats-cancellation" { glibc tst-malloc-stats-cancellation; }
@test "tst-malloc-tcache-leak" { glibc_slow tst-malloc-tcache-leak; }
@test "tst-malloc-thread-exit" { glibc_slow tst-malloc-thread-exit; }
@test "tst-malloc-thread-fail" { glibc_slow tst-malloc-thread-fail; }
@test "tst-malloc-too-large" { glibc_slow tst-malloc-too-large; }
@test "tst-malloc_info" { glibc_slow tst-malloc_info; }
@test "tst-mallocalign1" { glibc_status tst-mallocalign1; }
@test "tst-mallocfork" { glibc tst-mallocfork; }
@test "tst-mallocfork2" { glibc_slow tst-mallocfork2; }
@test "tst-mallocfork3" { glibc_slow tst-mallocfork3; }
@test "tst-mallopt" { glibc tst-mallopt; }
@test "tst-memalign" { glibc tst-memalign; }
@test "tst-mxfast" { glibc tst-mxfast GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0; }
@test "tst-posix_memalign" { glibc tst-posix_memalign; }
@test "tst-pvalloc" { glibc tst-pvalloc; }
@test "tst-pvalloc-fortify" { glibc tst-pvalloc-fortify; }
@test "tst-realloc" { glibc tst-realloc; }
@test "tst-reallocarray" { glibc tst-reallocarray; }
@test "tst-safe-linking" { glibc_own tst-safe-linking; }
@test "tst-tcfree1" { glibc tst-tcfree1; }
@test "tst-tcfree2" { glibc tst-tcfree2; }
@test "tst-tcfree3" { glibc tst-tcfree3; }
@test "tst-trim1" { glibc tst-trim1; }
@test "tst-valloc" { glibc tst-valloc; }

@test "tst-malloc-check, glibc's debugging malloc before ours" { before_debug tst-malloc-check MALLOC_CHECK_=3; }
@test "tst-malloc-check, glibc's debugging malloc after ours" { after_debug tst-malloc-check MALLOC_CHECK_=3; }
@test "tst-malloc-usable, glibc's debugging malloc before ours" { before_debug tst-malloc-usable MALLOC_CHECK_=3; }
@test "tst-malloc-usable-tunables" { before_debug tst-malloc-usable-tunables GLIBC_TUNABLES=glibc.malloc.check=3; }
@test "tst-mtrace, glibc's debugging malloc before ours" { before_debug tst-mtrace MALLOC_TRACE=trace; }
@test "tst-mtrace, glibc's debugging malloc after ours" { after_debug tst-mtrace MALLOC_TRACE=trace; }
