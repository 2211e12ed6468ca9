"""Whether two series of paired figures differ, or whether that is noise.

The test is Wilcoxon's for paired samples, exact and two-sided, on the logarithms of the pairs' ratios. Paired, because the
runs of a pair follow each other, so that a machine that gets slower and faster for a while moves both; by ranks, because the
times of a busy machine have outliers and no normal distribution, which also rules out the overlap of ranges: one outlier
widens a range for good. A difference counts when p is at most 0.05 and it is 1 % at least. Below 6 pairs no outcome could
reach that p.
"""
import math
from dataclasses import dataclass
from statistics import median

FEWEST = 6  # two-sided, n pairs that all agree have p = 2 / 2^n
MOST_P = 0.05
LEAST_CHANGE = 0.01
MANY = 60  # pairs from which on the normal approximation serves
NOTHING = 1e-9  # stands in for 0, of which there is no logarithm


@dataclass
class Verdict:
    ratio: float  # the median of the pairs' ratios; None where it has no meaning
    p: float
    word: str  # "less", "more", "noise", or "few" pairs

    def text(self):
        if self.word == "few":
            return "too few pairs to tell"
        if self.word == "noise":
            return "within noise"
        if self.ratio is None or self.ratio >= 10:
            return self.word
        return f"{abs(1 - self.ratio) * 100:.{1 if self.ratio < 0.01 else 0}f} % {self.word}"


def _ranks(values):
    """Twice the rank of each value by its size, ties sharing theirs; twice, so that they stay whole."""
    order = sorted(abs(value) for value in values)
    first = {value: i for i, value in reversed(list(enumerate(order)))}
    last = {value: i for i, value in enumerate(order)}
    return [first[abs(value)] + last[abs(value)] + 2 for value in values]


def wilcoxon(values):
    """p of the hypothesis that `values` lie symmetrically around 0."""
    values = [value for value in values if abs(value) > NOTHING]
    if not values:
        return 1.0
    ranks = _ranks(values)
    total = sum(ranks)
    above = sum(rank for rank, value in zip(ranks, values) if value > 0)
    extreme = min(above, total - above)
    if len(values) > MANY:
        deviation = math.sqrt(sum(rank * rank for rank in ranks)) / 2
        return math.erfc((total / 2 - extreme) / deviation / math.sqrt(2))
    ways = [1] + [0] * total  # ways[s]: how many of the 2^n choices of signs give the sum s
    for rank in ranks:
        for s in range(total, rank - 1, -1):
            ways[s] += ways[s - rank]
    return min(1.0, 2 * sum(ways[: extreme + 1]) / 2 ** len(values))


def judge(base, other):
    """The Verdict on `other` against `base`, two lists of figures, pair by pair."""
    logs = [math.log(max(b, NOTHING) / max(a, NOTHING)) for a, b in zip(base, other)]
    p = wilcoxon(logs)
    middle = math.exp(median(logs))
    ratio = middle if all(base) or not any(other) else None
    if len(logs) < FEWEST:
        return Verdict(ratio, p, "few")
    if p > MOST_P or abs(middle - 1) < LEAST_CHANGE:
        return Verdict(ratio, p, "noise")
    return Verdict(ratio, p, "more" if middle > 1 else "less")
