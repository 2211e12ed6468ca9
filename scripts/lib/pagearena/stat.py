"""Print the figures of processes that publish them (`pagearena run --set PUBLISH=1`, or
HAKMEM_PAGE_ARENA_PUBLISH=1).

Text by default. --prometheus prints the text exposition format, for node_exporter's textfile
collector. --record appends a line of JSON every -d seconds until the process ends; `pagearena
report` draws it.
"""
import json
import os
import sys
import time

from . import FAILED, USAGE, Failure, at_least, published

# Name, kind, help, and where it comes from.
METRICS = (
    ("live_bytes", "gauge", "Memory the program has from the arena.", lambda s: s.page["live"]),
    ("live_peak_bytes", "gauge", "The most of it that was seen.", lambda s: s.page["live_peak"]),
    ("cached_bytes", "gauge", "Memory in caches, ready to be handed out.", lambda s: s.page["cached"]),
    ("retained_bytes", "gauge", "Memory kept for reuse: cached, and free but dirty.", lambda s: s.page["retained"]),
    ("resident_bytes", "gauge", "Resident memory of the process.", lambda s: s.resident),
    ("minor_faults_total", "counter", "Minor page faults of the process.", lambda s: s.faults),
    ("allocated_bytes_total", "counter", "Bytes handed out.", lambda s: s.page["allocated"]),
    ("requests_total", "counter", "Requests for whole pages that were served.", lambda s: s.page["total_allocs"]),
    ("releases_total", "counter", "Requests that gave pages back.", lambda s: s.page["total_frees"]),
    ("blocks_total", "counter", "Blocks of malloc served from chunks.", lambda s: s.page["blocks"]),
    ("kernel_requests_total", "counter", "Requests that went to the kernel in the end.", lambda s: s.page["mmap_calls"]),
)
SIZE_METRICS = (
    ("cache_hits_total", "hits", "Requests that a cache served."),
    ("cache_misses_total", "misses", "Requests that a cache could not serve."),
    ("cache_frees_total", "frees", "Spans offered to a cache."),
    ("cache_evictions_total", "evictions", "Spans that found no room in a cache."),
)


def add_parser(subparsers):
    parser = subparsers.add_parser("stat", help="figures of running processes", description=__doc__)
    parser.add_argument("pid", nargs="?", type=at_least(1), metavar="PID", help="the process")
    parser.add_argument("--all", action="store_true", help="every process of the user that publishes")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON; with --all, a list")
    form.add_argument("--prometheus", action="store_true", help="as Prometheus text")
    form.add_argument("--record", metavar="FILE", help="append a line of JSON every -d seconds, until it ends")
    parser.add_argument("-d", dest="delay", type=seconds, default=0.2, metavar="SECONDS",
                        help="for --record (the default: 0.2)")
    add_folder(parser)
    parser.set_defaults(func=main)


def add_folder(parser):
    parser.add_argument("--folder", metavar="DIR", help="where they publish, if PUBLISH is a folder")


def seconds(text):
    value = float(text)
    if not 0.01 <= value <= 86400:
        raise ValueError
    return value


def reader(args, command):
    paths = [args.folder] if args.folder else published.folders()
    return published.Reader(paths, lambda what: print(f"pagearena {command}: {what}", file=sys.stderr, flush=True))


def lines(sample):
    flat = sample.flat()
    sizes = flat.pop("sizes")
    for name, value in flat.items():
        yield f"{name} {value}"
    for size, counters in sizes.items():
        for counter, value in counters.items():
            yield f"{size}.{counter} {value}"


def label(text):
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def prometheus(samples):
    """Each metric once, with HELP and TYPE, and a line for each process."""
    for name, kind, words, figure in METRICS:
        yield f"# HELP pagearena_{name} {words}"
        yield f"# TYPE pagearena_{name} {kind}"
        for sample in samples:
            yield f'pagearena_{name}{{pid="{sample.pid}",name="{label(sample.name)}"}} {figure(sample)}'
    for name, counter, words in SIZE_METRICS:
        yield f"# HELP pagearena_{name} {words}"
        yield f"# TYPE pagearena_{name} counter"
        for sample in samples:
            for size in published.SIZES:
                yield (f'pagearena_{name}{{pid="{sample.pid}",name="{label(sample.name)}",size="{size}"}} '
                       f'{sample.page[f"{size}_{counter}"]}')


def append(file, sample, started):
    """A line of a recording."""
    line = {"seconds": round(time.monotonic() - started, 3), **sample.flat()}
    del line["sizes"]
    file.write(json.dumps(line) + "\n")
    file.flush()


def record(args, source):
    started = time.monotonic()
    sample = source.sample(args.pid)
    if sample is None:
        raise missing(args.pid)
    with open(args.record, "a", encoding="utf-8") as file:
        while sample is not None:
            append(file, sample, started)
            time.sleep(args.delay)
            sample = source.sample(args.pid)
    return 0


def missing(pid):
    why = "it does not publish" if os.path.exists(f"/proc/{pid}") else "there is no such process"
    return Failure(f"{pid}: {why}", FAILED)


def main(args):
    if (args.pid is None) != args.all:
        raise Failure("give a PID or --all", USAGE)
    if args.record and args.all:
        raise Failure("--record takes a PID", USAGE)
    source = reader(args, "stat")
    if args.record:
        try:
            return record(args, source)
        except OSError as error:
            raise Failure(f"{args.record}: {error.strerror}") from None
    samples = source.samples() if args.all else [source.sample(args.pid)]
    if samples == [None]:
        raise missing(args.pid)
    if args.prometheus:
        print("\n".join(prometheus(samples)))
    elif args.json:
        flat = [sample.flat() for sample in samples]
        print(json.dumps(flat if args.all else flat[0], indent=2))
    else:
        print("\n\n".join("\n".join(lines(sample)) for sample in samples))
    return 0
