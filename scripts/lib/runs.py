"""One run of a program under one of the ways to run it: what it printed, and what it cost."""
import hashlib
import mmap
import os
import platform
import re
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from statistics import median
from typing import NamedTuple

TOUCHED_BYTES = 512 << 20  # before each run, where four times as much is free
TIMEOUT = 60  # seconds for one run
HUGE_PAGES = os.environ.get("BENCH_HUGE_PAGES", "/sys/kernel/mm/transparent_hugepage/enabled")  # tests have their own

# What would change a run from outside.
FOREIGN = re.compile(r"LD_PRELOAD$|GLIBC_TUNABLES$|HAKMEM_|_?RJEM_|MALLOC_|MIMALLOC_|TCMALLOC_|TBB_")


class Failed(Exception):
    """The program did not end as it does without any preload. The words go into the tables."""


class Run(NamedTuple):
    wall: float  # seconds
    faults: int  # minor ones, of all processes, without those of env
    peak: float  # MB resident, of the largest process
    output: bytes


def settings_of(way, subject):
    """The way's settings and the program's own. Both may have something to say to jemalloc."""
    merged = {**way.settings, **subject.settings}
    both = [s["MALLOC_CONF"] for s in (way.settings, subject.settings) if "MALLOC_CONF" in s]
    if both:
        merged["MALLOC_CONF"] = ",".join(both)
    if way.preload:
        merged["LD_PRELOAD"] = " ".join(way.preload)
    return merged


def give_up(child, hung):
    hung.set()
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def touch_memory():
    """Touches what most programs here need, as huge pages, and gives it back. The host of a virtual machine may take free
    memory away, after two seconds on some: whoever runs next would pay for getting it again, and for huge pages most."""
    if os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE < 4 * TOUCHED_BYTES:
        return
    child = os.fork()
    if child == 0:
        try:
            memory = mmap.mmap(-1, TOUCHED_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            memory.madvise(mmap.MADV_HUGEPAGE)
            for at in range(0, TOUCHED_BYTES, mmap.PAGESIZE):
                memory[at] = 1
        finally:
            os._exit(0)  # whether there was as much or not
    os.waitpid(child, 0)


@cache
def faults_of_env():
    """What it costs to set the environment on the way, about 80: the kernel goes on counting when env becomes the program."""
    def faults(*command):
        done = subprocess.run(["/usr/bin/time", "-q", "-f", "%R", *command], env={"PATH": os.defpath}, check=True,
                              stderr=subprocess.PIPE)
        return int(done.stderr)
    return median(faults("env", "true") - faults("true") for _ in range(5))


def run(command, way, subject):
    """Runs the command under /usr/bin/time, which is not preloaded itself. It is also a small program: the peak of a
    process starts at what the one that started it had resident, which for this one would be 20 MB."""
    clean = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    settings = [f"{name}={value}" for name, value in settings_of(way, subject).items()]
    with (tempfile.TemporaryDirectory() as scratch, tempfile.NamedTemporaryFile("r") as costs,
          tempfile.TemporaryFile() as out, huge_pages(way.huge_pages)):
        clean["TMPDIR"] = scratch  # what a killed program leaves goes with it
        measured = ["/usr/bin/time", "-q", "-o", costs.name, "-f", "%R %M", "env", *settings, *command]
        touch_memory()
        start = time.perf_counter()
        child = subprocess.Popen(measured, env=clean, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                                 start_new_session=True)
        hung = threading.Event()
        timer = threading.Timer(TIMEOUT, give_up, (child, hung))
        timer.start()
        try:
            status = child.wait()  # with a timeout it would look every 50 ms only
            wall = time.perf_counter() - start
        finally:
            timer.cancel()
            if child.returncode is None:
                give_up(child, hung)
                child.wait()
        if hung.is_set():
            raise Failed("hung")
        out.seek(0)
        printed = out.read()
        if status != 0:
            raise Failed("crashed" if status >= 128 else f"status {status}")
        faults, peak = map(int, costs.read().split())
        return Run(wall, max(faults - faults_of_env(), 0), peak / 1024, printed)


def digest(output):
    return hashlib.sha256(output).digest()


def first_match(path, pattern, otherwise="unknown"):
    try:
        with open(path, encoding="utf-8") as file:
            match = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        match = None
    return match.group(1) if match else otherwise


def huge_pages_setting():
    return first_match(HUGE_PAGES, r"(?:.*\[|^)(\w+)(?:\]|$)")


def set_huge_pages(mode):
    with open(HUGE_PAGES, "w", encoding="ascii") as file:
        file.write(mode)


def cannot_set_huge_pages():
    """Why not, or None."""
    try:
        set_huge_pages(huge_pages_setting())
    except OSError as error:
        return f"{HUGE_PAGES}: {error.strerror}"
    return None


@contextmanager
def set_for_now(mode):
    before = huge_pages_setting()
    try:
        set_huge_pages(mode)
        yield
    finally:
        set_huge_pages(before)


def huge_pages(mode):
    """The whole machine's setting, for as long as this lasts; None: as it is."""
    return set_for_now(mode) if mode else nullcontext()


def machine():
    cpu = first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)")
    memory = int(first_match("/proc/meminfo", r"^MemTotal:\s*(\d+)", "0")) >> 20
    return (f"{cpu}, {len(os.sched_getaffinity(0))} cores, {memory} GB, Linux {platform.release()},"
            f" {' '.join(platform.libc_ver())}, huge pages: {huge_pages_setting()},"
            f" load at the start: {os.getloadavg()[0]:.1f}")
