"""Severity profiles: what a temperature difference means, in a file that a user can replace."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classicseg._errors import FileFormatError
from classicseg._validate import check_float

UNKNOWN = "unknown"
_BUNDLED = {"IEC-62446-3-style": "iec-62446-3-style.toml"}


@dataclass(frozen=True)
class SeverityProfile:
    """Names for temperature differences.

    Parameters
    ----------
    name : str
        Name of the profile, written beside every finding.
    min_delta_celsius : float
        Smaller differences are not reported.
    levels : tuple of (str, float)
        Name of each level and the difference in K from which it holds, rising.
    """

    name: str
    min_delta_celsius: float
    levels: tuple[tuple[str, float], ...]

    def severity(self, delta_celsius: float) -> str:
        """Return the name of the highest level that `delta_celsius` reaches.

        Parameters
        ----------
        delta_celsius : float
            Temperature difference, K.

        Returns
        -------
        str
            Name of the level; of the lowest one for smaller differences.
        """
        reached = [name for name, start in self.levels if delta_celsius >= start]
        return reached[-1] if reached else self.levels[0][0]


def load_profile(profile: str | Path | SeverityProfile) -> SeverityProfile:
    """Return a severity profile by its name or from a TOML file.

    Parameters
    ----------
    profile : str, Path or SeverityProfile
        ``"IEC-62446-3-style"``, or the path of a TOML file with `name`, `min_delta_celsius` and a list `levels` of
        `name` and `from_celsius`, rising.

    Returns
    -------
    SeverityProfile
        The profile; a profile is returned as it is.

    Raises
    ------
    ValueError
        If no profile has that name and no such file exists.
    FileFormatError
        If the file is not a profile; the message names the field.
    """
    if isinstance(profile, SeverityProfile):
        return profile
    bundled = _BUNDLED.get(str(profile))
    path = Path(__file__).parent / "profiles" / bundled if bundled else Path(profile)
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        names = ", ".join(map(repr, _BUNDLED))
        raise ValueError(f"profile must be one of {names} or the path of a TOML file, got {str(profile)!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(str(path), f"an unreadable file ({error})", "a severity profile in TOML") from error
    try:
        return _parse(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            str(path),
            f"{type(error).__name__}: {error}",
            "name, min_delta_celsius and levels of name and from_celsius",
        ) from error


def _parse(fields: dict[str, Any]) -> SeverityProfile:
    levels = tuple(
        (str(level["name"]), check_float(f"levels[{i}].from_celsius", level["from_celsius"]))
        for i, level in enumerate(fields["levels"])
    )
    if not levels:
        raise ValueError("levels must not be empty")
    starts = [start for _, start in levels]
    if starts != sorted(set(starts)):
        raise ValueError(f"levels must rise in from_celsius, got {starts}")
    return SeverityProfile(
        str(fields["name"]), check_float("min_delta_celsius", fields["min_delta_celsius"], low=0), levels
    )
