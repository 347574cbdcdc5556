"""Softmax regression: probabilities of classes that are linear in features but for their normalisation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_STEPS = 100  # of Newton's method, which takes five to fifteen
SMALLEST = 1e-9  # decrease of the loss, as a share of it, below which a step is the last: the next would be its square
SUFFICIENT = 1e-4  # share of the decrease that the slope promises which a step must bring (Armijo)


def softmax(scores: Floats) -> Floats:
    """Return probabilities (n, K) from scores (n, K)."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fit_softmax(features: Floats, targets: Floats, regularization: float) -> Floats:
    """Return the coefficients B (F, K) of the least sum of cross-entropies, plus ½ `regularization` ‖B‖².

    `targets` (n, K) are probabilities, at least one row. The loss is strictly convex: there is one answer, which
    Newton's method finds from 0. A constant is a feature like others. ‖B‖² keeps the coefficients of the K classes at
    a sum of 0, and in the span of the samples; so steps are taken in coordinates of both, which are few.
    """
    base, samples = _span(features)
    contrasts = _contrasts(targets.shape[1])
    found = _minimise(_Loss(samples, targets, contrasts, regularization))
    return np.asarray(base @ found @ contrasts.T)


def _span(features: Floats) -> tuple[Floats, Floats]:
    """Return an orthonormal base (F, r) of the span of the samples, and their coordinates (n, r) in it."""
    if len(features) >= features.shape[1]:
        return np.eye(features.shape[1]), features
    base, upper = np.linalg.qr(features.T)
    return base, np.ascontiguousarray(upper.T)


def _contrasts(n_classes: int) -> Floats:
    """Return an orthonormal base (K, K - 1) of the scores whose sum over the classes is 0 (Helmert's)."""
    base = np.zeros((n_classes, n_classes - 1))
    for c in range(1, n_classes):
        base[:c, c - 1], base[c, c - 1] = 1, -c
    return np.asarray(base / np.sqrt((base**2).sum(axis=0)))


class _Loss(NamedTuple):
    """The loss of coefficients (r, K - 1), its slope and its curvature."""

    samples: Floats  # (n, r)
    targets: Floats  # (n, K)
    contrasts: Floats  # (K, K - 1)
    regularization: float

    def at(self, coefficients: Floats) -> float:
        scores = self.samples @ coefficients @ self.contrasts.T
        highest = scores.max(axis=1, keepdims=True)
        totals = highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=1))
        entropies = self.targets.sum(axis=1) * totals - (self.targets * scores).sum(axis=1)
        return float(entropies.sum() + self.regularization / 2 * (coefficients**2).sum())

    def step(self, coefficients: Floats) -> tuple[Floats, float]:
        """Return Newton's step (r, K - 1) and the decrease per unit of it that the slope promises."""
        probabilities = softmax(self.samples @ coefficients @ self.contrasts.T)
        wrong = (probabilities * self.targets.sum(axis=1, keepdims=True) - self.targets) @ self.contrasts
        slope = self.samples.T @ wrong + self.regularization * coefficients
        step = -np.linalg.solve(self._curvature(probabilities), slope.T.ravel()).reshape(slope.T.shape).T
        return step, -float((slope * step).sum())

    def _curvature(self, probabilities: Floats) -> Floats:
        """Return the Hessian; the coefficients of one contrast lie side by side in it."""
        n_features, n_contrasts = self.samples.shape[1], self.contrasts.shape[1]
        blocks = np.empty((n_contrasts, n_features, n_contrasts, n_features))
        weight = self.targets.sum(axis=1)
        means = probabilities @ self.contrasts
        for a in range(n_contrasts):
            for b in range(a + 1):
                spread = probabilities @ (self.contrasts[:, a] * self.contrasts[:, b]) - means[:, a] * means[:, b]
                block = self.samples.T @ (self.samples * (weight * spread)[:, None])
                blocks[a, :, b], blocks[b, :, a] = block, block
        curvature = blocks.reshape(n_contrasts * n_features, -1)
        curvature[np.diag_indices_from(curvature)] += self.regularization
        return curvature


def _minimise(loss: _Loss) -> Floats:
    """Return the coefficients of the least loss, by Newton's method with steps halved until they help."""
    coefficients = np.zeros((loss.samples.shape[1], loss.contrasts.shape[1]))
    now = loss.at(coefficients)
    for _ in range(MOST_STEPS if coefficients.size else 0):
        step, promised = loss.step(coefficients)
        if promised <= SMALLEST * now:
            return np.asarray(coefficients + step)
        length = 1.0
        while (then := loss.at(coefficients + length * step)) > now - SUFFICIENT * length * promised and length > 1e-9:
            length /= 2
        coefficients, now = coefficients + length * step, then
    return coefficients
