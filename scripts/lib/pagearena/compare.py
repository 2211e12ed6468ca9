"""Run CMD without and with PageArena in turn, and tell what that changes.

After a warm-up, CMD runs N times each way, off and on in turn. Shown are the
median and range of each figure, and the median of the pairs' ratios, on / off.
A difference in a ratio counts if Wilcoxon's paired test (exact, two-sided)
gives it p <= 0.05 and it is at least 1 %; else it is called noise. The test is
paired because a machine's speed drifts, and by ranks because its outliers
would widen ranges until they always overlap. It needs 6 pairs.

CMD's output is compared, not shown. It reads /dev/null, or a file (--input, or
`< FILE`) from its start each time. Memory system calls are counted by strace,
if it is there, in one more run each.

The status is CMD's own, or 124 if its output or status was different with
PageArena; 125 if CMD cannot be preloaded.
"""
import argparse
import json
import os
import stat
import subprocess
import sys
import tempfile

from . import DIFFERS, Failure, add_cmd, at_least, library, machine, measure, need_cmd, page, program, settings, syscalls
from . import table, ways
from .comparison import Comparison, as_dict

STRACE_SECONDS, STRACE_SLOWER = 10, 20  # how long a counted run may take: so long, and so many times a plain one


def rivals(text):
    names = text.split(",")
    for name in names:
        if name not in ways.RIVALS:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(ways.RIVALS)}")
    return names


def add_parser(subparsers):
    parser = subparsers.add_parser("compare", help="measure a program without and with PageArena", description=__doc__)
    parser.add_argument("-n", type=at_least(1), default=10, metavar="N", help="pairs of runs (default: 10)")
    parser.add_argument("--warmup", type=at_least(0), default=1, metavar="N", help="runs of each first (default: 1)")
    parser.add_argument("--vs", type=rivals, action="extend", default=[], metavar="RIVAL",
                        help="also under " + ", ".join(ways.RIVALS) + "; may be given again")
    parser.add_argument("--input", metavar="FILE", help="what CMD reads; - keeps a copy of a pipe")
    parser.add_argument("--json", metavar="FILE", help="all figures as JSON; - is stdout, without the table")
    parser.add_argument("--html", metavar="FILE", help="a page with charts, in one file")
    parser.add_argument("--no-strace", action="store_true", help="do not count system calls")
    settings.add_options(parser)
    add_cmd(parser)
    parser.set_defaults(func=main)


class Input:
    """What CMD reads, from the start for each run."""

    def __init__(self, name):
        self.path, self.offset, self.copy = name, 0, None
        if name == "-":
            self.copy = tempfile.NamedTemporaryFile(prefix="pagearena-")
            while chunk := sys.stdin.buffer.read(1 << 20):
                self.copy.write(chunk)
            self.copy.flush()
            self.path = self.copy.name
        elif name is None and stat.S_ISREG(os.fstat(0).st_mode):
            self.path, self.offset = "/proc/self/fd/0", os.lseek(0, 0, os.SEEK_CUR)

    def run(self, function, *arguments):
        """function(*arguments, stdin), with a descriptor of its own."""
        if self.path is None:
            return function(*arguments, subprocess.DEVNULL)
        try:
            file = open(self.path, "rb")
        except OSError as error:
            raise Failure(f"{self.path}: {error.strerror}") from None
        with file:
            file.seek(self.offset)
            return function(*arguments, file)


class Progress:
    """One line on stderr, if that is a terminal, rewritten as runs begin and wiped at the end."""

    def __init__(self, nruns):
        self.nruns, self.done, self.shown = nruns, 0, sys.stderr.isatty()

    def step(self, what):
        self.done += 1
        if self.shown:
            print(f"\r\033[Krun {self.done} of {self.nruns}: {what}", end="", file=sys.stderr, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def warm_up(cmd, found, count, source, progress):
    """Runs CMD in each way, uncounted. Returns notes: whether the arena was really on, how CMD failed."""
    notes, failed = [], None
    with tempfile.TemporaryDirectory(prefix="pagearena-") as folder:
        for _ in range(count):
            for way in found:
                progress.step(f"{way.name}, to warm up")
                env = dict(way.env)
                if way.name == "on":
                    env[library.PREFIX + "STATS"] = os.path.join(folder, "%p")
                result = source.run(measure.once, cmd, env)
                failed = result if way.name == "off" and result.status else failed
        if count and not os.listdir(folder):
            notes.append("no statistics from PageArena: CMD ended without exit handlers, or it stayed off (see doctor)")
    if failed:
        tail = failed.err.tail.decode(errors="replace").strip().splitlines()[-1:] or ["nothing on stderr"]
        notes.append(f"CMD leaves with status {failed.status}: {tail[0]}")
    return notes


def count_calls(cmd, found, runs, source, progress):
    """{way's name: {system call: count}}, from one more run of each."""
    calls = {}
    for way in found:
        progress.step(f"{way.name}, under strace")
        patience = STRACE_SECONDS + STRACE_SLOWER * max(run.wall for run in runs[way.name])
        calls[way.name] = source.run(syscalls.count, cmd, way.env, patience)
    return calls


def measure_all(cmd, found, args):
    """Every run that there is, in a Comparison."""
    source = Input(args.input)
    obstacle = "" if args.no_strace else syscalls.missing()
    counted = [] if args.no_strace or obstacle else found
    busy = os.getloadavg()[0] / len(os.sched_getaffinity(0))
    runs = {way.name: [] for way in found}
    with Progress((args.n + args.warmup) * len(found) + len(counted)) as progress:
        notes = warm_up(cmd, found, args.warmup, source, progress)
        for i in range(args.n):
            turn = i % len(found)
            for way in found[turn:] + found[:turn]:
                progress.step(way.name)
                runs[way.name].append(source.run(measure.once, cmd, way.env))
        calls = count_calls(cmd, counted, runs, source, progress)
    if None in calls.values():
        notes.append("memory system calls are not counted: under strace, CMD or what it left running did not end")
    if busy > 1:
        notes.append(f"the machine was busy already, with {busy:.1f} ready to run for each core: trust times little")
    if obstacle:
        notes.append(f"memory system calls are not counted: {obstacle}")
    return Comparison(cmd, machine.describe(), found, runs, calls, notes)


def save(name, content, mode="w"):
    try:
        with open(name, mode, encoding="utf-8", errors="surrogateescape") as file:
            file.write(content)
    except OSError as error:
        raise Failure(f"{name}: {error.strerror}") from None


def main(args):
    cmd = need_cmd(args)
    program.need_preloadable(cmd[0])
    for name in filter(None, (args.json, args.html)):
        if name != "-":
            save(name, "", "a")  # rather now than after all the runs
    comparison = measure_all(cmd, ways.chosen(args), args)
    document = json.dumps(as_dict(comparison), indent=2) + "\n"
    if args.json == "-":
        sys.stdout.write(document)
    else:
        print(table.text(comparison))
        if args.json:
            save(args.json, document)
    if args.html:
        save(args.html, page.html(comparison))
    return DIFFERS if comparison.differs() else comparison.status()
