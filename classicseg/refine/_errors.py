"""What can go wrong with a refiner."""

from __future__ import annotations

from classicseg._errors import ClassicsegError


class RefinerError(ClassicsegError):
    """A refiner raised, cannot be loaded, or gave what is no result; the message names it.

    Parameters
    ----------
    refiner : str
        Name of the refiner.
    message : str
        What is wrong, and the way out.
    """

    def __init__(self, refiner: str, message: str) -> None:
        super().__init__(f"refiner {refiner}: {message}")
        self.refiner = refiner
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the two parts, so that the error survives the way back from a worker process."""
        return (type(self), (self.refiner, self.message))


def kind_of(answer: object) -> str:
    """Return what messages call an answer of another form: "a tuple of 2"."""
    count = f" of {len(answer)}" if isinstance(answer, (list, tuple)) else ""
    return f"a {type(answer).__name__}{count}"


class RefinerWarning(UserWarning):
    """A plug-in that cannot be loaded was left out; the message names it."""
