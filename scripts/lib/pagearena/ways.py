"""The ways in which compare runs CMD: off, on, and under the rivals that were asked for."""
import glob
import os
from dataclasses import dataclass

from . import Failure, library, settings

FOLDERS = (f"/usr/lib/{library.MULTIARCH}", "/usr/lib64", "/usr/lib", "/usr/local/lib")

# name: (patterns of the library's file, Debian's package)
PRELOADS = {
    "jemalloc": (("libjemalloc.so.2", "libjemalloc.so.*"), "libjemalloc2"),
    "mimalloc": (("libmimalloc.so.2", "libmimalloc.so.*"), "libmimalloc2.0"),
    "tcmalloc": (("libtcmalloc_minimal.so.4", "libtcmalloc_minimal.so.*", "libtcmalloc.so.*"), "libtcmalloc-minimal4"),
}
# glibc with PageArena's default budget: blocks up to its limit of 32 MB from its heaps, 164 MB of which stay untrimmed.
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(164 << 20),
    "MALLOC_TOP_PAD_": str(64 << 20),
}
RIVALS = (*PRELOADS, "tuned-glibc")


@dataclass
class Way:
    name: str
    env: dict

    def changes(self, off):
        """{name: value} of what differs from the way `off`."""
        return {name: value for name, value in sorted(self.env.items()) if off.env.get(name) != value}


def find_rival(name):
    patterns, package = PRELOADS[name]
    for pattern in patterns:
        for folder in FOLDERS:
            found = sorted(glob.glob(os.path.join(folder, pattern)))
            if found:
                return found[0]
    raise Failure(f"{name} is not installed: no {patterns[0]} (on Debian: apt-get install {package})")


def rival(name):
    env = library.without()
    if name == "tuned-glibc":
        env.update(TUNED)
    else:
        env = library.preload(env, find_rival(name))
    return Way(name, env)


def chosen(args):
    """[off, on, rivals ...]"""
    return [Way("off", library.without()), Way("on", settings.environment(args)), *map(rival, dict.fromkeys(args.vs))]
