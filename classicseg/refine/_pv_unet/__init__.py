"""The thermal network that comes with the package, and its model card."""
