"""Slow plain forms of the detection scores: loops, lists and whole masks. NumPy only."""

import itertools
import math

import numpy as np


def box_iou(a, b, crowd=False):
    rows, cols = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(rows, 0) * max(cols, 0)
    area_a, area_b = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    whole = area_b if crowd else area_a + area_b - shared
    return shared / whole if shared else 0.0


def mask_iou(a, b, crowd=False):
    shared = int((a & b).sum())
    whole = int(b.sum()) if crowd else int((a | b).sum())
    return shared / whole if shared else 0.0


def iou_of(a, b, crowd=False):
    return mask_iou(a, b, crowd) if np.ndim(a) == 2 else box_iou(a, b, crowd)


def non_maximum_suppression(instances, scores, max_iou, classes):
    left = sorted(range(len(scores)), key=lambda i: -scores[i])
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if classes[i] != classes[best] or iou_of(instances[best], instances[i]) <= max_iou]
    return kept


def average_precision(truth, pred, scores, images_true, images_pred, ignore, min_iou, candidates, interpolation):
    """Return the area, and what became of each prediction by descending score."""
    found, outcome = set(), []
    for p in sorted(range(len(pred)), key=lambda i: -scores[i]):
        choice = [t for t in range(len(truth)) if images_true[t] == images_pred[p]]
        choice = [t for t in choice if candidates == "all" or t not in found]
        best = max(choice, key=lambda t: iou_of(truth[t], pred[p]), default=None)
        if best is None or not iou_of(truth[best], pred[p]) > min_iou:
            outcome.append(0)
        elif ignore[best]:
            outcome.append(-1)
        else:
            outcome.append(0 if best in found else 1)
            found.add(best)
    n_true = sum(not flag for flag in ignore)
    points, right, judged = [], 0, 0  # (recall, precision) after each prediction that counts
    for one in outcome:
        if one >= 0:
            right, judged = right + one, judged + 1
            points.append((right / n_true if n_true else math.nan, right / judged))
    return area(points, n_true, interpolation), outcome


def area(points, n_true, interpolation):
    if n_true == 0:
        return math.nan
    if interpolation == "11-point":
        return sum(max((p for r, p in points if r >= level), default=0) for level in np.linspace(0, 1, 11)) / 11
    total, before = 0.0, 0.0
    for i, (recall, precision) in enumerate(points):
        height = precision if interpolation == "none" else max(p for _, p in points[i:])
        total += (recall - before) * height
        before = recall
    return total


# --- COCO: ground truth and predictions are lists of dicts with image, class, shape, area, crowd or score ----------

AREAS = ((0, 1e10), (0, 32**2), (32**2, 96**2), (96**2, 1e10))


def coco(truth, pred, images, classes, limits=(1, 10, 100)):
    """Return precision (10, 101, K, 4, 3) and recall (10, K, 4, 3)."""
    precision = np.full((10, 101, len(classes), 4, 3), np.nan)
    recall = np.full((10, len(classes), 4, 3), np.nan)
    for s, k, a, m in itertools.product(range(10), range(len(classes)), range(4), range(3)):
        judged, n_true = [], 0
        for image in images:
            here = [t for t in truth if t["image"] == image and t["class"] == classes[k]]
            own = [p for p in pred if p["image"] == image and p["class"] == classes[k]]
            own = sorted(own, key=lambda p: -p["score"])[: limits[m]]
            judged += coco_image(here, own, 0.5 + 0.05 * s, AREAS[a])
            n_true += sum(not t["crowd"] and AREAS[a][0] <= t["area"] <= AREAS[a][1] for t in here)
        if n_true == 0:
            continue
        outcomes = [right for _, right in sorted(judged, key=lambda pair: -pair[0]) if right is not None]
        points = [(sum(outcomes[:i]) / n_true, sum(outcomes[:i]) / i) for i in range(1, len(outcomes) + 1)]
        recall[s, k, a, m] = points[-1][0] if points else 0.0
        for r in range(101):
            reached = [p for rec, p in points if rec >= np.linspace(0, 1, 101)[r]]
            precision[s, r, k, a, m] = max(reached, default=0.0)
    return precision, recall


def coco_image(truth, pred, threshold, size):
    """Return (score, right, wrong or left out = None) of each prediction of one image and class."""
    judged = [not t["crowd"] and size[0] <= t["area"] <= size[1] for t in truth]
    taken, out = set(), []
    for p in pred:
        best = None
        for wanted in (True, False):
            free = [t for t in range(len(truth)) if judged[t] == wanted and (t not in taken or truth[t]["crowd"])]
            iou = {t: iou_of(truth[t]["shape"], p["shape"], truth[t]["crowd"]) for t in free}
            good = [t for t in free if iou[t] >= threshold - 1e-12]
            if best is None and good:
                best = max(good, key=lambda t: (iou[t], t))
        taken.add(best)
        if best is None:
            out.append((p["score"], False if size[0] <= p["area"] <= size[1] else None))
        else:
            out.append((p["score"], True if judged[best] else None))
    return out


# --- Polygons, panoptic images, sequences --------------------------------------------------------------------------


def polygon(points, shape):
    """Fill a polygon of corners that are not negative, by COCO's rule, in whole numbers."""
    cells = []
    corners = [tuple(math.floor(5 * v + 0.5) for v in point) for point in points]
    for (xs, ys), (xe, ye) in zip(corners, corners[1:] + corners[:1]):
        wide, high = abs(xe - xs), abs(ye - ys)
        steps = max(wide, high)
        for k in range(steps + 1):
            if wide >= high:  # the line rises from its left end
                left = (xs, ys, ye) if xs <= xe else (xe, ye, ys)
                u = xs + (k if xe >= xs else -k)
                cells.append((u, rounded(left[1], left[2] - left[1], u - left[0], wide)))
            else:
                top = (ys, xs, xe) if ys <= ye else (ye, xe, xs)
                v = ys + (k if ye >= ys else -k)
                cells.append((rounded(top[1], top[2] - top[1], v - top[0], high), v))
    mask = np.zeros(shape, bool)
    for (u, v), (after_u, after_v) in itertools.pairwise(cells):
        low = min(u, after_u)
        if u != after_u and low % 5 == 2 and low // 5 < shape[1]:
            mask[max(math.ceil((min(v, after_v) - 2) / 5), 0) :, low // 5] ^= True
    return mask


def rounded(start, rise, step, run):
    return start if run == 0 else (2 * (start * run + rise * step) + run) // (2 * run)


def panoptic(images, things=()):
    """Return (iou sum, found, wrong, missed) by class; images are (labels, classes, crowd, labels, classes)."""
    out = {}
    for labels, classes, crowd, labels_pred, classes_pred in images:
        hit = set()
        for segment, kind in classes.items():
            if segment in crowd:
                continue
            row = out.setdefault(kind, [0.0, 0, 0, 0])
            for other, other_kind in classes_pred.items():
                one, two = labels == segment, (labels_pred == other) & (labels != 0)
                shared, whole = int((one & two).sum()), int((one | two).sum())
                if kind == other_kind and shared / whole > 0.5:
                    row[0], row[1] = row[0] + shared / whole, row[1] + 1
                    hit.add(other)
                    break
            else:
                row[3] += 1
        for other, kind in classes_pred.items():
            free = labels == 0
            for segment in crowd:
                free = free | (labels == segment) if classes[segment] == kind else free
            mask = labels_pred == other
            if other not in hit and (mask & free).sum() / mask.sum() <= 0.5:
                out.setdefault(kind, [0.0, 0, 0, 0])[2] += 1
    return out


def soft_iou(a, b):
    shared = float((a * b).sum())
    whole = float(a.sum() + b.sum()) - shared
    return shared / whole if whole else 0.0


def best_coverage(truth, pred):
    """Return the largest sum of soft IoU of any pairing, by trying all."""
    short, long = (truth, pred) if len(truth) <= len(pred) else (pred, truth)
    pairings = itertools.permutations(range(len(long)), len(short))
    return max(sum(soft_iou(short[i], long[j]) for i, j in enumerate(chosen)) for chosen in pairings)
