"""Run the notebooks in the folder where they lie, and write them as they come out: `make notebooks`.

What differs from run to run, or tells about the machine, is left out, so that a notebook changes only where it says
something else. Sliders are kept as what they showed: live ones need a running kernel.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = Path(__file__).parents[1] / "notebooks"
TIMEOUT_S = 300
WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# How long a solver took, in a card or in print.
SECONDS = re.compile(r"\d+\.\d\d(?= ?(?:s\b|秒))")


def notebooks() -> list[Path]:
    """The notebooks, in the order of their numbers."""
    return sorted(FOLDER.glob("*.ipynb"))


def executed(path: Path) -> NotebookNode:
    """A notebook with what its cells give now; a cell that fails is an error."""
    notebook = nbformat.read(path, 4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
    )
    client.execute()
    return plain(notebook)


def plain(notebook: NotebookNode) -> NotebookNode:
    """Without what tells of the run or of the machine."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict({})
        for output in cell.get("outputs", []):
            output.pop("metadata", None) if output.output_type == "stream" else output.update(metadata={})
            output.get("data", {}).pop(WIDGET, None)
    return notebook


def said(notebook: NotebookNode) -> list[tuple[int, str, str]]:
    """What each cell printed or showed as text: number of the cell, what it is, text without seconds."""
    found = []
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            shown = {output.get("name", ""): output.text} if output.output_type == "stream" else output.get("data", {})
            found += [
                (number, kind, SECONDS.sub("…", str(text)))
                for kind, text in sorted(shown.items())
                if "image" not in kind
            ]
    return found


def main() -> None:
    """Run those named on the command line, or all; files are written only where they say something else."""
    chosen = [FOLDER / name for name in sys.argv[1:]] or notebooks()
    for path in chosen:
        before, now = nbformat.read(path, 4), executed(path)
        if said(before) != said(now) or [c.source for c in before.cells] != [c.source for c in now.cells]:
            nbformat.write(now, path)
        print(path.name)


if __name__ == "__main__":
    main()
