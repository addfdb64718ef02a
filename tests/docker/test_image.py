"""The image and its build, read as text: no Docker engine is asked."""

import fnmatch
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
REQUIREMENT = re.compile(r"([A-Za-z][\w.-]*)(?:\[[\w,]+\])?==([\w.+!]+)")


def instructions(text):
    """(NAME, arguments) of each instruction; comments left out, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    split = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(name.upper(), rest.strip()) for name, rest in split]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text):
    return {normal(name): version for name, version in REQUIREMENT.findall(text)}


DOCKER = instructions(DOCKERFILE.read_text())
CONSTRAINTS = pins((ROOT / "constraints.txt").read_text())
BUILD = yaml.safe_load((ROOT / "docker" / "cloudbuild.yaml").read_text())


def of(name):
    return [rest for kind, rest in DOCKER if kind == name]


def last_stage():
    begin = max(i for i, (kind, _) in enumerate(DOCKER) if kind == "FROM")
    return DOCKER[begin:]


def installs():
    """The words of each `pip install`, and of the script that builds the extensions."""
    found = []
    for rest in of("RUN"):
        words = shlex.split(rest)
        while words:
            stop = words.index("&&") if "&&" in words else len(words)
            found.append(words[:stop])
            words = words[stop + 1 :]
    return [words for words in found if {"install", "/opt/extensions.sh"} & set(words)]


def test_the_parser_joins_lines_and_drops_comments():
    text = "# no\nFROM a AS b\nRUN one \\\n# not this\n && two\n\nuser me\n"
    assert instructions(text) == [("FROM", "a AS b"), ("RUN", "one   && two"), ("USER", "me")]


def test_every_pinned_version_is_that_of_the_constraints():
    found = pins("\n".join(rest for _, rest in DOCKER))
    assert {"uv", "torch-scatter", "torch-sparse"} < found.keys()
    assert found.items() <= CONSTRAINTS.items()


def test_every_package_that_is_named_has_one_version():
    free = set()
    for words in [words for words in installs() if "pip" in words]:
        given = words[words.index("install") + 1 :]
        here = {word for word in given if re.fullmatch(r"[A-Za-z][\w-]*", word)}
        assert not here or "/opt/constraints.txt" in given
        free |= here
    assert free == {"torch", "ipykernel"}
    assert free <= CONSTRAINTS.keys()


def test_the_project_and_torch_are_installed_from_the_constraints():
    projects = [words for words in installs() if any(w.startswith(".") for w in words)]
    assert [word for words in projects for word in words if word.startswith(".")] == [".[gcp]"]
    for words in projects:
        assert words[words.index("-c") + 1] == "/opt/constraints.txt"
    assert any("constraints.txt /opt/constraints.txt" in rest for rest in of("COPY"))


def test_the_constraints_hold_every_package_of_the_image_that_the_project_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["gcp"]
    for requirement in wanted:
        name = normal(re.match(r"[\w.-]+", requirement)[0])
        assert name in CONSTRAINTS
        for pinned, version in pins(requirement).items():
            assert CONSTRAINTS[pinned] == version


def test_the_base_is_a_deep_learning_container_with_pytorch_2_and_cuda_12_by_argument():
    assert DOCKER[0][0] == "ARG"
    assert DOCKER[1] == ("FROM", "${BASE} AS base")
    name, _, base = DOCKER[0][1].partition("=")
    assert name == "BASE"
    assert re.fullmatch(
        r"us-docker\.pkg\.dev/deeplearning-platform-release/gcr\.io/pytorch-cu12\d\.2-\d+\.py3\d+:.+",
        base,
    )


def test_torch_comes_from_an_index_of_cuda_12_by_argument():
    (index,) = [rest for rest in of("ARG") if rest.startswith("TORCH_INDEX=")]
    assert re.search(r"/whl/cu12\d$", index)
    torch = [words for words in installs() if "torch" in words]
    assert all(words[words.index("--extra-index-url") + 1] == "${TORCH_INDEX}" for words in torch)
    assert torch


def test_the_extensions_are_compiled_for_the_gpus_of_conf_with_metis():
    (architectures,) = [rest for rest in of("ARG") if rest.startswith("TORCH_CUDA_ARCH_LIST=")]
    assert architectures.endswith('"8.0;8.9;9.0"')  # A100, L4, H100
    assert "FORCE_CUDA=1" in " ".join(of("ENV"))
    script = (ROOT / "docker" / "extensions.sh").read_text()
    assert "WITH_METIS=1" in script
    assert "IDXTYPEWIDTH 64" in script
    assert (
        subprocess.run(["sh", "-n", ROOT / "docker" / "extensions.sh"], check=False).returncode == 0
    )


def test_the_entry_point_is_run_py_as_a_user_without_rights():
    stage = last_stage()
    users = [rest for kind, rest in stage if kind == "USER"]
    assert users == ["zeta"]
    kinds = [kind for kind, _ in stage]
    assert json.loads(dict(stage)["ENTRYPOINT"]) == ["python", "run.py"]
    assert kinds.index("USER") < kinds.index("ENTRYPOINT")
    assert "CMD" not in kinds
    assert re.search(r"useradd .*--uid 10001 zeta", " ".join(of("RUN")))


def test_labels_say_where_the_image_comes_from():
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', " ".join(of("LABEL"))))
    assert labels["revision"] == "${REVISION}"
    assert labels["source"] == "${SOURCE}"
    assert labels["created"] == "${CREATED}"
    assert 'ZETA_EXP_REVISION="${REVISION}"' in of("ENV")
    declared = {rest.partition("=")[0] for kind, rest in last_stage() if kind == "ARG"}
    assert {"REVISION", "SOURCE", "CREATED"} <= declared


def test_nothing_secret_enters_the_image():
    assert of("ADD") == []
    sources = [
        word for rest in of("COPY") for word in rest.split()[:-1] if not word.startswith("-")
    ]
    local = [source for source in sources if not source.startswith("/opt/")]
    assert all((ROOT / source).exists() for source in local)
    assert "." not in local
    secret = re.compile(r"secret|token|password|credential|api_?key|\.json", re.I)
    assert not any(secret.search(rest) for kind, rest in DOCKER if kind in ("ARG", "ENV", "COPY"))
    rules = (ROOT / ".dockerignore").read_text().split("\n")
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"  # what is not named stays out
    named = [rule[1:] for rule in rules if rule.startswith("!")]
    assert all(any(fnmatch.fnmatch(source, rule) for rule in named) for source in local)
    assert set(named) == set(local)


@pytest.mark.parametrize("name", ["BASE", "TORCH_INDEX"])
def test_cloud_build_has_the_defaults_of_the_dockerfile(name):
    assert f"{name}={BUILD['substitutions'][f'_{name}']}" in of("ARG")


def test_cloud_build_builds_pushes_and_prints_the_digest():
    build, push, digest = BUILD["steps"]
    image = "${_IMAGE}"
    assert [step["id"] for step in BUILD["steps"]] == ["build", "push", "digest"]
    assert build["args"][0] == "build"
    assert "--file=docker/Dockerfile" in build["args"]
    assert f"--tag={image}" in build["args"]
    assert build["args"][-1] == "."
    assert push["args"] == ["push", image]
    assert digest["args"][0] == "inspect"
    assert digest["args"][1] == "--format=hydra.launcher.image={{index .RepoDigests 0}}"
    assert digest["args"][2] == image
    assert BUILD["images"] == [image]
    assert BUILD["substitutions"]["_IMAGE"].startswith("${_REGION}-docker.pkg.dev/${PROJECT_ID}/")


def test_every_build_argument_is_one_of_the_dockerfile_and_every_substitution_is_used():
    given = [
        a.partition("=")[2].partition("=")[0] for a in BUILD["steps"][0]["args"] if "-arg=" in a
    ]
    assert set(given) <= {rest.partition("=")[0] for rest in of("ARG")}
    text = json.dumps([BUILD["steps"], BUILD["images"], BUILD["substitutions"]["_IMAGE"]])
    for name in BUILD["substitutions"]:
        assert f"${{{name}}}" in text


def test_the_kernel_runs_the_image_and_takes_its_connection_file():
    kernel = json.loads((ROOT / "docker" / "kernel.json").read_text())
    argv = kernel["argv"]
    assert kernel["language"] == "python"
    assert argv[argv.index("IMAGE") - 1] == "--entrypoint=python"
    assert argv[argv.index("IMAGE") + 1 :] == ["-m", "ipykernel_launcher", "-f", "/connection.json"]
    assert "--volume={connection_file}:/connection.json:ro" in argv
