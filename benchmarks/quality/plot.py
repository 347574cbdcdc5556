"""Quality against time, one mark per method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLOURS = {"classicseg": "#d1495b", "scikit-image": "#2e6f95", "scikit-learn": "#7a9e3b", "OpenCV": "#8d6a9f"}
PANELS = (("covering", "covering"), ("boundary_f", "boundary F"))


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw covering and boundary F of every method over its seconds per picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5.6), layout="constrained")
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
        axes.plot(seconds, score, "o", color=colour, ms=7)
        place = {"xytext": (7, 0), "textcoords": "offset points", "va": "center"}
        texts.append(axes.annotate(method["name"], (seconds, score), fontsize=8, color=colour, **place))
    axes.set_xscale("log")
    times = [method["seconds"] for method in methods]
    axes.set_xlim(min(times) / 2, max(times) * 6)  # room for the last name
    return texts


def part(figure: Any, texts: list[Any]) -> None:
    """Move names down, the upper ones first, until none covers another."""
    figure.draw_without_rendering()
    placed: list[Any] = []
    for text in texts:
        while any(text.get_window_extent().overlaps(other) for other in placed):
            right, up = text.get_position()
            text.set_position((right, up - 2))
        placed.append(text.get_window_extent())


def legend(methods: list[Mapping[str, Any]]) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    libraries = list(dict.fromkeys(method["library"] for method in methods))
    marks = [Line2D([], [], marker="o", ls="", color=COLOURS.get(library, "0.4")) for library in libraries]
    return marks, libraries
