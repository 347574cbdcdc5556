"""`read` on TIFF files: units, tags, nodata, compressions, byte orders, pages."""

import numpy as np
import pytest
from PIL import Image

from classicseg import NotRadiometricError
from classicseg.thermal import read


@pytest.fixture
def raw(rng):
    return rng.integers(2500, 4000, (20, 30)).astype(np.uint16)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize(
    ("unit", "factor", "offset"),
    [
        ("celsius", 1, 0),
        ("millicelsius", 0.001, 0),
        ("centikelvin", 0.01, -273.15),
        ("kelvin", 1, -273.15),
        ("decikelvin", 0.1, -273.15),
        ("millikelvin", 0.001, -273.15),
        ("centicelsius", 0.01, 0),
    ],
)
def test_tiff_units(tmp_path, raw, compression, unit, factor, offset):
    Image.fromarray(raw).save(tmp_path / "a.tiff", compression=compression)
    image = read(tmp_path / "a.tiff", unit=unit)
    np.testing.assert_allclose(image.temperature, raw * factor + offset, rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(image.raw, raw)
    assert image.temperature.dtype == np.float32
    assert image.mask is None


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_float_tiff_masks_nan_and_nodata(tmp_path, rng, compression):
    plane = rng.normal(30, 5, (12, 9)).astype(np.float32)
    plane[2, 3], plane[4, 5], plane[6, 7] = np.nan, -9999.1, np.inf
    Image.fromarray(plane).save(tmp_path / "a.tiff", compression=compression, tiffinfo={42113: "-9999.1"})
    image = read(tmp_path / "a.tiff")
    assert not image.mask[[2, 4, 6], [3, 5, 7]].any()
    assert image.mask.sum() == plane.size - 3
    np.testing.assert_array_equal(image.temperature[image.mask], plane[image.mask])
    assert np.isnan(image.temperature[~image.mask]).all()
    assert image.raw is None
    assert any("states no unit" in note for note in image.notes)


def test_floats_of_odd_bits_are_masked(tmp_path):
    plane = np.array([[20.0, 3e38]], np.float32)
    plane.view(np.uint32)[0, 0] = 0x7FA00001  # a signalling NaN
    Image.fromarray(plane).save(tmp_path / "a.tiff", tiffinfo={42113: "1e300"})
    assert read(tmp_path / "a.tiff").mask.tolist() == [[False, True]]
    assert read(tmp_path / "a.tiff", unit="millikelvin", nodata=3e38).mask.tolist() == [[False, False]]


def test_nodata_option_wins_over_the_tag(tmp_path, raw):
    raw[0, 0], raw[1, 1] = 7, 9
    Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo={42113: "7\0"})  # some writers end it twice
    assert np.argwhere(~read(tmp_path / "a.tiff").mask).tolist() == [[0, 0]]
    assert np.argwhere(~read(tmp_path / "a.tiff", nodata=9).mask).tolist() == [[1, 1]]
    values = read(tmp_path / "a.tiff").values
    assert np.isnan(values[0, 0])
    assert values[1, 1] == 9


def test_integer_tiff_without_a_unit_is_counts(tmp_path, raw):
    Image.fromarray(raw).save(tmp_path / "a.tiff")
    image = read(tmp_path / "a.tiff")
    assert (image.unit, image.calibrated, image.temperature) == ("counts", False, None)
    assert any("taken as counts" in note for note in image.notes)
    assert read(tmp_path / "a.tiff", unit="counts").notes == ("no calibration: counts, not temperatures",)


GDAL = '<GDALMetadata><Item name="UNITTYPE" sample="0" role="unittype">cK</Item></GDALMetadata>'


@pytest.mark.parametrize(
    ("tag", "text"),
    [(270, '{"unit": "centikelvin"}'), (270, "unit=centikelvin"), (270, "Unit: centi-kelvin"), (42112, GDAL)],
)
def test_unit_of_a_tag(tmp_path, raw, tag, text):
    Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo={tag: text})
    np.testing.assert_allclose(read(tmp_path / "a.tiff").temperature, raw * 0.01 - 273.15, atol=1e-4)
    # What the caller says wins: tags of converted files are often left over.
    np.testing.assert_allclose(read(tmp_path / "a.tiff", unit="centicelsius").temperature, raw * 0.01, rtol=1e-6)


def test_short_names_of_units(tmp_path, raw):
    for word, factor, offset in (("K", 1, -273.15), ("mK", 0.001, -273.15), ("C", 1, 0), ("degC", 1, 0)):
        Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo={270: f"unit={word}"})
        np.testing.assert_allclose(read(tmp_path / "a.tiff").temperature, raw * factor + offset, rtol=1e-6, atol=1e-4)


def test_other_integers_and_byte_orders(tmp_path, raw):
    signed = raw.astype(np.int32) - 3000  # below 0 °C
    Image.fromarray(signed).save(tmp_path / "signed.tiff")
    found = read(tmp_path / "signed.tiff", unit="centicelsius")
    np.testing.assert_allclose(found.temperature, signed * 0.01, rtol=1e-6, atol=1e-6)
    assert found.raw is None
    Image.fromarray(raw.astype(">u2")).save(tmp_path / "big.tiff")
    assert (tmp_path / "big.tiff").read_bytes()[:2] == b"MM"
    np.testing.assert_array_equal(read(tmp_path / "big.tiff").raw, raw)


def test_first_of_several_pages_is_read_and_noted(tmp_path, raw):
    first, second = Image.fromarray(raw), Image.fromarray(raw[::-1].copy())
    first.save(tmp_path / "a.tiff", save_all=True, append_images=[second])
    image = read(tmp_path / "a.tiff")
    np.testing.assert_array_equal(image.raw, raw)
    assert "the first of 2 pages was read" in image.notes


def test_linear_mode_of_flir_is_kelvin(tmp_path, raw):
    xmp = b'<x xmlns:Camera="c"><Camera:TlinearGain>0.04</Camera:TlinearGain></x>'
    Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo={700: xmp, 271: "FLIR"})
    image = read(tmp_path / "a.tiff")
    np.testing.assert_allclose(image.temperature, raw * 0.04 - 273.15, atol=1e-4)
    assert image.camera.make == "FLIR"
    np.testing.assert_allclose(
        read(tmp_path / "a.tiff", unit="centikelvin").temperature, raw * 0.01 - 273.15, atol=1e-4
    )
    Image.fromarray(raw).save(tmp_path / "off.tiff", tiffinfo={700: xmp.replace(b"0.04", b"0.0")})
    assert not read(tmp_path / "off.tiff").calibrated


def test_closeups_in_linear_mode(test_data):
    for path in sorted((test_data / "thermal" / "panel_closeup_14bit").glob("*.tiff")):
        image = read(path)
        assert 0 < image.temperature.min() < image.temperature.max() < 60
        assert image.camera.serial_number == "279016"


@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_picture_tiff_is_not_radiometric(tmp_path, mode):
    Image.new(mode, (9, 8)).save(tmp_path / "a.tiff")
    with pytest.raises(NotRadiometricError, match=f"mode {mode}"):
        read(tmp_path / "a.tiff")


@pytest.mark.parametrize("unit", ["centikelvin", "centicelsius", "counts", None])
def test_the_ends_of_the_counter_are_no_measurement(tmp_path, raw, unit):
    raw[0, 0], raw[3, 4], raw[5, 6] = 0, 65535, 65535
    Image.fromarray(raw).save(tmp_path / "a.tiff")
    image = read(tmp_path / "a.tiff", unit=unit)
    assert np.argwhere(~image.mask).tolist() == [[0, 0], [3, 4], [5, 6]]
    assert np.argwhere(np.isnan(image.values)).tolist() == [[0, 0], [3, 4], [5, 6]]
    assert "left out, saturated or below what the constants can explain: 3 pixels" in image.notes
    nodata = read(tmp_path / "a.tiff", unit=unit, nodata=65535)
    np.testing.assert_array_equal(nodata.mask, image.mask)
    assert "left out, saturated or below what the constants can explain: 1 pixel" in nodata.notes


def test_floats_and_signed_numbers_have_no_counter(tmp_path):
    for plane in (np.array([[0, 65535]], np.float32), np.array([[0, 65535]], np.int32)):
        Image.fromarray(plane).save(tmp_path / "a.tiff")
        assert read(tmp_path / "a.tiff", unit="centikelvin").mask is None


@pytest.mark.parametrize(
    ("tags", "unit", "note"),
    [
        ({}, "centikelvin", "the numbers are centikelvin, as was given"),
        ({270: "unit=centikelvin"}, None, "the numbers are centikelvin, as a tag of the file says"),
        (
            {700: b'<x xmlns:Camera="c"><Camera:TlinearGain>0.04</Camera:TlinearGain></x>'},
            None,
            "the numbers are kelvin in steps of 0.04, as the tag TlinearGain says",
        ),
    ],
)
def test_the_scale_is_told(tmp_path, raw, tags, unit, note):
    Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo=tags)
    assert read(tmp_path / "a.tiff", unit=unit).notes == (note,)
