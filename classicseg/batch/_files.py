"""Files that appear under their final name complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
from collections.abc import Iterator
from typing import IO

from classicseg.batch._errors import OutputError

TEMPORARY = ".classicseg-"  # start of every unfinished name
_counter = itertools.count()


@contextlib.contextmanager
def atomic(path: str) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path`, for writing bytes; at the end it is synced and takes the name `path`.

    The temporary name is short whatever the length of `path`, and unique among processes that share the folder.
    """
    temporary = os.path.join(os.path.dirname(path), f"{TEMPORARY}{os.getpid()}-{next(_counter)}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the name on an empty file
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def digest_of(path: str) -> str:
    """Return the hash of a file's contents; empty where the file cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return ""


def move(path: str, target: str) -> None:
    """Give a file that may be absent another name, in a folder that may be absent."""
    if os.path.exists(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(path, target)


def remove(path: str) -> None:
    """Remove a file that may be absent."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)


def remove_temporaries(folder: str) -> None:
    """Remove what a killed run left unfinished in `folder` itself."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY) and entry.name.endswith(".tmp"):
                remove(entry.path)


def remove_empty_folders(folder: str, top: str) -> None:
    """Remove `folder` and its parents below `top`, as far up as they are empty."""
    while folder.startswith(top + os.sep):
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)


@contextlib.contextmanager
def writable(folder: str) -> Iterator[None]:
    """Tell a folder that cannot be written from a frame that cannot be read."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        way_out = "make room or give another folder" if full else "give a folder that can be written"
        raise OutputError(
            f"{folder}: cannot be written: {error.strerror or error}; {way_out}, "
            "then run again: finished frames are kept"
        ) from error
