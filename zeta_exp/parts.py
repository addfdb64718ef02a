"""The parts of a run from its resolved config, for those who read a run and know no Hydra.

A part is a mapping with `_target_`, the dotted name of a class or function of zeta_exp, and its
arguments, which may hold parts; `_partial_: true` leaves the call to whoever has the rest of the
arguments.  That is all of `hydra.utils.instantiate` that conf/ uses.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from zeta_exp.errors import UserError

TARGET, PARTIAL = "_target_", "_partial_"
PACKAGE = "zeta_exp."
# where a run writes, how it is watched and what it keeps for others do not change its numbers
NOT_OF_NUMBERS = ("hydra", "resume", "replay", "tracking")
CACHES = {"evaluation": "cache", "strategy": "partition_cache"}


def built(node: Any) -> Any:
    """What a node of a plain config stands for: parts are built, all else is as it is.

    Raises `UserError` for a part that this version of zeta_exp does not have or that refuses its
    arguments.
    """
    if isinstance(node, list):
        return [built(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    arguments = {k: built(value) for k, value in node.items() if k not in (TARGET, PARTIAL)}
    if TARGET not in node:
        return arguments
    make = _named(node[TARGET])
    if node.get(PARTIAL):
        return partial(make, **arguments)
    try:
        return make(**arguments)
    except TypeError as error:
        raise _of_another_version(node[TARGET]) from error


def _named(target: str) -> Any:
    """The class or function with this dotted name."""
    module, _, name = target.rpartition(".")
    if not target.startswith(PACKAGE):  # a result may come from anywhere: nothing else is called
        raise UserError(f"the config names {target}, which is no part of zeta_exp: restore it")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise _of_another_version(target) from error


def _of_another_version(target: str) -> UserError:
    return UserError(
        f"the config's {target} is not as this version of zeta_exp knows it: check out the commit "
        "that result.json names under provenance"
    )


def of_numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without what does not change a run's numbers."""
    kept = {key: value for key, value in config.items() if key not in NOT_OF_NUMBERS}
    for group, cache in CACHES.items():
        if isinstance(node := kept.get(group), Mapping):
            kept[group] = {key: value for key, value in node.items() if key != cache}
    return kept


def config_sha256(config: Mapping[str, Any]) -> str:
    """sha256 of the resolved config as sorted JSON, without what does not change its numbers."""
    return hashlib.sha256(json.dumps(of_numbers(config), sort_keys=True).encode()).hexdigest()
