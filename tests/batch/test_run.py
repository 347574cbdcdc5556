import math
import os
import shutil
from pathlib import Path

import pytest
from batch_trees import same, tree

from classicseg.batch import BatchOptions, BusyError, OutputError, run_batch
from classicseg.batch._files import move
from classicseg.batch._manifest import Manifest


@pytest.fixture
def copy(folder, undisturbed, tmp_path):
    """The flight and its results, to be changed."""
    shutil.copytree(folder, tmp_path / "flight")
    shutil.copytree(undisturbed, tmp_path / "out")
    return tmp_path


def count_work():
    calls = []
    return calls, lambda done, total: calls.append((done, total))


def test_workers_do_not_change_a_byte(folder, undisturbed, tmp_path):
    calls, progress = count_work()
    summary = run_batch(folder, tmp_path / "out", workers=2, progress=progress)
    assert same(tmp_path / "out", undisturbed)
    assert calls == [(i, 11) for i in range(12)]
    assert (summary.n_frames, summary.n_done, summary.n_failed, summary.n_not_radiometric) == (11, 10, 1, 0)
    assert not summary.all_good
    assert summary.n_hotspots == sum(summary.severities.values()) > 0
    assert all(second > 0 for second in summary.seconds)
    assert os.path.isfile(summary.report)


def test_results_do_not_depend_on_where_the_files_are(copy, undisturbed):
    shutil.rmtree(copy / "out")
    run_batch(copy / "flight", copy / "out", state=copy / "elsewhere")
    assert same(copy / "out", undisturbed)
    assert not (copy / "out" / ".classicseg").exists()
    assert (copy / "elsewhere" / "manifest.sqlite3").exists()


def test_a_rerun_does_only_what_is_missing(copy, undisturbed):
    calls, progress = count_work()
    summary = run_batch(copy / "flight", copy / "out", progress=progress)
    assert calls == [(10, 11), (11, 11)]  # the broken frame is tried again
    assert summary.n_skipped == 10
    os.remove(copy / "out" / "labels" / "SYN_0003.png")
    (copy / "out" / "overlays" / "SYN_0004.png").write_bytes(b"")
    (copy / "out" / "report.html").unlink()
    assert run_batch(copy / "flight", copy / "out").n_skipped == 8
    assert same(copy / "out", undisturbed)


def test_a_changed_file_is_done_again(copy, undisturbed):
    one, other = copy / "flight" / "SYN_0001.jpg", copy / "flight" / "SYN_0002.jpg"
    shutil.copyfile(other, one)
    os.utime(copy / "flight" / "SYN_0005.jpg", (1, 1))
    assert run_batch(copy / "flight", copy / "out").n_skipped == 8
    after = tree(copy / "out")
    assert after["labels/SYN_0001.png"] == after["labels/SYN_0002.png"]
    assert after["labels/SYN_0005.png"] == tree(undisturbed)["labels/SYN_0005.png"]


def test_an_equally_named_file_of_another_folder_is_done(flight, tmp_path):
    """The second folder's frame has the name, the size and the time of the first one's, and other contents."""
    for folder, path in (("one", flight.paths[0]), ("two", flight.paths[1])):
        (tmp_path / folder).mkdir()
        data = Path(path).read_bytes()
        (tmp_path / folder / "a.jpg").write_bytes(data.ljust(400_000, b"\0"))
        os.utime(tmp_path / folder / "a.jpg", (1, 1))
    run_batch(tmp_path / "one", tmp_path / "out")
    assert run_batch(tmp_path / "two", tmp_path / "out").n_skipped == 0
    run_batch(tmp_path / "two", tmp_path / "fresh")
    assert same(tmp_path / "out", tmp_path / "fresh")


def test_a_folder_that_is_added_renames_and_redoes_nothing(copy, flight):
    run_batch(copy / "flight", copy / "out")
    (copy / "more").mkdir()
    shutil.copyfile(flight.paths[0], copy / "more" / "1.jpg")
    assert run_batch([copy / "flight", copy / "more"], copy / "out").n_skipped == 10
    run_batch([copy / "flight", copy / "more"], copy / "fresh")
    assert same(copy / "out", copy / "fresh")
    assert run_batch(copy / "flight", copy / "out").n_skipped == 10  # and back
    run_batch(copy / "flight", copy / "fresh2")
    assert same(copy / "out", copy / "fresh2")


def test_outputs_that_a_killed_run_did_not_rename_are_made_again(copy, flight, monkeypatch):
    run_batch(copy / "flight", copy / "out")
    (copy / "more").mkdir()
    shutil.copyfile(flight.paths[0], copy / "more" / "1.jpg")
    moved = []

    def killed(path, target):
        if len(moved) == 5:
            raise KeyboardInterrupt
        moved.append(target)
        move(path, target)

    monkeypatch.setattr("classicseg.batch._run.move", killed)
    with pytest.raises(KeyboardInterrupt):
        run_batch([copy / "flight", copy / "more"], copy / "out")
    monkeypatch.undo()
    assert 0 < run_batch([copy / "flight", copy / "more"], copy / "out").n_skipped < 10
    run_batch([copy / "flight", copy / "more"], copy / "fresh")
    assert same(copy / "out", copy / "fresh")


def test_changed_options_do_everything_again(copy):
    summary = run_batch(copy / "flight", copy / "out", options=BatchOptions(distance_m=5.0, overlays=False))
    assert summary.n_skipped == 0
    assert not any(name.startswith("overlays") for name in tree(copy / "out"))


def test_the_contents_of_a_profile_count_and_not_its_name(copy):
    profile = copy / "mine.toml"
    profile.write_text('name = "mine"\nmin_delta_celsius = 2.0\n[[levels]]\nname = "seen"\nfrom_celsius = 2.0\n')
    options = BatchOptions(profile=str(profile))
    assert set(run_batch(copy / "flight", copy / "out", options=options).severities) == {"seen"}
    assert run_batch(copy / "flight", copy / "out", options=options).n_skipped == 10
    profile.write_text(profile.read_text().replace("seen", "noticed"))
    summary = run_batch(copy / "flight", copy / "out", options=options)
    assert summary.n_skipped == 0
    assert set(summary.severities) == {"noticed"}


def test_outputs_mirror_the_inputs(copy):
    (copy / "out" / "labels" / "mine.txt").write_text("the user's own")
    (copy / "flight" / "SYN_0002.jpg").unlink()
    (copy / "flight" / "SYN_0003.jpg").write_bytes(b"broken now")
    run_batch(copy / "flight", copy / "out")
    labels = sorted(name for name in tree(copy / "out") if name.startswith("labels"))
    good = [n for n in range(1, 11) if n not in (2, 3)]
    assert labels == sorted(["labels/mine.txt", *(f"labels/SYN_{n:04d}.png" for n in good)])


def test_what_a_killed_run_left_unfinished_is_removed(copy, undisturbed):
    for name in ("out", "out/labels", "out/overlays"):
        (copy / name / ".classicseg-123-0.tmp").write_bytes(b"half")
    run_batch(copy / "flight", copy / "out")
    assert same(copy / "out", undisturbed)


def test_subfolders_are_kept_and_odd_names_work(flight, tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), b"in")
    names = [b"a/1.jpg", b"b/1.jpg", b"new\nline.jpg", b"bad\xff.jpg", b"<script>alert(1).jpg", b"=1+1.jpg"]
    for name in names:
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        shutil.copyfile(flight.paths[0], os.path.join(folder, name))
    summary = run_batch(os.fsdecode(folder), tmp_path / "out", workers=1)
    assert summary.n_done == len(names)
    made = tree(tmp_path / "out")
    assert {"labels/a/1.png", "labels/b/1.png"} <= set(made)
    assert len({made[name] for name in made if name.startswith("labels")}) == 1
    assert len([name for name in made if name.startswith("labels")]) == len(names)


def test_the_output_may_lie_inside_the_input(copy, undisturbed):
    run_batch(copy / "flight", copy / "flight" / "out")
    run_batch(copy / "flight", copy / "flight" / "out")
    assert same(copy / "flight" / "out", undisturbed)


def test_a_second_run_on_the_same_output_is_refused(copy):
    before = tree(copy / "out")
    with (
        Manifest(str(copy / "out" / ".classicseg" / "manifest.sqlite3")),
        pytest.raises(BusyError, match="another run is working on this output folder; wait for it"),
    ):
        run_batch(copy / "flight", copy / "out")
    assert tree(copy / "out") == before


def test_nodata_may_be_nan():
    assert math.isnan(BatchOptions(nodata=float("nan")).nodata)


def test_what_is_compiled_does_not_count_as_time_of_frames(folder, tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr("classicseg._warmup.warmup", lambda: order.append("warm"))
    run_batch(folder, tmp_path / "out", workers=1, progress=lambda done, total: order.append(done))
    assert order == ["warm", *range(12)]


def test_an_output_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written: File exists; give a folder that can be written"):
        run_batch(folder, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"emissivity": 0.0}, r"emissivity must be greater than 0.0, got 0.0"),
        ({"emissivity": 1.5}, r"emissivity must be at most 1.0, got 1.5"),
        ({"relative_humidity": 40}, r"relative_humidity must be at most 1.0, got 40.0"),
        ({"distance_m": -1}, r"distance_m must be at least 0.0, got -1.0"),
        ({"reflected_celsius": -300}, r"reflected_celsius must be greater than -273.15, got -300.0"),
        ({"reflected_celsius": 6000}, r"reflected_celsius must be above -273.15 and at most 5000, got 6000"),
        ({"unit": "centikelvins"}, r"unit must be one of 'celsius', .*, got 'centikelvins'"),
        ({"nodata": float("inf")}, r"nodata must be finite, got inf"),
        ({"calibration_any_camera": True}, r"calibration_any_camera must go with a calibration, got none"),
        ({"min_area": 0}, r"min_area must be at least 1, got 0"),
        ({"profile": ""}, r"profile must name a profile or a profile file, got ''"),
    ],
)
def test_bad_options(change, message):
    with pytest.raises(ValueError, match=message):
        BatchOptions(**change)


@pytest.mark.parametrize("options", [{"profile": "no such"}, {"calibration": "/no/such.json"}])
def test_a_profile_or_calibration_that_is_not_there_writes_nothing(folder, tmp_path, options):
    with pytest.raises(ValueError, match=r"(?i)no such"):
        run_batch(folder, tmp_path / "out", options=BatchOptions(**options))
    assert not (tmp_path / "out").exists()


def test_workers_must_be_positive(folder, tmp_path):
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        run_batch(folder, tmp_path / "out", workers=0)
