"""Quality against time, one mark per method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLOURS = {"classicseg": "#d1495b", "scikit-image": "#2e6f95", "scikit-learn": "#7a9e3b", "OpenCV": "#8d6a9f"}
PANELS = (("covering", "covering"), ("boundary_f", "boundary F"))
MARK = 7  # size, in points
PLACES = sorted(  # of a name, in points from its mark, the nearest first; of equal ones that to the right and above
    ((right, up) for right in (8, -8) for up in range(-60, 61)),
    key=lambda place: (abs(place[1]) + 5 * (place[0] < 0), -place[0], -place[1]),
)


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw covering and boundary F of every method over its seconds per picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6.6), layout="constrained")
    labels = []
    for axes, (name, title) in zip(figure.subplots(1, len(PANELS), sharex=True), PANELS):
        labels.append(panel(axes, result["methods"], name))
        axes.set(title=title, xlabel="seconds of one processor per picture")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    counts = result["pictures"]
    figure.suptitle(
        f"Settings chosen on {counts['train']} pictures, judged on {counts['val']} others; "
        "the line ends at the best setting of every picture",
        fontsize=10,
    )
    figure.legend(*legend(result["methods"]), loc="outside lower center", ncols=4, frameon=False)
    for texts in labels:
        part(figure, texts)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def panel(axes: Any, methods: list[Mapping[str, Any]], measure: str) -> list[Any]:
    """Draw one measure, and return the methods' names."""
    texts = []
    for method in sorted(methods, key=lambda method: -method["val"][measure]):
        seconds, score = method["seconds"], method["val"][measure]
        colour = COLOURS.get(method["library"], "0.4")
        axes.plot([seconds] * 2, [score, method["best_per_picture"][measure]], color=colour, lw=1, alpha=0.5)
        axes.plot(seconds, score, "o", color=colour, ms=MARK)
        place = {"xytext": PLACES[0], "textcoords": "offset points", "va": "center"}
        texts.append(axes.annotate(method["name"], (seconds, score), fontsize=8, color=colour, **place))
    axes.set_xscale("log")
    times = [method["seconds"] for method in methods]
    axes.set_xlim(min(times) / 8, max(times) * 6)  # room for names
    return texts


def part(figure: Any, texts: list[Any]) -> None:
    """Move names off marks and other names, each to the nearest place that is free on either side of its own mark."""
    figure.draw_without_rendering()
    taken = [mark_of(text) for text in texts]
    for text in texts:
        for right, up in PLACES:
            text.set(position=(right, up), horizontalalignment="left" if right > 0 else "right")
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)
        if abs(up) > MARK:
            line = {"arrowstyle": "-", "color": text.get_color(), "lw": 0.5, "shrinkA": 0}
            text.axes.annotate("", text.xy, (right, up), textcoords="offset points", arrowprops=line)


def mark_of(text: Any) -> Any:
    """Return the box of the mark that a name belongs to, in pixels."""
    from matplotlib.transforms import Bbox

    (col, row), half = text.axes.transData.transform(text.xy), MARK / 2 * text.figure.dpi / 72
    return Bbox.from_extents(col - half, row - half, col + half, row + half)


def legend(methods: list[Mapping[str, Any]]) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    libraries = list(dict.fromkeys(method["library"] for method in methods))
    marks = [Line2D([], [], marker="o", ls="", color=COLOURS.get(library, "0.4")) for library in libraries]
    return marks, libraries
