#!/usr/bin/env bats
# What is installed works from where it is installed, and nothing stays when it goes.
# shellcheck disable=SC2016 # for an inner shell
# shellcheck disable=SC2030,SC2031 # every test is a subshell, and meant to be
# shellcheck disable=SC2154 # run sets stderr

load helpers

setup_file() {
  need_shims
  # One package for all tests here.
  make -C "$ROOT" deb
}

DEB() { echo "$ROOT"/build/deb/pagearena_*.deb; }

# works ROOT: the command under ROOT/usr runs, measures and checks.
works() {
  local tool=$1/usr/bin/pagearena
  run -0 --separate-stderr "$tool" run --stats /usr/bin/python3 -c 'print("a")'
  [ "$output" = a ] || fail "$output"
  grep -qx 'schema 1' <<<"$stderr" || fail "the arena was not on: $stderr"
  run -0 "$tool" run --dry-run true
  grep -E "^LD_PRELOAD='?$1/" <<<"$output"
  run -0 "$tool" compare -n 1 --no-strace --html "$BATS_TEST_TMPDIR/page.html" /usr/bin/python3 -c pass
  [ -s "$BATS_TEST_TMPDIR/page.html" ]
  run -0 "$tool" doctor
}

# leaves_nothing ROOT: no file of ours is left under ROOT, but for dpkg's notes.
leaves_nothing() {
  local left
  left=$(find "$1" -path "$1/var" -prune -o -name '*page*arena*' -print)
  [ -z "$left" ] || fail "left behind: $left"
}

@test "make install and uninstall, DESTDIR with a space, PREFIX and LIBDIR of one's own" {
  local image="$BATS_TEST_TMPDIR/a b"
  make -C "$ROOT" install DESTDIR="$image" PREFIX=/usr LIBDIR=/usr/lib64
  [ -e "$image/usr/lib64/pagearena/libpagearena_shim.so" ]
  run -0 --separate-stderr "$image/usr/bin/pagearena" run --stats /usr/bin/python3 -c pass
  grep -qx 'schema 1' <<<"$stderr" || fail "$stderr"
  make -C "$ROOT" uninstall DESTDIR="$image" PREFIX=/usr LIBDIR=/usr/lib64
  leaves_nothing "$image"
}

@test "the Debian package: installed by dpkg, used, removed" {
  local image=$BATS_TEST_TMPDIR/root
  mkdir -p "$image/var/lib/dpkg/info" "$image/var/lib/dpkg/updates"
  touch "$image/var/lib/dpkg/status"
  if [ $EUID -ne 0 ]; then
    dpkg-deb -x "$(DEB)" "$image"
    works "$image"
    return
  fi
  dpkg --root="$image" --force-depends -i "$(DEB)"
  works "$image"
  dpkg --root="$image" -r pagearena
  leaves_nothing "$image"
}

@test "the Debian package: what it says of itself, and lintian" {
  dpkg-deb -f "$(DEB)" Depends | grep -E '^libc6 \(>= 2\.[0-9]+\), python3'
  [ "$(dpkg-deb -f "$(DEB)" Version)" = "$("$ROOT/scripts/pagearena" --version | cut -d' ' -f2)" ]
  (cd "$ROOT/build/deb/root" && md5sum --quiet -c DEBIAN/md5sums)
  run -0 lintian --allow-root --fail-on error,warning "$(DEB)"
}

@test "pkg-config: a program is built with the installed library and header" {
  local image=$BATS_TEST_TMPDIR/root flags
  dpkg-deb -x "$(DEB)" "$image"
  flags=$(PKG_CONFIG_SYSROOT_DIR=$image PKG_CONFIG_LIBDIR=$(echo "$image"/usr/lib/*/pkgconfig) \
    pkg-config --static --cflags --libs pagearena)
  # shellcheck disable=SC2086 # words
  gcc -Werror -o "$BATS_TEST_TMPDIR/user" -x c - $flags <<'C'
#include <page_arena.h>
int main(void)
{
    char *run = page_arena_alloc_pages(NULL, 1 << 20);
    if (run == NULL || run[4095] != 0)
        return 1;
    page_arena_free_pages(NULL, run, 1 << 20);
    return 0;
}
C
  "$BATS_TEST_TMPDIR/user"
}

@test "man pages: each subcommand, each option of --help, each status is in pagearena(1)" {
  local page command option commands
  page=$(mandoc -T ascii "$ROOT/man/pagearena.1" | sed 's/.\x08//g')
  commands=$("$ROOT/scripts/pagearena" --help | sed -nE 's/^    ([a-z]+) .*/\1/p')
  [[ $commands == run*compare*doctor* ]]
  for command in $commands; do
    grep -qw "pagearena $command" <<<"$page" || fail "not in the man page: $command"
    for option in $("$ROOT/scripts/pagearena" "$command" --help | grep -oE -- '--[a-z-]+' | sort -u); do
      grep -q -- "$option" <<<"$page" || fail "not in the man page: $command $option"
    done
  done
  for option in 64 124 125 '126, 127'; do
    grep -qE "^ +$option( |\$)" <<<"$page" || fail "no status $option"
  done
}

# completes WANTED WORD...: the last word has WANTED among its completions.
completes() {
  local wanted=$1
  shift
  run -0 bash -c '. "$0/packaging/completion.bash"
    PATH=$0/scripts:$PATH COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _pagearena
    printf "%s\n" "${COMPREPLY[@]}"' "$ROOT" "$@"
  grep -qxF -- "$wanted" <<<"$output" || fail "pagearena ${*:2}: $output"
}

@test "completion: subcommands, options, values, and then CMD's" {
  completes compare pagearena co
  completes --warmup pagearena compare --w
  completes tuned-glibc pagearena compare -n 3 --vs tu
  completes low-memory pagearena run --preset l
  completes bash pagearena compare -n 3 -- bas
  completes bash pagearena run --stats bas
  cd "$BATS_TEST_TMPDIR"
  touch 'a file'
  completes 'a file' pagearena run cat 'a f'
  completes 'a file' pagearena compare --json 'a f'
}
