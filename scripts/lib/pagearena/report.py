"""Draw a recorded run as a timeline: memory, page faults, and what part the caches served.

A recording is made by `pagearena stat PID --record FILE`, or here: with --record FILE, CMD is run
with PageArena and recorded, all its processes together, and FILE is then drawn. Without --html,
--svg or --png the page FILE.html is written. SVG and PNG are drawn by gnuplot.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import FAILED, USAGE, Failure, library, measure, program, published, settings, timeline
from .stat import seconds

SUMS = ("resident", "live", "cached", "retained", "faults", "hits", "misses")
GNUPLOT = """
set terminal {terminal}
set output {output}
set multiplot layout 3,1 title {title} noenhanced
set lmargin 12
set rmargin 3
set grid ytics lc rgb "#d9e0e6"
set border 3 lc rgb "#5b6b7b"
set tics nomirror
set key outside top right horizontal
set yrange [0:*]
set ylabel "MB"
plot {data} using 1:2 with lines lw 2 lc rgb "#8796a5" title "resident", \\
     {data} using 1:3 with lines lw 2 lc rgb "#0b7285" title "live", \\
     {data} using 1:4 with lines lw 2 lc rgb "#b7791f" title "retained"
set ylabel "faults a second"
plot {data} using 1:5 with lines lw 2 lc rgb "#c92a2a" notitle
set ylabel "hits, percent"
set yrange [0:105]
set xlabel "seconds"
plot {data} using 1:6 with lines lw 2 lc rgb "#2b8a3e" notitle
"""
TERMINALS = {"svg": 'svg size 900,700 dynamic font "sans,12" background "#ffffff"',
             "png": 'pngcairo size 1200,900 font "sans,11"'}


def add_parser(subparsers):
    parser = subparsers.add_parser("report", help="draw a recorded run", description=__doc__,
                                   usage="pagearena report [options] FILE\n"
                                         "       pagearena report [options] --record FILE -- CMD [ARG ...]")
    parser.add_argument("--html", metavar="OUT", help="write a page that needs nothing else")
    parser.add_argument("--svg", metavar="OUT", help="write a picture")
    parser.add_argument("--png", metavar="OUT", help="write a picture")
    parser.add_argument("--record", metavar="FILE", help="run CMD and record it into FILE first")
    parser.add_argument("-d", dest="delay", type=seconds, default=0.1, metavar="SECONDS",
                        help="for --record (the default: 0.1)")
    settings.add_options(parser)
    parser.add_argument("words", nargs="*", metavar="FILE",
                        help="a recording; with --record, the program and its arguments")
    parser.set_defaults(func=main)


def read(path):
    """The lines of a recording as dictionaries, in order."""
    found = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                try:
                    point = json.loads(line)
                    found.append({name: float(point[name]) for name in ("seconds", *SUMS)})
                except (ValueError, KeyError, TypeError):
                    raise Failure(f"{path}:{number}: not a line of a recording", FAILED) from None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    if len(found) < 2:
        raise Failure(f"{path}: a recording has two lines at least; this one has {len(found)}", FAILED)
    return found


def record(args, cmd):
    """Runs CMD and writes a line every args.delay seconds. Returns CMD's status."""
    program.need_preloadable(cmd[0])
    with tempfile.TemporaryDirectory(prefix="pagearena-") as folder, open(args.record, "w", encoding="utf-8") as file:
        env = settings.environment(args, {"PUBLISH": folder})
        try:
            child = subprocess.Popen(cmd, env=env)
        except OSError as error:
            raise measure.refusal(cmd[0], error.errno) from None
        source = published.Reader([folder], lambda what: print(f"pagearena report: {what}", file=sys.stderr))
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the terminal's to end CMD
        try:
            follow(source, child, args.delay, file)
        finally:
            signal.signal(signal.SIGINT, before)
        return child.returncode if child.returncode >= 0 else 128 - child.returncode


def follow(source, child, delay, file):
    started = time.monotonic()
    ended = dict.fromkeys(("faults", "hits", "misses"), 0)  # of processes that are gone
    last = {}
    while child.poll() is None:
        now = {sample.pid: sample.flat() for sample in source.samples()}
        for pid in last.keys() - now.keys():
            for name in ended:
                ended[name] += last[pid][name]
        last = now
        sums = {name: sum(flat[name] for flat in now.values()) + ended.get(name, 0) for name in SUMS}
        if now or any(ended.values()):
            file.write(json.dumps({"seconds": round(time.monotonic() - started, 3), **sums}) + "\n")
        try:
            child.wait(delay)
        except subprocess.TimeoutExpired:
            pass


def quoted(text):
    """For gnuplot, between single quotes."""
    return "'" + text.replace("'", "''") + "'"


def plot(points, title, kind, output):
    gnuplot = shutil.which("gnuplot")
    if gnuplot is None:
        raise Failure("gnuplot is not here (apt-get install gnuplot-nox); --html does without", FAILED)
    with tempfile.NamedTemporaryFile("w", suffix=".dat", encoding="utf-8") as data:
        for row in timeline.rows(points):
            data.write(" ".join(f"{value:.3f}" if value is not None else "?" for value in row) + "\n")
        data.flush()
        script = 'set datafile missing "?"\n' + GNUPLOT.format(terminal=TERMINALS[kind], output=quoted(output),
                                                               title=quoted(title), data=quoted(data.name))
        run = subprocess.run([gnuplot], input=script, env=library.without(), capture_output=True, text=True, check=False)
    if run.returncode != 0 or not os.path.exists(output):
        raise Failure(f"gnuplot: {run.stderr.strip().splitlines()[-1:] or run.returncode}", FAILED)


def write(path, text):
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None


def draw(args, path):
    points = read(path)
    title = os.path.basename(path)
    if not (args.html or args.svg or args.png):
        args.html = path + ".html"
    if args.html:
        write(args.html, timeline.page(points, title))
    for kind, output in (("svg", args.svg), ("png", args.png)):
        if output:
            plot(points, title, kind, output)
    for output in filter(None, (args.html, args.svg, args.png)):
        print(f"pagearena report: wrote {output}", file=sys.stderr)


def main(args):
    words = args.words
    if not args.record:
        if len(words) != 1:
            raise Failure("give one FILE to draw, or --record FILE -- CMD", USAGE)
        draw(args, words[0])
        return 0
    if not words:
        raise Failure("no CMD given: what shall run?", USAGE)
    try:
        status = record(args, words)
    except OSError as error:
        raise Failure(f"{args.record}: {error.strerror}") from None
    try:
        draw(args, args.record)
    except Failure as failure:
        print(f"pagearena report: {failure}", file=sys.stderr)
        return status or failure.status
    return status
