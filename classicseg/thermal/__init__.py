"""Radiometric thermal frames: temperatures from the files of drone and handheld cameras, and hot spots."""

from typing import TYPE_CHECKING

__all__ = [
    "Calibration",
    "Camera",
    "Parameter",
    "Position",
    "ThermalImage",
    "fit_calibration",
    "read",
]

if TYPE_CHECKING:
    from classicseg.thermal._calibration import Calibration, fit_calibration
    from classicseg.thermal._image import Camera, Parameter, Position, ThermalImage
    from classicseg.thermal._read import read
else:
    from classicseg._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "_calibration": ("Calibration", "fit_calibration"),
            "_image": ("Camera", "Parameter", "Position", "ThermalImage"),
            "_read": ("read",),
        },
    )
