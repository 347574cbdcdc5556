"""Logistic regression on features and their square roots, whose answer never falls where regions differ more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.segment_fit.examples import Floats, Pairs

PENALTY = 100.0  # of squared weights of standardised columns; from 1 to 1000 nothing changes beyond noise
N_SIZES = 3  # the last features, which may count in both directions
LARGEST = 0.999  # the share of values of a feature that count as they are; larger ones count as the largest of those
LEAST_SPREAD = 1e-9  # of a column; one that is the same everywhere gets no weight


def fitted_weights(pairs: Pairs) -> Floats:
    """Return the weights (3 F + 1,) of features, of their square roots, the largest values, and the constant.

    The answers are probabilities, not classes: annotators differ. What a feature adds, ``a f + b sqrt(f)``, rises up to
    its largest value just where it is a sum of ``f`` and of ``sqrt(f) - f / (2 sqrt(largest))``, which is flat there,
    with no weight below 0: these are the columns. Without that, weights of features that are much alike have opposite
    signs, which goes well until an image is unlike those they were fitted on.
    """
    largest = np.quantile(pairs.features, LARGEST, axis=0)
    columns, bends = columns_of(pairs.features, largest)
    share = pairs.share / pairs.share.mean()
    mean = np.average(columns, axis=0, weights=share)
    spread = np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=share))
    told = spread > LEAST_SPREAD
    columns = (columns[:, told] - mean[told]) / spread[told]
    rising = np.tile(np.arange(len(largest)) < len(largest) - N_SIZES, 2)
    found = lowest_loss(columns, pairs.apart, share, rising[told])
    slopes = np.zeros(len(told))
    slopes[told] = found[:-1] / spread[told]
    constant = found[-1] - slopes @ mean
    plain, curved = np.split(slopes, 2)
    return np.concatenate([plain - curved * bends, curved, largest, [constant]])


def columns_of(features: Floats, largest: Floats) -> tuple[Floats, Floats]:
    """Return the columns (n, 2 F), and how much of the feature is taken from its square root, 0 for sizes."""
    features = np.minimum(features, largest)
    bends = 1 / (2 * np.sqrt(np.maximum(largest, LEAST_SPREAD)))
    bends[-N_SIZES:] = 0
    return np.concatenate([features, np.sqrt(np.maximum(features, 0)) - features * bends], axis=1), bends


def lowest_loss(columns: Floats, answers: Floats, share: Floats, rising: NDArray[np.bool_]) -> Floats:
    """Return the minimum of the logistic loss plus the penalty, which the constant, the last one, goes without."""

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = columns @ weights[:-1] + weights[-1]
        off = share * (1 / (1 + np.exp(-scores)) - answers)
        penalty = PENALTY / 2 * (weights[:-1] ** 2).sum()
        slope = np.append(columns.T @ off + PENALTY * weights[:-1], off.sum())
        return float((share * (np.logaddexp(0, scores) - answers * scores)).sum() + penalty), slope

    bounds = [(0.0 if up else None, None) for up in rising] + [(None, None)]
    found: Floats = minimize(loss, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds).x
    return found
