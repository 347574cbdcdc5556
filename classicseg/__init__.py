"""Classical image segmentation at speed, for colour, depth and radiometric thermal images.

The names below are imported at first use, so that `import classicseg` costs a few milliseconds. Radiometric
frames, hot spots and their reports live in `classicseg.thermal` and `classicseg.batch`.
"""

from typing import TYPE_CHECKING

from classicseg._errors import ClassicsegError, DeviceError, FileFormatError, NotRadiometricError

__version__ = "0.1.0"

__all__ = [
    "ClassicsegError",
    "DeviceError",
    "FileFormatError",
    "GraphCutResult",
    "KMeansResult",
    "MeanShiftResult",
    "MeanShiftSegmentation",
    "MinimumCutResult",
    "NotRadiometricError",
    "PixelAffinity",
    "PixelFeatures",
    "RegionGraph",
    "RegionPairs",
    "RegionTree",
    "SpectralResult",
    "SplitTree",
    "connected_regions",
    "felzenszwalb",
    "graph_cut",
    "kmeans",
    "kmeans_frames",
    "mean_shift",
    "mean_shift_filter",
    "mean_shift_segment",
    "merge_regions",
    "merge_small_regions",
    "merge_tree",
    "minimum_cut",
    "motion_features",
    "normalized_cut",
    "pixel_affinity",
    "pixel_features",
    "refine_labels",
    "region_affinity",
    "region_graph",
    "region_table",
    "segment",
    "segment_tree",
    "slic",
    "spectral_embedding",
    "split_tree",
    "texture_features",
    "to_device",
]

if TYPE_CHECKING:
    from classicseg import batch as batch
    from classicseg import cluster as cluster
    from classicseg import features as features
    from classicseg import graph as graph
    from classicseg import metrics as metrics
    from classicseg import refine as refine
    from classicseg import regions as regions
    from classicseg import superpixels as superpixels
    from classicseg import thermal as thermal
    from classicseg._device import to_device
    from classicseg._segment_tree import segment, segment_tree
    from classicseg.cluster import (
        KMeansResult,
        MeanShiftResult,
        MeanShiftSegmentation,
        kmeans,
        kmeans_frames,
        mean_shift,
        mean_shift_filter,
        mean_shift_segment,
    )
    from classicseg.features import PixelFeatures, motion_features, pixel_features, texture_features
    from classicseg.graph import (
        GraphCutResult,
        MinimumCutResult,
        PixelAffinity,
        SpectralResult,
        SplitTree,
        graph_cut,
        minimum_cut,
        normalized_cut,
        pixel_affinity,
        region_affinity,
        spectral_embedding,
        split_tree,
    )
    from classicseg.refine import refine_labels
    from classicseg.regions import (
        RegionGraph,
        RegionPairs,
        RegionTree,
        connected_regions,
        merge_regions,
        merge_small_regions,
        merge_tree,
        region_graph,
        region_table,
    )
    from classicseg.superpixels import felzenszwalb, slic
else:
    from classicseg._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "_device": ("to_device",),
            "_segment_tree": ("segment", "segment_tree"),
            "cluster": (
                "KMeansResult",
                "MeanShiftResult",
                "MeanShiftSegmentation",
                "kmeans",
                "kmeans_frames",
                "mean_shift",
                "mean_shift_filter",
                "mean_shift_segment",
            ),
            "features": ("PixelFeatures", "motion_features", "pixel_features", "texture_features"),
            "graph": (
                "GraphCutResult",
                "MinimumCutResult",
                "PixelAffinity",
                "SpectralResult",
                "SplitTree",
                "graph_cut",
                "minimum_cut",
                "normalized_cut",
                "pixel_affinity",
                "region_affinity",
                "spectral_embedding",
                "split_tree",
            ),
            "refine": ("refine_labels",),
            "regions": (
                "RegionGraph",
                "RegionPairs",
                "RegionTree",
                "connected_regions",
                "merge_regions",
                "merge_small_regions",
                "merge_tree",
                "region_graph",
                "region_table",
            ),
            "superpixels": ("felzenszwalb", "slic"),
        },
        subpackages=(
            "batch",
            "cluster",
            "features",
            "graph",
            "metrics",
            "refine",
            "regions",
            "superpixels",
            "thermal",
        ),
    )
