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

    figure = Figure(figsize=(12, 5.2), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(1, len(PANELS), sharex=True), PANELS):
        panel(axes, result["methods"], name)
        axes.set(title=title, xlabel="seconds of one processor per picture", xscale="log")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    counts = result["pictures"]
    figure.suptitle(
        f"Settings chosen on {counts['train']} pictures, judged on {counts['val']} others; "
        "the line ends at the best setting of every picture",
        fontsize=10,
    )
    figure.axes[0].legend(*legend(result["methods"]), loc="lower right", fontsize=9, frameon=False)
    figure.savefig(path, dpi=130, metadata={"Software": None})


def panel(axes: Any, methods: list[Mapping[str, Any]], measure: str) -> None:
    for method in methods:
        seconds, score = max(method["seconds"], 1e-4), method["val"][measure]
        colour = COLOURS.get(method["library"], "0.4")
        axes.plot([seconds] * 2, [score, method["best_per_picture"][measure]], color=colour, lw=1, alpha=0.5)
        axes.plot(seconds, score, "o", color=colour, ms=7)
        axes.annotate(method["name"], (seconds, score), (6, -3), textcoords="offset points", fontsize=8, color=colour)
    axes.margins(x=0.18)


def legend(methods: list[Mapping[str, Any]]) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    libraries = list(dict.fromkeys(method["library"] for method in methods))
    marks = [Line2D([], [], marker="o", ls="", color=COLOURS.get(library, "0.4")) for library in libraries]
    return marks, libraries
