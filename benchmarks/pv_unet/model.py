"""The network: a U-Net of about 100 000 weights (O. Ronneberger et al., 2015, doi:10.1007/978-3-319-24574-4_28)."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from classicseg.refine._pv_unet.input import MOST
from classicseg.refine._pv_unet.network import CLASSES

WIDTHS = (12, 24, 32, 40)  # channels at full resolution, a half, a quarter, an eighth
N_INPUTS = len(MOST)


class Block(nn.Sequential):
    """Two convolutions of 3 × 3, each normalised and rectified."""

    def __init__(self, n_in: int, n_out: int) -> None:
        def layer(n: int) -> tuple[nn.Module, ...]:
            return nn.Conv2d(n, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()

        super().__init__(*layer(n_in), *layer(n_out))


class UNet(nn.Module):
    """Logits (B, K, M, N) of images (B, 4, M, N) whose sides are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        *fine, deepest = WIDTHS
        self.down = nn.ModuleList(Block(a, b) for a, b in zip((N_INPUTS, *fine), fine))
        self.bottom = Block(fine[-1], deepest)
        coarser = (deepest, *reversed(fine[1:]))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in zip(coarser, reversed(fine)))
        self.up = nn.ModuleList(Block(2 * width, width) for width in reversed(fine))
        self.head = nn.Conv2d(fine[0], len(CLASSES), 1)

    def forward(self, x: Tensor) -> Tensor:
        skipped = []
        for block in self.down:
            skipped.append(block(x))
            x = nn.functional.max_pool2d(skipped[-1], 2)
        x = self.bottom(x)
        for grow, block in zip(self.grow, self.up):
            x = block(torch.cat([skipped.pop(), grow(x)], dim=1))
        return self.head(x)


def write_onnx(model: UNet, path: Path) -> None:
    """Write the file that the package ships: probabilities out, any size whose sides are multiples of 8."""
    whole = nn.Sequential(model, nn.Softmax(dim=1)).eval()
    axes = {0: "batch", 2: "rows", 3: "cols"}
    torch.onnx.export(
        whole,
        (torch.zeros(1, N_INPUTS, 64, 96),),
        str(path),
        input_names=["image"],
        output_names=["probabilities"],
        dynamic_axes={"image": axes, "probabilities": axes},
        opset_version=13,
        dynamo=False,
    )
    named = onnx.load(path)
    onnx.helper.set_model_props(named, {"classes": ",".join(CLASSES)})
    onnx.save(named, path)
