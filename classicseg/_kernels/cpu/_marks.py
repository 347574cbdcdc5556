"""Find the few places of a line where something happens: marks are set by vector code, and read eight at a time."""

import numpy as np

from classicseg._kernels.cpu._jit import jit

WORD = 8  # marks that are looked at at once


@jit
def no_marks(n):
    """Room for the marks of a line of `n` pixels, in whole words."""
    return np.zeros(-(-n // WORD) * WORD, np.uint8)


@jit
def mark_changes(line, marks):
    """Mark the pixels that differ from the one before; the first one does not."""
    for col in range(1, line.shape[0]):
        marks[col] = np.uint8(line[col] != line[col - 1])


@jit
def list_marks(marks, places):
    """Write the marked places to `places`, in order; return how many there are. Marks are 0 or 1."""
    count = 0
    words = marks.view(np.uint64)
    for word in range(words.shape[0]):
        if words[word] != 0:
            for place in range(word * WORD, word * WORD + WORD):
                if marks[place]:
                    places[count] = place
                    count += 1
    return count


@jit
def list_starts(marks, n_pixels, starts):
    """Write the marked places to `starts`, and `n_pixels` after them; return how many there are.

    For many marks. `starts` is room for them and a word more: every place of a word that has a mark is written, and
    the next one over it unless it was marked. A branch per place would be mispredicted so often that it takes four
    times as long.
    """
    count = 0
    words = marks.view(np.uint64)
    for word in range(words.shape[0]):
        if words[word] != 0:
            for place in range(word * WORD, word * WORD + WORD):
                starts[count] = place
                count += np.int64(marks[place])
    starts[count] = n_pixels
    return count
