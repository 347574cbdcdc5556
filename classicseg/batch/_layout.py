"""Where a run puts its files."""

from __future__ import annotations

import os

LABELS = "labels"
OVERLAYS = "overlays"
REFINED = "refined"
TABLE = "hotspots.csv"
MAP = "hotspots.geojson"
SUMMARY = "summary.json"
REPORT = "report.html"
STATE = ".classicseg"  # default state folder, inside the output folder; not part of the results


def label_names(name: str) -> tuple[str, str]:
    """Return the names, relative to the output folder, that the label image of frame `name` can have."""
    return f"{LABELS}/{name}.png", f"{LABELS}/{name}.tif"


def refined_names(name: str) -> tuple[str, str]:
    """Return the names, relative to the output folder, that the refined labels of frame `name` can have."""
    return f"{REFINED}/{name}.png", f"{REFINED}/{name}.tif"


def overlay_name(name: str) -> str:
    """Return the name, relative to the output folder, of the overlay of frame `name`."""
    return f"{OVERLAYS}/{name}.png"


def candidates(name: str) -> tuple[str, ...]:
    """Return every output name, relative to the output folder, that frame `name` can have."""
    return (*label_names(name), overlay_name(name), *refined_names(name))


def output_path(out: str, relative: str) -> str:
    """Return the path in the output folder `out` of a relative output name."""
    return os.path.join(out, *relative.split("/"))
