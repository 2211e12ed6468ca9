"""What to expect of PageArena in a program, by the runtime or allocator that it brings. docs/will-it-help.md has figures."""
import os
import re

MALLOCS = ("libjemalloc", "libtcmalloc", "libmimalloc", "libtbbmalloc")

# (pattern of the file's whole name, gain, why). The first that fits counts.
RUNTIMES = (
    (r"python[0-9.]*|pypy[0-9.]*", "much", "its arenas of 1 MB are mapped and unmapped all the time; numpy's arrays are malloc's"),
    (r"php[0-9.]*|php-fpm[0-9.]*|php-cgi[0-9.]*", "much", "its heap is chunks of 2 MB, which it wants aligned, from mmap"),
    (r"node|nodejs|chromium|chrome|deno|electron", "much", "V8 reserves, trims and drops parts of its heap with mmap"),
    (r"luajit[0-9.-]*|resty|openresty", "some", "its segments are mapped and merged; tables that grow are moved with mremap"),
    (r"ruby[0-9.]*|irb[0-9.]*", "some", "heap pages from mmap, strings from malloc"),
    (r"java|javac|jshell", "little", "the JVM reserves its heap once and keeps it; large malloc blocks of native code gain"),
    (r"cc1|cc1plus|gcc[0-9.-]*|g\+\+[0-9.-]*|c\+\+|cc|clang[+0-9.-]*|ld|rustc|cargo", "little",
     "compilers seldom free: only huge pages (--thp always) make first touch cheaper"),
    (r"sqlite3|redis-server|redis-cli|postgres|mysqld|mariadbd", "little", "few large blocks, and those are kept long"),
    (r"(ba|da|z|k|fi)?sh|env|make|xargs|parallel|nohup|time|timeout|nice", "none itself",
     "it starts programs, which inherit the setting: ask doctor about those"),
)


def carried(program):
    """The malloc that the program is linked with, beside glibc's; "" if none."""
    for library in program.binary.needed if program.binary else ():
        if library.startswith(MALLOCS):
            return library
    return ""


def expect(program):
    """(gain, why) in words, for a program that can be preloaded."""
    if program.binary and program.binary.is_go:
        return "none", "Go makes its system calls itself; no preload sees them"
    for pattern, gain, why in RUNTIMES:
        if re.fullmatch(pattern, os.path.basename(program.path)):
            break
    else:
        gain, why = "unknown", "blocks of malloc from 8 KB and private mappings are served; what lives on small blocks gains nothing"
    own = carried(program)
    if own:
        why += f"; it is linked with {own}, which keeps its malloc blocks: only mappings are served"
    return gain, why
