"""What a user of `zeta` can get wrong: one sentence, exit code 2, and nothing left behind."""

import json
import os

import pytest

# arguments, and what the sentence must hold: the value, and advice or what is known
MISTAKES = [
    ("", ["GROUP", "see `zeta --help`"]),
    ("foo", ["'foo'", "zeros", "see `zeta --help`"]),
    ("--foo", ["see `zeta --help`"]),
    ("zeros foo", ["'foo'", "generate", "see `zeta zeros --help`"]),
    ("zeros generate --count 1e30 --out x", ["'1e30'", "write 1000000"]),
    ("zeros generate --count 1.5 --out x", ["'1.5'", "write 1000000"]),
    ("zeros generate --count 5 --out x --sheep 3", ["--sheep", "--help"]),
    ("zeros generate --count 5 --out EMPTY", ["--out is empty", "give the path"]),
    ("zeros generate --count 5 --out file", ["file is a file", "give a folder"]),
    ("zeros generate --count 5 --out file/x", ["file/x", "check the path"]),
    ("zeros generate --count 5 --out memory://x", ["memory://x", "give a path on a disk"]),
    ("zeros generate --count 5 --out x --shard 0/3", ["'0/3'", "write 1/8"]),
    ("zeros generate --count 5 --out x --workers 9999", ["workers=9999", "use 1 to"]),
    ("zeros verify EMPTY", ["give a file or a folder"]),
    ("zeros verify nowhere", ["nowhere does not exist", "check the path"]),
    ("zeros verify nowhere.txt/", ["nowhere.txt", "check the path"]),
    ("zeros verify nowhere://x", ["nowhere", "use gs:// or a local path"]),
    ("zeros verify file", ["file has words but no zeros", "check that"]),
    ("zeros verify junk", ["junk is no table of zeros", "check"]),
    ("zeros verify folder", ["manifest.json", "give a file"]),
    ("zeros verify broken", ["manifest.json"]),
    ("zeros stats file --start 0", ["start=0", "use 1 or more"]),
    ("zeros stats junk", ["junk is no table of zeros"]),
    ("zeros convert file x.npy --format foo", ["'foo' is unknown; known: lmfdb"]),
    ("zeros convert file x.doc", ["x.doc"]),
    ("zeros convert file file", ["file and file are the same", "choose another"]),
    ("zeros convert nowhere x.npy", ["nowhere does not exist"]),
    ("verdict", ["SWEEP", "see `zeta verdict --help`"]),
    ("verdict nowhere", ["nowhere is no folder", "give the directory"]),
    ("verdict file", ["file is no folder", "give the directory"]),
    ("verdict folder", ["holds no run", "check the path"]),
    ("verdict broken", ["broken/result.json", "run it again"]),
    ("verdict folder --margin 2", ["'2' is no margin", "write 0.05"]),
    ("verdict folder --allow foo", ["foo is unknown", "unpaired"]),
    ("verdict folder --json --markdown", ["choose one"]),
    ("predict", ["RUN", "see `zeta predict --help`"]),
    ("predict EMPTY --start 1 --count 1", ["RUN is empty", "give the directory"]),
    ("predict nowhere --start 1 --count 1", ["no result.json", "give the directory"]),
    ("predict file --start 1 --count 1", ["no result.json", "give the directory"]),
    ("predict broken --start 1 --count 1", ["broken/result.json", "give the directory"]),
    ("predict stopped --start 1 --count 1", ["stopped", "config"]),
    ("predict broken --start one --count 1", ["'one'", "write 1000000"]),
    ("predict broken --start 1 --count 1 --out x", ["end the name in .txt, .csv"]),
    ("predict broken --start 1 --count 1 --csv --json", ["--json", "--help"]),
    ("completion", ["SHELL", "--help"]),
    ("completion cmd", ["'cmd'", "'bash', 'zsh', 'fish'"]),
    ("doctor --foo", ["--foo", "--help"]),
    ("doctor --vertex --hardware foo", ["foo is unknown; known: a100"]),
    ("jobs", ["COMMAND", "see `zeta jobs --help`"]),
    ("jobs list", ["no project is given", "use --project"]),
    ("jobs list --project p --sweep A!", ["A! is no id", "use 1 to 63"]),
    ("jobs show foo --project p", ["foo is no job", "give the number"]),
    ("jobs logs 5 --lines 0", ["--lines 0", "use 1 or more"]),
    ("jobs logs 5 --lines x", ["'x'", "--help"]),
    ("jobs cancel --project p", ["cancel what?", "give names"]),
]


def test_the_list_is_long():
    assert len(dict(MISTAKES)) >= 40


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_mistake_ends_in_one_sentence(zeta, tmp_path, monkeypatch, words, said):
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "file").write_text("no zeros\n")
    (tmp_path / "junk").write_bytes(bytes(range(256)))
    for name, content in (("broken", "{"), ("stopped", json.dumps({"status": "failed"}))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(content)
    (tmp_path / "broken" / "manifest.json").write_text("{")
    (tmp_path / "folder").mkdir()
    before = sorted(os.walk(tmp_path))
    sentence = zeta(*("" if word == "EMPTY" else word for word in words.split())).refused()
    for part in said:
        assert part in sentence
    assert sorted(os.walk(tmp_path)) == before
