"""Fit a calibration from one frame and the temperatures that the vendor's software gives for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from classicseg._validate import check_choice, check_float
from classicseg.thermal._calibration import Calibration
from classicseg.thermal._image import ThermalImage
from classicseg.thermal._read import read

Array = np.ndarray[Any, Any]


def fit_calibration(
    image: ThermalImage | str | os.PathLike[str],
    temperature: Any,
    *,
    unit: str | None = None,
    tolerance_celsius: float = 0.0,
) -> Calibration:
    """Fit the table from one frame and the temperatures that the vendor's software gives for it.

    The vendor's °C is a function of the raw count, so the table reproduces that frame exactly. A frame with a
    wide range of temperatures makes a table that is useful for many others.

    Parameters
    ----------
    image : ThermalImage or path
        The frame with its raw counts.
    temperature : array_like, ThermalImage or path
        (M, N) °C of the same frame, or the file that holds them. NaN pixels are left out.
    unit : str, optional
        Unit of that file's numbers, as in `read`; vendors often write ``"centikelvin"``.
    tolerance_celsius : float, optional
        How far temperatures of one count may spread. Their means are taken, and made to rise with the counts by
        the least change in squares. 0 asks for a one-to-one table, which tells at once when the two files do not
        belong together; for temperatures rounded or filtered on their way, give what that may change.

    Returns
    -------
    Calibration
        Bound to the camera's model and serial number and to the parameters that the frame states.

    Raises
    ------
    ValueError, TypeError
        When shapes differ, the frame has no counts, one count has several temperatures, or `tolerance_celsius` is
        no number of at least 0.

    References
    ----------
    The rising means: Ayer M., Brunk H. D., Ewing G. M., Reid W. T., Silverman E., "An empirical distribution
    function for sampling with incomplete information", Annals of Mathematical Statistics 26(4), 1955, doi
    10.1214/aoms/1177728423 (pooling of adjacent violators).
    """
    tolerance_celsius = check_float("tolerance_celsius", tolerance_celsius, low=0)
    if not isinstance(image, ThermalImage):
        image = read(image)
    if image.raw is None:
        raise ValueError(f"image must have raw counts, got {image.path}, which holds temperatures only")
    celsius = _celsius(temperature, unit)
    if celsius.shape != image.shape:
        raise ValueError(f"temperature must have the frame's shape {image.shape}, got {celsius.shape}")
    valid = np.isfinite(celsius) if image.mask is None else np.isfinite(celsius) & image.mask
    raw, table = _one_to_one(image.raw[valid], celsius[valid], tolerance_celsius)
    scene = {name: parameter.value for name, parameter in image.parameters.items()}
    return Calibration(raw, table, image.camera.model, image.camera.serial_number, scene, Path(image.path).name)


def _celsius(temperature: Any, unit: str | None) -> Array:
    if isinstance(temperature, (str, Path)) or hasattr(temperature, "__fspath__"):
        temperature = read(temperature, unit=unit)
    elif unit is not None:
        check_choice("unit", unit, ("celsius",))
    if isinstance(temperature, ThermalImage):
        if temperature.temperature is None:
            raise ValueError(f"temperature must be in °C, got counts from {temperature.path}; pass its unit=")
        temperature = temperature.temperature
    return np.asarray(temperature, np.float64)


def _one_to_one(raw: Array, celsius: Array, tolerance: float) -> tuple[Array, Array]:
    counts, index, n_pixels = np.unique(raw, return_inverse=True, return_counts=True)
    if counts.size < 2:
        raise ValueError(f"image must hold at least 2 different valid counts to fit a table, got {counts.size}")
    low = np.full(counts.size, np.inf)
    high = np.full(counts.size, -np.inf)
    np.minimum.at(low, index, celsius)
    np.maximum.at(high, index, celsius)
    worst = int(np.argmax(high - low))
    if high[worst] - low[worst] > tolerance:
        raise ValueError(
            f"temperature must follow from raw alone, {low[worst]:g} to {high[worst]:g} at {counts[worst]}; "
            "use the vendor's output for this very frame, or raise tolerance_celsius"
        )
    if tolerance == 0:
        return counts, low  # one value per count needs no mean, whose rounding would spoil the exact table
    from scipy.optimize import isotonic_regression

    means = np.bincount(index, celsius) / n_pixels
    return counts, np.asarray(isotonic_regression(means, weights=n_pixels).x, np.float64)
