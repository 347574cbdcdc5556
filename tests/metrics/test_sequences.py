"""Soft masks in a sequence against ground truth without order."""

import naive_detection as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from classicseg.metrics import mask_iou, match_sequences, soft_iou


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 4), st.integers(0, 5))
def test_equals_the_slow_twin(seed, n, t):
    rng = np.random.default_rng(seed)
    truth, pred = rng.random((n, 4, 5)) < 0.4, rng.random((t, 4, 5))
    scores, weight = rng.random(t), float(rng.choice([0, 0.3, 1]))
    table = soft_iou(truth, pred)
    assert_allclose(table, np.reshape([[naive.soft_iou(a, b) for b in pred] for a in truth], (n, t)))
    found = match_sequences(truth, pred, scores, score_weight=weight)
    assert_allclose(found.iou.sum(), naive.best_coverage(truth, pred), atol=1e-12)
    assert_allclose(found.iou, table[found.matched_true, found.matched_pred])
    assert len(found.iou) == min(n, t) == len(set(found.matched_true)) == len(set(found.matched_pred))
    entropy = -sum(np.log(s if i < n else 1 - s) for i, s in enumerate(scores))
    assert_allclose(found.score_loss, entropy)
    assert_allclose(found.loss, weight * entropy - found.iou.sum(), atol=1e-12)
    assert_allclose(found.coverage, found.iou.sum() / n if n else np.nan)


def test_order_of_masks_does_not_count_but_that_of_scores_does(rng):
    truth = np.eye(3, dtype=bool)[:, None]
    one = match_sequences(truth, truth[[2, 0, 1]], [1, 1, 1])
    assert one.matched_pred.tolist() == [1, 2, 0]
    assert (one.coverage, one.score_loss, one.loss) == (1, 0, -3)
    early = match_sequences(truth[:1], truth, [1, 0, 0])
    late = match_sequences(truth[:1], truth, [0, 0, 1])
    assert early.loss == -1
    assert late.score_loss == 200  # two scores are wrong beyond doubt
    assert late.loss == 199


def test_the_best_sum_and_not_the_best_pair():
    """Taking the best pair first, 0.9, leaves 0; the best sum is 1.6."""
    truth = np.zeros((2, 1, 100), bool)
    truth[0, 0, :100], truth[1, 0, :80] = True, True
    pred = np.zeros((2, 1, 100))
    pred[0, 0, :90], pred[1, 0, 10:100] = 1, 1
    found = match_sequences(truth, pred, [1, 1])
    table = soft_iou(truth, pred)
    assert_allclose(table, [[0.9, 0.9], [80 / 90, 0.7]])
    assert found.matched_pred.tolist() == [1, 0]


def test_soft_iou_of_hard_masks_is_their_iou(rng):
    truth, pred = rng.random((4, 6, 7)) < 0.5, rng.random((5, 6, 7)) < 0.3
    pred[0] = False
    assert_allclose(soft_iou(truth, pred), mask_iou(truth, pred), atol=1e-15)
    assert soft_iou([np.zeros((2, 2))], [np.zeros((2, 2))]) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: soft_iou([[1]], [[[1]]]),
            ValueError,
            "masks_true must have shape (n, M, N), got (1, 1); one mask becomes a stack with mask[None]",
        ),
        (
            lambda: soft_iou([[[1]]], [[[255]]]),
            ValueError,
            "masks_pred must have values from 0 to 1, got 255.0 to 255.0; divide 8-bit masks by 255",
        ),
        (
            lambda: soft_iou([[[np.nan]]], [[[1]]]),
            ValueError,
            "masks_true must have values from 0 to 1, got nan to nan; divide 8-bit masks by 255",
        ),
        (
            lambda: soft_iou([[["a"]]], []),
            TypeError,
            "masks_true must be boolean or numbers from 0 to 1, got dtype <U1; convert it first",
        ),
        (
            lambda: soft_iou([[[1, 1]]], [[[1]]]),
            ValueError,
            "masks_pred must have the shape of masks_true, (1, 2), got (1, 1); resize them first",
        ),
        (
            lambda: match_sequences([[[1]]], [[[1]]], [2]),
            ValueError,
            "scores must be from 0 to 1, got 2.0; pass them through a sigmoid first",
        ),
        (
            lambda: match_sequences([[[1]]], [[[1]]], [1, 1]),
            ValueError,
            "scores must have shape (1,), one number per mask of the sequence; got (2,)",
        ),
        (
            lambda: match_sequences([[[1]]], [[[1]]], [1], score_weight=-1),
            ValueError,
            "score_weight must be at least 0, got -1.0",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
