"""What reading a radiometric frame gives: `ThermalImage` and the small records it holds."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]

MAX_VISIBLE_PIXELS = 1 << 26  # a picture that claims more is not decoded: visible is None


@dataclass(frozen=True)
class Parameter:
    """One number that went into the temperatures, and where it came from.

    Parameters
    ----------
    value : float
        The number.
    unit : str
        Its unit: ``"°C"``, ``"m"``, ``"K"``, or ``"1"`` for a plain ratio or a constant of the camera.
    source : str
        ``"file"`` when the frame carries it, ``"override"`` when the caller gave it.
    """

    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class Camera:
    """The camera that took the frame; what the file does not tell is None.

    Parameters
    ----------
    make, model, serial_number, firmware, lens : str or None
        As the file writes them.
    focal_length_mm : float or None
        Focal length of the lens in millimetres.
    """

    make: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    lens: str | None = None
    focal_length_mm: float | None = None


@dataclass(frozen=True)
class Position:
    """Where the camera was and where it looked; what the file does not tell is None.

    Parameters
    ----------
    latitude, longitude : float or None
        WGS 84 degrees, north and east positive.
    altitude_m : float or None
        Above the reference that the drone uses for GPS (often the ellipsoid or mean sea level).
    relative_altitude_m : float or None
        Above the take-off point.
    gimbal_yaw_degrees, gimbal_pitch_degrees, gimbal_roll_degrees : float or None
        Attitude of the camera: yaw clockwise from north, pitch -90 straight down.
    flight_yaw_degrees : float or None
        Heading of the aircraft.
    rtk : str or None
        State of the differential GPS: ``"none"``, ``"single"``, ``"float"``, ``"fixed"``, or the drone's own
        code.
    """

    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None
    relative_altitude_m: float | None = None
    gimbal_yaw_degrees: float | None = None
    gimbal_pitch_degrees: float | None = None
    gimbal_roll_degrees: float | None = None
    flight_yaw_degrees: float | None = None
    rtk: str | None = None


@dataclass(frozen=True, eq=False)
class ThermalImage:
    """A radiometric frame.

    It pickles, so it can come back from a worker process. Two frames are equal only when they are the same
    object: compare the arrays.

    Parameters
    ----------
    path : str
        The file it was read from.
    temperature : numpy.ndarray or None
        (M, N) float32, °C; NaN outside `mask`. None when the frame is not calibrated.
    raw : numpy.ndarray or None
        (M, N) uint16 sensor counts; None when the file holds only temperatures.
    calibrated : bool
        Whether `temperature` is known.
    unit : str
        Unit of `values`: ``"celsius"`` or ``"counts"``.
    parameters : mapping of str to Parameter
        Every number that the temperatures depend on, with its source.
    camera : Camera
        The camera.
    time : datetime.datetime or None
        When the frame was taken; without a time zone where the file names none (the camera's clock).
    position : Position or None
        Where it was taken.
    notes : tuple of str
        What a reader of the numbers should know.
    mask : numpy.ndarray or None
        (M, N) bool, True where the value is valid; None when all are.
    """

    path: str
    temperature: Array | None
    raw: Array | None
    calibrated: bool
    unit: Literal["celsius", "counts"]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    camera: Camera = Camera()
    time: datetime | None = None
    position: Position | None = None
    notes: tuple[str, ...] = ()
    mask: Array | None = None

    def __post_init__(self) -> None:
        """Keep the parameters from being changed afterwards."""
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields; a mapping proxy does not pickle, a dict does."""
        state = {name: value for name, value in self.__dict__.items() if name not in {"visible", "values"}}
        return {**state, "parameters": dict(self.parameters)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the fields and the read-only view of the parameters."""
        self.__dict__.update(state)
        self.__dict__["parameters"] = MappingProxyType(state["parameters"])

    @property
    def shape(self) -> tuple[int, int]:
        """(M, N) of the radiometric plane."""
        plane = self.raw if self.temperature is None else self.temperature
        assert plane is not None  # one of the two is always there
        return int(plane.shape[0]), int(plane.shape[1])

    @cached_property
    def values(self) -> Array:
        """(M, N) float32: the temperature in °C, else the counts; NaN outside `mask`.

        What segmentation works on.
        """
        if self.temperature is not None:
            return self.temperature
        assert self.raw is not None
        counts = self.raw.astype(np.float32)
        if self.mask is not None:
            counts[~self.mask] = np.nan
        return counts

    @cached_property
    def visible(self) -> Array | None:
        """(M, N, 3) uint8: the picture a viewer shows for this file, decoded at first use.

        None when there is none.

        Its size may differ from `shape`. It is read from `path`, so None too when the file has gone since.
        """
        try:
            with open(self.path, "rb") as file:
                data = file.read()
            if data[:2] != b"\xff\xd8":
                return None
            with Image.open(io.BytesIO(data)) as picture:
                if picture.width * picture.height > MAX_VISIBLE_PIXELS:
                    return None
                return np.asarray(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Warning):
            return None  # a broken picture does not spoil a good radiometric plane
