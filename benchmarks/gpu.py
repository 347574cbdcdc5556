"""k-means, mean shift, superpixels, graphs, cues on a GPU, beside the CPU: the same answer, how far from the best."""

from dataclasses import replace

from benchmarks.gpu_device import cannot_run
from benchmarks.parts import joined
from benchmarks.registry import Contender

CASE = replace(
    joined(
        "gpu",
        "k-means, 10 iterations and labels, mean shift, superpixels, graphs and cues of regions on a GPU",
        ("gpu_kmeans", "gpu_mean_shift", "gpu_superpixels", "gpu_graph", "gpu_cues"),
        (Contender("CUDA", "on_cuda"), Contender("CPU", "on_cpu")),
    ),
    cannot_run=cannot_run,
)
