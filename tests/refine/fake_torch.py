"""The few names of PyTorch that adapters use, on NumPy arrays, with a log of what was done.

It is put in PyTorch's place in tests that always run; those with the real library skip where it is not installed.
"""

import types

import numpy as np

from classicseg.refine import upsample


class Tensor:
    """An array that remembers in a log where it was sent."""

    device, dtype = "gpu:0", "float32"

    def __init__(self, array, log):
        self.array, self.log = np.asarray(array), log

    def _like(self, array):
        return Tensor(array, self.log)

    def __getitem__(self, index):
        return self._like(self.array[index])

    def __sub__(self, other):
        return self._like(self.array - other.array)

    def __truediv__(self, other):
        return self._like(self.array / getattr(other, "array", other))

    def __gt__(self, other):
        return self._like(self.array > other)

    def permute(self, *axes):
        return self._like(self.array.transpose(axes))

    def reshape(self, *shape):
        return self._like(self.array.reshape(shape))

    def float(self):
        return self._like(self.array.astype(np.float32))

    def round(self):
        return self._like(np.rint(self.array))

    def clamp(self, low, high):
        return self._like(self.array.clip(low, high))

    def to(self, *where):
        self.log.append(("to", *where))
        return self

    def cpu(self):
        self.log.append("cpu")
        return self

    def detach(self):
        return self

    def numpy(self):
        return self.array

    def is_floating_point(self):
        return self.array.dtype.kind == "f"


class Module:
    """A module without parts; subclasses define `forward`."""

    device, dtype = "gpu:0", "float32"

    def __init__(self, log):
        self.log, self.training = log, True

    def modules(self):
        return [self]

    def parameters(self):
        return [Tensor(np.zeros(1, int), []), Tensor(np.zeros(1), [])]

    def buffers(self):
        return []

    def to(self, device):
        self.log.append(("module to", device))
        return self

    def eval(self):
        self.training = False

    def __call__(self, *given, **named):
        self.log.append(("run", "training" if self.training else "evaluating"))
        return self.forward(*given, **named)


def interpolated(planes, shape, *, mode, align_corners, antialias):
    """Enlarge planes (1, C, M, N), bilinear between the centers of pixels."""
    assert (mode, align_corners) == ("bilinear", False)
    return planes._like(np.stack([upsample(one, shape=tuple(shape)) for one in planes.array[0]])[None])


def padded(planes, margins):
    left, right, above, below = margins
    return planes._like(np.pad(planes.array, [(0, 0), (0, 0), (above, below), (left, right)]))


def library(log):
    """Return a module to stand for `torch`."""

    class InferenceMode:
        def __enter__(self):
            log.append("no gradients")

        def __exit__(self, *_):
            log.append("gradients")

    torch = types.ModuleType("torch")
    functional = types.SimpleNamespace(interpolate=interpolated, pad=padded)
    torch.nn = types.SimpleNamespace(Module=Module, functional=functional)
    torch.Tensor, torch.inference_mode = Tensor, InferenceMode
    torch.tensor = torch.from_numpy = lambda array: Tensor(array, log)
    return torch
