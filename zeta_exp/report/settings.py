"""The settings of a run: what of its config makes its numbers, as the user gives it.

A group whose class says which option was chosen is named by the option: `strategy: streamed`, not
`strategy._target_: zeta_exp.strategies.Streamed`.
"""

from collections.abc import Mapping
from typing import Any

from zeta_exp.report.runs import flattened

# where a run writes and how it is watched does not change its numbers
NOT_SETTINGS = ("hydra", "resume", "replay", "tracking")
# class → option, for each group where the class says it
OPTIONS = {
    "zeros": {
        "ComputedZeros": "computed",
        "TableZeros": "table",
        "ShuffledZeros": "shuffled",
        "CueZeros": "cue",
        "PoissonZeros": "poisson",
    },
    "features": {
        "PrimePhases": "prime_phases",
        "RandomPhases": "random_phases",
        "WrongHeight": "wrong_height",
        "LogIndex": "log_index",
        "IntegerPhases": "integer_phases",
    },
    "model": {
        "Linear": "linear",
        "MLP": "mlp",
        "HybridGCN": "hybrid_gcn",
        "Relational": "relational",
        "PyGModel": "pyg",
        "Hardy": "hardy",
    },
    "optimizer": {"AdamWOneCycle": "adamw", "MuonOneCycle": "muon"},
    "strategy": {"MiniBatch": "minibatch", "FullBatch": "fullbatch", "Streamed": "streamed"},
}
# keys that take over another one's value where they are not given (${…} in conf/): no setting of
# their own while they are equal to it
FOLLOWERS = ("seed", "start", "N")  # by their last name, those of the run itself
LEADERS = {
    "evaluation.max_prime": "features.max_prime",
    "strategy.block_size": "hardware.block_size",
}
_CLASS, _PARTIAL = "._target_", "._partial_"
_NAMED = {"hardware.name": "hardware"}  # an option that says its name in a key


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """All of a config that makes the numbers, by dotted key; {} of an empty one."""
    flat = flattened({key: config[key] for key in config if key not in NOT_SETTINGS})
    named: dict[str, Any] = {}
    for key, value in flat.items():
        if key.endswith(_CLASS):
            group = key.removesuffix(_CLASS)
            option = option_of(group, str(value))
            if option is not None:
                named[group] = option
            elif group in OPTIONS:  # of a class that is not this package's
                named[key] = value
        elif not key.endswith(_PARTIAL):
            named[_NAMED.get(key, key)] = value
    return named


def of_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same of what a tracker keeps: a flat config, a class by its name beside its arguments."""
    parents = {key.rpartition(".")[0] for key in parameters}
    return {
        _NAMED.get(key, key): option_of(key, str(value)) or value
        for key, value in parameters.items()
        if key in OPTIONS or key not in parents
    }


def option_of(group: str, name: str) -> str | None:
    """The option of the group that builds the class of this name, dotted or not."""
    return OPTIONS.get(group, {}).get(name.rpartition(".")[2])


def own(told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that follow another one and have its value."""
    return {key: value for key, value in told.items() if not follows(key, told)}


def follows(key: str, told: Mapping[str, Any]) -> bool:
    """Whether the setting has the value of one that it takes over by default."""
    leader = leader_of(key)
    return leader is not None and leader in told and told[leader] == told[key]


def leader_of(key: str) -> str | None:
    """The setting whose value this one takes over by default."""
    above, _, last = key.rpartition(".")
    return last if above and last in FOLLOWERS else LEADERS.get(key)
