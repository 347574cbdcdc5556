"""The affinity of pixels: how much each pixel is like those around it, as half of a stencil.

A link of two pixels is kept once, at the upper one (at the left one of a row): `weights[top + row, o, left + col]`
links a pixel to the one at `offsets[o]` from it. Above, left and right of the image are margins of zeros as wide as the
stencil, and the rows of a vector have them too, so that no loop asks where the image ends.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_vectorised, run_blocks

ROWS = 16  # rows of a block of work
LANES = 16  # rows are as long as a multiple of this
N_SUMS = 16  # blocks of rows of which sums are kept: so many, whatever the number of threads
FAINT = 1e-12  # weaker links are none: they would make eigenvalues that nobody can tell from 1
FAINTEST = np.float32(-np.log(FAINT))
FARTHEST = np.float32(80)  # exp(-80) is still a normal number of float32
LOG2E, HALF = np.float32(np.log2(np.e)), np.float32(0.5)
# 2**f for |f| <= 0.5, interpolated at the Chebyshev points but for P0, so that 2**0 is 1: within 2.6e-7, with rounding.
P0, P1, P2 = np.float32(1), np.float32(0.69314718803), np.float32(0.24022107485)
P3, P4, P5 = np.float32(0.05550357114), np.float32(0.00967603192), np.float32(0.00133908634)
BIAS, MANTISSA = np.int32(127), np.int32(23)


def margins(offsets):
    """Return the rows above the image and the columns on either side."""
    if len(offsets) == 0:
        return 0, 0
    return int(offsets[:, 0].max()), int(np.abs(offsets[:, 1]).max())


def padded_columns(offsets, n_cols):
    """Return the length of a row with its margins."""
    return -(-n_cols // LANES) * LANES + 2 * margins(offsets)[1]


def planes(sources, origins, factors, inside, shape, n_threads=None):
    """Return features (C, M, N) float32, ``(source - origin) * factor``; 0 outside the mask."""
    out = np.empty((len(sources), *shape), np.float32)

    def block(index):
        rows = slice(index * ROWS, (index + 1) * ROWS)
        for plane, source, origin, factor in zip(out, sources, origins, factors):
            # In float64 where float32 might lose the difference, or not hold it.
            dtype = np.float32 if source.dtype.itemsize <= 2 else np.float64
            with np.errstate(over="ignore", invalid="ignore"):  # outside the mask anything may stand
                apart = np.subtract(source[rows], origin, dtype=dtype)
                np.multiply(apart, factor, out=plane[rows], casting="same_kind")
            if inside is not None:
                plane[rows][~inside[rows]] = 0

    run_blocks(block, -(-shape[0] // ROWS), n_threads)
    return out


def weigh(links, shape, squared, n_threads=None):
    """Return the weights, (top + M, O, columns with margins) float32, with the same bits on every device.

    The exponent of a link is ``distance + spatial + barrier``, with ``distance = place + |difference of planes|²``, and
    its root where not `squared`.
    """
    margin = margins(links.offsets)
    out = np.empty((margin[0] + shape[0], len(links.offsets), padded_columns(links.offsets, shape[1])), np.float32)
    out[: margin[0]] = 0

    def block(index):
        _weigh_rows(links, shape, margin, squared, (index * ROWS, min((index + 1) * ROWS, shape[0])), out)

    run_blocks(block, -(-shape[0] // ROWS), n_threads)
    return out


@jit
def _weigh_rows(links, shape, margin, squared, rows, out):
    (n_rows, n_cols), (top, left) = shape, margin
    exponent, bits = np.empty(n_cols, np.float32), np.empty(n_cols, np.int32)
    for row in range(rows[0], rows[1]):
        for o in range(len(links.offsets)):
            down, right = links.offsets[o]
            line = out[top + row, o]
            if row + down >= n_rows:
                line[:] = 0
                continue
            start, stop = max(0, -right), min(n_cols, n_cols - right)
            line[: left + start] = 0
            line[left + stop :] = 0
            these = exponent[: stop - start]
            these[:] = links.place[o]
            _add_squares(links.planes, row, row + down, start, right, these)
            if not squared:
                for i in range(len(these)):
                    these[i] = np.sqrt(these[i])
            if links.barrier.size:
                between = links.steps[links.line[o] : links.line[o + 1]]
                _add_barrier(links.barrier, row, start, between, bits.view(np.float32)[: stop - start], these)
            if links.outside.size:
                one, other = links.outside[row, start:stop], links.outside[row + down, start + right :]
                for i in range(len(these)):
                    these[i] += max(one[i], other[i])
            _exponential(these, links.spatial[o], bits, bits.view(np.float32), line[left + start :])


@jit
def _add_squares(planes, row, other_row, start, right, out):
    """Add the squared differences of the pixels from `start` on and those `right` of them in another row."""
    n_channels = planes.shape[0]
    alone = n_channels % 3
    for c in range(alone):
        one, other = planes[c, row, start:], planes[c, other_row, start + right :]
        for i in range(len(out)):
            apart = one[i] - other[i]
            out[i] += apart * apart
    for c in range(alone, n_channels, 3):  # three at a time: colours take one pass
        red, other_red = planes[c, row, start:], planes[c, other_row, start + right :]
        green, other_green = planes[c + 1, row, start:], planes[c + 1, other_row, start + right :]
        blue, other_blue = planes[c + 2, row, start:], planes[c + 2, other_row, start + right :]
        for i in range(len(out)):
            r, g, b = red[i] - other_red[i], green[i] - other_green[i], blue[i] - other_blue[i]
            out[i] += (r * r + g * g) + b * b


@jit
def _add_barrier(barrier, row, start, steps, highest, out):
    """Add the highest barrier on the line between the pixels, both ends included."""
    highest[:] = 0
    for s in range(len(steps)):
        here = barrier[row + steps[s, 0], start + steps[s, 1] :]
        for i in range(len(out)):
            highest[i] = max(highest[i], here[i])
    for i in range(len(out)):
        out[i] += highest[i]


@jit
def _exponential(exponent, spatial, bits, power, out):
    """Write exp(-(exponent + spatial)), 0 below FAINT."""
    n = len(exponent)
    for i in range(n):
        total = exponent[i] + spatial
        scaled = -LOG2E * min(total, FARTHEST)
        whole = np.int32(scaled - HALF)  # towards 0, which for what is not positive is to the nearest
        f = scaled - np.float32(whole)
        value = P0 + f * (P1 + f * (P2 + f * (P3 + f * (P4 + f * P5))))
        out[i] = value if total <= FAINTEST else np.float32(0)
        bits[i] = (whole + BIAS) << MANTISSA
    for i in range(n):
        out[i] *= power[i]


def degrees(weights, offsets, shape, n_threads=None):
    """Return the sum of each pixel's weights, (M, N) float64."""
    out = np.zeros(shape)

    def block(index):
        _degree_rows(weights, offsets, margins(offsets), index * ROWS, min((index + 1) * ROWS, shape[0]), out)

    run_blocks(block, -(-shape[0] // ROWS), n_threads)
    return out


@jit
def _degree_rows(weights, offsets, margin, first, last, out):
    top, left = margin
    n_cols = out.shape[1]
    for row in range(first, last):
        line = out[row]
        for o in range(len(offsets)):
            down, right = offsets[o]
            forth, back = weights[top + row, o, left:], weights[top + row - down, o, left - right :]
            for i in range(n_cols):
                line[i] += np.float64(forth[i]) + np.float64(back[i])


def pad(vectors, offsets):
    """Return vectors (K, M, N) with margins."""
    (top, left), (n, n_rows, n_cols) = margins(offsets), vectors.shape
    out = np.zeros((n, n_rows + 2 * top, padded_columns(offsets, n_cols)), vectors.dtype)
    out[:, top : top + n_rows, left : left + n_cols] = vectors
    return out


def unpad(vectors, offsets, shape):
    """Return the view (K, M, N) of vectors with margins."""
    top, left = margins(offsets)
    return vectors[:, top : top + shape[0], left : left + shape[1]]


def product(weights, offsets, vectors, n_threads=None):
    """Return the affinity times vectors with margins, in their dtype, with margins of zeros."""
    margin, out = margins(offsets), np.zeros_like(vectors)
    n_rows = vectors.shape[1] - 2 * margin[0]

    def block(index):
        _product_rows(weights, offsets, margin, vectors, index * ROWS, min((index + 1) * ROWS, n_rows), out)

    run_blocks(block, -(-n_rows // ROWS), n_threads)
    return out


@jit_vectorised
def _product_rows(weights, offsets, margin, vectors, first, last, out):
    top, left = margin
    width = vectors.shape[2] - 2 * left
    for row in range(first, last):
        for o in range(len(offsets)):
            down, right = offsets[o]
            forth, back = weights[top + row, o, left:], weights[top + row - down, o, left - right :]
            for k in range(vectors.shape[0]):
                after, before = (
                    vectors[k, top + row + down, left + right :],
                    vectors[k, top + row - down, left - right :],
                )
                line = out[k, top + row, left : left + width]
                for i in range(width):
                    line[i] += forth[i] * after[i] + back[i] * before[i]


def links_of_labels(weights, offsets, labels, n_labels, n_threads=None):
    """Return for each label the weight within, every link counted from both its ends, and that to other labels.

    Pixels of negative labels have no links.
    """
    n_rows = labels.shape[0]
    height = -(-n_rows // N_SUMS)
    n_blocks = -(-n_rows // height)
    sums = np.zeros((n_blocks, 2, n_labels))

    def block(index):
        rows = index * height, min((index + 1) * height, n_rows)
        _label_rows(weights, offsets, margins(offsets), labels, rows, sums[index, 0], sums[index, 1])

    run_blocks(block, n_blocks, n_threads)
    within, across = sums.sum(axis=0)
    return within, across


@jit
def _label_rows(weights, offsets, margin, labels, rows, within, across):
    top, left = margin
    n_rows, n_cols = labels.shape
    for row in range(rows[0], rows[1]):
        for o in range(len(offsets)):
            down, right = offsets[o]
            if row + down >= n_rows:
                continue
            line = weights[top + row, o]
            for col in range(max(0, -right), min(n_cols, n_cols - right)):
                one, other = labels[row, col], labels[row + down, col + right]
                if one < 0 or other < 0:
                    continue
                weight = np.float64(line[left + col])
                if one == other:
                    within[one] += 2 * weight
                else:
                    across[one] += weight
                    across[other] += weight


def to_csr(weights, offsets, shape, n_threads=None):
    """Return data, indices and indptr of the symmetric matrix, columns ascending, without zeros."""
    n_rows, n_cols = shape
    counts = np.zeros((n_rows, n_cols), np.int64)
    both = np.concatenate([-offsets[::-1], offsets])  # ascending columns
    n_blocks = -(-n_rows // ROWS)

    def count(index):
        _count_rows(weights, offsets, margins(offsets), index * ROWS, min((index + 1) * ROWS, n_rows), counts)

    run_blocks(count, n_blocks, n_threads)
    indptr = np.concatenate([[0], np.cumsum(counts.reshape(-1))])
    kind = np.int32 if max(indptr[-1], counts.size) < 2**31 else np.int64
    data, indices = np.empty(indptr[-1], np.float32), np.empty(indptr[-1], kind)

    def fill(index):
        rows = index * ROWS, min((index + 1) * ROWS, n_rows)
        _fill_rows(weights, both, margins(offsets), n_cols, rows, indptr, data, indices)

    run_blocks(fill, n_blocks, n_threads)
    return data, indices, indptr.astype(kind)


@jit
def _count_rows(weights, offsets, margin, first, last, counts):
    top, left = margin
    n_cols = counts.shape[1]
    for row in range(first, last):
        line = counts[row]
        for o in range(len(offsets)):
            down, right = offsets[o]
            forth, back = weights[top + row, o, left:], weights[top + row - down, o, left - right :]
            for i in range(n_cols):
                line[i] += np.int64(forth[i] > 0) + np.int64(back[i] > 0)


@jit
def _fill_rows(weights, both, margin, n_cols, rows, indptr, data, indices):
    top, left = margin
    half = len(both) // 2
    for row in range(rows[0], rows[1]):
        for col in range(n_cols):
            at = indptr[row * n_cols + col]
            for b in range(len(both)):
                down, right = both[b]
                if b < half:
                    weight = weights[top + row + down, half - 1 - b, left + col + right]
                else:
                    weight = weights[top + row, b - half, left + col]
                if weight > 0:
                    data[at] = weight
                    indices[at] = (row + down) * n_cols + col + right
                    at += 1
