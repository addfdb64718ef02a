"""What to type to make a page, its figures and its runs again."""

import shlex
from dataclasses import dataclass

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.overrides import override
from zeta_exp.report.evidence import Evidence
from zeta_exp.report.runs import COMPLETED, Run

OVERRIDES = ".hydra/overrides.yaml"
MOST_RUNS = 12  # whose commands are listed


@dataclass(frozen=True)
class Commands:
    """Of one page."""

    folder: str
    options: str  # of the question, such as --factor
    out: str
    runs: list[str]  # that made the runs, one for each arm
    more_runs: int = 0  # that are not listed

    def plot(self, name: str) -> str:
        """Makes the figure as a file."""
        return f"zeta plot {name} {self._asked} --out {name}.pdf"

    @property
    def report(self) -> str:
        """Makes the page."""
        return f"zeta report {self._asked} --out {shlex.quote(self.out)}"

    @property
    def verdict(self) -> str:
        """Says the verdict in a terminal."""
        return f"zeta verdict {self._asked}"

    @property
    def _asked(self) -> str:
        return f"{shlex.quote(self.folder)} {self.options}".strip()


def commands_of(evidence: Evidence, options: str, out: str) -> Commands:
    """The commands of a page about this evidence."""
    folder = evidence.request.folder
    if evidence.study.name:
        made = [f"python run.py -m experiment={shlex.quote(evidence.study.name)}"]
        return Commands(folder, options, out, made)
    runs = [arm.runs[0] for arm in evidence.arms] if evidence.shown else []
    told = [command for run in runs[:MOST_RUNS] if (command := _of_run(run))]
    if len(evidence.runs) == 1 and evidence.runs[0].status == COMPLETED:
        told.append(f"python run.py {override('replay', folder)}")
    return Commands(folder, options, out, told, max(len(runs) - MOST_RUNS, 0))


def _of_run(run: Run) -> str | None:
    """The command of a run, by what Hydra kept of it; None where it kept nothing."""
    path = files.join(run.path, OVERRIDES)
    try:
        with files.explained(path):
            text = files.contents([path])[0].decode()
    except UserError:
        return None
    words = [line.removeprefix("- ").strip() for line in text.splitlines()]
    kept = [_unquoted(word) for word in words if "=" in word and "hydra." not in word]
    return " ".join(["python run.py", *map(shlex.quote, kept)])


def _unquoted(word: str) -> str:
    """As it was before YAML quoted it."""
    if len(word) > 1 and word[0] == word[-1] == "'":
        return word[1:-1].replace("''", "'")
    return word
