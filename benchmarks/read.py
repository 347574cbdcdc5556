"""Reading radiometric FLIR frames to °C, file by file, against flyr."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.images import temperatures
from benchmarks.machine import missing
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

TOLERANCE_K = 0.001


def rows(context: Context) -> list[Row]:
    """Return one row per FLIR file that the peer reads too: it fails on those of some drones."""
    files = sample_files(context.data / "thermal") if context.data else generated_files(context)
    read_by_both = [path for path in files if missing(["flyr"]) or peer_reads(path)]
    return [Row(path.name, {"path": str(path)}) for path in (read_by_both[:2] if context.tiny else read_by_both)]


def sample_files(folder: Path) -> list[Path]:
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    return [path for path in pictures if b"FLIR\0" in path.read_bytes()[:200_000]]


def generated_files(context: Context) -> list[Path]:
    from classicseg.thermal._rjpeg import write_flir_rjpeg

    files = []
    for rows, cols in ((120, 160),) if context.tiny else ((120, 160), (240, 320), (480, 640), (512, 640)):
        raw = np.rint(temperatures(rows, cols) * 40 + 12_000).astype(np.uint16)
        for encoding in ("raw", "png"):
            files.append(context.scratch / f"{rows}x{cols}-{encoding}.jpg")
            write_flir_rjpeg(files[-1], raw, encoding=encoding)
    return files


def peer_reads(path: Path) -> bool:
    import flyr

    try:
        return flyr.unpack(str(path)).celsius is not None
    except Exception:  # noqa: BLE001 - whatever it raises, the file is one it cannot read
        return False


def ours(path: str) -> Callable[[], Any]:
    from classicseg.thermal import read

    return lambda: read(path).temperature


def flyr_peer(path: str) -> Callable[[], Any]:
    import flyr

    return lambda: flyr.unpack(path).celsius


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine, other = (output["result"] for output in outputs.values())
    if mine.shape != other.shape:
        return Agreement(False, f"shapes {mine.shape} and {other.shape}")
    worst = float(np.abs(mine - other).max())
    return Agreement(worst <= TOLERANCE_K, f"{mine.shape[0]}×{mine.shape[1]}, max {worst:.5f} K")


CASE = Case(
    name="read",
    title="Reading a FLIR radiometric JPEG to °C",
    contenders=(Contender("classicseg", "ours"), Contender("flyr", "flyr_peer", ("flyr",))),
    rows=rows,
    agree=agree,
    floors={"flyr": 7},
)
