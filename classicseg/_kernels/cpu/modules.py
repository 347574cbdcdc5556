"""Solar modules in a thermal frame: shape moments, ownership, and comparison with the neighbours."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called
from classicseg._kernels.cpu._marks import list_marks, mark_changes, no_marks

STEP = np.int64(1 << 32)
FAR = np.int64(1 << 20) * STEP
OWNER = STEP - 1


@jit
def nearest_is(temperature, texture, steps, centers, chosen, out):
    """Whether the nearest center of each pixel is `chosen` (K,); a tie goes to the lower index.

    Features are temperature, column times ``steps[0]``, row times ``steps[1]`` and texture, as in `centers` (K, 4);
    all float32. One center at a time over a whole line is vector code.
    """
    n_rows, n_cols = temperature.shape
    across = np.arange(n_cols).astype(np.float32) * steps[0]
    best = np.empty(n_cols, np.float32)
    for row in range(n_rows):
        best[:] = np.inf
        for k in range(centers.shape[0]):
            down = np.float32(row) * steps[1] - centers[k, 2]
            _take_center(temperature[row], across, down * down, texture[row], centers[k], best, out[row], chosen[k])


@jit_called
def _take_center(temperature, across, down, texture, center, best, out, chosen):
    warmth, col, rough = center[0], center[1], center[3]
    for i in range(best.shape[0]):
        t, x, r = temperature[i] - warmth, across[i] - col, texture[i] - rough
        distance = t * t + x * x + down + r * r
        out[i] = chosen if distance < best[i] else out[i]
        best[i] = distance if distance < best[i] else best[i]


@jit
def moments(regions, member, out):
    """Add area, row, col, row², col², row·col and membership of every pixel to its region's row of `out` (R, 7).

    Stretch by stretch of a row: the sums of 0, 1, 2, ... and of their squares have closed forms.
    """
    n_cols = regions.shape[1]
    marks = no_marks(n_cols)
    changes = np.empty(n_cols, np.int32)
    for row in range(regions.shape[0]):
        line, members = regions[row], member[row]
        mark_changes(line, marks)
        n_changes = list_marks(marks, changes)
        begin = 0
        for i in range(n_changes + 1):
            end = np.int64(changes[i]) if i < n_changes else n_cols
            if line[begin] > 0:
                sums = out[line[begin] - 1]
                length, cols = end - begin, (end * (end - 1) - begin * (begin - 1)) // 2
                sums[0] += length
                sums[1] += row * length
                sums[2] += cols
                sums[3] += row * row * length
                sums[4] += _squares_below(end) - _squares_below(begin)
                sums[5] += row * cols
                sums[6] += _count(members[begin:end])
            begin = end


@jit_called
def _squares_below(n):
    return (n - 1) * n * (2 * n - 1) // 6


@jit
def _count(members):
    count = 0
    for i in range(members.shape[0]):
        count += np.int64(members[i])
    return count


@jit
def nearest_points(points, others, index, squared):
    """Write which K of `others` (m, 2) are nearest to each of `points` (n, 2), and their squared distances.

    Nearest first, of equally near ones the lower index; `index` and `squared` are (n, K), K at most m. A few hundred
    points need no tree.
    """
    last = index.shape[1] - 1
    squared[:] = np.inf
    for i in range(points.shape[0]):
        found, distances = index[i], squared[i]
        for j in range(others.shape[0]):
            down, right = points[i, 0] - others[j, 0], points[i, 1] - others[j, 1]
            distance = down * down + right * right
            if distance < distances[last]:
                place = last
                while place > 0 and distances[place - 1] > distance:
                    distances[place], found[place] = distances[place - 1], found[place - 1]
                    place -= 1
                distances[place], found[place] = distance, j


@jit
def extents(owner, values, boxes, total):
    """Write the box (row_min, col_min, row_max, col_max; half open) of each module to `boxes` (n, 4), and add its
    values to `total` (n,). A module without a pixel has an empty box."""
    n_rows, n_cols = owner.shape
    boxes[:, :2] = max(n_rows, n_cols)
    boxes[:, 2:] = 0
    marks = no_marks(n_cols)
    changes = np.empty(n_cols, np.int32)
    for row in range(n_rows):
        mark_changes(owner[row], marks)
        n_changes = list_marks(marks, changes)
        begin = 0
        for i in range(n_changes + 1):
            end = changes[i] if i < n_changes else n_cols
            if owner[row, begin] > 0:
                box = boxes[owner[row, begin] - 1]
                box[0], box[1] = min(box[0], row), min(box[1], begin)
                box[2], box[3] = row + 1, max(box[3], end)
                for col in range(begin, end):
                    total[owner[row, begin] - 1] += np.float64(values[row, col])
            begin = end


@jit
def nearest_owner(owner, where):
    """Give every pixel of `where` without an owner the nearest one, by city-block steps inside `where`.

    Two sweeps, forth and back, over those pixels alone; a tie stays with the owner met first. In place.
    """
    n_rows, n_cols = owner.shape
    width = n_cols + 2  # a border from which nothing is taken
    nearest = np.empty((n_rows + 2) * width, np.int64)  # steps to the owner in the upper half, the owner in the lower
    nearest[:] = FAR
    wanting = np.empty(owner.size, np.int64)  # only what is used is touched
    n_wanting = 0
    marks = no_marks(n_cols)
    for row in range(n_rows):
        start = (row + 1) * width + 1
        _mark_wanting(owner[row], where[row], marks, nearest[start : start + n_cols])
        found = list_marks(marks, wanting[n_wanting:])
        wanting[n_wanting : n_wanting + found] += start
        n_wanting += found
    for i in range(n_wanting):
        _take_nearer(nearest, wanting[i], width, 1)
    for i in range(n_wanting - 1, -1, -1):
        _take_nearer(nearest, wanting[i], -width, -1)
    for row in range(n_rows):
        start = (row + 1) * width + 1
        _owners(nearest[start : start + n_cols], owner[row])


@jit_called
def _mark_wanting(owner, where, marks, nearest):
    for col in range(owner.shape[0]):
        marks[col] = np.uint8(1) if where[col] and owner[col] == 0 else np.uint8(0)
        nearest[col] = np.int64(owner[col]) if owner[col] > 0 else FAR


@jit_called
def _owners(nearest, owner):
    for col in range(owner.shape[0]):
        owner[col] = np.int32(nearest[col] & OWNER)


@jit_called
def _take_nearer(nearest, place, up, left):
    best = nearest[place]
    for step in (up, left):
        other = nearest[place - step] + STEP
        best = other if other >> 32 < best >> 32 else best
    nearest[place] = best


@jit
def compare(image, owner, where, within, offsets, at_least, reference):
    """Median of the values at the same place of the neighbouring modules.

    A pixel of module m looks at ``offsets[m - 1]`` (K, 2) from itself, where these lie `within` a module. Fewer
    than `at_least` such places, or a pixel outside `where`, give NaN. `image` may hold -inf, but no inf, no NaN.

    A stretch of one row that belongs to one module looks at stretches of other rows, so that all is vector code;
    the values found are sorted by exchanges of whole lines, inf where there is none.
    """
    n_rows, n_cols = image.shape
    visible = np.empty((n_rows, n_cols), np.float32)
    for row in range(n_rows):
        _hide(image[row], within[row], visible[row])
    found = np.empty((offsets.shape[1], n_cols), np.float32)
    key = np.empty(n_cols, np.int32)
    marks = no_marks(n_cols)
    changes = np.empty(n_cols, np.int32)
    for row in range(n_rows):
        _fill(reference[row], np.float32(np.nan))
        if not _masked(owner[row], where[row], key):
            continue
        mark_changes(key, marks)
        n_changes = list_marks(marks, changes)
        for k in range(found.shape[0]):
            _fill(found[k], np.float32(np.inf))
        begin = 0
        for i in range(n_changes + 1):
            end = changes[i] if i < n_changes else n_cols
            if key[begin] > 0:
                _look(visible, offsets[key[begin] - 1], row, begin, end, found)
            begin = end
        _sort_columns(found)
        _middle(found, at_least, reference[row])


@jit_called
def _hide(values, within, out):
    for i in range(out.shape[0]):
        out[i] = values[i] if within[i] else np.float32(np.inf)


@jit_called
def _masked(owner, where, out):
    """Copy `owner` where wanted, else 0; return whether anything is left."""
    any_left = np.int32(0)
    for i in range(out.shape[0]):
        out[i] = owner[i] if where[i] else np.int32(0)
        any_left |= out[i]
    return any_left > 0


@jit_called
def _look(visible, steps, row, begin, end, found):
    """Fetch what the pixels `begin` to `end` of a row see at each of the `steps` from them."""
    for k in range(steps.shape[0]):
        r, step = row + steps[k, 0], steps[k, 1]
        first, last = max(begin, -step), min(end, visible.shape[1] - step)
        if 0 <= r < visible.shape[0] and first < last:
            _copy(visible[r, first + step : last + step], found[k, first:last])


@jit_called
def _fill(line, value):
    for i in range(line.shape[0]):
        line[i] = value


@jit_called
def _copy(line, out):
    """A loop over two lines is vector code; assigning a slice to a slice is not."""
    for i in range(out.shape[0]):
        out[i] = line[i]


@jit
def _sort_columns(lines):
    """Sort each column of `lines` by merge exchange, 19 exchanges for 8 lines where insertion takes 28.

    K. E. Batcher's network; D. E. Knuth, The Art of Computer Programming 3, 1998, section 5.2.2, algorithm M.
    """
    n = lines.shape[0]
    span = 1
    while span < n:
        step = span
        while step > 0:
            for first in range(step % span, n - step, 2 * step):
                for i in range(first, min(first + step, n - step)):
                    if i // (2 * span) == (i + step) // (2 * span):
                        _exchange(lines[i], lines[i + step])
            step //= 2
        span *= 2


@jit_called
def _exchange(lower, higher):
    for i in range(lower.shape[0]):
        a, b = lower[i], higher[i]
        lower[i] = a if a < b else b
        higher[i] = b if a < b else a


@jit_called
def _middle(found, at_least, out):
    """Median of what each column of `found` holds, which is sorted with inf where there is nothing."""
    for n in range(max(at_least, 1), found.shape[0] + 1):
        low, high, last = found[(n - 1) // 2], found[n // 2], found[n - 1]
        for i in range(out.shape[0]):  # the last n that fits is the one
            out[i] = np.float32(0.5) * (low[i] + high[i]) if last[i] < np.inf else out[i]
