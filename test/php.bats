#!/usr/bin/env bats
# Debian's PHP loads its extensions with RTLD_DEEPBIND, and they free with glibc's free what another malloc gave. That makes
# every other preloaded malloc crash; ours must not.

load helpers

# shellcheck disable=SC2034 # for as_without
ways='on on_least on_guard_least on_debug_least on_no_malloc'

PHP=(php -d opcache.enable_cli=1 -d opcache.jit_buffer_size=16M -d memory_limit=-1)

setup_file() { need_shims; }

@test "php and its extensions" {
  as_without "${PHP[@]}" "$WORK/digest/php_extensions.php"
  grep -qx end "$BATS_TEST_TMPDIR/off.out"
  run ! grep -E 'missing|off$' "$BATS_TEST_TMPDIR/off.out"
}

# rival NAME LIB: the same script under another preloaded malloc; TAP says how it ended.
rival() {
  local lib=/usr/lib/x86_64-linux-gnu/$2 end='the same output'
  [ -f "$lib" ] || fail "$lib is missing: run scripts/setup"
  record off off "${PHP[@]}" "$WORK/digest/php_extensions.php"
  record rival off env LD_PRELOAD="$lib" "${PHP[@]}" "$WORK/digest/php_extensions.php"
  [ "$(cat "$BATS_TEST_TMPDIR/off.status")" -eq 0 ] || fail "php fails without any preload"
  cmp -s "$BATS_TEST_TMPDIR"/{off,rival}.out || end='other output'
  echo "# php under $1: status $(cat "$BATS_TEST_TMPDIR/rival.status"), $end, $(head -n 1 "$BATS_TEST_TMPDIR/rival.err")" >&3
  # SIGABRT from glibc's free, or SIGSEGV.
  [[ $(cat "$BATS_TEST_TMPDIR/rival.status") == 13[49] ]]
}

@test "php and its extensions crash under jemalloc" { rival jemalloc libjemalloc.so.2; }
@test "php and its extensions crash under mimalloc" { rival mimalloc libmimalloc.so.2; }
@test "php and its extensions crash under tcmalloc" { rival tcmalloc libtcmalloc_minimal.so.4; }
