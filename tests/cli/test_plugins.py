"""Commands of other packages."""

import sys

from zeta_exp.cli import main, plugins


def package(folder, name, entry):
    """An installed package with an entry point and nothing behind it."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(entry)


def test_a_command_of_another_package_is_entered(tmp_path, monkeypatch, capsys):
    package(tmp_path, "other", "[zeta_exp.commands]\nother = other_of_the_tests:add_to\n")
    (tmp_path / "other_of_the_tests.py").write_text(
        "def add_to(groups):\n"
        "    parser = groups.add_parser('other', help='something else')\n"
        "    parser.set_defaults(command=lambda arguments: 7)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        assert main(["other"]) == 7
        assert main(["--help"]) == 0
        assert "something else" in capsys.readouterr().out
    finally:
        sys.modules.pop("other_of_the_tests", None)


def test_a_broken_package_takes_nothing_with_it(tmp_path, monkeypatch, caplog):
    before = plugins.checks().keys()
    package(tmp_path, "broken", "[zeta_exp.checks]\nbroken = nothing_of_the_tests\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert plugins.checks().keys() == before
    assert "broken of zeta_exp.checks is left out" in caplog.text
