"""Commands and checks that other packages add: found by name, so that zeta_exp imports none."""

import logging
from importlib.metadata import entry_points
from typing import Any

COMMANDS = "zeta_exp.commands"  # entry points: functions that take what `add_subparsers` gives
CHECKS = "zeta_exp.checks"  # modules with SUMMARY, add_options(parser) and check(arguments)
log = logging.getLogger(__name__)


def commands() -> list[Any]:
    """What adds each further command."""
    return list(_loaded(COMMANDS).values())


def checks() -> dict[str, Any]:
    """What checks more than this machine, by the name of the option of `zeta doctor`."""
    return _loaded(CHECKS)


def _loaded(group: str) -> dict[str, Any]:
    """What can be imported; a package that is broken takes nothing else with it."""
    found = {}
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        try:
            found[entry.name] = entry.load()
        except (ImportError, AttributeError) as error:
            log.warning("%s of %s is left out (%s): install it again", entry.name, group, error)
    return found
