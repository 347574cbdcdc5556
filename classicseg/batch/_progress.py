"""How far a run is, for people: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

BAR = 28  # characters
FEWEST, SHORTEST = 3, 2.0  # frames and seconds: a rate from fewer says when the first worker was ready
TERMINAL_EVERY, LINES_EVERY = 0.1, 10.0  # seconds between two updates


class ProgressLine:
    """Shows the progress of a run on `stream`; call it with (done, total).

    Parameters
    ----------
    stream : text file
        Standard error, usually.
    clock : callable
        Seconds, rising.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._begun: tuple[float, int] | None = None
        self._shown = float("-inf")
        self._open = False

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done; the first call says how many an earlier run did."""
        now = self._clock()
        if self._begun is None:
            self._begun = (now, done)
            if done:
                self._stream.write(f"{done} of {total} frames are done from an earlier run\n")
        if done == total and done == self._begun[1]:
            return
        if done < total and now - self._shown < (TERMINAL_EVERY if self._terminal else LINES_EVERY):
            return
        self._shown = now
        text = progress_text(done, total, done - self._begun[1], now - self._begun[0])
        if self._terminal:
            full = BAR * done // total
            self._stream.write(f"\r\x1b[K{'█' * full}{'░' * (BAR - full)} {text}")
            self._open = True
        elif done > self._begun[1]:
            self._stream.write(f"{text}\n")
        if done == total:
            self.close()
        self._stream.flush()

    def close(self) -> None:
        """Leave the line of the bar, so that what follows starts on its own."""
        if self._open:
            self._stream.write("\n")
            self._open = False


def progress_text(done: int, total: int, since: int, seconds: float) -> str:
    """Return counts, rate and time to go; `since` frames were done in `seconds`."""
    text = f"{done}/{total} frames"
    if since <= 0 or seconds <= 0 or (done < total and (since < FEWEST or seconds < SHORTEST)):
        return text
    rate = since / seconds
    text += f", {rate:.1f} per second"
    return text if done == total else f"{text}, {duration((total - done) / rate)} to go"


def duration(seconds: float) -> str:
    """Return a time span as people say it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
