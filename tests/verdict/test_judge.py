"""From directories to verdicts: pairs, families, studies, speed and cost."""

import json

import numpy as np
import pytest

from tests.verdict.sweeps import judged, noisy, refusal
from zeta_exp.verdict.decision import ESSENTIAL, INVALID, NO_DIFFERENCE, UNDECIDED
from zeta_exp.verdict.document import document
from zeta_exp.verdict.table import report
from zeta_exp.verdict.words import sentence

FAR = 2_000_000  # a start that no pair has


class TestPairs:
    def test_groups_by_everything_but_seed_and_start(self, sweep):
        for P in (10, 300):
            for changes in (
                {},
                {"loss.weights.gue_nll": 0.02},
                {"strategy._target_": "zeta_exp.strategies.FullBatch"},
            ):
                cells = noisy(P / 1000, seeds=2, origins=2)
                sweep.pairs(cells, changes={"P": P} | changes)
        findings = judged(sweep).findings
        assert len({finding.label for finding in findings}) == 6
        for finding in findings:
            P = json.loads(finding.comparison.settings["features.max_prime"])
            assert float(finding.effect.estimate) == pytest.approx(P / 1000)
            assert f"P = {P}" in finding.label

    def test_the_effect_is_positive_where_the_factor_helps(self, sweep):
        sweep.add(0, 1, 0.0, error=0.04)
        sweep.add(0, 1, 0.1, error=0.02)
        (finding,) = judged(sweep).findings
        assert float(finding.effect.estimate) == pytest.approx(np.log(2))

    def test_levels_that_were_not_tuned_are_told_apart(self, sweep):
        sweep.add(0, 1, 0.0)
        for rg, error in ((0.1, 0.01), (1.0, 0.04)):
            sweep.add(0, 1, rg, error)
        found = {f.comparison.level: float(f.effect.estimate) for f in judged(sweep).findings}
        assert found == pytest.approx({0.1: np.log(2), 1.0: -np.log(2)})

    def test_forms_of_the_penalty_share_the_runs_without_it(self, sweep):
        sweep.add(0, 1, 0.0)
        for form in ("block_spin", "dilation"):
            sweep.add(0, 1, 0.1, changes={"loss.rg.form": form})
        labels = [finding.label for finding in judged(sweep).findings]
        assert labels == ["N = 10,000, block_spin", "N = 10,000, dilation"]

    def test_the_form_means_nothing_without_the_penalty(self, sweep):
        for form, error in (("block_spin", 0.02), ("dilation", 0.03)):
            sweep.add(0, 1, 0.0, error, changes={"loss.rg.form": form}, name=f"without {form}")
            sweep.add(0, 1, 0.1, 0.01, changes={"loss.rg.form": form}, name=form)
        found = judged(sweep).findings
        chosen = {f.label: next(iter(f.comparison.pairs.values()))[0].name for f in found}
        assert chosen == {
            "N = 10,000, block_spin": "without block_spin",
            "N = 10,000, dilation": "without dilation",
        }
        sweep.add(0, 1, 0.0, changes={"loss.rg.form": "local"}, name="without local")
        assert len(judged(sweep).findings) == 2
        sweep.add(0, 1, 0.0, changes={"loss.rg.form": "dilation"}, name="again")
        assert "again and without dilation are the same experiment" in refusal(sweep)

    def test_tuned_keys_may_differ(self, sweep):
        sweep.add(0, 1, 0.0, changes={"optimizer.lr": 0.002}, name="a")
        sweep.add(0, 1, 0.3, changes={"optimizer.lr": 0.008}, name="b")
        assert "optimizer.lr (0.008, without 0.002)" in refusal(sweep)
        sweep.study(tuned=["optimizer.lr", "loss.weights.rg"])
        assert len(judged(sweep).findings) == 1

    def test_heights_are_not_origins_of_one_table(self, sweep):
        sweep.pairs(noisy(0.1, seeds=2, origins=2), starts=[1, 20_000])
        sweep.pairs(noisy(0.3, seeds=2, origins=2), starts=[10**9, 10**9 + 20_000])
        low, high = judged(sweep).findings
        assert (low.label, high.label) == ("N = 10,000, from 1", "N = 10,000, from 1,000,000,000")
        assert float(low.effect.estimate) == pytest.approx(0.1)
        assert float(high.effect.estimate) == pytest.approx(0.3)

    def test_parts_follow_the_seed_of_the_run(self, sweep):
        sweep.pairs(noisy(0.1, seeds=3, origins=2))  # strategy.seed follows
        assert len(judged(sweep).findings) == 1
        sweep.add(7, FAR, 0.1, changes={"strategy.seed": 8})
        sweep.add(7, FAR, 0.0, changes={"strategy.seed": 7})
        assert "strategy.seed" in refusal(sweep)

    def test_another_factor(self, sweep):
        for mmd, error in ((0.0, 0.04), (0.05, 0.02)):
            sweep.add(0, 1, 0.0, error, changes={"loss.weights.gue_mmd": mmd})
        (finding,) = judged(sweep, factor="loss.weights.gue_mmd").findings
        assert float(finding.effect.estimate) == pytest.approx(np.log(2))

    def test_a_factor_of_words(self, sweep):
        for name, error in (("line", 0.04), ("adelic", 0.02)):
            sweep.add(0, 1, 0.0, error, changes={"graph": name})
        (finding,) = judged(sweep, factor="graph", without="line").findings
        assert float(finding.effect.estimate) == pytest.approx(np.log(2))

    def test_another_metric(self, sweep):
        sweep.add(0, 1, 0.0, extrapolation_error=0.08)
        sweep.add(0, 1, 0.1, extrapolation_error=0.02)
        (finding,) = judged(sweep, metric="extrapolation_error").findings
        assert float(finding.effect.estimate) == pytest.approx(np.log(4))


class TestFamilies:
    def test_a_family_is_all_sizes_of_one_question(self, sweep):
        for N, epochs in ((1_000, 60), (10_000, 20), (100_000, 5)):
            starts = [N * (10 + 2 * place) for place in range(5)]
            changes = {"N": N, "budget.epochs": epochs}
            sweep.pairs(noisy(0.012, sd=0.05, seed=N), starts=starts, changes=changes)
        sweep.pairs(noisy(0.012, sd=0.05), changes={"P": 10})
        findings = judged(sweep).findings
        assert [f.tested for f in findings if "P = 300" in f.label] == [3, 3, 3]
        assert [f.tested for f in findings if "P = 10" in f.label] == [1]
        big = next(f for f in findings if f.tested == 3)
        assert big.family == [1_000, 10_000, 100_000]

    def test_another_height_is_another_family(self, sweep):
        for start in (1, 10**6, 10**12):
            starts = [start + 12_000 * place for place in range(5)]
            sweep.pairs(noisy(0.02, sd=0.05), starts=starts)
        starts = [2 * 10**6 + 60_000 * place for place in range(5)]
        sweep.pairs(noisy(0.02, sd=0.05), starts=starts, changes={"N": 50_000})
        families = [finding.tested for finding in judged(sweep).findings]
        assert sorted(families) == [1, 1, 2, 2]

    def test_the_correction_is_holms(self, sweep):
        for N in (1_000, 10_000):
            starts = [N * (10 + 2 * place) for place in range(5)]
            sweep.pairs(noisy(0.02, sd=0.05, seed=N), starts=starts, changes={"N": N})
        findings = judged(sweep).findings
        raw = sorted(float(f.raw.zero) for f in findings)
        corrected = sorted(float(f.corrected.zero) for f in findings)
        assert corrected == pytest.approx([2 * raw[0], max(2 * raw[0], raw[1])])

    def test_what_is_too_small_is_no_test(self, sweep):
        sweep.pairs(noisy(0.2))
        sweep.pairs(noisy(0.2, seeds=3, origins=1), changes={"N": 100_000})
        large, small = judged(sweep).findings
        assert (large.verdict, large.tested) == (ESSENTIAL, 1)
        assert (small.verdict, small.tested) == (UNDECIDED, 1)
        assert small.needed
        assert all(plan.seeds >= 10 and plan.origins >= 5 for plan in small.needed)


class TestStudy:
    def test_only_confirmatory_runs_decide(self, sweep):
        sweep.pairs(noisy(0.0, seeds=2, origins=2))
        for rg in (0.0, 0.1):
            sweep.add(50, FAR, rg, 5.0, name=f"tuning/{rg}")
        names = {f"tuning/{rg}": "tuning" for rg in (0.0, 0.1)}
        sweep.study(names, chosen={"a|default": {"zero_was_best": True}, "b|default": {}})
        judgement = judged(sweep)
        assert judgement.name == "made_up"
        assert judgement.findings[0].comparison.seeds == [0, 1]
        assert [note for note in judgement.notes if "tuning of" in note] == [
            "tuning of a|default: the validation error was best without the factor"
        ]

    def test_losses_that_differ_in_tuned_weights_alone(self, sweep):
        plan = {}
        for loss, gue in (("default", 0.05), ("mse", 0.05)):  # tuning happened to agree
            for rg in (0.0, 0.1):
                name = f"{loss}/{rg}"
                sweep.add(0, 1, rg, name=name, changes={"loss.weights.gue_mmd": gue})
                plan[name] = {"phase": "confirm", "arm": f"arm{rg}", "loss": loss}
        sweep.study(tuned=["loss.weights.gue_mmd"], runs=plan)
        judgement = judged(sweep)
        labels = [finding.label for finding in judgement.findings]
        assert labels == ["N = 10,000, loss = default", "N = 10,000, loss = mse"]
        assert any(arm.label.startswith("arm0.1: N = 10,000") for arm in judgement.arms)

    def test_strangers_are_left_out_and_named(self, sweep):
        sweep.pairs(noisy(0.0, seeds=2, origins=2))
        sweep.study()
        sweep.add(9, 1, 0.1, name="stranger")
        assert any("stranger" in note for note in judged(sweep).notes)

    @pytest.mark.parametrize(("r2", "valid"), [(-0.04, True), (0.02, True), (0.021, False)])
    def test_a_control_with_skill_makes_the_study_invalid(self, sweep, r2, valid):
        sweep.pairs(noisy(0.2))
        changes = {"zeros._target_": "zeta_exp.zeros.source.ShuffledZeros"}
        sweep.add(0, 1, 0.1, name="control/shuffled", next10pct_r2=r2, changes=changes)
        sweep.study({"control/shuffled": "control"})
        judgement = judged(sweep)
        (finding,) = judgement.findings
        assert finding.verdict == (ESSENTIAL if valid else INVALID)
        assert bool(judgement.invalid) != valid
        assert ("control/shuffled" in sentence(judgement)) != valid
        assert "no control" not in " ".join(judgement.notes)

    def test_a_control_that_did_not_finish(self, sweep):
        sweep.pairs(noisy(0.2))
        sweep.add(0, 1, 0.1, name="control", status="failed")
        sweep.study({"control": "control"})
        assert "control (failed)" in refusal(sweep)

    def test_pairs_that_are_equal_to_the_last_digit(self, sweep):
        sweep.pairs(np.zeros((10, 5)))
        judgement = judged(sweep)
        assert judgement.findings[0].verdict == NO_DIFFERENCE
        assert any("equal to the last digit" in note for note in judgement.notes)


class TestSpeedAndCost:
    def test_training_to_a_tenth_above_the_final_error(self, sweep):
        slow = [(e, 10 * e, 100 * e, float(e), 0.018 * (1 + 2 ** (5 - e))) for e in range(1, 13)]
        fast = [(e, 10 * e, 100 * e, float(e), 0.018 * (1 + 2 ** (3 - e))) for e in range(1, 13)]
        for seed in range(2):
            sweep.add(seed, 1, 0.0, epochs=slow)
            sweep.add(seed, 1, 0.1, epochs=fast)
        (finding,) = judged(sweep).findings
        speed = finding.speed["updates"]  # 2^(5 − e) ≤ 0.1 first at e = 9, 2^(3 − e) at e = 7
        assert (speed.without, speed.with_it) == pytest.approx((90, 70))
        assert speed.ratio == pytest.approx(90 / 70)
        assert set(finding.speed) == {"updates", "node_visits", "wall_s"}

    @pytest.mark.parametrize("kept", [None, "epoch,updates,node_visits,wall_s,val_rmse\n"])
    def test_results_kept_without_their_metrics(self, sweep, kept):
        sweep.pairs(noisy(0.2))
        rows = sweep.folder / "0" / "metrics.csv"
        rows.unlink() if kept is None else rows.write_text(kept)
        judgement = judged(sweep)
        (finding,) = judgement.findings
        assert (finding.verdict, finding.speed) == (ESSENTIAL, {})
        assert any("speed of training is unknown" in note for note in judgement.notes)
        assert "Training to" not in report(judgement)

    def test_one_pair_has_no_interval(self, sweep):
        for rg in (0.0, 0.1):
            sweep.add(0, 1, rg)
        judgement = judged(sweep)
        (finding,) = judgement.findings
        assert finding.speed["wall_s"].low is None
        assert json.loads(json.dumps(document(judgement), allow_nan=False))

    def test_arms_and_their_cost(self, sweep):
        sweep.pairs(noisy(0.0, seeds=2, origins=2), cost_usd=0.25)
        sweep.add(0, 1, 0.0, 0.5, changes={"strategy._target_": "x.MiniBatch"})
        arms = judged(sweep).arms
        assert sorted(arm.runs for arm in arms) == [1, 4, 4]
        assert sorted(str(arm.cost_usd) for arm in arms) == ["1.0", "1.0", "None"]
        assert arms[-1].error == pytest.approx(0.5)


@pytest.mark.parametrize("markdown", [False, True])
def test_the_report_says_what_the_document_says(sweep, markdown):
    sweep.pairs(noisy(0.2))
    sweep.pairs(noisy(0.01, seeds=3, origins=1), changes={"P": 10})
    judgement = judged(sweep)
    shown = report(judgement, markdown=markdown)
    assert shown.startswith(sentence(judgement))
    assert document(judgement)["sentence"] == sentence(judgement)
    for said in ("22.1% larger", "10 × 5", "undecided", "essential", "descriptive"):
        assert said in shown
    if markdown:
        rows = [line.count("|") for line in shown.splitlines() if line.startswith("| N = ")]
        assert len(rows) >= 6


def test_many_groups_are_told_by_verdict(sweep):
    for P in (3, 10, 30, 100, 300):
        sweep.pairs(noisy(0.2 if P < 50 else 0.0), changes={"P": P})
    told = sentence(judged(sweep))
    assert "is essential in 3 of 5 comparisons" in told
    assert "makes no difference in 2 of 5 comparisons" in told
