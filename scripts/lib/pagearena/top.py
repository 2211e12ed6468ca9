"""Show every process of the user that publishes its figures, anew every -d seconds.

On a terminal the screen is redrawn, until q or Ctrl-C. In a pipe, and with -b, one table follows
the other. Sizes are in megabytes. FAULTS, HITS and MISSES are those of a second; the first table
has the averages since the process was started.
"""
import os
import select
import shutil
import sys
import time

from . import at_least
from .stat import add_folder, reader, seconds

COLUMNS = ("    PID", "  RESIDENT", "      LIVE", "    CACHED", "  RETAINED", "  FAULTS/s", "    HITS/s", "  MISSES/s", "  HIT%")
HOME, CLEAR_LINE, CLEAR_BELOW, BOLD, PLAIN = "\033[H", "\033[K", "\033[J", "\033[1m", "\033[0m"


def add_parser(subparsers):
    parser = subparsers.add_parser("top", help="live figures of all processes", description=__doc__)
    parser.add_argument("-d", dest="delay", type=seconds, default=1.0, metavar="SECONDS",
                        help="between tables (the default: 1)")
    parser.add_argument("-n", dest="iterations", type=at_least(1), metavar="N", help="end after N tables")
    parser.add_argument("-b", dest="batch", action="store_true", help="one table after the other, nothing redrawn")
    add_folder(parser)
    parser.set_defaults(func=main)


class Table:
    """Turns samples into lines; keeps the last ones, for what came about since."""

    def __init__(self):
        self.before = {}
        self.at = None

    def lines(self, samples, now):
        """The header and a line for each process, busiest first."""
        passed = now - self.at if self.at is not None else None
        rows = sorted((self._row(sample, passed) for sample in samples), key=lambda row: (-row[0], row[1]))
        self.before = {(sample.pid, sample.page["start_time"]): (sample.faults, sample.hits, sample.misses)
                       for sample in samples}
        self.at = now
        live = sum(sample.page["live"] for sample in samples)
        retained = sum(sample.page["retained"] for sample in samples)
        yield (f"pagearena top - {time.strftime('%H:%M:%S')}  {len(samples)} process{'' if len(samples) == 1 else 'es'}, "
               f"{live / 1e6:,.1f} MB live, {retained / 1e6:,.1f} MB retained")
        yield "".join(COLUMNS) + "  COMMAND"
        for _, _, line in rows:
            yield line

    def _row(self, sample, passed):
        had = self.before.get((sample.pid, sample.page["start_time"]))
        if had is None or not passed:
            had, passed = (0, 0, 0), max(age(sample), 0.01)
        faults, hits, misses = ((new - old) / passed for new, old in zip((sample.faults, sample.hits, sample.misses), had))
        ratio = f"{100 * hits / (hits + misses):6.1f}" if hits + misses > 0 else "     -"
        page = sample.page
        sizes = "".join(f"{value / 1e6:>10.1f}" for value in (sample.resident, page["live"], page["cached"], page["retained"]))
        rates = "".join(f"{value:>10.0f}" for value in (faults, hits, misses))
        return faults + hits + misses, sample.pid, f"{sample.pid:>7}{sizes}{rates}{ratio}  {sample.name}"


def age(sample):
    """Seconds since the process was started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - sample.page["start_time"] / os.sysconf("SC_CLK_TCK")


def draw(lines):
    """On a terminal: in place of what was there, no wider and no higher than it is."""
    size = shutil.get_terminal_size()
    shown = [line[:size.columns - 1] for line in lines][:size.lines - 1]
    shown[1:2] = [BOLD + shown[1] + PLAIN] if len(shown) > 1 else []
    sys.stdout.write(HOME + "".join(line + CLEAR_LINE + "\n" for line in shown) + CLEAR_BELOW)
    sys.stdout.flush()


class Keys:
    """Single keys of a terminal, while it lasts."""

    def __enter__(self):
        self.old = None
        if sys.stdin.isatty():
            import termios
            import tty
            self.old = termios.tcgetattr(0)
            tty.setcbreak(0)
        sys.stdout.write("\033[?25l\033[2J")
        return self

    def __exit__(self, *_):
        if self.old is not None:
            import termios
            termios.tcsetattr(0, termios.TCSADRAIN, self.old)
        sys.stdout.write("\033[?25h")
        sys.stdout.flush()

    def wait(self, delay):
        """False: somebody wants to leave."""
        if self.old is None:
            time.sleep(delay)
            return True
        until = time.monotonic() + delay
        while (left := until - time.monotonic()) > 0:
            if select.select([0], [], [], left)[0] and os.read(0, 1) in (b"q", b"Q", b""):
                return False
        return True


def rounds(args):
    n = 0
    while args.iterations is None or n < args.iterations:
        n += 1
        yield n == args.iterations


def main(args):
    source = reader(args, "top")
    table = Table()
    if args.batch or not sys.stdout.isatty():
        for last in rounds(args):
            print("\n".join(table.lines(source.samples(), time.monotonic())) + "\n", flush=True)
            if not last:
                time.sleep(args.delay)
        return 0
    with Keys() as keys:
        for last in rounds(args):
            draw(list(table.lines(source.samples(), time.monotonic())))
            if last or not keys.wait(args.delay):
                break
    return 0
