import os

import pytest

from classicseg.batch import BatchError, BatchOptions
from classicseg.batch._executor import death, run_frames
from classicseg.batch._frame import Setup
from classicseg.batch._plan import Frame


def frames(*names):
    return [Frame(f"/flight/{name}", name, name, 1, 1) for name in names]


def outcomes(names, make, setup, n_workers, **options):
    return {
        frame.file: outcome
        for frame, outcome in run_frames(frames(*names), setup, make, n_workers=n_workers, **options)
    }


@pytest.fixture
def setup(tmp_path):
    return Setup(str(tmp_path), BatchOptions(), str(tmp_path / "workers.lock"))


def test_a_worker_that_dies_fails_its_frame_only(fakes, setup):
    names = ["a", "kill1", "b", "exit1", "noise", "kill2", "c"]
    found = outcomes(names, fakes.make_dying, setup, 2)
    assert {name: outcome.state for name, outcome in found.items()} == {
        name: "failed" if name.startswith(("kill", "exit")) else "done" for name in names
    }
    assert found["kill1"].kind == found["exit1"].kind == "worker-died"
    assert "SIGKILL" in found["kill1"].error
    assert "memory" in found["kill1"].error
    assert "status 3" in found["exit1"].error


def test_frames_beside_one_that_kills_are_done_once(fakes, setup):
    names = ["a", "kill1", "b", "kill2", "kill3", "c"]
    run = list(run_frames(frames(*names), setup, fakes.make_dying, n_workers=1))
    assert sorted(frame.file for frame, _ in run) == sorted(names)
    assert [frame.file for frame, outcome in run if outcome.state == "failed"] == ["kill1", "kill2", "kill3"]


def test_one_frame_is_written_while_the_next_is_worked_on(fakes, setup):
    found = outcomes(["a", "b", "c", "last"], fakes.make_overlapping, setup, 1)
    assert all(outcome.record["met"] for outcome in found.values())


def test_workers_have_one_thread_each(fakes, setup):
    assert outcomes(["a"], fakes.make_dying, setup, 1)["a"].record["threads"] == "1"


def test_frames_are_drawn_as_workers_become_free(fakes, setup):
    drawn = []

    def source():
        for frame in frames(*(f"f{i}" for i in range(40))):
            drawn.append(frame)
            yield frame

    run = run_frames(source(), setup, fakes.make_dying, n_workers=2)
    for n_seen, _ in enumerate(run, start=1):
        # two in each worker, four in the queue, two waiting to enter it, one in hand
        assert len(drawn) <= n_seen + 11
    assert len(drawn) == 40


def test_what_frames_raise_becomes_an_outcome(fakes, setup):
    found = outcomes(["memory", "os", "full", "other"], fakes.make_raising, setup, 1)
    assert found["memory"].kind == "memory"
    assert (found["os"].kind, found["os"].error) == ("unreadable", "cannot be read: Permission denied")
    assert found["full"].state == "unwritable"
    # the folder differs between machines, so it stays out; so does the line break
    assert found["other"].error == "unexpected RuntimeError: in other second line"
    assert "Traceback" in found["other"].details


def test_workers_that_cannot_start_stop_the_run(fakes, setup, tmp_path):
    with (
        open(tmp_path / "log", "wb") as log,
        pytest.raises(BatchError, match=r"a worker process cannot start \(.*status 1\); the log says more"),
    ):
        outcomes(["a"], fakes.make_nothing, setup, 1, log=log)
    assert "cannot begin" in (tmp_path / "log").read_text()


def test_closing_ends_the_workers(fakes, setup, tmp_path):
    run = run_frames(frames(*(f"f{i}" for i in range(100))), setup, fakes.make_dying, n_workers=2)
    next(run)
    run.close()
    from classicseg.batch._worker import wait_for_workers

    assert wait_for_workers(setup.lock, seconds=0.5)


def test_a_rerun_waits_for_workers_that_still_write(tmp_path):
    import fcntl

    from classicseg.batch._worker import wait_for_workers

    path = tmp_path / "lock"
    assert wait_for_workers(str(path))
    lock = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_SH)
    assert not wait_for_workers(str(path), seconds=0.1)
    os.close(lock)
    assert wait_for_workers(str(path), seconds=0.1)


def test_death_is_told_for_people():
    assert "SIGSEGV" in death(-11)
    assert "memory" not in death(-11)
    assert "signal 63" in death(-63)
