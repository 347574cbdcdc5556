"""The JIT, cache and thread policy."""

import multiprocessing
import os
import subprocess
import sys
import threading

import pytest

from classicseg._kernels.cpu import _jit

USE = """
from classicseg import kmeans
from classicseg._kernels.cpu._jit import cache_state
kmeans([[0.0], [1.0]], 2, rng=0)
state = cache_state()
print(state.directory)
print(state.reason)
"""


def run(code, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "CLASSICSEG_CACHE", "XDG_CACHE"))}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**kept, **environment},
    ).stdout.splitlines()


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled with the JIT off")
def test_compiled_kernels_are_kept_where_the_user_says(tmp_path):
    directory, reason = run(USE, CLASSICSEG_CACHE_DIR=str(tmp_path))
    assert reason == "on"
    assert directory.startswith(str(tmp_path))
    kept = sorted(p.name for p in tmp_path.rglob("*.nb?"))
    assert any("step_tiles" in name for name in kept)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nbc")}
    run(USE, CLASSICSEG_CACHE_DIR=str(tmp_path))
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nbc")} == before  # loaded, not compiled again


def test_an_unwritable_cache_is_told_and_harmless(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("no folder")
    directory, reason = run(USE, CLASSICSEG_CACHE_DIR=str(blocker))
    assert directory == "None"
    assert "set CLASSICSEG_CACHE_DIR to a writable folder" in reason or "JIT is off" in reason


def test_without_the_jit_no_cache_is_made(tmp_path):
    directory, reason = run(USE, CLASSICSEG_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="1")
    assert (directory, reason) == ("None", "the JIT is off (NUMBA_DISABLE_JIT)")
    assert list(tmp_path.iterdir()) == []


def _lost_digits(large, small):
    return (large + small) - large


def test_arithmetic_is_not_reordered():
    """Rules that let the compiler reorder sums, or assume that no NaN occurs, give other labels on other processors."""
    assert _jit.jit(_lost_digits)(1e16, 1.0) == 0.0


def test_numba_keeps_its_own_cache_folder():
    code = "import numba; before = numba.config.CACHE_DIR\nimport classicseg._kernels.cpu.kmeans\n"
    assert run(code + "print(before == numba.config.CACHE_DIR)") == ["True"]


def test_thread_count(monkeypatch):
    monkeypatch.delenv("CLASSICSEG_NUM_THREADS", raising=False)
    assert _jit.thread_count(3) == 3
    assert 1 <= _jit.thread_count() <= (os.cpu_count() or 1)
    monkeypatch.setenv("CLASSICSEG_NUM_THREADS", "5")
    assert _jit.thread_count() == 5
    for text in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("CLASSICSEG_NUM_THREADS", text)
        with pytest.raises(ValueError, match="CLASSICSEG_NUM_THREADS must be a positive integer"):
            _jit.thread_count()


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("150000 100000", 2), ("50000 100000", 1), ("400000 100000", 3), ("max 100000", 3), ("odd", 3), (None, 3)],
)
def test_available_processors_are_those_of_the_mask_and_the_container(monkeypatch, tmp_path, quota, expected):
    """A container of 1.5 processors on a large host must not start one thread for each of the host's."""
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota + "\n")
    monkeypatch.setattr(_jit, "Path", lambda _: tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert _jit.available_processors() == expected


def test_an_edited_kernel_gets_a_new_cache_folder(monkeypatch, tmp_path):
    """Numba sees an edited kernel, but not an edited helper of it: an upgrade would go on running the old code."""
    monkeypatch.setattr(_jit, "__file__", str(tmp_path / "_jit.py"))
    helper = tmp_path / "helper.py"
    helper.write_text("a = 1")
    before = _jit._source_key()
    helper.write_text("a = 2")
    assert _jit._source_key() != before


def test_later_calls_may_use_more_threads_than_the_first():
    _jit._forget_pool()
    _jit.run_blocks(lambda block: None, 4, 2)
    all_at_once = threading.Barrier(4, timeout=600)
    _jit.run_blocks(lambda block: all_at_once.wait(), 4, 4)  # raises where fewer than four run together
    assert not all_at_once.broken


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("n_blocks", [0, 1, 5, 64])
def test_every_block_runs_once(n_blocks, n_threads):
    seen = []
    lock = threading.Lock()

    def visit(block):
        with lock:
            seen.append(block)

    _jit.run_blocks(visit, n_blocks, n_threads)
    assert sorted(seen) == list(range(n_blocks))


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_in_a_block_reaches_the_caller(failing):
    def visit(block):
        if block == failing:
            raise KeyError(block)

    with pytest.raises(KeyError):
        _jit.run_blocks(visit, 4, 2)


def _forked(queue):
    done = []
    _jit.run_blocks(done.append, 8, 2)
    queue.put(sorted(done))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_the_pool_is_made_again_after_fork():
    _jit.run_blocks(lambda block: None, 8, 2)  # the parent has a pool now, whose threads do not survive a fork
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_forked, args=(queue,))
    child.start()
    assert queue.get(timeout=600) == list(range(8))
    child.join(60)
    assert child.exitcode == 0
