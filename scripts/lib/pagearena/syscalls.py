"""How many system calls on memory a command makes, as strace counts them in a run of their own: strace slows down."""
import os
import shutil
import signal
import subprocess
import tempfile

from . import library

CALLS = ("mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "brk")
OPTIONS = ("-f", "-c", "--seccomp-bpf", "-qq", "-e", "trace=" + ",".join(CALLS))


def missing():
    """Why nothing can be counted here; "" if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = subprocess.run(["strace", *OPTIONS, "-o", os.devnull, "/bin/sh", "-c", ":"], env=library.without(),
                           stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return "" if probe.returncode == 0 else "strace cannot trace here (ptrace forbidden, or strace older than 5.3)"


def parse(text):
    """{call: count} from the table of strace -c: `% time, seconds, usecs/call, calls, errors, syscall`."""
    counts = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) in (5, 6) and words[-1] in CALLS:
            counts[words[-1]] = int(words[3])
    return counts


def count(cmd, env, seconds, stdin=subprocess.DEVNULL):
    """{call: count} of cmd and all its children in the environment env; None if they did not end within `seconds`, or if
    strace said nothing. They have a session of their own, so that all can be ended."""
    clean = library.without()
    changes = [f"-E{name}={value}" for name, value in env.items() if clean.get(name) != value]
    changes += [f"-E{name}" for name in clean if name not in env]
    with tempfile.NamedTemporaryFile("r", prefix="pagearena-") as table:
        tracer = subprocess.Popen(["strace", *OPTIONS, "-o", table.name, *changes, "--", *cmd], env=clean, stdin=stdin,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            tracer.wait(seconds)
        except BaseException as error:
            os.killpg(tracer.pid, signal.SIGKILL)
            tracer.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return None
        return parse(table.read()) or None
