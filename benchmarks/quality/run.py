"""Every method on every picture: in parallel, one file per pair, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from benchmarks.machine import missing, versions
from benchmarks.quality.data import Picture
from benchmarks.quality.methods import METHODS, Method, tiny
from benchmarks.quality.score import score_picture
from benchmarks.runner import ROOT, THREAD_VARIABLES

# What a record depends on, beside its settings; after a change it is made anew.
SOURCES = ("classicseg/**/*.py", *(f"benchmarks/quality/{name}.py" for name in ("data", "score", "ours", "peers")))
EVERY_S = 10.0  # between two lines of progress


@dataclass(frozen=True)
class Task:
    """One method on one picture."""

    picture: Picture
    slug: str
    tiny: bool
    part: Path
    fingerprint: str


def run_methods(
    pictures: Sequence[Picture], methods: Sequence[Method], folder: Path, *, processes: int, tiny: bool = False
) -> None:
    """Make the records that `folder` does not hold yet."""
    tasks = [task for task in tasks_of(pictures, methods, folder, tiny=tiny) if not is_done(task)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")  # records are kept for the next run, not for the reader
    progress = Progress(len(pictures) * len(methods), len(tasks))
    for _ in _done(tasks, processes):
        progress.step()


def tasks_of(pictures: Sequence[Picture], methods: Sequence[Method], folder: Path, *, tiny: bool) -> list[Task]:
    sources, used = sources_digest(), versions({name for method in methods for name in method.packages})
    digests = {picture: picture.digest() for picture in pictures}
    return [
        Task(
            picture,
            method.slug,
            tiny,
            part_of(folder, picture, method),
            fingerprint(sources, digests[picture], settings_of(method, tiny), used),
        )
        for picture in pictures
        for method in methods
    ]


def part_of(folder: Path, picture: Picture, method: Method) -> Path:
    return folder / picture.split / method.slug / f"{picture.name}.json"


def settings_of(method: Method, small: bool) -> Sequence[Mapping[str, Any]]:
    return tiny(method) if small else method.settings


def fingerprint(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def sources_digest(root: Path = ROOT) -> str:
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def is_done(task: Task) -> bool:
    try:
        return bool(json.loads(task.part.read_text(encoding="utf-8"))["fingerprint"] == task.fingerprint)
    except (OSError, ValueError, KeyError):
        return False


def records_of(
    pictures: Sequence[Picture], split: str, method: Method, folder: Path
) -> dict[str, list[dict[str, Any]]]:
    """Return the records of the pictures of one split, by the picture's name."""
    chosen = [picture for picture in pictures if picture.split == split]
    parts = {picture.name: part_of(folder, picture, method) for picture in chosen}
    return {name: json.loads(part.read_text(encoding="utf-8"))["records"] for name, part in parts.items()}


def available(methods: Sequence[Method] = METHODS) -> tuple[list[Method], dict[str, str]]:
    """Return the methods that can run here, and why the others cannot."""
    absent = {method.slug: gone for method in methods if (gone := missing(method.packages))}
    return (
        [method for method in methods if method.slug not in absent],
        {slug: f"{', '.join(gone)} is not installed" for slug, gone in absent.items()},
    )


def _done(tasks: Sequence[Task], processes: int) -> Iterator[None]:
    if not tasks:
        return
    with _one_thread(), ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), start) as pool:
        try:
            # One process compiles the kernels, before all of them would do it at once.
            yield pool.submit(work, tasks[0]).result()
            for future in as_completed([pool.submit(work, task) for task in tasks[1:]]):
                yield future.result()
        except BaseException:  # Ctrl-C too: what is done is kept, what waits is dropped
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _one_thread:
    """Let processes that start in here compute on one thread each."""

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def start() -> None:
    """Prepare a process of the pool: Ctrl-C is the first process's to handle, and with it all others end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    if not missing(["opencv-python"]):
        import cv2

        cv2.setNumThreads(1)


def _end_with_the_first() -> None:
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()  # which also returns when it was killed
        os._exit(1)


def work(task: Task) -> None:
    """Make the records of one task, and put the file in place in one move."""
    method = next(method for method in METHODS if method.slug == task.slug)
    records = score_picture(task.picture, method, settings_of(method, task.tiny))
    task.part.parent.mkdir(parents=True, exist_ok=True)
    partial = task.part.with_suffix(".partial")
    partial.write_text(json.dumps({"fingerprint": task.fingerprint, "records": records}, indent=1), encoding="utf-8")
    partial.replace(task.part)


class Progress:
    """Lines on standard error: how much is done, how fast, how long it will take."""

    def __init__(self, total: int, left: int, stream: TextIO | None = None) -> None:
        self._total, self._left, self._stream = total, left, stream or sys.stderr
        self._begun = self._shown = time.monotonic()
        self._done = 0
        if left < total:
            print(f"quality: {total - left} of {total} are done from an earlier run", file=self._stream)

    def step(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._shown < EVERY_S and self._done < self._left:
            return
        self._shown = now
        to_go = (now - self._begun) / self._done * (self._left - self._done)
        done = self._total - self._left + self._done
        print(
            f"quality: {done} of {self._total} methods × pictures, {to_go:.0f} s to go", file=self._stream, flush=True
        )
