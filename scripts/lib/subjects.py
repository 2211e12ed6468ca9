"""What is run, and under what."""
import os
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHIM = f"{ROOT}/build/libpagearena_shim.so"
BENCH = f"{ROOT}/build/test/bench"
WORK = f"{ROOT}/test/workloads"
CHURN = f"{WORK}/churn"
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
PYTHON = "/usr/bin/python3"  # not a version manager's


class Way(NamedTuple):
    """One way to run a program."""
    name: str
    preload: tuple = ()
    settings: dict = {}
    huge_pages: str = ""  # the machine's setting meanwhile
    linked: str = ""  # suffix of the malloc benchmarks that are linked with a malloc: nothing else is run so
    ours: bool = False

    def missing(self):
        return [path for path in self.preload if not os.path.exists(path)]


ON = {"HAKMEM_PAGE_ARENA_ENABLE": "1"}
JEMALLOC = f"{LIBRARIES}/libjemalloc.so.2"
MIMALLOC = f"{LIBRARIES}/libmimalloc.so.2"
TCMALLOC = f"{LIBRARIES}/libtcmalloc_minimal.so.4"

# The budget of PageArena's defaults, in glibc's words: blocks up to 32 MB (its limit) come from its heaps, of which
# 164 MB may stay untrimmed. The padding makes a thread's heap one piece of 64 MB.
MALLOPT = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(164 << 20),
    "MALLOC_TOP_PAD_": str(64 << 20),
}

PLAIN = Way("plain")
OURS = Way("PageArena", (SHIM,), ON, ours=True)
WAYS = [
    PLAIN,
    OURS,
    Way("THP=always", huge_pages="always"),
    Way("mallopt", settings=MALLOPT),
    Way("hugetlb=1", settings={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    Way("jemalloc", (JEMALLOC,)),
    Way("je no decay", (JEMALLOC,), {"MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"}),
    Way("je retain:false", (JEMALLOC,), {"MALLOC_CONF": "retain:false"}),
    Way("je linked", linked=".jemalloc"),
    Way("mimalloc", (MIMALLOC,)),
    Way("tcmalloc", (TCMALLOC,)),
    Way("tbbmalloc", (f"{LIBRARIES}/libtbbmalloc_proxy.so.2",)),
    Way("ours+jemalloc", (SHIM, JEMALLOC), ON, ours=True),
    Way("ours+mimalloc", (SHIM, MIMALLOC), ON, ours=True),
    Way("ours+tcmalloc", (SHIM, TCMALLOC), ON, ours=True),
    Way("ours, off", (SHIM,), ours=True),
]


class Subject(NamedTuple):
    """A program that is run. One that reports prints `operations_per_second faults peak_kb` of itself."""
    name: str
    command: list
    settings: dict = {}
    reports: bool = False

    @property
    def measures(self):
        return ("operations" if self.reports else "time", "faults", "peak")


class Cell(NamedTuple):
    """One of the things that the cycles' program measures."""
    kb: int
    what: str
    nthreads: int

    @property
    def name(self):
        return f"{self.kb} KB {self.what}, {plural(self.nthreads, 'thread')}"

    @property
    def measures(self):
        return ("cycle",) if self.what != "memset" else ()


def plural(n, word):
    return f"{n} {word}{'s' if n != 1 else ''}"


PROGRAMS = [
    Subject("python lists", [PYTHON, f"{CHURN}/python.py"]),
    Subject("numpy arrays", [PYTHON, f"{CHURN}/arrays.py", "3000"]),
    Subject("php arrays", ["php", f"{CHURN}/php.php"]),
    Subject("node objects", ["node", f"{CHURN}/node.js"]),
    Subject("luajit tables", ["luajit", f"{CHURN}/luajit.lua"]),
    Subject("ruby strings", ["ruby", f"{CHURN}/ruby.rb"]),
    Subject("g++ -O2 templates", ["g++", "-std=c++17", "-O2", "-S", "-o", "-", f"{WORK}/templates.cc"]),
    Subject("sqlite3 sort, index", ["sqlite3", ":memory:", f".read {CHURN}/sqlite.sql"]),
    Subject("redis", ["sh", f"{CHURN}/redis.sh"]),
    Subject("redis retain:false", ["sh", f"{CHURN}/redis.sh"], {"MALLOC_CONF": "retain:false"}),
    Subject("pillow images", [PYTHON, f"{CHURN}/images.py"]),
    Subject("xz", ["sh", "-c", "seq 250000 | xz -6c"]),
]

BLOCKS = [
    Subject(name, [f"{BENCH}/{words[0]}", *words[1:]], reports=True)
    for name, words in (
        ("mid 256, 1 thread", ("churn_blocks", "mid", "256", "1")),
        ("mid 256, 2 threads", ("churn_blocks", "mid", "256", "2")),
        ("mid 2048, 1 thread", ("churn_blocks", "mid", "2048", "1")),
        ("mid 2048, 2 threads", ("churn_blocks", "mid", "2048", "2")),
        ("large 64, 1 thread", ("churn_blocks", "large", "64", "1")),
        ("large 64, 2 threads", ("churn_blocks", "large", "64", "2")),
        ("handover mid", ("handover", "mid")),
        ("handover large", ("handover", "large")),
        ("realloc half", ("realloc", "half")),
        ("realloc page", ("realloc", "page")),
        ("temporaries", ("temporaries",)),
    )
]

CYCLES = [Subject(f"cycles, {plural(n, 'thread')}", [f"{BENCH}/cycle", str(n)]) for n in (1, 2)]
CYCLE_WAYS = ("plain", "THP=always", "PageArena")  # another malloc makes no difference to mmap
