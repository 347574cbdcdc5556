"""The model card says what the evaluation wrote: its tables are those of the newest result."""

import json
import re
from pathlib import Path

import pytest

from classicseg.refine._pv_unet.network import PATH

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
WAYS = (
    "find_hotspots",
    "network",
    "both together",
    "find_hotspots where the network sees a module",
    "find_hotspots where the network sees a spot",
)


@pytest.fixture(scope="module")
def result():
    return json.loads(max(RESULTS.glob("pv_unet-*.json")).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tables():
    """The cells of every row of the card's tables, without the column of names."""
    card = PATH.with_suffix(".md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")][1:] for line in card.splitlines() if line[:1] == "|"]
    return {n: [row for row in rows if len(row) == n and re.match(r"[.\d]", row[0])] for n in (4, 6)}


def test_pixels(result, tables):
    told = [[float(cell) for cell in row] for row in tables[4]]
    assert told == [list(scores.values()) for scores in result["classes"].values()]


def test_spots(result, tables):
    measured = []
    for frames in result["spots"].values():
        counts = [frames[way] for way in WAYS]
        measured.append([str(counts[0]["known"]), *(f"{one['found']}, {one['elsewhere']}" for one in counts)])
    assert tables[6] == measured


def test_the_size_of_the_file():
    card = PATH.with_suffix(".md").read_text(encoding="utf-8")
    assert f"{round(PATH.stat().st_size / 1000)} kB" in card
