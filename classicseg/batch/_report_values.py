"""What the temperatures of a run depend on, in its report: parameters, options, notes."""

from __future__ import annotations

import html

from classicseg.batch._colors import MOST_COLORS, class_palette
from classicseg.batch._options import BatchOptions, described
from classicseg.batch._totals import Span, Totals

MAX_NOTES = 30  # the most frequent ones
PARAMETER_NAMES = {
    "emissivity": "Emissivity",
    "reflected_celsius": "Reflected temperature",
    "atmospheric_celsius": "Atmospheric temperature",
    "relative_humidity": "Relative humidity",
    "distance_m": "Distance",
    "window_transmission": "Window transmission",
    "window_celsius": "Window temperature",
}


def esc(text: object) -> str:
    """Return `text` for HTML."""
    return html.escape(str(text), quote=True)


def plural(number: int) -> str:
    """Return the ending of a word for `number` things."""
    return "" if number == 1 else "s"


def parameters(totals: Totals, options: BatchOptions) -> str:
    """Return the tables of parameters, with their sources, and of options."""
    known = [name for name in PARAMETER_NAMES if name in totals.parameters]
    others = sorted(set(totals.parameters) - set(known))
    lines = "".join(_parameter(name, totals.parameters[name]) for name in known + others)
    chosen = "".join(
        f"<tr><td>{esc(name)}</td><td>{esc(str(value).lower() if isinstance(value, bool) else value)}</td></tr>"
        for name, value in described(options).items()
        if value is not None
    )
    head = "<tr><th>Parameter</th><th>Value</th><th>Source</th><th class='num'>Frames</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{lines}</tbody></table>" if lines else f"<p>{_nothing(totals)}</p>"
    return (
        f'<div class="two"><div><h3>Measured with</h3>{table}</div>'
        f"<div><h3>Options of this run</h3><table><tbody>{chosen}</tbody></table></div></div>"
    )


def _nothing(totals: Totals) -> str:
    """Return why there are no parameters."""
    if not totals.n_done:
        return "No frame was analysed."
    if totals.n_uncalibrated == totals.n_done:
        return "None of the frames is calibrated."
    return "The files hold temperatures, and no parameters that they were measured with."


def _parameter(name: str, spans: dict[tuple[str, str], Span]) -> str:
    title = esc(PARAMETER_NAMES.get(name) or name.replace("_", " "))
    out = []
    for (unit, source), found in sorted(spans.items()):
        span = _span(found)
        shown = span if unit == "1" else f"{span} {unit}"
        style = esc(source.partition(",")[0])
        out.append(
            f'<tr><td>{title}</td><td>{esc(shown)}</td><td><span class="source {style}">{esc(source)}</span></td>'
            f'<td class="num">{found.count}</td></tr>'
        )
    return "".join(out)


def _span(found: Span) -> str:
    """Return a number, or the least and greatest, with the digits that the files' float32 holds."""
    if found.low is None or found.high is None:
        return "–"
    first, last = f"{found.low:.7g}", f"{found.high:.7g}"
    return first if first == last else f"{first} to {last}"


def refiner_legend(totals: Totals, options: BatchOptions) -> str:
    """Return what the classes of hot spots are, and which number and colour each has in the pictures of classes."""
    if options.refiner is None:
        return ""
    refiner = esc(described(options)["refiner"])
    text = (
        f"<p>The class of a hot spot is the one that the refiner <b>{refiner}</b> finds most probable in its pixels, "
        "with its mean probability.</p>"
    )
    n_pixels = sum(totals.classes.values())
    if not n_pixels:
        return text
    palette = class_palette(len(totals.classes)) if len(totals.classes) <= MOST_COLORS else b""
    keys = ""
    for number, (name, area) in enumerate(totals.classes.items(), start=1):
        color = palette[3 * number : 3 * number + 3].hex() or "7f8c99"
        badge = f'<span class="badge" style="--c:#{color}">{number} {esc(name)}</span>'
        keys += f"<li>{badge} <small>{100 * area / n_pixels:.1f} %</small></li>"
    return f'{text}<p>All pixels by class, with its number and colour in refined/:</p><ul class="keys">{keys}</ul>'


def notes(totals: Totals) -> str:
    """Return the section of notes; those on some pixels are one each, whatever the number of pixels."""
    if not totals.notes:
        return ""
    ranked = sorted(totals.notes.items(), key=lambda item: -item[1].count)
    items = "".join(
        f"<li>{esc(text)}{_pixels(found)} <small>({found.count} frame{plural(found.count)})</small></li>"
        for text, found in ranked[:MAX_NOTES]
    )
    more = len(ranked) - MAX_NOTES
    rest = f"<p>{more} more are in summary.json.</p>" if more > 0 and not totals.n_other_notes else ""
    if totals.n_other_notes:
        rest = f"<p>{max(more, 0)} more, and others in {totals.n_other_notes} places, are in summary.json.</p>"
    return f'<section id="notes"><h2>Notes</h2><ul class="notes">{items}</ul>{rest}</section>'


def _pixels(found: Span) -> str:
    if found.low is None or found.high is None:
        return ""
    if found.low == found.high:
        return f": {found.low:.0f} pixel{plural(int(found.low))}"
    return f": {found.low:.0f} to {found.high:.0f} pixels"
