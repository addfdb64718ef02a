"""What holds on a GPU; skipped on machines without one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import make_line, make_model
from tests.gradients import SPLIT, losses
from zeta_exp.graph import LineGraph, fused
from zeta_exp.ranks import ALONE
from zeta_exp.strategies import Accumulation, ExactGradient, FullBatch, MiniBatch, Streamed

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
CUDA = torch.device("cuda")
CPU = torch.device("cpu")
MIB = 2**20


@pytest.fixture(autouse=True)
def process_as_before():
    before = torch.get_num_threads(), torch.backends.cuda.matmul.fp32_precision
    yield
    torch.set_num_threads(before[0])
    torch.backends.cuda.matmul.fp32_precision = before[1]
    torch.set_deterministic_debug_mode("default")
    fused.enable(True)


def gradients(strategy, name, terms, device, dtype=torch.float64):
    """(loss, gradient) of each step of two epochs, on the device."""
    line = replace(make_line(offsets=(1, 2), start=3, count=330), device=device, dtype=dtype)
    model = make_model(name, line).to(device, dtype)
    exact = ExactGradient(model, terms)
    visits = strategy.open(line, SPLIT, terms, model, ALONE)
    rows = []
    for epoch in range(2):
        for step in visits.epoch(epoch):
            state = Accumulation()
            for _ in exact.of(step, state):
                pass
            loss = torch.tensor([state.loss], dtype=torch.float64)
            found = [p.grad.flatten().double().cpu() for p in model.parameters()]
            rows.append(torch.cat([loss, *found]))
    return torch.stack(rows)


def difference(one, other):
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("name", ["mlp", "hybrid_gcn", "relational"])
@pytest.mark.parametrize("strategy", [FullBatch(), Streamed(100, 1, 0), Streamed(60, 3, 0)])
@pytest.mark.parametrize("terms", ["all", "dilation"])
def test_the_gradient_is_that_of_the_cpu(name, strategy, terms):
    terms = losses()[terms]
    expected = gradients(strategy, name, terms, CPU)
    assert difference(gradients(strategy, name, terms, CUDA), expected) < 1e-11
    single = gradients(strategy, name, terms, CUDA, torch.float32)
    assert difference(single, expected) < 1e-5


@pytest.mark.parametrize("partition", ["contiguous", "metis"])
def test_mini_batches_have_the_gradients_of_the_cpu(partition):
    terms = losses()["mse"]
    strategy = MiniBatch(30, None, 3, None, partition, seed=0)
    expected = gradients(strategy, "relational", terms, CPU)
    assert difference(gradients(strategy, "relational", terms, CUDA), expected) < 1e-11


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("first", "runs", "length"), [(1, 1, 70), (5000, 1, 70_000), (-3, 3, 40)])
def test_fused_sums_are_those_of_one_kernel_a_shift(dtype, first, runs, length):
    ordinals = first + torch.arange(runs * length, device=CUDA).view(runs, length)
    graph = LineGraph(ordinals, ordinals >= 1, (1, 2, 3, 5))
    torch.manual_seed(0)
    h = torch.randn(runs, length, 16, device=CUDA, dtype=dtype)
    results = []
    for wanted in (True, False):
        fused.enable(wanted)
        leaf = h.clone().requires_grad_()
        out = graph.propagate(leaf)
        out.backward(h.flip(1))
        results.append((out.detach(), leaf.grad))
    # of bfloat16: a sum in float32 that is rounded once, to either side
    tolerance = {torch.float64: 1e-14, torch.float32: 1e-6, torch.bfloat16: 2**-8}[dtype]
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=tolerance, rtol=tolerance)


def run_on_gpu(run, directory, *arguments):
    done = run("hardware.device=cuda", f"hydra.run.dir={directory}", *arguments)
    assert done.code == 0, done.err
    return json.loads((Path(directory) / "result.json").read_text())


STRATEGIES = {
    "fullbatch": ["strategy=fullbatch", "loss=seed", "budget.epochs=20"],
    "streamed": ["strategy=streamed", "strategy.block_size=500", "loss=seed", "budget.epochs=20"],
    "minibatch": ["strategy=minibatch", "budget.epochs=3"],
}


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("model", ["relational", "hybrid_gcn"])
def test_the_same_run_twice_gives_the_same_bytes(run, tmp_path, name, model):
    common = ["N=2000", f"model={model}", *STRATEGIES[name]]
    for directory in ("one", "two"):
        run_on_gpu(run, directory, *common)
    one, two = ((tmp_path / d / "predictions.npz").read_bytes() for d in ("one", "two"))
    assert one == two


def test_streamed_training_is_full_batch_training(run, tmp_path):
    common = ["N=2000", "loss=seed", "budget.epochs=20"]
    run_on_gpu(run, "full", "strategy=fullbatch", *common)
    run_on_gpu(run, "streamed", "strategy=streamed", "strategy.block_size=300", *common)
    full, streamed = (np.load(tmp_path / d / "predictions.npz") for d in ("full", "streamed"))
    assert np.abs(full["ext_pred"] - streamed["ext_pred"]).max() < 1e-3


@pytest.mark.parametrize(
    "arguments",
    [
        "strategy=fullbatch N=300000 loss=seed",
        "strategy=streamed N=600000 loss=seed",
        "strategy=streamed N=600000 model=hybrid_gcn graph=adelic loss=seed",
        "strategy=minibatch strategy.block_size=4096 strategy.blocks_per_step=32 N=300000",
    ],
)
def test_the_memory_is_what_the_run_says(run, arguments):
    result = run_on_gpu(run, "run", *arguments.split(), "budget.epochs=2")
    ratio = result["memory"]["estimated_mb"] / result["peak_vram_mb"]
    assert 0.8 < ratio < 1.25


@pytest.mark.parametrize("precision", ["hardware.precision=bfloat16", "hardware.tf32=true"])
def test_narrow_formats_leave_the_error(run, precision):
    common = ["N=5000", "budget.epochs=20"]
    plain = run_on_gpu(run, "plain", *common)
    narrow = run_on_gpu(run, "narrow", *common, precision)
    errors = [r["extrapolation_error_next10pct"] for r in (plain, narrow)]
    assert errors[1] != errors[0]
    assert errors[1] == pytest.approx(errors[0], rel=0.1)


def test_memory_that_runs_out_ends_in_advice(run):
    torch.cuda.empty_cache()
    share = 500 * MIB / torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(share)
    try:
        done = run(
            "hardware.device=cuda", "hardware.memory_gb=1000", "strategy=fullbatch", "N=200000",
            "budget.epochs=1",
        )  # fmt: skip
        assert "strategy=streamed" in done.refused()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
