"""Mean shift of pixels, as it is defined, one pixel at a time in float64."""

import numpy as np


def climb(image, y, x, spatial, ranges, kernel="flat", tol=0.01, max_num_iter=50, mask=None):
    """Return value, row, column and weight of the last window of one pixel's climb; `ranges` has one per channel."""
    image = np.asarray(image, np.float64)
    mask = np.ones(image.shape[:2], bool) if mask is None else mask
    rows, cols = np.nonzero(mask)
    values = image[mask]
    ranges = np.asarray(ranges, np.float64)
    edge = 3.0 if kernel == "gaussian" else 1.0
    grid = 2.0 ** np.floor(np.log2(spatial)) / 1024
    common = common_width(ranges)
    unit = 2.0 ** np.floor(np.log2(common)) / 2048
    value, cy, cx, mass = image[y, x].copy(), float(y), float(x), 0.0
    for _ in range(max_num_iter):
        dy, dx, dv = rows - cy, cols - cx, values - value
        near = dy**2 + dx**2
        alike = (dv**2 * (common / ranges) ** 2).sum(axis=1)
        inside = (near <= (edge * spatial) ** 2) & (alike <= (edge * common) ** 2)
        near, alike = near / spatial**2, alike / common**2
        if kernel == "flat":
            weight = inside.astype(float)
        elif kernel == "epanechnikov":
            weight = np.where(inside, (1 - near) * (1 - alike), 0)
        else:
            weight = np.where(inside, np.exp(-(near + alike) / 2), 0)
        if weight.sum() == 0:
            break
        mass = weight.sum()
        step_y = np.rint((weight * dy).sum() / mass / grid) * grid
        step_x = np.rint((weight * dx).sum() / mass / grid) * grid
        step = np.rint((weight[:, None] * dv).sum(axis=0) / mass / unit) * unit
        cy, cx, value = cy + step_y, cx + step_x, value + step
        if (step_y**2 + step_x**2) / spatial**2 + ((step / ranges) ** 2).sum() <= tol**2:
            break
    return value, cy, cx, mass


def common_width(ranges):
    """Return the bandwidth whose parts values are rounded to: the least common multiple, or the widest."""
    widest = max(ranges)
    if all(float(value).is_integer() for value in ranges):
        common = int(np.lcm.reduce([int(value) for value in ranges]))
        return float(common) if common <= 8 * widest else widest
    return widest


def climb_opencv(image, y, x, spatial, limit, eps=1.0, max_num_iter=5, mask=None):
    """Return the same by OpenCV's rule: a square window, everything rounded to whole numbers after each step."""
    image = np.asarray(image, np.int64)
    mask = np.ones(image.shape[:2], bool) if mask is None else mask
    rows, cols = np.nonzero(mask)
    values = image[mask]
    value, cy, cx, mass = image[y, x].copy(), y, x, 0
    for _ in range(max_num_iter):
        inside = (abs(rows - cy) <= spatial) & (abs(cols - cx) <= spatial)
        inside &= ((values - value) ** 2).sum(axis=1) <= np.rint(limit**2)
        if not inside.any():
            break
        mass = int(inside.sum())
        part = 1.0 / mass
        new_y, new_x = int(np.rint(rows[inside].sum() * part)), int(np.rint(cols[inside].sum() * part))
        new = np.rint(values[inside].sum(axis=0) * part).astype(np.int64)
        moved = abs(new_y - cy) + abs(new_x - cx) + ((new - value) ** 2).sum()
        stays = (new_y, new_x) == (cy, cx)
        cy, cx, value = new_y, new_x, new
        if stays or moved <= eps:
            break
    return value, cy, cx, mass


def filtered(image, spatial, ranges, rule=climb, mask=None, **options):
    """Return values, positions and weights of all pixels (M, N, C + 3), 0 outside the mask."""
    out = np.zeros((*image.shape[:2], image.shape[2] + 3))
    for y, x in np.ndindex(image.shape[:2]):
        if mask is None or mask[y, x]:
            value, *rest = rule(image, y, x, spatial, ranges, mask=mask, **options)
            out[y, x] = [*value, *rest]
    return out


def fused(found, mask, spatial, ranges):
    """Return the regions of `filtered` pixels whose modes lie within the bandwidths of their neighbours', by growth."""
    labels, n_regions = np.zeros(mask.shape, np.int32), 0
    for start in np.argwhere(mask):
        if labels[tuple(start)]:
            continue
        n_regions += 1
        labels[tuple(start)] = n_regions
        border = [tuple(start)]
        while border:
            y, x = border.pop()
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                inside = 0 <= near[0] < mask.shape[0] and 0 <= near[1] < mask.shape[1]
                if not inside or not mask[near] or labels[near]:
                    continue
                step = found[near] - found[y, x]
                alike = ((step[: len(ranges)] / ranges) ** 2).sum() <= 1
                if alike and (step[-3:-1] ** 2).sum() <= spatial**2:
                    labels[near] = n_regions
                    border.append(near)
    return labels
