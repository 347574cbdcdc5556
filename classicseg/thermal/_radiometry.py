"""Counts of a FLIR sensor to °C and back: Planck's law with emissivity, reflection, atmosphere and window.

The camera writes its own calibration, S = R1 / (R2 (exp(B / T) - F)) - O counts for a black body at T kelvin.
What arrives is S_object weakened by emissivity, two halves of the atmosphere and the window between them,
plus what each of these adds by its own temperature. The transmission of the atmosphere is that of half the distance,
squared, as is usual; taking it once for the whole distance differs by up to 0.1 K at 5 m and 20 K contrast.

References
----------
Minkina W., Dudzik S., "Infrared Thermography: Errors and Uncertainties", Wiley, 2009, doi
10.1002/9780470682234 (the atmospheric transmission). Tattersall G. J., "Infrared thermography: A non-invasive
window into thermal physiology", Comparative Biochemistry and Physiology A 202, 2016, doi
10.1016/j.cbpa.2016.02.022 (the terms).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ZERO_CELSIUS = 273.15

# name → (unit, what a value must satisfy in words, the test)
_POSITIVE = ("finite and greater than 0", lambda v: v > 0)
_FINITE = ("finite", lambda v: True)
_FRACTION = ("greater than 0 and at most 1", lambda v: 0 < v <= 1)
_CELSIUS = ("above -273.15 and at most 5000", lambda v: -ZERO_CELSIUS < v <= 5000)
PARAMETERS: Mapping[str, tuple[str, str, Any]] = {
    "emissivity": ("1", *_FRACTION),
    "reflected_celsius": ("°C", *_CELSIUS),
    "atmospheric_celsius": ("°C", *_CELSIUS),
    "relative_humidity": ("1", "0 to 1 (0.5 for 50 %)", lambda v: 0 <= v <= 1),
    "distance_m": ("m", "finite and at least 0", lambda v: v >= 0),
    "window_transmission": ("1", *_FRACTION),
    "window_celsius": ("°C", *_CELSIUS),
    "planck_r1": ("1", *_POSITIVE),
    "planck_r2": ("1", *_POSITIVE),
    "planck_b": ("K", *_POSITIVE),
    "planck_f": ("1", *_POSITIVE),
    "planck_o": ("1", *_FINITE),
    "atmospheric_alpha1": ("1", *_FINITE),
    "atmospheric_alpha2": ("1", *_FINITE),
    "atmospheric_beta1": ("1", *_FINITE),
    "atmospheric_beta2": ("1", *_FINITE),
    "atmospheric_x": ("1", *_FINITE),
}
OVERRIDES = tuple(PARAMETERS)[:7]  # what a caller may know better than the file


def parameter_fault(name: str, value: float) -> str | None:
    """Return the rule that `value` breaks, or None."""
    _, rule, holds = PARAMETERS[name]
    return None if math.isfinite(value) and holds(value) else rule


def transmission(parameters: Mapping[str, float]) -> float:
    """Share of the radiation that passes half of the air path; 1 at distance 0."""
    air = parameters["atmospheric_celsius"]
    exponent = 1.5587 + 0.06939 * air - 0.00027816 * air**2 + 6.8455e-7 * air**3
    water = math.sqrt(parameters["relative_humidity"] * math.exp(min(exponent, 700.0)))
    way = math.sqrt(parameters["distance_m"] / 2)
    x = parameters["atmospheric_x"]
    first = -way * (parameters["atmospheric_alpha1"] + parameters["atmospheric_beta1"] * water)
    second = -way * (parameters["atmospheric_alpha2"] + parameters["atmospheric_beta2"] * water)
    return x * math.exp(min(first, 700.0)) + (1 - x) * math.exp(min(second, 700.0))


def black_body_counts(parameters: Mapping[str, float], celsius: Any) -> Any:
    """Counts that a black body at `celsius` gives; NaN where Planck's law has no answer."""
    with np.errstate(all="ignore"):
        growth = (
            np.exp(parameters["planck_b"] / (np.asarray(celsius, np.float64) + ZERO_CELSIUS)) - parameters["planck_f"]
        )
        counts = parameters["planck_r1"] / (parameters["planck_r2"] * growth) - parameters["planck_o"]
    return np.where(growth > 0, counts, np.nan)


def _surrounding_counts(parameters: Mapping[str, float], celsius: float) -> float:
    """`black_body_counts` of one number, without the cost of arrays."""
    growth = math.exp(min(parameters["planck_b"] / (celsius + ZERO_CELSIUS), 700.0)) - parameters["planck_f"]
    if growth <= 0:
        return math.nan
    return parameters["planck_r1"] / (parameters["planck_r2"] * growth) - parameters["planck_o"]


def gain_and_offset(parameters: Mapping[str, float]) -> tuple[float, float]:
    """Return (g, c) of S_object = g · raw - c.

    Raises ValueError when no radiation would arrive, as for air that lets nothing through.
    """
    tau, window, emissivity = (
        transmission(parameters),
        parameters["window_transmission"],
        parameters["emissivity"],
    )
    if not 1e-6 < tau <= 1:
        raise ValueError(f"the air of this path lets {tau:.3g} of the radiation through")
    # A term of weight 0 is left out, so that a temperature nothing depends on cannot spoil the rest.
    offset = 0.0
    for weight, celsius in (
        ((1 - tau) / (emissivity * tau), parameters["atmospheric_celsius"]),
        ((1 - tau) / (emissivity * tau * window * tau), parameters["atmospheric_celsius"]),
        ((1 - window) / (emissivity * tau * window), parameters["window_celsius"]),
        ((1 - emissivity) / emissivity, parameters["reflected_celsius"]),
    ):
        offset += weight * _surrounding_counts(parameters, celsius) if weight else 0.0
    if not math.isfinite(offset):
        raise ValueError("the radiation of the surroundings is not finite with these constants")
    return 1 / (emissivity * tau * window * tau), offset


def celsius_of_counts(parameters: Mapping[str, float], raw: Any) -> Array:
    """Return the object temperature in °C, float64; NaN where the counts are below all radiation."""
    gain, offset = gain_and_offset(parameters)
    with np.errstate(all="ignore"):
        signal = np.asarray(raw, np.float64) * gain - offset + parameters["planck_o"]
        ratio = parameters["planck_r1"] / (parameters["planck_r2"] * signal) + parameters["planck_f"]
        celsius = parameters["planck_b"] / np.log(ratio) - ZERO_CELSIUS
    # log(ratio) <= 0 would be a negative or infinite absolute temperature.
    return np.where((signal > 0) & (ratio > 1) & np.isfinite(celsius), celsius, np.nan)


def counts_of_celsius(parameters: Mapping[str, float], celsius: Any) -> Array:
    """Return the counts, float64, that an object at `celsius` gives: the inverse of `celsius_of_counts`."""
    gain, offset = gain_and_offset(parameters)
    return np.asarray((black_body_counts(parameters, celsius) + offset) / gain)


def temperature_plane(parameters: Mapping[str, float], raw: Array) -> Array:
    """Return float32 °C by a table of the occurring counts; NaN for the counter's ends, 0 and 65535."""
    low, high = int(raw.min()), int(raw.max())
    # Only low..high is filled and read: exp and log of all 65,536 counts would cost 1 ms.
    table = np.empty(high + 1, np.float32)
    table[low:] = celsius_of_counts(parameters, np.arange(low, high + 1))
    table[[at for at in (0, 65535) if low <= at <= high]] = np.nan
    return np.take(table, raw)
