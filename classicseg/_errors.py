"""The error root: every error that is ours alone derives from `ClassicsegError`."""


class ClassicsegError(Exception):
    """Root of the errors that belong to classicseg.

    Bad arguments raise plain `ValueError` or `TypeError`; this family is for what went wrong with a file,
    a run or the environment, so that a caller can catch it without catching everything.
    """


class DeviceError(ClassicsegError, RuntimeError):
    """CUDA was asked for, and CuPy or a CUDA device is missing; the message says what to install or to look at."""


class FileFormatError(ClassicsegError, ValueError):
    """A file is broken, or is not of a kind that can be read.

    Parameters
    ----------
    path : str
        The file.
    found : str
        What was found in it, with the byte offset or field where one is known.
    expected : str
        What should have been there, or what the user can do.
    """

    def __init__(self, path: object, found: str, expected: str) -> None:
        super().__init__(f"{path}: found {found}; expected {expected}")
        self.path = str(path)
        self.found = found
        self.expected = expected

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the three parts, so that the error survives the way back from a worker process."""
        return (type(self), (self.path, self.found, self.expected))


class NotRadiometricError(FileFormatError):
    """A picture that can be read but carries no radiometric plane, only display colours.

    Parameters
    ----------
    path : str
        The file.
    found : str
        What was found in it.
    expected : str
        What should have been there, or what the user can do.
    """


class UnreadableError(FileFormatError):
    """A file that the system does not give: it is not there, or may not be read, or its disk fails.

    Parameters
    ----------
    path : str
        The file.
    found : str
        What the system says.
    expected : str
        What should have been there.
    """


class MisfitError(FileFormatError):
    """What was given for a file does not go with it; the file itself is sound.

    Parameters
    ----------
    path : str
        The file.
    found : str
        What was found in it.
    expected : str
        What should have been there, or what the user can do.
    options : tuple of str
        Names of the options that do not fit.
    """

    def __init__(self, path: object, found: str, expected: str, options: tuple[str, ...]) -> None:
        super().__init__(path, found, expected)
        self.options = options

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the four parts."""
        return (type(self), (self.path, self.found, self.expected, self.options))


class UselessOptionError(FileFormatError):
    """Options were given that have no effect on a file of this kind.

    Parameters
    ----------
    path : str
        The file.
    kind : str
        What kind of file it is.
    options : tuple of str
        Names of the options.
    """

    def __init__(self, path: object, kind: str, options: tuple[str, ...]) -> None:
        names = ", ".join(options)
        verb = "do" if len(options) > 1 else "does"
        super().__init__(path, f"{kind}, which {names} {verb} not apply to", f"a call without {names}")
        self.kind = kind
        self.options = options

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the three parts."""
        return (type(self), (self.path, self.kind, self.options))
