"""Reads what processes publish (arena/publish.h), and what /proc says of them.

The folder is looked at only if it is the user's own and nobody else may write to it. Of its files only regular ones of
the right size and owner count; others are told of in one line and left alone. A page whose process is gone, or has
become another program, is removed, but not that of another pid namespace, which cannot be looked for.
"""
import os
import stat
import struct
from dataclasses import dataclass

MAGIC = 0x4552414547415021
VERSION = 2
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

TOTALS = ("allocated", "live", "cached", "retained", "region", "total_allocs", "total_frees", "mmap_calls", "blocks")
SIZES = ("hot_4k", "warm_64k", "warm_128k", "warm_2m", "short")
COUNTERS = ("hits", "misses", "frees", "evictions")
NAMES = ("magic", "version", "nbytes", "updates", "pid", "start_time", "start_stack", "pid_namespace", "updated_ms", "name",
         "live_peak", *TOTALS, *(f"{size}_{counter}" for size in SIZES for counter in COUNTERS), "again")
LAYOUT = struct.Struct("=9Q16s" + f"{len(NAMES) - 10}Q")
LARGEST = 1 << 16


@dataclass
class Sample:
    """The figures of one process at one time."""

    pid: int
    name: str
    page: dict
    resident: int = 0
    faults: int = 0
    cpu: float = 0.0  # seconds

    @property
    def hits(self):
        return self.page["blocks"] + sum(self.page[f"{size}_hits"] for size in SIZES)

    @property
    def misses(self):
        return sum(self.page[f"{size}_misses"] for size in SIZES)

    def flat(self):
        """Names and numbers, as JSON and the recording have them."""
        page = self.page
        return {"pid": self.pid, "name": self.name, "resident": self.resident, "faults": self.faults,
                "cpu_seconds": round(self.cpu, 2), "hits": self.hits, "misses": self.misses, "live_peak": page["live_peak"],
                **{name: page[name] for name in TOTALS},
                "sizes": {size: {counter: page[f"{size}_{counter}"] for counter in COUNTERS} for size in SIZES}}


def folders():
    """Where processes with PUBLISH=1 may publish, as arena/publish.c looks for it."""
    uid = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    found = [f"{runtime}/pagearena"] if runtime.startswith("/") else []
    found += [f"/run/user/{uid}/pagearena", f"/tmp/pagearena-{uid}"]
    return list(dict.fromkeys(found))


class Reader:
    """Keeps open nothing but the folders. `complain` is told of each thing that is wrong, once."""

    def __init__(self, paths, complain):
        self.complain = complain
        self.told = set()
        self.namespace = self._inode("/proc/self/ns/pid")
        self.folders = [(path, fd) for path, fd in ((path, self._open(path)) for path in paths) if fd is not None]

    def tell(self, what):
        if what not in self.told:
            self.told.add(what)
            self.complain(what)

    @staticmethod
    def _inode(path):
        try:
            return os.stat(path).st_ino
        except OSError:
            return 0

    def _open(self, path):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.tell(f"{path}: {error.strerror}: ignored")
            return None
        status = os.fstat(fd)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            self.tell(f"{path}: not the user's own, or open to others: ignored")
            os.close(fd)
            return None
        return fd

    def _read(self, folder, name, path):
        """The bytes of a file that a process may have published; None: it is no such file."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.tell(f"{path}: {error.strerror}: ignored")
            return None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_size > LARGEST:
                self.tell(f"{path}: not a file that a process has published: ignored")
                return None
            return os.pread(fd, LAYOUT.size, 0)
        finally:
            os.close(fd)

    def _page(self, folder, name, path):
        """The figures of a file, or None."""
        for _ in range(3):
            data = self._read(folder, name, path)
            if data is None:
                return None
            if len(data) < LAYOUT.size:
                break
            page = dict(zip(NAMES, LAYOUT.unpack(data)))
            if page["magic"] == 0 and page["updates"] == 0:
                return None  # made, and not yet written
            if page["magic"] != MAGIC or page["version"] != VERSION or page["pid"] != int(name):
                break
            if page["updates"] == page["again"]:
                return page
        else:
            return page
        self.tell(f"{path}: not what a process publishes: ignored")
        return None

    def _sample(self, folder, name, path):
        page = self._page(folder, name, path)
        if page is None:
            return None
        if page["pid_namespace"] != self.namespace:
            self.tell(f"{path}: of another pid namespace: ignored")
            return None
        sample = Sample(page["pid"], clean(page["name"].split(b"\0")[0]), page)
        if look_up(sample):
            return sample
        try:
            os.unlink(name, dir_fd=folder)
        except OSError:
            pass
        return None

    def samples(self):
        """One Sample for each process that publishes, by pid."""
        found = {}
        for path, folder in self.folders:
            try:
                names = os.listdir(folder)
            except OSError:
                continue
            for name in names:
                if not (name.isascii() and name.isdigit() and len(name) < 11 and name[0] != "0"):
                    self.tell(f"{path}/{clean(os.fsencode(name))}: not what a process publishes: ignored")
                    continue
                sample = self._sample(folder, name, f"{path}/{name}")
                if sample:
                    found[sample.pid] = sample
        return [found[pid] for pid in sorted(found)]

    def sample(self, pid):
        """The Sample of one process, or None."""
        for path, folder in self.folders:
            found = self._sample(folder, str(pid), f"{path}/{pid}")
            if found:
                return found
        return None


def clean(name):
    """A name as it may be printed."""
    return "".join(c if c.isprintable() else "?" for c in name.decode(errors="replace"))


def look_up(sample):
    """Adds what /proc says. False: that process is gone, or is another program by now."""
    try:
        with open(f"/proc/{sample.pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return False
    start, end = text.index(b"("), text.rindex(b")")
    fields = text[end + 2:].split()  # the first is field 3 of proc(5)
    stack = int(fields[25])
    if int(fields[19]) != sample.page["start_time"] or fields[0] in b"ZX":
        return False
    if stack and sample.page["start_stack"] and stack != sample.page["start_stack"]:
        return False
    sample.name = clean(text[start + 1:end])
    sample.faults = int(fields[7])
    sample.cpu = (int(fields[11]) + int(fields[12])) / TICKS
    sample.resident = int(fields[21]) * PAGE
    return True
