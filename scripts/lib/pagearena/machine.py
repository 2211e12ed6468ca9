"""The machine that figures come from, in a few words each."""
import os
import platform
import re

HUGE = "/sys/kernel/mm/transparent_hugepage/enabled"


def read(path, otherwise=""):
    """The text of a file of the kernel's, without the last line's end."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return otherwise


def first(pattern, text, otherwise="unknown"):
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1) if match else otherwise


def huge_pages():
    """always, madvise, never, or unknown."""
    return first(r"\[(.*)\]", read(HUGE))


def memory_mb():
    return int(first(r"^MemTotal:\s*(\d+)", read("/proc/meminfo"), "0")) // 1024


def describe():
    libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else platform.libc_ver()[0]
    return {
        "cpu": first(r"^model name\s*:\s*(.*)", read("/proc/cpuinfo")),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": memory_mb(),
        "kernel": platform.release(),
        "libc": libc or "unknown",
        "huge_pages": huge_pages(),
    }


def line(described):
    return "{cpu}, {cores} cores, {memory_mb} MB, Linux {kernel}, {libc}, huge pages: {huge_pages}".format(**described)
