#!/usr/bin/env bats
# Knobs: nonsense gives one line on stderr and a working program; nothing is printed unless asked for.
# shellcheck disable=SC2030,SC2031 # every test is a subshell, and meant to be
# shellcheck disable=SC2154 # run sets stderr and stderr_lines

load helpers

setup_file() { need_shims; }

# knob, default, lowest, highest; bytes where the knob counts bytes.
NUMBERS='HOT_SIZE 1024 64 4096
WARM_64K 256 16 1024
WARM_128K 128 8 512
WARM_2M 64 4 256
MAX_SPAN 33554432 65536 1073741824
REGION 68719476736 67108864 1099511627776
GUARD 0 0 1
SCRUB 0 0 1'

# says_hi WHAT WAY...: `echo hi` run by WAY (on, on_debug, env ...) prints hi and succeeds. Sets stderr and stderr_lines.
says_hi() {
  local what=$1
  shift
  run --separate-stderr "$@" /bin/echo hi
  if [ "$status" -ne 0 ] || [ "$output" != hi ]; then fail "$what: status $status, stdout: $output, stderr: $stderr"; fi
}

# echo_with NAME VALUE: says_hi with a knob set.
echo_with() {
  local -x "HAKMEM_PAGE_ARENA_$1=$2"
  says_hi "$1='$2'" on
}

# nothing_said WHAT: stderr is empty.
nothing_said() { [ -z "$stderr" ] || fail "$1: $stderr"; }

# one_line NAME VALUE USED: stderr is one line with the knob's name, the value (its first 20 characters) and what is used.
one_line() {
  [ "${#stderr_lines[@]}" -eq 1 ] || fail "$1='$2': not one line on stderr: $stderr" || return 1
  [[ $stderr == *HAKMEM_PAGE_ARENA_$1* ]] || fail "$1='$2': not named: $stderr" || return 1
  [[ $stderr == *"${2:0:20}"* ]] || fail "$1='$2': value not shown: $stderr" || return 1
  [[ " ${stderr//[^0-9]/ } " == *" $3 "* ]] || fail "$1='$2': $3 not said to be used: $stderr"
}

# each_number FUNCTION: calls FUNCTION NAME DEFAULT LOWEST HIGHEST for every numeric knob.
each_number() {
  local name default lowest highest
  while read -r name default lowest highest; do
    "$1" "$name" "$default" "$lowest" "$highest" || return 1
  done <<<"$NUMBERS"
}

@test "a value that is not a whole number: the default, one line" {
  not_a_number() {
    local value
    for value in '' ' ' letters -5 -1 12abc ' 5' '5 ' 0x10 1.5 1e3 K 5KK 12%d; do
      { echo_with "$1" "$value" && one_line "$1" "$value" "$2"; } || return 1
    done
  }
  each_number not_a_number
}

@test "a value too large, even for 64 bits, even by its suffix: the highest, one line" {
  too_large() {
    local value
    # 18014398509481985K is 2^64 + 1024, 18446744073709551680 is 2^64 + 64: in range for a parser that wraps.
    for value in $(($4 + 1)) 1025G 1000000000000000000000000000000 18446744073709551616 18446744073709551680 \
      18014398509481985K 99999999999999999999G; do
      { echo_with "$1" "$value" && one_line "$1" "$value" "$4"; } || return 1
    done
  }
  each_number too_large
}

@test "a value too small: the lowest, one line" {
  too_small() {
    [ "$3" -gt 0 ] || return 0
    local value
    for value in 0 1 $(($3 - 1)); do
      { echo_with "$1" "$value" && one_line "$1" "$value" "$3"; } || return 1
    done
  }
  each_number too_small
}

@test "a value with a line break, or of 100 000 characters: still one line" {
  awkward() {
    echo_with "$1" $'5\n6\n7' || return 1
    [ "${#stderr_lines[@]}" -eq 1 ] || fail "$1: $stderr" || return 1
    { echo_with "$1" "$(printf '%0100000d' 7)x" && one_line "$1" 000000 "$2"; } || return 1
    [ ${#stderr} -lt 400 ] || fail "$1: a line of ${#stderr} characters"
  }
  each_number awkward
}

@test "several bad knobs: one line each" {
  export HAKMEM_PAGE_ARENA_HOT_SIZE=x HAKMEM_PAGE_ARENA_WARM_64K=-1 HAKMEM_PAGE_ARENA_WARM_128K=1 HAKMEM_PAGE_ARENA_WARM_2M=
  export HAKMEM_PAGE_ARENA_MAX_SPAN=1 HAKMEM_PAGE_ARENA_REGION=9999G HAKMEM_PAGE_ARENA_GUARD=yes
  says_hi "seven bad knobs" on
  [ "${#stderr_lines[@]}" -eq 7 ] || fail "$stderr"
  local name
  for name in HOT_SIZE WARM_64K WARM_128K WARM_2M MAX_SPAN REGION GUARD; do
    [ "$(grep -c "HAKMEM_PAGE_ARENA_$name\>" <<<"$stderr")" -eq 1 ] || fail "$name: $stderr"
  done
}

@test "valid values, with and without a suffix, print nothing" {
  silent() {
    local value
    for value in "$2" "$3" "$4"; do
      { echo_with "$1" "$value" && nothing_said "$1=$value"; } || return 1
    done
  }
  each_number silent
  local setting
  for setting in HOT_SIZE=1K HOT_SIZE=4K HOT_SIZE=100 WARM_64K=1K MAX_SPAN=64K MAX_SPAN=1M MAX_SPAN=1G MAX_SPAN=100000 \
    REGION=65536K REGION=64M REGION=3G REGION=1024G; do
    echo_with "${setting%%=*}" "${setting#*=}"
    nothing_said "$setting"
  done
}

@test "real work with values in and out of range" {
  local setting
  for setting in HOT_SIZE=64 HOT_SIZE=-9 WARM_64K=16 WARM_128K=8 WARM_2M=4 WARM_2M=1000000 MAX_SPAN=64K MAX_SPAN=1G REGION=64M REGION=0 GUARD=2; do
    local -x "HAKMEM_PAGE_ARENA_${setting%%=*}=${setting#*=}"
    run --separate-stderr on /usr/bin/python3 -c 'x = [[j] * 8 for j in range(200000)]; y = bytearray(99 << 20); print(len(x), any(y))'
    [ "$status" -eq 0 ] || fail "$setting: status $status: $stderr"
    [ "$output" = '200000 False' ] || fail "$setting: $output"
    unset "HAKMEM_PAGE_ARENA_${setting%%=*}"
  done
}

@test "ENABLE: nonsense gives one line and leaves it off" {
  local value
  for value in '' yes on -1 0x1 1.0 ' 1' 12abc; do
    says_hi "ENABLE='$value'" env LD_PRELOAD="$SHIM" HAKMEM_PAGE_ARENA_ENABLE="$value" HAKMEM_PAGE_ARENA_STATS=1
    one_line ENABLE "$value" 0
  done
}

@test "ENABLE=10^30 gives one line" {
  says_hi "ENABLE=10^30" env LD_PRELOAD="$SHIM" HAKMEM_PAGE_ARENA_ENABLE=1000000000000000000000000000000
  [ "${#stderr_lines[@]}" -eq 1 ] || fail "$stderr"
}

@test "off: nonsense in the other knobs prints nothing" {
  export HAKMEM_PAGE_ARENA_HOT_SIZE=x HAKMEM_PAGE_ARENA_WARM_64K=-1 HAKMEM_PAGE_ARENA_WARM_128K=1 HAKMEM_PAGE_ARENA_WARM_2M=
  export HAKMEM_PAGE_ARENA_MAX_SPAN=1 HAKMEM_PAGE_ARENA_REGION=9999G HAKMEM_PAGE_ARENA_GUARD=yes
  export HAKMEM_PAGE_ARENA_STATS=/nonexistent/dir/x HAKMEM_PAGE_ARENA_ONLY=,,
  local lib
  for lib in "$SHIM" "$DEBUG_SHIM"; do
    says_hi "ENABLE unset" env LD_PRELOAD="$lib"
    nothing_said "ENABLE unset"
    says_hi "ENABLE=0" env LD_PRELOAD="$lib" HAKMEM_PAGE_ARENA_ENABLE=0
    nothing_said "ENABLE=0"
  done
}

@test "on: nothing is printed by the release build; the debug build logs its settings" {
  says_hi release on
  nothing_said release
  HAKMEM_PAGE_ARENA_HOT_SIZE=100 says_hi debug on_debug
  grep -E '^\[PageArena-INIT\].*128' <<<"$stderr" || fail "HOT_SIZE=100 is not rounded up to 128: $stderr"
  if grep -v '^\[PageArena-INIT\] ' <<<"$stderr"; then fail "a line of another kind"; fi
}

# state_in STATE CMD...: the arena is on, or off, in CMD, as its statistics show.
state_in() {
  local state=off wanted=$1
  shift
  HAKMEM_PAGE_ARENA_STATS=1 run --separate-stderr on "$@"
  [ "$status" -eq 0 ] || fail "$*: status $status" || return 1
  [ -z "$stderr" ] || state=on
  [ $state = "$wanted" ] || fail "ONLY='$HAKMEM_PAGE_ARENA_ONLY': $state in $*"
}

@test "ONLY: on in the programs of these names alone" {
  ln -s /usr/bin/python3 "$BATS_TEST_TMPDIR/foo"
  local -x HAKMEM_PAGE_ARENA_ONLY
  for HAKMEM_PAGE_ARENA_ONLY in python3,foo foo,python3 python3 ''; do
    state_in on /usr/bin/python3 -c pass
  done
  for HAKMEM_PAGE_ARENA_ONLY in foo python python33 foo,bar thon3; do
    state_in off /usr/bin/python3 -c pass
  done
  HAKMEM_PAGE_ARENA_ONLY=python3,foo
  state_in off /bin/echo hi
  state_in on "$BATS_TEST_TMPDIR/foo" -c pass
}

@test "under valgrind, which keeps books of every page: off" {
  state_in on perl -e 1
  state_in off valgrind -q --leak-check=no perl -e 1
}

# The names that scripts and dashboards may rely on.
METRICS='allocated live cached retained region hits misses frees evictions total_allocs total_frees mmap_calls'

# has_metrics: stdin has one key a line, and every metric among them.
has_metrics() {
  local keys metric
  keys=$(cat)
  for metric in $METRICS; do
    grep -qE "(^|[._])$metric([._]|\$)" <<<"$keys" || fail "no metric named $metric in:" "$keys" || return 1
  done
}

WORKLOAD='import os, sys
x = [[j] * 8 for j in range(100000)]
del x
print(os.getpid())
sys.exit(7)'

@test "STATS=1: key value lines on stderr at exit" {
  HAKMEM_PAGE_ARENA_STATS=1 run --separate-stderr on /usr/bin/python3 -c "$WORKLOAD"
  [ "$status" -eq 7 ]
  [[ $output =~ ^[0-9]+$ ]]
  if grep -vE '^[a-z0-9_.]+ [0-9]+$' <<<"$stderr"; then fail "not a key and a value"; fi
  cut -d' ' -f1 <<<"$stderr" | has_metrics
  [ -z "$(cut -d' ' -f1 <<<"$stderr" | sort | uniq -d)" ] || fail "a key twice: $stderr"
  grep -E '(^|[._])total_allocs [1-9]' <<<"$stderr" || fail "no allocation was served: $stderr"
}

@test "STATS=path: JSON with a schema version, %p is the pid" {
  HAKMEM_PAGE_ARENA_STATS=$BATS_TEST_TMPDIR/stats-%p-%p.json run --separate-stderr on /usr/bin/python3 -c "$WORKLOAD"
  [ "$status" -eq 7 ]
  [ -z "$stderr" ] || fail "$stderr"
  local json=$BATS_TEST_TMPDIR/stats-$output-$output.json
  jq -e '.schema | type == "number" and . >= 1 and . == floor' "$json" || fail "$(cat "$json")"
  jq -r 'paths(scalars) | map(tostring) | join(".")' "$json" | has_metrics
  jq -e '[.. | .total_allocs? // empty] | add > 0' "$json" || fail "$(cat "$json")"
}

@test "STATS=path that cannot be written: one line, the status unchanged" {
  local -x HAKMEM_PAGE_ARENA_STATS
  for HAKMEM_PAGE_ARENA_STATS in /nonexistent/dir/x "$BATS_TEST_TMPDIR" "/$(printf '%05000d' 1)"; do
    run --separate-stderr on /usr/bin/python3 -c "$WORKLOAD"
    [ "$status" -eq 7 ]
    [ "${#stderr_lines[@]}" -eq 1 ] || fail "${HAKMEM_PAGE_ARENA_STATS:0:40}: not one line: $stderr"
  done
}

@test "STATS=path: a link, a pipe or a device is left alone; a file is replaced by one of our own" {
  local dir=$BATS_TEST_TMPDIR kind
  local -x HAKMEM_PAGE_ARENA_STATS=$dir/stats
  for kind in link dangling pipe device; do
    rm -f "$dir/stats"
    case $kind in
      link) echo precious >"$dir/target" && ln -s "$dir/target" "$dir/stats" ;;
      dangling) ln -s "$dir/nobody" "$dir/stats" ;;
      pipe) mkfifo "$dir/stats" ;;
      device) ln -s /dev/null "$dir/stats" ;;
    esac
    local before
    before=$(stat -c '%F %i' "$dir/stats")
    run --separate-stderr on /usr/bin/python3 -c "$WORKLOAD"
    [ "$status" -eq 7 ]
    [ "${#stderr_lines[@]}" -eq 1 ] || fail "$kind: not one line: $stderr" || return 1
    [ "$(stat -c '%F %i' "$dir/stats")" = "$before" ] || fail "$kind: replaced" || return 1
  done
  [ "$(cat "$dir/target")" = precious ]
  [ ! -e "$dir/nobody" ]
  [ -c /dev/null ]
  rm "$dir/stats"
  echo old >"$dir/stats"
  chmod 666 "$dir/stats"
  ln "$dir/stats" "$dir/other"
  run --separate-stderr on /usr/bin/python3 -c "$WORKLOAD"
  [ -z "$stderr" ] || fail "$stderr"
  [ "$(stat -c %a "$dir/stats")" = 600 ]
  [ "$(cat "$dir/other")" = old ]
}

@test "STATS: 0 and empty print nothing; a closed stderr harms nobody" {
  local value
  for value in 0 ''; do
    echo_with STATS "$value"
    nothing_said "STATS='$value'"
  done
  HAKMEM_PAGE_ARENA_STATS=1 HAKMEM_PAGE_ARENA_HOT_SIZE=x run on sh -c 'exec 2>&-; /bin/echo hi; exit 5'
  [ "$status" -eq 5 ]
}

# Every knob has a random value at once: of digits and units mostly, else of any bytes. One line each at the most, and the
# program does what it does. The random seed is fixed; FUZZ_SEED is another.
@test "random values of all knobs at once" {
  # shellcheck disable=SC2016 # for python
  cd "$BATS_TEST_TMPDIR"
  run --separate-stderr /usr/bin/python3 - "$SHIM" <<'PYTHON'
import os, random, subprocess, sys
random.seed(int(os.environ.get("FUZZ_SEED", "11")))
NAMES = "ENABLE HOT_SIZE WARM_64K WARM_128K WARM_2M MAX_SPAN REGION GUARD SCRUB MALLOC MALLOC_MIN ONLY STATS".split()
ALPHABETS = [b"0123456789", b"0123456789KMG", b"01-+ .xkKG%p,\n", bytes(range(1, 256))]
WORK = "x = [[j] * 8 for j in range(30000)]; y = bytearray(5 << 20); z = [bytes(9000)] * 50; print(len(x), any(y), len(z))"
for step in range(100):
    env = {"LC_ALL": "C", "LD_PRELOAD": sys.argv[1], "PATH": "/usr/bin:/bin"}
    for name in NAMES:
        length = random.choice([0, 1, 2, 4, 9, 30, 5000])
        value = bytes(random.choices(random.choice(ALPHABETS), k=length))
        env["HAKMEM_PAGE_ARENA_" + name] = value.replace(b"/", b"_")
    if step % 2:
        env["HAKMEM_PAGE_ARENA_ENABLE"] = "1"
        env["HAKMEM_PAGE_ARENA_ONLY"] = ""
    if step % 4 == 1:
        env["HAKMEM_PAGE_ARENA_STATS"] = "0"
    done = subprocess.run(["/usr/bin/python3", "-c", WORK], env=env, capture_output=True, timeout=60)
    lines = done.stderr.splitlines()
    stats = [line for line in lines if not line.startswith(b"pagearena: ")]
    if done.returncode or done.stdout != b"30000 False 50\n" or len(lines) - len(stats) > len(NAMES) + 1 or \
            (stats and env["HAKMEM_PAGE_ARENA_STATS"] != b"1"):
        sys.exit(f"step {step}: status {done.returncode}, {done.stdout!r}, {done.stderr[:2000]!r}, {env}")
PYTHON
  [ "$status" -eq 0 ] || fail "$stderr"
}
