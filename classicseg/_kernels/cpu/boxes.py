"""Intersection over union of boxes, and the greedy suppression of those that overlap a better one.

A box is a row of five: row_min, col_min, row_max, col_max, area. The area comes along because files give width and
height, and what is left of them after adding and subtracting a corner is another number in the last bit.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline


@jit_inline
def _iou(a, b, crowd):
    """Return what `a`, the truth, and `b` share, over their union; over `b` alone where the truth is a crowd."""
    rows = min(a[2], b[2]) - max(a[0], b[0])
    cols = min(a[3], b[3]) - max(a[1], b[1])
    if rows <= 0 or cols <= 0:
        return 0.0
    shared = rows * cols
    whole = b[4] if crowd else a[4] + b[4] - shared
    return shared / whole


@jit
def box_tables(groups, truth, pred, crowd, out):
    """Write the table of each group, predictions by ground truth, from where the group says."""
    for g in range(len(groups)):
        k = groups[g, 4]
        for d in range(groups[g, 0], groups[g, 1]):
            for t in range(groups[g, 2], groups[g, 3]):
                out[k] = _iou(truth[t], pred[d], crowd[t])
                k += 1


@jit
def suppress_boxes(boxes, classes, max_iou, kept):
    """Go through boxes by descending score and keep those that overlap no kept one of their class too much."""
    chosen = np.empty(len(boxes), np.int64)
    count = 0
    for i in range(len(boxes)):
        kept[i] = True
        for j in range(count):
            other = chosen[j]
            if classes[other] == classes[i] and _iou(boxes[other], boxes[i], False) > max_iou:
                kept[i] = False
                break
        if kept[i]:
            chosen[count] = i
            count += 1


@jit
def suppress_table(iou, classes, max_iou, kept):
    """Do the same with a table of the IoU of all pairs."""
    for i in range(len(iou)):
        kept[i] = True
        for j in range(i):
            if kept[j] and classes[j] == classes[i] and iou[j, i] > max_iou:
                kept[i] = False
                break
