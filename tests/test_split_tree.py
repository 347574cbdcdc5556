"""The tree of cutting a graph in two: its steps, their values and its segmentations."""

import naive_ncut
import numpy as np
import pytest
from ncut_scenes import blocks, planar, scene
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from classicseg import normalized_cut, region_graph, split_tree


def check_tree(matrix, tree):
    """Each step's value is that of its two parts in the segment that is cut, and the lowest is taken first."""
    n_steps = len(tree.parents)
    waiting = {}
    for step in range(n_steps):
        before, after = tree.cut(n_segments=step + 1), tree.cut(n_segments=step + 2)
        label = next(one for one in range(step + 1) if len(np.unique(after[before == one])) == 2)
        members = np.flatnonzero(before == label)
        own = naive_ncut.value(matrix[np.ix_(members, members)], after[members])
        assert tree.values[step] == pytest.approx(own, abs=1e-12)
        waiting[step] = label
    running = np.maximum.accumulate(tree.values)
    for threshold in np.unique(running):
        taken = int((running < threshold).sum())
        assert_array_equal(tree.cut(threshold=threshold), tree.cut(n_segments=taken + 1))
    if n_steps:
        assert tree.cut(threshold=running[-1] + 1).max() == n_steps


@pytest.mark.parametrize("own", [0.0, 1.0])
def test_the_steps_are_what_they_say(rng, own):
    matrix = planar(rng, 24, own)
    tree = split_tree(csr_array(matrix), threshold=2)
    assert len(tree.parents) >= (23 if own else 1)
    check_tree(matrix, tree)


def test_a_threshold_cuts_each_segment_as_long_as_that_is_below(rng):
    """Whatever else is cut: the tree is that of cutting segment by segment."""
    matrix = planar(rng, 40)
    threshold = 0.45

    def cut(members):
        part = matrix[np.ix_(members, members)]
        tree = split_tree(csr_array(part), n_segments=2)
        if len(tree.values) == 0 or tree.values[0] >= threshold:
            return [members.tolist()]
        labels = tree.cut(n_segments=2)
        return cut(members[labels == 0]) + cut(members[labels == 1])

    expected = sorted(cut(np.arange(40)))
    labels = normalized_cut(csr_array(matrix), threshold=threshold)
    assert sorted(np.flatnonzero(labels == label).tolist() for label in range(labels.max() + 1)) == expected
    assert 2 < len(expected) < 40


def test_a_tree_gives_what_a_shorter_one_would(rng):
    graph = region_graph(blocks(), scene(rng))
    tree = split_tree(graph, threshold=2, sigma=20)
    assert len(tree.parents) == 47
    for n_segments in (1, 2, 5, 48):
        shorter = split_tree(graph, n_segments=n_segments, sigma=20)
        assert len(shorter.parents) == n_segments - 1
        assert_array_equal(tree.cut(n_segments=n_segments), shorter.cut(n_segments=n_segments))
    for threshold in (0, 0.01, 0.3):
        assert_array_equal(tree.cut(threshold=threshold), normalized_cut(graph, threshold=threshold, sigma=20))
    assert tree.cut(threshold=0).max() == 0
    both = split_tree(graph, threshold=0.01, n_segments=3, sigma=20)
    assert len(both.parents) <= 2
    assert (both.values < 0.01).all()


def test_parts_without_links_come_first_the_largest_in_front():
    matrix = np.eye(8)
    for one, other, weight in ((1, 2, 0.5), (2, 3, 0.5), (5, 6, 0.9)):
        matrix[one, other] = matrix[other, one] = weight
    tree = split_tree(csr_array(matrix), threshold=2)
    check_tree(matrix, tree)
    assert tree.values[:4].tolist() == [0] * 4  # five parts
    assert (tree.values[4:] > 0).all()
    assert tree.cut(n_segments=2).tolist() == [0, 1, 1, 1, 0, 0, 0, 0]
    assert tree.cut(n_segments=3).tolist() == [0, 1, 1, 1, 0, 2, 2, 0]
    for n_segments in (2, 3, 5):
        assert_array_equal(normalized_cut(csr_array(matrix), n_segments), tree.cut(n_segments=n_segments))


def test_no_step_at_the_threshold_or_above(rng):
    graph = csr_array(planar(rng, 40))
    values = split_tree(graph, threshold=2).values
    threshold = float(np.maximum.accumulate(values)[10])
    assert (split_tree(graph, threshold=threshold).values < threshold).all()
    assert (split_tree(graph, threshold=threshold * 0.9).values < threshold * 0.9).all()


@pytest.mark.parametrize("n_segments", [2, 5, 9, 60])
def test_threads_do_not_change_the_tree(rng, n_segments):
    """Segments are cut beside each other, of a graph in parts and with a lone node too."""
    matrix = np.zeros((61, 61))
    matrix[:24, :24], matrix[24:60, 24:60] = planar(rng, 24, 0.0), planar(rng, 36, 0.0)
    alone, shared = (split_tree(csr_array(matrix), n_segments=n_segments, n_threads=n) for n in (1, 3))
    assert len(alone.parents) == n_segments - 1
    assert_array_equal(alone.labels, shared.labels)
    assert_array_equal(alone.parents, shared.parents)
    assert_array_equal(alone.values, shared.values)


@pytest.mark.parametrize("n_segments", [1, 2, 3, 4, 5])
def test_more_equal_parts_than_segments(n_segments):
    """Parts that no link joins and that are all alike: those without a label of their own stay with the one before."""
    matrix = np.kron(np.eye(4), [[0.0, 1.0], [1.0, 0.0]])
    tree = split_tree(csr_array(matrix), n_segments=n_segments)
    assert_array_equal(tree.values[: n_segments - 1], ([0.0] * 3 + [2.0])[: n_segments - 1])
    assert_array_equal(tree.labels[:8:2][:n_segments], np.arange(min(n_segments, 4)))
    assert len(np.unique(tree.labels)) == n_segments
