"""A case made of parts, each a module that has `rows`, `agree` and the contenders' functions for rows of its own."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row


def joined(name: str, title: str, parts: Sequence[str], contenders: Sequence[Contender]) -> Case:
    """Return the case whose rows are those of all `parts`; each is prepared and judged by its part."""

    def rows(context: Context) -> list[Row]:
        return [replace(row, part=part) for part in parts for row in _module(part).rows(context)]

    return Case(name, title, contenders, rows, _agree)


def _agree(row: Row, outputs: Outputs) -> Agreement:
    return _module(row.part).agree(row, outputs)


def _module(part: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{part}")
