"""Thermal frames of solar modules whose hot spots are known by construction."""

import numpy as np
from scipy import ndimage


def module_field(rng, shape=(240, 320), module=(34, 22), frame=3, row_gap=30, noise=0.15, soil=(31.0, 2.5)):
    """Return (temperature °C float32, list of module boxes): rows of modules over rough soil.

    Rows are two modules tall; the soil between them is as warm as the modules and often hotter.
    """
    temperature = ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.2)
    temperature = soil[0] + soil[1] * temperature / temperature.std()
    boxes = []
    top = 8
    while top + 2 * (module[0] + frame) < shape[0]:
        temperature[top - frame : top + 2 * (module[0] + frame), 4 : shape[1] - 4] = 24.0  # the frames
        for row in (top, top + module[0] + frame):
            for col in range(8, shape[1] - module[1] - 6, module[1] + frame):
                box = (row, col, row + module[0], col + module[1])
                boxes.append(box)
                gradient = np.linspace(0, 1.0, module[0])[:, None]
                temperature[box[0] : box[2], box[1] : box[3]] = 32.0 + gradient
                junction = np.s_[box[0] + 2 : box[0] + 5, box[1] + module[1] // 2 : box[1] + module[1] // 2 + 3]
                temperature[junction] += 3.5  # every module has one: no finding
        top += 2 * (module[0] + frame) + row_gap
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    radius = ((rows - shape[0] / 2) ** 2 + (cols - shape[1] / 2) ** 2) / (shape[0] / 2) ** 2
    temperature = ndimage.gaussian_filter(temperature, 0.6) - 1.2 * radius + rng.normal(0, noise, shape)
    return temperature.astype(np.float32), boxes


def heat(temperature, box, delta):
    """Raise a box by `delta` K, with a soft edge as optics give it."""
    bump = np.zeros_like(temperature)
    bump[box[0] : box[2], box[1] : box[3]] = delta
    return temperature + ndimage.gaussian_filter(bump, 0.6)
