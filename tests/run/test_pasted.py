"""What `zeta compare` shows of two configs turns one into the other when it is pasted."""

import shlex

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from conf import schema
from conf.checks import resolved
from tests.run.test_config import CONF
from zeta_exp.report.differences import differences, overrides
from zeta_exp.report.settings import settings


@pytest.fixture
def told():
    """The settings of a run with these overrides."""
    schema.register()

    def call(*arguments):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("config", list(arguments))
        return settings(OmegaConf.to_container(resolved(config)))

    return call


@pytest.mark.parametrize(
    "arguments",
    [
        ["strategy=streamed", "hardware=l4"],
        ["strategy=fullbatch", "seed=3", "features=log_index"],
        ["strategy.parts=7", "model=linear", "zeros=shuffled"],
        ["zeros=table", "zeros.path='a b/c.txt'", "loss=rmt", "graph=adelic"],
        ["model=pyg", "model.conv=gat", "model.heads=2", "features.max_prime=13"],
        ["experiment=quick"],
    ],
)
def test_it_does(told, arguments):
    plain, other = told(), told(*arguments)
    found = differences([plain, other])
    assert told(*shlex.split(overrides(found, 1))) == other


@pytest.mark.parametrize(
    "arguments",
    [
        ["seed=3", "loss.weights.rg=0.1", "features.max_prime=7"],
        ["N=700", "start=11", "target=ordinate"],
        ["strategy.block_size=32", "optimizer.lr=0.02", "graph.primes=[2,3]"],
    ],
)
def test_three_keys_are_shown_as_these_three(told, arguments):
    found = differences([told(), told(*arguments)])
    assert sorted(overrides(found, 1).split()) == sorted(arguments)


def test_what_follows_other_settings_is_known(told):
    """Every ${…} of the options is one that a comparison leaves out."""
    plain = told("strategy=streamed")
    changed = told("strategy=streamed", "seed=9", "N=900", "start=7", "features.max_prime=17")
    found = {difference.key for difference in differences([plain, changed])}
    assert found == {"seed", "N", "start", "features.max_prime"}
