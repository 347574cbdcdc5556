"""What becomes of one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

UNREFINED = "unrefined"  # the kind of a frame that is done, but for the refiner, which failed


@dataclass(frozen=True)
class Outcome:
    """What became of one frame; small, so that it travels between processes and fits the manifest."""

    state: str  # "done" or "failed"; "unwritable" stops the run and is not stored
    kind: str = ""  # of failure: a key of `_report.KINDS`; of a done frame `UNREFINED`, or nothing
    error: str = ""  # one line for the outputs
    details: str = ""  # for the log
    outputs: dict[str, int] | None = None  # relative name -> bytes
    digest: str = ""  # of the file's contents
    record: dict[str, Any] | None = None  # what the tables and the report are made from
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)  # read, segment, write
