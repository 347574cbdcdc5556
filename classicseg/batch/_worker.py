"""A worker process: takes frames from its standard input, answers with outcomes on its standard output.

While the outputs of one frame are written, and the disk is waited for, the next frame is read and segmented.

It is a plain child of the interpreter and not a `multiprocessing` process, so that a script that calls
`run_batch` needs no ``if __name__ == "__main__"``, and a worker that dies takes only its frame with it.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from classicseg.thermal._windows import widened

try:
    import fcntl
except ImportError:  # Windows, where the manifest's lock alone keeps runs apart
    fcntl = None  # type: ignore[assignment]


def main() -> None:
    """Work until the standard input ends, which it also does when the coordinator is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's to handle
    faulthandler.enable()
    receive = os.fdopen(os.dup(0), "rb")
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes to the log and not between the answers
    make_process, setup = pickle.load(receive)
    lock = _hold(setup.lock)
    process = make_process(setup)
    _start_kernels()
    _send(answer, "ready")
    writing: Future[None] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="writer") as writer:
        try:
            while True:
                finish = process(pickle.load(receive))
                if writing is not None:
                    writing.result()  # so that no more than two frames are in memory
                writing = writer.submit(_answer, answer, finish)
        except (EOFError, BrokenPipeError):  # no more frames, or the coordinator is gone
            pass
    if lock is not None:
        os.close(lock)


def _start_kernels() -> None:
    """Start Numba without SciPy, whose BLAS it looks for: 0.17 s of every worker for what no kernel uses."""
    known = sys.modules.get("scipy.linalg")
    sys.modules["scipy.linalg"] = known  # type: ignore[assignment]  # None: cannot be imported
    try:
        widened(np.zeros((1, 1), bool), 1)
    finally:
        if known is None:
            del sys.modules["scipy.linalg"]


def _answer(answer: object, finish: Callable[[], object]) -> None:
    _send(answer, finish())


def _send(answer: object, message: object) -> None:
    pickle.dump(message, answer)  # type: ignore[arg-type]
    answer.flush()  # type: ignore[attr-defined]


def _hold(path: str | None) -> int | None:
    """Hold a shared lock for as long as this process lives; None where the system has no such locks."""
    if path is None or fcntl is None:
        return None
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # a file system without locks, or the coordinator of the next run was faster
        os.close(lock)
        return None
    return lock


def wait_for_workers(path: str, seconds: float = 60.0) -> bool:
    """Wait until no worker of an earlier, killed run holds the lock; False when one still does in the end."""
    if fcntl is None or not os.path.exists(path):
        return True
    lock = os.open(path, os.O_RDWR)
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:
                return True
            else:
                return True
        return False
    finally:
        os.close(lock)
