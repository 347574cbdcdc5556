"""A refiner whose answer a test decides."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fixed:
    """Gives the same to every image, or what a function makes of the regions; keeps what it was given."""

    task: str
    result: Any = None
    classes: tuple[str, ...] = ("ground", "module", "hot spot")
    name: str = "fixed"
    given: list[Any] = field(default_factory=list)

    def refine(self, regions):
        self.given.append(regions)
        return self.result(regions) if callable(self.result) else self.result
