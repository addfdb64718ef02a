"""Points of runs along height and primes, and the figures drawn of them."""

import numpy as np
import pytest

from zeta_exp.errors import UserError
from zeta_exp.evaluation.prime_sum import prime_tail_scale
from zeta_exp.evaluation.probe import residual_probe
from zeta_exp.report import heights, probe
from zeta_exp.report.figure_file import save
from zeta_exp.report.runs import Run
from zeta_exp.theory.counting import smooth_height


def made(max_prime, start, rmse, transfer=(), status="completed"):
    return Run(
        f"sweep/{max_prime}-{start}",
        f"{max_prime}-{start}",
        {
            "status": status,
            "config": {"features": {"max_prime": max_prime}, "start": start, "N": 1000},
            "extrapolation_error_next10pct": rmse,
            "baselines": {
                "smooth": {"next10pct": 0.35},
                "explicit_formula": {"next10pct": 0.16},
            },
            "transfer": {
                str(n): {"height": float(smooth_height(n + 50)), "rmse": e, "smooth": 0.36}
                for n, e in transfer
            },
        },
    )


RUNS = [
    made(100, 10**6, 0.14, [(10**9, 0.2)]),
    made(10, 10**6, 0.21, [(10**9, 0.27)]),
    made(10, 1, 0.17, [(10**9, 0.28)]),
    made(300, 1, 0.0, status="interrupted"),
]


def test_points_are_where_and_what_was_measured():
    points = heights.points_of(RUNS)
    assert [(p.max_prime, p.trained, p.transferred) for p in points] == [
        (10, 1, False),
        (10, 10**6, False),
        (100, 10**6, False),
        (10, 1, True),
        (10, 10**6, True),
        (100, 10**6, True),
    ]
    own, elsewhere = points[1], points[4]
    assert (own.start, own.rmse, elsewhere.start, elsewhere.rmse) == (1_001_000, 0.21, 10**9, 0.27)
    assert own.height == pytest.approx(float(smooth_height(1_001_050)))
    assert (own.smooth, own.formula, elsewhere.formula) == (0.35, 0.16, None)
    assert own.prime_tail == prime_tail_scale(own.height, 10)
    assert own.ratio == own.rmse / own.prime_tail
    assert own.tau == pytest.approx((own.height / (2 * np.pi)) ** 0.5)
    assert own.place == pytest.approx(np.log(10) / (2 * np.log(own.tau)))


def test_near_tau_the_scale_is_no_measure():
    low, high = (next(p for p in heights.points_of(RUNS) if p.trained == n) for n in (1, 10**6))
    assert low.tau < 3 * low.max_prime
    assert low.ratio is None
    assert high.ratio is not None


def test_the_law_of_mertens_is_the_scale_of_many_primes():
    """√(−log 2x/2π²) at x = log P/log(t/2π), 2% off at P = 100."""
    for P, t in ((100, 1e9), (300, 1e11), (1000, 1e11)):
        x = np.log(P) / np.log(t / (2 * np.pi))
        law = np.sqrt(-np.log(2 * x) / 2) / np.pi
        assert prime_tail_scale(t, P) == pytest.approx(law, rel=0.02)


def test_what_is_no_run_of_primes_is_refused():
    with pytest.raises(UserError, match="none of the runs has completed"):
        heights.points_of(RUNS[-1:])
    blind = made(10, 1, 0.3)
    blind.result["config"]["features"] = {"_target_": "zeta_exp.features.LogIndex"}
    with pytest.raises(UserError, match="sweep/10-1 has features without primes"):
        heights.points_of([*RUNS, blind])


def test_every_error_is_drawn_and_every_axis_labelled():
    for draw, count in ((heights.heights, 3), (heights.transfer, 6)):
        (axes,) = draw(RUNS).axes
        assert axes.get_title()
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        drawn = [line.get_ydata() for line in axes.lines if line.get_linestyle() == "None"]
        errors = sorted(p.rmse for p in heights.points_of(RUNS))
        assert sum(map(len, drawn)) == count
        assert {float(y) for ys in drawn for y in ys} <= set(errors)


def test_a_probe_is_drawn_with_its_null():
    found = residual_probe(10**6, np.random.default_rng(0).normal(size=3000), 30)
    (axes,) = probe.residual_probe(found).axes
    given, left_out = (line for line in axes.lines if line.get_linestyle() == "None")
    assert list(given.get_xdata()) == [p.prime for p in found.primes if p.given]
    assert list(left_out.get_ydata()) == [p.power for p in found.primes if not p.given]
    assert axes.get_xlabel()
    assert axes.get_ylabel()


def test_figures_are_written_in_the_kind_of_their_name(tmp_path):
    figure = heights.heights(RUNS)
    for name, head in (("a.png", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")):
        save(figure, str(tmp_path / name))
        assert (tmp_path / name).read_bytes().startswith(head)
    with pytest.raises(UserError, match=r"a.gif names no kind of figure: end it in .png, .svg"):
        save(figure, str(tmp_path / "a.gif"))
    with pytest.raises(UserError, match="does not exist"):
        save(figure, str(tmp_path / "none" / "a.png"))
