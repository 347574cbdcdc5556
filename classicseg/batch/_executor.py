"""Worker processes and the frames they work on: two frames in flight per worker, outcomes as they come."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import IO

from classicseg.batch._errors import BatchError
from classicseg.batch._frame import Process, Setup
from classicseg.batch._outcome import Outcome
from classicseg.batch._plan import Frame

MakeProcess = Callable[[Setup], Process]

# One thread per worker, whichever library would start more; read when the library is loaded.
ONE_THREAD = dict.fromkeys(
    (
        "CLASSICSEG_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "OPENCV_FOR_THREADS_NUM",
    ),
    "1",
)

# The C library of Linux gives the memory of every image back to the system when it is dropped, and asks for it anew:
# 6000 page faults and 8 ms a frame of 512 x 640. A worker keeps what it needs for a frame until the next one.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 25), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}

IN_FLIGHT = 2  # frames per worker: one is segmented while the outputs of the one before are written


def run_frames(
    frames: Iterable[Frame], setup: Setup, make_process: MakeProcess, *, n_workers: int, log: IO[bytes] | None = None
) -> Generator[tuple[Frame, Outcome], None, None]:
    """Yield each frame with its outcome, in the order in which they finish.

    `frames` is drawn from only as fast as workers become free, and finished outcomes wait in a queue of two per
    worker, so memory does not grow with the number of frames. When the generator is closed, by Ctrl-C too, the
    workers are killed; what they were writing has only a temporary name.

    Parameters
    ----------
    frames : iterable of Frame
        The work.
    setup : Setup
        What all frames share.
    make_process : callable
        Given `setup`, in the worker, returns the function from frame to outcome; importable by name in a fresh
        interpreter.
    n_workers : int
        Processes at a time.
    log : binary file or None
        Where the workers' standard error goes.
    """
    pool = _Pool(iter(frames), setup, make_process, n_workers, log)
    try:
        yield from pool.outcomes()
    finally:
        pool.close()


class _Pool:
    """One thread per worker process; the threads only wait, so they need no share of the interpreter."""

    def __init__(
        self, frames: Iterator[Frame], setup: Setup, make_process: MakeProcess, n_workers: int, log: IO[bytes] | None
    ) -> None:
        self._frames = frames
        self._first_message = pickle.dumps((make_process, setup))
        self._log = log
        self._lock = threading.Lock()  # around the iterator and the list of workers
        self._stopped = threading.Event()
        self._workers: set[subprocess.Popen[bytes]] = set()
        self._results: queue.Queue[tuple[Frame, Outcome] | BaseException | None] = queue.Queue(2 * n_workers)
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(n_workers)]

    def outcomes(self) -> Iterator[tuple[Frame, Outcome]]:
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            result = self._results.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result

    def close(self) -> None:
        self._stopped.set()
        with self._lock:
            for worker in self._workers:
                worker.kill()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _serve(self) -> None:
        worker: subprocess.Popen[bytes] | None = None
        sent: deque[Frame] = deque()
        try:
            while True:
                while len(sent) < IN_FLIGHT and (frame := self._next()) is not None:
                    worker = worker or self._start()
                    sent.append(frame)
                    _send(worker, frame)
                if worker is None or not sent:
                    break
                outcome = _receive(worker)
                if outcome is None:
                    self._fail(worker, sent)
                    worker = None
                else:
                    self._put((sent.popleft(), outcome))
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - carried to the thread that waits for outcomes
            self._put(error)
        finally:
            if worker is not None:
                self._end(worker)

    def _fail(self, worker: subprocess.Popen[bytes], sent: deque[Frame]) -> None:
        """Fail the frame that a worker died over; of several it could be, each is done once more by itself."""
        status = worker.wait()
        self._end(worker)
        alone = len(sent) == 1
        while sent and not self._stopped.is_set():
            frame = sent.popleft()
            outcome = None
            if not alone:
                worker = self._start()
                _send(worker, frame)
                outcome = _receive(worker)
                status = worker.wait() if outcome is None else 0
                self._end(worker)
            self._put((frame, outcome or Outcome("failed", kind="worker-died", error=death(status))))

    def _next(self) -> Frame | None:
        with self._lock:
            return None if self._stopped.is_set() else next(self._frames, None)

    def _put(self, result: tuple[Frame, Outcome] | BaseException | None) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._results.put(result, timeout=0.2)
                return

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped.is_set():
                raise BatchError("the run was stopped")
            worker = _spawn(self._log)
            self._workers.add(worker)
        try:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(self._first_message)
            worker.stdin.flush()
            if pickle.load(worker.stdout) != "ready":
                raise BatchError("a worker process gave an answer that is none")
        except (EOFError, BrokenPipeError):
            status = worker.wait()
            self._end(worker)
            raise BatchError(f"a worker process cannot start ({death(status)}); the log says more") from None
        return worker

    def _end(self, worker: subprocess.Popen[bytes]) -> None:
        """Let a worker go: its input ends, and so does it."""
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # a dead worker leaves unsent bytes
                    continue
        worker.wait()
        with self._lock:
            self._workers.discard(worker)


def _spawn(log: IO[bytes] | None) -> subprocess.Popen[bytes]:
    package = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        # -P: the folder the user stands in, full of frames, is no place to import from
        [sys.executable, "-P", "-c", "from classicseg.batch._worker import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**KEEP_MEMORY, **os.environ, **ONE_THREAD, "PYTHONPATH": search},
        start_new_session=True,  # a terminal's Ctrl-C reaches the coordinator only
    )


def _send(worker: subprocess.Popen[bytes], frame: Frame) -> None:
    """Send a frame; that a worker is dead is seen by `_receive`."""
    assert worker.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        pickle.dump(frame, worker.stdin)
        worker.stdin.flush()


def _receive(worker: subprocess.Popen[bytes]) -> Outcome | None:
    """Return the next outcome; None when the worker died over it."""
    assert worker.stdout is not None
    try:
        outcome = pickle.load(worker.stdout)
    except (EOFError, pickle.UnpicklingError):
        return None
    return outcome if isinstance(outcome, Outcome) else None


def death(status: int) -> str:
    """Return how a process ended, for people."""
    if status >= 0:
        return f"the worker process ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = "; the system kills so when memory runs out: try fewer workers" if name == "SIGKILL" else ""
    return f"the worker process was ended by {name}{hint}"
