"""Writing files that are whole or not there."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Writes `content` under a temporary name, then renames: a reader sees all of it or none.

    Raises `OSError` (a full disk, a read-only directory) with the earlier file left in place.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:  # a second Ctrl-C too
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)  # what a full disk leaves out
        raise
