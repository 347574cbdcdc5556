"""Calls that do not depend on each other, each by one of several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def beside_each_other(function: Callable[[Given], Found], given: Sequence[Given], n_threads: int | None) -> list[Found]:
    """Return what a function that takes one thread finds for each; kernels let the others go on."""
    from classicseg._kernels.cpu._jit import run_blocks

    found: dict[int, Found] = {}

    def call(index: int) -> None:
        found[index] = function(given[index])

    run_blocks(call, len(given), n_threads)
    return [found[index] for index in range(len(given))]
