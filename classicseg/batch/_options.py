"""The options of a run, and the hash that says whether a finished frame was made with the same ones."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from classicseg import __version__
from classicseg._kernels.cpu._jit import _source_key
from classicseg._validate import check_choice, check_float, check_int
from classicseg.batch._names import shown_name, valid_text
from classicseg.thermal._radiometry import OVERRIDES, parameter_fault
from classicseg.thermal._smooth import windows_of
from classicseg.thermal._tiff import UNITS

FORMAT = 1  # raised when outputs change their form, so that a rerun redoes frames made by an older release

LIBRARIES = ("numba", "numpy", "scipy", "pillow")
_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
RUNNERS = (*_OPENCV, "onnxruntime", "onnxruntime-gpu", "scikit-learn", "torch")  # what a refiner may compute with

READING = (
    "unit",
    "nodata",
    "emissivity",
    "reflected_celsius",
    "atmospheric_celsius",
    "relative_humidity",
    "distance_m",
    "window_transmission",
    "window_celsius",
)

SEARCHING = ("min_delta", "min_area", "method", "spatial_bandwidth", "range_bandwidth")


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What decides the outputs of a run, beside the frames themselves.

    Parameters
    ----------
    profile : str, default "IEC-62446-3-style"
        Severity profile: a name or the path of a profile file, see `classicseg.thermal.load_profile`.
    calibration : str or None
        File with the table from raw counts to °C, see `classicseg.thermal.Calibration`; for cameras that
        store no constants (DJI R-JPEG). A frame of another camera than it was fitted for, or with other
        parameters, is searched in counts, and a note says so.
    calibration_any_camera : bool, default False
        Apply the calibration to every camera and whatever the parameters: on your own responsibility.
    unit : str or None
        What the numbers of a TIFF mean, see `classicseg.thermal.read`; None takes the file's own tag. JPEG
        files are read without it, and a note says so.
    nodata : float or None
        Value of a TIFF that marks pixels without a measurement.
    emissivity, reflected_celsius, atmospheric_celsius, relative_humidity, distance_m : float or None
        Replace what each FLIR file says about object and atmosphere; None keeps the file's value. Drones often
        write placeholders for distance and humidity, so give the real ones when they are known. Files that
        have no use for them (TIFF, DJI without constants) are read without, and a note says so.
    window_transmission, window_celsius : float or None
        Replace what each file says about a protective window.
    min_delta : float or None
        Smallest difference to report, K; None takes the profile's. See `classicseg.thermal.find_hotspots`.
    min_area : int, default 4
        Smallest hot spot to report, pixels.
    method : {"kmeans", "mean_shift"}, default "kmeans"
        How modules are told from the ground, see `classicseg.thermal.find_hotspots`.
    spatial_bandwidth : int or None
        Radius of mean shift's window, pixels; None takes the default.
    range_bandwidth : float or None
        Radius of mean shift's window, octaves of texture; None takes the default.
    refiner : str or None
        Name and options of a refiner that says what regions and hot spots are, see
        `classicseg.refine.load_refiner`. Frames in °C reach it as floats, those in counts as whole numbers. A frame
        on which it fails is finished without it, and marked.
    overlays : bool, default True
        Write a picture of every frame with its hot spots outlined. The report needs them for its pictures.

    Examples
    --------
    >>> BatchOptions(emissivity=0.9, distance_m=25.0).emissivity
    0.9
    """

    profile: str = "IEC-62446-3-style"
    calibration: str | None = None
    calibration_any_camera: bool = False
    unit: str | None = None
    nodata: float | None = None
    emissivity: float | None = None
    reflected_celsius: float | None = None
    atmospheric_celsius: float | None = None
    relative_humidity: float | None = None
    distance_m: float | None = None
    window_transmission: float | None = None
    window_celsius: float | None = None
    min_delta: float | None = None
    min_area: int = 4
    method: str = "kmeans"
    spatial_bandwidth: int | None = None
    range_bandwidth: float | None = None
    refiner: str | None = None
    overlays: bool = True

    def __post_init__(self) -> None:
        """Refuse values that no frame could use, before a run starts."""
        for name in ("emissivity", "window_transmission"):
            self._check(name, above=0.0, high=1.0)
        self._check("relative_humidity", low=0.0, high=1.0)
        for name in ("distance_m", "min_delta"):
            self._check(name, low=0.0)
        object.__setattr__(self, "min_area", check_int("min_area", self.min_area, low=1))
        self._take_windows()
        for name in ("reflected_celsius", "atmospheric_celsius", "window_celsius"):
            self._check(name, above=-273.15)
        for name in OVERRIDES:
            value = getattr(self, name)
            fault = None if value is None else parameter_fault(name, value)
            if fault:
                raise ValueError(f"{name} must be {fault}, got {value:g}")
        if self.unit is not None:
            check_choice("unit", self.unit, tuple(UNITS))
        if self.nodata is not None and not (isinstance(self.nodata, float) and math.isnan(self.nodata)):
            self._check("nodata")
        if self.calibration_any_camera and self.calibration is None:
            raise ValueError("calibration_any_camera must go with a calibration, got none")
        if not self.profile:
            raise ValueError("profile must name a profile or a profile file, got ''")
        if self.refiner is not None:
            _files_in(self.refiner)

    def _check(self, name: str, **limits: float) -> None:
        value = getattr(self, name)
        if value is not None:
            object.__setattr__(self, name, check_float(name, value, **limits))

    def _take_windows(self) -> None:
        """Fill in the bandwidths of mean shift, so that the report tells them and a new default redoes frames."""
        windows = windows_of(self.method, self.spatial_bandwidth, self.range_bandwidth)
        for name, value in ({} if windows is None else windows._asdict()).items():
            object.__setattr__(self, name, value)

    def searching(self) -> dict[str, Any]:
        """Return the keyword arguments for `classicseg.thermal.find_hotspots`, without the profile.

        Returns
        -------
        dict of str to object
            All of them.
        """
        return {name: getattr(self, name) for name in SEARCHING}

    def reading(self) -> dict[str, Any]:
        """Return the keyword arguments for `classicseg.thermal.read`, without the calibration.

        Returns
        -------
        dict of str to object
            Those that are given.
        """
        return {name: getattr(self, name) for name in READING if getattr(self, name) is not None}


def options_hash(options: BatchOptions) -> str:
    """Return a hash of everything beside the frame that decides a frame's outputs.

    It covers the contents of the calibration and profile files, what a refiner is made from, this package's version,
    that of its kernels and those of the libraries whose arithmetic and encoders make the bytes.
    """
    parts = described(options) | {
        "format": FORMAT,
        "calibration": _contents_hash(options.calibration),
        "profile_file": _contents_hash(options.profile),
        "refiner_made": _made_from(options.refiner),
        "versions": {"classicseg": __version__} | {name: version(name) for name in LIBRARIES},
        "kernels": _source_key(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def described(options: BatchOptions) -> dict[str, Any]:
    """Return the options for the outputs: paths without their folders, which differ between machines."""
    values = dataclasses.asdict(options)
    for name in ("profile", "calibration"):
        if values[name] is not None:
            values[name] = shown_name(os.path.basename(values[name]))
    if options.refiner is not None:
        for path in _files_in(options.refiner):
            values["refiner"] = values["refiner"].replace(path, shown_name(os.path.basename(path)))
        values["refiner"] = valid_text(values["refiner"])
    return values


def _made_from(spec: str | None) -> dict[str, Any] | None:
    """Return what decides a refiner's answers beside its name and options: packages, and the files it reads."""
    if spec is None:
        return None
    from classicseg.refine._registry import load_refiner, origin

    refiner = load_refiner(spec)
    files = [*_files_in(spec), *map(os.fspath, getattr(refiner, "files", ()))]
    return {
        "origin": origin(spec),
        "task": refiner.task,
        "classes": list(refiner.classes),
        "files": [_contents_hash(path) for path in files],
        "versions": {name: _version(name) for name in RUNNERS},
    }


def _version(name: str) -> str | None:
    """Return the version of a library that may be installed; None where it is not."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _files_in(spec: str) -> list[str]:
    """Return the files that a refiner's options name; refuse what is no name with options."""
    from classicseg.refine._registry import parse_spec

    _, options = parse_spec(spec)
    values = [part for value in options.values() for part in (value if isinstance(value, tuple) else (value,))]
    return [value for value in values if isinstance(value, str) and os.path.isfile(value)]


def _contents_hash(path: str | None) -> str | None:
    """Return the hash of a file's contents; None for no file, or for the name of a built-in profile."""
    if path is None or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
