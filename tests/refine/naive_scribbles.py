"""Slow twins of what scribbles teach, straight from the definitions. Only NumPy, and SciPy's general minimiser."""

import numpy as np
from scipy.optimize import minimize

RINGS, MEANS, ALIKE, OWN, MARKED = 3, 4, 0.7, 0.3, 0.3


def softmax(scores):
    return np.array([np.exp(row - row.max()) / np.exp(row - row.max()).sum() for row in scores])


def loss(coefficients, features, targets, regularization):
    """Cross-entropy of every sample, and half of the regularization times the sum of squares."""
    total = regularization / 2 * (coefficients**2).sum()
    for sample, target in zip(features, targets):
        scores = sample @ coefficients
        highest = scores.max()
        log_total = highest + np.log(np.exp(scores - highest).sum())
        total += (target * (log_total - scores)).sum()
    return total


def fit(features, targets, regularization):
    def value_and_slope(flat):
        coefficients = flat.reshape(shape)
        slope = regularization * coefficients
        for sample, target, found in zip(features, targets, softmax(features @ coefficients)):
            slope = slope + np.outer(sample, found * target.sum() - target)
        return loss(coefficients, features, targets, regularization), slope.ravel()

    shape = features.shape[1], targets.shape[1]
    options = {"maxiter": 20000, "maxfun": 10**6, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 50}
    found = minimize(value_and_slope, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(shape)


def neighbours(table):
    """For each region its neighbours and the length of the border with each."""
    found = [{} for _ in table.numbers]
    for (low, high), length in zip(table.edges.tolist(), table.boundary_length.tolist()):
        found[low][high] = length
        found[high][low] = length
    return found


def is_mean(name):
    return name.endswith("_mean") and name != "contrast_mean"


def scaled(table):
    columns = []
    for name, column in zip(table.names, table.features.astype(float).T):
        if name in ("row", "col"):
            continue
        low, high = np.percentile(column, [10, 90])
        scale = (high - low) / 2.563 if high > low else column.std() or 1.0
        columns.append([min(max((value - np.median(column)) / scale, -6), 6) for value in column])
    return np.array(columns).T


def surroundings(table):
    """Own features, and those of the rings around: means of the neighbours' means, weighed by borders."""
    beside, rings = neighbours(table), [scaled(table)]
    for _ in range(RINGS):
        ring = []
        for region, around in enumerate(beside):
            total = sum(around.values())
            mean = sum(length * rings[-1][other] for other, length in around.items())
            ring.append(mean / total if total else rings[-1][region])
        rings.append(np.array(ring))
    rings[0] = rings[0] * [MEANS if is_mean(name) else 1 for name in table.names if name not in ("row", "col")]
    return np.concatenate(rings, axis=1)


def squared(a, b):
    return ((a - b) ** 2).sum()


def landmarks(points, most):
    """Rows of the landmarks: nearest to the mean, then the farthest from all before, the lower row in a tie."""
    mean = points.mean(axis=0)
    chosen = [min(range(len(points)), key=lambda i: (squared(points[i], mean), i))]
    while len(chosen) < most:
        apart = [min(squared(point, points[c]) for c in chosen) for point in points]
        farthest = max(range(len(points)), key=lambda i: (apart[i], -i))
        if apart[farthest] == 0:
            break
        chosen.append(farthest)
    return chosen


def nearness(table, most):
    """Nearness of regions to landmarks (n, m), and of landmarks to each other (m, m)."""
    points = surroundings(table)
    chosen = landmarks(points, most)
    apart = np.array([[squared(point, points[c]) for c in chosen] for point in points])
    near = np.exp(-apart / apart.mean())
    return near, near[chosen]


def spread(own, known, table, smoothness):
    """Solve the walk as a dense system, one region's equation after the other."""
    means = [i for i, name in enumerate(table.names) if is_mean(name)]
    values = table.features[:, means].astype(float)
    apart = [np.sqrt(squared(values[low], values[high])) for low, high in table.edges]
    some = [value for value in apart if value > 0]
    unit = ALIKE * np.median(some) if some else 1.0
    system, right = np.zeros((len(own), len(own))), np.zeros(own.shape)
    for (low, high), length, value in zip(table.edges, table.boundary_length, apart):
        weight = smoothness * length * np.exp(-value / unit)
        system[low, high] -= weight
        system[high, low] -= weight
        system[low, low] += weight
        system[high, high] += weight
    for region, area in enumerate(table.area):
        side = np.sqrt(area)
        system[region, region] += OWN * side
        right[region] += OWN * side * own[region]
        if known[region].any():
            system[region, region] += MARKED * side
            right[region] += MARKED * side * known[region]
    return np.linalg.solve(system, right)


def probabilities(table, strokes, n_classes, regularization, smoothness, most):
    """The whole of it, for strokes that show every class."""
    known = np.zeros((len(table.numbers), n_classes))
    for row, mark in zip(table.rows.ravel(), strokes.ravel()):
        if row >= 0 and mark >= 0:
            known[row, mark] += 1
    marked = known.any(axis=1)
    known[marked] /= known[marked].sum(axis=1, keepdims=True)
    near, between = nearness(table, most)
    # Coefficients on landmarks whose squared norm is that of the function: its values at samples need no whitening.
    power, directions = np.linalg.eigh(between)
    kept = power > 1e-6 * power[-1]
    features = np.column_stack([near @ directions[:, kept] / np.sqrt(power[kept]), np.ones(len(near))])
    own = softmax(features @ fit(features[marked], known[marked], regularization))
    return spread(own, known, table, smoothness)
