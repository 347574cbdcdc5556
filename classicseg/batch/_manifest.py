"""The memory of a run, in SQLite: which frame is done, with which result. Only the coordinator opens it."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from classicseg.batch._errors import BatchError, BusyError, OutputError
from classicseg.batch._files import digest_of
from classicseg.batch._layout import candidates
from classicseg.batch._names import collision_key
from classicseg.batch._outcome import UNREFINED, Outcome
from classicseg.batch._plan import Frame

SCHEMA = 2  # 1 knew a frame by its name, size and time alone
COMMIT_EVERY = 0.5  # seconds; a kill costs at most the work of this time, which the next run repeats
# write-ahead logging needs shared memory and working locks, so it is used only where both are known to work
LOCAL_DISKS = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "tmpfs", "overlay", "apfs", "ntfs3"}
)


_TABLES = """
CREATE TABLE IF NOT EXISTS frames (
    file TEXT PRIMARY KEY, position INTEGER, name TEXT, size INTEGER, mtime_ns INTEGER, options TEXT,
    state TEXT, kind TEXT, error TEXT, outputs TEXT, record TEXT,
    read_s REAL, segment_s REAL, write_s REAL, finished REAL, path BLOB, digest TEXT
);
CREATE INDEX IF NOT EXISTS frames_by_position ON frames (position);
CREATE TABLE IF NOT EXISTS orphans (name TEXT PRIMARY KEY);
"""

_UPSERT = """
INSERT INTO frames (file, position, name, size, mtime_ns, options, path, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (file) DO UPDATE SET
    position = excluded.position, state = excluded.state, name = excluded.name, size = excluded.size,
    mtime_ns = excluded.mtime_ns, options = excluded.options, path = excluded.path
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One frame as stored, with its state "done", "failed" or "pending"."""

    file: str
    name: str
    state: str
    kind: str
    error: str
    outputs: dict[str, int]
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Done:
    """What tells whether a frame is one that is done."""

    file: str
    name: str
    size: int
    mtime_ns: int
    path: bytes | None
    digest: str | None
    outputs: str

    def is_frame(self, frame: Frame) -> bool:
        """Whether `frame` is the file that was done; its contents are read only where it lies elsewhere now."""
        if (self.size, self.mtime_ns) != (frame.size, frame.mtime_ns):
            return False
        if self.path == os.fsencode(frame.path):
            return True
        return bool(self.digest) and digest_of(frame.path) == self.digest


class Manifest:
    """The manifest of one output folder, held by one run at a time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._last_commit = time.monotonic()
        with self._errors():
            self._database = sqlite3.connect(path, timeout=1.0, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        with self._errors():
            execute = self._database.execute
            execute("PRAGMA locking_mode = EXCLUSIVE")  # held until close, and let go by the system after a kill
            execute(f"PRAGMA journal_mode = {'WAL' if on_local_disk(self._path) else 'DELETE'}")
            execute("PRAGMA synchronous = NORMAL")
            execute("BEGIN EXCLUSIVE")
            schema = execute("PRAGMA user_version").fetchone()[0]
            if schema == 1:
                execute("ALTER TABLE frames ADD COLUMN path BLOB")
                execute("ALTER TABLE frames ADD COLUMN digest TEXT")
            elif schema not in (0, SCHEMA):
                raise BatchError(
                    f"{self._path}: the manifest has form {schema}, this release writes form {SCHEMA}; "
                    "remove the state folder to start anew, or use the release that wrote it"
                )
            for statement in _TABLES.split(";"):
                execute(statement)
            execute(f"PRAGMA user_version = {SCHEMA}")
            execute("COMMIT")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BusyError(
                    f"{self._path}: another run is working on this output folder; wait for it, or choose another --out"
                ) from error
            raise OutputError(
                f"{self._path}: the manifest cannot be written: {error}; make room or give a writable --state DIR, "
                "then run again: finished frames are kept"
            ) from error
        except sqlite3.DatabaseError as error:
            raise BatchError(
                f"{self._path}: not a usable manifest: {error}; remove the state folder to start anew"
            ) from error

    def __enter__(self) -> Manifest:
        """Return the manifest itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Store what is not stored yet and let go of the lock."""
        try:
            self.commit()
        finally:
            self._database.close()

    def set_plan(self, frames: Sequence[Frame], options: str) -> list[tuple[str, str]]:
        """Make the manifest list exactly `frames`; what is done with the same file and options stays done.

        A file is the same that has the size and time of the one done, and its path or, elsewhere, its contents.
        Where it goes by another name now, for a folder came in or went, its outputs get that name too: return the
        names to move them from and to. A kill before they are moved leaves the frame without outputs, to be done
        again, and the old names among the orphans.

        Names of outputs that no frame of the plan has any more are kept as orphans until `forget_orphans`, so
        that a kill between the two leaves nothing behind for ever.
        """
        with self._errors(), self._transaction():
            execute = self._database.execute
            stays, renamed = self._match(frames, options)
            execute("CREATE TEMP TABLE IF NOT EXISTS planned (file TEXT PRIMARY KEY, name TEXT)")
            execute("DELETE FROM planned")
            self._database.executemany(
                "INSERT INTO planned VALUES (?, ?)", ((frame.file, frame.name) for frame in frames)
            )
            execute(
                "INSERT OR IGNORE INTO orphans SELECT name FROM frames WHERE name NOT IN (SELECT name FROM planned)"
            )
            execute("DELETE FROM orphans WHERE name IN (SELECT name FROM planned)")
            self._database.executemany(
                "UPDATE frames SET file = ?, name = ?, outputs = ? WHERE file = ?",
                ((frame.file, frame.name, _renamed(done, frame.name), done.file) for done, frame in renamed),
            )
            stays.update(frame.file for _, frame in renamed)
            execute("DELETE FROM frames WHERE file NOT IN (SELECT file FROM planned)")
            self._database.executemany(
                _UPSERT,
                (
                    (f.file, i, f.name, f.size, f.mtime_ns, options, os.fsencode(f.path), _state(f.file in stays))
                    for i, f in enumerate(frames)
                ),
            )
            return [(done.name, frame.name) for done, frame in renamed]

    def _match(self, frames: Sequence[Frame], options: str) -> tuple[set[str], list[tuple[_Done, Frame]]]:
        """Return which of `frames` stay done, and which are done under another name, with that."""
        rows = self._database.execute(
            "SELECT file, name, size, mtime_ns, path, digest, outputs FROM frames"
            " WHERE state = 'done' AND kind IS NOT ? AND options = ?",
            (UNREFINED, options),
        )
        done = {row[0]: _Done(*row) for row in rows}
        here = [frame for frame in frames if frame.file in done and done[frame.file].name == frame.name]
        stays = {frame.file for frame in here if done[frame.file].is_frame(frame)}
        # A name that a file or an orphan has already is not taken over: what lies there is not to be mixed up.
        files = {file for (file,) in self._database.execute("SELECT file FROM frames")}
        names = self._database.execute("SELECT name FROM frames UNION SELECT name FROM orphans")
        used = {collision_key(name) for (name,) in names}
        alike: dict[tuple[int, int], list[_Done]] = {}
        for one in done.values():
            if one.file not in stays:
                alike.setdefault((one.size, one.mtime_ns), []).append(one)
        renamed = []
        for frame in frames:
            if frame.file in files or collision_key(frame.name) in used:
                continue
            same = alike.get((frame.size, frame.mtime_ns), [])
            found = next((one for one in same if one.is_frame(frame)), None)
            if found is not None:
                same.remove(found)
                renamed.append((found, frame))
        return stays, renamed

    def orphans(self) -> list[str]:
        """Return the names whose outputs no frame of the plan owns."""
        with self._errors():
            return [name for (name,) in self._database.execute("SELECT name FROM orphans ORDER BY name")]

    def forget_orphans(self) -> None:
        """Drop the orphans, after their files were removed."""
        with self._errors(), self._transaction():
            self._database.execute("DELETE FROM orphans")

    def reopen(self, files: Sequence[str]) -> None:
        """Mark frames as not done, because their outputs are gone."""
        with self._errors(), self._transaction():
            self._database.executemany("UPDATE frames SET state = 'pending' WHERE file = ?", ((f,) for f in files))

    def store(self, file: str, outcome: Outcome) -> None:
        """Store what became of a frame; it reaches the disk within `COMMIT_EVERY` seconds of further calls."""
        with self._errors():
            if not self._database.in_transaction:
                self._database.execute("BEGIN")
            self._database.execute(
                "UPDATE frames SET state = ?, kind = ?, error = ?, digest = ?, outputs = ?, record = ?,"
                " read_s = ?, segment_s = ?, write_s = ?, finished = ? WHERE file = ?",
                (
                    *(outcome.state, outcome.kind, outcome.error, outcome.digest),
                    *(json.dumps(outcome.outputs or {}), json.dumps(outcome.record or {}, allow_nan=False)),
                    *(*outcome.seconds, time.time(), file),
                ),
            )
        if time.monotonic() - self._last_commit > COMMIT_EVERY:
            self.commit()

    def commit(self) -> None:
        """Bring everything stored so far to the disk."""
        with self._errors():
            if self._database.in_transaction:
                self._database.execute("COMMIT")
        self._last_commit = time.monotonic()

    def rows(self) -> Iterator[Row]:
        """Yield the frames in the order of the plan, one at a time, so that memory does not grow with their number."""
        with self._errors():
            for row in self._database.execute(
                "SELECT file, name, state, kind, error, outputs, record FROM frames ORDER BY position"
            ):
                file, name, state, kind, error, outputs, record = row
                yield Row(
                    file, name, state, kind or "", error or "", json.loads(outputs or "{}"), json.loads(record or "{}")
                )

    def outputs(self) -> Iterator[tuple[str, dict[str, int]]]:
        """Yield each finished frame with the names and sizes of its outputs."""
        with self._errors():
            for file, outputs in self._database.execute("SELECT file, outputs FROM frames WHERE state = 'done'"):
                yield file, json.loads(outputs)

    def pending(self) -> set[str]:
        """Return the frames that are still to do."""
        with self._errors():
            return {file for (file,) in self._database.execute("SELECT file FROM frames WHERE state = 'pending'")}

    def seconds(self) -> tuple[float, float, float]:
        """Return the time spent reading, segmenting and writing all finished frames, summed over workers."""
        with self._errors():
            row = self._database.execute(
                "SELECT total(read_s), total(segment_s), total(write_s) FROM frames WHERE state = 'done'"
            ).fetchone()
        return (row[0], row[1], row[2])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self.commit()
        self._database.execute("BEGIN")
        try:
            yield
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def _state(stays: bool) -> str:
    return "done" if stays else "pending"


def _renamed(done: _Done, name: str) -> str:
    """Return the outputs of a frame under another name, as stored."""
    new = dict(zip(candidates(done.name), candidates(name), strict=True))
    return json.dumps({new[relative]: size for relative, size in json.loads(done.outputs).items()})


def on_local_disk(path: str, mounts: str = "/proc/mounts") -> bool:
    """Whether `path` lies on a file system known to be local; False where that cannot be told."""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.split() for line in file]
    except OSError:
        return False
    real = os.path.realpath(path)
    best, kind = "", ""
    for fields in lines:
        if len(fields) < 3:
            continue
        point = fields[1].encode("utf-8", "surrogateescape").decode("unicode_escape", "replace").rstrip("/")
        if (real == point or real.startswith(point + "/")) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind in LOCAL_DISKS
