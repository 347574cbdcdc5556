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


def test_what_the_words_say(result):
    card = " ".join(PATH.with_suffix(".md").read_text(encoding="utf-8").split())
    spots, sees = result["spots"], "find_hotspots where the network sees a spot"
    made, flight, xt2, m3t, composed = list(spots.values())[:5]
    usual = made["find_hotspots"]
    doubted = {kind: count - made[sees][kind] for kind, count in usual.items()}
    again = result["seen in both XT2 frames"]["network"]
    for told in (
        f"Of the {again['in view of both']} spots that the network has where both frames look, {again['twice']} are",
        f"it doubts {doubted['elsewhere']} of the {usual['elsewhere']} false findings and {doubted['found']} of the "
        f"{usual['found']} true ones",
        f"finds all {composed['network']['found']} anomalous modules of the composed fields, of which `find_hotspots` "
        f"finds {composed['find_hotspots']['found']}, and all {flight['network']['found']} spots of the made flight",
        f"{xt2['network']['elsewhere']} in two XT2 frames, {m3t['network']['elsewhere']} in one M3T frame",
    ):
        assert told in card
    assert all(frames[sees] == frames["find_hotspots"] for frames in (flight, xt2, m3t, composed))  # it confirms all


def test_how_it_was_made():
    source = (RESULTS.parent / "pv_unet" / "train.py").read_text(encoding="utf-8")  # importing it would need PyTorch
    (n_frames,) = re.findall(r"^N_FRAMES = (\d+)$", source, re.MULTILINE)
    ((steps, batch),) = re.findall(r"^STEPS, BATCH, CROP = (\d+), (\d+),", source, re.MULTILINE)
    told = f"{n_frames} frames, {int(steps):,} steps of {batch} crops".replace("0,0", "0 0")
    assert told in PATH.with_suffix(".md").read_text(encoding="utf-8")
