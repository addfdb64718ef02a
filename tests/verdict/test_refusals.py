"""What a sweep has that no verdict is given on, unless it is allowed."""

import pytest

from tests.verdict.sweeps import judged, noisy, refusal, rewrite
from zeta_exp.verdict.problems import REASONS

FAR = 2_000_000  # a start that no pair has


class TestRefusals:
    @pytest.fixture
    def fair(self, sweep):
        sweep.pairs(noisy(0.0, seeds=3, origins=2), name=None)
        return sweep

    def faults(self, sweep, reason, said, *with_it):
        """Refused with the reason and a sentence; accepted where it is allowed."""
        message = refusal(sweep)
        assert f"\n  {reason}: " in message
        assert said in message
        assert f"--allow {' '.join([reason, *with_it])}" in message
        judgement = judged(sweep, reason, *with_it)
        assert any(note.startswith(f"accepted ({reason})") for note in judgement.notes)
        return judgement

    def test_a_fair_sweep_is_accepted(self, fair):
        assert judged(fair).notes == [
            "no control was run: nothing shows that the skill is about the zeros"
        ]

    def test_missing_partner(self, fair):
        fair.add(3, 1_000_000, 0.1, name="alone")
        (finding,) = self.faults(fair, "unpaired", "seed 3 at start 1,000,000 (alone)").findings
        assert finding.comparison.seeds == [0, 1, 2]

    def test_missing_partner_of_a_run_without(self, fair):
        fair.add(3, 1_000_000, 0.0, name="alone")
        self.faults(fair, "unpaired", "seed 3 at start 1,000,000 (alone)")

    def test_missing_cell(self, fair):
        for rg in (0.0, 0.1):
            fair.add(3, 1_000_000, rg)
        judgement = self.faults(fair, "unpaired", "no pair of seed 3 at start 1,020,000")
        (finding,) = judgement.findings
        assert finding.cells.shape == (3, 2)

    def test_unequal_pairs(self, fair):
        for seed, epochs in ((0, 60), (0, 20)):
            rg = 0.1 if epochs == 60 else 0.0
            fair.add(seed, FAR, rg, changes={"N": 7, "budget.epochs": epochs})
        self.faults(fair, "unequal", "budget.epochs (60, without 20)")

    def test_no_runs_without(self, fair):
        fair.add(0, FAR, 0.1, changes={"N": 7})
        self.faults(fair, "unequal", "at N = 7 (12, …) has no runs without it")

    @pytest.mark.parametrize("status", ["failed", "interrupted", "refused"])
    def test_unfinished(self, fair, status):
        fair.add(0, 1_000_000, 0.1, status=status, name="stopped", changes={"P": 7})
        self.faults(fair, "unfinished", f"stopped ({status})")

    @pytest.mark.parametrize("error", [None, 0.0, -1.0])
    def test_no_error(self, fair, error):
        fair.add(0, 1, 0.1, error or 1, extrapolation_error_next10pct=error, changes={"P": 7})
        self.faults(fair, "unfinished", "no positive finite extrapolation_error_next10pct")

    def test_planned_and_not_run(self, fair):
        fair.study({"9/planned": "confirm"})
        self.faults(fair, "unfinished", "9/planned (unfinished)")

    @pytest.mark.parametrize(
        ("reason", "provenance", "said"),
        [
            ("versions", {"git": "abc"}, "11 runs of commit 4433ac037d, 1 runs of commit abc"),
            ("versions", {"dirty": True}, "commit 4433ac037d with changes"),
            ("versions", {"versions": {"torch": "2.12.0"}}, "torch 2.12.0"),
            ("devices", {"device": "NVIDIA L4"}, "NVIDIA L4"),
            ("devices", {"threads": 2}, "with 2 threads"),
            ("zeros", {"zeros_sha256": "feed"}, "feed in 0"),
        ],
    )
    def test_mixed_provenance(self, fair, reason, provenance, said):
        rewrite(fair.folder / "0", lambda result: result["provenance"].update(provenance))
        self.faults(fair, reason, said)

    def test_uncommitted_changes_in_every_run_are_noted(self, fair):
        for run in range(12):
            rewrite(fair.folder / str(run), lambda r: r["provenance"].update(dirty=True))
        assert "runs were made with changes that were not committed" in judged(fair).notes

    def test_origins_that_share_zeros(self, sweep):
        sweep.pairs(noisy(0.0, seeds=2, origins=2), starts=[1, 9_000])
        self.faults(sweep, "overlap", "1 and 9,000")

    @pytest.mark.parametrize("start", [991_000, 1_005_000, 1_010_500])
    def test_origins_that_tuning_has_seen(self, fair, start):
        fair.add(0, start, 0.0, name="tuned")
        fair.study({"tuned": "tuning"})
        self.faults(fair, "overlap", f"1,000,000 (tuned from {start:,} on)")

    @pytest.mark.parametrize("start", [980_000, 1_040_000])
    def test_tuning_elsewhere(self, fair, start):
        fair.add(0, start, 0.0, name="tuned")
        fair.study({"tuned": "tuning"})
        assert len(judged(fair).findings) == 1

    def test_the_same_experiment_twice(self, fair):
        fair.add(0, 1_000_000, 0.1, name="twice")
        message = refusal(fair, *REASONS)
        assert "duplicates: 1 and twice are the same experiment" in message
        assert "--allow" not in message

    def test_every_fault_is_told_at_once(self, fair):
        rewrite(fair.folder / "0", lambda r: r["provenance"].update(git="a", zeros_sha256="b"))
        message = refusal(fair)
        assert "2 problems" in message
        assert "--allow versions zeros" in message
        assert len(message.splitlines()) == 3
        assert "1 problems" not in refusal(fair, "zeros")

    def test_a_factor_nobody_knows(self, fair):
        assert "did you mean loss.weights.rg?" in refusal(fair, factor="loss.weight.rg")
        assert "give a key of config.yaml" in refusal(fair, factor="qqq")

    def test_a_metric_nobody_knows(self, fair):
        assert "another --metric" in refusal(fair, metric="accuracy")

    def test_nothing_to_compare(self, sweep):
        sweep.add(0, 1, 0.0)
        assert "has no two runs" in refusal(sweep)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": {"0": {"phase": "tea"}}}'])
    def test_a_broken_plan(self, fair, text):
        (fair.folder / "study.json").write_text(text)
        assert "study.json is no plan of a study" in refusal(fair)
