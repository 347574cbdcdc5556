"""The peer of `classicseg batch`: the same outputs from flyr, scikit-learn, scikit-image and Pillow.

A folder of FLIR frames becomes a label image and an overlay per frame, hotspots.csv, hotspots.geojson,
summary.json and a self-contained report.html. Frames go to a pool of processes with one thread each, as
scikit-learn and OpenMP programs are best run side by side. A broken frame is noted and never stops the run.
"""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import flyr
import numpy as np
from matplotlib import colormaps
from PIL import ExifTags, Image, ImageDraw
from skimage.segmentation import find_boundaries
from threadpoolctl import threadpool_limits

from benchmarks._reference_hotspots import find_hotspots
from classicseg.thermal import load_profile

MOST_PICTURES = 60  # in the report, as in the package's
STAGES = ("read", "segment and find", "write")
HEAT = ("min", "mean", "median", "max", "reference", "delta")
COLUMNS = ("file", "label", "row", "col", "row_min", "col_min", "row_max", "col_max", "area_px")
COLUMNS += tuple(f"{name}_celsius" for name in HEAT)
COLUMNS += ("severity", "profile", "latitude", "longitude", "altitude_m", "time")
_COLORS = (colormaps["inferno"](np.linspace(0, 1, 256))[:, :3] * 255).astype(np.uint8)


def run(frames: list[str], out: str, workers: int) -> dict[str, Any]:
    """Do all frames, write the tables and the report; return counts and the seconds per stage."""
    folder = Path(out)
    for name in ("labels", "overlays"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    work = partial(one_frame, folder=folder)
    if workers == 1:
        with threadpool_limits(1):
            records = [work(path) for path in frames]
    else:
        with ProcessPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
            records = list(pool.map(work, frames))
    write_tables(folder, records)
    seconds = np.sum([record["seconds"] for record in records if "seconds" in record], axis=0)
    return {f"{stage}_s": float(value) for stage, value in zip(STAGES, seconds, strict=True)}


def one_frame(path: str, folder: Path) -> dict[str, Any]:
    """Do one frame; return its record, or its error."""
    started = time.perf_counter()
    name = Path(path).name
    try:
        values = flyr.unpack(path).celsius
        record = {"file": name, "shape": values.shape, **metadata(path)}
        read = time.perf_counter()
        profile = load_profile("IEC-62446-3-style")
        labels, surfaces, spots = find_hotspots(values, profile.min_delta_celsius)
        found = time.perf_counter()
        for spot in spots:
            spot["severity"] = profile.severity(spot["delta"])
        Image.fromarray(labels.astype(np.uint16)).save(folder / "labels" / f"{name}.png", compress_level=3)
        draw(values, labels, surfaces, spots).save(folder / "overlays" / f"{name}.png", compress_level=2)
    except Exception as error:  # noqa: BLE001 - one bad frame never stops a run
        return {"file": name, "error": f"{type(error).__name__}: {error}"}
    record["range"] = [float(values.min()), float(values.mean()), float(values.max())]
    record |= {"profile": profile.name, "hotspots": spots}
    return record | {"seconds": (read - started, found - read, time.perf_counter() - found)}


def metadata(path: str) -> dict[str, Any]:
    """Return time, position and camera from EXIF."""
    with Image.open(path) as picture:
        exif = picture.getexif()
    gps, shot = exif.get_ifd(ExifTags.IFD.GPSInfo), exif.get_ifd(ExifTags.IFD.Exif)
    found = {"camera": [exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model)]}
    found["time"] = shot.get(ExifTags.Base.DateTimeOriginal, "")
    if ExifTags.GPS.GPSLatitude in gps:
        for axis, negative, name in (("Latitude", "S", "latitude"), ("Longitude", "W", "longitude")):
            degrees = sum(float(part) / 60**i for i, part in enumerate(gps[ExifTags.GPS[f"GPS{axis}"]]))
            found[name] = -degrees if gps.get(ExifTags.GPS[f"GPS{axis}Ref"]) == negative else degrees
        found["altitude_m"] = float(gps.get(ExifTags.GPS.GPSAltitude, 0))
    return found


def draw(values: Any, labels: Any, surfaces: Any, spots: list[dict[str, Any]]) -> Image.Image:
    """Return the frame in thermal colours with rows and hot spots outlined and numbered, and a scale."""
    low, high = np.percentile(values[::3, ::3], [0.5, 99.9])
    scaled = np.clip((values - low) * (255 / max(high - low, 1e-3)), 0, 255).astype(np.uint8)
    canvas = _COLORS[scaled]
    edge = find_boundaries(surfaces, mode="inner")
    canvas[edge] = (0.62 * canvas[edge] + 0.38 * 235).astype(np.uint8)
    canvas[find_boundaries(labels, mode="outer")] = 255
    scale = np.full((len(canvas), 72, 3), 24, np.uint8)
    scale[30:-14, 8:20] = _COLORS[np.linspace(255, 0, len(canvas) - 44).astype(np.uint8)][:, None]
    picture = Image.fromarray(np.concatenate([canvas, scale], axis=1))
    pen = ImageDraw.Draw(picture)
    width = values.shape[1]
    for part in np.linspace(0, 1, 7):
        pen.text((width + 28, 24 + (1 - part) * (len(canvas) - 44)), f"{low + part * (high - low):.1f}", "white")
    for spot in spots:
        pen.text((spot["col_max"] + 3, spot["row_min"] - 8), f"{spot['label']}  {spot['delta']:+.1f} °C", "white")
    return picture


def write_tables(folder: Path, records: list[dict[str, Any]]) -> None:
    good = [record for record in records if "error" not in record]
    rows = [cells(record, spot) for record in good for spot in record["hotspots"]]
    with (folder / "hotspots.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    features = [{"type": "Feature", "geometry": point(row), "properties": row} for row in rows]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / "hotspots.geojson").write_text(text, encoding="utf-8")
    failed = [record for record in records if "error" in record]
    frames = [{key: value for key, value in record.items() if key != "seconds"} for record in good]
    summary = {"frames": len(records), "hotspots": len(rows), "failed": failed, "results": frames}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    (folder / "report.html").write_text(report(folder, rows, good, failed), encoding="utf-8")


def cells(record: dict[str, Any], spot: dict[str, Any]) -> dict[str, Any]:
    named = {f"{name}_celsius" if name in HEAT else name: value for name, value in spot.items()}
    named = {key: round(value, 3) if isinstance(value, float) else value for key, value in named.items()}
    shared = {key: record.get(key, "") for key in ("file", "profile", "latitude", "longitude", "altitude_m", "time")}
    return named | shared


def point(row: dict[str, Any]) -> dict[str, Any] | None:
    if row["latitude"] == "":
        return None
    return {"type": "Point", "coordinates": [row["longitude"], row["latitude"], row["altitude_m"]]}


def report(folder: Path, rows: list[dict[str, Any]], good: list[dict[str, Any]], failed: list[dict[str, Any]]) -> str:
    hottest = sorted((record for record in good if record["hotspots"]), key=lambda r: -r["hotspots"][0]["delta"])
    pictures = "".join(figure(folder, record["file"]) for record in hottest[:MOST_PICTURES])
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    lines = (
        "".join(f"<td>{html.escape(str(row.get(name, '')))}</td>" for name in COLUMNS)
        for row in sorted(rows, key=lambda row: -row["delta_celsius"])
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    errors = "".join(f"<li>{html.escape(record['file'])}: {html.escape(record['error'])}</li>" for record in failed)
    return (
        "<!doctype html><meta charset='utf-8'><title>Hot spots</title>"
        f"<h1>{len(rows)} hot spots in {len(good)} frames</h1><table><tr>{head}</tr>{body}</table>"
        f"<h2>Not analysed</h2><ul>{errors}</ul>{pictures}"
    )


def figure(folder: Path, name: str) -> str:
    buffer = io.BytesIO()
    with Image.open(folder / "overlays" / f"{name}.png") as picture:
        picture.save(buffer, "JPEG", quality=82)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"<figure><img src='data:image/jpeg;base64,{data}'><figcaption>{html.escape(name)}</figcaption></figure>"
