"""What is known of the code that runs."""

import subprocess

import pytest

from zeta_exp import revision


def test_a_checkout_knows_its_commit(monkeypatch):
    monkeypatch.setenv(revision.VARIABLE, "another")
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=revision.PACKAGE,
        capture_output=True,
        text=True,
        check=True,
    )
    assert revision.code_commit() == done.stdout.strip()
    assert revision.code_dirty() in (True, False)


@pytest.mark.parametrize(("told", "known"), [("a1b2", "a1b2"), ("unknown", None), ("", None)])
def test_an_image_knows_what_it_was_told(monkeypatch, tmp_path, told, known):
    monkeypatch.setattr(revision, "PACKAGE", tmp_path)  # below which there is no history
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv(revision.VARIABLE, told)
    assert revision.code_commit() == known
    assert revision.code_dirty() is None


def test_a_machine_without_git_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(revision.VARIABLE, raising=False)
    assert (revision.code_commit(), revision.code_dirty()) == (None, None)
