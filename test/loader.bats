#!/usr/bin/env bats
# What the malloc front does to dlopen (design, section 8): RTLD_DEEPBIND is dropped, so that libraries find our free for our
# blocks, and nothing else changes: whose RUNPATH counts, $ORIGIN, namespaces, dlerror's words.
# shellcheck disable=SC2016 # $ORIGIN is for the loader

load helpers

PROGS=$ROOT/build/test/progs
# shellcheck disable=SC2034 # for as_without
ways='on on_least on_guard_least on_debug_least on_tiny_least on_no_malloc'

DEEPBIND=0x8 NODELETE=0x1000 GLOBAL=0x100

# where DIR LIB FLAG...: a library that says DIR.
where() {
  local dir=$1 lib=$2
  shift 2
  mkdir -p "$BATS_FILE_TMPDIR/$dir"
  gcc -O2 -shared -fPIC -DWHERE="\"$dir\"" -o "$BATS_FILE_TMPDIR/$dir/$lib" "$ROOT/test/loaded/where.c" "$@"
}

# The program and each of its two libraries have a libfound.so of their own, one by its RUNPATH, one by its RPATH; lone has
# no path at all.
setup_file() {
  need_shims
  cd "$BATS_FILE_TMPDIR" || return 1
  where runpath libfound.so
  where rpath libfound.so
  where main libfound.so
  where callers librunpath.so -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../runpath'
  where callers librpath.so -Wl,--disable-new-dtags,-rpath,'$ORIGIN/../rpath'
  where callers liblone.so
  gcc -std=gnu11 -D_GNU_SOURCE -O2 -o program "$ROOT/test/progs/load_where.c" \
    -Wl,--enable-new-dtags,-rpath,'$ORIGIN/main:$ORIGIN/callers'
  gcc -std=gnu11 -D_GNU_SOURCE -O2 -shared -fPIC -o libblocks.so "$ROOT/test/loaded/blocks.c"
  printf 'no library' >libbroken.so
  export LIBS=$BATS_FILE_TMPDIR
}

# finds WHERE NAME...: the program finds the library of that directory first, off and on.
finds() {
  as_without "$LIBS/program" "${@:2}" || return 1
  [ "$(head -n 1 "$BATS_TEST_TMPDIR/off.out")" = "$1" ] || fail "not $1 without the preload:" "$(cat "$BATS_TEST_TMPDIR/off.out")"
}

blocks() { as_without "$PROGS/heap_library" "$1" "$LIBS/libblocks.so"; }

@test "a library and the program exchange blocks" { blocks 0; }
@test "a library and the program exchange blocks: RTLD_GLOBAL" { blocks $GLOBAL; }
@test "a library and the program exchange blocks: RTLD_DEEPBIND" { blocks $DEEPBIND; }
@test "a library and the program exchange blocks: RTLD_DEEPBIND, RTLD_NODELETE" { blocks $((DEEPBIND | NODELETE)); }

@test "the program's RUNPATH" { finds main libfound.so; }
@test "a library's RUNPATH" { finds runpath 'librunpath.so>libfound.so'; }
@test "a library's RPATH" { finds rpath 'librpath.so>libfound.so'; }
@test "a library without a path: the program's RUNPATH does not count" {
  as_without "$LIBS/program" 'liblone.so>libfound.so'
  grep -q '^libfound.so: cannot open shared object file' "$BATS_TEST_TMPDIR/off.out"
}
@test "ORIGIN in a name: the program" { finds main '$ORIGIN/main/libfound.so'; }
@test "ORIGIN in a name: a library" { finds runpath 'librunpath.so>$ORIGIN/../runpath/libfound.so'; }
@test "a path with a slash" { finds rpath "$LIBS/rpath/libfound.so"; }
@test "LD_LIBRARY_PATH" { LD_LIBRARY_PATH=$LIBS/rpath finds rpath 'liblone.so>libfound.so'; }

@test "dlmopen: a library in a namespace of its own" { finds main +libfound.so +libfound.so libfound.so; }
@test "dlmopen: a library there opens another" { finds runpath '+librunpath.so>libfound.so'; }

@test "dlerror: what cannot be opened" {
  as_without "$LIBS/program" libmissing.so "$LIBS/missing/libfound.so" "$LIBS/libbroken.so" "$LIBS" \
    'librunpath.so>libmissing.so' +libmissing.so '$ORIGIN/libmissing.so'
  [ "$(grep -c . "$BATS_TEST_TMPDIR/off.out")" -ge 7 ]
}
