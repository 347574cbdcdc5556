import sqlite3

import pytest

from classicseg.batch import BatchError, BusyError, OutputError
from classicseg.batch._files import digest_of
from classicseg.batch._manifest import Manifest, on_local_disk
from classicseg.batch._outcome import Outcome
from classicseg.batch._plan import Frame


def frame(name, size=1, mtime_ns=1, out=None, path=None):
    return Frame(str(path or f"/x/{name}"), name, out or name, size, mtime_ns)


DONE = Outcome("done", outputs={"labels/a.png": 3}, record={"unit": "celsius"}, seconds=(1.0, 2.0, 3.0))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "manifest.sqlite3")


def finished(path, *frames, options="o"):
    with Manifest(path) as manifest:
        manifest.set_plan(frames, options)
        for one in frames:
            manifest.store(one.file, DONE)


@pytest.mark.parametrize(
    ("now", "options", "pending"),
    [
        (frame("a"), "o", set()),
        (frame("a", size=2), "o", {"a"}),
        (frame("a", mtime_ns=2), "o", {"a"}),
        (frame("a", out="a~1"), "o", {"a"}),
        (frame("a"), "other", {"a"}),
    ],
)
def test_only_the_same_file_with_the_same_options_stays_done(path, now, options, pending):
    finished(path, frame("a"))
    with Manifest(path) as manifest:
        manifest.set_plan([now], options)
        assert manifest.pending() == pending


def test_failed_frames_are_tried_again(path):
    with Manifest(path) as manifest:
        manifest.set_plan([frame("a")], "o")
        manifest.store("a", Outcome("failed", kind="broken", error="why"))
        assert manifest.pending() == set()
        assert [(row.state, row.kind, row.error) for row in manifest.rows()] == [("failed", "broken", "why")]
        manifest.set_plan([frame("a")], "o")
        assert manifest.pending() == {"a"}


def test_rows_come_in_the_order_of_the_plan(path):
    finished(path, frame("b"), frame("a"))
    with Manifest(path) as manifest:
        assert [row.file for row in manifest.rows()] == ["b", "a"]
        manifest.set_plan([frame("a"), frame("b"), frame("0")], "o")
        assert [row.file for row in manifest.rows()] == ["a", "b", "0"]
        assert [row.record for row in manifest.rows()] == [{"unit": "celsius"}, {"unit": "celsius"}, {}]
        assert manifest.seconds() == (2.0, 4.0, 6.0)


def test_orphans_last_until_they_are_forgotten(path):
    finished(path, frame("a"), frame("b"), frame("c"))
    with Manifest(path) as manifest:
        manifest.set_plan([frame("a"), frame("c", out="c~1")], "o")
    with Manifest(path) as manifest:  # as if killed before the files were removed
        assert manifest.orphans() == ["b", "c"]
        manifest.set_plan([frame("a"), frame("b")], "o")
        assert manifest.orphans() == ["c", "c~1"]
        manifest.forget_orphans()
        assert manifest.orphans() == []


def test_a_second_holder_is_refused(path):
    with Manifest(path), pytest.raises(BusyError, match="another run is working on this output folder"):
        Manifest(path)
    Manifest(path).__exit__()


def test_what_is_no_manifest_is_refused(tmp_path):
    path = tmp_path / "manifest.sqlite3"
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(BatchError, match="not a usable manifest"):
        Manifest(str(path))


def test_another_form_is_refused(path):
    finished(path, frame("a"))
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(BatchError, match=r"has form 99, this release writes form 2"):
        Manifest(path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="the manifest cannot be written"):
        Manifest(str(tmp_path / "missing" / "manifest.sqlite3"))


def test_journal_follows_the_kind_of_disk(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\nserver:/x /net/share nfs4 rw 0 0\n/dev/sdb /net/share/disk\\040two xfs rw 0 0\n"
    )
    known = str(mounts)
    assert on_local_disk("/home/me", known)
    assert not on_local_disk("/net/share/out", known)
    assert on_local_disk("/net/share/disk two/out", known)
    assert on_local_disk("/net/shared", known)
    assert not on_local_disk("/home/me", str(tmp_path / "missing"))
    for local, mode in ((True, "wal"), (False, "delete")):
        monkeypatch.setattr("classicseg.batch._manifest.on_local_disk", lambda path, local=local: local)
        path = str(tmp_path / f"{mode}.sqlite3")
        finished(path, frame("a"))
        database = sqlite3.connect(path)
        assert database.execute("PRAGMA journal_mode").fetchone() == (mode,)
        database.close()


def contents(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def made(name, path):
    """A frame that is done, as its worker tells."""
    outputs = {f"labels/{name}.png": 3, f"overlays/{name}.png": 4}
    return Outcome("done", outputs=outputs, record={"unit": "celsius"}, digest=digest_of(path))


@pytest.mark.parametrize(("text", "pending"), [("same", set()), ("else", {"a"})])
def test_a_file_of_another_folder_is_known_by_its_contents(path, tmp_path, text, pending):
    """Name, size and time of the frames of two flights can be the same, where a card or an archive rounds times."""
    first, second = contents(tmp_path / "one" / "a", "same"), contents(tmp_path / "two" / "a", text)
    with Manifest(path) as manifest:
        manifest.set_plan([frame("a", path=first)], "o")
        manifest.store("a", made("a", first))
        assert manifest.set_plan([frame("a", path=second)], "o") == []
        assert manifest.pending() == pending
        assert manifest.set_plan([frame("a", path=second)], "o") == []  # its path is known now
        assert manifest.pending() == pending


def test_a_frame_that_goes_by_another_name_keeps_what_was_done(path, tmp_path):
    first, other = contents(tmp_path / "a", "one"), contents(tmp_path / "b", "two")
    with Manifest(path) as manifest:
        manifest.set_plan([frame("a", path=first)], "o")
        manifest.store("a", made("a", first))
        plan = [frame("day1/a", path=first), frame("day2/a", path=other)]
        assert manifest.set_plan(plan, "o") == [("a", "day1/a")]
        assert manifest.pending() == {"day2/a"}
        assert manifest.orphans() == ["a"]
        assert dict(manifest.outputs()) == {"day1/a": {"labels/day1/a.png": 3, "overlays/day1/a.png": 4}}
        first_row = next(iter(manifest.rows()))
        assert (first_row.file, first_row.name, first_row.record) == ("day1/a", "day1/a", {"unit": "celsius"})


def test_of_two_copies_one_takes_over(path, tmp_path):
    first, copy = contents(tmp_path / "a", "one"), contents(tmp_path / "b", "one")
    with Manifest(path) as manifest:
        manifest.set_plan([frame("a", path=first)], "o")
        manifest.store("a", made("a", first))
        plan = [frame("day1/a", path=first), frame("day2/a", path=copy)]
        assert manifest.set_plan(plan, "o") == [("a", "day1/a")]
        assert manifest.pending() == {"day2/a"}


@pytest.mark.parametrize(
    ("changed", "options"),
    [({"size": 2}, "o"), ({"mtime_ns": 2}, "o"), ({}, "other"), ({"out": "A"}, "o"), ({"name": "b", "out": "z"}, "o")],
)
def test_only_the_same_frame_takes_over_and_only_a_free_name(path, tmp_path, changed, options):
    first = contents(tmp_path / "a", "one")
    with Manifest(path) as manifest:
        manifest.set_plan([frame("a", path=first), frame("b")], "o")
        manifest.store("a", made("a", first))
        now = frame(**{"name": "day1/a", "path": first, **changed})
        assert manifest.set_plan([now], options) == []
        assert manifest.pending() == {now.file}


def test_a_manifest_of_the_first_form_is_taken_and_everything_done_again(path):
    finished(path, frame("a"))
    database = sqlite3.connect(path)
    for column in ("path", "digest"):
        database.execute(f"ALTER TABLE frames DROP COLUMN {column}")
    database.execute("PRAGMA user_version = 1")
    database.close()
    with Manifest(path) as manifest:
        assert manifest.set_plan([frame("a")], "o") == []
        assert manifest.pending() == {"a"}
