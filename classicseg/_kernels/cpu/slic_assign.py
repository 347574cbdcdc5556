"""The kernels of one SLIC step: a strip of tiles, and the centers that may own a pixel of each tile."""

import numpy as np

from classicseg._kernels.cpu._jit import jit

ROWS, COLS = 16, 16  # of a tile; 16 float32 fill the widest vector register
PIXELS = ROWS * COLS
STRIP = 64  # rows of a block of work
DEEP = STRIP // ROWS  # tiles in a column of a strip
BLOCK = 64  # columns whose tiles share one list of centers
ROW = np.repeat(np.arange(ROWS, dtype=np.int32), COLS)  # of each pixel in its tile
COL = np.tile(np.arange(COLS, dtype=np.int32), ROWS)
FAR = np.float32(3e38)  # no distance is that large: weights and scales are bounded
ONE = np.float32(1)
BEST, OWN = 2 * PIXELS, 3 * PIXELS  # parts of the kernels' `work`
# Rows of the table of centers near a block: scaled position from the block's corner, weight, distance from the middle
# of a tile, the same where the window holds the tile, above 0 what is out, room, the window from the corner, colors.
Y, X, WEIGHT, AWAY, HOLDING, STRUCK, LEFT, WINDOW, COLOR = 0, 1, 2, 3, 4, 5, 6, 7, 11
SLACK = np.float32(1e-5)  # 10 times what rounding can do to a comparison of two distances


@jit
def assign_strip(tiles, shape, centers, scale, zero, strip, labels, write):
    """Return the centers whose windows reach this strip, and the sums of their pixels in it."""
    top, bottom = strip * STRIP, min((strip + 1) * STRIP, shape[0])
    n_sums = tiles.sums.shape[1]
    n_across = -(-shape[1] // COLS)
    active = _reaching(centers.window, top, bottom)
    sums = np.zeros((active.shape[0], n_sums), np.int64)
    near = np.empty(active.shape[0], np.int32)  # places in `active`
    features = np.empty((COLOR + n_sums - 3, active.shape[0]), np.float32)
    steps = (np.float32(scale[0]), np.float32(scale[1]))
    kept, used = np.empty(active.shape[0], np.int32), np.empty(active.shape[0] + 1, np.bool_)
    work, pixels = np.empty(4 * PIXELS, np.float32), np.empty(PIXELS, np.int32)
    for i in range(PIXELS):
        work[i], work[PIXELS + i] = ROW[i] * scale[0], COL[i] * scale[1]
    whole = np.empty((n_sums - 3, PIXELS), np.int32)
    rest, part = np.empty(n_sums, np.int32), np.empty(n_sums, np.int32)
    for left in range(0, shape[1], BLOCK):
        right = min(left + BLOCK, shape[1])
        n_near = _gather(active, centers, scale, top, left, right, near, features)
        for x in range(left, right, COLS):
            for y in range(top, bottom, ROWS):
                t = tile_of(y, x, n_across)
                if tiles.sums[t, 0] == 0:
                    continue
                box = (y, min(y + ROWS, shape[0]), x, min(x + COLS, shape[1]))
                place = (
                    np.float32(box[0] - top), np.float32(box[1] - top), np.float32(box[2] - left),
                    np.float32(box[3] - left),
                )  # fmt: skip
                n_holding, n_kept = _shortlist(tiles.low, tiles.high, t, place, steps, zero, n_near, features, kept)
                if n_kept == 1 and n_holding == 1:
                    only = near[kept[0]]
                    _add_whole(tiles.sums, t, y, x, sums, only)
                    if write:
                        _write_one(tiles.inside, t, box, active[only], labels)
                    continue
                _nearest(tiles.values, tiles.inside, t, place, steps, kept, n_holding, n_kept, features, work, pixels)
                rest[:] = tiles.sums[t]
                _add(tiles.values, t, y, x, pixels, near, kept, n_kept, n_holding > 0, used, whole, rest, part, sums)
                if write:
                    _write(pixels, box, active, near, labels)
    return active, sums


@jit
def tile_of(row, col, n_across):
    """Return the index of the tile of a pixel: strip by strip, in a strip column by column, as they are visited."""
    strip = row // STRIP
    return (strip * n_across + col // COLS) * DEEP + (row - strip * STRIP) // ROWS


@jit
def _reaching(window, first, last):
    """List the centers whose window has one of these rows, in order."""
    found = np.empty(window.shape[0], np.int32)
    count = 0
    for k in range(window.shape[0]):
        found[count] = k
        count += np.int64((window[k, 0] < last) & (window[k, 1] > first))
    return found[:count].copy()


@jit
def _gather(active, centers, scale, top, left, right, near, features):
    """List the places in `active` of centers whose window has one of these columns, and fill their `features`."""
    n = 0
    for a in range(active.shape[0]):
        k = active[a]
        if centers.window[k, 2] < right and centers.window[k, 3] > left:
            near[n] = a
            features[Y, n] = (centers.position[k, 0] - top) * scale[0]
            features[X, n] = (centers.position[k, 1] - left) * scale[1]
            features[WEIGHT, n] = centers.weight[k]
            for side in range(4):
                features[WINDOW + side, n] = centers.window[k, side] - (top if side < 2 else left)
            for c in range(centers.color.shape[1]):
                features[COLOR + c, n] = centers.color[k, c]
            n += 1
    return n


@jit
def _shortlist(low, high, t, box, scale, zero, n, features, kept):
    """List the places in `features` of the centers that may be the nearest to a pixel of tile t.

    Those whose windows hold the tile come first. Returns how many these are, and how many all. Center i is out when
    another, j, whose window holds the tile, is nearer everywhere within the tile's bounds: for equal weights the
    difference of the two distances is linear, D_j - D_i in the middle plus |center_j - center_i| times the extent.
    """
    _distances(low, high, t, box, scale, zero, n, features)
    best = 0
    for i in range(1, n):
        best = i if features[HOLDING, i] < features[HOLDING, best] else best
    if features[HOLDING, best] < np.inf:
        _strike(low, high, t, box, scale, zero, n, best, features)
    count = 0
    for i in range(n):
        kept[count] = i
        count += np.int64((features[STRUCK, i] <= 0) & (features[HOLDING, i] < np.inf))
    n_holding = count
    for i in range(n):
        kept[count] = i
        count += np.int64((features[STRUCK, i] <= 0) & (features[HOLDING, i] == np.inf))
    return n_holding, count


@jit
def _distances(low, high, t, box, scale, zero, n, features):
    """Write the distance of each center from the middle of the tile's bounds, and who is out or holds the tile.

    With `zero`, colors count from the nearest value within the bounds.
    """
    half, nothing, never = np.float32(0.5), np.float32(0), np.float32(np.inf)
    mid_y, mid_x = half * (box[0] + box[1] - ONE) * scale[0], half * (box[2] + box[3] - ONE) * scale[1]
    for i in range(n):
        features[AWAY, i] = 0
    for c in range(low.shape[1]):
        mid = half * (low[t, c] + high[t, c])
        extent = half * (high[t, c] - low[t, c]) if zero else nothing
        for i in range(n):
            d = abs(features[COLOR + c, i] - mid) - extent
            d = d if d > nothing else nothing
            features[AWAY, i] += d * d
    for i in range(n):
        dy, dx = features[Y, i] - mid_y, features[X, i] - mid_x
        away = features[AWAY, i] * features[WEIGHT, i] + (dy * dy + dx * dx)
        first, last = features[WINDOW, i], features[WINDOW + 1, i]
        start, end = features[WINDOW + 2, i], features[WINDOW + 3, i]
        meets = (first < box[1]) & (last > box[0]) & (start < box[3]) & (end > box[2])
        holds = (first <= box[0]) & (last >= box[1]) & (start <= box[2]) & (end >= box[3])
        features[AWAY, i] = away
        features[HOLDING, i] = away if holds else never
        features[STRUCK, i] = -ONE if meets else never


@jit
def _strike(low, high, t, box, scale, zero, n, best, features):
    """Strike off the centers that are farther than the center `best` from all that lies within the tile's bounds."""
    half, nothing = np.float32(0.5), np.float32(0)
    half_y, half_x = half * (box[1] - ONE - box[0]) * scale[0], half * (box[3] - ONE - box[2]) * scale[1]
    top, weight = features[AWAY, best], features[WEIGHT, best]
    radius = half_y * half_y + half_x * half_x
    for c in range(low.shape[1]):
        extent = half * (high[t, c] - low[t, c])
        radius += weight * extent * extent
        if zero:  # weights differ: the farthest that j can be, against the nearest that i can
            d = abs(features[COLOR + c, best] - half * (low[t, c] + high[t, c]))
            inner = d - extent if d > extent else nothing
            top += weight * ((d + extent) * (d + extent) - inner * inner)
    y, x = features[Y, best], features[X, best]
    for i in range(n):
        reach = abs(features[Y, i] - y) * half_y + abs(features[X, i] - x) * half_x
        away = features[AWAY, i]
        features[LEFT, i] = away - SLACK * (away + (radius + top)) - (top + (reach + reach))
    if not zero:
        for c in range(low.shape[1]):
            color, extent = features[COLOR + c, best], weight * (high[t, c] - low[t, c])
            for i in range(n):
                features[LEFT, i] -= abs(features[COLOR + c, i] - color) * extent
    for i in range(n):
        struck = (features[LEFT, i] > 0) & (i != best)
        features[STRUCK, i] = ONE if struck else features[STRUCK, i]


@jit
def _holds(features, i, box):
    """Say whether the window of center i has the whole box in it."""
    return (
        features[WINDOW, i] <= box[0]
        and features[WINDOW + 1, i] >= box[1]
        and features[WINDOW + 2, i] <= box[2]
        and features[WINDOW + 3, i] >= box[3]
    )


@jit
def _nearest(values, inside, t, box, scale, kept, n_holding, n_kept, features, work, pixels):
    """Write to `pixels` the place in `features` of the center nearest to each pixel of tile t, -1 where there is none.

    `work` has four parts of PIXELS: scaled row and column in the tile, least distance so far, and that of one center.
    What a loop reads and writes lies at fixed distances in few arrays, or the compiler finds too many that may overlap.
    """
    for i in range(PIXELS):
        work[BEST + i] = FAR if inside[t, i] else -ONE
        pixels[i] = -1
    down, along = box[0] * scale[0], box[2] * scale[1]
    n_channels = values.shape[1] // PIXELS
    n_fours = n_holding if n_channels == 3 else 0
    for place in range(0, n_fours, 4):
        _nearest_of_four(values, t, down, along, kept, place, n_holding - 1, features, work, pixels)
    for place in range(n_fours, n_kept):
        k = kept[place]
        y, x, weight = features[Y, k] - down, features[X, k] - along, features[WEIGHT, k]
        for i in range(PIXELS):
            work[OWN + i] = 0
        for channel in range(n_channels):
            color, first = features[COLOR + channel, k], np.uint32(channel * PIXELS)
            for i in range(PIXELS):
                d = values[t, first + np.uint32(i)] - color
                work[OWN + i] += d * d
        rows = np.int32(features[WINDOW, k] - box[0]), np.int32(features[WINDOW + 1, k] - box[0])
        cols = np.int32(features[WINDOW + 2, k] - box[2]), np.int32(features[WINDOW + 3, k] - box[2])
        for i in range(PIXELS):
            dy, dx, least, which = work[i] - y, work[PIXELS + i] - x, work[BEST + i], pixels[i]
            d = work[OWN + i] * weight + (dy * dy + dx * dx)
            held = (ROW[i] >= rows[0]) & (ROW[i] < rows[1]) & (COL[i] >= cols[0]) & (COL[i] < cols[1])
            nearer = held & ((d < least) | ((d == least) & (k < which)))  # a tie goes to the lower index
            work[BEST + i] = d if nearer else least
            pixels[i] = k if nearer else which


@jit
def _nearest_of_four(values, t, down, along, kept, place, last, features, work, pixels):
    """Go over the pixels once for four centers of three channels: reading and writing them is most of the time.

    Behind the `last` of the list, that one is taken again, which changes nothing.
    """
    j, k = kept[place], kept[min(place + 1, last)]
    m, n = kept[min(place + 2, last)], kept[min(place + 3, last)]
    y1, x1, w1 = features[Y, j] - down, features[X, j] - along, features[WEIGHT, j]
    y2, x2, w2 = features[Y, k] - down, features[X, k] - along, features[WEIGHT, k]
    y3, x3, w3 = features[Y, m] - down, features[X, m] - along, features[WEIGHT, m]
    y4, x4, w4 = features[Y, n] - down, features[X, n] - along, features[WEIGHT, n]
    a1, b1, c1 = features[COLOR, j], features[COLOR + 1, j], features[COLOR + 2, j]
    a2, b2, c2 = features[COLOR, k], features[COLOR + 1, k], features[COLOR + 2, k]
    a3, b3, c3 = features[COLOR, m], features[COLOR + 1, m], features[COLOR + 2, m]
    a4, b4, c4 = features[COLOR, n], features[COLOR + 1, n], features[COLOR + 2, n]
    for i in range(PIXELS):
        a, b, c, y, x = values[t, i], values[t, PIXELS + i], values[t, 2 * PIXELS + i], work[i], work[PIXELS + i]
        which, least = pixels[i], work[BEST + i]
        d = ((a - a1) * (a - a1) + (b - b1) * (b - b1) + (c - c1) * (c - c1)) * w1 + (
            (y - y1) * (y - y1) + (x - x1) * (x - x1)
        )
        which, least = (j, d) if d < least else (which, least)  # strict: a tie goes to the lower index
        d = ((a - a2) * (a - a2) + (b - b2) * (b - b2) + (c - c2) * (c - c2)) * w2 + (
            (y - y2) * (y - y2) + (x - x2) * (x - x2)
        )
        which, least = (k, d) if d < least else (which, least)
        d = ((a - a3) * (a - a3) + (b - b3) * (b - b3) + (c - c3) * (c - c3)) * w3 + (
            (y - y3) * (y - y3) + (x - x3) * (x - x3)
        )
        which, least = (m, d) if d < least else (which, least)
        d = ((a - a4) * (a - a4) + (b - b4) * (b - b4) + (c - c4) * (c - c4)) * w4 + (
            (y - y4) * (y - y4) + (x - x4) * (x - x4)
        )
        pixels[i] = n if d < least else which
        work[BEST + i] = d if d < least else least


@jit
def _add_whole(own, t, y, x, sums, place):
    """Add the sums of a whole tile, those of row t of `own`."""
    count = np.int64(own[t, 0])
    sums[place, 0] += count
    sums[place, 1] += count * y + own[t, 1]
    sums[place, 2] += count * x + own[t, 2]
    for c in range(3, own.shape[1]):
        sums[place, c] += own[t, c]


@jit
def _add(values, t, y, x, pixels, near, kept, n_kept, owned, used, whole, rest, part, sums):
    """Add the pixels of a tile to the sums of their centers; where all have one, the last takes the `rest`."""
    for place in range(n_kept):
        used[kept[place]] = False
    for i in range(PIXELS):
        used[pixels[i]] = True  # -1, which has none, is the last place
    last = -1
    for place in range(n_kept):
        last = place if used[kept[place]] else last
    n_explicit = last if owned else n_kept
    for c in range(whole.shape[0] if n_explicit > 0 else 0):
        first = np.uint32(c * PIXELS)
        for i in range(PIXELS):
            whole[c, i] = np.int32(values[t, first + np.uint32(i)])
    for place in range(n_explicit):
        mine, none = kept[place], np.int32(0)
        if not used[mine]:
            continue
        count, rows, cols = np.int32(0), np.int32(0), np.int32(0)
        for i in range(PIXELS):
            own = pixels[i] == mine
            count = np.int32(count + np.int32(own))
            rows = np.int32(rows + (ROW[i] if own else none))
            cols = np.int32(cols + (COL[i] if own else none))
        part[0], part[1], part[2] = count, rows, cols
        for c in range(whole.shape[0]):
            total = none
            for i in range(PIXELS):
                total = np.int32(total + (whole[c, i] if pixels[i] == mine else none))
            part[3 + c] = total
        _add_part(part, y, x, sums, near[mine])
        for c in range(rest.shape[0]):
            rest[c] -= part[c]
    if owned:
        _add_part(rest, y, x, sums, near[kept[last]])


@jit
def _add_part(own, y, x, sums, place):
    count = np.int64(own[0])
    sums[place, 0] += count
    sums[place, 1] += count * y + own[1]
    sums[place, 2] += count * x + own[2]
    for c in range(3, own.shape[0]):
        sums[place, c] += own[c]


@jit
def _write(pixels, box, active, near, labels):
    for row in range(box[0], box[1]):
        start = (row - box[0]) * COLS
        for col in range(box[2], box[3]):
            place = pixels[start + (col - box[2])]
            if place >= 0:
                labels[row, col] = active[near[place]]


@jit
def _write_one(inside, t, box, k, labels):
    for row in range(box[0], box[1]):
        start = (row - box[0]) * COLS
        for col in range(box[2], box[3]):
            if inside[t, start + (col - box[2])]:
                labels[row, col] = k


@jit
def reach_strip(values, labels, colors, strip):
    """Return the largest squared difference from its center's color of the pixels of each, 0 for those not here."""
    most = np.zeros(colors.shape[0])
    n_across = -(-labels.shape[1] // COLS)
    for row in range(strip * STRIP, min((strip + 1) * STRIP, labels.shape[0])):
        for col in range(labels.shape[1]):
            k = labels[row, col]
            if k < 0:
                continue
            t, i = tile_of(row, col, n_across), (row % ROWS) * COLS + col % COLS
            squared = 0.0
            for c in range(colors.shape[1]):
                d = np.float64(values[t, c * PIXELS + i]) - colors[k, c]
                squared += d * d
            most[k] = max(most[k], squared)
    return most
