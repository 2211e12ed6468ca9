"""Runs a command once and tells what it cost: wall, user and system time, minor faults, peak memory, status, output.

What it prints is hashed as it comes and not kept, but for the end of stderr. measure.c does the waiting, and says how.
"""
import errno
import hashlib
import os
import selectors
import subprocess
from dataclasses import dataclass

from . import FAILED, NOT_EXECUTABLE, NOT_FOUND, Failure, library

HELPER = "pagearena-measure"
CHUNK = 1 << 18
PIPE_MOST = 1 << 20  # bytes that a pipe can hold
TAIL = 2000


@dataclass
class Stream:
    """What came out of one descriptor."""

    nbytes: int
    digest: str
    tail: bytes


@dataclass
class Result:
    wall: float  # seconds
    user: float
    sys: float
    faults: int  # minor, of the whole process tree
    peak: int  # KB, of the largest process
    status: int  # as of a shell: 128+N for signal N
    out: Stream
    err: Stream

    def said(self):
        """All that must be the same with the arena on."""
        return self.status, self.out.digest, self.err.digest


class _Reader:
    def __init__(self, file):
        self.file = file
        self.hash = hashlib.blake2b(digest_size=16)
        self.nbytes = 0
        self.tail = b""
        os.set_blocking(file.fileno(), False)

    def read(self):
        """Takes what is there; False at the end, None if nothing is there now."""
        try:
            data = os.read(self.file.fileno(), CHUNK)
        except BlockingIOError:
            return None
        self.hash.update(data)
        self.nbytes += len(data)
        self.tail = (self.tail + data[-TAIL:])[-TAIL:]
        return bool(data)

    def stream(self):
        """What CMD left in the pipe; somebody else may go on writing."""
        for _ in range(PIPE_MOST // CHUNK):
            if not self.read():
                break
        self.file.close()
        return Stream(self.nbytes, self.hash.hexdigest(), self.tail)


def _pump(readers, report):
    """Reads until the report is complete: CMD has ended. Whoever still has its pipes open is not waited for."""
    said = b""
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader.file, selectors.EVENT_READ, reader)
        selector.register(report, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    data = os.read(report, CHUNK)
                    if not data:
                        return said.decode()
                    said += data
                elif key.data.read() is False:
                    selector.unregister(key.fileobj)


def shell_status(status):
    """From waitpid's to a shell's."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def refusal(name, number):
    """The failure for an exec that ended with this errno."""
    status = NOT_FOUND if number in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE
    return Failure(f"{name}: {os.strerror(number)}", status)


def once(cmd, env, stdin=subprocess.DEVNULL):
    """Runs cmd in the environment env. stdin is a file at its start, or anything Popen takes."""
    report, write_end = os.pipe()
    words = [f"{name}={value}" for name, value in env.items()]
    child = subprocess.Popen([library.locate(HELPER), str(write_end), *words, "", *cmd], env=library.without(), stdin=stdin,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[write_end])
    os.close(write_end)
    try:
        readers = [_Reader(child.stdout), _Reader(child.stderr)]
        said = _pump(readers, report).split()
        child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    finally:
        os.close(report)
    out, err = (reader.stream() for reader in readers)
    if said[:1] == ["errno"]:
        raise refusal(cmd[0], int(said[1]))
    if len(said) != 6:
        raise Failure(f"{HELPER} said nothing: {err.tail.decode(errors='replace')}", FAILED)
    wall, user, sys, faults, peak, status = map(int, said)
    return Result(wall / 1e9, user / 1e6, sys / 1e6, faults, peak, shell_status(status), out, err)
