"""Walk the marker segments of a JPEG file without decoding the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from classicseg._errors import FileFormatError

APP1, APP3, APP4, APP7 = 0xE1, 0xE3, 0xE4, 0xE7
_SOS, _EOI = 0xDA, 0xD9
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # TEM, RSTn, SOI carry no length
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@dataclass
class Segments:
    """The segments before the picture data."""

    app: dict[int, list[memoryview]] = field(default_factory=dict)  # marker → payloads in file order
    width: int = 0  # of the picture that viewers show, as its header claims
    height: int = 0

    def joined(self, marker: int) -> bytes:
        """All payloads of one marker, in file order."""
        return b"".join(self.app.get(marker, ()))


def is_jpeg(data: bytes) -> bool:
    """Whether `data` begins like a JPEG file."""
    return data[:3] == b"\xff\xd8\xff"


def read_segments(path: str, data: bytes) -> Segments:
    """Return the application segments up to the start of the picture data.

    Payloads are views, so a claimed length costs nothing; a length that passes the end of the file is an
    error.
    """
    segments, view, at, end = Segments(), memoryview(data), 2, len(data)
    while at + 2 <= end:
        if data[at] != 0xFF:
            raise FileFormatError(
                path, f"byte 0x{data[at]:02x} at offset {at}", "a JPEG marker, which begins with 0xff"
            )
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in (_SOS, _EOI):
            return segments
        else:
            at = _take_segment(path, view, at, marker, segments)
    raise FileFormatError(
        path,
        f"the end of the file at byte {end} within the JPEG headers",
        "picture data after them; the file is cut off",
    )


def _take_segment(path: str, view: memoryview, at: int, marker: int, segments: Segments) -> int:
    end = len(view)
    length = int.from_bytes(view[at + 2 : at + 4], "big") if at + 4 <= end else 0
    if length < 2 or at + 2 + length > end:
        raise FileFormatError(
            path,
            f"segment 0xff{marker:02x} at byte {at} with a length of {length} in a file of {end} bytes",
            "a segment that ends within the file; it is cut off or damaged",
        )
    payload = view[at + 4 : at + 2 + length]
    if 0xE0 <= marker <= 0xEF:
        segments.app.setdefault(marker, []).append(payload)
    elif marker in _FRAME_HEADERS and len(payload) >= 5:
        segments.height = int.from_bytes(payload[1:3], "big")
        segments.width = int.from_bytes(payload[3:5], "big")
    return at + 2 + length
