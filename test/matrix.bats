#!/usr/bin/env bats
# The quick part of the matrix (scripts/matrix), and of the failing system calls (scripts/inject): programs in hostile
# environments do the same off and on. What a container does not allow is named, on TAP's own stream.

load helpers

setup_file() { need_shims; }

@test "programs in hostile environments" {
  run "$ROOT/scripts/matrix" --quick
  grep 'not possible here: ' <<<"$output" | sed 's/^/# /' >&3 || true
  [ "$status" -eq 0 ] || fail "$(grep FAIL <<<"$output")"
  [ "$(grep -c ' ok  ' <<<"$output")" -ge 30 ] || fail "$output"
}

@test "no output differs where a system call of the library fails" {
  run "$ROOT/scripts/inject" --most 15 python3 sqlite3
  [ "$status" -eq 0 ] || fail "$output"
  [[ $output == *" points injected, "* ]] || fail "$output"
}

# sees WHAT: the matrix takes notice of a program that differs, in what it prints or in how it ends, and of an arena that is
# not on. As a program that asks for the preload, in the place of a faulty library.
@test "the matrix finds what differs" {
  run /usr/bin/python3 - "$ROOT" <<'P'
import importlib.machinery, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1] + "/test/matrix")
matrix = importlib.machinery.SourceFileLoader("matrix", sys.argv[1] + "/scripts/matrix").load_module()
from environments import Environment
from programs import Program
matrix.build()
def word(script, **more):
    return matrix.cell(Program("x", ["bash", "-c", script], [], **more), Environment("plain"))[0]
on = '[ "$HAKMEM_PAGE_ARENA_ENABLE" ]'
print(word("echo same; exit 3"), word(f"{on} && echo differs; exit 3"), word(f"{on} && exit 4; exit 3"),
      word("exit 3", off="no reason"), word("kill -9 $$"), word(f"{on} || exit 4; exit 3"),
      word("unset LD_PRELOAD; exec bash -c \"exit 3\""))
P
  [ "${lines[-1]}" = "ok FAIL FAIL FAIL as off cured FAIL" ] || fail "$output"
}
