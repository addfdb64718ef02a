"""The notebook of docs/ runs as it stands, calls no cloud and leaves nothing behind."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "vertex.ipynb"
CLOUD = ("GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS", "ZETA_BUCKET", "ZETA_IMAGE")


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook with its outputs, and the folder for temporary files."""
    temporary = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        for name in CLOUD:
            patch.delenv(name, raising=False)
        patch.setenv("TMPDIR", str(temporary))
        patch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # a call to a cloud would fail
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        client = NotebookClient(
            notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
        )
        client.execute()
    return notebook, temporary


def shown(notebook):
    """What each cell shows, as text."""
    return [
        "".join(
            output.get("text")
            or output["data"].get("text/markdown")
            or output["data"]["text/plain"]
            for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def rows(text):
    return [line for line in text.splitlines() if line.startswith("|")][2:]


def test_it_is_stored_without_outputs():
    stored = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    nbformat.validate(stored)


def test_it_shows_the_jobs_and_their_cost(executed):
    plan = next(text for text in shown(executed[0]) if "at worst" in text)
    assert re.search(r"at worst \d+\.\d\d USD", plan)
    jobs = rows(plan)
    assert len(jobs) == 4
    assert sum("a2-ultragpu-1g" in job for job in jobs) == 2
    assert sum("g2-standard-8" in job for job in jobs) == 2


def test_it_ranks_what_it_has_trained(executed):
    board = next(text for text in shown(executed[0]) if "validation RMSE" in text)
    errors = [float(row.split("|")[3]) for row in rows(board)]
    assert len(errors) == 2
    assert errors == sorted(errors)


def test_it_leaves_nothing_behind(executed):
    assert not list(executed[1].glob("zeta-*"))
