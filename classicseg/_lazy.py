"""Re-export names without importing the modules that define them (PEP 562)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence


def lazy_exports(
    package: str, names: Mapping[str, Sequence[str]], *, subpackages: Sequence[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of `package`, which import what they name at first use.

    `names` maps a module below `package` to what it gives; `subpackages` are reachable as attributes too.
    A package that calls this lists the same imports under `if TYPE_CHECKING:`, so that type checkers, editors
    and the import-floor test see them; `tests/test_floors.py` holds the two lists together.
    """
    module_of = {name: f"{package}.{module}" for module, given in names.items() for name in given}

    def __getattr__(name: str) -> object:
        if name in module_of:
            value = getattr(importlib.import_module(module_of[name]), name)
        elif name in subpackages:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)  # the next access is a plain attribute
        return value

    def __dir__() -> list[str]:
        own = vars(sys.modules[package])
        return sorted({name for name in own if name.startswith("__")} | {*own["__all__"], *subpackages})

    return __getattr__, __dir__
