"""Severity profiles."""

import pytest

from classicseg import FileFormatError
from classicseg.thermal import SeverityProfile, load_profile

GOOD = """name = "mine"
min_delta_celsius = 1
[[levels]]
name = "warm"
from_celsius = 1
[[levels]]
name = "hot"
from_celsius = 5
"""


def test_the_bundled_profile():
    profile = load_profile("IEC-62446-3-style")
    steps = [0, 2.9, 3, 9.99, 10, 20, 39, 40, 500]
    expected = ["low", "low", "low", "low", "medium", "high", "high", "critical", "critical"]
    assert [profile.severity(delta) for delta in steps] == expected
    assert profile.min_delta_celsius == 3
    assert load_profile(profile) is profile


def test_a_profile_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_profile(path) == load_profile(str(path))
    assert load_profile(path) == SeverityProfile("mine", 1.0, (("warm", 1.0), ("hot", 5.0)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('name = "mine"', "x = 1"), "KeyError: 'name'"),
        (("from_celsius = 5", "from_celsius = 1"), "levels must rise in from_celsius, got [1.0, 1.0]"),
        (("from_celsius = 5", 'from_celsius = "5"'), "levels[1].from_celsius must be a number, got '5'"),
        (("min_delta_celsius = 1", "min_delta_celsius = -1"), "min_delta_celsius must be at least 0"),
        (("[[levels]]", "[levels"), "TOMLDecodeError"),
    ],
)
def test_bad_profiles(tmp_path, change, message):
    path = tmp_path / "bad.toml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(FileFormatError) as caught:
        load_profile(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_levels(tmp_path):
    path = tmp_path / "none.toml"
    path.write_text('name = "a"\nmin_delta_celsius = 1\nlevels = []\n')
    with pytest.raises(FileFormatError, match="levels must not be empty"):
        load_profile(path)


def test_not_a_text_file(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(FileFormatError, match="an unreadable file"):
        load_profile(path)
