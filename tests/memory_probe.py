"""How much memory a call takes at its peak."""

import tracemalloc


def peak_of(function):
    """Return the peak of what `function` allocates, in bytes, and its result."""
    tracemalloc.start()
    try:
        result = function()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()
