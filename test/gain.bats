#!/usr/bin/env bats
# What the arena gains and what it may cost, in page faults and resident memory. Time is left to the benchmarks: it
# depends on the machine and on what else runs there.
# shellcheck disable=SC2154 # measure sets faults and peak_kb

load helpers

setup_file() { need_shims; }

PYTHON=/usr/bin/python3

# least_peak N off|on CMD...: the smallest of N peaks. Sets least.
least_peak() {
  local n=$1
  shift
  least=
  for _ in $(seq "$n"); do
    measure "$@"
    if [ -z "$least" ] || [ "$peak_kb" -lt "$least" ]; then least=$peak_kb; fi
  done
}

# peak_stays N CMD...: at most 5 % or 16 MB more at the peak, whichever is larger, than the median of N runs off; one of
# at most ten runs on must show it. A garbage collector that runs beside the program makes node's peak vary by a quarter
# from run to run. One run off does where one thread does everything: it has the same peak every time.
peak_stays() {
  local n=$1 peaks=() median most
  shift
  for _ in $(seq "$n"); do
    measure off "$@"
    peaks+=("$peak_kb")
  done
  median=$(printf '%s\n' "${peaks[@]}" | sort -n | sed -n "$(((n + 1) / 2))p")
  most=$((median + (median / 20 > 16384 ? median / 20 : 16384)))
  peaks=()
  for _ in $(seq 10); do
    measure on "$@"
    if [ "$peak_kb" -le "$most" ]; then return; fi
    peaks+=("$peak_kb")
  done
  fail "peak: off $median KB, allowed $most KB, on ${peaks[*]} KB"
}

@test "python3 building and dropping lists: 30 times fewer faults" {
  measure off $PYTHON "$WORK/churn/python.py"
  local off_faults=$faults
  measure on $PYTHON "$WORK/churn/python.py"
  [ $((faults * 30)) -le "$off_faults" ] || fail "faults: off $off_faults, on $faults"
}

# 4 MB may be what huge pages hold for nothing, in any program.
@test "python3 building and dropping lists: at most 5 % more at the peak, and 4 MB" {
  least_peak 2 off $PYTHON "$WORK/churn/python.py"
  local off_kb=$least
  least_peak 2 on $PYTHON "$WORK/churn/python.py"
  [ "$least" -le $((off_kb * 105 / 100 + 4096)) ] || fail "peak: off $off_kb KB, on $least KB"
}

@test "node: peak" { peak_stays 5 node "$WORK/churn/node.js"; }

@test "node --single-threaded: peak" { peak_stays 1 node --single-threaded "$WORK/churn/node.js"; }

# Of the start, which is the same, 4 600 faults remain.
@test "numpy: 50 times fewer faults of its arrays" {
  measure off $PYTHON -c 'import numpy'
  local start=$faults
  measure off $PYTHON "$WORK/churn/arrays.py"
  local off_faults=$((faults - start))
  measure on $PYTHON "$WORK/churn/arrays.py"
  [ $(((faults - start) * 50)) -le "$off_faults" ] || fail "faults: start $start, off $off_faults more, on $((faults - start)) more"
}

@test "php: peak" { peak_stays 1 php "$WORK/churn/php.php"; }

@test "ruby: peak" { peak_stays 1 ruby "$WORK/churn/ruby.rb"; }

@test "luajit: peak" { peak_stays 1 luajit "$WORK/churn/luajit.lua"; }

# The shapes of the digest workloads: growth, huge strings, threads, children.
@test "php, ruby and luajit on the digest workloads: peak" {
  local cmd
  for cmd in "php $WORK/digest/php.php" "ruby $WORK/digest/ruby.rb" "luajit $WORK/digest/luajit.lua"; do
    peak_stays 1 sh -c "$cmd; [ \$? -eq 3 ]" # they leave with a status of their own
  done
}

@test "luajit: arrays that grow by mremap: 4 times fewer faults" {
  measure off luajit "$WORK/churn/luajit.lua"
  local off_faults=$faults
  measure on luajit "$WORK/churn/luajit.lua"
  [ $((faults * 4)) -le "$off_faults" ] || fail "faults: off $off_faults, on $faults"
}
