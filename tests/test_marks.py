"""Marks of a line, on lengths around the words in which they are read."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from classicseg._kernels.cpu._marks import WORD, list_marks, mark_changes, no_marks


@pytest.mark.parametrize("n", [1, 2, WORD - 1, WORD, WORD + 1, 5 * WORD + 3])
def test_changes_of_a_line_are_listed_in_order(rng, n):
    marks, places = no_marks(n), np.empty(n, np.int32)
    assert not marks.any()
    for share in (0.0, 0.1, 0.6):  # the same room for line after line
        line = np.cumsum(rng.random(n) < share).astype(np.int32)
        mark_changes(line, marks)
        count = list_marks(marks, places)
        assert_array_equal(places[:count], np.flatnonzero(np.diff(line)) + 1)
