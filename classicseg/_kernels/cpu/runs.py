"""Masks as runs: the flat positions where ones begin and end, in turn.

The edges of mask i are ``edges[first[i] : last[i]]``, an even number, never falling. COCO's text of run lengths and
its way to draw polygons are read into this form.
"""

from classicseg._kernels.cpu._jit import jit, jit_inline

SUB = 5  # a polygon is drawn on a grid this much finer, and looked at in the middle of each pixel's column


@jit
def read_texts(text, first, edges, lengths):
    """Decode COCO's texts into edges, each from the place of its first character; a length of -1 marks a bad text.

    A character holds five bits of a number, low ones first, and a bit that says whether more follow; from the fourth
    number on, the difference to the number two before is written.
    """
    for i in range(len(lengths)):
        begin, n = first[i], 0
        value, shift = 0, 0
        lengths[i] = 0
        for k in range(begin, first[i + 1]):
            bits = int(text[k]) - 48
            if bits < 0 or bits > 63 or shift > 30:
                lengths[i] = -1
                break
            value |= (bits & 31) << shift
            shift += 5
            if bits & 32:
                continue
            if bits & 16:
                value -= 1 << shift
            if n > 2:
                value += edges[begin + n - 2]
            if value < 0:
                lengths[i] = -1
                break
            edges[begin + n] = value
            n += 1
            value, shift = 0, 0
        if lengths[i] < 0 or shift > 0:
            lengths[i] = -1
            continue
        for k in range(begin + 1, begin + n):
            edges[k] += edges[k - 1]
        lengths[i] = n


@jit
def write_text(counts, text):
    """Encode run lengths as COCO's text and return how many characters that took."""
    k = 0
    for n in range(len(counts)):
        value = counts[n] - counts[n - 2] if n > 2 else counts[n]
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != -1 if bits & 16 else value != 0
            text[k] = 48 + bits + (32 if more else 0)
            k += 1
    return k


@jit
def crossings(corners, first, shapes, owner, position):
    """Write where the outlines of polygons cross pixel columns, as flat positions down the columns; return how many.

    `corners` are (x, y) on the finer grid, the first repeated at the end. An outline is walked cell by cell along its
    longer axis; between two crossings of one column lie the pixels inside.
    """
    n = 0
    for i in range(len(shapes)):
        rows, cols = shapes[i, 0], shapes[i, 1]
        before_u, before_v = corners[first[i], 0], corners[first[i], 1]
        for j in range(first[i], first[i + 1] - 1):
            xs, ys, xe, ye = corners[j, 0], corners[j, 1], corners[j + 1, 0], corners[j + 1, 1]
            wide, high = abs(xe - xs), abs(ye - ys)
            steps = max(wide, high)
            back = (xs > xe) if wide >= high else (ys > ye)  # rounding must not depend on the direction
            if back:
                xs, ys, xe, ye = xe, ye, xs, ys
            slope = 0.0 if steps == 0 else ((ye - ys) / wide if wide >= high else (xe - xs) / high)
            for k in range(steps + 1):
                t = steps - k if back else k
                if wide >= high:
                    u, v = xs + t, int(ys + slope * t + 0.5)
                else:
                    u, v = int(xs + slope * t + 0.5), ys + t
                crossed = min(u, before_u)
                if u != before_u and crossed % SUB == SUB // 2 and 0 <= crossed < SUB * cols:
                    row = -((SUB // 2 - min(v, before_v)) // SUB)
                    owner[n] = i
                    position[n] = crossed // SUB * rows + min(max(row, 0), rows)
                    n += 1
                before_u, before_v = u, v
    return n


@jit_inline
def _shared(edges_a, a, end_a, edges_b, b, end_b):
    """Count the positions that lie in runs of both."""
    count = 0
    while a < end_a and b < end_b:
        low = max(edges_a[a], edges_b[b])
        high = min(edges_a[a + 1], edges_b[b + 1])
        if high > low:
            count += high - low
        if edges_a[a + 1] < edges_b[b + 1]:
            a += 2
        else:
            b += 2
    return count


@jit
def mask_tables(groups, truth, pred, crowd, out):
    """Write the IoU table of each group, predictions by ground truth; runs are (edges, first, last, area)."""
    edges, first, last, area = truth
    edges_pred, first_pred, last_pred, area_pred = pred
    for g in range(len(groups)):
        k = groups[g, 4]
        for d in range(groups[g, 0], groups[g, 1]):
            for t in range(groups[g, 2], groups[g, 3]):
                shared = _shared(edges, first[t], last[t], edges_pred, first_pred[d], last_pred[d])
                whole = area_pred[d] if crowd[t] else area[t] + area_pred[d] - shared
                out[k] = shared / whole if shared > 0 else 0.0
                k += 1
