"""The weights of `segment_tree` from pictures: those of the first steps, and those of several trees.

Which pairs merging meets depends on its weights, and weights are fitted on the pairs that it meets: so both take turns,
and the pairs of all turns count. One tree alone is a matter of luck: the same weights but for a few pictures that were
left out move its covering by 0.015. So there are several, each fitted on as many pictures drawn with replacement.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.segment_fit.examples import Example, Floats, Pairs, Scene, Truth, joined, pairs_of
from benchmarks.segment_fit.logistic import N_SIZES, fitted_weights
from classicseg._segment_tree import Model, first_steps, read_model
from classicseg._segment_walk import Nodes, nodes_after, with_walk

TURNS = 3
N_TREES = 8  # of each kind: without and with the random walk


def fitted_model(
    scenes: Sequence[Scene], seed: int = 0, n_trees: int = N_TREES, without: tuple[int, ...] = ()
) -> Model:
    """Return the weights that agree best with what people drew on the pictures, 0 for some features."""
    starts = [Example(scene.start.described, scene.truth, without) for scene in scenes]
    first = fitted_weights(joined(pairs_by_turns(starts, read_model("plain").first)))
    plain, walked = [], []
    for scene in scenes:
        described = scene.start.described
        steps, _, scores = first_steps(described, first)
        nodes = nodes_after(described, steps)
        truth = truth_of_nodes(scene.truth, nodes)
        plain.append(Example(nodes.described, truth, without))
        walked.append(Example(with_walk(nodes, described, scores), truth, without))
    rng = np.random.default_rng(seed)
    trees = drawn_fits(pairs_by_turns(plain, first), n_trees, rng)
    trees += drawn_fits(pairs_by_turns(walked, widened(first)), n_trees, rng)
    return Model(first, tuple(trees))


def truth_of_nodes(truth: Truth, nodes: Nodes) -> Truth:
    order = np.argsort(nodes.node, kind="stable")
    begins = np.searchsorted(nodes.node[order], np.arange(len(nodes.roots)))
    return Truth(np.add.reduceat(truth.counts[order], begins, axis=0), truth.first)


def pairs_by_turns(examples: Sequence[Example], weights: Floats) -> list[Pairs]:
    """Return for each picture the pairs of the last two turns: met by weights that were fitted on those met before."""
    met: list[list[Pairs]] = [[] for _ in examples]
    for turn in range(TURNS):
        for parts, one in zip(met, examples, strict=True):
            parts[:] = [*parts[-1:], pairs_of(one, weights)]
        if turn + 1 < TURNS:
            weights = fitted_weights(joined([joined(parts) for parts in met]))
    return [joined(parts) for parts in met]


def drawn_fits(pairs: Sequence[Pairs], count: int, rng: np.random.Generator) -> list[Floats]:
    """Return weights, each fitted on as many pictures as there are, drawn with replacement."""
    found = []
    for _ in range(count):
        times = np.bincount(rng.integers(0, len(pairs), len(pairs)), minlength=len(pairs))
        drawn = [part._replace(share=part.share * n) for part, n in zip(pairs, times, strict=True) if n]
        found.append(fitted_weights(joined(drawn)))
    return found


def widened(weights: Floats) -> Floats:
    """Return weights for one more strength, after the others, that do not look at it."""
    parts = np.split(weights[:-1], 3)
    wide = [np.insert(part, len(part) - N_SIZES, 0) for part in parts]
    return np.concatenate([*wide, weights[-1:]])
