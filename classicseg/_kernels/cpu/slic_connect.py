"""Connected segments of bounded size: large parts are cut, small ones join a neighbour."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu._marks import list_marks, mark_changes, no_marks
from classicseg._kernels.cpu.regions import relabel
from classicseg._kernels.cpu.regions_connected import connected

STRIPS = 8  # at most, that sizes are counted in: each has an array with a number for every part
ROWS_OF_STRIP = 128


def connected_parts(labels, min_size, max_size, start_label, n_threads=None):
    """Return int32 labels (M, N) from `start_label`, each connected by sides; start_label - 1 where they are negative.

    Parts, the connected pixels of one label, are taken in the order of their first pixels. One of more than
    `max_size` pixels is cut: the first that are reached breadth first from its first pixel are one part, and so on.
    One of less than `min_size` joins the part before it that is met last on such a walk, or where there is none one
    after it; it stays where it has no neighbour. So labels are connected whatever the mask, and numbered by first
    pixel.
    """
    parts, count = connected(labels, None, 1, n_threads)
    area, first = _measured(parts, count, n_threads)
    if count and area.max() > max_size:
        area, first = _cut(parts, area, first, max_size, n_threads)
    new = np.zeros(len(area), np.int32)
    join_small(parts.reshape(-1), parts.shape[1], area, first, min_size, new)
    new += np.int32(start_label - 1)
    _renumber(parts, new, n_threads)
    return parts


def _renumber(parts, new, n_threads):
    def strip(index):
        relabel(parts[index * ROWS_OF_STRIP : (index + 1) * ROWS_OF_STRIP], new)

    run_blocks(strip, -(-len(parts) // ROWS_OF_STRIP), n_threads)


def _measured(parts, count, n_threads):
    """Return pixels and first pixel of every part, by number; 0 is what lies outside."""
    rows = max(ROWS_OF_STRIP, -(-len(parts) // STRIPS))
    n_strips = -(-len(parts) // rows)
    area = np.zeros((n_strips, count + 1), np.int64)
    first = np.full((n_strips, count + 1), parts.size, np.int64)

    def strip(index):
        measure(parts, index * rows, min((index + 1) * rows, len(parts)), area[index], first[index])

    run_blocks(strip, n_strips, n_threads)
    return area.sum(axis=0), first.min(axis=0)


@jit
def measure(parts, start, stop, area, first):
    n_cols = parts.shape[1]
    marks = no_marks(n_cols)
    changes = np.empty(n_cols, np.int32)
    for row in range(start, stop):
        line = parts[row]
        mark_changes(line, marks)
        n_changes = list_marks(marks, changes)
        begin = 0
        for i in range(n_changes + 1):
            end = changes[i] if i < n_changes else n_cols
            part = line[begin]
            area[part] += end - begin
            first[part] = min(first[part], row * n_cols + begin)
            begin = end


def _cut(parts, area, first, max_size, n_threads):
    """Cut the large parts, and number all again by first pixel; return the new sizes and first pixels."""
    large = area > max_size
    room = int(area[1:][large[1:]].sum())  # a piece may be an island of one pixel; only what is used is touched
    sizes, starts = np.empty(room, np.int64), np.empty(room, np.int64)
    made = cut_large(parts.reshape(-1), parts.shape[1], area, max_size, sizes, starts)
    count = len(area) - 1
    large[0] = False
    all_first = np.concatenate([np.where(large, -1, first), starts[:made]])
    all_area = np.concatenate([area, sizes[:made]])
    living = np.flatnonzero(all_first[1:] >= 0) + 1
    order = living[np.argsort(all_first[living], kind="stable")]
    number = np.zeros(count + 1 + made, np.int32)
    number[order] = np.arange(1, len(order) + 1)
    _renumber(parts, number, n_threads)
    return np.append(all_area[0], all_area[order]), np.append(all_first[0], all_first[order])


@jit
def cut_large(parts, n_cols, area, max_size, sizes, starts):
    """Give each piece of a part of more than `max_size` pixels a number above those that there are.

    Writes size and first pixel of each, and returns how many there are.
    """
    n_parts = area.shape[0]
    queue = np.empty(max_size, np.int64)
    made = 0
    for pixel in range(parts.shape[0]):
        part = parts[pixel]
        if part == 0 or part >= n_parts or area[part] <= max_size:
            continue
        piece = np.int32(n_parts + made)
        parts[pixel], queue[0] = piece, pixel
        size, seen = 1, 0
        while seen < size < max_size:
            for side in range(4):
                other = _beside(queue[seen], side, n_cols, parts.shape[0])
                if other >= 0 and parts[other] == part:
                    parts[other], queue[size] = piece, other
                    size += 1
                    if size >= max_size:
                        break
            seen += 1
        sizes[made], starts[made] = size, pixel
        made += 1
    return made


@jit
def join_small(parts, n_cols, area, first, min_size, new):
    """Write to `new` (parts + 1,) the number of the segment of each part: 1, 2, ... by first pixel.

    A small part that meets no segment before it waits, with those of its kind that it meets, for the first large part
    that one of them meets. Where others intervene they join any segment around them, and one another if there is none.
    """
    n_parts = area.shape[0]
    group = np.zeros(n_parts, np.int32)  # of parts that wait, 0 of others; the newest is `newest`
    label_of = np.zeros(n_parts + 1, np.int32)  # of groups, 0 as long as they wait
    touched = np.zeros(n_parts, np.int32)  # newest group that has met each later part
    largest = np.int64(1)
    for part in range(1, n_parts):
        if area[part] < min_size:
            largest = max(largest, area[part])
    queue = np.empty(largest, np.int64)
    count, newest = np.int32(0), np.int32(0)
    for part in range(1, n_parts):
        if area[part] >= min_size:
            count += 1
            new[part] = count
            if newest > 0 and touched[part] == newest and label_of[newest] == 0:
                label_of[newest] = count
            continue
        before, waits = _walk(parts, n_cols, part, first[part], queue, new, group, label_of, newest)
        if before > 0:
            new[part] = before
            continue
        if not waits:
            newest += 1
        group[part] = newest
        _touch(parts, n_cols, part, queue[: area[part]], touched, newest)
    if newest > 0:
        _join_waiting(parts, n_cols, area, first, queue, group, label_of, count, new)


@jit
def _walk(parts, n_cols, part, start, queue, new, group, label_of, newest):
    """Walk over a part breadth first and back, its pixels in `queue`.

    Returns the label of the last neighbour met that comes before it and has one, and whether one of the newest group
    that waits was met.
    """
    before, waits = np.int32(0), False
    size, seen = 1, 0
    parts[start], queue[0] = -part, start
    while seen < size:
        at = queue[seen]
        for side in range(4):
            other = _beside(at, side, n_cols, parts.shape[0])
            if other < 0:
                continue
            its = parts[other]
            if its == part:
                parts[other], queue[size] = -part, other
                size += 1
            elif 0 < its < part:
                label = new[its] if new[its] > 0 else label_of[group[its]]
                if label > 0:
                    before = label
                elif group[its] == newest:
                    waits = True
        seen += 1
    for i in range(size):
        parts[queue[i]] = part
    return before, waits


@jit
def _beside(at, side, n_cols, n_pixels):
    """Return the pixel to the right, left, below or above, -1 beyond the image."""
    col = at % n_cols
    if side == 0:
        return at + 1 if col < n_cols - 1 else -1
    if side == 1:
        return at - 1 if col > 0 else -1
    if side == 2:
        return at + n_cols if at + n_cols < n_pixels else -1
    return at - n_cols


@jit
def _touch(parts, n_cols, part, pixels, touched, newest):
    """Mark the later parts around a part."""
    for i in range(pixels.shape[0]):
        for side in range(4):
            other = _beside(pixels[i], side, n_cols, parts.shape[0])
            if other >= 0 and parts[other] > part:
                touched[parts[other]] = newest


@jit
def _join_waiting(parts, n_cols, area, first, queue, group, label_of, count, new):
    """Give the parts that waited their group's label, else one from around them, else one of their own; then number."""
    n_parts = area.shape[0]
    stack = np.empty(n_parts, np.int32)
    for part in range(1, n_parts):
        if new[part] == 0:
            new[part] = label_of[group[part]]
    for alone in range(2):
        for part in range(1, n_parts):
            if new[part] > 0:
                continue
            label = _spread(parts, n_cols, part, first[part], queue, np.int32(0), new, stack, 0)[0]
            if label == 0 and alone == 1:
                count += 1
                label = count
            if label == 0:
                continue
            new[part], stack[0], depth = label, part, 1
            while depth > 0:
                depth -= 1
                at = stack[depth]
                _, depth = _spread(parts, n_cols, at, first[at], queue, label, new, stack, depth)
    number = np.zeros(count + 1, np.int32)
    found = np.int32(0)
    for part in range(1, n_parts):
        if number[new[part]] == 0:
            found += 1
            number[new[part]] = found
        new[part] = number[new[part]]


@jit
def _spread(parts, n_cols, part, start, queue, label, new, stack, depth):
    """Walk over a part; give `label`, if above 0, to the parts around it that have none, and push them.

    Returns the label met last, and the depth of the stack.
    """
    met = np.int32(0)
    size, seen = 1, 0
    parts[start], queue[0] = -part, start
    while seen < size:
        for side in range(4):
            other = _beside(queue[seen], side, n_cols, parts.shape[0])
            if other < 0:
                continue
            its = parts[other]
            if its == part:
                parts[other], queue[size] = -part, other
                size += 1
            elif its > 0 and new[its] > 0:
                met = new[its]
            elif its > 0 and label > 0:
                new[its], stack[depth] = label, its
                depth += 1
        seen += 1
    for i in range(size):
        parts[queue[i]] = part
    return met, depth
