"""Every option of every group composes, is typed and builds what it names."""

import dataclasses
import inspect
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conf import schema
from conf.checks import resolved, resume_argument
from conf.explain import explain, known_keys, unknown_key
from conf.launch import _may_give_mode
from tests.conftest import sample
from zeta_exp.errors import UserError
from zeta_exp.experiment import Experiment
from zeta_exp.parts import built
from zeta_exp.zeros.source import ComputedZeros

CONF = Path(schema.__file__).parent
OPTIONS = sorted(str(path.relative_to(CONF).with_suffix("")) for path in CONF.glob("*/*.yaml"))
TYPED = [option for option in OPTIONS if not option.startswith("experiment/")]
FROM_THE_RUN = {"dim", "offsets"}  # what a model gets beside its options


@pytest.fixture
def composed():
    """Composes overrides, as run.py does."""
    schema.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield lambda *overrides: compose("config", list(overrides))


@pytest.fixture
def table(tmp_path):
    """A table of zeros long enough for N=200."""
    path = tmp_path / "zeros.txt"
    path.write_text("".join(f"{gamma:.9f}\n" for gamma in ComputedZeros().ordinates(1, 301)))
    return path


def _override(option, table):
    group, _, name = option.rpartition("/")
    extra = {
        "zeros/table": [f"zeros.path={table}"],
        "tracking/vertex": ["tracking.vertex.project=p"],
    }.get(option, [])
    return [f"{group}={name}", *extra, "N=200"]


@pytest.mark.parametrize("option", sample(TYPED, 2))
def test_every_option_builds_what_it_names(composed, table, option):
    if option == "tracking/mlflow":
        pytest.importorskip("mlflow")
    config = composed(*_override(option, table))
    group, _, name = option.partition("/")
    node = config[group].get(name, config[group])  # trackers have a place each
    assert dataclasses.is_dataclass(OmegaConf.get_type(node))
    part = instantiate(resolved(config), _convert_="all")[group]
    target = get_object(config[group]._target_)
    if inspect.isclass(target) and not config[group].get("_partial_"):
        assert type(part) is target


def _form(thing):
    """What an object is and holds, to compare two of them."""
    if isinstance(thing, partial):
        return thing.func, _form(thing.keywords)
    if isinstance(thing, np.ndarray | torch.Tensor):
        return thing.tolist()
    if isinstance(thing, Mapping):
        return {key: _form(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return type(thing), [_form(item) for item in thing]
    if isinstance(thing, str | int | float | Path | None):
        return thing
    return type(thing), _form(getattr(thing, "__dict__", {}))


@pytest.mark.parametrize("option", sample(TYPED, 3))
def test_without_hydra_the_same_parts_are_built(composed, table, option):
    if option == "tracking/mlflow":
        pytest.importorskip("mlflow")
    config = resolved(composed(*_override(option, table)))
    parts = instantiate(config, _convert_="all")
    plain = json.loads(json.dumps(OmegaConf.to_container(config)))  # as result.json has it
    assert _form(built(plain)) == _form(parts)


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.startswith("experiment/")])
def test_every_experiment_is_one(composed, table, option):
    config = resolved(composed(*_override(option, table)))
    parts = instantiate(config, _convert_="all")
    assert Experiment(**parts, config=OmegaConf.to_container(config)).split.N == 200


@pytest.mark.parametrize(
    ("arguments", "may"),
    [
        (["N=200"], False),
        (["-m", "seed=1,2"], False),
        (["hydra.mode=MULTIRUN"], True),
        (["--config-dir=mine"], True),
        (["-cd", "mine"], True),
        (["--config-path=mine"], True),
        (["hydra.searchpath=[file://mine]"], True),
    ],
)
def test_a_mode_is_looked_for_where_it_can_be_given(arguments, may):
    assert _may_give_mode(arguments) == may


def test_the_config_is_the_experiment():
    own = {field.name for field in dataclasses.fields(schema.Config)}
    ours = {field.name for field in dataclasses.fields(Experiment)}
    assert own - {"resume", "replay"} == ours - {"config"}


def test_every_option_has_a_type():
    paths = set(schema.SCHEMAS) - {"config"}
    described = {path for option in TYPED for path in (option, option.split("/")[0])}
    assert paths <= described
    for option in TYPED:
        assert {option, option.split("/")[0]} & paths, option


@pytest.mark.parametrize("path", sorted(set(schema.SCHEMAS) - {"config"}))
def test_every_key_is_read(path):
    """The keys of a type are arguments of what it builds: no dead option, none forgotten."""
    node = schema.SCHEMAS[path]
    target = node.__dataclass_fields__["_target_"].default
    parameters = inspect.signature(get_object(target)).parameters
    keys = {name for name in node.__dataclass_fields__ if not name.startswith("_")}
    required = {name for name, p in parameters.items() if p.default is inspect.Parameter.empty}
    assert required - FROM_THE_RUN <= keys <= set(parameters)


@pytest.mark.parametrize("strategy", ["fullbatch", "minibatch"])
def test_a_strategy_carries_its_recipe_and_the_command_line_wins(composed, strategy):
    own = composed(f"strategy={strategy}")
    assert own.budget.epochs == {"fullbatch": 1200, "minibatch": 60}[strategy]
    given = composed("optimizer.lr=0.5", "budget.epochs=7", f"strategy={strategy}")
    assert (given.optimizer.lr, given.budget.epochs) == (0.5, 7)


@pytest.mark.parametrize("strategy", ["fullbatch", "minibatch", "streamed"])
def test_hardy_selects_its_features_and_carries_its_recipe(composed, strategy):
    own = composed("model=hardy", f"strategy={strategy}", "start=1000", "N=300")
    assert own.features._target_ == "zeta_exp.features.IntegerPhases"
    assert (own.features.split.start, own.features.split.N) == (1000, 300)
    assert (own.optimizer.lr, own.optimizer.weight_decay, own.budget.epochs) == (1e-6, 0, 1)
    given = composed("optimizer.lr=0.5", "features=prime_phases", "model=hardy")
    assert (given.optimizer.lr, given.features.max_prime) == (0.5, 300)
    for model in ("linear", "relational"):
        other = composed(f"model={model}")
        assert (other.features.max_prime, other.optimizer.lr) == (300, 1e-2)


def test_interpolations_follow_their_source(composed):
    config = resolved(composed("seed=7", "N=300", "zeros=shuffled", "features=random_phases"))
    assert config.zeros.seed == config.features.seed == config.strategy.seed == 7
    assert config.zeros.split.N == 300


def test_keys_that_are_known():
    assert known_keys(["loss", "weights"]) == ["gue_mmd", "gue_nll", "gue_nll_matched", "mse", "rg"]
    assert known_keys(["strategy"]) == sorted(
        [
            "block_size",
            "blocks_per_step",
            "debias",
            "halo",
            "partition",
            "partition_cache",
            "parts",
            "seed",
            "steps_per_epoch",
        ]
    )
    assert known_keys(["nothing", "here"]) == []
    assert unknown_key("nothing.here.x") == "key 'x' of nothing.here is unknown"


@pytest.mark.parametrize("error", [RuntimeError("x"), ValueError("x"), KeyError("x")])
def test_a_defect_has_no_sentence(error):
    assert explain(error) is None


def test_a_sentence_is_one_line():
    assert explain(UserError("one\n  two")) == "one two"
    assert "not enough memory" in explain(MemoryError())
    assert "No space left" in explain(OSError(28, "No space left on device", "/x"))
    assert explain(BrokenPipeError(32, "Broken pipe")) is None


def test_a_plain_path_needs_no_quotes():
    assert resume_argument(Path("/runs/2026-01-02/03-04-05")) == "resume=/runs/2026-01-02/03-04-05"
    assert resume_argument(Path("/a b")) == "'resume=\"/a b\"'"


def test_a_chain_of_errors_that_bites_its_tail_is_explained():
    outer, inner = ConfigCompositionException("outer"), OmegaConfBaseException("inner")
    inner.full_key = None
    inner.msg = "inner"
    outer.__cause__, inner.__context__ = inner, outer
    assert explain(outer) == "inner"
