"""The command line: what was typed becomes a call, what comes back becomes text and an exit status."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from classicseg import __version__
from classicseg._errors import ClassicsegError

METHODS = ("kmeans", "mean_shift")  # of hot spots
SEGMENT_METHODS = ("tree", *METHODS)
REFINER_HELP = "model that says what regions are: name:option=value,option=value; classicseg info lists the names"
GOOD, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

BATCH_EXAMPLES = """\
examples:
  classicseg batch flight --out results
  classicseg batch 'flight/**/*_T.JPG' --out results --distance-m 25 --emissivity 0.9
  classicseg batch flight1 flight2 --out /net/share/results --state ~/state --workers 4

exit status:
  0    every frame was read and segmented; pictures without temperatures, as drones take beside them, were left out
  1    some failed, or the refiner did on some, or none had temperatures: the report says which, and why
  2    usage: no input found, folder not writable or full, another run is at work there
  130  stopped by Ctrl-C

A run that was stopped or killed goes on when the same command is given again. Outputs always mirror the inputs of
the latest run: those of frames that are no longer among the inputs are removed.
"""

SEGMENT_EXAMPLES = """\
examples:
  classicseg segment photo.jpg -o labels.png
  classicseg segment photo.jpg -o labels.png --scale 0.3
  classicseg segment photo.jpg -o labels.png --method kmeans --n-clusters 8
  classicseg segment photo.jpg -o labels.png --method mean_shift --range-bandwidth 24
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("\nstopped; give the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `classicseg info | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + int(signal.SIGPIPE) if hasattr(signal, "SIGPIPE") else FAILED
    except (ClassicsegError, ValueError, OSError) as error:
        print(f"classicseg: error: {error}", file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classicseg",
        description="Segment images; find hot spots in radiometric drone frames.",
        epilog="Try it without any data: classicseg demo",
    )
    parser.add_argument("--version", action="version", version=f"classicseg {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_batch(commands)
    _add_demo(commands)
    _add_segment(commands)
    info = commands.add_parser("info", help="print versions, threads, GPU, kernels, refiners, conflicting packages")
    info.set_defaults(run=_info)
    warm = commands.add_parser("warmup", help="compile every kernel once, so that no later call waits for it")
    warm.set_defaults(run=_warmup)
    return parser


def _add_batch(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "batch",
        help="find hot spots in a folder of frames and write a report",
        description="Find hot spots in radiometric frames (FLIR and DJI R-JPEG, TIFF). Writes label images, overlays, "
        "hotspots.csv, hotspots.geojson, summary.json and report.html; with a refiner also what it takes the regions "
        "of each frame for.",
        epilog=BATCH_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="file, folder (with everything below), or quoted pattern")
    add("--out", required=True, metavar="DIR", help="folder for the outputs")
    add("--refiner", metavar="NAME[:OPTIONS]", help=REFINER_HELP)
    add("--workers", type=int, metavar="N", help="processes at a time (default: one per processor)")
    add("--state", metavar="DIR", help="folder for manifest and log (default: DIR/.classicseg below --out)")
    add("--no-overlays", action="store_true", help="write no overlay pictures; the report then has none either")
    _add_hotspot_options(parser.add_argument_group("hot spots"))
    _add_reading_options(
        parser.add_argument_group(
            "temperatures",
            "each replaces what the files say; the first seven are for FLIR files, the last two for TIFF",
        )
    )
    parser.set_defaults(run=_batch)


def _add_hotspot_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--profile", default="IEC-62446-3-style", help="severity profile, by name or TOML file (default: %(default)s)")
    add("--min-delta", type=float, metavar="K", help="smallest difference to report (default: the profile's)")
    add("--min-area", type=int, default=4, metavar="PX", help="smallest hot spot, pixels (default: %(default)s)")
    add("--method", default="kmeans", choices=METHODS, help="how modules are told from ground (default: %(default)s)")
    add("--spatial-bandwidth", type=int, metavar="PX", help="radius of mean shift's window (default: 3)")
    add("--range-bandwidth", type=float, metavar="OCTAVES", help="the same in texture (default: 0.4)")


def _add_reading_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--emissivity", type=float, metavar="E", help="of the surface, above 0 up to 1; glass about 0.9")
    add("--distance-m", type=float, metavar="M", help="to the surface")
    add("--reflected-celsius", type=float, metavar="C", help="reflected apparent temperature, often the sky's")
    add("--atmospheric-celsius", type=float, metavar="C", help="air temperature")
    add("--relative-humidity", type=float, metavar="H", help="0 to 1")
    add("--window-transmission", type=float, metavar="T", help="of a protective window, above 0 up to 1")
    add("--window-celsius", type=float, metavar="C", help="temperature of that window")
    add("--calibration", metavar="FILE", help="table from counts to °C, for cameras that store no constants (DJI)")
    add("--calibration-any-camera", action="store_true", help="apply it to cameras that it was not fitted for, too")
    add("--unit", help="what the numbers of a TIFF mean: celsius, centikelvin, millicelsius, counts, …")
    add("--nodata", type=float, metavar="V", help="value of a TIFF that marks missing pixels")


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="run the whole job on a synthetic flight with known hot spots",
        description="Make a small flight of radiometric frames with known hot spots and one broken file, run batch "
        "on it, and compare what was found with what is there.",
    )
    parser.add_argument("--out", default="classicseg-demo", metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--frames", type=int, default=12, metavar="N", help="frames of the flight (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes at a time (default: one per processor)")
    parser.set_defaults(run=_demo)


def _add_segment(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "segment",
        help="segment one picture into a label image",
        description="Segment a picture into connected regions and write them as a label image.",
        epilog=SEGMENT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("image", metavar="IMAGE", help="any picture that Pillow reads")
    add("-o", "--output", required=True, metavar="LABELS", help=".png (16 bit), .tif (32 bit) or .npy")
    add("--method", default="tree", choices=SEGMENT_METHODS, help="default: %(default)s")
    add("--scale", type=float, metavar="P", help="of tree: how likely people draw a line that stays (default: 0.5)")
    add("--unit", type=float, metavar="U", help="of tree: what counts like from black to white (of °C: 10)")
    add("--n-clusters", type=int, metavar="N", help="of k-means: colours to tell apart (default: 6)")
    add("--spatial-bandwidth", type=int, metavar="PX", help="of mean shift: how far a pixel looks (default: 6)")
    add("--range-bandwidth", type=float, metavar="LEVELS", help="of mean shift: contrast, of 255 (default: 16)")
    add("--min-size", type=int, metavar="PX", help="merge smaller regions (default: 30; of the others 64)")
    add("--rng", type=int, metavar="SEED", help="of k-means: seed (default: 0)")
    add("--refiner", metavar="NAME[:OPTIONS]", help=f"{REFINER_HELP}; writes classes from 1 on, or instances")
    parser.set_defaults(run=_segment)


def _batch(arguments: argparse.Namespace) -> int:
    from classicseg.batch import BatchOptions, run_batch
    from classicseg.batch._console import batch_lines, progress_line

    names: tuple[str, ...] = (
        "profile",
        "min_delta",
        "min_area",
        "method",
        "spatial_bandwidth",
        "range_bandwidth",
        "emissivity",
        "distance_m",
        "reflected_celsius",
        "atmospheric_celsius",
    )
    names += ("relative_humidity", "window_transmission", "window_celsius")
    names += ("calibration", "calibration_any_camera", "unit", "nodata", "refiner")
    chosen = {name: getattr(arguments, name) for name in names}
    options = BatchOptions(**chosen, overlays=not arguments.no_overlays)
    with progress_line() as progress:
        summary = run_batch(
            arguments.inputs,
            arguments.out,
            workers=arguments.workers,
            state=arguments.state,
            options=options,
            progress=progress,
        )
    _print(batch_lines(summary))
    return GOOD if summary.all_good else FAILED


def _demo(arguments: argparse.Namespace) -> int:
    from classicseg.batch import run_demo
    from classicseg.batch._console import demo_lines, progress_line

    with progress_line() as progress:
        result = run_demo(arguments.out, n_frames=arguments.frames, workers=arguments.workers, progress=progress)
    _print(demo_lines(result))
    return GOOD if result.as_expected else FAILED


def _segment(arguments: argparse.Namespace) -> int:
    from classicseg._segment import segment_file

    refiner = None
    if arguments.refiner is not None:
        from classicseg.refine import load_refiner

        refiner = load_refiner(arguments.refiner)
    names = ("method", "scale", "unit", "n_clusters", "spatial_bandwidth", "range_bandwidth", "min_size", "rng")
    options = {name: getattr(arguments, name) for name in names}
    count = segment_file(arguments.image, arguments.output, refiner=refiner, **options)
    what = f"{count} regions"
    if refiner is not None and refiner.task == "semantic":
        what = "classes " + ", ".join(f"{number} {name}" for number, name in enumerate(refiner.classes, start=1))
    elif refiner is not None:
        what = f"{count} instances" if refiner.task == "instances" else f"segments up to {count}"
    print(f"{what}: {arguments.output}")
    return GOOD


def _info(arguments: argparse.Namespace) -> int:
    from classicseg._info import info_lines

    _print(info_lines())
    return GOOD


def _warmup(arguments: argparse.Namespace) -> int:
    from classicseg._warmup import warmup

    warmup(lambda name, seconds: print(f"{name:<12} {seconds:6.1f} s", flush=True))
    return GOOD


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        print(line)
