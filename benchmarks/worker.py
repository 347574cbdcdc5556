"""One contender in a process of its own, driven line by line over its standard input.

Started as ``python -m benchmarks.worker MODULE FUNCTION PARAMETERS OUTPUT WARM_UP_S``. Answers are JSON lines on
standard output; what the libraries print goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main(module: str, function: str, parameters: str, output: str, warm_up_s: str) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # a library that prints must not break the line protocol

    call = getattr(importlib.import_module(module), function)(**json.loads(parameters))
    start = time.perf_counter()
    result = call()
    print(json.dumps({"first_s": time.perf_counter() - start}), file=answers)
    latest, least = math.inf, float(warm_up_s)
    for line in sys.stdin:
        number = int(line)
        if number == 0:
            break
        # Threads of others that still spin, cold caches and a slow clock are over after some uncounted calls.
        start = time.perf_counter()
        while latest < least and time.perf_counter() - start < least:
            del result
            result = call()
        start = time.perf_counter()
        for _ in range(number):
            del result  # two results at a time would count in the peak of memory
            result = call()
        latest = (time.perf_counter() - start) / number
        print(json.dumps({"time_s": latest}), file=answers)
    save(Path(output), result)
    print(json.dumps({"saved": True}), file=answers)


def save(path: Path, result: Any) -> None:
    """Keep what the last call returned, an array or a mapping of arrays and numbers, for the check."""
    values = result if isinstance(result, dict) else {"result": result}
    np.savez(path, **{name: np.asarray(value) for name, value in values.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
