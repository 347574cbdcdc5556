"""Stand-ins for the work on a frame, for what real frames do not do on demand."""

import os
import signal
import threading
import time
from pathlib import Path

from classicseg.batch._frame import Unwritable, guarded
from classicseg.batch._outcome import Outcome


def make_dying(setup):
    """Frames named kill* end their worker as the system does when memory runs out, exit* as a library may."""

    def work(frame):
        name = os.path.basename(frame.path)
        if name.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("exit"):
            os._exit(3)
        if name.startswith("noise"):
            print("words between the answers")
        outcome = Outcome("done", outputs={}, record={"file": frame.file, "threads": os.environ["OMP_NUM_THREADS"]})
        return lambda: outcome

    return guarded(work)


def make_overlapping(setup):
    """Writing a frame waits until the next one is worked on, which never comes where one thing is done at a time."""
    begun = threading.Semaphore(0)

    def work(frame):
        begun.release()

        def finish():
            begun.acquire()  # its own
            met = frame.file.startswith("last") or begun.acquire(timeout=20)
            begun.release()  # the other's, for it to take
            return Outcome("done", outputs={}, record={"met": met})

        return finish

    return guarded(work)


def make_raising(setup):
    def work(frame):
        kind = os.path.basename(frame.path).split(".")[0]
        raise {"memory": MemoryError(), "os": PermissionError(13, "Permission denied"), "full": Unwritable("x")}.get(
            kind, RuntimeError(f"in {frame.path}\nsecond line")
        )

    return guarded(work)


def make_nothing(setup):
    raise RuntimeError("cannot begin")


def make_slow(setup):
    """Tell by a file that a frame is being worked on, then take long."""

    def work(frame):
        Path(setup.out, f"started-{os.getpid()}").touch()
        time.sleep(60)
        return lambda: Outcome("done", outputs={}, record={})

    return work
