"""The report: one HTML file that holds all it needs, for a reader who has nothing of this program.

The answer in one sentence comes first, then the figures and tables it rests on, each with the
command that makes it again.  What the runs can't show is said in a sentence where it would stand.
"""

from dataclasses import dataclass
from importlib.resources import files as resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zeta_exp import __version__
from zeta_exp.errors import UserError
from zeta_exp.report.catalogue import CAPTIONS
from zeta_exp.report.evidence import Evidence
from zeta_exp.report.page import tables
from zeta_exp.report.page.answer import answer
from zeta_exp.report.page.commands import Commands
from zeta_exp.report.page.facts import facts
from zeta_exp.report.page.svg import inline
from zeta_exp.report.page.tables import Table
from zeta_exp.report.plots import FIGURES
from zeta_exp.report.plots.style import MOST_ARMS, MOST_PANELS
from zeta_exp.verdict import table as sheets

BEYOND = "Beyond the range"
SECTIONS = {  # heading of each part of the evidence, and its figures
    "Effect": ("forest",),
    "Along the line": ("profile",),
    BEYOND: ("horizon", "extrapolation", "size", "height"),
    "Training": ("learning_curves", "loss_terms"),
    "Spacings": ("spacing_histogram", "pair_correlation", "number_variance"),
    "Cost": ("cost",),
}
GRIDS = ("profile", "horizon", "learning_curves")  # a panel a group of pairs
PANELLED = (*GRIDS, "loss_terms", *SECTIONS["Spacings"])  # all that draw the arms of a panel


@dataclass(frozen=True)
class Drawing:
    """A figure on the page, or why it is not there."""

    name: str
    shows: str
    look: str
    command: str
    number: int  # 0 where there is no figure
    svg: Markup | None
    missing: str = ""
    left_out: str = ""  # what of the runs is not in it


@dataclass(frozen=True)
class Section:
    """A heading and its figures."""

    heading: str
    drawings: list[Drawing]
    tables: list[Table]

    @property
    def figures(self) -> list[Drawing]:
        """Those that could be drawn."""
        return [drawing for drawing in self.drawings if drawing.svg is not None]

    @property
    def anchor(self) -> str:
        """The heading as the end of an address."""
        return self.heading.lower().replace(" ", "-")


def render(evidence: Evidence, commands: Commands) -> str:
    """The page as text of HTML."""
    environment = Environment(
        loader=PackageLoader("zeta_exp.report.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    judgement = evidence.judgement
    sections = _sections(evidence, commands)
    return environment.get_template("page.html").render(
        style=_resource("page.css"),
        script=_resource("page.js"),
        version=__version__,
        folder=evidence.request.folder,
        answer=answer(evidence),
        facts=facts(evidence),
        sections=[one for one in sections if one.figures or one.tables],
        missing=_missing(sections),
        leaderboard=tables.leaderboard(evidence),
        differences=_or_none(evidence),
        controls=tables.controls(evidence),
        provenance=tables.provenance(evidence.shown or evidence.runs),
        notes=judgement.notes if judgement else [],
        commands=commands,
    )


def _sections(evidence: Evidence, commands: Commands) -> list[Section]:
    """All figures, numbered in their order."""
    number = 0
    made = []
    for heading, names in SECTIONS.items():
        drawings = []
        for name in names:
            drawing = _drawing(evidence, name, commands, number + 1)
            number += drawing.svg is not None
            drawings.append(drawing)
        made.append(Section(heading, drawings, _tables(evidence, heading)))
    return made


def _missing(sections: list[Section]) -> dict[str, list[str]]:
    """What the figures that could not be drawn show, by the reason."""
    found: dict[str, list[str]] = {}
    for drawing in (drawing for section in sections for drawing in section.drawings):
        if drawing.svg is None:
            found.setdefault(drawing.missing, []).append(drawing.shows)
    return found


def _drawing(evidence: Evidence, name: str, commands: Commands, number: int) -> Drawing:
    caption = CAPTIONS[name]
    told = (name, caption.shows, caption.look, commands.plot(name))
    try:
        svg = inline(FIGURES[name](evidence), name, caption.shows)
    except UserError as error:
        return Drawing(*told, 0, None, str(error).splitlines()[0])
    return Drawing(*told, number, svg, left_out=_left_out(evidence, name))


def _left_out(evidence: Evidence, name: str) -> str:
    """What a figure does not show of too many groups or arms, as a sentence."""
    panels = evidence.panels if name in PANELLED else []
    arms = max((len(panel.arms) for panel in panels), default=0)
    if arms > MOST_ARMS:
        return f"Drawn are {MOST_ARMS} of {arms} arms, those with most runs, then the best."
    if len(panels) > MOST_PANELS and name in GRIDS:
        return f"Drawn are the largest {MOST_PANELS} of {len(panels)} groups."
    return ""


def _tables(evidence: Evidence, heading: str) -> list[Table]:
    """Those of the verdict and of a run's baselines, beside the figures they belong to."""
    judgement = evidence.judgement
    if judgement is None:
        alone = heading == BEYOND and len(evidence.shown) == 1
        found = tables.baselines(evidence.shown[0]) if alone else None
        return [found] if found else []
    wanted = {
        "Effect": (sheets.decisions, sheets.tests),
        "Training": (sheets.convergence,),
        "Cost": (sheets.arms,),
    }
    drawn = [make(judgement) for make in wanted.get(heading, ())]
    return [tables.of_sheet(sheet) for sheet in drawn if sheet.rows]


def _or_none(evidence: Evidence) -> Table | None:
    """The differences between arms; None where no run has finished."""
    return tables.config_differences(evidence) if evidence.shown else None


def _resource(name: str) -> Markup:
    """A file beside this one, as it is."""
    return Markup(resources("zeta_exp.report.page").joinpath(name).read_text())
