"""Names of frames: how a path is shown in tables, and under which name its outputs are stored."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence

PLAIN = frozenset("._- ()+=,@#")  # beside letters and digits, safe in file names on every common file system
LONGEST = 120  # characters of one name; with ".png", a suffix and UTF-8 growth it stays below the usual 255 bytes
JPEG_ENDINGS = (".jpg", ".jpeg", ".rjpg", ".rjpeg")


def valid_text(text: str) -> str:
    r"""Return `text` as valid Unicode, which every output can hold; what is not is escaped: `\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()


def shown_name(relative: str) -> str:
    r"""Return `relative` as one line of valid Unicode with forward slashes.

    What is neither is escaped: `\\`, `\n`, `\x1b`, `\xff`.
    A name that a spreadsheet would take for a formula (it starts with =, +, - or @) gets "./" in front, which is
    still the same path.
    """
    if os.sep != "/":
        relative = relative.replace(os.sep, "/")
    text = os.fsencode(relative).decode("utf-8", "surrogateescape")
    shown = "".join(map(_shown_character, text))
    return "./" + shown if shown[:1] in ("=", "+", "-", "@") else shown


def _shown_character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def output_names(relatives: Sequence[str]) -> list[str]:
    """Return one output name per relative path: unique, also where case or Unicode form does not tell files apart.

    Subfolders are kept, a JPEG ending is dropped, any other ending stays ("a.jpg" -> "a", "a.tif" -> "a.tif").
    A part that is not plain, and every member of a group that would collide, gets "~" and 8 hex digits of its
    own path, so that a name depends on its path and not on the order of the inputs.
    """
    names = [_plain_name(relative) for relative in relatives]
    keys = Counter(map(collision_key, names))
    return [
        f"{name}~{_digest(relative)}" if keys[collision_key(name)] > 1 else name
        for name, relative in zip(names, relatives, strict=True)
    ]


def _plain_name(relative: str) -> str:
    parts = relative.replace(os.sep, "/").split("/")
    stem, ending = os.path.splitext(parts[-1])
    parts[-1] = stem if ending.lower() in JPEG_ENDINGS else parts[-1]
    last = len(parts) - 1
    return "/".join(_plain_part(part, "/".join(parts[: i + 1]), i < last) for i, part in enumerate(parts))


def _plain_part(part: str, path: str, is_folder: bool) -> str:
    plain = "".join(c if c in PLAIN or c.isalnum() else "_" for c in part)[:LONGEST].strip(". ") or "_"
    while len(plain.encode()) > LONGEST * 3 // 2:
        plain = plain[:-1]
    # a folder "a.png" must not meet the picture "a.png" of a frame "a"
    clear = plain == part and not (is_folder and plain.lower().endswith((".png", ".tif")))
    return plain if clear else f"{plain}~{_digest(path)}"


def collision_key(name: str) -> str:
    """Return what two names share that some file system takes for one."""
    return unicodedata.normalize("NFKC", name).casefold()


def _digest(path: str) -> str:
    return hashlib.blake2s(os.fsencode(path), digest_size=4).hexdigest()
