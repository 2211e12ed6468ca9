# Shared by the bats files of the command pagearena.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run sets output, stderr and status

TOOL=$ROOT/scripts/pagearena

pagearena() { timeout -k 5 60 "$TOOL" "$@"; }

# exits STATUS ARG...: pagearena leaves with STATUS. Sets output (stdout) and stderr.
exits() {
  local wanted=$1
  shift
  run --separate-stderr "-$wanted" pagearena "$@" || fail "pagearena $*: status $status, not $wanted" "$output" "$stderr"
}

# says PATTERN, complains PATTERN: some line of stdout, of stderr, matches.
says() { grep -qE -- "$1" <<<"$output" || fail "no '$1' in:" "$output"; }
complains() { grep -qE -- "$1" <<<"$stderr" || fail "no '$1' in:" "$stderr"; }
