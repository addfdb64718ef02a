"""A figure written where the user wants it."""

from pathlib import Path
from typing import TYPE_CHECKING

from zeta_exp import files
from zeta_exp.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("png", "svg", "pdf")


def check_name(path: str) -> str:
    """The kind that the name's ending says; raises `UserError` for one that can't be drawn."""
    kind = Path(path).suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise UserError(f"{path} names no kind of figure: end it in .{', .'.join(KINDS)}")
    return kind


def save(figure: "Figure", path: str) -> None:
    """Writes it whole or not at all; raises `UserError` where it can't."""
    from zeta_exp.report import plots

    kind = check_name(path)
    with files.explained(path), files.writing(path) as file:
        plots.save(figure, file, kind)
