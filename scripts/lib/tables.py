"""The figures as tables of Markdown, in columns that line up, and into docs/benchmarks.md between their markers."""
import re

from figures import MEASURES, beaten_by, measures_of, verdict
from subjects import OURS, PLAIN


def table(head, rows):
    cells = [list(map(str, row)) for row in (head, *rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(head))]
    lines = ["| " + " | ".join(f"{cell:{'<' if i == 0 else '>'}{widths[i]}}" for i, cell in enumerate(row)) + " |"
             for row in cells]
    rule = "|" + "|".join("-" * (width + 2) if i == 0 else "-" * (width + 1) + ":" for i, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def spread(ratio):
    return f"{ratio.middle:.2f} ({ratio.least:.2f}-{ratio.most:.2f})"


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
    return table(("program", "faults off", "on", "fewer", "s off", "on", "on/off (least-most)", "MB off", "on", ""), rows)


def matrix(results, ways, measure):
    """One row for each subject, one column for each way."""
    rows = [(subject.name, *(cell(outcomes.get(way.name), outcomes[PLAIN.name], measure) for way in ways))
            for subject, outcomes in results]
    return table((measure, *(way.name for way in ways)), rows)


def targets(results, ways):
    """What the malloc front is held to, in each malloc benchmark: (the table, how many are met, of how many)."""
    rows, met = [], []
    for subject, outcomes in results:
        figures = {way.name: outcomes[way.name] for way in ways if way.name in outcomes and not outcomes[way.name].failure}
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
    """Everything in which some way without the shim is more than 2 % better than PageArena, the worst first."""
    rows, ncompared = [], 0
    for subject, outcomes in results:
        for measure in measures_of(subject):
            ncompared += 1
            better = beaten_by(outcomes, measure, ways)
            if better:
                attribute, _, shape = MEASURES[measure]
                best = outcomes[better[0][1].name]
                rows.append((better[0][0], (
                    subject.name, measure, shape.format(outcomes[OURS.name].middle(attribute)),
                    shape.format(best.middle(attribute)), better[0][1].name, f"{better[0][0]:.2f}x",
                    ", ".join(f"{way.name} {times:.2f}x" for times, way in better[1:]) or "-")))
    rows = [row for _, row in sorted(rows, key=lambda pair: -pair[0])]
    return (f"PageArena is the best, or within 2 % of it, in {ncompared - len(rows)} of {ncompared} comparisons. The others:"
            "\n\n" + table(("where", "in", "PageArena", "best", "whose", "better by", "also better"), rows))


def cycles(results):
    """`results`: {threads: {way: {size in KB: (untouched, touched, memset)}}}, in nanoseconds: one table for each."""
    parts = []
    for nthreads, by_way in results.items():
        ways = list(by_way)
        head = ["KB"]
        for what in ("untouched", "touched"):
            head += [f"{what}: {way}" for way in ways] + (["on/off"] if OURS.name in ways else [])
        rows = []
        for size, (_, _, bare) in by_way[ways[-1]].items():
            row = [size]
            for what in (0, 1):
                figures = [by_way[way][size][what] for way in ways]
                row += [f"{figure:.0f}" for figure in figures]
                if OURS.name in ways:
                    row.append(f"1/{by_way[PLAIN.name][size][what] / by_way[OURS.name][size][what]:.0f}")
            rows.append((*row, f"{bare:.0f}"))
        parts.append(f"{nthreads} thread{'s'[:nthreads - 1]}, nanoseconds:\n\n" + table((*head, "memset alone"), rows))
    if {1, 2} <= results.keys() and OURS.name in results[1]:
        one, two = (results[n][OURS.name] for n in (1, 2))
        rows = [(size, *(f"{2 * one[size][i] / two[size][i]:.2f}" for i in range(3))) for size in one]
        parts.append("PageArena's operations of two threads, as a multiple of one thread's:\n\n"
                     + table(("KB", "untouched", "touched", "memset alone"), rows))
    return "\n\n".join(parts)


def replace_section(text, name, body):
    """The document with what stands between the section's markers replaced."""
    new, count = re.subn(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", lambda found: f"{found[1]}\n{body}\n\n{found[2]}", text,
                         flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} sections `<!-- bench: {name} -->`")
    return new
