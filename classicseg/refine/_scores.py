"""Scores of classes as probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SLACK = 1e-3  # by which probabilities may leave 0 to 1, and their sum 1: float16 rounds so


def are_probabilities(scores: NDArray[np.float32], axis: int) -> bool:
    """Say whether scores are what a softmax gives: not negative, and 1 in sum."""
    with np.errstate(over="ignore"):
        return bool((scores >= 0).all() and (np.abs(scores.sum(axis=axis) - 1) <= SLACK).all())


def softmax(scores: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the probabilities of logits."""
    with np.errstate(over="ignore"):  # the lowest float stands for "never" in many networks
        powers: NDArray[np.float32] = np.exp(scores - scores.max(axis=axis, keepdims=True))
    powers /= powers.sum(axis=axis, keepdims=True)
    return powers


def sigmoid(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probability of the one class that a logit stands for."""
    one: NDArray[np.float32] = softmax(np.stack([np.zeros_like(scores), scores]), axis=0)[1]
    return one
