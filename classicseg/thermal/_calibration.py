"""A user's calibration: the table from raw counts to °C of one camera with one set of parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from classicseg._errors import FileFormatError, MisfitError
from classicseg.thermal._image import Camera, Parameter

if TYPE_CHECKING:
    import os

Array = np.ndarray[Any, Any]

_FORMAT = "classicseg-calibration-1"
_MAX_BYTES = 1 << 24  # a table of all 65,536 counts needs below 2 MB
_TAIL = 0.1  # share of the fitted range, at each end, whose slope continues it
_TOLERANCE = 1e-6  # relative, for parameters that went through text or float32


@dataclass(frozen=True, eq=False)
class Calibration:
    """Raw counts to °C for one camera.

    Between two counts of the table the temperature is interpolated linearly. Outside its range it is
    continued with the mean slope of the outermost tenth, and the frame gets a note with the number of such
    pixels: a hot spot hotter than the frame that was fitted must stay visible, as a number to be checked
    rather than a hole.

    Parameters
    ----------
    raw : numpy.ndarray
        (K,) uint16 counts, strictly increasing, at least 2.
    celsius : numpy.ndarray
        (K,) float64, °C at these counts, nowhere decreasing.
    model, serial_number : str or None
        The camera that it is valid for. A frame of another one is refused; None binds to no one.
    parameters : mapping of str to float
        Scene parameters (emissivity, reflected_celsius, …) of the frame that it was fitted from. A frame that
        states others is refused.
    source : str
        Where it came from, for the record.
    """

    raw: Array
    celsius: Array
    model: str | None = None
    serial_number: str | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        """Check the table and keep copies that nobody else can change."""
        raw, celsius = np.array(self.raw), np.array(self.celsius, np.float64)
        if raw.ndim != 1 or raw.shape != celsius.shape or raw.size < 2:
            raise ValueError(
                f"raw and celsius must be two tables of one length of at least 2, got shapes {raw.shape} "
                f"and {celsius.shape}"
            )
        if (
            raw.dtype.kind not in "iu"
            or raw.min() < 0
            or raw.max() > 65535
            or (np.diff(raw.astype(np.int64)) <= 0).any()
        ):
            raise ValueError("raw must hold strictly increasing integers of 0 to 65535; sort the table by raw first")
        if not np.isfinite(celsius).all() or (np.diff(celsius) < 0).any():
            raise ValueError("celsius must be finite and must nowhere decrease; the table does not describe a sensor")
        for name, value in (("raw", raw.astype(np.uint16)), ("celsius", celsius)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        values = {name: float(value) for name, value in self.parameters.items()}
        object.__setattr__(self, "parameters", MappingProxyType(values))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the fields."""
        fields = (self.raw, self.celsius, self.model, self.serial_number, dict(self.parameters), self.source)
        return (Calibration, fields)

    def unbound(self) -> Calibration:
        """Return the same table for any camera and any parameters: on the caller's own responsibility.

        Returns
        -------
        Calibration
            Bound to no camera and no parameters.
        """
        return replace(self, model=None, serial_number=None, parameters={})

    def apply(self, raw: Array) -> Array:
        """Turn counts into temperatures.

        Parameters
        ----------
        raw : numpy.ndarray
            (M, N) uint16 counts.

        Returns
        -------
        numpy.ndarray
            (M, N) float32, °C.
        """
        low, high = int(raw.min()), int(raw.max())
        counts = np.arange(low, high + 1, dtype=np.float64)
        celsius = np.interp(counts, self.raw, self.celsius)
        (first, first_slope), (last, last_slope) = self._tail(0), self._tail(-1)
        celsius = np.where(counts < first, self.celsius[0] + (counts - first) * first_slope, celsius)
        celsius = np.where(counts > last, self.celsius[-1] + (counts - last) * last_slope, celsius)
        table = np.empty(high + 1, np.float32)
        table[low:] = celsius
        return np.take(table, raw)

    def n_outside(self, raw: Array) -> int:
        """Count the pixels outside the fitted range, whose temperatures are extrapolated.

        Parameters
        ----------
        raw : numpy.ndarray
            (M, N) uint16 counts.

        Returns
        -------
        int
            Number of pixels.
        """
        return int(np.count_nonzero((raw < self.raw[0]) | (raw > self.raw[-1])))

    def _tail(self, end: int) -> tuple[float, float]:
        """Return the end's count and the mean slope of the outermost tenth of the range, in °C per count."""
        counts = self.raw.astype(np.float64)
        span = max(_TAIL * (counts[-1] - counts[0]), 1.0)
        inner = counts[0] + span if end == 0 else counts[-1] - span
        rise = abs(self.celsius[end] - np.interp(inner, counts, self.celsius))
        return float(counts[end]), float(rise / span)

    def check_frame(self, path: str, camera: Camera, parameters: Mapping[str, Parameter]) -> None:
        """Refuse a frame of another camera, or one that states other parameters.

        Parameters
        ----------
        path : str
            The frame, for the message.
        camera : Camera
            The frame's camera.
        parameters : mapping of str to Parameter
            The frame's parameters.

        Raises
        ------
        MisfitError
            If the calibration is not for this frame.
        """
        way_out = "; fit one from such a frame, or apply it all the same through its unbound() form"
        for word, ours, its in (
            ("model", self.model, camera.model),
            ("serial number", self.serial_number, camera.serial_number),
        ):
            if ours is not None and ours != its:
                expected = f"{ours!r}, which the calibration is bound to{way_out}"
                raise MisfitError(path, f"camera {word} {its!r}", expected, ("calibration",))
        for name, value in self.parameters.items():
            stated = parameters[name].value if name in parameters else None
            if stated is None or abs(stated - value) > _TOLERANCE * max(1.0, abs(value)):
                expected = f"{value:g}, which the calibration was fitted with{way_out}"
                raise MisfitError(path, f"{name} {stated}", expected, ("calibration",))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the calibration as JSON.

        Parameters
        ----------
        path : path
            The file to write.
        """
        content = {
            "format": _FORMAT,
            "model": self.model,
            "serial_number": self.serial_number,
            "parameters": dict(self.parameters),
            "source": self.source,
            "raw": self.raw.tolist(),
            "celsius": self.celsius.tolist(),
        }
        Path(path).write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Calibration:
        """Read a calibration that `save` wrote.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        Calibration
            Equal to the one that was saved.

        Raises
        ------
        FileFormatError
            If the file is no such calibration.
        """
        expected = f"the JSON that Calibration.save writes, of format {_FORMAT}"
        try:
            with open(path, "rb") as file:
                content = json.loads(file.read(_MAX_BYTES))
            if not isinstance(content, dict) or content.get("format") != _FORMAT:
                raise FileFormatError(path, "no such calibration", expected)
            fields = (content[name] for name in ("raw", "celsius", "model", "serial_number", "parameters", "source"))
            return cls(*fields)
        except FileFormatError:
            raise
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FileFormatError(path, f"no usable calibration ({type(error).__name__}: {error})", expected) from error
