"""The options that say how PageArena is set: --malloc, --thp, --set, --preset, --library. A single option counts more than a
preset, and both more than what the environment says."""
import os

from . import library

# From "keep all, on huge pages" (656 MB retained at most) to "give back soon" (11 MB). A preset may reach beyond the
# library: TUNABLES are glibc's, and put the small blocks of its own heap on huge pages.
PRESETS = {
    "throughput": {"HOT_SIZE": "4096", "WARM_64K": "1024", "WARM_128K": "512", "WARM_2M": "256", "THP": "always",
                   "DECAY_MS": "-1"},
    "low-memory": {"HOT_SIZE": "256", "WARM_64K": "16", "WARM_128K": "8", "WARM_2M": "4", "THP": "never",
                   "DECAY_MS": "500", "BACKGROUND": "1"},
}
TUNABLES = {"throughput": "glibc.malloc.hugetlb=1"}


def add_options(parser):
    group = parser.add_argument_group("settings")
    group.add_argument("--malloc", choices=("0", "1"), help="serve large malloc blocks as well (the default: 1)")
    group.add_argument("--thp", choices=("auto", "always", "never"), help="huge pages behind the memory")
    group.add_argument("--preset", choices=sorted(PRESETS), help="throughput keeps and pre-pays; low-memory gives back soon")
    group.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                       help="any knob of libpagearena_shim(7); may be given again")
    group.add_argument("--library", metavar="FILE", help="another libpagearena_shim.so, such as the debug build's")


def knobs(args, path):
    """{name: value} of what the options set; `path` is the library, which says what names there are."""
    chosen = dict(PRESETS.get(args.preset, {}))
    if args.malloc is not None:
        chosen["MALLOC"] = args.malloc
    if args.thp is not None:
        chosen["THP"] = args.thp
    chosen.update(library.knob(path, setting) for setting in args.set)
    return chosen


def environment(args, extra=None):
    """The caller's environment with PageArena on, as the options say; extra knobs count most."""
    path = library.find(args.library)
    env = library.environment(path, {**knobs(args, path), **(extra or {})})
    tunables = TUNABLES.get(args.preset)
    if tunables:
        env["GLIBC_TUNABLES"] = ":".join(filter(None, (os.environ.get("GLIBC_TUNABLES"), tunables)))
    return env


def changed(env):
    """{name: value} of what differs from the caller's environment."""
    return {name: value for name, value in sorted(env.items()) if os.environ.get(name) != value}
