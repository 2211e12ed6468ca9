"""The figures as plots: gnuplot draws them, as SVG."""
import os
import subprocess

from figures import MEASURES
from subjects import OURS, PLAIN, WAYS

COLOURS = ("#999999", "#d00000", "#333333", "#8c6d31", "#bcbd22", "#1f77b4", "#6baed6", "#9ecae1", "#08306b", "#2ca02c",
           "#9467bd", "#ff7f0e", "#e377c2", "#f768a1", "#fa9fb5", "#cccccc")
COLOUR_OF = {way.name: colour for way, colour in zip(WAYS, COLOURS)}


def gnuplot(path, size, script):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    start = (f"set terminal svg size {size} font 'sans-serif,12' background 'white'\nset output '{path}'\n"
             "set grid ytics lc '#dddddd'\nset encoding utf8\n")
    subprocess.run(["gnuplot"], input=start + script, text=True, check=True)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def steps(least, most):
    """Where a logarithmic axis has its labels: the closer, the less it spans."""
    digits = (1, 2, 5)
    if most < 100 * least:
        digits = (1, 1.5, 2, 3, 5, 7)
    if most < 5 * least:
        digits = (1, 1.1, 1.2, 1.3, 1.5, 1.7, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
    return ", ".join(f"{digit}e{power}" for power in range(-6, 7) for digit in digits)


def dots(path, title, results, ways, measure):
    """For each subject a group of dots, one for each way: its ratio to plain, and between which the pairs' ratios were.
    What failed is a cross at the top."""
    attribute = MEASURES[measure][0]
    ways = [way for way in ways if way.name != PLAIN.name]
    blocks, curves, crosses, extremes = [], [], [], [0.9, 1.1]
    for i, way in enumerate(ways):
        points = []
        at = [x + 0.8 * (i + 0.5) / len(ways) - 0.4 for x in range(len(results))]
        for x, (_, outcomes) in zip(at, results):
            outcome = outcomes.get(way.name)
            if outcome is None:
                continue
            ratio = outcome.against(outcomes[PLAIN.name], attribute)
            if ratio:
                extremes += [ratio.least, ratio.most]
                points.append(f"{x:.3f} {ratio.middle:.5f} {ratio.least:.5f} {ratio.most:.5f}")
            else:
                crosses.append(f"set label '×' at {x:.3f}, graph 0.97 center front font ',14'"
                               f" tc '{COLOUR_OF[way.name]}'\n")
        if points:
            size, width = (0.9, 2) if way.name == OURS.name else (0.5, 1)
            blocks.append(f"$way{i} << END\n" + "\n".join(points) + "\nEND\n")
            curves.append(f"$way{i} with yerrorbars pt {7 if way.ours else 5} ps {size} lw {width}"
                          f" lc rgb '{COLOUR_OF[way.name]}' title {quoted(way.name)}")
    if not curves:
        return
    least, most = min(extremes) / 1.1, max(extremes) * 1.3
    names = ", ".join(f"{quoted(subject.name)} {x}" for x, (subject, _) in enumerate(results))
    lines = "".join(f"set arrow from {x - 0.5}, graph 0 to {x - 0.5}, graph 1 nohead lc '#eeeeee'\n"
                    for x in range(1, len(results)))
    gnuplot(path, "1200,520", "".join(blocks + crosses) + lines + f"""
set title {quoted(title)}
set logscale y
set ylabel 'as a multiple of plain (1)'
set xrange [-0.6:{len(results) - 0.4}]
set xtics ({names}) rotate by -30 nomirror
set key outside right noenhanced
set pointintervalbox 0
set yrange [{least}:{most}]
set ytics ({steps(least, most)})
set format y '%g'
plot 1 lc '#999999' title 'plain', {', '.join(curves)}
""")


def cycles(path, title, results, ways):
    """Nanoseconds of one cycle over its size, one thread."""
    looks = {way.name: COLOUR_OF[way.name] for way in ways}
    curves = [(name, "touched", 1, colour, f"{name}, touched") for name, colour in looks.items()]
    curves += [(name, "untouched", 2, colour, f"{name}, untouched") for name, colour in looks.items()]
    curves.append((PLAIN.name, "memset", 3, "#2ca02c", "memset alone"))
    blocks, plotted = [], []
    for i, (name, what, dash, colour, label) in enumerate(curves):
        points = [f"{cell.kb} {outcomes[name].middle('ns')}" for cell, outcomes in results
                  if cell.what == what and cell.nthreads == 1]
        blocks.append(f"$curve{i} << END\n" + "\n".join(points) + "\nEND\n")
        plotted.append(f"$curve{i} with linespoints pt 7 ps 0.5 lw 2 dt {dash} lc rgb '{colour}' title {quoted(label)}")
    sizes = sorted({cell.kb for cell, _ in results})
    gnuplot(path, "800,480", "".join(blocks) + f"""
set title {quoted(title)}
set logscale xy
set xlabel 'KB'
set ylabel 'nanoseconds'
set key outside right noenhanced
set format y '%.0f'
set xtics ({', '.join(map(str, sizes))})
plot {', '.join(plotted)}
""")
