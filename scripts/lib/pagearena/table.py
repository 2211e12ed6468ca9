"""The outcome of compare as text of at most 80 columns."""
import shlex

from . import machine
from .comparison import METRICS, headline, sameness

ROW = "  {:<13}{:>12}  {:<25}{:>7}  {}"


def group(text):
    """Thousands apart by a space, as in the rest of the project."""
    return text.replace(",", " ")


def ratio(series):
    if series.ratio is None:
        return ""
    return f"{series.ratio:.2f}" if series.ratio >= 0.01 else f"{series.ratio:.3f}"


def metric_rows(comparison, metric, title, shape):
    present = [(way.name, comparison.series(way.name, metric)) for way in comparison.ways]
    present = [(name, series) for name, series in present if series]
    if not present:
        return []
    rows = [title]
    for name, series in present:
        low, high = (group(shape.format(figure)) for figure in (min(series.figures), max(series.figures)))
        spread = f"{low} .. {high}" if len(series.figures) > 1 else "(one run)"
        words = series.verdict.text() if series.verdict else ""
        rows.append(ROW.format(name, group(shape.format(series.middle())), spread, ratio(series), words).rstrip())
    return rows


def text(comparison):
    npairs = len(comparison.runs["off"])
    lines = [shlex.join(comparison.cmd), machine.line(comparison.machine), "",
             ROW.format("", "median", f"range of {npairs}", "to off", "").rstrip()]
    for metric, title, shape in METRICS:
        lines += metric_rows(comparison, metric, title, shape)
    lines.append("")
    for way in comparison.ways[1:]:
        name = "PageArena" if way.name == "on" else way.name
        lines += [f"{name}: {headline(comparison, way.name)}", f"{name}: {sameness(comparison, way.name)}"]
    lines += [f"note: {note}" for note in comparison.notes]
    return "\n".join(lines)
