"""What a result was measured on and with. No host, user or folder names: results are public."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata

from classicseg import __version__
from classicseg._info import cpu_model

ALWAYS = ("numpy", "numba")
NOT_INSTALLED = "not installed"


def machine() -> dict[str, object]:
    return {
        "cpu": cpu_model(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def memory_gb() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (ValueError, OSError, AttributeError):  # Windows has no sysconf
        return None


def versions(packages: Iterable[str]) -> dict[str, str]:
    found = {"python": platform.python_version(), "classicseg": __version__}
    for name in sorted({*ALWAYS, *packages}):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = NOT_INSTALLED
    return found


def missing(packages: Iterable[str]) -> list[str]:
    return [name for name in packages if versions([name])[name] == NOT_INSTALLED]
