"""Small lines, batches and models that the tests share."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from zeta_exp.batch import Line
from zeta_exp.features import PrimePhases
from zeta_exp.graph import adelic_offsets
from zeta_exp.models import MLP, Hardy, HybridGCN, Linear, Relational
from zeta_exp.target import ResidualTarget, Truth

torch.set_num_threads(1)  # several workers share the cores: more threads stall one another

MODELS = {
    "linear": Linear,
    "mlp": lambda dim, offsets: MLP(dim, offsets, hidden=8, layers=2),
    # its laws hold for any frequencies
    "hardy": lambda dim, offsets: Hardy(dim, offsets, steps=3),
    "hybrid_gcn": lambda dim, offsets: HybridGCN(dim, offsets, hidden=8, layers=2),
    "relational": lambda dim, offsets: Relational(dim, offsets, 8, 2, reflection=True),
}


@pytest.fixture(scope="session", autouse=True)
def _no_cache_of_the_user(tmp_path_factory):
    """No partition of the user's is read, and none is left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def counted(record_property):
    """Takes counts by name, such as kills=2; the end of the session shows their sums."""

    def call(**counts):
        for name, number in counts.items():
            record_property(name.replace("_", " "), number)

    return call


def pytest_terminal_summary(terminalreporter):
    sums = Counter()
    for report in terminalreporter.getreports("passed"):
        sums.update(dict(report.user_properties))
    if sums:
        counts = ", ".join(f"{number} {name}" for name, number in sorted(sums.items()))
        terminalreporter.write_line(f"counted: {counts}")


def sample(cases, every):
    """Each so many-th of a long list of cases for `make test`; the others for `make soak`."""
    return [
        case if number % every == 0 else pytest.param(*_values(case), marks=pytest.mark.soak)
        for number, case in enumerate(cases)
    ]


def _values(case):
    return case if isinstance(case, tuple) else (case,)


@pytest.fixture(params=MODELS)
def model_name(request):
    return request.param


@pytest.fixture(params=[(), (2, 3, 5)], ids=["line", "adelic"])
def offsets(request):
    return adelic_offsets(request.param)


def make_model(name, line, seed=0):
    """A model in float64 whose every parameter is away from zero."""
    torch.manual_seed(seed)
    model = MODELS[name](dim=line.features.dim, offsets=line.offsets).double()
    for parameter in model.parameters():  # zero-initialised heads would hide what is behind them
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def held(residual, start=1):
    """What a source answers whose residuals begin at ordinal `start`: (start, stop) to δ."""

    def residuals(first, stop):
        assert start <= first < stop <= start + len(residual)
        return residual[first - start : stop - start]

    return residuals


def make_line(offsets=(1,), start=1, count=400, max_prime=7, seed=0):
    """A float64 line with made-up residuals on [start, start + count)."""
    residual = np.random.default_rng(seed).normal(0, 0.3, count)
    target = ResidualTarget()
    return Line(
        features=PrimePhases(max_prime),
        offsets=offsets,
        target=target,
        truth=Truth(target, held(residual, start), start, start + count),
        dtype=torch.float64,
    )


@pytest.fixture
def line(offsets):
    return make_line(offsets)


@dataclass(frozen=True)
class Outcome:
    """What a shell sees of a command."""

    code: int
    out: str
    err: str

    def refused(self):
        """The sentence, after checking that there is nothing else."""
        assert self.code == 2, self.err
        assert self.err.startswith("error: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("error: ").strip()
