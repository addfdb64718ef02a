"""One batch of a sweep: composed, checked, priced, run, and handed to the sweeper."""

import fcntl
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus, setup_globals
from omegaconf import DictConfig, OmegaConf

from zeta_exp.errors import UserError

from ._fleet import Fleet, Ticket
from ._identity import output_prefix, sweep_label
from ._plan import MARK, Job, check_directories, compose, machines_of_sweep
from ._prices import DATE, Ledger, hourly, worst
from ._progress import Progress
from ._results import Results
from ._service import Pace, Service
from ._spec import as_dictionary, check, check_job, custom_job
from .config import VertexConf

if TYPE_CHECKING:
    from .vertex_launcher import VertexLauncher


def launch(
    launcher: "VertexLauncher", overrides: Sequence[Sequence[str]], first: int
) -> list[JobReturn]:
    """Runs the jobs and returns when each has ended, in their order.  Raises `UserError`."""
    setup_globals()
    config, conf = launcher.config, launcher.conf
    check(conf)
    jobs = compose(launcher.hydra_context, config, conf, overrides, first)
    for job in jobs:
        check_job(conf, job)
    check_directories(config, jobs)
    dearest_last = sorted({job.machine for job in jobs}, key=lambda m: hourly(conf, m) or math.inf)
    whole = machines_of_sweep(
        launcher.hydra_context, config, jobs, dearest_last, launcher.jobs_in_all
    )
    sweep = conf.sweep_id or sweep_label(config)
    if conf.dry_run:
        print(json.dumps(_bill(conf, config, jobs, sweep, whole), indent=2))
        raise SystemExit(0)
    launcher.ledger = launcher.ledger or Ledger(conf)
    launcher.ledger.check([job.machine for job in jobs], whole)
    with _claimed(Path(config.hydra.sweep.dir), conf, sweep):
        tickets = _run(conf, config, jobs, sweep)
    ended = {job.number: (job, ticket) for ticket in tickets for job in ticket.jobs}
    return [_answer(config, *ended[job.number]) for job in jobs]


def _bill(
    conf: VertexConf, config: DictConfig, jobs: Sequence[Job], sweep: str, whole: Sequence[str]
) -> dict[str, Any]:
    """What dry_run prints: each request as it would be sent, and what it may cost."""
    listed = [
        {
            "number": job.number,
            "overrides": list(job.overrides),
            "key": job.key,
            "output": output_prefix(conf.bucket, job.key, 1),
            "usd_per_hour": _rounded(hourly(conf, job.machine), 4),
            "parent": f"projects/{conf.project}/locations/{conf.region}",
            "customJob": as_dictionary(custom_job(conf, config, job, sweep, 1)),
        }
        for job in jobs
    ]
    cost = {
        "worst_case_usd": _rounded(worst(conf, whole), 2),
        "max_cost": conf.max_cost,
        "jobs": len(whole),
        "minutes_each": conf.timeout_min,
        "attempts_each": conf.max_attempts,
        "prices": f"entered {DATE}, unverified; hydra.launcher.prices goes first",
    }
    return {"sweep": sweep, "cost": cost, "jobs": listed}


def _rounded(usd: float | None, digits: int) -> float | None:
    return None if usd is None else round(usd, digits)


@contextmanager
def _claimed(directory: Path, conf: VertexConf, sweep: str) -> Iterator[None]:
    """Marks the directory of a sweep as one that may be written again, by one at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    about = {"sweep": sweep, "project": conf.project, "region": conf.region, "bucket": conf.bucket}
    with (directory / MARK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another launcher is at work in {directory}: wait for it, interrupt it, or give "
                "another hydra.sweep.dir"
            ) from None
        file.truncate(0)
        file.write(json.dumps(about, indent=2) + "\n")
        file.flush()
        yield


def _run(conf: VertexConf, config: DictConfig, jobs: Sequence[Job], sweep: str) -> list[Ticket]:
    by_key: dict[str, list[Job]] = {}
    for job in jobs:
        by_key.setdefault(job.key, []).append(job)
    tickets = [Ticket(same, hourly(conf, same[0].machine)) for same in by_key.values()]
    pace = Pace.of(conf)

    def make(job: Job, attempt: int) -> Any:
        return custom_job(conf, config, job, sweep, attempt)

    with Progress() as progress:
        progress.say(f"sweep {sweep}: {len(tickets)} jobs on Vertex AI, {conf.project}")
        service, results = Service(conf, pace, progress.say), Results(conf.bucket)
        Fleet(conf, pace, service, results, progress, make, tickets).run()
    return tickets


def _answer(config: DictConfig, job: Job, ticket: Ticket) -> JobReturn:
    """What a sweeper is given.

    Hydra's basic sweeper ends at a job that failed, so it gets NaN instead, as from a local job;
    the callback at the end of the sweep counts what is missing.  Others want to be told.
    """
    assert ticket.outcome is not None
    answer = JobReturn(
        overrides=list(job.overrides),
        cfg=OmegaConf.masked_copy(job.config, [str(key) for key in job.config if key != "hydra"]),
        hydra_cfg=OmegaConf.masked_copy(job.config, ["hydra"]),
        working_dir=str(job.directory),
        task_name=job.config.hydra.job.name,
    )
    basic = config.hydra.runtime.choices["hydra/sweeper"] == "basic"
    if ticket.outcome.completed or basic:
        answer.status, answer.return_value = JobStatus.COMPLETED, ticket.values[job.number]
    else:
        why = UserError(f"job {job.number} {ticket.outcome.status}: {ticket.outcome.reason}")
        answer.status, answer.return_value = JobStatus.FAILED, why
    return answer
