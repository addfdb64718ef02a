"""The harness measures what it says: turns, memory of a fresh process, bars."""

import json
import subprocess

import pytest

from benchmarks import harness
from benchmarks.__main__ import chosen
from benchmarks.figure import margins, save
from benchmarks.harness import Report, Rounds, Row, alternate, document, in_fresh_process, in_turn


def test_functions_take_turns_after_a_warm_up():
    calls = []
    times = in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert "".join(calls) == "ab" * 4
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 3, "b": 3}


def test_alternate_gives_positive_medians():
    medians = alternate({"sum": lambda: sum(range(1000))}, rounds=2)
    assert medians.keys() == {"sum"}
    assert medians["sum"] > 0


def test_a_ratio_is_the_median_of_ratios():
    """Not the ratio of medians, here 3: a disturbance hits both of a round."""
    times = Rounds(ours=[1.0, 2.0, 10.0], peer=[4.0, 6.0, 20.0])
    assert times.ratio("peer", "ours") == 3.0
    assert Rounds(ours=[1.0, 1.0, 9.0], peer=[2.0, 7.0, 18.0]).ratio("peer", "ours") == 2.0


def hold(megabytes):
    return len(bytes(megabytes * 2**20).replace(b"\0", b"\1"))


def test_memory_of_a_fresh_process_is_that_of_the_function():
    """Twice: the zeros and their copy.  What this process holds does not count."""
    held = bytearray(b"x" * 2**28)
    usage = in_fresh_process(harness.number, threads=1, value=0.5)
    assert (usage.answer, len(held)) == ("0.5", 2**28)
    assert usage.peak_mb < 20
    used = harness._measured(__name__, "hold", 1, {"megabytes": 50})
    assert used.answer == 50 * 2**20


@pytest.mark.soak
def test_a_failing_function_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        in_fresh_process(harness.number, threads=1, value="no number")


@pytest.mark.parametrize(
    ("row", "met", "margin"),
    [
        (Row("faster", 1, 4, 4.0, "s", 2.0), True, 2.0),
        (Row("too slow", 1, 1, 1.0, "s", 2.0), False, 0.5),
        (Row("share", 3, 2, 1.5, "s", 1.2, at_most=True), False, 0.8),
        (Row("limit", 100, None, None, "MB", 250.0, at_most=True), True, 2.5),
        (Row("no bar", 100, None, None, "MB"), None, None),
    ],
)
def test_bars(row, met, margin):
    assert row.met is met
    assert row.margin == (None if margin is None else pytest.approx(margin))
    assert len(row.cells()) == len(harness.COLUMNS)


def made_report():
    times = Rounds(ours=[1.0], peer=[4.0])
    report = Report()
    report.faster("seconds", times, "ours", "peer", bar=2.0)
    report.faster("rate", times, "ours", "peer", nodes=100)
    report.slower("share", times, "ours", "peer", bar=0.2)
    report.limit("memory", 10.0, "MB", bar=20.0)
    report.tables["halo"] = [["a", "b"], ["1", "2"]]
    return report


def test_reports_survive_json(capsys):
    report = made_report()
    content = json.loads(json.dumps(report.as_json()))
    assert Report.from_json(content) == report
    assert [row["met"] for row in content["rows"]] == [True, None, False, True]
    assert [row.ratio for row in report.rows] == [4.0, 4.0, 0.25, None]
    assert report.rows[1].ours == 100
    assert "MISSED" in capsys.readouterr().out
    harness.show(report.rows, "title")
    assert "memory" in capsys.readouterr().out


def test_small_sizes_have_no_bars():
    report = Report(barred=False)
    report.limit("memory", 10.0, "MB", bar=5.0)
    assert report.rows[0].met is None


def test_the_figure_is_the_same_bytes_again(tmp_path):
    rows = made_report().rows
    first = [path.read_bytes() for path in save(margins(rows), tmp_path / "a")]
    again = [path.read_bytes() for path in save(margins(rows), tmp_path / "b")]
    assert first == again
    assert first[0].startswith(b"\x89PNG")


def test_tables_are_written_between_their_markers(tmp_path, monkeypatch):
    path = tmp_path / "scale.md"
    path.write_text("x\n<!-- steps -->\nold\n<!-- /steps -->\n<!-- halo -->\n<!-- /halo -->\ny\n")
    monkeypatch.setattr(harness, "PAGES", (tmp_path / "losses.md", path))
    (tmp_path / "losses.md").write_text("no markers\n")
    document(made_report(), "steps")
    text = path.read_text()
    assert "old" not in text
    assert "| 1 | 2 |" in text
    assert "| seconds | 1 | 4 | s | 4 | ≥ 2 |" in text
    document(made_report(), "steps")
    assert path.read_text() == text


def test_scripts_are_known_by_name():
    assert chosen(["halo"], quick=True) == ["halo"]
    assert "tables" in chosen([], quick=False)
    assert "tables" not in chosen([], quick=True)
    with pytest.raises(SystemExit, match=r"no benchmark is called nothing; known: .*steps"):
        chosen(["nothing"], quick=False)
