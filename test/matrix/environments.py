"""The environments of the matrix. Each wraps a command; its setting up and down is that of a context manager."""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field

from programs import BUILT, ROOT, PROGRAMS

SHIM = os.environ.get("SHIM", os.path.join(ROOT, "build", "libpagearena_shim.so"))
LAUNCH = os.path.join(BUILT, "launch")
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
HEAPTRACK = "/usr/lib/heaptrack/libheaptrack_preload.so"
# Whose set-id bit counts for nothing under ptrace, and where the user is not known.
NOT_SETUID = [program.name for program in PROGRAMS if program.name != "set-id"]


class Impossible(Exception):
    """This machine cannot do it, and why."""


@dataclass
class Environment:
    """A command runs as `wrap` PRELOADS `program`, in a directory of its own, once off and once on."""
    name: str
    wrap: list = field(default_factory=list)
    variables: dict = field(default_factory=dict)
    before: str = ""  # preloaded as well, before ours
    after: str = ""
    off: str = ""  # why the arena is not on here
    programs: list = None  # only these, by name
    quick: bool = False
    system: bool = False  # changes the whole machine for a while
    drops: str = ""  # lines of the output that match are not compared
    streams: bool = True  # stdout can be compared
    setup: object = None  # context manager, called with no arguments
    cell: object = None  # called with (state, the cell's memory, program): more to wrap with
    stats: str = ""  # where the statistics go; none are looked for then
    preload: bool = True  # through LD_PRELOAD

    def probe(self):
        """Raises Impossible where nothing can run in it."""
        for library in filter(None, (self.before, self.after)):
            if not os.path.exists(library):
                raise Impossible(f"{os.path.basename(library)} is not installed")
        if self.wrap and shutil.which(self.wrap[0]) is None:
            raise Impossible(f"{self.wrap[0]} is not installed")
        with tempfile.TemporaryDirectory() as here:
            done = subprocess.run([*self.wrap, "/bin/true"], cwd=here, capture_output=True, check=False, timeout=60)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise Impossible(said[0][:100] if said else f"status {done.returncode}")


def sh(text):
    return ["sh", "-c", text + ' exec "$@"', "sh"]


def mounts(text):
    return ["unshare", "-m", *sh('here=$PWD; ' + text + ' && cd "$here" || exit 125;')]


@contextlib.contextmanager
def setting(path, value):
    """A file of /proc or /sys with another value for a while."""
    def write(text):
        with open(path, "w") as file:
            file.write(text)
    try:
        with open(path) as file:
            before = file.read()
        write(value)
    except OSError as error:
        raise Impossible(f"{path}: {error.strerror}") from error
    chosen = re.search(r"\[(\w+)\]", before)
    try:
        yield
    finally:
        write(chosen.group(1) if chosen else before)


def sysctl(name, value):
    return lambda: setting("/proc/sys/" + name, value)


@contextlib.contextmanager
def strict_overcommit():
    """No overcommit, with 4 GB to spare: what else runs on the machine goes on."""
    with open("/proc/meminfo") as file:
        committed = int(re.search(r"Committed_AS: *(\d+) kB", file.read()).group(1))
    with setting("/proc/sys/vm/overcommit_ratio", "50"):
        with setting("/proc/sys/vm/overcommit_kbytes", str(committed + (4 << 20))):
            with setting("/proc/sys/vm/overcommit_memory", "2"):
                yield


def huge_pages(value):
    return lambda: setting("/sys/kernel/mm/transparent_hugepage/enabled", value)


def run(*command):
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise Impossible(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise Impossible(f"{command[0]}: " + done.stderr.decode().strip()[:100])
    return done.stdout.decode().strip()


class Cgroup:
    """A memory cgroup that leaves the program as much as it used off, and what the arena may add."""

    def __init__(self):
        self.v1 = os.path.exists("/sys/fs/cgroup/memory/memory.limit_in_bytes")
        parent = "/sys/fs/cgroup/memory" if self.v1 else "/sys/fs/cgroup"
        self.path = f"{parent}/pagearena-matrix-{os.getpid()}"
        self.limit = "memory.limit_in_bytes" if self.v1 else "memory.max"
        self.peak = "memory.max_usage_in_bytes" if self.v1 else "memory.peak"

    def __enter__(self):
        try:
            os.mkdir(self.path)
            self.read(self.peak)
            self.write(self.limit, "1G")
        except OSError as error:
            self.__exit__()
            raise Impossible(f"no memory cgroup can be made: {error.strerror}") from error
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            os.rmdir(self.path)

    def read(self, name):
        with open(f"{self.path}/{name}") as file:
            return int(file.read())

    def write(self, name, value):
        with open(f"{self.path}/{name}", "w") as file:
            file.write(value)

    def empty(self):
        """As far as that goes."""
        self.write("memory.force_empty" if self.v1 else "memory.reclaim", "0" if self.v1 else "1G")

    def enter(self, *_):
        return sh(f'echo $$ >{self.path}/cgroup.procs || exit 125;')

    def inside(self, share):
        """Of what a run needs that is free to use what it likes, and 16 MB at least; both runs have the same limit."""
        enter = self.enter()

        def cell(state, memory, program):
            if state == "off":
                self.write(self.limit, "-1" if self.v1 else "max")
                self.empty()
                self.write(self.peak, "0")
                first = os.path.join(memory["directory"], "first")
                os.mkdir(first)
                os.chmod(first, 0o777)
                subprocess.run([*enter, *program.command], cwd=first, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, "PORT": memory["port"]}, check=False, timeout=120)
                used = self.read(self.peak)
                self.write(self.limit, str(max(int(used * share), used + (16 << 20))))
            return enter
        return cell


CGROUP = Cgroup()


@contextlib.contextmanager
def swap_file():
    """256 MB of swap on a file."""
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
        file.write(bytes(256 << 20))
        file.flush()
        run("mkswap", file.name)
        run("swapon", file.name)
        try:
            yield
        finally:
            run("swapoff", file.name)


@contextlib.contextmanager
def swap_zram():
    """256 MB of swap in compressed memory."""
    try:
        with open("/sys/class/zram-control/hot_add") as file:
            number = file.read().strip()
    except OSError as error:
        raise Impossible(f"no zram: {error.strerror}") from error
    try:
        with open(f"/sys/block/zram{number}/disksize", "w") as file:
            file.write("256M")
        run("mkswap", f"/dev/zram{number}")
        run("swapon", f"/dev/zram{number}")
        try:
            yield
        finally:
            run("swapoff", f"/dev/zram{number}")
    finally:
        with open("/sys/class/zram-control/hot_remove", "w") as file:
            file.write(number)


@contextlib.contextmanager
def swapping(swap):
    """All that is in the cgroup goes to swap, again and again; three times as long as that takes it is left alone."""
    over = threading.Event()

    def reclaim():
        taken = 0
        while not over.wait(max(0.03, 3 * taken)):
            before = time.monotonic()
            with contextlib.suppress(OSError):
                CGROUP.empty()
            taken = time.monotonic() - before
    with swap(), CGROUP:
        thread = threading.Thread(target=reclaim)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def readme_calls():
    """The system calls that README.md says the library makes, as numbers."""
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as file:
        numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", file.read()))
    with open(os.path.join(ROOT, "README.md")) as file:
        table = file.read().split("## Every system call it makes")[1].split("## ")[0]
    named = ", ".join(row.split("|")[1] for row in table.splitlines() if row.startswith("| "))
    return {numbers[name] for name in re.findall(r"\w+", named) if name in numbers}


def only_known_calls(state, memory, program):
    """What the plain program calls, and what README.md says that the library does; all else kills."""
    if state == "off":
        calls = set()
        for n in range(2):
            trace = os.path.join(memory["directory"], f"trace{n}")
            os.mkdir(trace)
            subprocess.run(["strace", "-f", "-n", "-o", trace + ".txt", *program.command], cwd=trace, check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(trace + ".txt", errors="replace") as file:
                calls |= set(re.findall(r"^\d+ +\[ *(\d+)\] ", file.read(), re.MULTILINE))
        memory["calls"] = ",".join(sorted(calls | readme_calls(), key=int))
    return [LAUNCH, "allow", memory["calls"]]


def preload_file(state, _, program):
    """The shim in /etc/ld.so.preload, as a mount namespace sees it, and ONLY in the environment."""
    names = {"gcc": "cc1,as,ld", "redis": "redis-server", "postgres": "postgres", "go": "go-cgo", "go static": "go",
             "dlmopen": "spaces", "C": "digest", "git": "git", "nginx": "nginx", "TSan": "tsan", "ASan": "asan", "forks": "sort,bash",
             "32-bit": "digest32", "set-id": "setuid"}
    only = names.get(program.name, os.path.basename(program.command[0]))
    text = SHIM if state == "on" else ""
    return [*mounts('mkdir ovl && mount -t tmpfs none ovl && mkdir ovl/u ovl/w && '
                    'mount -t overlay -o "lowerdir=/etc,upperdir=ovl/u,workdir=ovl/w" none /etc && '
                    f'echo "{text}" >/etc/ld.so.preload'), "env", f"HAKMEM_PAGE_ARENA_ONLY={only}"]


# For environments that change the whole machine, or need to know all that a program calls: soon over.
SIMPLE = ["C", "python3", "php", "ruby", "luajit", "perl", "sqlite3", "gcc", "git"]
GDB = ["gdb", "-q", "-batch", "-nx", "-iex", "set debuginfod enabled off"]

ENVIRONMENTS = [
    Environment("plain", quick=True),
    Environment("GUARD=1", variables={"HAKMEM_PAGE_ARENA_GUARD": "1"}),
    Environment("ulimit -v 2G", ["prlimit", "--as=2147483648"], quick=True),
    Environment("ulimit -d 1G", ["prlimit", "--data=1073741824"], off="turns itself off: RLIMIT_DATA counts what it retains",
                quick=True),
    Environment("ulimit -l 64K", ["prlimit", "--memlock=65536"]),
    Environment("ulimit -s 512K", ["prlimit", "--stack=524288"]),
    Environment("ulimit -s unlimited", ["prlimit", "--stack=unlimited"], quick=True),
    Environment("ulimit -n 24", ["prlimit", "--nofile=24"]),
    Environment("overcommit_memory 0", setup=sysctl("vm/overcommit_memory", "0"), system=True, programs=SIMPLE),
    Environment("overcommit_memory 1", setup=sysctl("vm/overcommit_memory", "1"), system=True, programs=SIMPLE),
    Environment("overcommit_memory 2", setup=strict_overcommit, system=True, programs=SIMPLE),
    Environment("max_map_count 1000", setup=sysctl("vm/max_map_count", "1000"), system=True, programs=SIMPLE),
    Environment("THP always", setup=huge_pages("always"), system=True, programs=SIMPLE),
    Environment("THP madvise", setup=huge_pages("madvise"), system=True, programs=SIMPLE),
    Environment("THP never", [LAUNCH, "thp-never"], quick=True),
    Environment("memory cgroup, near its limit", setup=lambda: CGROUP, cell=CGROUP.inside(1.05)),
    Environment("swap on a file", setup=lambda: swapping(swap_file), cell=CGROUP.enter, system=True,
                programs=SIMPLE),
    Environment("swap on zram", setup=lambda: swapping(swap_zram), cell=CGROUP.enter, system=True,
                programs=SIMPLE),
    Environment("seccomp, unknown calls kill", cell=only_known_calls, programs=SIMPLE),
    Environment("no /proc", mounts("mount -t tmpfs none /proc"), quick=True),
    Environment("read-only root", mounts('mount --bind "$here" "$here" && mount -o remount,bind,ro /'),
                variables={"TMPDIR": "."}),
    Environment("closed descriptors 0-2", ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"], streams=False, quick=True),
    Environment("full disk for the statistics", mounts('mkdir full && mount -t tmpfs -o size=4k none full && chmod 777 full && '
                'head -c 4096 /dev/zero >full/filler'), stats="full/%p.json", drops="cannot write the statistics to"),
    Environment("user and pid namespaces", ["unshare", "-Urpf", "--mount-proc"], programs=NOT_SETUID),
    Environment("gdb", GDB, programs=["C", "python3", "luajit", "perl", "sqlite3", "node", "dlmopen"],
                drops=r"^\[|^Using host|^warning: |^Download"),
    Environment("strace", ["strace", "-f", "-o", "trace.txt"], programs=NOT_SETUID),
    Environment("rr", ["rr", "record", "-o", "recorded"], drops="^rr: ", programs=NOT_SETUID),
    Environment("valgrind", ["valgrind", "-q", "--leak-check=no", "--trace-children=yes"], programs=["C", "perl", "sqlite3", "dlmopen"],
                off="turns itself off: valgrind keeps books of every page"),
    Environment("LD_AUDIT", variables={"LD_AUDIT": f"{BUILT}/audit.so"}, quick=True),
    Environment("ld.so.preload with ONLY", cell=preload_file, preload=False),
]
for short, library, more in (
        ("jemalloc", f"{LIBRARIES}/libjemalloc.so.2", {}), ("mimalloc", f"{LIBRARIES}/libmimalloc.so.2.0", {}),
        ("tcmalloc", f"{LIBRARIES}/libtcmalloc_minimal.so.4", {}), ("eatmydata", f"{LIBRARIES}/libeatmydata.so", {}),
        ("faketime", f"{LIBRARIES}/faketime/libfaketime.so.1", {"FAKETIME": "-1d"}),
        ("heaptrack", HEAPTRACK, {"DUMP_HEAPTRACK_OUTPUT": "heaptrack.%p"})):
    for order in ("before", "after"):
        others = {"drops": "^heaptrack "} if short == "heaptrack" else {}
        # libfaketime leaves a semaphore behind, named by its pid, and fails where that pid comes again.
        if short == "faketime":
            others["wrap"] = mounts("mount -t tmpfs none /dev/shm")
        # heaptrack takes all preloads from its children's environment.
        if short == "heaptrack":
            others["programs"] = [name for name in SIMPLE if name not in ("gcc", "git")]
        ENVIRONMENTS.append(Environment(f"{short} {order} it", **{order: library}, variables=more, quick=short == "jemalloc", **others))
