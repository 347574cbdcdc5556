"""Every public algorithm, seen through each of its array arguments, and what it does with bad and odd ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from bad_input import (
    BATCHES,
    SAME,
    Refused,
    features_table,
    image_table,
    labels_table,
    masks_table,
    refused,
    too_large,
)
from numpy.testing import assert_allclose, assert_array_equal
from scenes import heat, module_field

from classicseg import (
    connected_regions,
    felzenszwalb,
    graph_cut,
    kmeans,
    kmeans_frames,
    mean_shift,
    mean_shift_filter,
    mean_shift_segment,
    merge_small_regions,
    motion_features,
    normalized_cut,
    pixel_affinity,
    pixel_features,
    refine_labels,
    region_graph,
    region_table,
    segment,
    segment_tree,
    slic,
    split_tree,
    texture_features,
)
from classicseg.refine import SemanticResult
from classicseg.thermal import find_hotspots, heat_in_boxes


@dataclass(frozen=True)
class Subject:
    name: str
    covers: str  # name in `classicseg.__all__`, or "thermal." and a name in that of `classicseg.thermal`
    argument: str
    call: Callable[..., Any]  # takes the array and options, returns arrays
    clean: Callable[[], Any]
    odd: Mapping[str, Any]  # form → SAME, Refused or a function of the result
    masks: Mapping[str, Any] | None = None  # the same for the forms of its mask; None where none is tried


# --- Images whose result no dtype changes ----------------------------------------------------------------------


def patches():
    """Three flat patches of colour, 9 × 12, far apart."""
    image = np.full((9, 12, 3), (20, 30, 40), np.uint8)
    image[:, 4:8] = (200, 20, 60)
    image[5:, 2:] = (90, 180, 200)
    return image + np.arange(108, dtype=np.uint8).reshape(9, 12, 1) % 3


def squares():
    """Region labels 1 to 12 of 3 × 3 pixels each."""
    return np.arange(1, 13, dtype=np.int32).reshape(3, 4).repeat(3, axis=0).repeat(3, axis=1)


def modules():
    """Solar modules with a hot spot; the soil above them holds pixel (1, 1), where forms put a NaN."""
    temperature, boxes = module_field(np.random.default_rng(1))
    row, col = boxes[9][:2]
    return heat(temperature, (row + 8, col + 6, row + 16, col + 14), 9.0)


# --- The algorithms as functions of one array ------------------------------------------------------------------


def clustered(features, **options):
    found = kmeans(features, 3, rng=0, **options)
    return [found.labels, found.centers, found.inertia]


def clustered_frames(features):
    found = kmeans_frames([features, patches()], 3, rng=0)[0]
    return [found.labels, found.centers, found.inertia]


def of_first_frame(table):
    """The outcomes of one frame, whose errors say which it is."""
    return {
        form: replace(outcome, message=f"frames[0]: {outcome.message}") if isinstance(outcome, Refused) else outcome
        for form, outcome in table.items()
    }


def predicted(features, **options):
    return [kmeans(patches(), 3, rng=0).predict(features, **options)]


def shifted(features, **options):
    found = mean_shift(features, 20, **options)
    return [found.labels, found.modes, found.densities]


def found_again(features, **options):
    return [mean_shift(patches(), 20).predict(features, **options)]


def smoothed(image, **options):
    return [mean_shift_filter(image, 2, 20, **options)]


def parted(image, **options):
    found = mean_shift_segment(image, 2, 20, **options)
    return [found.labels, found.modes, found.positions, found.densities]


def superpixels(image, **options):
    return [slic(image, 12, scaling=255, convert2lab=False, compactness=0.3, **options)]


def drawn(image, **options):
    return [segment(image, min_size=2, **options)]


def drawn_at_all_scales(image, **options):
    tree = segment_tree(image, min_size=2, **options)
    return [tree.labels, tree.merges, tree.heights]


def grown(image, **options):
    return [felzenszwalb(image, 2000, sigma=0, min_size=2, **options)]


def described(image, **options):
    features = pixel_features(image, "RGBxy", **options)
    mask = np.ones(features.shape[:2], bool) if features.mask is None else features.mask
    return [np.where(mask[..., None], np.asarray(features), 0), mask]


def with_depth(depth):
    features = pixel_features(patches(), "RGBd", depth=depth)
    mask = np.ones(features.shape[:2], bool) if features.mask is None else features.mask
    return [np.where(mask[..., None], np.asarray(features), 0), mask]


def with_extra(extra):
    return [np.asarray(pixel_features(patches(), "RGB", extra=extra))]


def linked(features, **options):
    affinity = pixel_affinity(features, 2, **options)
    return [affinity.weights, affinity.degree, affinity.sigma]


def no_contour(result):
    for found, expected in zip(result, linked(patches()), strict=True):
        assert_array_equal(found, expected)


def parted_in_two(features, seeds=None, **options):
    found = graph_cut(features, scribbles() if seeds is None else seeds, **options)
    return [found.foreground, found.energy, found.bound]


def scribbles():
    """Pixels of two patches that are known to be foreground, 1, and background, 2."""
    seeds = np.zeros((9, 12), np.uint8)
    seeds[1, 1:3], seeds[2:4, 5] = 1, 2
    return seeds


def with_costs(costs):
    found = graph_cut(patches(), costs=costs)
    return [found.foreground, found.energy, found.bound]


def two_costs():
    return patches()[..., :2].copy()


def cut(features, **options):
    return [normalized_cut(features, threshold=0.5, sigma=60, radius=1.5, **options)]


def cut_step_by_step(features, **options):
    tree = split_tree(features, threshold=0.5, sigma=60, radius=1.5, **options)
    return [tree.labels, tree.parents, tree.values]


def textured(image, **options):
    return [texture_features(image, size=5, **options)]


def moved(image, **options):
    return [motion_features(np.roll(patches(), 1, axis=1), image, **options)]


def distances():
    """A depth image, 9 × 12; a NaN or infinity in it is a hole."""
    return np.arange(1, 109, dtype=np.uint8).reshape(9, 12)


def connected(labels, **options):
    return [connected_regions(labels, **options)]


def merged(labels):
    return [merge_small_regions(labels, 10)]


def merged_by(image):
    return [merge_small_regions(squares(), 10, image=image)]


def tabled(labels, **options):
    return list(region_table(labels, **options).values())


def tabled_values(image):
    return list(region_table(squares(), image).values())


def graphed(labels, **options):
    graph = region_graph(labels, **options)
    return [graph.area, graph.first_pixel, graph.edges, graph.boundary_length]


def graphed_by(image):
    graph = region_graph(squares(), image)
    return [graph.area, graph.mean, graph.edges, graph.boundary_length, graph.contrast]


class Brightness:
    """A refiner that takes a region for as bright as it is."""

    task, classes = "semantic", ("dark", "bright")

    def refine(self, regions):
        share = regions.column("L_mean").clip(0, 100) / 100
        return SemanticResult(np.stack([1 - share, share], axis=1))


def refined(image, **options):
    found = refine_labels(image, squares(), Brightness(), **options)
    return [found.labels, found.probabilities]


def refined_by(labels, **options):
    found = refine_labels(patches(), labels, Brightness(), **options)
    return [found.labels, found.probabilities, found.regions.features]


def spots(image, **options):
    found = find_hotspots(image, **options)
    return [found.labels, found.surfaces, *(column for column in found.table.values() if column.dtype.kind != "U")]


def spots_by_mean_shift(image, **options):
    return spots(image, method="mean_shift", **options)


def heated(temperature, **options):
    table = heat_in_boxes(temperature, [[2, 3, 6, 7], [30, 40, 60, 90]], **options)
    return [table[name] for name in ("area_px", "min_celsius", "mean_celsius", "median_celsius", "max_celsius")]


# --- Results that are defined, though they are not those of a clean copy ---------------------------------------


def constant(value):
    def check(result):
        assert (result[0] == value).all()

    return check


def some_regions(result):
    assert result[0].min() == 1


def no_region(result):
    assert {len(column) for column in result} == {0}


def only_shapes(result):
    assert len(result) == 12


def no_contrast(result):
    assert not result[-1].any()


def labels_of_patches(result):
    assert_array_equal(result[0], clustered(patches())[0])


def patches_that_stay(result):
    assert_array_equal(result[0], patches())


def no_spots(result):
    assert not result[0].any()
    assert len(result[2]) == 0


def without_one_pixel(call):
    def check(result):
        mask = np.ones((240, 320), bool)
        mask[1, 1] = False
        for found, expected in zip(result, call(modules(), mask=mask), strict=True):
            assert_allclose(found, expected, rtol=1e-6)
        assert result[0].max() == 1

    return check


def heat_without_one_pixel(result):
    """Nodata is left out, here outside both boxes."""
    for found, expected in zip(result, heated(modules()), strict=True):
        assert_allclose(found, expected, rtol=1e-6)


def no_heat(result):
    assert not result[0].any()
    assert np.isnan(result[1:]).all()


def nothing_inside(result):
    assert not result[1].any()


def no_depth(result):
    """A hole is outside the mask."""
    assert not result[1][1, 1]
    assert result[1].sum() == 107


def no_extra(result):
    assert_array_equal(result[0], patches())


def motion_table():
    """Both frames are of one shape and dtype; wide integers are raw counts, not brightness."""
    alike = "previous and image must have one shape and dtype, got (9, 12, 3) of uint8 and {} of {}"
    counts = (
        "{{name}} must be a frame of a video, uint8 or floats of 0 to 1 (colour may be uint16), got colours of {}. "
        "Optical flow follows brightness that stays the same from frame to frame; temperatures and raw counts of a "
        "thermal camera do not, as it corrects its offset and drifts. Where they do, map both frames by one fixed "
        "range: np.clip((frame - low) * (255 / (high - low)), 0, 255).astype('uint8')"
    )
    return {
        **image_table((9, 12, 3)),
        "constant": SAME,
        **refused(alike.format("(1, 1, 3)", "uint8"), "1×1"),
        **refused(alike.format("(9, 12, 3)", "uint16"), "big-endian"),
        **refused(alike.format("(9, 12, 3)", "float16"), "float16"),
        **refused(alike.format("(9, 12, 3)", "float32"), "1e36"),
        **refused(alike.format("(9, 12, 3)", "float64"), "NaN", "inf", "-inf", "float64", "1e300"),
        **refused(alike.format("(9, 12, 3)", np.dtype(np.longdouble).name), "long double"),
        **refused(counts.format("int64"), "list", "int64"),
        **refused(counts.format("uint64"), "uint64"),
    }


def values_table(shape):
    """What is said about the image of a label image of 9 × 12."""
    way_out = "set the labels of such pixels to 0"
    return {
        **image_table(shape),
        **dict.fromkeys(("constant", "1e36"), SAME),
        **refused("image must have the labels' shape (9, 12), got (1, 1, 3)", "1×1"),
        **refused(NOT_FINITE.format(way_out), "NaN", "inf", "-inf"),
        **too_large("2.0e+302", way_out),
    }


def segment_table():
    """What is said about colours, which range over 0 to 1."""
    way_out = "divide by the highest value that the source can hold, such as 255"
    return {
        **image_table((9, 12, 3)),
        "1×1": SAME,
        **refused(f"{{name}} must range over 0 to 1, got values beyond; {way_out}", "constant", "1e36"),
        **refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf"),
        **too_large("7.9e+299", MASKED_PIXELS),
    }


def seeds_table():
    shape, values = (
        "seeds must have shape (9, 12), got (1, 1)",
        "seeds must be 0, 1 (foreground) or 2 (background), got ",
    )
    return {
        **labels_table((9, 12)),
        "bool": SAME,
        **refused(shape, "1×1"),
        **refused(values + "7 to 7", "constant"),
        **refused("seeds or costs must be given, got neither; mark some pixels of both sides", "None"),
    }


def costs_table():
    """Infinity forbids a label, and no size is too large."""
    shape = "costs must have shape (9, 12, 2), got {}"
    shapes = {"no rows": (0, 12, 2), "no columns": (9, 0, 2), "1-d": (216,), "5-d": (1, 1, 9, 12, 2), "1×1": (1, 1, 2)}
    finite = (
        "costs must be numbers, of which one of each pixel is finite and none is -inf; "
        "mark pixels without False in mask"
    )
    return {
        **image_table((9, 12, 2)),
        **dict.fromkeys(("constant", "1e36", "1e300", "inf"), SAME),
        **{form: Refused(ValueError, shape.format(found)) for form, found in shapes.items()},
        **refused(shape.format("()"), "0-d"),
        **refused(finite, "NaN", "-inf"),
        **refused("seeds or costs must be given, got neither; mark some pixels of both sides", "None"),
    }


NO_REGION = Refused(ValueError, "labels must have a region inside the mask, got none; regions are numbered from 1 on")
NO_SAMPLE = Refused(ValueError, "mask must mark at least one sample as True, got none")
MASKED_PIXELS = "mark such pixels False in mask"
NO_PIXEL = Refused(ValueError, "mask must mark at least one pixel as True, got none")
NOT_FINITE = "{{name}} must be finite, got 1 NaN or infinite values; {}"

SUBJECTS = [
    Subject(
        "kmeans",
        "kmeans",
        "features",
        clustered,
        patches,
        features_table((9, 12, 3))
        | refused("n_clusters must be at most 1, got 3", "1×1")
        | {"constant": constant(0), "1e36": labels_of_patches}
        | too_large("2.0e+302"),
        masks_table(NO_SAMPLE, (9, 12)),
    ),
    Subject(
        "kmeans_frames",
        "kmeans_frames",
        "features",
        clustered_frames,
        patches,
        of_first_frame(features_table((9, 12, 3)) | too_large("2.0e+302"))
        | refused("n_clusters must be at most 1, got 3", "1×1")
        | {"constant": constant(0), "1e36": labels_of_patches},
        None,
    ),
    Subject(
        "KMeansResult.predict",
        "kmeans",
        "features",
        predicted,
        patches,
        features_table((9, 12, 3))
        | {"1×1": SAME, "constant": constant(predicted(patches())[0][0, 0]), "1e36": SAME}
        | too_large("2.0e+302"),
        masks_table(NO_SAMPLE, (9, 12)),
    ),
    Subject(
        "mean_shift",
        "mean_shift",
        "features",
        shifted,
        patches,
        features_table((9, 12, 3)) | {"1×1": SAME, "constant": constant(0), "1e36": SAME} | too_large("2.0e+302"),
        masks_table(NO_SAMPLE, (9, 12)),
    ),
    Subject(
        "MeanShiftResult.predict",
        "mean_shift",
        "features",
        found_again,
        patches,
        features_table((9, 12, 3))
        | {"1×1": SAME, "constant": constant(found_again(patches())[0][0, 0]), "1e36": SAME}
        | too_large("2.0e+302"),
        masks_table(NO_SAMPLE, (9, 12)),
    ),
    Subject(
        "mean_shift_filter",
        "mean_shift_filter",
        "image",
        smoothed,
        patches,
        image_table((9, 12, 3), BATCHES)
        | dict.fromkeys(("1×1", "constant", "1e36"), SAME)
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS),
        masks_table(patches_that_stay, (9, 12)),
    ),
    Subject(
        "mean_shift_segment",
        "mean_shift_segment",
        "image",
        parted,
        patches,
        image_table((9, 12, 3), BATCHES)
        | dict.fromkeys(("1×1", "constant", "1e36"), SAME)
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS),
        masks_table(constant(0), (9, 12)),
    ),
    Subject(
        "slic",
        "slic",
        "image",
        superpixels,
        patches,
        image_table((9, 12, 3))
        | dict.fromkeys(("1×1", "constant", "1e36", "bool"), SAME)
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS),
        masks_table(constant(0), (9, 12)) | {"float": SAME},
    ),
    Subject(
        "felzenszwalb",
        "felzenszwalb",
        "image",
        grown,
        patches,
        image_table((9, 12, 3))
        | dict.fromkeys(("1×1", "constant", "1e36"), SAME)
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS),
        masks_table(constant(-1), (9, 12)),
    ),
    *(
        Subject(
            name,
            name,
            "image",
            call,
            lambda: patches() / 255,
            segment_table(),
            masks_table(NO_PIXEL, (9, 12)),
        )
        for name, call in (("segment", drawn), ("segment_tree", drawn_at_all_scales))
    ),
    Subject(
        "segment(depth)",
        "segment",
        "depth",
        lambda depth: [segment(patches(), min_size=2, depth=depth)],
        distances,
        image_table((9, 12), "(M, N)")
        | dict.fromkeys(("constant", "1e36", "1e300", "NaN", "inf", "-inf", "None"), some_regions)
        | refused("depth must have the image's shape (9, 12), got (1, 1)", "1×1"),
    ),
    Subject(
        "pixel_features",
        "pixel_features",
        "image",
        described,
        patches,
        image_table((9, 12, 3))
        | dict.fromkeys(("1×1", "constant", "1e36"), SAME)
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS),
        masks_table(nothing_inside, (9, 12)),
    ),
    Subject(
        "pixel_features(depth)",
        "pixel_features",
        "depth",
        with_depth,
        distances,
        image_table((9, 12), "(M, N)")
        | {"constant": SAME, "1e36": SAME}
        | dict.fromkeys(("NaN", "inf", "-inf"), no_depth)
        | refused("the token d and depth= go together; got channels 'RGBd' and depth missing", "None")
        | refused("depth must have the image's shape (9, 12), got (1, 1)", "1×1")
        | too_large("1.1e+302", MASKED_PIXELS),
    ),
    Subject(
        "pixel_features(extra)",
        "pixel_features",
        "extra",
        with_extra,
        patches,
        image_table((9, 12, 3))
        | {"constant": SAME, "1e36": SAME, "None": no_extra}
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | refused("extra must have the image's shape (9, 12), got (1, 1, 3)", "1×1")
        | too_large("2.0e+302", MASKED_PIXELS),
    ),
    Subject(
        "texture_features",
        "texture_features",
        "image",
        textured,
        patches,
        image_table((9, 12, 3))
        | dict.fromkeys(("1×1", "constant", "1e36"), SAME)
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS),
        masks_table(NO_PIXEL, (9, 12)),
    ),
    Subject(
        "motion_features",
        "motion_features",
        "image",
        moved,
        patches,
        motion_table(),
        masks_table(NO_PIXEL, (9, 12)),
    ),
    Subject(
        "pixel_affinity",
        "pixel_affinity",
        "features",
        linked,
        patches,
        image_table((9, 12, 3))
        | dict.fromkeys(("1×1", "constant", "1e36"), SAME)
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS),
        masks_table(NO_PIXEL, (9, 12)),
    ),
    Subject(
        "pixel_affinity(contour)",
        "pixel_affinity",
        "contour",
        lambda contour: linked(patches(), contour=contour),
        lambda: patches()[..., 0],
        image_table((9, 12), "(M, N)")
        | dict.fromkeys(("constant", "1e36"), SAME)
        | refused("contour must have the features' shape (9, 12), got (1, 1)", "1×1")
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS)
        | {"None": no_contour},
    ),
    *(
        Subject(
            name,
            name,
            "features",
            call,
            patches,
            image_table((9, 12, 3))
            | dict.fromkeys(("1×1", "constant", "1e36"), SAME)
            | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
            | too_large("2.0e+302", MASKED_PIXELS),
            masks_table(NO_PIXEL, (9, 12)),
        )
        for name, call in (("normalized_cut", cut), ("split_tree", cut_step_by_step))
    ),
    Subject(
        "graph_cut",
        "graph_cut",
        "features",
        parted_in_two,
        patches,
        image_table((9, 12, 3))
        | dict.fromkeys(("constant", "1e36"), SAME)
        | refused("seeds must have shape (1, 1), got (9, 12)", "1×1")
        | refused(NOT_FINITE.format(MASKED_PIXELS), "NaN", "inf", "-inf")
        | too_large("2.0e+302", MASKED_PIXELS),
        masks_table(NO_PIXEL, (9, 12)),
    ),
    Subject(
        "graph_cut(seeds)",
        "graph_cut",
        "seeds",
        lambda seeds: [graph_cut(patches(), seeds).foreground],
        scribbles,
        seeds_table(),
    ),
    Subject(
        "graph_cut(costs)",
        "graph_cut",
        "costs",
        with_costs,
        two_costs,
        costs_table(),
    ),
    Subject(
        "connected_regions",
        "connected_regions",
        "labels",
        connected,
        squares,
        labels_table((9, 12)) | {"1×1": constant(1), "constant": constant(1), "bool": SAME},
        masks_table(constant(0), (9, 12)),
    ),
    Subject(
        "merge_small_regions",
        "merge_small_regions",
        "labels",
        merged,
        squares,
        labels_table((9, 12)) | {"1×1": constant(1), "constant": constant(1), "bool": SAME},
    ),
    Subject(
        "merge_small_regions(image)",
        "merge_small_regions",
        "image",
        merged_by,
        patches,
        values_table((9, 12, 3)) | {"None": constant(1)},
    ),
    Subject(
        "region_table",
        "region_table",
        "labels",
        tabled,
        squares,
        labels_table((9, 12)) | dict.fromkeys(("1×1", "constant", "bool"), SAME),
        masks_table(no_region, (9, 12)),
    ),
    Subject(
        "region_table(image)",
        "region_table",
        "image",
        tabled_values,
        patches,
        values_table((9, 12, 3)) | {"None": only_shapes},
    ),
    Subject(
        "region_graph",
        "region_graph",
        "labels",
        graphed,
        squares,
        labels_table((9, 12)) | dict.fromkeys(("1×1", "constant", "bool"), SAME),
        masks_table(no_region, (9, 12)),
    ),
    Subject(
        "region_graph(image)",
        "region_graph",
        "image",
        graphed_by,
        patches,
        values_table((9, 12, 3)) | {"None": no_contrast},
    ),
    Subject(
        "refine_labels",
        "refine_labels",
        "image",
        refined,
        lambda: patches() / 255,
        segment_table()
        | refused("image must have the labels' shape (9, 12), got (1, 1, 3)", "1×1")
        | refused(NOT_FINITE.format("set the labels of such pixels to 0"), "NaN", "inf", "-inf")
        | too_large("7.9e+299", "set the labels of such pixels to 0"),
        masks_table(NO_REGION, (9, 12)),
    ),
    Subject(
        "refine_labels(labels)",
        "refine_labels",
        "labels",
        refined_by,
        squares,
        labels_table((9, 12))
        | dict.fromkeys(("constant", "bool"), SAME)
        | refused("image must have the labels' shape (1, 1), got (9, 12, 3)", "1×1"),
        masks_table(NO_REGION, (9, 12)),
    ),
    Subject(
        "find_hotspots",
        "thermal.find_hotspots",
        "image",
        spots,
        modules,
        image_table((240, 320), "(M, N)")
        | {"1×1": no_spots, "constant": no_spots, "1e36": SAME}
        | dict.fromkeys(("NaN", "inf", "-inf"), without_one_pixel(spots))
        | too_large("4.0e+301", MASKED_PIXELS),
        masks_table(no_spots, (240, 320)),
    ),
    Subject(
        "find_hotspots, mean shift",
        "thermal.find_hotspots",
        "image",
        spots_by_mean_shift,
        modules,
        image_table((240, 320), "(M, N)")
        | {"1×1": no_spots, "constant": no_spots, "1e36": SAME}
        | dict.fromkeys(("NaN", "inf", "-inf"), without_one_pixel(spots_by_mean_shift))
        | too_large("4.0e+301", MASKED_PIXELS),
        masks_table(no_spots, (240, 320)),
    ),
    Subject(
        "heat_in_boxes",
        "thermal.heat_in_boxes",
        "temperature",
        heated,
        modules,
        image_table((240, 320), "(M, N)")
        | refused("boxes must have 0 <= min < max within the frame of shape (1, 1), got [2, 3, 6, 7] in row 0", "1×1")
        | {"constant": SAME, "1e36": SAME, "1e300": SAME}
        | dict.fromkeys(("NaN", "inf", "-inf"), heat_without_one_pixel),
        masks_table(no_heat, (240, 320)),
    ),
]
