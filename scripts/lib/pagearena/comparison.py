"""What compare has found, for whoever shows it: the figures, the verdicts on them, and whether CMD did the same."""
from dataclasses import dataclass, field
from statistics import median

from . import judge

# (key, title, what one figure looks like)
METRICS = (
    ("wall", "wall time, s", "{:#.4g}"),
    ("user", "user time, s", "{:#.4g}"),
    ("sys", "system time, s", "{:#.4g}"),
    ("faults", "minor page faults", "{:,.0f}"),
    ("calls", "memory system calls", "{:,.0f}"),
    ("peak", "peak memory, MB", "{:.1f}"),
)
STREAMS = (("status", "the status"), ("out", "stdout"), ("err", "stderr"))


@dataclass
class Series:
    """One metric under one way to run. verdict: against off; None for off itself, and for calls, counted once."""

    figures: list
    verdict: judge.Verdict = None
    ratio: float = None

    def middle(self):
        return median(self.figures)


@dataclass
class Comparison:
    cmd: list
    machine: dict
    ways: list
    runs: dict  # {way's name: [Result]}
    calls: dict  # {way's name: {system call: count}, or None}
    notes: list = field(default_factory=list)

    def figures(self, name, metric):
        if metric == "calls":
            counts = self.calls.get(name)
            return [sum(counts.values())] if counts else []
        scale = 1024 if metric == "peak" else 1
        return [getattr(run, metric) / scale for run in self.runs[name]]

    def series(self, name, metric):
        """The Series of a way; None where there are no figures."""
        base, figures = self.figures("off", metric), self.figures(name, metric)
        if not figures:
            return None
        if name == "off" or not base:
            return Series(figures)
        if metric == "calls":
            return Series(figures, ratio=figures[0] / base[0] if base[0] else None)
        verdict = judge.judge(base, figures)
        return Series(figures, verdict, verdict.ratio)

    def outcome(self, name="on"):
        """{stream: "same", "differs", or "varies", even without PageArena}"""
        found = {}
        for key, title in STREAMS:
            off, other = ({_said(run, key) for run in self.runs[way]} for way in ("off", name))
            found[title] = "varies" if len(off) > 1 else "same" if off == other else "differs"
        return found

    def differs(self, name="on"):
        return "differs" in self.outcome(name).values()

    def status(self):
        """What CMD left with, without PageArena."""
        return self.runs["off"][-1].status


def _said(run, key):
    return run.status if key == "status" else getattr(run, key).digest


def headline(comparison, name="on"):
    """One sentence on what changed, and one on whether CMD did the same."""
    changed, still = [], []
    for metric, title in (("wall", "time"), ("faults", "page faults"), ("peak", "peak memory")):
        verdict = comparison.series(name, metric).verdict
        if verdict.word in ("less", "more"):
            word = {"less": "fewer"}.get(verdict.word, verdict.word) if metric == "faults" else verdict.word
            changed.append(f"{_amount(verdict)}{word} {title}")
        else:
            still.append(title)
    if still and comparison.series(name, "wall").verdict.word == "few":
        changed.append(f"{judge.FEWEST} pairs or more would tell change from noise")
    elif still:
        changed.append(f"no difference beyond noise in {' and '.join(still)}")
    return f"{'; '.join(changed)}."


def _amount(verdict):
    if verdict.ratio is None:
        return ""
    if verdict.ratio < 0.1:
        return f"{1 / verdict.ratio:.0f} times "
    if verdict.ratio > 2:
        return f"{verdict.ratio:.1f} times "
    return f"{abs(1 - verdict.ratio) * 100:.0f} % "


def sameness(comparison, name="on"):
    """How the output and the status of CMD compare."""
    by_word = {}
    for title, word in comparison.outcome(name).items():
        by_word.setdefault(word, []).append(title)
    said = []
    if "differs" in by_word:
        said.append(f"{' and '.join(by_word['differs'])} DIFFERED from the runs without PageArena")
    if "varies" in by_word:
        said.append(f"{' and '.join(by_word['varies'])} varied from run to run even without PageArena")
    if "same" in by_word:
        said.append(f"{', '.join(by_word['same'])}: the same")
    return "; ".join(said) + "."


def as_dict(comparison):
    """For JSON. Times are seconds, peak is MB."""
    ways = []
    for way in comparison.ways:
        metrics = {}
        for metric, _, _ in METRICS:
            series = comparison.series(way.name, metric)
            if series is None:
                continue
            metrics[metric] = {"figures": series.figures, "median": series.middle(), "ratio": series.ratio}
            if series.verdict:
                metrics[metric].update(p=series.verdict.p, verdict=series.verdict.word)
        ways.append({"name": way.name, "environment": way.changes(comparison.ways[0]), "metrics": metrics,
                     "system_calls": comparison.calls.get(way.name), "outcome": comparison.outcome(way.name),
                     "statuses": [run.status for run in comparison.runs[way.name]]})
    return {"schema": 1, "command": comparison.cmd, "machine": comparison.machine, "notes": comparison.notes, "ways": ways}
