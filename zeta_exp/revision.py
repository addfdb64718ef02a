"""The commit of the code that runs."""

import os
import subprocess
from pathlib import Path

VARIABLE = "ZETA_EXP_REVISION"  # set by the image, which holds the code without its history
UNKNOWN = "unknown"  # what an image says that was built without telling it
PACKAGE = Path(__file__).parent


def git(*arguments: str) -> str | None:
    """What git says in the directory of the package; None where it fails or there is none."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=PACKAGE, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # no git on this machine
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def code_commit() -> str | None:
    """The commit checked out, or the one that an image was built from; None where nobody knows."""
    told = os.environ.get(VARIABLE, UNKNOWN)
    return git("rev-parse", "HEAD") or (None if told in ("", UNKNOWN) else told)


def code_dirty() -> bool | None:
    """Whether files differ from the commit; None where there is no history to compare with."""
    changes = git("status", "--porcelain")
    return None if changes is None else bool(changes)
