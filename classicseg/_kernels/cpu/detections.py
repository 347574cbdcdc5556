"""COCO's matching of predictions to ground truth, and precision at given recalls."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline

WRONG, RIGHT, IGNORED = 0, 1, 2  # what becomes of a prediction
JUDGED, PASSED_OVER, CROWD = 0, 1, 2  # ground truth: counts; may be found without effect, once; or any number of times


@jit_inline
def _best(iou, role, taken, judged, threshold):
    """Return the free ground truth of highest IoU among those judged or those not; -1 where none reaches it."""
    best, found = threshold, -1
    for t in range(len(iou)):
        if (role[t] == JUDGED) != judged or (taken[t] and role[t] != CROWD):
            continue
        if iou[t] >= best:  # not strict: a tie goes to the last one, as COCO has it
            best, found = iou[t], t
    return found


@jit
def match(groups, iou, thresholds, role, found):
    """Match every group for each area range and threshold; `found` (areas, thresholds, n) is written where matched.

    Predictions lie by descending score and choose in turn. What is judged goes before what is passed over, however
    well the latter overlaps.
    """
    for g in range(len(groups)):
        d0, d1, t0, t1, k = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
        table = iou[k : k + (d1 - d0) * (t1 - t0)].reshape(d1 - d0, t1 - t0)
        taken = np.empty(t1 - t0, np.bool_)
        for a in range(len(role)):
            roles = role[a, t0:t1]
            for s in range(len(thresholds)):
                taken[:] = False
                for d in range(d1 - d0):
                    t = _best(table[d], roles, taken, True, thresholds[s])
                    if t < 0:
                        t = _best(table[d], roles, taken, False, thresholds[s])
                    if t >= 0:
                        taken[t] = True
                        found[a, s, d0 + d] = RIGHT if roles[t] == JUDGED else IGNORED


@jit
def sweep(found, rank, limits, n_true, recalls, precision, recall):
    """Fill `precision` (areas, limits, thresholds, recalls) and `recall` of one class; predictions by score.

    Precision at a recall is the highest at this recall or a later one. It rises at right predictions only, so those
    are the only points to remember.
    """
    curve = np.empty(len(rank))
    for a in range(found.shape[0]):
        if n_true[a] == 0:
            continue
        for m in range(len(limits)):
            for s in range(found.shape[1]):
                right, seen = 0, 0
                for i in range(len(rank)):
                    if rank[i] < limits[m] and found[a, s, i] != IGNORED:
                        seen += 1
                        if found[a, s, i] == RIGHT:
                            curve[right] = right + 1
                            curve[right] /= seen
                            right += 1
                recall[a, m, s] = right / n_true[a]
                _at_recalls(curve, right, n_true[a], recalls, precision[a, m, s])


@jit_inline
def _at_recalls(curve, right, n_true, recalls, out):
    r = len(recalls) - 1
    best = 0.0
    for i in range(right, -1, -1):  # i right predictions are recall i / n_true
        while r >= 0 and recalls[r] > i / n_true:
            out[r] = best
            r -= 1
        if i > 0:
            best = max(best, curve[i - 1])
    while r >= 0:
        out[r] = best
        r -= 1
