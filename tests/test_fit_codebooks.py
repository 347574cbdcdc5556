"""The script that chooses the codebooks: which pictures it looks at, what it writes, that it is seeded."""

import os
import runpy
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fit_codebooks
from benchmarks.quality.generated import write_data_set
from classicseg.features import _codebooks


def written(folder, out):
    fit_codebooks.main(["--data", str(folder), "--out", str(out)])
    found = runpy.run_path(str(out))
    return np.array(found["PALETTE"]), np.array(found["TEXTONS"])


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="too many pixels with the JIT off")
def test_it_writes_codebooks_of_the_train_pictures_and_of_no_others(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fit_codebooks, "COLORS", 16)
    monkeypatch.setattr(fit_codebooks, "STARTS", 2)
    folder = write_data_set(tmp_path / "data")
    palette, textons = written(folder, tmp_path / "one.py")
    assert "16 colours and 24 textons of 2 pictures" in capsys.readouterr().out
    assert (palette.shape, textons.shape) == ((16, 3), (24, 5))
    assert (np.diff(palette[:, 0]) >= 0).all()
    assert (np.diff((textons**2).sum(axis=1)) >= -1e-2).all()
    first = next((folder / "images" / "train").iterdir())
    for picture in (folder / "images" / "val").iterdir():
        picture.write_bytes(first.read_bytes())
    again = written(folder, tmp_path / "two.py")
    np.testing.assert_array_equal(again[0], palette)
    np.testing.assert_array_equal(again[1], textons)
    image = fit_codebooks.read_image(first)
    for values, codebook, near in (
        (fit_codebooks.colors_of(image), palette, 5),  # of twelve colours with light, shade and noise
        (fit_codebooks.jets_of(image), textons, 0.6),
    ):
        away = np.sqrt(((values[::7, None] - codebook) ** 2).sum(axis=2)).min(axis=1)
        assert np.median(away) < near


def test_the_file_is_as_the_script_writes_it():
    text = Path(_codebooks.__file__).read_text(encoding="utf-8")
    assert text == fit_codebooks.text_of(np.array(_codebooks.PALETTE), np.array(_codebooks.TEXTONS))
    assert len(set(_codebooks.PALETTE)) == fit_codebooks.COLORS
    assert len(set(_codebooks.TEXTONS)) == fit_codebooks.TEXTONS
