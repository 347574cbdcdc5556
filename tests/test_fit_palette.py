"""The script that chooses the palette: which pictures it looks at, what it writes, that it is seeded."""

import runpy
from pathlib import Path

import numpy as np

from benchmarks import fit_palette
from benchmarks.quality.generated import write_data_set
from classicseg.features import _palette


def written(folder, out):
    fit_palette.main(["--data", str(folder), "--out", str(out)])
    return np.array(runpy.run_path(str(out))["PALETTE"])


def test_it_writes_colours_of_the_train_pictures_and_of_no_others(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fit_palette, "COLORS", 16)
    monkeypatch.setattr(fit_palette, "STARTS", 2)
    folder = write_data_set(tmp_path / "data")
    found = written(folder, tmp_path / "one.py")
    assert "16 colours of 2 pictures" in capsys.readouterr().out
    assert found.shape == (16, 3)
    assert (np.diff(found[:, 0]) >= 0).all()
    for picture in (folder / "images" / "val").iterdir():
        picture.write_bytes(next((folder / "images" / "train").iterdir()).read_bytes())
    np.testing.assert_array_equal(written(folder, tmp_path / "two.py"), found)
    pixels = fit_palette.colors_of(fit_palette.read_image(next((folder / "images" / "train").iterdir())))
    away = np.sqrt(((pixels[::7, None] - found) ** 2).sum(axis=2)).min(axis=1)
    assert np.median(away) < 5  # of twelve colours with light, shade and noise


def test_the_file_is_as_the_script_writes_it():
    text = Path(_palette.__file__).read_text(encoding="utf-8")
    assert text == fit_palette.text_of(np.array(_palette.PALETTE))
    assert len(set(_palette.PALETTE)) == fit_palette.COLORS
