"""The same place, image and config are the same job; anything else of these is another."""

import pytest
from hydra import compose, initialize_config_dir
from hydra_plugins.hydra_vertex_launcher import _identity as identity
from omegaconf import OmegaConf

from conf import schema
from conf.checks import resolved
from tests.launchers.launching import REPOSITORY
from zeta_exp.parts import config_sha256

IMAGE, OTHER = (f"host/p/r/zeta@sha256:{digit * 64}" for digit in "12")


@pytest.fixture(scope="module")
def composed():
    """Composes a config as run.py does."""
    schema.register()
    OmegaConf.register_new_resolver("run_directory", lambda *_: "run", replace=True)
    OmegaConf.register_new_resolver("hydra_directory", lambda *_: ".hydra", replace=True)
    with initialize_config_dir(str(REPOSITORY / "conf"), version_base="1.3"):
        yield lambda *overrides: compose("config", list(overrides), return_hydra_config=True)


@pytest.mark.parametrize("overrides", [(), ("model=pyg", "zeros=shuffled", "seed=7")])
def test_the_digest_is_that_of_the_result(composed, overrides):
    config = composed(*overrides)
    plain = OmegaConf.to_container(resolved(config))
    assert identity.config_digest(config) == config_sha256(plain)


def test_the_digest_is_of_what_is_computed(composed):
    plain = identity.config_digest(composed())
    same = [("resume=somewhere",), ("hydra.job.num=7",), ("seed=0",), ("tracking=mlflow",)]
    same += [("evaluation.cache=false",), ("strategy.partition_cache=elsewhere",)]
    assert {identity.config_digest(composed(*own)) for own in same} == {plain}
    others = [("seed=1",), ("hardware=l4",), ("hardware.machine_type=e2-standard-4",)]
    digests = {identity.config_digest(composed(*own)) for own in others}
    assert len(digests | {plain}) == 4


def test_the_key_is_of_place_image_and_config():
    given = ("p", "r", IMAGE, "d")
    key = identity.job_key(*given)
    assert len(key) == 40
    assert set(key) <= set("0123456789abcdef")
    for position, other in enumerate(("q", "s", OTHER, "e")):
        assert identity.job_key(*given[:position], other, *given[position + 1 :]) != key
    moved = "mirror/q/s/name" + IMAGE[IMAGE.index("@") :]
    assert identity.job_key("p", "r", moved, "d") == key  # the digest is the image


def test_a_sweep_is_its_config_and_overrides(composed):
    def label(*task, base=()):
        config = composed("hydra.job.config_name=config", *base)
        OmegaConf.set_struct(config, False)
        config.hydra.overrides.task = list(task)
        return identity.sweep_label(config)

    assert label("seed=1,2") == label("seed=1,2")
    assert len({label("seed=1,2"), label("seed=1,3"), label("seed=1,2", base=("N=7",))}) == 3


def test_no_two_attempts_share_a_place():
    places = {identity.output_prefix("gs://b/x/", key, n) for key in ("k", "l") for n in (1, 2)}
    assert places == {f"gs://b/x/runs/{key}/{n}" for key in "kl" for n in (1, 2)}
