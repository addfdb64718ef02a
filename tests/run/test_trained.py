"""The model that a run has left says what it said in the run, and of any other ordinals."""

import json
import shutil

import numpy as np
import pytest

from tests.run.leaving import left
from zeta_exp.errors import UserError
from zeta_exp.trained import load_trained
from zeta_exp.zeros import ComputedZeros

CONTROL = ("graph=adelic", "model=hybrid_gcn", "features=random_phases", "zeros=cue")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return left(tmp_path_factory.mktemp("run"))


def says_what_it_said(directory):
    trained = load_trained(directory)
    said = np.load(directory / "predictions.npz")
    for window in ("val", "ext"):
        start, stop = said[f"{window}_n"][0], said[f"{window}_n"][-1] + 1
        np.testing.assert_allclose(
            trained.residuals(start, stop), said[f"{window}_pred"], rtol=1e-5, atol=1e-6
        )
        truth = trained.zeros().residuals(start, stop)
        np.testing.assert_array_equal(truth, said[f"{window}_true"])
    assert (trained.split.start, trained.split.N) == (1, 200)


@pytest.mark.parametrize("overrides", [CONTROL, ("target=ordinate", "model=mlp")])
def test_it_says_what_it_said_in_the_run(tmp_path, overrides):
    says_what_it_said(left(tmp_path, *overrides))


def test_it_answers_for_any_ordinals(finished):
    says_what_it_said(finished)
    trained = load_trained(str(finished))
    assert type(trained.zeros()) is ComputedZeros
    for start in (1, 10**12):
        whole = trained.residuals(start, start + 40)
        part = trained.residuals(start + 10, start + 20)
        np.testing.assert_allclose(part, whole[10:20], rtol=1e-5, atol=1e-6)
    for start, stop in ((0, 5), (7, 7), (10**14, 10**14 + 1)):
        with pytest.raises(UserError):
            trained.residuals(start, stop)


def test_what_is_no_run_is_refused(finished, tmp_path):
    with pytest.raises(UserError, match=r"has no result\.json: give"):
        load_trained(tmp_path)
    result = json.loads((finished / "result.json").read_text())

    other = tmp_path / "other"
    shutil.copytree(finished, other)

    def refused(change, pattern):
        (other / "result.json").write_text(json.dumps(change(result)))
        with pytest.raises(UserError, match=pattern):
            load_trained(other)

    def with_target(target):
        features = result["config"]["features"] | {"_target_": target}
        return lambda result: result | {"config": result["config"] | {"features": features}}

    refused(lambda result: {}, "holds no config of a run")
    refused(with_target("os.system"), "os.system, which is no part of zeta_exp")
    refused(with_target("zeta_exp.features.Lost"), "Lost is not as this version")
    refused(with_target("zeta_exp.features.LogIndex"), "LogIndex is not as this version")
    (other / "checkpoint/state.safetensors").unlink()
    refused(lambda result: result, "copy the checkpoint")
