"""Temperatures in boxes that a user brings."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import FileFormatError
from classicseg._errors import UselessOptionError
from classicseg.thermal import ThermalImage, heat_in_boxes, read, read_boxes

SHAPE = (100, 200)
BOXES = [[10, 20, 30, 60], [0, 0, 100, 200]]


def test_statistics(rng):
    temperature = rng.normal(30, 5, SHAPE).astype(np.float32)
    temperature[12, 25] = np.nan
    table = heat_in_boxes(temperature, BOXES)
    for i, (a, b, c, d) in enumerate(BOXES):
        values = temperature[a:c, b:d]
        assert table["area_px"][i] == np.isfinite(values).sum()
        for name, statistic in (("min", np.nanmin), ("mean", np.nanmean), ("median", np.nanmedian), ("max", np.nanmax)):
            assert_allclose(table[f"{name}_celsius"][i], statistic(values.astype(np.float64)))
    assert_array_equal(np.stack([table[k] for k in ("row_min", "col_min", "row_max", "col_max")], axis=1), BOXES)


def test_nothing_valid_and_no_boxes():
    table = heat_in_boxes(np.full((4, 4), np.nan), [[0, 0, 2, 2]])
    assert table["area_px"][0] == 0
    assert np.isnan(table["max_celsius"][0])
    assert len(heat_in_boxes(np.ones((4, 4)), [])["area_px"]) == 0
    assert heat_in_boxes(np.ones((4, 4)), [[0, 0, 2, 2]], mask=np.zeros((4, 4), bool))["area_px"][0] == 0


def test_a_frame_brings_its_mask_and_its_unit():
    temperature = np.arange(12, dtype=np.float32).reshape(3, 4)
    mask = temperature != 0
    frame = ThermalImage("a.jpg", temperature, None, calibrated=True, unit="celsius", mask=mask)
    assert heat_in_boxes(frame, [[0, 0, 2, 2]])["min_celsius"] == 1
    counts = ThermalImage("a.jpg", None, temperature.astype(np.uint16), calibrated=False, unit="counts", mask=mask)
    table = heat_in_boxes(counts, [[0, 0, 2, 2]], mask=temperature != 5)
    assert (table["min_counts"], table["max_counts"], table["area_px"]) == (1, 4, 2)
    assert "min_celsius" not in table


def test_every_form_reads_the_same(tmp_path):
    yolo = tmp_path / "frame.txt"
    yolo.write_text(
        "".join(f"0 {(b + d) / 400} {(a + c) / 200} {(d - b) / 200} {(c - a) / 100}\n" for a, b, c, d in BOXES)
    )
    coco = tmp_path / "frame.json"
    annotations = [{"image_id": 7, "bbox": [b, a, d - b, c - a]} for a, b, c, d in BOXES]
    other = {"image_id": 8, "bbox": [0, 0, 1, 1]}
    images = [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}]
    coco.write_text(json.dumps({"images": images, "annotations": [*annotations, other]}))
    assert_array_equal(read_boxes(yolo, SHAPE), BOXES)
    assert_array_equal(read_boxes(coco, SHAPE, image_name="a.jpg"), BOXES)
    for header, order in (
        ("row_min,col_min,row_max,col_max", (0, 1, 2, 3)),
        ("x0,y0,x1,y1", (1, 0, 3, 2)),
        ("id,xmin,ymin,xmax,ymax", (None, 1, 0, 3, 2)),
    ):
        table = tmp_path / "frame.csv"
        lines = [",".join("9" if i is None else str(box[i]) for i in order) for box in BOXES]
        table.write_text("\n".join([header, *lines]) + "\n")
        assert_array_equal(read_boxes(table, SHAPE), BOXES)


def test_boxes_are_clipped_and_widened_to_whole_pixels(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("row_min,col_min,row_max,col_max\n-5,10.2,20.5,300\n")
    assert_array_equal(read_boxes(path, SHAPE), [[0, 10, 21, 200]])


def test_a_table_saved_by_a_spreadsheet(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("row_min,col_min,row_max,col_max\n1,2,3,4\n", encoding="utf-8-sig")  # with a byte order mark
    assert_array_equal(read_boxes(path, SHAPE), [[1, 2, 3, 4]])


def test_printed_numbers_do_not_widen_a_box(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("row_min,col_min,row_max,col_max\n9.9999999,20.0000001,30.0000001,39.9999999\n")
    assert_array_equal(read_boxes(path, SHAPE), [[10, 20, 30, 40]])


def test_coco_of_one_image_needs_no_name(tmp_path):
    path = tmp_path / "a.json"
    annotations = [{"image_id": 3, "bbox": [20, 10, 40, 20]}]
    path.write_text(json.dumps({"images": [{"id": 3, "file_name": "a.jpg"}], "annotations": annotations}))
    assert_array_equal(read_boxes(path, SHAPE), [[10, 20, 30, 60]])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.xml", "", "found the suffix '.xml'; expected YOLO .txt, COCO .json or .csv"),
        ("a.txt", "0 0.5 0.5\n", "in line 1; expected class x y width height"),
        (
            "a.txt",
            "0 0.5 0.5 0.1 0.1 0.9 0.2\n",
            "in line 1; expected class x y width height, and at most a confidence",
        ),
        ("a.txt", "0 0.5 0.5 0.1 0.1\n0 .1 .1 .9 .1 .9 .9 .1 .9\n", "in line 2; expected class x y width height, and"),
        ("a.txt", "0 0.5 0.5 0.1 0.1 high\n", "in line 1; expected class x y width height, and at most a confidence"),
        ("a.txt", "0 0.5 nan 0.5 0.5\n", "a value that is no finite number in line 1"),
        ("a.txt", "0 5 5 0.1 0.1\n", "a box with an area inside 100 x 200 pixels"),
        ("a.json", "{", "expected COCO images and annotations with bbox"),
        ("a.json", '{"images": [{"id": 1, "file_name": "x"}]}', "KeyError: 'annotations'"),
        (
            "a.json",
            '{"images": [{"id": 1, "file_name": "x"}], "annotations": [{"image_id": 2, "bbox": [0, 0, 1, 1]}]}',
            "found the image_id 2 in annotation 0; expected the id of one of its images",
        ),
        ("a.csv", "a,b\n1,2\n", "found the header ['a', 'b']; expected row_min, col_min, row_max, col_max"),
        ("a.csv", "x0,y0,x1,y1\n1,2,3\n", "in line 2; expected four numbers"),
    ],
)
def test_bad_files(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(FileFormatError) as caught:
        read_boxes(path, SHAPE)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_coco_of_several_images_wants_a_name(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({"images": [{"id": 1, "file_name": "x"}, {"id": 2, "file_name": "y"}], "annotations": []})
    )
    with pytest.raises(ValueError, match="image_name must name one of the 2 images"):
        read_boxes(path, SHAPE)
    with pytest.raises(ValueError, match="image_name must be an image of"):
        read_boxes(path, SHAPE, image_name="z")


def test_a_confidence_after_a_yolo_box_is_passed_over(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0 0.5 0.5 0.1 0.1 0.9\n")
    assert_array_equal(read_boxes(path, SHAPE), [[45, 90, 55, 110]])


@pytest.mark.parametrize("column", ["file", "file_name", "filename", "image", "image_name"])
def test_a_table_of_several_images_gives_the_boxes_of_the_one_named(tmp_path, column):
    path = tmp_path / "a.csv"
    path.write_text(f"{column},row_min,col_min,row_max,col_max\na.jpg,1,2,3,4\nb.jpg,5,6,7,8\na.jpg,9,9,11,12\n")
    assert_array_equal(read_boxes(path, SHAPE, image_name="a.jpg"), [[1, 2, 3, 4], [9, 9, 11, 12]])
    assert_array_equal(read_boxes(path, SHAPE, image_name="b.jpg"), [[5, 6, 7, 8]])
    with pytest.raises(ValueError, match=r"image_name must name one of the 2 images of .*a\.csv, got None"):
        read_boxes(path, SHAPE)
    with pytest.raises(
        ValueError, match=r"image_name must be an image of .*got 'c\.jpg'; there are \['a\.jpg', 'b\.jpg'\]"
    ):
        read_boxes(path, SHAPE, image_name="c.jpg")
    path.write_text(f"{column},x0,y0,x1,y1\na.jpg,2,1,4,3\n")
    assert_array_equal(read_boxes(path, SHAPE), [[1, 2, 3, 4]])
    path.write_text(f"{column},x0,y0,x1,y1\n")
    assert read_boxes(path, SHAPE).shape == (0, 4)


@pytest.mark.parametrize(
    ("name", "text"), [("a.txt", "0 0.5 0.5 0.1 0.1\n"), ("a.csv", "row_min,col_min,row_max,col_max\n1,2,3,4\n")]
)
def test_a_file_that_names_no_image_takes_no_image_name(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UselessOptionError, match="which image_name does not apply to"):
        read_boxes(path, SHAPE, image_name="a.jpg")


def test_missing_file(tmp_path):
    with pytest.raises(FileFormatError, match="an unreadable file"):
        read_boxes(tmp_path / "none.csv", SHAPE)


@pytest.mark.parametrize(
    ("boxes", "error", "message"),
    [
        ([1, 2, 3, 4], ValueError, "boxes must have shape (n, 4)"),
        ([[0.0, 0, 1, 1]], TypeError, "boxes must be whole pixels of an integer dtype, got float64"),
        ([[0, 0, 5, 1]], ValueError, "within the frame of shape (4, 4), got [0, 0, 5, 1] in row 0"),
        ([[2, 0, 2, 1]], ValueError, "boxes must have 0 <= min < max"),
        ([[0, 1, 2, 1]], ValueError, "boxes must have 0 <= min < max"),
        ([[-1, 0, 2, 1]], ValueError, "boxes must have 0 <= min < max"),
    ],
)
def test_bad_boxes(boxes, error, message):
    with pytest.raises(error) as caught:
        heat_in_boxes(np.ones((4, 4)), boxes)
    assert message in str(caught.value)


def test_published_statistics_of_the_xt2_boxes(test_data):
    """Public boxes of github.com/ManishSahu53/solarHotspotAnalysis; x0, y0, x1, y1 with exclusive maxima."""
    folder = test_data / "thermal" / "pv_xt2"
    published = json.loads((folder / "published_hotspots.json").read_text())
    for name, spots in published.items():
        for spot in spots:
            x0, y0, x1, y1 = (int(v) for v in spot["bbox"])
            table = heat_in_boxes(read(folder / name), [[y0, x0, y1, x1]])
            assert table["area_px"][0] == spot["stats"]["area"]
            for key in ("min", "mean", "median", "max"):
                assert abs(table[f"{key}_celsius"][0] - spot["stats"][key]) < 0.2
