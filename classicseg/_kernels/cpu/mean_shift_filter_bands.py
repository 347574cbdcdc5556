"""Mean shift of images of many channels in round windows: the channels are a loop, and their sums lie in memory.

The windows of fewer channels are compiled for their number, which takes 0.06 s per channel; these once for any number.
All kernels compute in float64 here.
"""

from classicseg._kernels.cpu._jit import jit, jit_inline, jit_part
from classicseg._kernels.cpu._lanes import WIDE, fused, load, load_wide, ramp, spread, store, total, where
from classicseg._kernels.cpu.mean_shift_filter_climb import box_at, climb_each, range_part, step_of
from classicseg._kernels.cpu.mean_shift_filter_window import chord, falling


@jit_part
def _flat(rule, apart, near, fading):
    return where((apart <= rule.limit) & (near <= rule.reach), spread(1.0), 0.0)


@jit_part
def _epanechnikov(rule, apart, near, fading):
    alike, close = rule.limit - apart, rule.reach - near
    return where(alike > 0.0, alike, 0.0) * where(close > 0.0, close, 0.0)


@jit_part
def _gaussian(rule, apart, near, fading):
    return where((apart <= rule.limit) & (near <= rule.reach), falling(apart * rule.falls[1]) * fading, 0.0)


@jit_part
def _row(weigh, frame, rule, at, near, fading, value, sums):
    """Return the weights of one row's lanes, and add their weighted differences to `sums`, WIDE per channel."""
    apart = spread(0.0)
    for c in range(len(value)):
        gap = load_wide(frame.values, at + frame.offsets[c]) - value[c]
        apart = apart + rule.scales[c] * gap * gap
    weight = weigh(rule, apart, near, fading)
    for c in range(len(value)):
        gap = load_wide(frame.values, at + frame.offsets[c]) - value[c]
        store(sums, c * WIDE, fused(weight, gap, load(sums, c * WIDE)))
    return weight


@jit_inline
def _window(weigh, frame, rule, box, center, lines):
    """Return mass and moments of a window, and put the sums of differences into the last of `lines`."""
    cy, cx = center
    value, sums, moments = lines
    mass, moment_y, moment_x = 0.0, 0.0, 0.0
    moments[:] = 0.0
    for i in range(0, box.n_cols, WIDE):
        dx = ramp(box.first_col + i - cx)
        fading = falling(dx * dx * rule.falls[0])
        first, last = chord(rule, box, box.first_col + i, WIDE, center)
        count, rows = spread(0.0), spread(0.0)
        sums[:] = 0.0
        for k in range(first, last):
            dy = spread(box.first_row + k - cy)
            at = box.corner + i + k * frame.stride
            row_fading = fading * falling(dy * dy * rule.falls[0])
            weight = _row(weigh, frame, rule, at, dx * dx + dy * dy, row_fading, value, sums)
            count = count + weight
            rows = fused(weight, dy, rows)
        mass += total(count)
        moment_y += total(rows)
        moment_x += total(count * dx)
        for c in range(len(value)):
            moments[c] += total(load(sums, c * WIDE))
    return mass, moment_y, moment_x


@jit_inline
def _mode(weigh, frame, rule, lines, pixel):
    """Return what the climb of a pixel of few channels does; the value is the first of `lines`."""
    y, x = pixel
    cy, cx, mass, cut = float(frame.place[0] + y), float(frame.place[1] + x), 0.0, False
    value, _, moments = lines
    for c in range(len(value)):
        value[c] = frame.values[y * frame.stride + x + frame.offsets[c]]
    for _ in range(rule.max_num_iter):
        box, gone = box_at(frame, rule, cy, cx)
        cut |= gone
        weight, moment_y, moment_x = _window(weigh, frame, rule, box, (cy, cx), lines)
        if weight == 0:
            break
        mass = weight
        step_y, step_x = step_of(moment_y, mass, rule.grid), step_of(moment_x, mass, rule.grid)
        cy, cx = cy + step_y, cx + step_x
        moved = (step_y * step_y + step_x * step_x) / rule.widths[0]
        for c in range(len(value)):
            step = step_of(moments[c], mass, rule.grid_range)
            value[c] += step
            moved += range_part(step, rule.scales[c], rule.widths[1])
        if moved <= rule.tol:
            break
    return value, cy, cx, mass * rule.unit, cut


@jit
def climb_flat(frame, rule, lines, rows, found, left):
    """Climb as its namesake for few channels does; `lines` is room for a value, lanes of sums, and moments."""
    climb_each(_mode, _flat, frame, rule, lines, rows, (found, left))


@jit
def climb_epanechnikov(frame, rule, lines, rows, found, left):
    """Climb as `climb_flat` does."""
    climb_each(_mode, _epanechnikov, frame, rule, lines, rows, (found, left))


@jit
def climb_gaussian(frame, rule, lines, rows, found, left):
    """Climb as `climb_flat` does."""
    climb_each(_mode, _gaussian, frame, rule, lines, rows, (found, left))


CLIMBS = {"flat": climb_flat, "epanechnikov": climb_epanechnikov, "gaussian": climb_gaussian}
