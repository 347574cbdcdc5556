"""Peak memory of a process and everything it started, sampled from /proc."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

PAGE = os.sysconf("SC_PAGE_SIZE")


class PeakMemory:
    """Watch the process tree below `pid` while the block runs; `megabytes` is its peak, None without /proc.

    A process's own memory counts for every process; pages shared with a file (libraries) count once, by the
    process that maps most of them. A peak shorter than the sampling interval can be missed.
    """

    INTERVAL = 0.02  # seconds: a frame of a batch takes longer, and 50 looks a second cost nothing

    def __init__(self, pid: int) -> None:
        self.megabytes: float | None = None
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            now = tree_megabytes(self._pid)
            if now is not None:
                self.megabytes = max(now, self.megabytes or 0.0)
            if self._done.wait(self.INTERVAL):
                return


def tree_megabytes(pid: int) -> float | None:
    """Return the memory of `pid` and its descendants in MB, or None where /proc does not tell."""
    own, shared = [], []
    for member in descendants(pid):
        try:
            _, resident, mapped, *_ = map(int, Path(f"/proc/{member}/statm").read_text().split())
        except (OSError, ValueError):
            continue  # it ended meanwhile
        own.append(resident - mapped)
        shared.append(mapped)
    return (sum(own) + max(shared)) * PAGE / 1e6 if own else None


def descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:  # grows while it is walked
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found.extend(map(int, task.read_text().split()))
            except OSError:
                continue
    return found
