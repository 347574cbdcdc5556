"""What a benchmark case is, and the list of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CASES = (
    "read",
    "kmeans",
    "mean_shift",
    "growth",
    "superpixels",
    "segment",
    "scribbles",
    "graph",
    "graph_growth",
    "color",
    "flow",
    "metrics",
    "refine",
    "first_call",
    "pipeline",
    "pipeline_memory",
    "threading",
    "gpu",
)

Outputs = Mapping[str, Mapping[str, Any]]  # contender → name → array or number


@dataclass(frozen=True)
class Context:
    """Where a case finds and puts its inputs."""

    scratch: Path
    data: Path | None = None  # public sample images, see CLASSICSEG_TEST_DATA
    tiny: bool = False  # the smallest inputs that still cross every line of the case
    environments: Path | None = None  # folder of the environments of peers that need their own


@dataclass(frozen=True)
class Row:
    """One input, given to every contender alike."""

    name: str
    parameters: Mapping[str, Any]  # keyword arguments of every contender's function
    repeats: int | None = None  # another number of turns than usual; with 0 the first call is what counts
    contenders: Sequence[str] | None = None  # all of the case where None
    once: Sequence[str] = ()  # contenders so slow that their first call is the one that counts
    work: str = ""  # rows of one work on several images become one line of the table
    image: str = ""
    goals: Mapping[str, float] = field(default_factory=dict)  # peer → ratio that we promise at least here
    part: str = ""  # module with the contenders' functions, where it is not the case's own


@dataclass(frozen=True)
class Contender:
    """One way to do the work: `prepare(**row.parameters)` of the case's module returns the timed call."""

    name: str
    prepare: str
    packages: Sequence[str] = ()  # distributions it needs; it is "not run" where one is missing
    own: bool = False  # another form of ours, which is no peer
    environment: str = ""  # of `environments`: where its packages are, unless they are beside ours


@dataclass(frozen=True)
class Case:
    """A comparison. The first contender is ours."""

    name: str
    title: str
    contenders: Sequence[Contender]
    rows: Callable[[Context], list[Row]]
    agree: Callable[[Row, Outputs], Agreement]
    floors: Mapping[str, float] = field(default_factory=dict)  # peer → ratio that we promise at least
    cold: bool = False  # each contender starts from an empty kernel cache, so that its first call compiles
    compare: bool = True  # the table shows ratios
    also: Sequence[str] = ()  # cases that belong to this one and run after it
    plot: Callable[[Mapping[str, Any], Path], None] | None = None  # draws a result, as a picture beside it
    cannot_run: Callable[[], str | None] = lambda: None  # why this machine cannot run it, such as the lack of a GPU


@dataclass(frozen=True)
class Agreement:
    """Whether the contenders gave the same answer, and how that was judged."""

    agrees: bool
    text: str
    apart: Sequence[str] = ()  # peers whose answer is another; none where all of them agree, or all do not


def load_case(name: str) -> Case:
    if name not in CASES:
        raise SystemExit(f"no benchmark {name!r}; there are {', '.join(CASES)}")
    return importlib.import_module(f"benchmarks.{name}").CASE
