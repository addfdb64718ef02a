"""The command `zeta jobs`: what runs on Vertex AI, what came out, and how to stop it."""

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zeta_exp.errors import UserError

from ._place import Place, add_options, explained, place_of

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import CustomJob

_SECONDS = 60  # for one answer
_LINES = 40  # of a log, by default
_NAME = re.compile(r"projects/[^/]+/locations/([^/]+)/customJobs/\d+")
_HYDRA = re.compile(r"[+~]*hydra[./]")
_LIVE = ("queued", "pending", "running", "paused", "updating")
_A_SWEEP = "3f2a9c0d1e4b"
_EXAMPLES = """\
examples:
  zeta jobs list --sweep 3f2a9c0d1e4b      the jobs of a sweep, newest first
  zeta jobs show 1234567890                one of them, by the number that list gives
  zeta jobs logs 1234567890 --lines 100    the end of its run.log, as the bucket has it
  zeta jobs cancel --sweep 3f2a9c0d1e4b    stop all that still runs
"""


def add_to(groups: Any) -> None:
    """Enter the group and its commands.  groups: what `add_subparsers` gives."""
    summary = "jobs on Vertex AI: list, show, read logs, cancel"
    group = groups.add_parser(
        "jobs", help=summary, description=_sentence(summary), epilog=_EXAMPLES
    )
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = _command(
        commands, _list, "the jobs of the launcher, newest first", f"--sweep {_A_SWEEP}"
    )
    listing.add_argument("--sweep", metavar="ID", help="of this sweep only")
    show = _command(commands, _show, "what a job is, how it stands and what came out", "1234567890")
    show.add_argument("name", metavar="NAME", help="a number, or projects/…/customJobs/…")
    logs = _command(
        commands,
        _logs,
        "the end of a job's run.log, a minute old at most",
        "1234567890 --lines 100",
    )
    logs.add_argument("name", metavar="NAME", help="a number, or projects/…/customJobs/…")
    logs.add_argument("--lines", type=int, default=_LINES, metavar="N", help="how many (40)")
    cancel = _command(
        commands, _cancel, "stop jobs; what they have uploaded stays", f"--sweep {_A_SWEEP}"
    )
    cancel.add_argument("names", nargs="*", metavar="NAME", help="jobs to stop")
    cancel.add_argument("--sweep", metavar="ID", help="every job of this sweep that has not ended")
    for parser in (listing, show, logs, cancel):
        add_options(parser, "project", "region", "endpoint")


def _command(
    commands: Any, run: Callable[[argparse.Namespace], int], summary: str, example: str
) -> argparse.ArgumentParser:
    name = run.__name__.lstrip("_")
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=_sentence(summary),
        epilog=f"examples:\n  zeta jobs {name} {example}\n",
    )
    parser.set_defaults(command=run)
    return parser


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _list(arguments: argparse.Namespace) -> int:
    jobs = _listed(place_of(arguments), arguments.sweep)
    if not jobs:
        where = f"sweep {arguments.sweep}" if arguments.sweep else "the launcher"
        print(f"no job of {where} is there")
        return 0
    head = ("NAME", "SWEEP", "JOB", "ATTEMPT", "STATE", "MACHINE", "MIN", "OVERRIDES")
    print("\n".join(_columns([head, *map(_row, jobs)])))
    return 0


def _row(job: "CustomJob") -> tuple[str, ...]:
    from ._identity import ATTEMPT, NUMBER, SWEEP
    from ._prices import minutes

    return (
        job.name.rpartition("/")[2],
        job.labels.get(SWEEP, ""),
        job.labels.get(NUMBER, ""),
        job.labels.get(ATTEMPT, ""),
        state_of(job),
        job.job_spec.worker_pool_specs[0].machine_spec.machine_type,
        f"{minutes(job):.1f}",
        overrides_of(job),
    )


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows, each cell as wide as its column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _show(arguments: argparse.Namespace) -> int:
    place = place_of(arguments)
    job = _found(place, arguments.name)
    entries = {**_facts(job), "result": _result(job), "console": _console(job)}
    width = max(map(len, entries))
    for key, value in entries.items():
        if value:
            print(f"{key.ljust(width)}  {value}")
    return 0


def _facts(job: "CustomJob") -> dict[str, str]:
    """What Vertex AI knows of a job; of the environment the names only, as values may be secret."""
    from ._identity import ATTEMPT, KEY, NUMBER, SWEEP
    from ._prices import minutes

    pools = job.job_spec.worker_pool_specs
    machine, container = pools[0].machine_spec, pools[0].container_spec
    accelerators = f", {machine.accelerator_count} × {machine.accelerator_type.name}"
    replicas = sum(pool.replica_count for pool in pools)
    return {
        "name": job.name,
        "state": state_of(job),
        "error": job.error.message,
        "sweep": job.labels.get(SWEEP, ""),
        "job": job.labels.get(NUMBER, ""),
        "attempt": job.labels.get(ATTEMPT, ""),
        "key": job.labels.get(KEY, ""),
        "overrides": overrides_of(job),
        "machine": machine.machine_type
        + (accelerators if machine.accelerator_count else "")
        + (f", {replicas} of them" if replicas > 1 else ""),
        "provisioning": job.job_spec.scheduling.strategy.name,
        "image": container.image_uri,
        "environment": ", ".join(sorted(variable.name for variable in container.env)),
        "created": _time(job.create_time),
        "started": _time(job.start_time),
        "ended": _time(job.end_time),
        "minutes": f"{minutes(job):.1f}",
        "output": _output(job),
    }


def _time(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def _result(job: "CustomJob") -> str:
    """How the run ended and its objective, from result.json in the bucket."""
    content = _read(job, "result.json")
    try:
        result = json.loads(content) if content else {}
    except ValueError:
        return "result.json is not readable"
    said = [str(result[key]) for key in ("status", "reason") if result.get(key)]
    if result.get("return_value") is not None:
        said.append(f"objective {result['return_value']:.6g}")
    return ", ".join(said)


def _console(job: "CustomJob") -> str:
    _, project, _, region, _, number = job.name.split("/")
    return (
        f"https://console.cloud.google.com/vertex-ai/locations/{region}/training/{number}"
        f"?project={project}"
    )


def _logs(arguments: argparse.Namespace) -> int:
    if arguments.lines < 1:
        raise UserError(f"--lines {arguments.lines} shows nothing: use 1 or more")
    place = place_of(arguments)
    job = _found(place, arguments.name)
    content = _read(job, "run.log")
    if not content:
        number = job.name.rpartition("/")[2]
        raise UserError(
            f"{number} ({state_of(job)}) has uploaded no run.log: `gcloud ai custom-jobs "
            f"stream-logs {job.name}` shows what its machine says"
        )
    for line in content.decode(errors="replace").splitlines()[-arguments.lines :]:
        print(line)
    return 0


def _cancel(arguments: argparse.Namespace) -> int:
    place = place_of(arguments)
    if bool(arguments.names) == bool(arguments.sweep):
        raise UserError("cancel what? give names of jobs, or --sweep ID")
    if arguments.sweep:
        jobs = [job for job in _listed(place, arguments.sweep) if state_of(job) in _LIVE]
    else:
        jobs = [_found(place, name) for name in arguments.names]
    for job in jobs:
        number, state = job.name.rpartition("/")[2], state_of(job)
        if state in _LIVE:
            client = replace(place, region=job.name.split("/")[3]).client()
            with explained():
                client.cancel_custom_job(name=job.name, retry=_again(), timeout=_SECONDS)
            print(f"{number}: asked to stop")
        else:
            print(f"{number}: has ended before ({state})")
    if not jobs:
        print(f"no job of sweep {arguments.sweep} is left to stop")
    return 0


def state_of(job: "CustomJob") -> str:
    """The state in lower case, such as running."""
    return str(job.state.name).removeprefix("JOB_STATE_").lower()


def overrides_of(job: "CustomJob") -> str:
    """What the job's command line sets of the experiment, without Hydra's own settings."""
    given = job.job_spec.worker_pool_specs[0].container_spec.args
    return " ".join(text for text in given if not text.startswith("--") and not _HYDRA.match(text))


def _listed(place: Place, sweep: str | None) -> list["CustomJob"]:
    """The launcher's jobs, newest first."""
    from ._identity import KEY, SWEEP

    if sweep and not re.fullmatch(r"[a-z0-9_-]{1,63}", sweep):
        raise UserError(f"--sweep {sweep} is no id of a sweep: use 1 to 63 of a-z, 0-9, _, -")
    request = {"parent": place.parent}
    if sweep:
        request["filter"] = f"labels.{SWEEP}={sweep}"
    client = place.client()
    with explained():
        jobs = [
            job
            for job in client.list_custom_jobs(request=request, retry=_again(), timeout=_SECONDS)
            if KEY in job.labels
        ]
    return sorted(jobs, key=lambda job: job.create_time, reverse=True)


def _found(place: Place, name: str) -> "CustomJob":
    """The job; raises `UserError` for a name that none can have, or that Google does not know."""
    full = f"{place.parent}/customJobs/{name}" if name.isdigit() else name
    match = _NAME.fullmatch(full)
    if match is None:
        raise UserError(
            f"{name} is no job: give the number that `zeta jobs list` shows, or the whole "
            "projects/…/locations/…/customJobs/…"
        )
    client = replace(place, region=match[1]).client()  # a whole name says where it is
    with explained():
        return client.get_custom_job(name=full, retry=_again(), timeout=_SECONDS)


def _again() -> Any:
    """Asks again for half a minute where the service stumbles, and not where none is there."""
    from google.api_core import exceptions as api
    from google.api_core.retry import Retry, if_exception_type

    retried = if_exception_type(api.ServerError, api.TooManyRequests)
    return Retry(retried, initial=0.5, maximum=5.0, timeout=30.0)


def _output(job: "CustomJob") -> str:
    return str(job.job_spec.base_output_directory.output_uri_prefix)


def _read(job: "CustomJob", name: str) -> bytes | None:
    """A file that the job has uploaded; None where it has not."""
    from ._mirror import Folder

    if not _output(job):
        return None
    with explained():
        return Folder(_output(job)).read(name)
