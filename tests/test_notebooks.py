"""Notebooks are committed clean; the last leg of .ci/run executes them."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_no_outputs_or_counts_are_stored(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 3
    for cell in cells:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert notebook["metadata"].keys() <= {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_only_public_names_are_used(path):
    """A reader copies these lines; what starts with an underscore may change under them."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            for node in ast.walk(ast.parse("".join(cell["source"]))):
                names = [node.module] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                assert not [name for name in names if "._" in f".{name}"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_links_to_files_of_the_project_lead_there(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            for link in re.findall(r"\]\((?!\w+:)([^)#]+)", "".join(cell["source"])):
                assert (path.parent / link).is_file(), link


def test_tables_of_results_are_those_of_the_newest_run():
    newest = max((ROOT / "benchmarks" / "results").glob("segment_ablation-*.md"))
    cells = json.loads((ROOT / "notebooks" / "07_segment.ipynb").read_text(encoding="utf-8"))["cells"]
    assert any(newest.read_text(encoding="utf-8").strip() in "".join(cell["source"]) for cell in cells)
