"""The figures as tables of Markdown, in columns that line up, and into docs/benchmarks.md between their markers."""
import re

from figures import MEASURES, beaten_by, verdict
from subjects import OURS, PLAIN, plural


def table(head, rows):
    cells = [list(map(str, row)) for row in (head, *rows)]
    first, *widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(head))]
    lines = [" | ".join([f"| {row[0]:<{first}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths))]) + " |"
             for row in cells]
    rule = "|".join(["|" + "-" * (first + 2), *("-" * (width + 1) + ":" for width in widths)]) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def part(ratio):
    return f"{ratio:.2f}" if ratio >= 0.1 else f"1/{1 / max(ratio, 1e-6):.0f}"


def spread(ratio):
    return f"{part(ratio.middle)} ({part(ratio.least)}-{part(ratio.most)})"


def cell(outcome, plain, measure):
    """A ratio to plain where time counts, else the figure itself."""
    attribute, _, shape = MEASURES[measure]
    if outcome is None or (not outcome.failure and not outcome.runs):
        return "-"
    if outcome.failure:
        return outcome.failure
    if measure == "time" and outcome is not plain:
        return spread(outcome.against(plain, attribute)) if not plain.failure else "-"
    return shape.format(outcome.middle(attribute))


def gains(results):
    """PageArena off and on: one row for each program."""
    rows = []
    for subject, outcomes in results:
        off, on = outcomes[PLAIN.name], outcomes[OURS.name]
        if off.failure or on.failure:
            rows.append((subject.name, *"-" * 8, f"off: {off.failure or 'sound'}, on: {on.failure or 'sound'}"))
            continue
        faults = off.middle("faults") / max(on.middle("faults"), 1)
        rows.append((subject.name, f"{off.middle('faults'):.0f}", f"{on.middle('faults'):.0f}", f"{faults:.1f}x",
                     f"{off.middle('wall'):.2f}", f"{on.middle('wall'):.2f}", spread(on.against(off, "wall")),
                     f"{off.middle('peak'):.0f}", f"{on.middle('peak'):.0f}", verdict(outcomes)))
    head = ("program", "faults off", "on", "fewer", "s off", "on", "on/off (least-most)", "MB off", "on", "")
    return table(head, rows)


def matrix(results, ways, measure):
    """One row for each subject, one column for each way."""
    rows = [(subject.name, *(cell(outcomes.get(way.name), outcomes[PLAIN.name], measure) for way in ways))
            for subject, outcomes in results]
    return table((measure, *(way.name for way in ways)), rows)


def targets(results, ways):
    """What the malloc front is held to, in each malloc benchmark: (the table, how many are met, of how many)."""
    rows, met = [], []
    for subject, outcomes in results:
        figures = {name: outcome for name, outcome in outcomes.items() if not outcome.failure}
        rivals = {way.name: figures[way.name] for way in ways if way.name in figures and not way.ours}
        glibc = [its.middle("peak") for name, its in rivals.items() if name in ("plain", "mallopt")]
        others = [its.middle("peak") for name, its in rivals.items() if name in ("jemalloc", "mimalloc", "tcmalloc")]
        if OURS.name not in figures or not glibc or not others:
            continue
        ours = figures[OURS.name]
        fastest = max(rivals, key=lambda name: rivals[name].middle("rate"))
        fewest = min(rivals, key=lambda name: rivals[name].middle("faults"))
        fast = ours.middle("rate") / rivals[fastest].middle("rate")
        few = ours.middle("faults") / max(rivals[fewest].middle("faults"), 1)
        lean, other = ours.middle("peak") / min(glibc), ours.middle("peak") / min(others)
        marks = [fast >= 1, few <= 1.05, lean <= 1.10 and other < 1]
        words = (f"{fast:.2f} of {fastest}", f"{few:.2f} of {fewest}", f"{lean:.2f} of glibc, {other:.2f} of others")
        rows.append((subject.name, *(f"{word}, {'met' if mark else 'MISSED'}" for word, mark in zip(words, marks))))
        met += marks
    if not rows:
        return ""
    return table(("target", "operations", "faults", "peak"), rows) + f"\n\n{sum(met)} of {len(met)} targets met."


def losses(results, ways):
    """What failed with the shim, then everything in which some way without it is more than 2 % better than PageArena,
    the worst first."""
    rows, failed, ncompared = [], [], 0
    for subject, outcomes in results:
        failed += [(subject.name, way.name, outcomes[way.name].failure, *"-" * 4) for way in ways
                   if way.ours and way.name in outcomes and outcomes[way.name].failure]
        ours = outcomes[OURS.name]
        if ours.failure:
            continue
        for measure in subject.measures:
            ncompared += 1
            better = beaten_by(outcomes, measure, ways)
            if better:
                attribute, _, shape = MEASURES[measure]
                times, best = better[0]
                rows.append((times, (
                    subject.name, measure, shape.format(ours.middle(attribute)),
                    shape.format(outcomes[best.name].middle(attribute)), best.name, f"{times:.2f}x",
                    ", ".join(f"{way.name} {times:.2f}x" for times, way in better[1:]) or "-")))
    words = f"PageArena is the best, or within 2 % of it, in {ncompared - len(rows)} of {ncompared} comparisons."
    rows = failed + [row for _, row in sorted(rows, key=lambda pair: -pair[0])]
    if rows:
        head = ("where", "in", "PageArena", "best", "whose", "better by", "also better")
        words += " The others:\n\n" + table(head, rows)
    return words


def cycles(results, ways):
    """A table for each number of threads, and what the second thread brings."""
    cells = dict(results)
    names = [way.name for way in ways]
    sizes, threads = (sorted({getattr(cell, field) for cell in cells}) for field in ("kb", "nthreads"))
    of = {(cell.kb, cell.what, cell.nthreads): outcomes for cell, outcomes in results}
    parts = []
    for n in threads:
        head, rows = ["KB"], []
        for what in ("untouched", "touched"):
            head += [f"{what}: {name}" for name in names] + (["on/off (least-most)"] if OURS in ways else [])
        for kb in sizes:
            rows.append([kb])
            for what in ("untouched", "touched"):
                outcomes = of[kb, what, n]
                rows[-1] += [f"{outcomes[name].middle('ns'):.0f}" for name in names]
                if OURS in ways:
                    rows[-1].append(spread(outcomes[OURS.name].against(outcomes[PLAIN.name], "ns")))
            rows[-1].append(f"{of[kb, 'memset', n][PLAIN.name].middle('ns'):.0f}")
        parts.append(f"{plural(n, 'thread')}, nanoseconds:\n\n" + table((*head, "memset alone"), rows))
    if threads == [1, 2] and OURS in ways:
        rows = [(kb, *(f"{2 / of[kb, what, 2][OURS.name].against(of[kb, what, 1][OURS.name], 'ns').middle:.2f}"
                       for what in ("untouched", "touched", "memset"))) for kb in sizes]
        parts.append("What two threads do under PageArena, as a multiple of what one does:\n\n"
                     + table(("KB", "untouched", "touched", "memset alone"), rows))
    return "\n\n".join(parts)


def replace_section(text, name, body):
    """The document with what stands between the section's markers replaced."""
    section = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    new, count = section.subn(lambda found: f"{found[1]}\n{body}\n\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"{count} sections `<!-- bench: {name} -->`")
    return new
