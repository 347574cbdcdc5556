"""What the report and the console say: nothing that is not so, nothing that is lost."""

import errno
import html
import re

import numpy as np
import pytest
from test_outputs import SPOT, done
from test_report import overlay, report

from classicseg.batch import BatchOptions, BatchSummary, OutputError, _totals
from classicseg.batch._console import batch_lines
from classicseg.batch._files import writable
from classicseg.batch._manifest import Row
from classicseg.batch._options import options_hash
from classicseg.batch._overlay import _draw_tags, _font
from classicseg.batch._plan import Problem
from classicseg.batch._totals import MAX_LISTED, count

CARD = re.compile(r'<div class="card([^"]*)"><div class="value">(.*?)</div><div class="name">(.*?)</div>')


def failed(file, kind="broken", error="found X; expected Y"):
    return Row(file, file, "failed", kind, error, {}, {})


def cards(text):
    return {name: (re.sub("<.*?>", "", value), style.strip()) for style, value, name in CARD.findall(text)}


def section(text, name):
    match = re.search(f'<section id="{name}">(.*?)</section>', text, re.DOTALL)
    return match and html.unescape(match[1])


def parameter(value, source="file", unit="m"):
    return {"distance_m": {"value": value, "unit": unit, "source": source}}


def test_a_frame_without_modules_is_no_clean_frame():
    text, _ = report([done("a.jpg", hotspots=[]), done("b.jpg", hotspots=[], modules=0), failed("c.jpg")])
    assert cards(text)["Searched: no modules"] == ("1 of 2", "amber")
    assert "No hot spots were found in the 1 frame that shows modules." in text
    rows = re.findall(r'<td class="file">([ab]\.jpg)</td><td class="num">(.*?)</td><td class="num">(.*?)</td>', text)
    assert rows == [("a.jpg", "8", "0"), ("b.jpg", "none", "–")]
    text, _ = report([done(hotspots=[])])
    assert "Searched: no modules" not in cards(text)
    assert "No hot spots were found.<" in text
    assert "No frame shows solar modules: nothing was searched." in report([done(hotspots=[], modules=0)])[0]


def test_the_console_tells_of_frames_without_modules_and_counts_like_people():
    summary = BatchSummary("out", "out/report.html", 4, 3, 0, 1, 0, 1, {"high": 1}, n_without_modules=2)
    assert batch_lines(summary)[:2] == [
        "3 of 4 frames analysed: 1 hot spot (1 high)",
        "2 frames show no modules: nothing was searched in them",
    ]
    summary = BatchSummary("out", "out/report.html", 4, 3, 0, 1, 0, 2, n_without_modules=1)
    assert "1 frame shows no modules: nothing was searched in it" in batch_lines(summary)
    assert summary.all_good  # a picture without temperatures is no failure
    assert not BatchSummary("out", "r", 1, 0, 0, 1, 0, 0).all_good  # nothing was analysed
    assert not BatchSummary("out", "r", 2, 1, 1, 0, 0, 0).all_good
    assert not BatchSummary("out", "r", 1, 1, 0, 0, 0, 0, problems=(Problem("x", "y"),)).all_good


def test_pictures_without_temperatures_do_not_push_out_what_is_broken():
    pictures = [failed(f"a{i:04d}_V.JPG", "not-radiometric", f"found size {i % 2}") for i in range(MAX_LISTED + 50)]
    text, _ = report([*pictures, failed("z.jpg", "worker-died", "ended by SIGKILL")])
    lines = section(text, "failures").split("<tr>")[2:]
    assert "z.jpg" in lines[0]
    assert "crashed" in lines[0]
    half = MAX_LISTED // 2 + 25
    assert [f"<summary>{half} pictures</summary>" in line for line in lines[1:]] == [True, True]
    assert "found size 1" in lines[2]
    names = re.findall(r"a\d{4}_V\.JPG", text)
    assert len(names) == len(set(names)) == MAX_LISTED
    assert "and 25 more" in text
    assert "more are in summary.json" not in section(text, "failures")


def test_failures_and_frames_are_bounded():
    n = MAX_LISTED + 7
    rows = [failed(f"bad{i}.jpg") for i in range(n)] + [done(f"good{i}.jpg", hotspots=[]) for i in range(n)]
    text, _ = report(rows, [Problem(f"locked{i}", "no") for i in range(n)])
    assert len(re.findall(r"\bbad\d+\.jpg", text)) == MAX_LISTED
    assert len(re.findall(r"\bgood\d+\.jpg", text)) == MAX_LISTED
    assert len(re.findall(r"\blocked\d+", text)) == MAX_LISTED
    assert "14 more are in summary.json" in section(text, "failures")
    assert f"The first {MAX_LISTED}; 7 more are in summary.json." in section(text, "frames")


def test_a_range_holds_every_value(monkeypatch):
    monkeypatch.setattr(_totals, "MAX_DISTINCT", 3)
    rows = [done(f"{i}.jpg", parameters=parameter(float(i)), notes=[f"note {i}"]) for i in range(9)]
    text, _ = report([*rows, done("x.jpg", parameters=parameter(None))])
    assert '<td>0 to 8 m</td><td><span class="source file">file</span></td><td class="num">10</td>' in text
    notes = section(text, "notes")
    assert [f"note {i}" in notes for i in range(9)] == [True] * 3 + [False] * 6
    assert "a note" not in notes
    assert "and others in 7 places, are in summary.json" in notes
    cameras = count([done(camera={"model": f"C{i}"}) for i in range(9)]).cameras
    assert len(cameras) == 3


def test_notes_on_pixels_are_one_note():
    rows = [done(f"{i}.jpg", notes=[f"left out: {i} pixel{'' if i == 1 else 's'}"]) for i in range(1, 251)]
    notes = section(report(rows)[0], "notes")
    assert "left out: 1 to 250 pixels <small>(250 frames)" in notes
    assert notes.count("<li>") == 1
    assert "left out: 1 pixel <small>(1 frame)" in section(report(rows[:1])[0], "notes")


def test_notes_beyond_the_most_frequent_are_counted():
    rows = [done(f"{i}.jpg", notes=[f"note {i}"]) for i in range(40)]
    notes = section(report(rows)[0], "notes")
    assert "<p>10 more are in summary.json.</p>" in notes
    assert notes.count("<li>") == 30


def test_what_was_not_used_is_not_what_was_measured_with():
    text, _ = report([done(parameters=parameter(5.0)), done("b.jpg", calibrated=False, parameters=parameter(7.0))])
    assert '<td>5 m</td><td><span class="source file">file</span>' in text
    assert '<td>7 m</td><td><span class="source file">file, not used</span>' in text


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([done(parameters={})], "The files hold temperatures, and no parameters that they were measured with."),
        ([done(parameters={}, calibrated=False)], "None of the frames is calibrated."),
        ([failed("a.jpg")], "No frame was analysed."),
    ],
)
def test_why_there_are_no_parameters(rows, words):
    assert words in section(report(rows)[0], "parameters")


def test_numbers_have_the_digits_that_the_file_holds():
    values = {"planck_r1": {"value": 21106.7695, "unit": "1", "source": "file"}}
    values |= parameter(0.949999988, unit="1")
    text, _ = report([done(parameters=values)])
    assert "<td>21106.77</td>" in text
    assert "<td>0.95</td>" in text


def test_without_overlays_nothing_leads_to_them():
    text, checker = report([done()], options=BatchOptions(overlays=False))
    targets = set(re.findall(r' id="([^"]+)"', text))
    assert {address[1:] for address in checker.addresses if address.startswith("#")} <= targets
    assert "The run was made without overlays." in section(text, "pictures")


def test_without_spots_there_is_no_section_of_pictures():
    text, _ = report([done(hotspots=[])])
    assert "Pictures" not in text
    assert '<a href="#pictures">Pictures</a>' in report([done()])[0]


def test_the_legend_names_the_profile_with_its_file_and_all_its_levels(tmp_path):
    path = tmp_path / "my.toml"
    levels = "".join(f'[[levels]]\nname = "L{i}"\nfrom_celsius = {i}.5\n' for i in (2, 4, 6))
    path.write_text(f'name = "Customer X"\nmin_delta_celsius = 2.0\n{levels}')
    legend = section(report([done()], options=BatchOptions(profile=str(path)))[0], "legend")
    assert "the profile <b>Customer X</b> (my.toml)." in legend
    assert re.findall(r">(L\d)</span> from ([\d.]+) K", legend) == [("L2", "2.5"), ("L4", "4.5"), ("L6", "6.5")]
    legend = section(report([done()])[0], "legend")
    assert "the profile <b>IEC-62446-3-style</b>." in legend


def test_an_end_of_the_scale_beyond_which_pixels_lie_is_marked(monkeypatch):
    written = []
    monkeypatch.setattr("classicseg.batch._overlay._write", lambda panel, text, row, col: written.append(text))
    values = np.full((480, 640), 20.0, np.float32)
    values[:240] = 40.0
    overlay(values, np.zeros(values.shape, np.int32), [])
    assert (written[1], written[-1]) == ("20.0", "40.0")
    values[1, 1], values[400, 400] = 90.0, -5.0
    written.clear()
    overlay(values, np.zeros(values.shape, np.int32), [])
    assert (written[1], written[-1]) == ("<20.0", ">40.0")
    assert not any(text[0] in "<>" for text in written[2:-1])


def rows_at(*boxes):
    names = ("row_min", "col_min", "row_max", "col_max")
    return [{**SPOT, **dict(zip(names, box)), "label": i, "severity": f"s{i}"} for i, box in enumerate(boxes, start=1)]


def test_the_outline_of_the_hotter_of_two_neighbours_is_whole():
    """Its rows come first in the table, and its line is drawn last."""
    rows = rows_at((200, 200, 220, 230), (200, 232, 220, 262))
    labels = np.zeros((480, 640), np.int32)
    for row in rows:
        labels[row["row_min"] : row["row_max"], row["col_min"] : row["col_max"]] = row["label"]
    values = np.full(labels.shape, 20.0, np.float32)
    both, alone = overlay(values, labels, rows), overlay(values, labels, rows[:1])
    around = np.s_[203:217, 230:233]  # its line on the side of the other, over which lies that of the other too
    np.testing.assert_array_equal(both[around], alone[around])


def test_tags_cover_neither_spots_nor_each_other():
    rows = rows_at((200, 200, 220, 230), (160, 200, 195, 230), (225, 200, 260, 230))  # others above and below
    canvas = np.zeros((480, 640), np.uint8)
    _draw_tags(canvas, rows, "celsius", 1, ["s1", "s2", "s3"])
    for row in rows:
        assert not canvas[row["row_min"] : row["row_max"], row["col_min"] : row["col_max"]].any()
    apart = np.zeros((3, *canvas.shape), np.uint8)
    for plane, row in zip(apart, rows, strict=True):
        _draw_tags(plane, [row], "celsius", 1, ["s1", "s2", "s3"])
    assert np.count_nonzero(canvas) == sum(np.count_nonzero(plane) for plane in apart)


def test_the_hash_tells_profiles_kernels_and_libraries_apart(tmp_path, monkeypatch):
    path = tmp_path / "my.toml"
    hashes = set()
    for text in ("one", "two"):
        path.write_text(text)
        hashes.add(options_hash(BatchOptions(profile=str(path))))
    monkeypatch.setattr("classicseg.batch._options._source_key", lambda: "other kernels")
    hashes.add(options_hash(BatchOptions(profile=str(path))))
    for library in ("numba", "numpy", "scipy", "pillow"):
        monkeypatch.setattr("classicseg.batch._options.version", lambda name, new=library: "new" if name == new else "")
        hashes.add(options_hash(BatchOptions(profile=str(path))))
    assert len(hashes) == 7


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "make room or give another folder"),
        (errno.EEXIST, "give a folder that can be written"),
        (errno.EACCES, "give a folder that can be written"),
    ],
)
def test_the_way_out_fits_the_reason(number, words):
    with pytest.raises(OutputError, match=f"/x: cannot be written: because; {words}, then run again"), writable("/x"):
        raise OSError(number, "because")


def test_the_font_of_overlays_has_every_sign_they_write():
    missing = bytes(_font().getmask("\ue000"))  # of private use: it is drawn as a box
    for sign in "0123456789+-.<>°Ccounts":
        assert bytes(_font().getmask(sign)) != missing
