"""Peak memory of the whole pipeline, coordinator and two workers together, as the number of frames grows."""

from __future__ import annotations

from benchmarks.pipeline import CONTENDERS, agree, flight, ours, reference
from benchmarks.registry import Case, Context, Row

__all__ = ["CASE", "ours", "reference"]


def rows(context: Context) -> list[Row]:
    return [
        Row(
            f"{n_frames} frames, 2 workers",
            {"frames": flight(context, n_frames), "out": str(context.scratch / f"out-{n_frames}"), "workers": 2},
            repeats=0,
        )
        for n_frames in ((2, 3) if context.tiny else (50, 500))
    ]


CASE = Case(
    name="pipeline_memory",
    title="Peak memory of the pipeline; one run each, the first in its process",
    contenders=CONTENDERS,
    rows=rows,
    agree=agree,
    compare=False,
)
