"""Compare whole output folders."""

import os
from pathlib import Path


def tree(folder):
    """Return {relative name: bytes} of everything below `folder` but the state."""
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".classicseg"]
        for name in names:
            path = Path(parent, name)
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def same(a, b):
    """Whether two output folders hold the same names with the same bytes; says which differ."""
    first, second = tree(a), tree(b)
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
    return True
