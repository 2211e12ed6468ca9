"""What the runs of one subject gave under each way, in turn, and what follows from them."""
from statistics import median
from typing import NamedTuple

from runs import Failed, digest, run
from subjects import OURS, PLAIN, Cell

# name: (attribute of a run, whether more is better, how to print one)
MEASURES = {
    "cycle": ("ns", False, "{:.0f} ns"),
    "time": ("wall", False, "{:.2f} s"),
    "operations": ("rate", True, "{:.0f}/s"),
    "faults": ("faults", False, "{:.0f}"),
    "peak": ("peak", False, "{:.1f} MB"),
}


class Spread(NamedTuple):
    """A ratio of medians, and the extremes of the ratios of the pairs."""
    middle: float
    least: float
    most: float


class Outcome:
    """All runs of a subject under one way, or how one of them failed."""

    def __init__(self):
        self.failure = ""
        self.runs = []

    def values(self, attribute):
        return [getattr(one, attribute) for one in self.runs]

    def middle(self, attribute):
        return median(self.values(attribute))

    def against(self, other, attribute):
        """None where either has no figures."""
        if self.failure or other.failure:
            return None
        mine, its = self.values(attribute), other.values(attribute)
        pairs = [a / max(b, 1e-9) for a, b in zip(mine, its)]
        return Spread(median(mine) / max(median(its), 1e-9), min(pairs), max(pairs))


class Cycle(NamedTuple):
    """One line of the cycles' program has three of them."""
    ns: float


class Report(NamedTuple):
    """What a malloc benchmark reports of itself."""
    rate: float
    faults: float
    peak: float


def command_of(subject, way):
    return [subject.command[0] + way.linked, *subject.command[1:]]


def reported(output):
    words = output.split()
    if len(words) != 3:
        raise Failed("no report")
    rate, faults, peak_kb = map(float, words)
    return Report(rate, faults, peak_kb / 1024)


def in_turn(ways, rounds):
    """
    Each round has each way once, forwards and backwards in turn: none shall always come after the same other.
    """
    for i in range(rounds):
        yield from ways if i % 2 == 0 else reversed(ways)


def measure(subject, ways, rounds):
    """{name of the way: Outcome}. A first run, not counted, fills the page cache and says what the program prints."""
    outcomes = {way.name: Outcome() for way in ways}
    expected = digest(run(command_of(subject, PLAIN), PLAIN, subject).output)
    for way in in_turn(ways, rounds):
        outcome = outcomes[way.name]
        if outcome.failure:
            continue
        try:
            one = run(command_of(subject, way), way, subject)
            if not subject.reports and digest(one.output) != expected:
                raise Failed("other output")
            outcome.runs.append(reported(one.output) if subject.reports else one)
        except Failed as failure:
            outcome.failure = str(failure)
    return outcomes


def measure_cycles(subject, nthreads, ways, rounds):
    """[(Cell, {name of the way: Outcome})]"""
    cells = {}
    for way in in_turn(ways, rounds):
        for line in run(subject.command, way, subject).output.decode().splitlines():
            kb, *figures = map(int, line.split())
            for what, ns in zip(("untouched", "touched", "memset"), figures):
                outcomes = cells.setdefault(Cell(kb, what, nthreads), {way.name: Outcome() for way in ways})
                outcomes[way.name].runs.append(Cycle(ns))
    return list(cells.items())


def beaten_by(outcomes, measure_name, ways, margin=0.02):
    """[(how many times better, the way)] for all ways without the shim that are better than ours by more than the
    margin, the best first."""
    attribute, more, _ = MEASURES[measure_name]
    ours = outcomes.get(OURS.name)
    if not ours or ours.failure:
        return []
    better = []
    for way in ways:
        its = outcomes.get(way.name)
        if way.ours or not its or its.failure:
            continue
        ratio = its.against(ours, attribute).middle
        times = ratio if more else 1 / max(ratio, 1e-9)
        if times > 1 + margin:
            better.append((times, way))
    return sorted(better, key=lambda pair: -pair[0])


def verdict(outcomes):
    """In words, what PageArena changes: only what both the medians and the least times show by 3 %."""
    off, on = outcomes[PLAIN.name], outcomes[OURS.name]
    if len(on.runs) < 3:
        return "too few rounds"
    least = min(on.values("wall")) / min(off.values("wall"))
    ratio = on.against(off, "wall").middle
    if min(ratio, least) >= 1.03:
        return "SLOWER"
    if max(ratio, least) <= 0.97:
        return "faster"
    return "fewer faults" if off.middle("faults") >= 1.5 * on.middle("faults") else "no gain yet"
