"""The settings of a run: what of its config makes its numbers, as the user gives it.

A group whose class says which option was chosen is named by the option: `strategy: streamed`, not
`strategy._target_: zeta_exp.strategies.Streamed`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from zeta_exp import recipe
from zeta_exp.parts import of_numbers
from zeta_exp.report.runs import flattened

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
# settings that came later, and what all runs before had
SINCE: Mapping[str, Any] = {"labels.fraction": 1.0, "loss.gue_mmd.calibrated": False}
_CLASS, _PARTIAL = "._target_", "._partial_"
_NAMED = {"hardware.name": "hardware"}  # an option that says its name in a key


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """All of a config that makes the numbers, by dotted key; {} of an empty one."""
    flat = flattened(of_numbers(config))
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
    return _complete(named)


def _complete(named: dict[str, Any]) -> dict[str, Any]:
    """The settings of a run with those that older ones did not know; all labels have no choice."""
    if "N" not in named:
        return named
    whole = {**SINCE, **named}
    if float(whole["labels.fraction"]) >= 1:
        return {key: v for key, v in whole.items() if key not in ("labels.layout", "labels.seed")}
    return whole


def of_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same of what a tracker keeps: a flat config, a class by its name beside its arguments."""
    parents = {key.rpartition(".")[0] for key in parameters}
    named = {
        _NAMED.get(key, key): option_of(key, str(value)) or value
        for key, value in parameters.items()
        if key in OPTIONS or key not in parents
    }
    return _complete(named)


def option_of(group: str, name: str) -> str | None:
    """The option of the group that builds the class of this name, dotted or not."""
    return OPTIONS.get(group, {}).get(name.rpartition(".")[2])


def own(told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that follow another one and have its value."""
    return {key: value for key, value in told.items() if not follows(key, told)}


def follows(key: str, told: Mapping[str, Any]) -> bool:
    """Whether the setting has the value that another one or the recipe gives it by default."""
    leader = leader_of(key)
    if leader is not None:
        return leader in told and bool(told[leader] == told[key])
    try:
        return bool(RULES[key](told) == told[key])
    except (KeyError, TypeError, ValueError):  # no rule, or one that the run has no numbers for
        return False


def leaders_of(key: str) -> tuple[str, ...]:
    """The settings on which this one depends by default."""
    leader = leader_of(key)
    return RULED_BY if leader is None and key in RULES else (leader,) if leader else ()


def leader_of(key: str) -> str | None:
    """The setting whose value this one takes over by default."""
    above, _, last = key.rpartition(".")
    if key == "labels.seed":
        return None
    return last if above and last in FOLLOWERS else LEADERS.get(key)


def _of_relational(rule: Callable[[int, int, int], int], told: Mapping[str, Any]) -> int:
    """A rule of the model's sizes; other models have sizes of their own."""
    if told["model"] != "relational":
        raise KeyError("model")
    return rule(told["N"], told["start"], told.get("features.max_prime", 300))


def _epochs(told: Mapping[str, Any]) -> int:
    """What the strategy trains where no budget is asked for."""
    if told["strategy"] == "minibatch":
        return recipe.minibatch_epochs(told["N"], told["strategy.blocks_per_step"])
    return recipe.exact_epochs(told["N"], told.get("strategy.steps_per_epoch", 1))


def _reflection(told: Mapping[str, Any]) -> bool:
    """Whether the relational model is odd, by the class of the features that were chosen."""
    classes = {option: name for name, option in OPTIONS["features"].items()}
    return recipe.reflection(classes[told["features"]], told["target"])


def _rate(told: Mapping[str, Any]) -> float:
    """Muon's; other optimisers have rates of their own."""
    if told["optimizer"] != "muon":
        raise KeyError("optimizer")
    return recipe.muon_rate(told.get("strategy.steps_per_epoch", 1))


def _noise(told: Mapping[str, Any]) -> float:
    """What the strategy puts on the weights: nothing in mini-batches."""
    if told["strategy"] == "minibatch":
        return 0.0
    return recipe.exact_noise(told.get("strategy.steps_per_epoch", 1))


# keys that conf/ takes from `zeta_exp.recipe`, with the settings that the rules read
RULES: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "model.reflection": _reflection,
    "model.hidden": partial(_of_relational, recipe.hidden),
    "model.layers": partial(_of_relational, recipe.layers),
    "strategy.blocks_per_step": lambda told: recipe.blocks_per_step(told["N"]),
    "budget.epochs": _epochs,
    "optimizer.lr": _rate,
    "optimizer.weight_noise": _noise,
}
RULED_BY = (
    *("N", "start", "features", "features.max_prime", "target", "optimizer", "strategy"),
    *("strategy.blocks_per_step", "strategy.steps_per_epoch"),
)
