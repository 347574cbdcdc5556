"""The JIT, cache and thread policy."""

import errno
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import classicseg
from classicseg._kernels.cpu import _jit

USE = """
from classicseg._kernels.cpu._jit import cache_state
from classicseg._kernels.cpu._marks import no_marks
assert no_marks(9).tolist() == [0] * 16
state = cache_state()
print(state.directory)
print(state.reason)
"""
KERNEL = """
from classicseg._kernels.cpu._jit import jit

@jit
def kernel(number):
    return number + {more}

print(kernel(5))
"""
needs_jit = pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled with the JIT off")


def run(*command, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "CLASSICSEG_CACHE", "XDG_CACHE"))}
    return subprocess.run(
        [sys.executable, "-W", "error", *command],
        capture_output=True,
        text=True,
        check=True,
        env={**kept, **environment},
    ).stdout.splitlines()


@needs_jit
def test_compiled_kernels_are_kept_where_the_user_says(tmp_path):
    directory, reason = run("-c", USE, CLASSICSEG_CACHE_DIR=str(tmp_path))
    assert reason == "on"
    assert directory.startswith(str(tmp_path))
    kept = sorted(p.name for p in tmp_path.rglob("*.nb?"))
    assert any("no_marks" in name for name in kept)
    before = times_of_kernels(tmp_path)
    run("-c", USE, CLASSICSEG_CACHE_DIR=str(tmp_path))
    assert times_of_kernels(tmp_path) == before  # loaded, not compiled again


def times_of_kernels(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")}


@needs_jit
def test_environments_that_hold_the_same_kernels_compile_them_once(tmp_path):
    cache, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"
    run("-c", USE, CLASSICSEG_CACHE_DIR=str(cache))
    before = times_of_kernels(cache)
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(classicseg.__file__).parent, elsewhere / "classicseg", ignore=leave)
    code = f"import sys; sys.path.insert(0, {str(elsewhere)!r})\n{USE}\nprint(no_marks.py_func.__code__.co_filename)"
    *_, where = run("-c", code, CLASSICSEG_CACHE_DIR=str(cache))
    assert Path(where).is_relative_to(elsewhere)
    assert before
    assert times_of_kernels(cache) == before


def test_a_kernel_is_not_taken_for_another_of_its_name(tmp_path):
    """Their instructions are the same, and differ by a constant only, as after an edit."""
    for more in (1, 2):
        script = tmp_path / str(more) / "script.py"
        script.parent.mkdir()
        script.write_text(KERNEL.format(more=more))
        path = os.pathsep.join(filter(None, (str(Path(classicseg.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        assert run(str(script), CLASSICSEG_CACHE_DIR=str(tmp_path / "cache"), PYTHONPATH=path) == [str(5 + more)]


@needs_jit
def test_a_full_disk_costs_no_result(monkeypatch):
    kernel = _jit.jit(lambda number: number + 3)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kernel._cache._cache_file, "save", full)
    assert kernel(5) == 8


def test_an_unwritable_cache_is_told_and_harmless(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("no folder")
    directory, reason = run("-c", USE, CLASSICSEG_CACHE_DIR=str(blocker))
    assert directory == "None"
    assert "set CLASSICSEG_CACHE_DIR to a writable folder" in reason or "JIT is off" in reason


def test_without_the_jit_no_cache_is_made(tmp_path):
    directory, reason = run("-c", USE, CLASSICSEG_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="1")
    assert (directory, reason) == ("None", "the JIT is off (NUMBA_DISABLE_JIT)")
    assert list(tmp_path.iterdir()) == []


def _lost_digits(large, small):
    return (large + small) - large


def test_arithmetic_is_not_reordered():
    """Rules that let the compiler reorder sums, or assume that no NaN occurs, give other labels on other processors."""
    assert _jit.jit(_lost_digits)(1e16, 1.0) == 0.0


def test_numba_keeps_its_own_cache_folder():
    code = "import numba; before = numba.config.CACHE_DIR\nimport classicseg._kernels.cpu.kmeans\n"
    assert run("-c", code + "print(before == numba.config.CACHE_DIR)") == ["True"]


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
    here = tmp_path / "cpu"
    here.mkdir()
    monkeypatch.setattr(_jit, "__file__", str(here / "_jit.py"))
    for helper in (here / "helper.py", tmp_path / "constants.py"):
        helper.write_text("a = 1")
        before = _jit._source_key()
        helper.write_text("a = 2")
        assert _jit._source_key() != before


@pytest.mark.parametrize(
    ("where", "name"), [(_jit.numba, "__version__"), (_jit.np, "__version__"), (_jit.config, "USING_SVML")]
)
def test_what_compiles_differently_has_a_cache_folder_of_its_own(monkeypatch, where, name):
    before = _jit._source_key()
    monkeypatch.setattr(where, name, "another")
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
