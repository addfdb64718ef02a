"""A config as its user gives it, and the classes of every option by the option's name."""

from pathlib import Path

from conf import schema
from conf.schema import SCHEMAS
from tests.verdict.sweeps import config
from zeta_exp.report.settings import OPTIONS, of_parameters, option_of, own, settings
from zeta_exp.tracking import flattened

CONF = Path(schema.__file__).parent


def test_every_option_of_a_group_is_known_by_its_class():
    for path, node in SCHEMAS.items():
        group, _, option = path.partition("/")
        if option and group != "tracking":
            assert option_of(group, node._target_) == option, path
    known = {f"{group}/{option}" for group in OPTIONS for option in OPTIONS[group].values()}
    assert known <= SCHEMAS.keys()


def test_groups_have_the_names_of_options():
    told = settings(config(0, 1, 0.1))
    assert (told["strategy"], told["features"], told["zeros"]) == (
        "streamed",
        "prime_phases",
        "computed",
    )
    assert told["loss.rg.scales"] == [2, 4]
    assert not [key for key in told if "_target_" in key or key.startswith("tracking")]
    assert settings({}) == {}


def test_a_class_of_the_users_own_is_told_as_it_is():
    told = settings({"model": {"_target_": "mine.Transformer", "_partial_": True, "heads": 2}})
    assert told == {"model._target_": "mine.Transformer", "model.heads": 2}


def test_what_takes_over_a_value_is_no_setting_of_its_own():
    told = settings(config(3, 1, 0.1, P=100))
    assert told["strategy.seed"] == 3
    assert own(told).keys() == told.keys() - {"strategy.seed", "evaluation.max_prime"}
    other = settings(config(3, 1, 0.1, **{"strategy.seed": 4, "evaluation.max_prime": 7}))
    assert own(other) == other


def test_a_tracker_keeps_the_same_settings():
    told = config(3, 1, 0.1) | {"optimizer": {"_target_": "zeta_exp.optimizer.AdamWOneCycle"}}
    tracked = of_parameters(flattened(told))
    assert tracked == settings(told) | {"loss.rg.scales": "[2,4]"}


def test_hardware_is_told_by_its_name():
    for path in (CONF / "hardware").glob("*.yaml"):
        assert f"\nname: {path.stem} #" in path.read_text()
    assert settings({"hardware": {"name": "l4", "device": "cuda"}}) == {
        "hardware": "l4",
        "hardware.device": "cuda",
    }
