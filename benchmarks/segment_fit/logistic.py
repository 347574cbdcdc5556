"""Logistic regression on features and their square roots."""

from __future__ import annotations

import numpy as np

from benchmarks.segment_fit.examples import Floats, Pairs

PENALTY = 100.0  # of squared weights of standardised features; from 1 to 1000 nothing changes beyond noise
MOST_STEPS = 20
SMALLEST_STEP = 1e-4
FARTHEST = 30.0  # log-odds beyond count as that
LEAST_SPREAD = 1e-9  # of a feature; one that is the same everywhere gets no weight


def expanded(features: Floats) -> Floats:
    return np.concatenate([features, np.sqrt(np.maximum(features, 0))], axis=1)


def fitted_weights(pairs: Pairs) -> Floats:
    """Return the weights (2 F + 1,) of features, of their square roots, and the constant, by Newton's method.

    The answers are probabilities, not classes: annotators differ.
    """
    columns, share = expanded(pairs.features), pairs.share / pairs.share.mean()
    mean = np.average(columns, axis=0, weights=share)
    spread = np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=share))
    design = np.concatenate([(columns - mean) / np.maximum(spread, LEAST_SPREAD), np.ones((len(columns), 1))], axis=1)
    design[:, :-1][:, spread < LEAST_SPREAD] = 0
    found = newton(design, pairs.apart, share)
    slopes = np.where(spread < LEAST_SPREAD, 0, found[:-1] / np.maximum(spread, LEAST_SPREAD))
    return np.append(slopes, found[-1] - slopes @ mean)


def newton(design: Floats, answers: Floats, share: Floats) -> Floats:
    """Return the minimum of the logistic loss plus the penalty, which the last column, the constant, goes without."""
    weights, penalty = np.zeros(design.shape[1]), np.full(design.shape[1], PENALTY)
    penalty[-1] = 0
    for _ in range(MOST_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -FARTHEST, FARTHEST)))
        slope = design.T @ (share * (chance - answers)) + penalty * weights
        bend = (design * (share * np.maximum(chance * (1 - chance), 1e-4))[:, None]).T @ design
        step = np.linalg.solve(bend + np.diag(penalty + 1e-6), slope)
        weights = weights - step
        if np.abs(step).max() < SMALLEST_STEP:
            break
    return weights
