"""Say with which settings PageArena serves CMD best, and what they gain.

Runs CMD twice: as it is, and with a trace of the memory it asks for. The trace is then replayed
through the library itself with other settings; each replay tells how many page faults the program
would take. One that asks for other memory each time is predicted as well as it repeats itself.
"""
import glob
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from . import FAILED, Failure, add_cmd, library, measure, need_cmd, program
from .table import group

REPLAY = "pagearena-replay"
LARGEST_TRACES = 32  # of a program with more processes, those that say most
SEARCH_SECONDS = 30
CACHES = {"HOT_SIZE": (64, 4096), "WARM_64K": (16, 1024), "WARM_128K": (8, 512), "WARM_2M": (4, 256)}  # least, most
DEFAULTS = {"HOT_SIZE": 1024, "WARM_64K": 256, "WARM_128K": 128, "WARM_2M": 64}
MOST = {name: str(most) for name, (_, most) in CACHES.items()}
LEAST = {name: str(least) for name, (least, _) in CACHES.items()}
# A trace tells of requests up to this; larger ones are mostly reserved, and used in parts.
TRACED = {"MAX_SPAN": "256M"}
SMALL = {**TRACED, "THP": "never"}  # a huge page is touched as a whole: the trace is written without
CANDIDATES = {
    "as it comes": {},
    "malloc left alone": {"MALLOC": "0"},
    "malloc from 64 KB up": {"MALLOC_MIN": "64K"},
    "largest caches": MOST,
    "and requests to 256 MB": {**MOST, **TRACED},
    "smallest caches": LEAST,
}
SIZES = (("4k", "up to 4 KB"), ("64k", "to 64 KB"), ("128k", "to 128 KB"), ("2m", "to 2 MB"), ("32m", "to 32 MB"),
         ("more", "larger"))
SAME = 0.01  # of the faults without: less is no difference
WORTH = 0.05


def add_parser(subparsers):
    parser = subparsers.add_parser("advise", help="which settings are best for a program", description=__doc__)
    parser.add_argument("--library", metavar="FILE", help="another libpagearena_shim.so")
    parser.add_argument("--json", metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--keep", metavar="DIR", help="leave the traces in DIR, which must not be there")
    add_cmd(parser)
    parser.set_defaults(func=main)


@dataclass
class Outcome:
    """What a program would take with these knobs."""

    knobs: dict
    faults: int
    seconds: float
    peak_kb: int
    figures: dict


class Replays:
    """The traces of one run, and what was measured of it and without."""

    def __init__(self, path, traces, off, traced):
        self.path = path
        self.traces = traces
        self.off = off
        self.known = {}
        # What the program faults in outside the arena: all that the replay of the same does not see.
        self.base = max(0, traced.faults - self.play(SMALL, "--fresh")["faults"])
        self.cpu_off = self.play({}, "--off")["cpu_us"]

    def play(self, knobs, *mode):
        """The sum of what the traces say, replayed with these knobs."""
        total = {}
        env = {**library.without(), **{library.PREFIX + name: value for name, value in knobs.items()}}
        for trace in self.traces:
            run = subprocess.run([library.locate(REPLAY), *mode, trace], env=env, capture_output=True, text=True, check=False)
            if run.returncode != 0:
                raise Failure(f"{REPLAY} ended with status {run.returncode}: {run.stderr.strip()}", FAILED)
            for line in run.stdout.splitlines():
                name, value = line.split()
                largest = name in ("peak_kb", "milliseconds")
                total[name] = max(total.get(name, 0), int(value)) if largest else total.get(name, 0) + int(value)
        return total

    def outcome(self, knobs):
        key = tuple(sorted(knobs.items()))
        if key not in self.known:
            figures = self.play(knobs)
            saved = (self.cpu_off - figures["cpu_us"]) / 1e6
            self.known[key] = Outcome(dict(knobs), self.base + figures["faults"], max(0.0, self.off.wall - saved),
                                      figures["peak_kb"], figures)
        return self.known[key]


def run_traced(cmd, path, folder):
    """One run of CMD that leaves a trace of each process in the folder."""
    env = library.environment(path, {**SMALL, "TRACE": os.path.join(folder, "%p.trace")}, library.without())
    traced = measure.once(cmd, env)
    traces = sorted(glob.glob(os.path.join(glob.escape(folder), "*.trace*")), key=os.path.getsize, reverse=True)
    if not traces:
        raise Failure("no process left a trace: PageArena was not on in any", FAILED)
    return traced, traces[:LARGEST_TRACES], sum(trace.endswith(".trace") for trace in traces)


def better(a, b, same):
    """Whether outcome a is to be preferred: fewer faults, or about as many with less memory and fewer knobs."""
    if abs(a.faults - b.faults) > same:
        return a.faults < b.faults
    return (a.peak_kb + 1024 * len(a.knobs)) < (b.peak_kb + 1024 * len(b.knobs))


def search(replays, same):
    """The best outcome: of the candidates, then without what makes no difference, and with caches as small as that."""
    until = time.monotonic() + SEARCH_SECONDS
    best = standard = replays.outcome({})
    for knobs in CANDIDATES.values():
        if time.monotonic() < until and ("MAX_SPAN" not in knobs or standard.figures["requests.more"]):
            found = replays.outcome(knobs)
            best = found if better(found, best, same) else best
    enough = best.faults + same
    for name in list(best.knobs):
        tried = [{key: value for key, value in best.knobs.items() if key != name}]
        if name in CACHES:
            sizes = [int(best.knobs[name]) >> shift for shift in range(1, 10)]
            tried += [{**best.knobs, name: str(size)} for size in sizes if size > DEFAULTS[name]][::-1]
        for knobs in tried:
            if time.monotonic() < until and replays.outcome(knobs).faults <= enough:
                best = replays.outcome(knobs)
                break
    return best


def setting(knobs):
    """What to put in front of a command, or into a unit file."""
    return " ".join(f"{library.PREFIX}{name}={value}" for name, value in {"ENABLE": "1", **knobs}.items())


def asked(figures):
    """Lines that tell what the program asks for."""
    lines = ["  asked for       requests        MB   kept, on average"]
    for key, words in SIZES:
        requests = figures[f"requests.{key}"]
        if requests == 0:
            continue
        freed = figures[f"freed.{key}"]
        life = f"{figures[f'lived_ms.{key}'] / freed:,.0f} ms" if freed else "to the end"
        lines.append("  {:<12}{:>12}{:>10}   {}".format(words, group(f"{requests:,}"),
                                                      group(f"{figures['bytes.' + key] >> 20:,}"), group(life)))
    return lines


def row(name, faults, seconds, peak_kb, hits=None, evictions=None):
    cells = [group(f"{faults:,}"), f"{seconds:.2f}", group(f"{peak_kb / 1024:,.0f}") if peak_kb is not None else "",
             group(f"{hits:,}") if hits is not None else "", group(f"{evictions:,}") if evictions is not None else ""]
    return ("  {:<22}{:>12}{:>9}{:>10}{:>12}{:>11}".format(name, *cells)).rstrip()


def outcomes(replays, best):
    lines = ["                              faults  seconds  arena MB        hits  evictions",
             row("without", replays.off.faults, replays.off.wall, None)]
    shown = [(name, replays.outcome(knobs)) for name, knobs in CANDIDATES.items()
             if tuple(sorted(knobs.items())) in replays.known]
    if all(best is not found for _, found in shown):
        shown.append(("the best of all", best))
    return lines + [row(name, found.faults, found.seconds, found.peak_kb, found.figures["hits"], found.figures["evictions"])
                    for name, found in shown]


def verdict(replays, best):
    off = replays.off
    saved = off.faults - best.faults
    if saved < WORTH * off.faults:
        return ["PageArena would not help: most page faults come from memory that is never given back, or from elsewhere."]
    lines = []
    standard = replays.outcome({})
    if not best.knobs:
        lines.append("The defaults serve it as well as any other setting:")
    elif standard.faults - best.faults <= SAME * off.faults:
        lines.append("As good as the defaults, with less memory:")
    else:
        lines.append("This is better than the defaults:")
    return lines + ["", f"    {setting(best.knobs)}", "",
                    f"predicted: {group(f'{best.faults:,}')} page faults instead of {group(f'{off.faults:,}')} "
                    f"({100 * saved / off.faults:.0f} % fewer), {best.seconds:.2f} s instead of {off.wall:.2f} s"]


def as_json(cmd, replays, best, complete):
    return {"cmd": cmd, "complete": complete,
            "off": {"faults": replays.off.faults, "seconds": replays.off.wall},
            "faults_elsewhere": replays.base,
            "best": {"knobs": best.knobs, "setting": setting(best.knobs), "faults": best.faults, "seconds": best.seconds},
            "predicted": [{"knobs": found.knobs, "faults": found.faults, "seconds": found.seconds,
                           "peak_kb": found.peak_kb, "figures": found.figures} for found in replays.known.values()]}


def was_followed(trace):
    """Whether the program became another one, by exec: its trace has no end."""
    start, _, number = trace.rpartition(".trace")
    return os.path.exists(f"{start}.trace.{int(number.lstrip('.') or 0) + 1}")


def study(args, cmd, path, folder):
    off = measure.once(cmd, library.without())
    if off.status != 0:
        print(f"pagearena advise: {cmd[0]} ended with status {off.status}", file=sys.stderr)
    traced, traces, nprocesses = run_traced(cmd, path, folder)
    replays = Replays(path, traces, off, traced)
    best = search(replays, SAME * max(off.faults, 1))
    figures = best.figures
    complete = figures["complete"] + sum(map(was_followed, traces)) >= len(traces)
    print(shlex.join(cmd))
    print(f"{nprocesses} process{'es' if nprocesses > 1 else ''}, {group(format(figures['requests'], ','))} requests, "
          f"{group(format(figures['bytes'] >> 20, ','))} MB in all")
    if not complete:
        print("note: some traces end before their process did; what came after is not in the prediction")
    if traced.said() != off.said():
        print("note: it printed something else, or left with another status, when it was traced")
    print("\n".join(["", *asked(figures), "", *outcomes(replays, best), "", *verdict(replays, best)]))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(as_json(cmd, replays, best, complete), file, indent=2)
            file.write("\n")
    return off.status


def main(args):
    cmd = need_cmd(args)
    path = library.find(args.library)
    program.need_preloadable(cmd[0])
    library.locate(REPLAY)
    if args.keep:
        try:
            os.mkdir(args.keep, 0o700)
        except OSError as error:
            raise Failure(f"{args.keep}: {error.strerror}") from None
        return study(args, cmd, path, os.path.abspath(args.keep))
    with tempfile.TemporaryDirectory(prefix="pagearena-") as folder:
        return study(args, cmd, path, folder)
