"""Check this machine, and CMD, for what PageArena needs.

Each line is ok, note (works, but worth knowing) or FAIL (PageArena cannot
work), and says what to change. The status is 1 if a line is FAIL.
"""
import mmap
import os
import platform
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import time

from . import Failure, add_cmd, cmd_of, library, machine, program, runtimes, syscalls

RETAINED_MB = 164  # what the default knobs let a process keep
OLDEST_KERNEL = (5, 10)
MAPS_USUAL = 65530
TOUCHED_MB = 16
SLOW_HUGE = 1.5  # as many times what the same takes in small pages
OK, NOTE, FAIL = "ok", "note", "FAIL"


def add_parser(subparsers):
    parser = subparsers.add_parser("doctor", help="check the machine and a program", description=__doc__)
    parser.add_argument("--library", metavar="FILE", help="another libpagearena_shim.so")
    add_cmd(parser)
    parser.usage = "%(prog)s [options] [[--] CMD [ARG ...]]"
    parser.set_defaults(func=main)


def check_machine(_):
    if platform.machine() != "x86_64":
        return FAIL, f"{platform.machine()}: the library is for x86-64"
    return OK, machine.line(machine.describe())


def check_kernel(_):
    release = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
    if release < OLDEST_KERNEL:
        return NOTE, f"Linux {platform.release()} is older than what PageArena is tested on"
    return OK, f"Linux {platform.release()}"


def check_libc(_):
    libc = machine.describe()["libc"]
    return (OK, libc) if libc.startswith("glibc") else (FAIL, f"{libc}: the library needs glibc")


def check_library(args):
    """Runs Python under it: the statistics file tells that the arena was on."""
    try:
        path = library.find(args.library)
    except Failure as failure:
        return FAIL, str(failure)
    with tempfile.TemporaryDirectory(prefix="pagearena-") as folder:
        env = library.environment(path, {"STATS": os.path.join(folder, "%p"), "ONLY": ""})
        done = subprocess.run([sys.executable, "-I", "-c", "pass"], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        said = done.stderr.strip().splitlines()[:1]
        if done.returncode != 0 or not os.listdir(folder):
            return FAIL, f"{path} stays off: {said[0] if said else 'too little address space (limits), or a seccomp filter'}"
    return (NOTE, said[0]) if said else (OK, f"{path} works")


def first_touch():
    """Milliseconds for TOUCHED_MB of new memory: in small pages, and in huge ones. Both stay until both are measured."""
    taken = []
    kept = []
    for advice, step in ((mmap.MADV_NOHUGEPAGE, mmap.PAGESIZE), (mmap.MADV_HUGEPAGE, 1 << 21)):
        memory = mmap.mmap(-1, (TOUCHED_MB + 2) << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(advice)
        kept.append(memory)
        start = time.perf_counter()
        for place in range(0, len(memory), step):
            memory[place] = 1
        taken.append(round((time.perf_counter() - start) * 1e3, 1))
    return taken


def check_huge_pages(_):
    mode = machine.huge_pages()
    if mode in ("madvise", "always"):
        small, huge = first_touch()
        if huge > SLOW_HUGE * small:
            return NOTE, (f"{mode}, but new memory is slow in them: {TOUCHED_MB} MB in {huge} ms, in small pages {small} ms"
                          " (a virtual machine whose host takes free memory back?): --thp never for programs that mostly grow")
    if mode == "madvise":
        return OK, "madvise: PageArena can ask for them (--thp)"
    if mode == "always":
        return OK, "always: first touch is cheap already, so that compilers and PHP gain less from PageArena"
    if mode == "unknown":
        return NOTE, f"{machine.HUGE} cannot be read: a kernel without them, or no /sys"
    return NOTE, f"{mode}: --thp does nothing; to change it: echo madvise > {machine.HUGE}"


def check_swap(_):
    swap = int(machine.first(r"^SwapTotal:\s*(\d+)", machine.read("/proc/meminfo"), "0")) // 1024
    if swap:
        return NOTE, f"{swap} MB: of what a program unmaps, pages that are not resident are given back, as they might be in swap"
    return OK, "none"


def check_overcommit(_):
    if machine.read("/proc/sys/vm/overcommit_memory", "0").strip() == "2":
        return NOTE, "strict (vm.overcommit_memory=2): what PageArena keeps counts as committed; --preset low-memory keeps little"
    return OK, "not strict"


def check_maps(_):
    most = int(machine.read("/proc/sys/vm/max_map_count", str(MAPS_USUAL)))
    if most < MAPS_USUAL:
        return NOTE, f"vm.max_map_count is {most}, less than the usual {MAPS_USUAL}: mprotect on many pages may fail"
    return OK, f"vm.max_map_count is {most}"


def check_limits(_):
    said = []
    if resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY:
        said.append("RLIMIT_DATA is set, and under it PageArena recycles nothing: ulimit -d unlimited")
    space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if space != resource.RLIM_INFINITY:
        said.append(f"RLIMIT_AS is {space >> 20} MB, of which an eighth is reserved at most: ulimit -v unlimited")
    return (NOTE, "; ".join(said)) if said else (OK, "no limit on addresses or data")


def check_container(_):
    limit = machine.read("/sys/fs/cgroup/memory.max", "max").strip()
    if limit.isdigit() and int(limit) >> 20 < 8 * RETAINED_MB:
        return NOTE, (f"memory is limited to {int(limit) >> 20} MB, of which each process may keep {RETAINED_MB}:"
                      " take --preset low-memory for many processes")
    return OK, "no tight memory limit"


def check_environment(args):
    said = []
    unknown = {name for name in os.environ if name.startswith(library.PREFIX)}
    try:
        unknown -= {library.PREFIX + name for name in library.knobs(library.find(args.library))}
    except Failure:
        unknown = set()
    if unknown:
        said.append(f"no such knob: {', '.join(sorted(unknown))}")
    if os.environ.get("LD_PRELOAD"):
        said.append(f"already preloaded: {os.environ['LD_PRELOAD']}")
    for name in ("MALLOC_PERTURB_", "MALLOC_CHECK_"):
        if name in os.environ:
            said.append(f"{name} is set, so that malloc blocks stay with glibc")
    return (NOTE, "; ".join(said)) if said else (OK, "nothing in the way")


def check_strace(_):
    obstacle = syscalls.missing()
    return (NOTE, f"{obstacle}: compare cannot count system calls") if obstacle else (OK, "compare can count system calls")


CHECKS = (("machine", check_machine), ("kernel", check_kernel), ("libc", check_libc), ("library", check_library),
          ("huge pages", check_huge_pages), ("swap", check_swap), ("overcommit", check_overcommit), ("mappings", check_maps),
          ("limits", check_limits), ("container", check_container), ("environment", check_environment),
          ("strace", check_strace))


def check_program(name):
    """Lines on what CMD is and what to expect of it."""
    found = program.inspect(name)
    yield "CMD", OK, " -> ".join(found.chain)
    if found.reason:
        yield "preload", FAIL, found.reason
        return
    gain, why = runtimes.expect(found)
    yield "expect", OK if gain in ("much", "some") else NOTE, f"{gain}: {why}"


def main(args):
    cmd = cmd_of(args)
    about_cmd = list(check_program(cmd[0])) if cmd else []
    found = [(what, *check(args)) for what, check in CHECKS] + about_cmd
    for what, state, said in found:
        print(f"{state:<5}{what + ':':<13}{said}")
    if any(state == FAIL for _, state, _ in found):
        return 1
    if cmd:
        print(f"next: pagearena compare -- {shlex.join(cmd)}")
    return 0
