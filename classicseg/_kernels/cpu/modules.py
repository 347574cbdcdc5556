"""Solar modules in a thermal frame: texture, shape moments, ownership, and comparison with the neighbours."""

import numpy as np

from classicseg._kernels.cpu._jit import jit

FAR = np.int32(1 << 20)


@jit
def local_deviation(values, inside, mean, deviation):
    """Mean and standard deviation of the pixels inside each 3 x 3 window; 0 outside.

    Sums of the three rows first, then of three columns of them. float64 holds the squares of 16-bit counts with
    digits to spare.
    """
    n_rows, n_cols = values.shape
    sums = np.zeros((3, n_cols + 2))  # of values, of squares, of pixels; a column of nothing at either end
    for row in range(n_rows):
        sums[:] = 0.0
        for r in range(max(row - 1, 0), min(row + 2, n_rows)):
            _add_line(values[r], inside[r], sums[0, 1:], sums[1, 1:], sums[2, 1:])
        for col in range(n_cols):
            if not inside[row, col]:
                mean[row, col] = 0.0
                deviation[row, col] = 0.0
                continue
            count = sums[2, col] + sums[2, col + 1] + sums[2, col + 2]
            middle = (sums[0, col] + sums[0, col + 1] + sums[0, col + 2]) / count
            squares = (sums[1, col] + sums[1, col + 1] + sums[1, col + 2]) / count
            mean[row, col] = middle
            deviation[row, col] = np.sqrt(max(squares - middle * middle, 0.0))


@jit
def _add_line(values, inside, total, squares, count):
    for i in range(values.shape[0]):
        value = np.float64(values[i]) if inside[i] else 0.0
        total[i] += value
        squares[i] += value * value
        count[i] += 1.0 if inside[i] else 0.0


@jit
def octaves(deviation, noise, out):
    """Local deviation in octaves above the noise, log2(max(deviation, noise) / noise), averaged over 3 x 3."""
    n_rows, n_cols = deviation.shape
    level = np.zeros((n_rows, n_cols + 2), np.float32)
    for row in range(n_rows):
        for col in range(n_cols):
            if deviation[row, col] > noise:
                level[row, col + 1] = np.log2(np.float64(deviation[row, col]) / noise)
    line = np.empty(n_cols + 2, np.float32)
    for row in range(n_rows):
        line[:] = np.float32(0)
        first, last = max(row - 1, 0), min(row + 2, n_rows)
        for r in range(first, last):
            above = level[r]
            for i in range(n_cols + 2):
                line[i] += above[i]
        for col in range(n_cols):
            width = np.float32(min(col + 2, n_cols) - max(col - 1, 0))
            out[row, col] = (line[col] + line[col + 1] + line[col + 2]) / (width * np.float32(last - first))


@jit
def moments(regions, member, out):
    """Add area, row, col, row², col², row·col and membership of every pixel to its region's row of `out` (R, 7)."""
    for row in range(regions.shape[0]):
        for col in range(regions.shape[1]):
            region = regions[row, col]
            if region > 0:
                sums = out[region - 1]
                sums[0] += 1
                sums[1] += row
                sums[2] += col
                sums[3] += row * row
                sums[4] += col * col
                sums[5] += row * col
                sums[6] += np.int64(member[row, col])


@jit
def nearest_owner(owner, where):
    """Give every pixel of `where` without an owner the nearest one, by city-block steps inside `where`.

    Two sweeps, forth and back; a tie stays with the owner met first. In place.
    """
    n_rows, n_cols = owner.shape
    distance = np.empty(owner.shape, np.int32)
    for row in range(n_rows):
        for col in range(n_cols):
            distance[row, col] = np.int32(0) if owner[row, col] > 0 else FAR
            if where[row, col] and owner[row, col] == 0:
                if row > 0:
                    _take(owner, distance, row, col, row - 1, col)
                if col > 0:
                    _take(owner, distance, row, col, row, col - 1)
    for row in range(n_rows - 1, -1, -1):
        for col in range(n_cols - 1, -1, -1):
            if where[row, col] and distance[row, col] > 0:
                if row + 1 < n_rows:
                    _take(owner, distance, row, col, row + 1, col)
                if col + 1 < n_cols:
                    _take(owner, distance, row, col, row, col + 1)


@jit
def _take(owner, distance, row, col, from_row, from_col):
    if distance[from_row, from_col] + 1 < distance[row, col]:
        distance[row, col] = distance[from_row, from_col] + 1
        owner[row, col] = owner[from_row, from_col]


@jit
def compare(image, owner, where, within, offsets, at_least, reference):
    """Median of the values at the same place of the neighbouring modules.

    A pixel of module m looks at ``offsets[m - 1]`` (K, 2) from itself, where these lie `within` a module. Fewer
    than `at_least` such places, or a pixel outside `where`, give NaN.
    """
    n_rows, n_cols = image.shape
    found = np.empty(offsets.shape[1], np.float32)
    for row in range(n_rows):
        for col in range(n_cols):
            reference[row, col] = np.nan
            if not where[row, col] or owner[row, col] == 0:
                continue
            steps = offsets[owner[row, col] - 1]
            count = 0
            for k in range(steps.shape[0]):
                r = row + steps[k, 0]
                c = col + steps[k, 1]
                if r < 0 or c < 0 or r >= n_rows or c >= n_cols or not within[r, c]:
                    continue
                value = image[r, c]
                place = count  # insertion keeps the few values sorted
                while place > 0 and found[place - 1] > value:
                    found[place] = found[place - 1]
                    place -= 1
                found[place] = value
                count += 1
            if count >= at_least:
                reference[row, col] = np.float32(0.5) * (found[(count - 1) // 2] + found[count // 2])
