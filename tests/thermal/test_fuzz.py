"""Hostile files: every failure is a clear error of ours, quick, and within a memory bound.

The long run: pytest -m slow tests/thermal/test_fuzz.py, with CLASSICSEG_FUZZ_COUNT mutations (default 200,000).
"""

import io
import os
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from classicseg import FileFormatError, NotRadiometricError
from classicseg.thermal import Camera, Position, read
from classicseg.thermal._rjpeg import DEFAULTS, fff_container, flir_segments, write_flir_rjpeg

JPEG_END = b"\xff\xda\x00\x02\xff\xd9"
COUNTS = np.arange(2800, 2800 + 12 * 16, dtype=np.uint16).reshape(12, 16)
INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)


def jpeg_around(container):
    return b"\xff\xd8" + flir_segments(container) + JPEG_END


def container(encoding="raw", order=(">", "<"), **parameters):
    return fff_container(COUNTS, {**DEFAULTS, **parameters}, Camera("A", "B", "C"), None, encoding, order)


def read_bytes(tmp_path, data, name="hostile.jpg", **options):
    path = tmp_path / name
    path.write_bytes(data)
    return read(path, **options)


def check_read_or_clean_error(path, data, **options):
    """Read; anything but a whole frame or our own error, which names the file, fails the test."""
    path.write_bytes(data)
    try:
        image = read(path, **options)
    except FileFormatError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert error.found  # noqa: PT017
        assert error.expected  # noqa: PT017
        return False
    values = image.values
    assert values.shape == image.shape
    assert values.dtype == np.float32
    valid = np.isfinite(values)
    if image.mask is None:
        assert valid.all()
    else:
        np.testing.assert_array_equal(valid, image.mask)
    return True


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """One small file of every kind that `read` knows."""
    folder = tmp_path_factory.mktemp("seeds")
    position, files = Position(46, 7, 500, 40, 1, -90, 0, 1, "fixed"), {}
    for encoding in ("raw", "png"):
        write_flir_rjpeg(folder / "a.jpg", COUNTS, encoding=encoding, position=position, segment_bytes=900)
        files[f"flir_{encoding}.jpg"] = (folder / "a.jpg").read_bytes()
    plane = COUNTS.astype("<u2").tobytes()
    frame_header = b"\xff\xc0" + struct.pack(">HBHHB", 8, 8, 12, 16, 0)
    block = struct.pack("<5f", 25, 5, 0.95, 0.5, 25).ljust(64, b"\0")
    dji = b"".join(b"\xff\xe3" + struct.pack(">H", 130) + plane[at : at + 128] for at in range(0, len(plane), 128))
    dji += b"\xff\xe4" + struct.pack(">H", 66) + block
    files["dji.jpg"] = b"\xff\xd8" + dji + frame_header + JPEG_END
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate"):
        for pixels in (COUNTS, COUNTS.astype(np.float32)):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "TIFF", compression=compression, tiffinfo={42113: "2805", 271: "FLIR"})
            files[f"{pixels.dtype}_{compression}.tiff"] = buffer.getvalue()
    return files


def test_seeds_read(tmp_path, seeds):
    for name, data in seeds.items():
        assert check_read_or_clean_error(tmp_path / name, data), name


def test_truncated_everywhere(tmp_path, seeds):
    for name, data in seeds.items():
        for length in range(0, len(data), max(1, len(data) // 200)):
            check_read_or_clean_error(tmp_path / name, data[:length])


def test_truncated_within_the_plane_is_never_read(tmp_path, seeds):
    for name in ("flir_raw.jpg", "flir_png.jpg", "dji.jpg"):
        data = seeds[name]
        for length in range(4, data.rindex(b"\xff\xda") + 1, 7):
            assert not check_read_or_clean_error(tmp_path / name, data[:length])


def mutated(data, rng):
    """Change, cut, repeat or insert a few bytes, preferring numbers at which parsers break."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, max(len(out), 1)))
        kind = rng.integers(0, 6)
        if kind == 0:
            out[at : at + 1] = bytes([int(rng.choice(INTERESTING))])
        elif kind == 1:
            out[at : at + 1] = bytes([int(rng.integers(0, 256))])
        elif kind == 2:
            out[at : at + 4] = bytes([int(rng.choice(INTERESTING))]) * 4
        elif kind == 3:
            del out[at : at + int(rng.integers(1, 40))]
        elif kind == 4:
            end = at + int(rng.integers(1, 200))
            out[at:at] = out[at:end]
        else:
            out[at : at + 4] = struct.pack(">I" if rng.integers(2) else "<I", int(rng.integers(0, 1 << 32)))
    return bytes(out)


def fuzz(tmp_path, seeds, count, rng):
    n_read = 0
    for number in range(count):
        name = list(seeds)[number % len(seeds)]
        n_read += check_read_or_clean_error(tmp_path / name, mutated(seeds[name], rng))
    return n_read


def test_mutations(tmp_path, seeds, rng):
    n_read = fuzz(tmp_path, seeds, 3000, rng)
    assert 0 < n_read < 3000  # both ways occur, or the mutations say nothing


@pytest.mark.slow
def test_many_mutations(tmp_path, seeds):
    count = int(os.environ.get("CLASSICSEG_FUZZ_COUNT", "200000"))
    rng = np.random.default_rng()
    print(f"{count} mutations, {fuzz(tmp_path, seeds, count, rng)} of them readable")


def patched(data, at, form, *values):
    out = bytearray(data)
    struct.pack_into(form, out, at, *values)
    return bytes(out)


PLANE_AT = 64 + 14 * 32 + 2476  # header, directory, camera record
DIRECTORY_AT = 64
HOSTILE_CONTAINERS = {
    "no header": (b"XXX\0" + container()[4:], "an FFF header"),
    "only a header": (container()[:40], "an FFF header"),
    "version": (patched(container(), 20, ">I", 7), "a version of 100 to 199"),
    "directory past the end": (patched(container(), 24, ">I", 0xFFFFFFF0), "a directory within the FLIR data"),
    "2**32 - 1 records": (patched(container(), 28, ">I", 0xFFFFFFFF), "a directory within the FLIR data"),
    "one record past the end": (patched(container(), 28, ">I", 105), "a directory within the FLIR data"),
    "no records": (patched(container(), 28, ">I", 0), "a raw plane record"),
    "no camera record": (patched(container(), DIRECTORY_AT, ">H", 99), "a camera record"),
    "no raw record": (patched(container(), DIRECTORY_AT + 32, ">H", 99), "a raw plane record"),
    "camera past the end": (patched(container(), DIRECTORY_AT + 12, ">I", 0xFFFFFFFF), "within the FLIR data"),
    "short camera": (patched(container(), DIRECTORY_AT + 16, ">I", 100), "at least 784 bytes"),
    "camera of one byte too few": (patched(container(), DIRECTORY_AT + 16, ">I", 0x30F), "at least 784 bytes"),
    "plane past the end": (patched(container(), DIRECTORY_AT + 44, ">I", 0x7FFFFFFF), "within the FLIR data"),
    "plane too long": (patched(container(), DIRECTORY_AT + 48, ">I", 0xFFFFFFFF), "within the FLIR data"),
    "plane of nothing": (patched(container(), PLANE_AT + 2, "<2H", 0, 12), "1 to 16777216 pixels"),
    "plane of 65535 x 65535": (patched(container(), PLANE_AT + 2, "<2H", 65535, 65535), "1 to 16777216 pixels"),
    "plane of too few bytes": (patched(container(), PLANE_AT + 2, "<2H", 16, 13), "13 x 16 counts"),
    "plane of one byte too few": (patched(container(), DIRECTORY_AT + 48, ">I", 32 + 383), "12 x 16 counts"),
    "PNG of another size": (patched(container("png"), PLANE_AT + 32 + 16, ">2I", 16, 13), "(16, 12, 16, 0)"),
    "PNG of 2**31 pixels": (patched(container("png"), PLANE_AT + 32 + 16, ">2I", 1 << 31, 1 << 31), "(16, 12, 16, 0)"),
    "PNG of 8 bits": (patched(container("png"), PLANE_AT + 32 + 24, ">B", 8), "(16, 12, 16, 0)"),
    "PNG cut off": (container("png")[: PLANE_AT + 32 + 30] + bytes(400), "a complete 16-bit PNG"),
}


@pytest.mark.parametrize("name", HOSTILE_CONTAINERS)
def test_hostile_container_names_what_was_expected(tmp_path, name):
    data, expected = HOSTILE_CONTAINERS[name]
    with pytest.raises(FileFormatError) as caught:
        read_bytes(tmp_path, jpeg_around(data))
    assert expected in caught.value.expected


def png_of(width, height, payload):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">2I5B", width, height, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", payload) + chunk(b"IEND", b"")


def peak_of(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bomb_files():
    yield "claims.jpg", b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 8, 8, 65535, 65535, 0) + JPEG_END
    for width, height in ((65535, 65535), (8000, 8000), (1 << 31, 1 << 30), (0xFFFFFFFF, 0xFFFFFFFF)):
        for compression in (1, 5, 8, 32946):
            tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16), (259, 3, 1, compression), (262, 3, 1, 1)]
            tags += [(273, 4, 1, 200), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 40)]
            body = b"".join(struct.pack("<2H2I", *tag) for tag in tags)
            data = b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4)
            yield f"tiff_{width}_{compression}.tiff", data.ljust(200, b"\0") + zlib.compress(bytes(5000))
    offsets = struct.pack("<2H2I", 42113, 2, 0xFFFFFFFF, 8) + struct.pack("<2H2I", 273, 4, 0x3FFFFFFF, 8)
    yield "tiff_counts.tiff", b"II*\0" + struct.pack("<IH", 8, 2) + offsets + bytes(64)


def test_claimed_sizes_cost_no_memory(tmp_path):
    for name, data in bomb_files():
        path = tmp_path / name
        path.write_bytes(data)

        def refused(path=path):
            with pytest.raises(FileFormatError):
                read(path)

        assert peak_of(refused) < 20_000_000, name


def test_png_that_inflates_beyond_its_size_is_read_no_further(tmp_path):
    inflates = png_of(16, 12, zlib.compress(bytes(50_000_000), 9))
    plane = container()[PLANE_AT : PLANE_AT + 32] + inflates
    head = patched(container(), DIRECTORY_AT + 48, ">I", len(plane))
    (tmp_path / "a.jpg").write_bytes(jpeg_around(head[:PLANE_AT] + plane))
    assert peak_of(lambda: check_read_or_clean_error(tmp_path / "a.jpg", (tmp_path / "a.jpg").read_bytes())) < 5_000_000


def test_inflating_metadata_is_bounded(tmp_path):
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + struct.pack("<2H2I", 0x927C, 7, 0xFFFFFF, 8) * 4000
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + segment + jpeg_around(container())[2:])
    assert peak_of(lambda: read(tmp_path / "a.jpg")) < 5_000_000


def test_empty_and_tiny_files(tmp_path):
    with pytest.raises(FileFormatError, match="an empty file"):
        read_bytes(tmp_path, b"")
    for data in (b"\xff", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1", b"II*\0", b"MM\0*", b"II+\0", b"hello"):
        with pytest.raises(FileFormatError):
            read_bytes(tmp_path, data)


def test_what_is_no_file(tmp_path):
    for path in (tmp_path, tmp_path / "missing.jpg", str(tmp_path / "a\0b.jpg")):
        with pytest.raises(FileFormatError, match="no re"):
            read(path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FileFormatError, match="no readable file"):
        read(tmp_path / "loop")


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes and permissions of POSIX")
def test_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(FileFormatError, match="no regular file"):
        read(tmp_path / "pipe.jpg")


def test_unreadable_file(tmp_path, monkeypatch):
    # Permission bits do not stop root, so the refusal of the system is played.
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(FileFormatError, match="Permission denied"):
        read(tmp_path / "a.jpg")


def test_huge_file_is_refused_unread(tmp_path):
    with open(tmp_path / "huge.jpg", "wb") as file:
        file.truncate((1 << 29) + 1)  # sparse: takes no room on disk
    with pytest.raises(FileFormatError, match="at most 536870912"):
        read(tmp_path / "huge.jpg")


@pytest.mark.parametrize("name", ["ünï.jpg", "a b\tc.jpg", "-x.jpg", "%s{}.jpg", "\udcff.jpg"])
def test_odd_names(tmp_path, name):
    try:
        (tmp_path / name).write_bytes(jpeg_around(container()))
    except OSError:
        pytest.skip("the file system does not take this name")
    assert read(tmp_path / name).shape == COUNTS.shape
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(FileFormatError):
        read(tmp_path / name)


def test_constants_that_block_all_light(tmp_path):
    data = jpeg_around(container(distance_m=1e30, relative_humidity=1.0))
    with pytest.raises(FileFormatError, match="constants that give no temperature"):
        read_bytes(tmp_path, data)


def test_jpeg_without_plane_stays_a_picture(tmp_path):
    with pytest.raises(NotRadiometricError):
        read_bytes(tmp_path, b"\xff\xd8" + JPEG_END)
