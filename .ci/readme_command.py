"""Print the command that README marks with `<!-- command: NAME -->`: the fenced block after the mark."""

import re
import sys
from pathlib import Path


def readme_command(text: str, name: str) -> str:
    """Return the text between the fences, or leave with an error."""
    block = re.search(rf"<!-- command: {re.escape(name)} -->\s*```\w*\n(.*?)```", text, re.DOTALL)
    if block is None:
        raise SystemExit(f"README.md has no fenced block after <!-- command: {name} -->")
    return block.group(1)


if __name__ == "__main__":
    readme = Path(__file__).parents[1] / "README.md"
    sys.stdout.write(readme_command(readme.read_text(encoding="utf-8"), sys.argv[1]))
