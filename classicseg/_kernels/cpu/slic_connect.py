"""Connected segments of bounded size: large parts are cut, small ones join a neighbour.

Parts are found and measured by their runs, and only the pixels of those that are too small or too large are walked
over.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called, jit_inline, run_blocks
from classicseg._kernels.cpu.regions_connected import joined_runs, measured, painted
from classicseg._kernels.cpu.regions_runs import STRIP
from classicseg._kernels.cpu.regions_tree import renumbered

SHARE = 1024  # small parts that a thread walks over at a time; any value gives the same labels
AT_LEFT, AT_RIGHT, SEEN = 1, 2, 4  # bits of a pixel's state: where it lies, and whether a walk has come to it


class Pixels(NamedTuple):
    parts: np.ndarray  # number of each pixel's part, 0 outside
    state: np.ndarray  # uint8
    n_cols: int


def connected_parts(labels, min_size, max_size, start_label, n_threads=None):
    """Return int32 labels (M, N) from `start_label`, each connected by sides; start_label - 1 where they are negative.

    Parts, the connected pixels of one label, are taken in the order of their first pixels. One of more than
    `max_size` pixels is cut: the first that are reached breadth first from its first pixel are one part, and so on.
    One of less than `min_size` joins the part before it that is met last on such a walk, or where there is none one
    after it; it stays where it has no neighbour. So labels are connected whatever the mask, and numbered by first
    pixel.
    """
    found = joined_runs(labels, None, 1, n_threads)
    parts = painted(found, labels.shape, n_threads)
    area, first = measured(found, n_threads)
    state = np.zeros(parts.shape, np.uint8)
    state[:, 0] = AT_LEFT
    state[:, -1] |= AT_RIGHT
    pixels = Pixels(parts.reshape(-1), state.reshape(-1), parts.shape[1])
    if area[1:].max(initial=0) > max_size:
        number, area, first = _cut(found, pixels, area, first, max_size)
        renumbered(parts, number, n_threads, out=parts)
    new = _joined(pixels, area, first, min_size, n_threads)
    return renumbered(parts, new + np.int32(start_label - 1), n_threads, out=parts)


def _cut(found, pixels, area, first, max_size):
    """Cut the large parts; return the numbers that all are to have, by first pixel, and then sizes and first pixels."""
    large = area > max_size
    large[0] = False
    room = int(area[large].sum())  # a piece may be an island of one pixel; only what is used is touched
    sizes, starts = np.empty(room, np.int64), np.empty(room, np.int64)
    made = cut_large(pixels, _runs_of(found, large), len(area), np.empty(max_size + 1, np.int64), sizes, starts)
    all_first = np.concatenate([np.where(large, -1, first), starts[:made]])
    all_area = np.concatenate([area, sizes[:made]])
    living = np.flatnonzero(all_first[1:] >= 0) + 1
    order = np.concatenate([[0], living[np.argsort(all_first[living], kind="stable")]])
    number = np.zeros(len(all_area), np.int32)
    number[order] = np.arange(len(order))
    return number, all_area[order], all_first[order]


def _runs_of(found, wanted):
    """Return where the runs of the wanted parts begin and end (n, 2), in raster order."""
    runs = []
    for block, (starts, regions) in enumerate(found.strips):
        mine = np.flatnonzero(wanted[found.numbers[found.first[block] + regions]])
        runs.append(np.stack([starts[mine], starts[mine + 1]], axis=1) + block * STRIP * found.form.width)
    return np.concatenate(runs)


@jit
def cut_large(pixels, runs, n_parts, queue, sizes, starts):
    """Give each piece of the parts that have these runs a number from `n_parts` on.

    Writes size and first pixel of each, and returns how many there are. A piece has at most as many pixels as `queue`
    has room for, but one.
    """
    parts, made = pixels.parts, 0
    for i in range(runs.shape[0]):
        for pixel in range(runs[i, 0], runs[i, 1]):
            if parts[pixel] >= n_parts:
                continue
            part, piece = parts[pixel], np.int32(n_parts + made)
            parts[pixel], queue[0] = piece, pixel
            size, seen = 1, 0
            while seen < size < queue.shape[0] - 1:
                for side in range(4):
                    other = beside(pixels, queue[seen], side)
                    if parts[other] == part and size < queue.shape[0] - 1:
                        parts[other], queue[size] = piece, other
                        size += 1
                seen += 1
            sizes[made], starts[made] = size, pixel
            made += 1
    return made


@jit_called
def beside(pixels, at, side):
    """Return the pixel to the right, left, below or above; `at` itself at the end of the image."""
    if side == 0:
        return at if pixels.state[at] & AT_RIGHT else at + 1
    if side == 1:
        return at if pixels.state[at] & AT_LEFT else at - 1
    if side == 2:
        return at + pixels.n_cols if at + pixels.n_cols < pixels.parts.shape[0] else at
    return at - pixels.n_cols if at >= pixels.n_cols else at


def _joined(pixels, area, first, min_size, n_threads):
    """Return the number of the segment of each part: 1, 2, ... by first pixel; 0 for part 0.

    A small part that meets no segment before it waits, with those of its kind that it meets, for the first large part
    that one of them meets. Where others intervene they join any segment around them, and one another if there is none.
    """
    small = np.flatnonzero(area < min_size)
    small = small[small > 0]
    room = int(area[small].max(initial=1)) + 1
    met, new = np.zeros(len(area), np.int32), np.zeros(len(area), np.int32)

    def walk_over(block):
        meet(pixels, small[block * SHARE : (block + 1) * SHARE], area, first, np.empty(room, np.int64), met)

    run_blocks(walk_over, -(-len(small) // SHARE), n_threads)
    group, label_of = np.zeros(len(area), np.int32), np.zeros(len(area) + 1, np.int32)
    touched, queue = np.zeros(len(area), np.int32), np.empty(room, np.int64)
    count, n_groups = join_small(pixels, area < min_size, first, met, queue, group, label_of, touched, new)
    if n_groups > 0:  # few images have any, and the others need not have it compiled
        join_waiting(pixels, first, queue, group, label_of, count, new)
    return new


@jit_called
def walk(pixels, start, queue):
    """Write the pixels of a part to `queue`, breadth first from `start`; return how many. There is room for one more.

    Only pixels of the part change their state, and for the time of the walk: others may be walked over beside it.
    """
    n_pixels, n_cols = np.uint64(pixels.parts.shape[0]), np.uint64(pixels.n_cols)
    queue[0] = start
    pixels.state[start] |= SEEN
    size, seen, one = np.uint64(1), np.uint64(0), np.uint64(1)
    while seen < size:
        at = np.uint64(queue[seen])  # unsigned places spare a look at their sign
        its = pixels.state[at]
        size = _visit(pixels, at, at + np.uint64(its & AT_RIGHT == 0), queue, size)
        size = _visit(pixels, at, at - np.uint64(its & AT_LEFT == 0), queue, size)
        size = _visit(pixels, at, at + n_cols if at + n_cols < n_pixels else at, queue, size)
        size = _visit(pixels, at, at - n_cols if at >= n_cols else at, queue, size)
        seen += one
    for i in range(np.int64(size)):
        pixels.state[np.uint64(queue[i])] &= SEEN - 1
    return np.int64(size)


@jit_inline
def _visit(pixels, at, other, queue, size):
    """Append a pixel if it is of the same part and new; without a branch, which would be as good as random."""
    its, of_other = pixels.state[at], pixels.state[other]
    fresh = (pixels.parts[other] == pixels.parts[at]) & (of_other < SEEN)
    queue[size] = other
    pixels.state[other if fresh else at] = (of_other if fresh else its) | SEEN
    return size + np.uint64(fresh)


@jit
def meet(pixels, small, area, first, queue, met):
    """Write the part met last of those before each small part, if there is one."""
    for k in range(small.shape[0]):
        size, queue[0] = 1, first[small[k]]
        if area[small[k]] > 1:  # half of them have one pixel where a picture is noisy
            size = walk(pixels, queue[0], queue)
        met[small[k]] = _last_before(pixels, small[k], queue[:size])


@jit_called
def _last_before(pixels, part, walked):
    for i in range(walked.shape[0] - 1, -1, -1):
        for side in range(3, -1, -1):
            other = pixels.parts[beside(pixels, walked[i], side)]
            if 0 < other < part:
                return other
    return np.int32(0)


@jit
def join_small(pixels, is_small, first, met, queue, group, label_of, touched, new):
    """Write to `new` the numbers of `_joined`, from the parts `met` last before small ones.

    `group` becomes that of parts that wait, 0 of others; `label_of` the label of groups, 0 as long as they wait;
    `touched` the newest group that has met each later part. Returns how many labels and how many groups there are.
    """
    count, newest = 0, 0
    for part in range(1, is_small.shape[0]):
        if not is_small[part]:
            count += 1
            new[part] = count
            if newest > 0 and touched[part] == newest and label_of[newest] == 0:
                label_of[newest] = count
            continue
        before = max(new[met[part]], label_of[group[met[part]]])
        if before > 0:
            new[part] = before
            continue
        size = walk(pixels, first[part], queue)
        before, waits = _met_before(pixels, part, queue[:size], new, group, label_of, newest)
        if before > 0:
            new[part] = before
            continue
        if not waits:
            newest += 1
        group[part] = newest
        _touch(pixels, part, queue[:size], touched, newest)
    return count, newest


@jit_called
def _met_before(pixels, part, walked, new, group, label_of, newest):
    """Return the label met last of the parts before one, and whether one of the newest group that waits was met."""
    before, waits = np.int32(0), False
    for i in range(walked.shape[0]):
        for side in range(4):
            its = pixels.parts[beside(pixels, walked[i], side)]
            if 0 < its < part:
                label = max(new[its], label_of[group[its]])
                if label > 0:
                    before = label
                elif group[its] == newest:
                    waits = True
    return before, waits


@jit_called
def _touch(pixels, part, walked, touched, newest):
    """Mark the later parts around a part."""
    for i in range(walked.shape[0]):
        for side in range(4):
            other = pixels.parts[beside(pixels, walked[i], side)]
            if other > part:
                touched[other] = newest


@jit
def join_waiting(pixels, first, queue, group, label_of, count, new):
    """Give the parts that waited their group's label, else one from around them, else one of their own; then number."""
    n_parts = new.shape[0]
    stack = np.empty(n_parts, np.int32)
    for part in range(1, n_parts):
        if new[part] == 0:
            new[part] = label_of[group[part]]
    for alone in range(2):
        for part in range(1, n_parts):
            if new[part] > 0:
                continue
            label = _spread(pixels, first[part], queue, 0, new, stack, 0)[0]
            if label == 0 and alone == 1:
                count += 1
                label = count
            if label == 0:
                continue
            new[part], stack[0], depth = label, part, 1
            while depth > 0:
                depth -= 1
                _, depth = _spread(pixels, first[stack[depth]], queue, label, new, stack, depth)
    number = np.zeros(count + 1, np.int32)
    found = np.int32(0)
    for part in range(1, n_parts):
        if number[new[part]] == 0:
            found += 1
            number[new[part]] = found
        new[part] = number[new[part]]


@jit
def _spread(pixels, start, queue, label, new, stack, depth):
    """Walk over a part; give `label`, if above 0, to the parts around it that have none, and push them.

    Returns the label met last, and the depth of the stack.
    """
    met = np.int32(0)
    for i in range(walk(pixels, start, queue)):
        for side in range(4):
            its = pixels.parts[beside(pixels, queue[i], side)]
            if its == 0 or its == pixels.parts[start]:
                continue
            if new[its] > 0:
                met = new[its]
            elif label > 0:
                new[its], stack[depth] = label, its
                depth += 1
    return met, depth
