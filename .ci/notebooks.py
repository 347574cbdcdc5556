"""Run the notebooks named on the command line in a scratch folder, and fail on the first error in a cell."""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

for name in sys.argv[1:]:
    notebook = nbformat.read(name, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    sys.stdout.write(f"{Path(name).name}: {cells} code cells ran\n")
