"""Train the network on made frames and write it: a few minutes on one processor.

python -m benchmarks.pv_unet.train [--out FILE] [--steps N]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.pv_unet.generation import HOT_SPOT, frames
from benchmarks.pv_unet.model import UNet, write_onnx
from classicseg.refine._pv_unet.input import network_input
from classicseg.refine._pv_unet.network import PATH

SEED = 0
N_FRAMES = 3000
STEPS, BATCH, CROP = 10000, 8, 112
RATE = 4e-3
AROUND_HOT = 0.5  # of the crops hold a hot spot where their frame has one: a pixel in a hundred is hot
UNKNOWN_UNIT = 0.2  # of the frames are shown as one in counts would be
KEPT = 0.1  # of the steps: what is kept is a running mean of the weights over about so many


class Lesson(NamedTuple):
    """A frame as the network sees it, and what it should say."""

    image: Tensor  # (4, M, N)
    labels: Tensor  # (M, N)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pv_unet.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=PATH, metavar="FILE")
    parser.add_argument("--frames", type=int, default=N_FRAMES, metavar="N")
    parser.add_argument("--steps", type=int, default=STEPS, metavar="N")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    start = time.perf_counter()
    taught = lessons(options.frames)
    print(f"{len(taught)} frames in {time.perf_counter() - start:.0f} s", flush=True)
    model = train(taught, options.steps)
    write_onnx(model, options.out)
    count = sum(weights.numel() for weights in model.parameters())
    seconds = time.perf_counter() - start
    print(f"{count} weights, {options.out.stat().st_size / 1000:.0f} kB after {seconds:.0f} s: {options.out}")


def lessons(count: int) -> list[Lesson]:
    """Return so many made frames."""
    rng = np.random.default_rng(SEED)
    found = []
    for made in frames(count, rng=SEED):
        celsius = bool(rng.random() >= UNKNOWN_UNIT)
        image = torch.from_numpy(network_input(made.temperature, celsius)).permute(2, 0, 1)
        found.append(Lesson(image.half(), torch.from_numpy(made.labels)))
    return found


def train(taught: list[Lesson], steps: int) -> UNet:
    """Return a network that has seen `steps` batches: Adam, a rate that rises and falls, and a mean of the weights."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED + 1)
    model = UNet().to(memory_format=torch.channels_last)  # a step takes two thirds of the time
    running_mean = torch.optim.swa_utils.get_ema_multi_avg_fn(max(1 - 1 / (KEPT * steps), 0.0))
    smoothed = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=running_mean, use_buffers=True)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.15)
    loss_of = nn.CrossEntropyLoss()
    recent = []
    for step in range(1, steps + 1):
        images, labels = batch(taught, rng)
        optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        smoothed.update_parameters(model)
        recent.append(float(loss.detach()))
        if step % 100 == 0:
            print(f"step {step}: loss {np.mean(recent):.4f}", flush=True)
            recent.clear()
    return smoothed.module.eval()


def batch(taught: list[Lesson], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return crops (BATCH, 4, CROP, CROP), mirrored and turned, and their labels."""
    images, labels = [], []
    for number in rng.integers(len(taught), size=BATCH):
        image, label = taught[number]
        here = crop_of(label, rng)
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        for crop, kept in ((image[here].float(), images), (label[here].long(), labels)):
            turned = torch.rot90(crop, turns, (-2, -1))
            kept.append(turned.flip(-1) if mirrored else turned)
    return torch.stack(images).to(memory_format=torch.channels_last), torch.stack(labels)


def crop_of(label: Tensor, rng: np.random.Generator) -> tuple[Any, ...]:
    """Return where to cut: anywhere, or around a pixel of a hot spot."""
    hot = torch.nonzero(label == HOT_SPOT) if rng.random() < AROUND_HOT else ()
    around = hot[rng.integers(len(hot))].tolist() if len(hot) else [int(rng.integers(side)) for side in label.shape]
    corners = (at - int(rng.integers(CROP)) for at in around)
    row, col = (min(max(corner, 0), side - CROP) for corner, side in zip(corners, label.shape))
    return np.s_[..., row : row + CROP, col : col + CROP]


if __name__ == "__main__":
    main()
