"""A table before it is drawn, in text or Markdown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sheet:
    """A title, which may be empty, headings and rows of as many cells."""

    title: str
    headings: list[str]
    rows: list[list[str]]
    left: int = 1  # columns that are aligned to the left, from the first on

    def text(self) -> str:
        """Columns in line: the first ones to the left, the others to the right."""
        lines = [self.headings, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        drawn = [self._aligned(line, widths) for line in lines]
        rule = "-" * max(map(len, drawn))
        return "\n".join([*filter(None, [self.title]), drawn[0], rule, *drawn[1:]])

    def markdown(self) -> str:
        """The same as Markdown."""
        rules = ["---" if place < self.left else "---:" for place in range(len(self.headings))]
        lines = [self.headings, rules, *self.rows]
        drawn = [f"| {' | '.join(map(_escaped, line))} |" for line in lines]
        return "\n".join([*([f"**{self.title}**", ""] if self.title else []), *drawn])

    def _aligned(self, line: list[str], widths: list[int]) -> str:
        cells = [
            cell.ljust(width) if place < self.left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
