"""What docs/gcp.md tells people to type exists, and its numbers are the program's."""

import json
import re
import shlex
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from hydra_plugins.hydra_vertex_launcher import _doctor, _prices
from hydra_plugins.hydra_vertex_launcher.config import VertexConf

from tests import warm
from zeta_exp.cli import _parser

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "gcp.md").read_text()
COMMANDS = [
    line.partition("  #")[0].partition(" #")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", TEXT, re.S)
    for line in block.replace("\\\n", " ").splitlines()
]


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("zeta ")])
def test_every_command_of_zeta_is_one(command):
    assert _parser().parse_args(shlex.split(command)[1:]).command


def test_every_key_of_the_launcher_is_one():
    keys = set(re.findall(r"hydra\.launcher\.([a-z_]+)", TEXT))
    assert len(keys) >= 8
    assert keys <= {field.name for field in fields(VertexConf)}


def test_prices_are_those_of_the_launcher():
    for machine, price in re.findall(r"^\| `([a-z0-9-]+)` .*\| ([\d.]+) an hour \|$", TEXT, re.M):
        assert f"{_prices.PRICES[machine]:.2f}" == price
    assert f"entered in {_prices.DATE}" in TEXT


def test_quotas_are_those_that_the_doctor_reads():
    for hardware in ("a100", "l4"):
        metric = _doctor.QUOTAS[hardware]
        assert f"| `{hardware}` | `{_doctor._METRIC}{metric}` | `…/custom_model_training_" in TEXT
        assert f"custom_model_training_{_doctor._SPOT}{metric}`" in TEXT


@pytest.mark.soak
def test_the_sweep_of_the_guide_composes_and_keeps_to_its_max_cost(tmp_path):
    (sweep,) = [command for command in COMMANDS if "max_cost" in command]
    place = ["project=p", "bucket=gs://bucket", f"image=r/zeta@sha256:{'0' * 64}", "dry_run=true"]
    done = subprocess.run(
        [
            *warm.python(),
            *shlex.split(sweep)[1:],
            *(f"hydra.launcher.{setting}" for setting in place),
            f"hydra.sweep.dir={tmp_path}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert 0 < plan["cost"]["worst_case_usd"] <= plan["cost"]["max_cost"]
    assert len(plan["jobs"]) == 20


def test_every_file_it_names_is_there():
    for name in re.findall(r"docker/[\w.]+|conf/[\w./]+\.yaml", TEXT):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([\w./]+)\)", TEXT):
        assert (ROOT / "docs" / name).exists(), name


def test_the_substitutions_are_those_of_the_build():
    known = re.findall(r"^  (_[A-Z_]+):", (ROOT / "docker" / "cloudbuild.yaml").read_text(), re.M)
    assert set(re.findall(r"\b(_[A-Z]+(?:_[A-Z]+)*)=", TEXT)) <= set(known)


def test_the_kernel_of_the_guide_is_json_with_the_image():
    image = "example.org/zeta@sha256:0"
    kernel = (ROOT / "docker" / "kernel.json").read_text().replace("IMAGE", image)
    assert image in json.loads(kernel)["argv"]
