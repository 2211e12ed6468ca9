"""A recorded run as an HTML page with charts drawn in place: nothing is fetched, no script runs.

Lines are stretched to the width of the window; text is not part of them.
"""
import html
import math
from dataclasses import dataclass

MB = 1e6
POINTS_MOST = 2000

STYLE = """
:root { --ink: #1c2733; --soft: #5b6b7b; --line: #d9e0e6; --page: #fff; --a: #8796a5; --b: #0b7285; --c: #b7791f;
  --d: #c92a2a; --e: #2b8a3e; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --soft: #9fb0c0; --line: #35424e; --page: #14191f;
  --b: #3bc9db; --c: #e0a94a; --d: #ff8787; --e: #69db7c } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
  padding: 1.5rem 1rem 3rem; max-width: 70rem }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; overflow-wrap: anywhere } h2 { font-size: 1rem; margin: 1.4rem 0 .2rem }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 2rem; color: var(--soft); font-size: .875rem; margin: 0 }
.facts b { color: var(--ink); font-variant-numeric: tabular-nums }
.key { font-size: .875rem; padding-bottom: .5rem; color: var(--soft) } .key i { display: inline-block; width: 1rem; height: 3px; margin: 0 .35rem 0
  .9rem; vertical-align: middle }
.key i:first-child { margin-left: 0 }
.chart { display: grid; grid-template-columns: 3.5rem 1fr; gap: 0 .5rem; font-size: .75rem; color: var(--soft) }
.chart { margin-top: .6rem }
.y { display: flex; flex-direction: column; justify-content: space-between; text-align: right; margin: -.55rem 0 }
.x { grid-column: 2; position: relative; height: 1.4rem }
.x span { position: absolute; top: .2rem; transform: translateX(-50%); white-space: nowrap }
svg { display: block; width: 100%; height: 180px; overflow: visible; border-left: 1px solid var(--soft);
  border-bottom: 1px solid var(--soft) }
polyline { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round;
  stroke-linecap: round }
line { stroke: var(--line); vector-effect: non-scaling-stroke }
"""


@dataclass
class Line:
    name: str
    color: str
    values: list  # None: nothing to draw there


def thin(points):
    """Few enough to draw; the last one stays."""
    step = -(-len(points) // POINTS_MOST)
    return points[::step] if (len(points) - 1) % step == 0 else points[::step] + points[-1:]


def rows(points):
    """(seconds, resident, live, retained in MB, faults a second, hits in percent) of each point; None: there is none."""
    before = None
    for point in thin(points):
        rate = percent = None
        if before is not None and point["seconds"] > before["seconds"]:
            rate = max(0.0, point["faults"] - before["faults"]) / (point["seconds"] - before["seconds"])
            hits, misses = (max(0.0, point[name] - before[name]) for name in ("hits", "misses"))
            percent = 100 * hits / (hits + misses) if hits + misses > 0 else None
        yield point["seconds"], point["resident"] / MB, point["live"] / MB, point["retained"] / MB, rate, percent
        before = point


def rounded_up(value):
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    size = 1.0
    while size < value:
        for step in (2.0, 5.0, 10.0):
            if size * step >= value:
                return size * step
        size *= 10
    return size


def shown(value):
    return f"{value:,.0f}".replace(",", "\u00a0") if value >= 10 or value == int(value) else f"{value:.1f}"


def polyline(line, times, top):
    """A line through all that has a value, in the chart's 1000 by 100; a dot, if that is but one."""
    start, end = times[0], max(times[-1], times[0] + 1e-9)
    points = [f"{1000 * (time - start) / (end - start):.1f},{100 - 100 * min(value, top) / top:.2f}"
              for time, value in zip(times, line.values) if value is not None]
    points += points if len(points) == 1 else []
    return f'<polyline style="stroke:var({line.color})" points="{" ".join(points)}"/>'


def marks(times):
    """Below the chart: at most eight round times, each in its place."""
    start, span = times[0], max(times[-1] - times[0], 1e-9)
    least = 10.0 ** math.floor(math.log10(span / 7))
    step = next(step for step in (least, 2 * least, 5 * least, 10 * least) if span / step <= 7)
    digits = max(0, -math.floor(math.log10(step)))
    for i in range(math.ceil(start / step), math.floor(times[-1] / step) + 1):
        text = f"{i * step:,.{digits}f}".replace(",", "\u00a0")
        yield f'<span style="left:{100 * (i * step - start) / span:.2f}%">{text} s</span>'


def chart(title, unit, times, lines, top=None):
    highest = max((value for line in lines for value in line.values if value is not None), default=0)
    top = top or rounded_up(max(highest, 1e-9))
    key = "".join(f'<i style="background:var({line.color})"></i>{line.name}' for line in lines) if len(lines) > 1 else ""
    drawn = "".join(polyline(line, times, top) for line in lines)
    grid = "".join(f'<line x1="0" x2="1000" y1="{y}" y2="{y}"/>' for y in (0, 50))
    return (f'<h2>{title}</h2><div class="key">{key}</div><div class="chart">'
            f'<div class="y"><span>{shown(top)} {unit}</span><span>{shown(top / 2)}</span><span>0</span></div>'
            f'<svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="{title}">{grid}{drawn}</svg>'
            f'<div class="x">{"".join(marks(times))}</div></div>')


def facts(points):
    last = points[-1]
    asked = last["hits"] + last["misses"]
    yield "seconds", f"{last['seconds']:.1f}"
    yield "peak resident", f"{shown(max(point['resident'] for point in points) / MB)} MB"
    yield "peak live", f"{shown(max(point['live'] for point in points) / MB)} MB"
    yield "peak retained", f"{shown(max(point['retained'] for point in points) / MB)} MB"
    yield "page faults", shown(last["faults"])
    yield "cache hits", f"{100 * last['hits'] / asked:.1f} %" if asked else "none asked for"


def page(points, title):
    times, resident, live, retained, rates, percents = map(list, zip(*rows(points)))
    title = html.escape(title)
    told = "".join(f"<span>{name} <b>{value}</b></span>" for name, value in facts(points))
    charts = [chart("Memory", "MB", times, [Line("resident", "--a", resident), Line("live in the arena", "--b", live),
                                            Line("retained", "--c", retained)]),
              chart("Page faults a second", "", times, [Line("faults", "--d", rates)]),
              chart("Cache hits, percent", "%", times, [Line("hits", "--e", percents)], 100)]
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style></head>\n'
            f'<body><h1>{title}</h1><p class="facts">{told}</p>\n' + "\n".join(charts) + "</body></html>\n")
