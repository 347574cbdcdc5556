"""Many radiometric frames at once: hot spots, label images, tables, and a report to look at."""

from classicseg.batch._demo import DemoResult, run_demo
from classicseg.batch._errors import BatchError, BusyError, NoInputError, OutputError
from classicseg.batch._options import BatchOptions
from classicseg.batch._run import BatchSummary, run_batch

__all__ = [
    "BatchError",
    "BatchOptions",
    "BatchSummary",
    "BusyError",
    "DemoResult",
    "NoInputError",
    "OutputError",
    "run_batch",
    "run_demo",
]
