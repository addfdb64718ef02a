"""What python run.py --help says, how lightly, and what a shell completes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from omegaconf import OmegaConf

from conf import helptext, schema
from conf.describe import CONF, HYDRA, groups, program
from zeta_exp.errors import UserError

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torch_geometric", "numba", "numpy", "matplotlib", "google.auth", "scipy", "rich")
GROUPS = groups(program("config"))
OPTIONS = [(group, option) for group in GROUPS for option in group.options.values()]
IDS = [f"{group.name}={option.name}" for group, option in OPTIONS]


@pytest.fixture(scope="module")
def hydra():
    """Hydra's own knowledge of groups and options."""
    schema.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def leaves(node, prefix):
    """Dotted names and raw values of a node, without those that only say what it builds."""
    for key in node:
        child = node._get_node(key)
        if str(key).startswith("_"):
            continue
        if OmegaConf.is_dict(child) and not child._is_none() and len(child):
            yield from leaves(child, f"{prefix}{key}.")
        else:
            raw = OmegaConf.to_container(child) if OmegaConf.is_config(child) else child._value()
            yield f"{prefix}{key}", raw


def test_every_group_has_a_line_with_all_its_options(hydra):
    shown = helptext.text([])
    assert max(map(len, shown.splitlines())) <= 100
    joined = re.sub(r"\n {10,}", " ", shown)
    assert not re.search(r"^ +(schema|hydra)\b(?!/)", joined, re.MULTILINE)
    for name in {*hydra.list_groups(""), *HYDRA} - {"schema", "hydra"}:
        line = re.search(rf"^  {name} +\S.*: (.*)$", joined, re.MULTILINE)
        options = hydra.get_group_options(name, ObjectType.CONFIG)
        known = {option for option in options if not option.endswith("_schema")}
        assert set(re.findall(r"\w+", line[1])) - {"null"} == known, name


def test_the_options_it_calls_default_are_those_that_are_composed(hydra):
    chosen = compose("config", return_hydra_config=True).hydra.runtime.choices
    told = {group.name: group.default for group in GROUPS}
    assert {name: str(chosen.get(name) or "null") for name in told} == told


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=IDS)
def test_every_option_and_key_is_explained(group, option):
    assert option.summary, "a file begins with a line that says what it is"
    if group.name != "experiment":  # whose files are shown as they are
        assert [key.name for key in option.keys if not key.comment] == []


@pytest.mark.parametrize("turn", range(max(len(group.options) for group in GROUPS)))
def test_an_option_is_told_with_the_keys_and_values_it_has(hydra, turn):
    """What is read from the file and its type is what Hydra composes: an option of each group."""
    plain = [group for group in GROUPS if group.name not in {"experiment", *HYDRA}]
    chosen = {g.name: list(g.options.values())[turn % len(g.options)] for g in plain}
    composed = compose("config", [f"{name}={option.name}" for name, option in chosen.items()])
    recipes = {key.name for key in (*chosen["strategy"].keys, *chosen["model"].keys)}
    for name, option in chosen.items():
        told = {key.name: key.value for key in option.keys if key.name.startswith(f"{name}.")}
        found = dict(leaves(composed[name], f"{name}."))
        assert told.keys() == found.keys()
        others = set() if name in ("strategy", "model") else recipes
        assert [k for k in told.keys() - others if differ(told[k], found[k])] == []


def differ(told, composed):
    """Whether two values are not the same; YAML and OmegaConf disagree on what 4e-3 is."""
    value = yaml.safe_load(told)
    return str(value) != str(composed) and float(value) != float(composed)


def test_the_keys_of_the_experiment_are_all_told(hydra):
    composed = compose("config")
    plain = {name for name in composed if not OmegaConf.is_dict(composed._get_node(name))}
    inner = {name for key in ("budget", "labels") for name, _ in leaves(composed[key], f"{key}.")}
    keys = program("config").keys
    assert {key.name for key in keys} == plain | inner
    assert all(key.comment for key in [*keys, *program("zeros").keys])


def test_help_for_options_and_for_the_other_program():
    said = helptext.text(["zeros=table,cue", "--help"])
    assert said.index("zeros=table\n") < said.index("zeros.path=???") < said.index("zeros=cue\n")
    assert "units: " not in helptext.text(["experiment=quick", "-h"])
    assert "epochs: 15" in helptext.text(["experiment=quick", "-h"])
    zeros = helptext.text(["--config-name=zeros", "--help"])
    assert "shards=100" in zeros
    assert "budget" not in zeros


def test_help_refuses_what_is_not_there(run):
    known = ", ".join(next(group for group in GROUPS if group.name == "model").options)
    assert run("model=foo", "--help").refused() == f"model=foo is unknown; known: {known}"
    with pytest.raises(UserError, match="--config-name=foo is unknown; known: config, zeros"):
        helptext.text(["-cn", "foo", "-h"])


def test_every_command_that_the_help_shows_composes(hydra):
    for line in program("config").head[1:]:
        words = line.strip().split("  ")[0].split()
        assert words[:2] == ["python", "run.py"]
        first = [word.split(",")[0] for word in words[2:]]  # of a sweep the first values
        compose("config", [word for word in first if word != "-m" and "range" not in word])


def test_help_imports_nothing_heavy():
    program = (
        "import runpy, sys; sys.argv = ['run.py', '--help']\n"
        "try: runpy.run_path('run.py', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "[]")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("run.py strategy=", {"strategy=fullbatch", "strategy=minibatch", "strategy=streamed"}),
        ("run.py loss.weights.r", {"loss.weights.rg="}),
    ],
)
def test_hydra_completes(typed, offered):
    """As a shell does on TAB, after eval "$(python run.py -sc install=bash)"."""
    script = f"""
eval "$(python run.py -sc install=bash)"
COMP_LINE="python {typed}" COMP_POINT=100 COMP_WORDS=(python {typed}) COMP_CWORD=2
hydra_bash_completion
echo "${{COMPREPLY[*]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert set(done.stdout.split()) >= offered, done.stderr
