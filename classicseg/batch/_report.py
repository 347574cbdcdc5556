"""The report: one HTML file with everything in it, to look at, to print, to send."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.resources import files
from string import Template
from typing import IO, Any

from PIL import Image

from classicseg import __version__
from classicseg._kernels.cpu._jit import available_processors
from classicseg.batch._colors import severity_color, thermal_palette
from classicseg.batch._layout import output_path, overlay_name
from classicseg.batch._manifest import Row
from classicseg.batch._options import BatchOptions, described
from classicseg.batch._outcome import UNREFINED
from classicseg.batch._overlay import delta_text
from classicseg.batch._plan import Problem
from classicseg.batch._report_values import esc, notes, parameters, plural, refiner_legend
from classicseg.batch._totals import MAX_LISTED, MAX_PICTURES, MAX_SPOTS, UNKNOWN_CAMERA, Totals, camera_text, heat
from classicseg.thermal import SeverityProfile, load_profile

Ranks = dict[str, int]
Reasons = dict[str, list[str]]  # why pictures were left out -> which

PICTURE_WIDTH = 718  # pixels; wider overlays are made smaller
MAX_REASONS = 100  # why pictures were left out, told apart
PICTURE_QUALITY = 82  # JPEG; about 60 kB each, so the pictures stay below 5 MB in all

KINDS = {
    "not-radiometric": "no temperatures",
    "misfit": "options do not fit",
    "broken": "broken file",
    "unreadable": "cannot be read",
    "memory": "out of memory",
    "worker-died": "crashed",
    "internal": "internal error",
}


def write_report(
    file: IO[bytes],
    rows: Iterable[Row],
    totals: Totals,
    problems: Sequence[Problem],
    options: BatchOptions,
    out: str,
) -> None:
    """Write the report of a run; `rows` are all frames in the order of the plan.

    The size is bounded whatever the number of frames: the `MAX_PICTURES` frames with the greatest differences
    get a picture, the `MAX_SPOTS` hottest spots a row, the first `MAX_LISTED` frames and failures a line. Pictures
    without temperatures, of which a drone takes one beside each frame, share a line per reason, below the failures.
    """
    shown = totals.pictured if options.overlays else []
    pictured = {file_name: place for place, (_, _, file_name) in enumerate(shown)}
    profile = load_profile(options.profile)
    ranks: Ranks = {name: place for place, (name, _) in enumerate(reversed(profile.levels))}
    figures: dict[int, Future[str]] = {}
    frames: list[str] = []
    failures: list[str] = []
    left_out: Reasons = {}
    with ThreadPoolExecutor(available_processors()) as pool:  # pictures are decoded and encoded without the GIL
        for row in rows:
            if row.file in pictured:
                place = pictured[row.file]
                figures[place] = pool.submit(_figure, row, place, out, ranks)
            if row.kind == "not-radiometric" and row.state != "done":
                _add_reason(left_out, row)
            elif row.state != "done" and len(failures) < MAX_LISTED:
                failures.append(_failure(row.file, KINDS.get(row.kind, row.kind), row.error))
            if row.state == "done" and len(frames) < MAX_LISTED:
                frames.append(_frame(row, pictured))
    cards = [figures[place].result() for place in sorted(figures)]
    failures += [_failure(p.file, "not looked into", p.message) for p in problems[:MAX_LISTED]]
    parts = {
        "style": _resource("report.css"),
        "version": esc(__version__),
        "subtitle": _subtitle(totals),
        "cards": _cards(totals, len(problems)),
        "severities": _severities(totals, ranks),
        "spots": _spots(totals, pictured, ranks, options),
        "pictures": _pictures(cards, totals, options),
        "parameters": parameters(totals, options),
        "notes": notes(totals),
        "failures": _failures(failures, left_out, totals, len(problems)),
        "links": _links(bool(totals.n_hotspots), bool(failures or left_out), bool(totals.notes), bool(frames)),
        "frames": _frames(frames, totals),
        "legend": _legend(profile, options) + refiner_legend(totals, options),
    }
    file.write(Template(_resource("report.html")).substitute(parts).encode())


def _resource(name: str) -> str:
    return files("classicseg.batch").joinpath(name).read_text(encoding="utf-8")


def _subtitle(totals: Totals) -> str:
    cameras = ", ".join(name for name, _ in totals.cameras.most_common(4) if name != UNKNOWN_CAMERA)
    parts = [f"{totals.n_frames} frame{plural(totals.n_frames)}", cameras]
    if totals.first_time:
        first, last = totals.first_time[:16].replace("T", " "), (totals.last_time or "")[:16].replace("T", " ")
        if first[:10] == last[:10]:
            last = last[11:]
        parts.append(f"taken {first}" + (f" to {last}" if last and not first.endswith(last) else ""))
    return " · ".join(esc(part) for part in parts if part)


def _links(*present: bool) -> str:
    """Return links to the sections that are not in every report."""
    sections = (("pictures", "Pictures"), ("failures", "Not analysed"), ("notes", "Notes"), ("frames", "Frames"))
    return "".join(f'<a href="#{name}">{title}</a>' for (name, title), there in zip(sections, present) if there)


def _cards(totals: Totals, n_problems: int) -> str:
    failed = totals.n_frames - totals.n_done + n_problems
    hottest = "–"
    if totals.spots and totals.spots[0][3]["delta"] is not None:
        hottest = delta_text(totals.spots[0][3]["delta"], totals.spots[0][3]["unit"])
    unsearched = f"{totals.n_without_modules} <small>of {totals.n_done}</small>"
    unrefined = f"{totals.n_unrefined} <small>of {totals.n_done}</small>"
    cards = [
        ("Frames analysed", f"{totals.n_done} <small>of {totals.n_frames}</small>", ""),
        *([("Searched: no modules", unsearched, " amber")] if totals.n_without_modules else []),
        *([("Not refined", unrefined, " amber")] if totals.n_unrefined else []),
        ("Hot spots", str(totals.n_hotspots), ""),
        ("Frames with hot spots", str(totals.n_with_hotspots), ""),
        ("Largest difference", esc(hottest), ""),
        ("Not analysed", str(failed), " warn" if failed else ""),
    ]
    return "".join(
        f'<div class="card{style}"><div class="value">{value}</div><div class="name">{name}</div></div>'
        for name, value, style in cards
    )


def _severities(totals: Totals, ranks: Ranks) -> str:
    if not totals.severities:
        return ""
    total = sum(totals.severities.values())
    ranked = sorted(totals.severities.items(), key=lambda item: (rank(item[0], ranks), item[0]))
    bar = "".join(
        f'<span style="flex-grow:{number};background:{severity_color(name)}"></span>' for name, number in ranked
    )
    keys = "".join(
        f"<li>{badge(name)} <b>{number}</b> <small>{100 * number / total:.0f} %</small></li>" for name, number in ranked
    )
    return f'<div class="bar">{bar}</div><ul class="keys">{keys}</ul>'


def rank(severity: str, ranks: Ranks) -> int:
    """Return the place of a severity in lists, worst first; what the profile does not name comes last."""
    return ranks.get(severity, len(ranks))


def badge(severity: str) -> str:
    """Return a severity as a coloured label."""
    return f'<span class="badge" style="--c:{severity_color(severity)}">{esc(severity)}</span>'


def _spots(totals: Totals, pictured: dict[str, int], ranks: Ranks, options: BatchOptions) -> str:
    if not totals.spots:
        return f'<p class="empty">{_no_spots(totals)}</p>'
    head = (
        ("", "Severity"),
        *([("", "Class")] if options.refiner else []),
        ("", "Frame"),
        ("num", "No."),
        ("num", "Difference"),
        ("num", "Maximum"),
        ("num", "Mean"),
        ("num", "Reference"),
        ("num", "Area, px"),
        ("num", "Row, column"),
        ("", "Position of the frame"),
    )
    cells = "".join(f'<th class="{style}"><button type="button">{name}</button></th>' for style, name in head)
    refined = options.refiner is not None
    body = "".join(_spot(file, spot, pictured, ranks, refined) for _, _, file, spot in totals.spots)
    more = totals.n_hotspots - len(totals.spots)
    rest = f"<p>The {MAX_SPOTS} hottest; {more} more are in hotspots.csv.</p>" if more else ""
    table = f'<table class="sortable"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>{rest}'


def _no_spots(totals: Totals) -> str:
    """Return what was found where nothing was; a frame without modules says nothing about a plant."""
    n_searched = totals.n_done - totals.n_without_modules
    if not totals.n_without_modules:
        return "No hot spots were found."
    if not n_searched:
        return "No frame shows solar modules: nothing was searched."
    verb = "shows" if n_searched == 1 else "show"
    return f"No hot spots were found in the {n_searched} frame{plural(n_searched)} that {verb} modules."


def _spot(file: str, spot: dict[str, Any], pictured: dict[str, int], ranks: Ranks, refined: bool) -> str:
    digits = 1 if spot["unit"] == "celsius" else 0
    numbers = "".join(_cell(spot[name], digits) for name in ("max", "mean", "reference"))
    name = f'<a href="#f{pictured[file]}">{esc(file)}</a>' if file in pictured else esc(file)
    delta = "–" if spot["delta"] is None else delta_text(spot["delta"], spot["unit"])
    return (
        f'<tr><td data-v="{-rank(spot["severity"], ranks)}">{badge(spot["severity"])}</td>'
        f'{_class(spot) if refined else ""}<td class="file">{name}</td>'
        f'<td class="num" data-v="{spot["label"]}">{spot["label"]}</td>'
        f'<td class="num strong" data-v="{heat(spot, spot["unit"])}">{delta}</td>{numbers}'
        f'<td class="num" data-v="{spot["area_px"]}">{spot["area_px"]}</td>'
        f'<td class="num" data-v="{spot["row"]}">{spot["row"]:.0f}, {spot["col"]:.0f}</td>'
        f'<td class="place">{_place(spot["position"])}</td></tr>'
    )


def _class(spot: dict[str, Any]) -> str:
    """Return what the refiner takes a hot spot for, and how surely."""
    if spot.get("refined") != "yes":
        return '<td class="class"><small>not refined</small></td>'
    if spot["class"] is None:
        return '<td class="class">–</td>'
    share = f"<small>{100 * spot['class_probability']:.0f} %</small>"
    return f'<td class="class">{esc(spot["class"])} {share}</td>'


def _cell(value: float | None, digits: int) -> str:
    if value is None:
        return '<td class="num" data-v="-1e30">–</td>'
    return f'<td class="num" data-v="{value}">{value:.{digits}f}</td>'


def _place(position: dict[str, Any]) -> str:
    latitude, longitude = position.get("latitude"), position.get("longitude")
    return "–" if latitude is None or longitude is None else f"{latitude:.6f}, {longitude:.6f}"


def _pictures(cards: Sequence[str], totals: Totals, options: BatchOptions) -> str:
    if not totals.n_with_hotspots:
        return ""
    section = '<section id="pictures"><h2>Pictures</h2>{}</section>'
    if not options.overlays:
        return section.format('<p class="empty">The run was made without overlays.</p>')
    more = totals.n_with_hotspots - len(cards)
    rest = (
        f"<p>The {MAX_PICTURES} frames with the greatest differences; {more} more are in overlays/.</p>" if more else ""
    )
    return section.format(f'<div class="gallery">{"".join(cards)}</div>{rest}')


def _figure(row: Row, place: int, out: str, ranks: Ranks) -> str:
    path = output_path(out, overlay_name(row.name))
    if not os.path.exists(path):
        return ""
    with Image.open(path) as picture:
        small = picture.convert("RGB")
    if small.width > PICTURE_WIDTH:
        small.thumbnail((PICTURE_WIDTH, PICTURE_WIDTH))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=PICTURE_QUALITY, subsampling=0)
    source = "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
    spots = row.record["hotspots"]
    words = "".join(badge(name) for name in sorted({s["severity"] for s in spots}, key=lambda name: rank(name, ranks)))
    facts = [f"{len(spots)} hot spot{plural(len(spots))}"]
    if row.record["range"]:
        unit = "°C" if row.record["unit"] == "celsius" else "counts"
        digits = 1 if row.record["unit"] == "celsius" else 0
        low, _, high = row.record["range"]
        facts.append(f"{low:.{digits}f} to {high:.{digits}f} {unit}")
    if row.record["time"]:
        facts.append(row.record["time"][:19].replace("T", " "))
    where = _place(row.record["position"])
    facts += [where] if where != "–" else []
    return (
        f'<figure id="f{place}"><img loading="lazy" alt="{esc(row.file)}" width="{small.width}" '
        f'height="{small.height}" src="{source}">'
        f"<figcaption><b>{esc(row.file)}</b> {words}<br>{esc(' · '.join(facts))}</figcaption></figure>"
    )


def _failure(file: str, kind: str, message: str) -> str:
    return f'<tr><td class="file">{esc(file)}</td><td class="place">{esc(kind)}</td><td>{esc(message)}</td></tr>'


def _add_reason(left_out: Reasons, row: Row) -> None:
    """Put a picture without temperatures to those of its reason; what is beyond a bound is counted and not named."""
    reason = row.error if row.error in left_out or len(left_out) < MAX_REASONS else "other reasons"
    names = left_out.setdefault(reason, [])
    names.append(row.file if sum(map(len, left_out.values())) < MAX_LISTED else "")


def _left_out(reason: str, names: Sequence[str]) -> str:
    """Return the line of all pictures that were left out for one reason, their names folded."""
    known = [name for name in names if name]
    more = f" and {len(names) - len(known)} more" if len(names) > len(known) else ""
    listed = "<br>".join(map(esc, known)) + more
    files = f"<details><summary>{len(names)} picture{plural(len(names))}</summary>{listed}</details>"
    return (
        f'<tr><td class="file">{files}</td><td class="place">{KINDS["not-radiometric"]}</td><td>{esc(reason)}</td></tr>'
    )


def _failures(lines: Sequence[str], left_out: Reasons, totals: Totals, n_problems: int) -> str:
    if not lines and not left_out:
        return ""
    more = totals.n_failed + n_problems - len(lines)
    lines = [*lines, *(_left_out(reason, names) for reason, names in left_out.items())]
    rest = f"<p>{more} more are in summary.json.</p>" if more else ""
    head = "<thead><tr><th>File</th><th>What</th><th>Why, and what would help</th></tr></thead>"
    return (
        f'<section id="failures"><h2>Not analysed</h2><div class="scroll"><table>{head}'
        f"<tbody>{''.join(lines)}</tbody></table></div>{rest}</section>"
    )


def _frame(row: Row, pictured: dict[str, int]) -> str:
    record = row.record
    spots = record["hotspots"]
    name = f'<a href="#f{pictured[row.file]}">{esc(row.file)}</a>' if row.file in pictured else esc(row.file)
    name += " <small>not refined</small>" if row.kind == UNREFINED else ""
    digits = 1 if record["unit"] == "celsius" else 0
    low, mean, high = record["range"] or (None, None, None)
    return (
        f'<tr><td class="file">{name}</td><td class="num">{record["modules"] or "none"}</td>'
        f'<td class="num">{len(spots) if record["modules"] else "–"}</td>'
        f"{_cell(low, digits)}{_cell(mean, digits)}{_cell(high, digits)}"
        f"<td>{'°C' if record['unit'] == 'celsius' else 'counts'}</td>"
        f"<td>{esc(camera_text(record['camera']) or '–')}</td>"
        f'<td class="place">{esc((record["time"] or "–")[:19].replace("T", " "))}</td>'
        f'<td class="place">{_place(record["position"])}</td></tr>'
    )


def _frames(lines: Sequence[str], totals: Totals) -> str:
    if not lines:
        return ""
    more = totals.n_done - len(lines)
    rest = f"<p>The first {MAX_LISTED}; {more} more are in summary.json.</p>" if more else ""
    names = ("Frame", "Modules", "Hot spots", "Minimum", "Mean", "Maximum", "Unit", "Camera", "Time", "Position")
    head = "".join(f"<th{' class=num' if 0 < i < 6 else ''}>{name}</th>" for i, name in enumerate(names))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    fold = "" if len(lines) > 40 else " open"
    return (
        f'<section id="frames"><h2>Frames</h2><details{fold}><summary>{totals.n_done} analysed</summary>'
        f'<div class="scroll">{table}</div></details>{rest}</section>'
    )


def _legend(profile: SeverityProfile, options: BatchOptions) -> str:
    stops = ",".join("#{:02x}{:02x}{:02x}".format(*color) for color in thermal_palette(9).tolist())
    keys = "".join(f"<li>{badge(name)} from {start:g} K</li>" for name, start in profile.levels)
    file = described(options)["profile"]
    where = "" if file == profile.name else f" ({esc(file)})"
    return (
        f'<ul class="keys">{keys}<li>{badge("unknown")} without calibration, in sensor counts</li></ul>'
        f"<p>Severities follow the profile <b>{esc(profile.name)}</b>{where}. "
        "They grade the difference between the hottest pixel of a spot and the same place on the neighbouring "
        "modules. White outlines are hot spots with their number and difference; faint lines are the module rows "
        "that were searched.</p>"
        f'<div class="ramp" style="background:linear-gradient(90deg,{stops})"></div>'
        '<div class="ends"><span>colder</span><span>hotter; every picture has its own scale</span></div>'
        "<p>Where an end of a scale is marked &lt; or &gt;, a few pixels lie beyond it, in the same colour.</p>"
    )
