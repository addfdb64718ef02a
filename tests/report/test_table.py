import io
import re

import pytest
from rich.console import Console
from rich.text import Text

from zeta_exp.report.table import print_result, result_table, spacing_table
from zeta_exp.theory.counting import mean_gap

BLUNT = "learnt nothing about the fluctuation of the zeros"


@pytest.fixture
def printed(tmp_path):
    def print_to_text(result, run=tmp_path):
        console = Console(file=io.StringIO(), width=80)
        print_result(
            result, run, lambda what: console.print(what, soft_wrap=isinstance(what, Text))
        )
        return console.file.getvalue()

    return print_to_text


def line_of(text, start):
    return next(line for line in text.splitlines() if line.strip().startswith(start))


def test_the_model_stands_beside_every_baseline(result, printed):
    result["baselines"]["prime_tail"] = {"next100": 0.05, "next10pct": 0.06}
    text = printed(result)
    starts = [
        "this model",
        "Riemann–Siegel",
        "linear",
        "explicit formula",
        "AR(2): one step ahead, sees δ(n-1), δ(n-2)",
        "smooth count",
        "prime-tail scale (a scale, not an error)",
    ]
    places = [text.index("\n" + start) for start in starts]
    assert places == sorted(places)


def test_no_prime_tail_is_said_and_not_shown_as_zero(result, printed):
    assert line_of(printed(result), "prime-tail scale: none").split()[-3:] == ["–", "–", "–"]


def test_the_ratio_is_smooth_over_error(result, printed):
    result["baselines"]["smooth"]["next10pct"] = 0.3
    result["extrapolation_error_next10pct"] = 0.015
    text = printed(result)
    assert line_of(text, "this model").endswith(" 20")
    assert line_of(text, "smooth count").endswith(" 1")
    assert line_of(text, "prime-tail").endswith(" –")


def test_what_to_do_next_fits_eighty_columns(result, printed):
    for start in (1, 2_000_000):
        result["config"] = {
            "evaluation": {"max_prime": 300},
            "start": start,
            "features": "RandomPhases",
        }
        text = printed(result, run="outputs/2026-01-31/12-00-00")
        assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("error", [1e-9, 0.0123, 1234.5, 987_654.3, 1e12])
def test_nothing_is_cut_or_wrapped_at_eighty_columns(result, error):
    result["extrapolation_error"] = result["extrapolation_error_next10pct"] = error
    for table in (result_table(result), spacing_table(result["spacing"])):
        assert Console(width=200).measure(table).maximum <= 80


def test_no_control_codes_reach_a_file(result, printed):
    assert "\x1b" not in printed(result)


@pytest.mark.parametrize(("r2", "blunt"), [(0.99, False), (0.02, True), (-3.0, True)])
def test_a_model_that_learnt_nothing_is_told_so(result, printed, r2, blunt):
    result["next10pct_r2"] = r2
    assert (BLUNT in printed(result)) == blunt


def test_an_undefined_r2_counts_as_nothing_learnt(result, printed):
    result["next10pct_r2"] = float("nan")
    assert BLUNT in printed(result)


def test_the_next_zero_is_counted_from_start(result, printed):
    result["provenance"] = {"start": 501, "N": 1000}
    result["actual_next"] = 9878.0
    result["next_error"] = 0.5
    text = printed(result)
    assert "γ(1,501)" in text
    assert f"{0.5 * mean_gap(9878.0):+.6f} in height" in text
    assert "+0.5000 mean spacings" in text


def test_paths_and_commands_are_printed_whole_and_uninterpreted(result, printed, tmp_path):
    run = tmp_path / "[bold]" / ("long" * 30)
    assert str(run) in printed(result, run)


def test_three_commands_to_try_next(result, printed):
    assert len(re.findall(r'^  make run ARGS="[^"]+"', printed(result), re.MULTILINE)) == 3


def test_three_commands_none_of_them_just_run(result, printed):
    names = ["features=random_phases", "strategy=fullbatch", "start=2000000", "zeros=shuffled"]
    ran = [
        {"features": {"_target_": "zeta_exp.features.RandomPhases"}},
        {"strategy": {"_target_": "zeta_exp.strategies.FullBatch"}},
        {"start": 2000000},
        {"zeros": {"_target_": "zeta_exp.zeros.source.ShuffledZeros"}},
    ]
    for own, config in zip(names, ran, strict=True):
        result["config"] = config | {"evaluation": {"max_prime": 300}}
        text = printed(result)
        assert text.count("make run ARGS=") == 3
        assert own not in text


@pytest.mark.parametrize("name", ["shuffled", "cue", "poisson"])
def test_controls_have_no_ceiling_and_no_next_zero(result, printed, name):
    assert "(ceiling)" in printed(result)
    assert "the next zero" in printed(result)
    result["provenance"]["zeros"] = {"name": name}
    assert "(ceiling)" not in printed(result)
    assert "the next zero" not in printed(result)


def test_labels_say_what_was_measured(result, printed):
    result["config"] = {"evaluation": {"max_prime": 100}}
    result["provenance"]["N"] = 10**6
    result["baselines"]["riemann_siegel"]["next10pct_ordinals"] = 20_000
    text = printed(result)
    assert "explicit formula, P = 100 " in text
    assert "Riemann–Siegel (ceiling), first 20,000" in text
    result["baselines"]["explicit_formula"]["next10pct_ordinals"] = 50_000
    assert "explicit formula, P = 100, first 50,000" in printed(result)


def test_a_baseline_that_could_not_be_computed_is_a_dash(result, printed):
    result["baselines"]["ar2"] = {"next100": None, "next10pct": None}
    del result["baselines"]["linear"]
    text = printed(result)
    assert line_of(text, "AR(2)").count("–") == 3
    assert "linear (ridge)" not in text


def test_the_best_and_the_worst_tenth_are_named(result, printed):
    text = printed(result)
    assert "best 0.0040 (the 8th), worst 0.0120 (the 2nd), 3 times the best" in text


def test_a_result_of_an_older_version_has_no_tenths(result, printed):
    for key in ("profile", "profile_worst_over_best"):
        del result[key]
    text = printed(result)
    assert "tenths" not in text
    assert "R² of the residual" in text
