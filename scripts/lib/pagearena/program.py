"""What CMD is, and whether a library can be preloaded into it: through scripts and env(1) down to the file that runs."""
import errno
import os
import shutil
import stat
import struct
from dataclasses import dataclass, field

from . import NOT_EXECUTABLE, NOT_FOUND, Failure, elf

SHELL = "/bin/sh"
DEEPEST = 5  # interpreters of interpreters, as Linux has it
SANITIZERS = ("libasan.", "libtsan.", "liblsan.", "libhwasan.", "libclang_rt.asan", "libclang_rt.tsan")
OWN_BOOKS = ("valgrind", "valgrind.bin")  # keep books of their own on every page


@dataclass
class Program:
    """chain: the files, from what was named to what the kernel loads. reason: why PageArena has no effect in it, or ""."""

    chain: list = field(default_factory=list)
    binary: elf.Elf = None
    reason: str = ""

    @property
    def path(self):
        return self.chain[-1]

    @property
    def name(self):
        return os.path.basename(self.path)


def which(name, path=None):
    """The file that execvp would run. Fails as a shell does: 127 if there is none, 126 if it cannot be run."""
    if "/" not in name:
        found = shutil.which(name, path=path)
        if found is None:
            raise Failure(f"{name}: command not found", NOT_FOUND)
        return found
    if not os.path.lexists(name):
        raise Failure(f"{name}: {os.strerror(errno.ENOENT)}", NOT_FOUND)
    if not os.path.isfile(name) or not os.access(name, os.X_OK):
        raise Failure(f"{name}: not an executable file", NOT_EXECUTABLE)
    return name


def _interpreter(start, path):
    """The file that a script which starts like this is given to; without #! it is the shell, as execvp has it.
    env NAME is seen through, as far as it has no options but -S."""
    if start[:2] != b"#!":
        return SHELL
    words = start[2:].split(b"\n")[0].decode(errors="replace").split()
    if not words:
        return SHELL
    if os.path.basename(words[0]) == "env":
        named = [word for word in words[1:] if word != "-S" and "=" not in word]
        if named and not named[0].startswith("-"):
            return which(named[0], path)
    return which(words[0], path)


def _set_id(path):
    """As the kernel decides on AT_SECURE, for this user."""
    mode = os.stat(path)
    if mode.st_mode & stat.S_ISUID and mode.st_uid != os.getuid():
        return "set-user-ID"
    if mode.st_mode & stat.S_ISGID and mode.st_mode & stat.S_IXGRP and mode.st_gid != os.getgid():
        return "set-group-ID"
    try:
        if os.getuid() != 0 and os.getxattr(path, "security.capability"):
            return "privileged by file capabilities"
    except OSError:
        pass
    return ""


def _reason(path, found):
    """Why the loader, or the library itself, leaves this file alone."""
    set_id = _set_id(path)
    if set_id:
        return f"{path} is {set_id}: the loader preloads nothing into it"
    if found is None:
        return f"{path} is neither an ELF file nor a script"
    if found.bits != 64:
        return f"{path} is a 32-bit program: the library has 64"
    if found.machine != elf.X86_64:
        return f"{path} is for another machine: the library is for x86-64"
    if not found.interpreter:
        kind = "a Go program, " if found.is_go else ""
        return f"{path} is {kind}statically linked: there is no loader that could preload anything"
    if "ld-musl" in found.interpreter:
        return f"{path} runs on musl: the library needs glibc"
    if "ld-linux" not in os.path.basename(found.interpreter):
        return f"{path} has the loader {found.interpreter}: the library needs glibc"
    if any(library.startswith(SANITIZERS) for library in found.needed):
        return f"{path} is built with a sanitizer, beside which PageArena stays off"
    return ""


def inspect(name, path=None):
    """The Program that the command `name` runs, looked for in PATH or `path`."""
    program = Program([which(name, path)])
    for _ in range(DEEPEST):
        try:
            with open(program.path, "rb") as file:
                start = file.read(256)
                program.binary = elf.read(file)
        except (PermissionError, struct.error) as error:
            program.reason = f"{program.path} cannot be looked at: {error}"
            return program
        if program.binary or b"\0" in start:
            break
        program.chain.append(_interpreter(start, path))
    if any(os.path.basename(file) in OWN_BOOKS for file in program.chain):
        program.reason = "under valgrind PageArena stays off"
    else:
        program.reason = _reason(program.path, program.binary)
    return program


def need_preloadable(name, path=None):
    program = inspect(name, path)
    if program.reason:
        raise Failure(f"{name} cannot be measured with PageArena: {program.reason}")
    return program
