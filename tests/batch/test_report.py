import html.parser
import io
import re

import numpy as np
import pytest
from PIL import Image
from test_outputs import RECORD, SPOT, done

from classicseg.batch import BatchOptions
from classicseg.batch._colors import severity_color, thermal_palette
from classicseg.batch._manifest import Row
from classicseg.batch._overlay import delta_text, shown_range, write_overlay
from classicseg.batch._plan import Problem
from classicseg.batch._report import write_report
from classicseg.batch._totals import MAX_PICTURES, MAX_SPOTS, count

VOID = {"meta", "link", "br", "img"}


class Checker(html.parser.HTMLParser):
    """Holds that tags are balanced, and collects every address and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.text, self.tags = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def report(rows, problems=(), options=None, out="/nowhere"):
    file = io.BytesIO()
    write_report(file, rows, count(rows), problems, options or BatchOptions(), str(out))
    text = file.getvalue().decode("utf-8")
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    return text, checker


def test_self_contained(undisturbed):
    text = (undisturbed / "report.html").read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert all(address.startswith(("data:", "#")) for address in checker.addresses)
    assert sum(address.startswith("data:image/jpeg;base64,") for address in checker.addresses) >= 2
    assert not re.search(r"https?:|@import|url\(", text)
    targets = set(re.findall(r' id="([^"]+)"', text))
    assert {address[1:] for address in checker.addresses if address.startswith("#")} <= targets
    assert "SYN_0011.jpg" in text  # the broken one, with its reason
    assert "override" not in text.split("</style>")[1]
    assert "Emissivity" in text


def test_names_and_messages_are_escaped():
    evil = "<script>alert('x')</script>&.jpg"
    rows = [
        done(evil, notes=["<b>note</b>"], camera={"model": "<i>cam"}, hotspots=[{**SPOT, "severity": "<u>"}]),
        Row(evil + "2", "b", "failed", "broken", "found <img src=x>", {}, {}),
    ]
    text, checker = report(rows, [Problem("<hr>", "<hr>")], BatchOptions(profile="IEC-62446-3-style"))
    assert checker.tags.count("script") == 1  # our own
    assert not {"i", "u", "hr"} & set(checker.tags)
    assert evil in "".join(checker.text)
    assert "$" not in text.split("<script>")[0].split("</style>")[1]


def test_no_frames_with_findings():
    text, _ = report([done(hotspots=[])])
    assert "No hot spots were found." in text
    assert "Not analysed</h2>" not in text


def test_everything_failed():
    text, _ = report([Row("c.jpg", "c", "failed", "not-radiometric", "found a picture", {}, {})])
    assert "found a picture" in text
    assert "no temperatures" in text


def test_size_is_bounded_and_the_hottest_are_kept():
    rows = [done(f"f{i:05d}.jpg", hotspots=[{**SPOT, "delta": float(i)}]) for i in range(MAX_SPOTS + 500)]
    text, _ = report(rows)
    assert text.count('<tr><td data-v="') == MAX_SPOTS
    assert "500 more are in hotspots.csv" in text
    assert f"{500 + MAX_SPOTS - MAX_PICTURES} more are in overlays/" in text
    assert f'<a href="#f0">f{MAX_SPOTS + 499:05d}.jpg</a>' in text
    assert len(text) < 3_000_000


def test_degrees_are_ranked_before_counts():
    counts = done("counts.jpg", unit="counts", hotspots=[{**SPOT, "delta": 5000.0}])
    totals = count([counts, done("celsius.jpg")])
    assert [file for _, _, file, _ in totals.spots] == ["celsius.jpg", "counts.jpg"]
    assert [file for _, _, file in totals.pictured] == ["celsius.jpg", "counts.jpg"]


def test_sources_of_parameters_are_told():
    file = {"emissivity": {"value": 0.95, "unit": "1", "source": "file"}}
    other = {"emissivity": {"value": 0.85, "unit": "1", "source": "file"}}
    text, _ = report([done("a.jpg"), done("b.jpg", parameters=file), done("c.jpg", parameters=other)])
    assert "0.85 to 0.95" in text
    assert '<span class="source override">override</span>' in text


def overlay(values, labels, rows, unit="celsius"):
    file = io.BytesIO()
    write_overlay(file, values, unit, labels, np.zeros(values.shape, np.int32), rows)
    with Image.open(file) as picture:
        assert picture.mode == "P"
        return np.asarray(picture.convert("RGB")).astype(int)


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (120, 160), (512, 640)])
@pytest.mark.parametrize("fill", [np.nan, 25.0])
def test_overlay_of_any_shape(shape, fill):
    picture = overlay(np.full(shape, fill, np.float32), np.zeros(shape, np.int32), [])
    assert max(picture.shape[:2]) >= 480


def test_overlay_shows_the_spot_and_leaves_it_uncovered():
    values = np.full((480, 640), 20.0, np.float32)
    values[100:120, 200:230] = 60.0
    labels = (values > 50).astype(np.int32)
    row = {**SPOT, "row_min": 100, "col_min": 200, "row_max": 120, "col_max": 230, "severity": "high"}
    picture = overlay(values, labels, [row])
    assert (picture[102:118, 202:228] == thermal_palette(112)[-1]).all()
    assert (picture[97:123, 197:233] == 255).all(axis=2).sum() > 90  # the white line around it
    red = np.array([int(severity_color("high")[i : i + 2], 16) for i in (1, 3, 5)])
    assert (picture == red).all(axis=2).sum() >= 50  # the mark of its tag
    assert (picture[300:, :640] == thermal_palette(112)[0]).all()


def test_overlay_with_more_spots_than_tags_and_more_words_than_colours(rng):
    values = rng.normal(25, 1, (480, 640)).astype(np.float32)
    labels = np.zeros((480, 640), np.int32)
    rows = []
    for i in range(200):
        r, c = divmod(i, 20)
        r, c = r * 40 + 5, c * 30 + 5
        labels[r : r + 4, c : c + 4] = i + 1
        box = {"row_min": r, "col_min": c, "row_max": r + 4, "col_max": c + 4}
        rows.append({**SPOT, **box, "label": i + 1, "severity": f"s{i}"})
    assert overlay(values, labels, rows).shape == (480, 718, 3)


def test_scale_ignores_single_pixels():
    values = np.full((300, 300), 20.0, np.float32)
    values[:, 150:] = 30.0
    values[0, 0] = 500.0
    assert shown_range(values) == (20.0, 30.0)
    assert shown_range(np.full((4, 4), np.nan, np.float32)) == (0.0, 1.0)


def test_words():
    assert delta_text(12.34, "celsius") == "+12.3 °C"
    assert delta_text(12.34, "counts") == "+12 counts"
    assert severity_color("HIGH") == severity_color("high")
    assert severity_color("mine") == severity_color("mine") != severity_color("high")
    assert RECORD["unit"] == "celsius"
