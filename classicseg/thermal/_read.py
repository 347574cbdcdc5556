"""`read`: one radiometric frame from a file, whatever its kind."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from classicseg._errors import (
    FileFormatError,
    MisfitError,
    NotRadiometricError,
    UnreadableError,
    UselessOptionError,
)
from classicseg._validate import check_choice, check_float
from classicseg.thermal import _dji, _flir, _tiff
from classicseg.thermal._calibration import Calibration
from classicseg.thermal._image import Camera, Parameter, ThermalImage
from classicseg.thermal._jpeg import APP1, Segments, is_jpeg, read_segments
from classicseg.thermal._metadata import EXIF_HEADER, XMP_HEADER, Metadata, read_metadata
from classicseg.thermal._radiometry import OVERRIDES, PARAMETERS, parameter_fault, temperature_plane

Array = np.ndarray[Any, Any]

MAX_FILE_BYTES = 1 << 29  # a file is read whole, so this bounds memory
_KINDS = "a FLIR or DJI radiometric JPEG, or a TIFF of temperatures or counts"
_PICTURES = {b"\x89PNG": "a PNG", b"GIF8": "a GIF", b"BM": "a BMP", b"RIFF": "a WebP"}


def read(
    path: str | os.PathLike[str],
    *,
    unit: str | None = None,
    calibration: Calibration | str | os.PathLike[str] | None = None,
    nodata: float | None = None,
    emissivity: float | None = None,
    reflected_celsius: float | None = None,
    atmospheric_celsius: float | None = None,
    relative_humidity: float | None = None,
    distance_m: float | None = None,
    window_transmission: float | None = None,
    window_celsius: float | None = None,
) -> ThermalImage:
    """Read a radiometric frame: FLIR R-JPEG, DJI R-JPEG or TIFF.

    A FLIR file holds the constants of its camera, so it gives °C. A DJI file holds counts only: it gives °C
    with a `calibration` (see `fit_calibration`) and is read as counts without. A TIFF is scaled as `unit` or
    a tag of the file says; without either, floats are taken as °C and integers as counts, and a note says so.

    Parameters
    ----------
    path : path
        The file.
    unit : str, optional
        Only for TIFF: ``"celsius"``, ``"millicelsius"``, ``"centicelsius"``, ``"kelvin"``, ``"decikelvin"``,
        ``"centikelvin"``, ``"millikelvin"`` or ``"counts"``.
    calibration : Calibration or path, optional
        For frames of counts: the table that makes them °C. FLIR files do not need it and refuse it.
    nodata : float, optional
        Only for TIFF: the stored number that marks invalid pixels; default what the file's tag 42113 says.
        NaN and infinity are always invalid.
    emissivity : float, optional
        Of the object, in (0, 1]; glass of photovoltaic modules seen from above is about 0.85 to 0.95.
        This and the following are only for FLIR files, and replace what the file says.
    reflected_celsius : float, optional
        Apparent temperature of what the object mirrors; outdoors much of it is sky, often below 0 °C.
    atmospheric_celsius, relative_humidity, distance_m : float, optional
        The air between: its temperature, its humidity from 0 to 1, and the length of the path.
        Drones write constants that nobody measured; a note says so.
    window_transmission, window_celsius : float, optional
        Of a protective window or external optics before the lens.

    Returns
    -------
    ThermalImage
        Temperatures or counts, with every parameter and its source. Invalid pixels are NaN and False in
        `mask`.

    Raises
    ------
    FileFormatError
        When the file is broken, too large (512 MiB, 2**24 pixels in a JPEG, 2**26 in a TIFF), or does not go
        with the options; it names the file, what was found and what was expected. `NotRadiometricError` is
        the case of a picture that shows colours only, `UnreadableError` that of a file the system does not give,
        `MisfitError` that of a calibration of another camera, or of an impossible scene, in a file that is sound.
    TypeError, ValueError
        For an option outside its range.

    Notes
    -----
    In a plane of unsigned 16-bit numbers 0 and 65535 are the ends of the counter, whatever its unit, and counts so
    low that no temperature explains them have none: such pixels are NaN, and a note tells how many. The whole file
    is held in memory while it is read, no more than once.
    """
    given = (
        emissivity,
        reflected_celsius,
        atmospheric_celsius,
        relative_humidity,
        distance_m,
        window_transmission,
        window_celsius,
    )
    overrides = _check_overrides(dict(zip(OVERRIDES, given, strict=True)))
    if unit is not None:
        unit = check_choice("unit", unit, tuple(_tiff.UNITS))
    if nodata is not None:
        nodata = nodata if isinstance(nodata, float) and np.isnan(nodata) else check_float("nodata", nodata)
    if calibration is not None and not isinstance(calibration, Calibration):
        calibration = Calibration.load(calibration)
    name = os.fspath(path)
    data = _read_bytes(name)
    if _tiff.is_tiff(data):
        _refuse(name, "a TIFF", overrides)
        return _from_tiff(name, data, unit, calibration, nodata)
    _check_jpeg(name, data)
    _refuse(name, "a JPEG", {"unit": unit, "nodata": nodata})
    return _from_jpeg(name, data, calibration, overrides)


def _check_overrides(given: Mapping[str, float | None]) -> dict[str, float]:
    overrides = {name: check_float(name, value) for name, value in given.items() if value is not None}
    for name, value in overrides.items():
        fault = parameter_fault(name, value)
        if fault:
            raise ValueError(f"{name} must be {fault}, got {value:g}")
    return overrides


def _refuse(path: str, kind: str, options: Mapping[str, object]) -> None:
    """An option that would be without effect is an error, not silently dropped."""
    useless = tuple(name for name, value in options.items() if value is not None)
    if useless:
        raise UselessOptionError(path, kind, useless)


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FileFormatError(path, "no regular file", _KINDS)
            if status.st_size > MAX_FILE_BYTES:
                raise FileFormatError(path, f"{status.st_size} bytes", f"at most {MAX_FILE_BYTES}")
            data = file.read(status.st_size)  # a larger number would be allocated
    except (OSError, ValueError) as error:
        if isinstance(error, FileFormatError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UnreadableError(path, f"no readable file ({reason})", _KINDS) from error
    if not data:
        raise FileFormatError(path, "an empty file", _KINDS)
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    # A named pipe would block until someone writes to it.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_jpeg(path: str, data: bytes) -> None:
    if is_jpeg(data):
        return
    for signature, kind in _PICTURES.items():
        if data.startswith(signature):
            raise NotRadiometricError(path, f"{kind} picture", _KINDS)
    raise FileFormatError(path, f"bytes {data[:8].hex(' ')} at the start", _KINDS)


def _from_jpeg(path: str, data: bytes, calibration: Calibration | None, overrides: Mapping[str, float]) -> ThermalImage:
    segments = read_segments(path, data)
    container = _flir.join_chunks(path, segments.app.get(APP1, ()))
    metadata = _jpeg_metadata(segments)
    if container is not None:
        _refuse(path, "a FLIR file, which carries its own constants", {"calibration": calibration})
        return _from_flir(path, container, metadata, overrides)
    raw = _dji.read_plane(segments)
    if raw is None:
        present = ", ".join(f"APP{marker - 0xE0}" for marker in sorted(segments.app)) or "no"
        found = (
            f"a JPEG picture of {segments.height} x {segments.width} pixels with {present} segments and no raw plane"
        )
        raise NotRadiometricError(path, found, f"{_KINDS}; export or copy the original file of the camera")
    _refuse(path, "a DJI plane of counts without constants", overrides)
    return _from_counts(
        path, raw, metadata, _dji.embedded_parameters(segments), _dji.serial_number(segments), calibration
    )


def _jpeg_metadata(segments: Segments) -> Metadata:
    exif = xmp = b""
    for payload in segments.app.get(APP1, ()):
        if not exif and payload[:6] == EXIF_HEADER:
            exif = bytes(payload[6:])
        elif not xmp and payload[: len(XMP_HEADER)] == XMP_HEADER:
            xmp = bytes(payload[len(XMP_HEADER) :])
    return read_metadata(exif, xmp)


def _from_flir(path: str, container: bytes, metadata: Metadata, overrides: Mapping[str, float]) -> ThermalImage:
    records = _flir.read_records(path, container)
    values = {**records.constants, **overrides}
    for name in PARAMETERS:
        fault = parameter_fault(name, values[name])
        if fault:
            way_out = f"; give {name} to replace it" if name in OVERRIDES else "; the record is damaged"
            raise FileFormatError(path, f"{name} {values[name]:g} in the camera record", f"{fault}{way_out}")
    try:
        temperature = temperature_plane(values, records.raw)
    except ValueError as error:
        found = f"constants that give no temperature ({error})"
        if overrides:
            given = ", ".join(f"{name} {value:g}" for name, value in overrides.items())
            raise MisfitError(path, found, f"a possible scene; given for it were {given}", tuple(overrides)) from None
        raise FileFormatError(path, found, "a possible scene") from None
    mask, notes = _valid(temperature)
    camera = _merge(records.camera, metadata.camera)
    return ThermalImage(
        path=path,
        temperature=temperature,
        raw=records.raw,
        calibrated=True,
        unit="celsius",
        parameters={
            name: Parameter(values[name], PARAMETERS[name][0], "override" if name in overrides else "file")
            for name in PARAMETERS
        },
        camera=camera,
        time=metadata.time or records.time,
        position=metadata.position,
        notes=notes + _placeholder_notes(values, overrides, metadata.camera.make),
        mask=mask,
    )


def _valid(temperature: Array) -> tuple[Array | None, tuple[str, ...]]:
    mask = np.isfinite(temperature)
    return (None, ()) if mask.all() else (mask, _left_out(mask))


def _left_out(mask: Array) -> tuple[str, ...]:
    """Return the note on the pixels outside `mask`."""
    n_bad = mask.size - int(np.count_nonzero(mask))
    return (counted("left out, saturated or below what the constants can explain", n_bad),)


def counted(text: str, n_pixels: int) -> str:
    """Return a note on some pixels, with their number at its end."""
    return f"{text}: {n_pixels} pixel{'' if n_pixels == 1 else 's'}"


def _within_counter(plane: Array, mask: Array | None) -> tuple[Array | None, tuple[str, ...]]:
    """Take the ends of the counter, 0 and 65535, out of `mask` where `plane` is unsigned; return it with a note."""
    if plane.dtype != np.uint16 or (plane.min() > 0 and plane.max() < 65535):
        return mask, ()
    within = (plane > 0) & (plane < 65535)
    notes = () if within.all() else _left_out(within if mask is None else within | ~mask)
    return (within if mask is None else within & mask), notes


def _placeholder_notes(
    values: Mapping[str, float], overrides: Mapping[str, float], make: str | None
) -> tuple[str, ...]:
    notes = []
    unset = [name for name in ("distance_m", "relative_humidity") if name not in overrides]
    if (make or "").upper() == "DJI" and unset:
        stated = " and ".join(f"{name} {values[name]:g}" for name in unset)
        notes.append(
            f"{stated}: placeholders that the drone wrote, not measured; give {' and '.join(unset)} to replace them"
        )
    if values["distance_m"] == 0:
        notes.append("distance_m is 0: no atmosphere was corrected")
    return tuple(notes)


def _merge(record: Camera, exif: Camera) -> Camera:
    """The record of the sensor knows its serial number; EXIF knows who built the whole camera."""
    return Camera(
        make=exif.make or record.make,
        model=record.model or exif.model,
        serial_number=record.serial_number or exif.serial_number,
        firmware=record.firmware or exif.firmware,
        lens=record.lens or exif.lens,
        focal_length_mm=exif.focal_length_mm,
    )


def _from_counts(
    path: str,
    raw: Array,
    metadata: Metadata,
    scene: Mapping[str, float],
    serial_number: str | None,
    calibration: Calibration | None,
    *,
    mask: Array | None = None,
    notes: tuple[str, ...] = (),
) -> ThermalImage:
    camera = replace(metadata.camera, serial_number=metadata.camera.serial_number or serial_number)
    parameters = {name: Parameter(value, PARAMETERS[name][0], "file") for name, value in scene.items()}
    temperature = None
    mask, ends = _within_counter(raw, mask)
    notes += ends
    if calibration is None:
        notes += ("no calibration: counts, not temperatures",)
    else:
        calibration.check_frame(path, camera, parameters)
        temperature = calibration.apply(raw)
        if mask is not None:
            temperature[~mask] = np.nan
        notes += _range_notes(calibration, raw if mask is None else raw[mask])
    return ThermalImage(
        path=path,
        temperature=temperature,
        raw=raw,
        calibrated=temperature is not None,
        unit="counts" if temperature is None else "celsius",
        parameters=parameters,
        camera=camera,
        time=metadata.time,
        position=metadata.position,
        notes=notes,
        mask=mask,
    )


def _range_notes(calibration: Calibration, raw: Array) -> tuple[str, ...]:
    n_outside = calibration.n_outside(raw)
    if not n_outside:
        return ()
    low, high = calibration.celsius[0], calibration.celsius[-1]
    return (
        counted(f"extrapolated, outside the {low:.1f} to {high:.1f} °C that the calibration was fitted on", n_outside),
    )


def _from_tiff(
    path: str, data: bytes, unit: str | None, calibration: Calibration | None, nodata: float | None
) -> ThermalImage:
    tiff = _tiff.read_tiff(path, data)
    plane, notes = tiff.plane, tiff.notes
    mask = _stored_mask(plane, tiff.nodata if nodata is None else nodata)
    raw = plane if plane.dtype == np.uint16 else None
    said_by = "as was given" if unit else "as a tag of the file says"
    unit = unit or (None if calibration is not None else tiff.unit)
    scale = _tiff.UNITS[unit] if unit else tiff.linear if calibration is None else None
    if unit is None and scale is not None:
        notes += (f"the numbers are kelvin in steps of {scale[0]:g}, as the tag TlinearGain says",)
    elif scale is not None:
        notes += (f"the numbers are {unit}, {said_by}",)
    elif unit is None and calibration is None and plane.dtype.kind == "f":
        unit, scale = "celsius", _tiff.UNITS["celsius"]
        notes += ("the file states no unit: its floats are taken as °C; give the unit if they are not",)
    if scale is None:
        if raw is None:
            raise FileFormatError(path, f"counts of dtype {plane.dtype}", "uint16 counts, or a unit of temperature")
        if unit is None and calibration is None:
            notes += (
                "the file states no unit: its integers are taken as counts; give the unit if they are temperatures",
            )
        return _from_counts(path, raw, tiff.metadata, {}, None, calibration, mask=mask, notes=notes)
    _refuse(path, f"a TIFF of temperatures ({unit or 'linear kelvin'})", {"calibration": calibration})
    factor, offset = scale
    mask, ends = _within_counter(plane, mask)
    with np.errstate(over="ignore", invalid="ignore"):  # huge floats become infinite, signalling NaN quiet
        temperature = (plane * np.float64(factor) + offset).astype(np.float32)
    valid = np.isfinite(temperature) if mask is None else mask & np.isfinite(temperature)
    temperature[~valid] = np.nan
    return ThermalImage(
        path=path,
        temperature=temperature,
        raw=raw,
        calibrated=True,
        unit="celsius",
        camera=tiff.metadata.camera,
        time=tiff.metadata.time,
        position=tiff.metadata.position,
        notes=notes + ends,
        mask=None if valid.all() else valid,
    )


def _stored_mask(plane: Array, nodata: float | None) -> Array | None:
    mask = np.isfinite(plane)
    if nodata is not None and not np.isnan(nodata):
        # A float32 file holds the number rounded to float32.
        with np.errstate(over="ignore"):
            mask &= plane != (np.float32(nodata) if plane.dtype.kind == "f" else nodata)
    return None if mask.all() else mask
