import os

import pytest

from classicseg.batch import NoInputError
from classicseg.batch._names import output_names, shown_name
from classicseg.batch._plan import make_plan


@pytest.fixture
def touch(tmp_path):
    def make(*names):
        for name in names:
            path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(b"x")
        return tmp_path

    return make


def files(plan):
    return [frame.file for frame in plan.frames]


def test_folders_are_searched_below_and_sorted(touch):
    folder = touch("b/2.JPG", "b/1.jpg", "a/3.tiff", "a/deep/4.Tif", "a/notes.txt", "a/._3.jpg", "a/.hidden/5.jpg")
    assert files(make_plan(folder)) == ["a/3.tiff", "a/deep/4.Tif", "b/1.jpg", "b/2.JPG"]


def test_order_and_repeats_of_inputs_do_not_matter(touch, monkeypatch):
    folder = touch("a/1.jpg", "a/2.jpg", "b/3.jpg")
    monkeypatch.chdir(folder)
    plan = make_plan(["b", "a/2.jpg", "a"])
    assert plan == make_plan([folder / "a", folder / "b", "b/3.jpg", "a/*.jpg"])
    assert files(plan) == ["a/1.jpg", "a/2.jpg", "b/3.jpg"]


def test_patterns(touch):
    folder = touch("f/x/1_T.JPG", "f/x/1_V.JPG", "f/2_T.JPG")
    assert files(make_plan(f"{folder}/f/**/*_T.JPG")) == ["2_T.JPG", "x/1_T.JPG"]


def test_a_named_file_is_taken_whatever_its_ending(touch):
    folder = touch("frame.dat")
    assert files(make_plan(folder / "frame.dat")) == ["frame.dat"]


def test_a_file_whose_name_looks_like_a_pattern(touch):
    folder = touch("a[1].jpg", "a1.jpg")
    assert files(make_plan(folder / "a[1].jpg")) == ["a[1].jpg"]


def test_loops_and_links(touch):
    folder = touch("a/1.jpg", "z/2.jpg")
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "0link.jpg").symlink_to(folder / "z" / "2.jpg")  # sorts first, but the file goes by its own path
    (folder / "a" / "self.jpg").symlink_to(folder / "a" / "self.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    plan = make_plan(folder)
    assert files(plan) == ["a/1.jpg", "z/2.jpg"]
    assert [problem.file for problem in plan.problems] == ["a/self.jpg", "gone.jpg"]
    assert all("cannot be read" in problem.message for problem in plan.problems)


def test_a_linked_folder_outside_is_followed(touch):
    folder = touch("in/1.jpg", "elsewhere/2.jpg")
    (folder / "in" / "more").symlink_to(folder / "elsewhere")
    assert files(make_plan(folder / "in")) == ["1.jpg", "more/2.jpg"]


def test_what_is_not_a_file_is_a_problem_and_no_hang(touch):
    folder = touch("1.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (problem,) = make_plan(folder).problems
    assert (problem.file, problem.message) == ("pipe.jpg", "not a regular file")


def test_unreadable_folder(touch, monkeypatch):
    folder = touch("a/1.jpg", "b/2.jpg")
    real = os.scandir

    def scandir(path):
        if os.path.basename(path) == "b":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # chmod does not stop root
    plan = make_plan(folder)
    assert files(plan) == ["a/1.jpg"]
    assert [(p.file, p.message) for p in plan.problems] == [("b", "folder cannot be read: Permission denied")]


def test_nothing_to_do_is_an_error(touch):
    folder = touch("notes.txt")
    with pytest.raises(NoInputError, match=r"inputs must name at least one file, got .*: no such file"):
        make_plan([folder, folder / "missing.jpg", f"{folder}/*.jpg"])


def test_one_missing_input_among_others_is_a_problem(touch):
    folder = touch("1.jpg")
    plan = make_plan([folder / "1.jpg", folder / "2.jpg"])
    assert files(plan) == ["1.jpg"]
    assert plan.problems[0].file == "2.jpg"
    assert "no such file" in plan.problems[0].message


def test_folders_of_the_run_itself_are_skipped(touch):
    folder = touch("1.jpg", "out/labels/1.tif")
    assert files(make_plan(folder, skip=[str(folder / "out" / "labels")])) == ["1.jpg"]


def test_odd_names_are_one_line_of_unicode(touch):
    touch("new\nline.jpg", "ümlaut.jpg", "=cmd.jpg", "back\\slash.jpg", b"\xff\xfe.jpg", "e\u202etxt.jpg")
    folder = touch("plain.jpg")
    plan = make_plan(folder)
    assert sorted(files(plan)) == sorted(
        [
            *("new\\nline.jpg", "ümlaut.jpg", "./=cmd.jpg", "back\\\\slash.jpg", "\\xff\\xfe.jpg"),
            *("e\\u202etxt.jpg", "plain.jpg"),
        ]
    )
    for frame in plan.frames:
        assert os.path.exists(frame.path)
        assert frame.file.encode().decode().isprintable()
        assert "\n" not in frame.name
        frame.name.encode()
    assert len({frame.name for frame in plan.frames}) == 7


def test_shown_names_are_reversible_and_distinct():
    names = ["a\nb", "a\\nb", os.fsdecode(b"a\xffb"), "a\\xffb", "a\x01b", "a\\x01b"]
    assert len({shown_name(name) for name in names}) == len(names)


def test_output_names():
    assert output_names(["a/b.jpg", "c.JPEG", "d.tif"]) == ["a/b", "c", "d.tif"]
    assert output_names(["x.jpg"]) == output_names(["x.jpg", "y.jpg"])[:1]


@pytest.mark.parametrize(
    "pair", [("a.jpg", "a.jpeg"), ("a.jpg", "A.JPG"), ("é.jpg", "e\u0301.jpg"), ("a?.jpg", "a*.jpg"), (".jpg", "..jpg")]
)
def test_output_names_do_not_collide(pair):
    names = output_names(pair)
    assert len({name.casefold() for name in names}) == 2
    assert names == output_names(pair[::-1])[::-1]


def test_a_folder_does_not_take_the_name_of_a_picture():
    first, second = output_names(["a.jpg", "a.png/x.jpg"])
    assert first == "a"
    assert not second.startswith("a.png/")


@pytest.mark.parametrize("name", ["../up", "..", "/abs", "a/../../b", "x" * 5000, "ü" * 300, "con\x01"])
def test_output_names_stay_inside(name):
    (made,) = output_names([name + ".jpg"])
    parts = made.split("/")
    assert ".." not in parts
    assert all(0 < len(part.encode()) <= 200 for part in parts if part != "_")
    assert not made.startswith("/")
