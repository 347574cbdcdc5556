"""Killed, stopped and starved runs, each followed by a rerun that must make everything right."""

import os
import resource
import signal
import subprocess
import time

import numpy as np
import pytest
from batch_trees import same, tree

from classicseg.batch import run_batch


def start(command, folder, out, **options):
    arguments = [*command, "batch", str(folder), "--out", str(out), "--workers", "2"]
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


PATIENCE_S = 600  # on a machine that is slow and shared; what takes longer hangs


def wait_for(condition, process, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)


def n_files(folder):
    return sum(len(names) for _, _, names in os.walk(folder))


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_killed_at_random_moments(command, folder, undisturbed, tmp_path, seed):
    """While frames are worked on: after a random number of files and a random wait."""
    rng = np.random.default_rng(seed)
    out = tmp_path / "out"
    for _ in range(2):
        process = start(command, folder, out)
        goal = n_files(out) + int(rng.integers(1, 9))
        wait_for(lambda goal=goal: n_files(out) >= goal, process)
        time.sleep(float(rng.uniform(0, 0.05)))
        kill(process)
    run_batch(folder, out)
    assert same(out, undisturbed)


@pytest.mark.parametrize("name", ["hotspots.csv", "hotspots.geojson", "summary.json"])
def test_killed_while_the_tables_are_written(command, folder, undisturbed, tmp_path, name):
    out = tmp_path / "out"
    process = start(command, folder, out)
    wait_for((out / name).exists, process)
    kill(process)
    assert (out / name).read_bytes() == (undisturbed / name).read_bytes()
    run_batch(folder, out)
    assert same(out, undisturbed)


def test_ctrl_c_stops_cleanly(command, folder, undisturbed, tmp_path):
    out = tmp_path / "out"
    # A shell without job control starts background jobs, and all below them, with SIGINT ignored.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    process = start(command, folder, out, text=True, start_new_session=True, preexec_fn=heed)
    wait_for(lambda: n_files(out / "labels") >= 2, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "stopped" in said
    assert not list(out.rglob("*.tmp"))
    run_batch(folder, out)
    assert same(out, undisturbed)


@pytest.mark.parametrize("limit", [2_000, 60_000, 300_000])
def test_disk_full(command, folder, undisturbed, tmp_path, limit):
    """The system refuses files beyond a size: the manifest, an overlay, the report."""
    out = tmp_path / "out"
    process = start(
        command, folder, out, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "Traceback" not in said
    assert "cannot be written" in said
    assert "make room" in said
    expected = tree(undisturbed)
    assert all(expected[name] == data for name, data in tree(out).items())
    run_batch(folder, out)
    assert same(out, undisturbed)
