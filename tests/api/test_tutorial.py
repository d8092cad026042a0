"""The tutorial notebook runs from top to bottom, and shows its pictures without being run."""

from pathlib import Path

import nbclient
import nbformat

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"


def kinds(notebook):
    """What each cell of code shows: the MIME types of its outputs."""
    return [
        [kind for output in cell.outputs for kind in sorted(output.get("data", {output.output_type: ""}))]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_tutorial_is_true(tmp_path):
    stored = nbformat.read(TUTORIAL, as_version=4)
    notebook = nbformat.read(TUTORIAL, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert kinds(notebook) == kinds(stored)
    assert sum("image/png" in each or "image/svg+xml" in each for each in kinds(stored)) >= 2
    assert {path.name for path in tmp_path.iterdir()} == {"experiments"}
