"""What can stop a whole run. A bad frame is never among these: it is recorded and the run goes on."""

from classicseg._errors import ClassicsegError


class BatchError(ClassicsegError):
    """A batch run cannot start or cannot go on; what is finished is kept and a rerun continues from it."""


class NoInputError(BatchError, ValueError):
    """None of the inputs names a file that a run could read."""


class BusyError(BatchError):
    """Another run is working on the same output folder."""


class OutputError(BatchError):
    """The output or state folder cannot be written: no permission, no space left, a size limit."""
