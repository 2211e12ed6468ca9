"""The outcome of compare as one HTML page with charts drawn in place: nothing is fetched, no script runs.

A chart's places are percents of its width and its heights are pixels, so that it narrows with the window and its text and
dots keep their size.
"""
import html as escape
import shlex

from . import machine, table
from .comparison import METRICS, headline, sameness

STYLE = """
:root { --ink: #1c2733; --soft: #5b6b7b; --line: #d9e0e6; --page: #ffffff; --off: #8796a5; --on: #0b7285; --rival: #b7791f;
  color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --soft: #9fb0c0; --line: #35424e; --page: #14191f;
  --off: #8796a5; --on: #3bc9db; --rival: #e0a94a } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
  padding: 1.5rem 1rem 3rem; max-width: 62rem }
h1 { font-size: 1.25rem; margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, "DejaVu Sans Mono", monospace }
h2 { font-size: 1rem; margin: 1.6rem 0 .3rem }
p { margin: .4rem 0 } .soft { color: var(--soft); font-size: .875rem } .headline { font-size: 1.125rem }
.bad { color: #c92a2a; font-weight: 600 }
.row { display: grid; grid-template-columns: 6.5rem 1fr 17.5rem; gap: 0 1rem; align-items: center; padding: .15rem 0 }
.figures { display: grid; grid-template-columns: 6rem 4.5rem 1fr; gap: .5rem; font-variant-numeric: tabular-nums }
.figures b { text-align: right } .figures span { color: var(--soft); white-space: nowrap }
svg { display: block; width: 100%; height: 26px; overflow: visible }
pre, table { font: .875rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace } pre { white-space: pre-wrap;
  overflow-wrap: anywhere; margin: .3rem 0 } .wide { overflow-x: auto }
table { border-collapse: collapse } td, th { text-align: right; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid
  var(--line) } td:first-child, th:first-child { text-align: left }
@media (max-width: 44rem) { .row { grid-template-columns: 1fr 16.5rem; gap: 0; padding: .35rem 0; font-size: .875rem }
  .row svg { grid-column: 1 / 3; grid-row: 2 } .figures { grid-template-columns: 5.5rem 4rem 6rem }
  .figures span { white-space: normal } }
"""


def text(words):
    """Escaped, with numbers kept beside their percent signs."""
    return escape.escape(str(words)).replace(" %", "\u00a0%")


def colour(name):
    return f"var(--{name if name in ('off', 'on') else 'rival'})"


def strip(figures, middle, most, name):
    """A bar up to the median, and a dot for each run."""

    def at(figure):
        return f"{98 * figure / most + 0.5 if most else 0.5:.2f}%"

    dots = "".join(f'<circle cx="{at(figure)}" cy="13" r="3.5" fill="{colour(name)}" fill-opacity=".75"/>'
                   for figure in figures)
    return (f'<svg role="img" aria-label="{text(name)}: {len(figures)} runs">'
            f'<line x1="0.5%" y1="25.5" x2="98.5%" y2="25.5" stroke="var(--line)"/>'
            f'<rect x="0.5%" y="5" width="{98 * middle / most if most else 0:.2f}%" height="16" rx="2"'
            f' fill="{colour(name)}" fill-opacity=".25"/>{dots}</svg>')


def chart(comparison, metric, title, shape):
    present = [(way.name, comparison.series(way.name, metric)) for way in comparison.ways]
    present = [(name, series) for name, series in present if series]
    if not present:
        return ""
    most = max(max(series.figures) for _, series in present)
    rows = []
    for name, series in present:
        words = series.verdict.text() if series.verdict else ""
        ratio = table.ratio(series)
        rows.append(f'<div class="row"><div>{text(label(name))}</div>{strip(series.figures, series.middle(), most, name)}'
                    f'<div class="figures"><b>{table.group(shape.format(series.middle()))}</b>'
                    f'<span>{"&times; " + ratio if ratio else ""}</span><span>{text(words)}</span></div></div>')
    return f"<h2>{text(title)}</h2>\n" + "\n".join(rows)


def label(name):
    return {"off": "without", "on": "PageArena"}.get(name, name)


def verdicts(comparison):
    lines = []
    for way in comparison.ways[1:]:
        kind = "bad" if comparison.differs(way.name) else "soft"
        lines.append(f'<p class="headline"><b>{text(label(way.name))}</b>: {text(headline(comparison, way.name))}</p>'
                     f'<p class="{kind}">{text(sameness(comparison, way.name))}</p>')
    return "\n".join(lines + [f'<p class="soft">Note: {text(note)}.</p>' for note in comparison.notes])


def calls_table(comparison):
    counts = {way.name: comparison.calls[way.name] for way in comparison.ways if comparison.calls.get(way.name)}
    if not counts:
        return ""
    names = sorted({call for found in counts.values() for call in found})
    head = "".join(f"<th>{text(label(name))}</th>" for name in counts)
    rows = "".join(f"<tr><td>{call}</td>" + "".join(f"<td>{found.get(call, 0)}</td>" for found in counts.values()) + "</tr>"
                   for call in names)
    return (f'<h2>Each memory system call, in one run each</h2><div class="wide"><table><tr><th></th>{head}'
            f"</tr>{rows}</table></div>")


def settings(comparison):
    """What to paste, for each way but off."""
    blocks = []
    for way in comparison.ways[1:]:
        words = [f"{name}={shlex.quote(value)}" for name, value in way.changes(comparison.ways[0]).items()]
        blocks.append(f"<h2>Run it like this: {text(label(way.name))}</h2>"
                      f"<pre>{text(' '.join(words))} {text(shlex.join(comparison.cmd))}</pre>")
    return "\n".join(blocks)


def html(comparison):
    npairs = len(comparison.runs["off"])
    charts = "\n".join(chart(comparison, *metric) for metric in METRICS)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>pagearena compare {text(comparison.cmd[0])}</title><style>{STYLE}</style></head><body>
<h1>{text(shlex.join(comparison.cmd))}</h1>
{verdicts(comparison)}
<p class="soft">{text(machine.line(comparison.machine))}. {npairs} runs each way, in turn. A dot is a run, the bar ends at
the median; &times; is the median of the pairs' ratios to the runs without; noise is what Wilcoxon's paired test cannot tell
from no difference (p &gt; 0.05), or less than 1 %.</p>
{charts}
{calls_table(comparison)}
{settings(comparison)}
</body></html>
"""
