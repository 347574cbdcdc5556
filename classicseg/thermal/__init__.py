"""Radiometric thermal frames: temperatures from the files of drone and handheld cameras, and hot spots."""

from typing import TYPE_CHECKING

__all__ = [
    "Calibration",
    "Camera",
    "HotspotsResult",
    "Parameter",
    "Position",
    "SeverityProfile",
    "ThermalImage",
    "find_hotspots",
    "fit_calibration",
    "heat_in_boxes",
    "load_profile",
    "read",
    "read_boxes",
]

if TYPE_CHECKING:
    from classicseg.thermal._boxes import heat_in_boxes, read_boxes
    from classicseg.thermal._calibration import Calibration
    from classicseg.thermal._fit import fit_calibration
    from classicseg.thermal._hotspots import HotspotsResult, find_hotspots
    from classicseg.thermal._image import Camera, Parameter, Position, ThermalImage
    from classicseg.thermal._read import read
    from classicseg.thermal._severity import SeverityProfile, load_profile
else:
    from classicseg._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "_boxes": ("heat_in_boxes", "read_boxes"),
            "_calibration": ("Calibration",),
            "_fit": ("fit_calibration",),
            "_hotspots": ("HotspotsResult", "find_hotspots"),
            "_image": ("Camera", "Parameter", "Position", "ThermalImage"),
            "_read": ("read",),
            "_severity": ("SeverityProfile", "load_profile"),
        },
    )
