"""How many system calls on memory a command makes, as strace counts them in a run of their own: strace slows down."""
import os
import shutil
import subprocess
import tempfile

from . import library

CALLS = ("mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "brk")


def missing():
    """Why nothing can be counted here; "" if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], env=library.without(), stdin=subprocess.DEVNULL,
                           capture_output=True, check=False)
    return "" if probe.returncode == 0 else "strace may not trace here (ptrace is forbidden)"


def parse(text):
    """{call: count} from the table of strace -c: `% time, seconds, usecs/call, calls, errors, syscall`."""
    counts = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) in (5, 6) and words[-1] in CALLS:
            counts[words[-1]] = int(words[3])
    return counts


def count(cmd, env, stdin=subprocess.DEVNULL):
    """{call: count} of cmd and its children in the environment env; None if strace said nothing."""
    clean = library.without()
    changes = [f"-E{name}={value}" for name, value in env.items() if clean.get(name) != value]
    changes += [f"-E{name}" for name in clean if name not in env]
    with tempfile.NamedTemporaryFile("r", prefix="pagearena-") as table:
        subprocess.run(["strace", "-f", "-c", "--seccomp-bpf", "-qq", "-e", "trace=" + ",".join(CALLS), "-o", table.name,
                        *changes, "--", *cmd],
                       env=clean, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return parse(table.read()) or None
