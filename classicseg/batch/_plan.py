"""From what the user typed to an ordered list of frames."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from classicseg.batch._errors import NoInputError
from classicseg.batch._names import output_names, shown_name

ENDINGS = (".jpg", ".jpeg", ".rjpg", ".rjpeg", ".tif", ".tiff")  # what a folder is searched for


@dataclass(frozen=True, slots=True)
class Frame:
    """One input file of a run."""

    path: str  # absolute, as the system knows it; may hold surrogates
    file: str  # relative to the common root of all inputs, valid Unicode, one line: the name in every output
    name: str  # of the outputs, without ending; unique in the run
    size: int  # bytes
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something among the inputs that could not be looked into."""

    file: str
    message: str


@dataclass(frozen=True)
class Plan:
    """The frames of a run, sorted by path, and what could not be looked into."""

    frames: tuple[Frame, ...]
    problems: tuple[Problem, ...]


def make_plan(inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], *, skip: Iterable[str] = ()) -> Plan:
    """Return the frames that `inputs` name, in the order of their paths.

    A folder is searched with everything below it for JPEG and TIFF files; names that start with a dot are left
    out (macOS leaves "._DJI_0001.JPG" beside each picture), links are followed, a file reached twice counts once.
    A file that is named, or matched by a pattern, is taken whatever its ending. `skip` are folders that are not
    entered: where the outputs of the run itself are.
    """
    if isinstance(inputs, (str, os.PathLike)):
        inputs = [inputs]
    search = _Search({os.path.realpath(folder) for folder in skip})
    bases = [search.add(os.fspath(item)) for item in inputs]
    search.run()
    root = _common_root([base for base in bases if base is not None])
    files = sorted((_relative(path, root), path) for path in search.files)
    problems = sorted((shown_name(_relative(path, root)), message) for path, message in search.problems)
    if not files and not any(message != _MISSING for _, message in problems):
        named = ", ".join(shown_name(os.fspath(item)) for item in inputs) or "nothing"
        raise NoInputError(
            f"inputs must name at least one file, got {named}: no such file, or no "
            f"{' '.join(ENDINGS[:2] + ENDINGS[-2:])} file below; give files, "
            "folders or quoted patterns such as 'flight/**/*_T.JPG'"
        )
    names = output_names([relative for relative, _ in files])
    frames = [
        Frame(path, shown_name(relative), name, *search.files[path]) for (relative, path), name in zip(files, names)
    ]
    return Plan(tuple(frames), tuple(Problem(*problem) for problem in problems))


_MISSING = "no such file or folder, and no file matches it as a pattern"


class _Search:
    """Walks folders without recursion: real entries first, so that a file is known by its own path, then links."""

    def __init__(self, seen: set[str]) -> None:
        self.files: dict[str, tuple[int, int]] = {}  # path -> size, mtime_ns
        self.problems: list[tuple[str, str]] = []
        self._seen = seen  # real paths of folders entered (or not to be entered) and files taken
        self._folders: list[str] = []
        self._links: list[str] = []

    def add(self, item: str) -> str | None:
        """Take one thing the user named; return the folder its paths are shown relative to."""
        path = os.path.abspath(item)
        if os.path.lexists(path):
            self._add_path(path)
            return path if os.path.isdir(path) else os.path.dirname(path)
        matches = sorted(glob.glob(item, recursive=True)) if glob.has_magic(item) else []
        if not matches:
            self.problems.append((path, _MISSING))
            return None
        for match in matches:
            self._add_path(os.path.abspath(match))
        return _fixed_folder(path)

    def _add_path(self, path: str) -> None:
        if os.path.islink(path):
            self._links.append(path)
        elif os.path.isdir(path):
            self._folders.append(path)
        else:
            self._take(path)

    def run(self) -> None:
        while self._folders or self._links:
            if self._folders:
                self._enter(self._folders.pop())
                continue
            self._links.sort(reverse=True)  # the order of the inputs does not decide which of two links names a file
            link = self._links.pop()
            if os.path.isdir(link):
                self._folders.append(link)
            else:
                self._take(link)

    def _enter(self, folder: str) -> None:
        real = os.path.realpath(folder)
        if not self._first_visit(real):
            return
        try:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    self._sort_in(entry, real)
        except OSError as error:
            self.problems.append((folder, f"folder cannot be read: {error.strerror}"))

    def _sort_in(self, entry: os.DirEntry[str], real_folder: str) -> None:
        if entry.name.startswith("."):
            return
        wanted = entry.name.lower().endswith(ENDINGS)
        if entry.is_symlink():
            if wanted or entry.is_dir():
                self._links.append(entry.path)
        elif entry.is_dir():
            self._folders.append(entry.path)
        elif wanted:
            self._take(entry.path, os.path.join(real_folder, entry.name))

    def _take(self, path: str, real: str | None = None) -> None:
        try:
            status = os.stat(path)
        except OSError as error:
            self.problems.append((path, f"file cannot be read: {error.strerror}"))
            return
        if not stat.S_ISREG(status.st_mode):
            self.problems.append((path, "not a regular file"))  # opening a pipe would wait for ever
        elif self._first_visit(real or os.path.realpath(path)):
            self.files[path] = (status.st_size, status.st_mtime_ns)

    def _first_visit(self, real: str) -> bool:
        first = real not in self._seen
        self._seen.add(real)
        return first


def _fixed_folder(pattern: str) -> str:
    """Return the part of a pattern before its first wildcard, as a folder."""
    while glob.has_magic(pattern):
        pattern = os.path.dirname(pattern)
    return pattern


def _common_root(bases: Sequence[str]) -> str | None:
    try:
        return os.path.commonpath(bases) if bases else None
    except ValueError:  # different drives on Windows
        return None


def _relative(path: str, root: str | None) -> str:
    if root is not None:
        return os.path.relpath(path, root) if path.startswith(root) else os.path.basename(path)
    return os.path.splitdrive(path)[1].lstrip("\\/")
