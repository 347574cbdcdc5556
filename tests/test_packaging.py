"""A fact lives in one file, and what the package is made of agrees with what it says of itself."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import classicseg

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


def test_version_is_the_one_of_the_metadata():
    assert classicseg.__version__ == PROJECT["version"]


def test_version_is_the_one_installed():
    try:
        installed = version("classicseg")
    except PackageNotFoundError:
        pytest.skip("classicseg is not installed here; the checkout is imported in place")
    assert classicseg.__version__ == installed


def test_changelog_has_the_version():
    assert re.search(rf"^## .*{re.escape(PROJECT['version'])}", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_each_tool_is_configured_in_one_file():
    setup_cfg = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    in_setup_cfg = {"pytest": "[tool:pytest]", "mypy": "[mypy]", "coverage": "[coverage:run]"}
    for tool, section in in_setup_cfg.items():
        assert section in setup_cfg
        assert tool not in PYPROJECT["tool"]
    assert not re.search(r"^\[(metadata|options|tool:ruff|tool:numpydoc)", setup_cfg, re.MULTILINE)


def test_files_named_in_the_metadata_exist():
    assert (ROOT / PROJECT["readme"]).is_file()
    for name in PROJECT["license-files"]:
        assert (ROOT / name).is_file()


def test_package_data_patterns_match_every_file_that_is_not_code():
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]
    packed = {
        path
        for package, globs in patterns.items()
        for glob in globs
        for path in (ROOT / package.replace(".", "/")).glob(glob)
    }
    other = {path for path in (ROOT / "classicseg").rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert other == packed


def test_every_folder_with_code_is_a_package():
    folders = {path.parent for path in (ROOT / "classicseg").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_console_script_exists():
    module, _, function = PROJECT["scripts"]["classicseg"].partition(":")
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    assert re.search(rf"^def {function}\(", source, re.MULTILINE)


def test_extras_name_no_copyleft_peer():
    named = " ".join(line for lines in PROJECT["optional-dependencies"].values() for line in lines).lower()
    assert not re.search(r"pymaxflow|igraph", named)
