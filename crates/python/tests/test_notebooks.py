"""The magic, and the notebooks run from their own folder without anybody looking."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = ROOT / "notebooks"


def run(notebook: object, folder: Path) -> None:
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_notebook_runs(path: Path) -> None:
    run(nbformat.read(path, as_version=4), NOTEBOOKS)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*_*.md")), ids=lambda p: p.stem)
def test_text_and_notebook_are_the_same(path: Path) -> None:
    jupytext = pytest.importorskip("jupytext")
    cells = [c.source for c in jupytext.read(path).cells]
    assert cells == [c.source for c in nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells]
    assert len(cells) > 5


def test_the_magic(samples: Path) -> None:
    cells = [
        "%load_ext scotoma",
        f"%%scotoma {samples} -o threads --view process_injection\nSELECT NewThreadId FROM process_injection WHERE EventID = 8",
        "assert len(threads) > 0",
        "%%scotoma -o again\nSELECT count(*) AS n FROM process_injection",
        "assert again.rows() == [{'n': '590'}]",
        f"logs = __import__('scotoma').scan({str(samples)!r})",
        "%%scotoma -d logs\nSELECT count(*) AS n FROM events",
        "import scotoma\ntry:\n    get_ipython().run_cell_magic('scotoma', '-d nobody', 'SELECT 1')\nexcept scotoma.ScotomaError as error:\n    assert 'nobody' in str(error)\nelse:\n    assert False",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    run(book, samples)
    assert "590" in str(book.cells[6].outputs)
