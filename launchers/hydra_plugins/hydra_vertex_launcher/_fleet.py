"""The jobs of a batch from the first look to the last: found or made, followed, made again."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from google.cloud import aiplatform_v1 as v1

from zeta_exp.errors import UserError

from ._plan import Job
from ._prices import billed, minutes
from ._progress import Line, Progress
from ._results import COMPLETED, Outcome, Results
from ._service import ENDED, Pace, Service, State, TryLaterError, attempt_of, is_transient
from .config import VertexConf

MOST_PAUSES = 12  # tries to create a job while no other of the sweep is under way
FRESH_LOOK = 5.0  # seconds for which a look at the service need not be repeated
LEAVE = "leave"  # of on_interrupt; by its value, as Hydra may have loaded its enum twice
OWN_END = ("failed", "refused")  # what a program says of itself: no other attempt would help


@dataclass
class Ticket:
    """A job and what is known of it; jobs of a sweep with one key share a ticket."""

    jobs: list[Job]
    price: float | None  # USD an hour
    wanted: int | None = None  # the attempt to find or to make
    asked: bool = False  # it may have been made, though no answer said so
    remote: v1.CustomJob | None = None
    others: list[v1.CustomJob] = field(default_factory=list)  # other attempts
    looked: float = -math.inf  # when, by the monotonic clock
    tries: int = 0
    pauses: int = 0
    not_before: float = -math.inf
    ended: float | None = None  # when its end was first seen
    state: str = "waiting"
    metric: str = ""
    outcome: Outcome | None = None
    values: dict[int, float] = field(default_factory=dict)  # the objective by number

    @property
    def key(self) -> str:
        """What makes it the same job."""
        return self.jobs[0].key

    @property
    def cost(self) -> float | None:
        """USD so far, of all attempts."""
        return billed(self.price, [*self.others, *([self.remote] if self.remote else [])])

    def lines(self) -> list[Line]:
        """For the table."""
        spent = minutes(self.remote) if self.remote else 0.0
        return [
            Line(job.number, job.title, self.state, spent, self.cost, self.metric)
            for job in self.jobs
        ]


@dataclass
class Fleet:
    """Runs tickets to their ends, at most max_parallel at once."""

    conf: VertexConf
    pace: Pace
    service: Service
    results: Results
    progress: Progress
    make: Callable[[Job, int], v1.CustomJob]  # for an attempt
    tickets: Sequence[Ticket]

    def run(self) -> None:
        """Returns when each ticket has its outcome.  Raises `UserError`."""
        try:
            for ticket in self.tickets:
                self._look(ticket)
            while self._open:
                for ticket in self._open:
                    self._step(ticket)
                self._show()
                if self._open:
                    time.sleep(self.pace.poll)
        except KeyboardInterrupt:
            self._interrupted()
            raise

    @property
    def _open(self) -> list[Ticket]:
        return [ticket for ticket in self.tickets if ticket.outcome is None]

    @property
    def _live(self) -> list[Ticket]:
        return [ticket for ticket in self._open if ticket.remote is not None]

    def _show(self) -> None:
        lines = [line for ticket in self.tickets for line in ticket.lines()]
        self.progress.show(sorted(lines, key=lambda line: line.number))

    def _step(self, ticket: Ticket) -> None:
        if ticket.remote is not None:
            self._follow(ticket)
        elif time.monotonic() >= ticket.not_before and len(self._live) < self.conf.max_parallel:
            self._submit(ticket)

    def _look(self, ticket: Ticket) -> None:
        """Finds the attempt that is wanted, or decides which one that is."""
        found = self.service.find(ticket.key)
        ticket.looked = time.monotonic()
        if ticket.wanted is None and not self.conf.fresh:
            kept = [job for job in found if self._is_kept(ticket, job)]
            ticket.wanted = attempt_of(kept[-1]) if kept else None
        if ticket.wanted is None:
            ticket.wanted = max(map(attempt_of, found), default=0) + 1
        ticket.others = [job for job in found if attempt_of(job) != ticket.wanted]
        mine = [job for job in found if attempt_of(job) == ticket.wanted]
        if mine:
            ticket.remote, ticket.tries = mine[-1], ticket.tries + 1

    def _is_kept(self, ticket: Ticket, job: v1.CustomJob) -> bool:
        """Whether an earlier command's job is under way, or has left its result."""
        if job.state == State.JOB_STATE_SUCCEEDED:
            result = self.results.result(ticket.key, attempt_of(job))
            return result is not None and result.get("status") == COMPLETED
        return job.state not in ENDED and job.state != State.JOB_STATE_CANCELLING

    def _submit(self, ticket: Ticket) -> None:
        """Looks, then creates: where an answer was lost, the job is found and not made twice."""
        if ticket.asked or time.monotonic() - ticket.looked > FRESH_LOOK:
            self._look(ticket)
        if ticket.remote is not None:
            return
        assert ticket.wanted is not None
        ticket.asked = True
        try:
            ticket.remote = self.service.create(self.make(ticket.jobs[0], ticket.wanted))
        except TryLaterError as error:
            self._pause(ticket, error)
        except UserError as error:
            if not self._live:  # what is wrong with the first is wrong with all
                raise
            self._settle(ticket, "failed", str(error))
        else:
            ticket.tries, ticket.pauses = ticket.tries + 1, 0

    def _pause(self, ticket: Ticket, error: TryLaterError) -> None:
        ticket.asked = not error.refused
        ticket.pauses += 1
        if ticket.pauses >= MOST_PAUSES and not self._live:
            self._settle(ticket, "failed", f"could not be submitted: {error}")
            return
        ticket.state = "refused for now" if error.refused else "unclear"
        pause = self.pace.pause(ticket.pauses)
        ticket.not_before = time.monotonic() + pause
        if ticket.pauses == 1:
            self.progress.say(f"#{ticket.jobs[0].number}: {error}: again in {pause:.0f} s")

    def _follow(self, ticket: Ticket) -> None:
        assert ticket.remote is not None
        ticket.remote = self.service.get(ticket.remote.name)
        ticket.state = State(ticket.remote.state).name.removeprefix("JOB_STATE_").lower()
        if ticket.remote.state in ENDED:
            self._judge(ticket, ticket.remote)
        elif ticket.remote.state == State.JOB_STATE_RUNNING:
            try:
                ticket.metric = self.results.last_metric(ticket.key, attempt_of(ticket.remote))
            except UserError:  # a look at the bucket, which the next one makes up for
                return

    def _judge(self, ticket: Ticket, ended: v1.CustomJob) -> None:
        """A success needs both the state and a result that says completed."""
        result = self.results.result(ticket.key, attempt_of(ended)) or {}
        said = result.get("status")
        if ended.state == State.JOB_STATE_SUCCEEDED and said == COMPLETED:
            self._settle(ticket, COMPLETED, None)
        elif said in OWN_END and not is_transient(ended):
            self._settle(ticket, str(said), str(result.get("reason")))
        elif ended.state == State.JOB_STATE_SUCCEEDED:
            self._settle(ticket, "failed", "ended well but left no result.json of its own")
        elif ended.state == State.JOB_STATE_CANCELLED:
            self._settle(ticket, "interrupted", "the job was cancelled")
        elif not ended.error.message and self._text_may_come(ticket):
            ticket.state = "failed, reason to come"
        elif ended.state == State.JOB_STATE_FAILED and is_transient(ended):
            self._again(ticket, ended)
        else:
            reason = ended.error.message or f"{State(ended.state).name} and no reason came"
            self._settle(ticket, "failed", reason)

    def _text_may_come(self, ticket: Ticket) -> bool:
        ticket.ended = ticket.ended or time.monotonic()
        return time.monotonic() - ticket.ended < self.pace.late_text

    def _again(self, ticket: Ticket, ended: v1.CustomJob) -> None:
        """Another attempt, for the platform failed this one."""
        number, attempt = ticket.jobs[0].number, attempt_of(ended)
        text = ended.error.message
        if ticket.tries >= self.conf.max_attempts:
            self._settle(ticket, "failed", f"{ticket.tries} attempts failed, the last: {text}")
            return
        self.progress.say(f"#{number}: attempt {attempt} failed by the platform ({text}): again")
        ticket.others.append(ended)
        ticket.remote, ticket.wanted, ticket.asked = None, attempt + 1, False
        ticket.ended, ticket.state, ticket.metric = None, "waiting", ""
        ticket.not_before = time.monotonic() + self.pace.pause(ticket.tries)

    def _settle(self, ticket: Ticket, status: str, reason: str | None) -> None:
        """Brings the files here at once, so that nothing is lost where this program ends."""
        name = ticket.remote.name if ticket.remote else None
        assert ticket.wanted is not None
        for twin, job in enumerate(ticket.jobs):
            cost = 0.0 if twin else ticket.cost  # it was paid once
            outcome = Outcome(status, reason, ticket.wanted, name, cost)
            ticket.values[job.number] = self.results.collect(job, outcome)
        ticket.outcome = Outcome(status, reason, ticket.wanted, name, ticket.cost)
        ticket.state = status
        if name:
            ticket.metric = self.results.last_metric(ticket.key, ticket.wanted)
        if status != COMPLETED:
            self._tell(ticket, reason)

    def _tell(self, ticket: Ticket, reason: str | None) -> None:
        """Why a job has no result, and the end of its log."""
        assert ticket.outcome is not None
        job = ticket.jobs[0]
        self.progress.say(f"#{job.number} ({job.title}) {ticket.outcome.status}: {reason}")
        if not ticket.outcome.name:
            return
        tail = self.results.log_tail(ticket.key, ticket.outcome.attempt)
        for line in tail:
            self.progress.say(f"  | {line}")
        what = "all of it: zeta jobs logs" if tail else "it left no log: zeta jobs show"
        self.progress.say(f"  {what} {ticket.outcome.name}")

    def _interrupted(self) -> None:
        """Leaves or cancels what is under way, as the user has chosen."""
        for ticket in self._open:
            if ticket.remote is None and ticket.asked:  # the answer may have been on its way
                self._look(ticket)
        names = [ticket.remote.name for ticket in self._live if ticket.remote]
        if self.conf.on_interrupt.value == LEAVE:
            self.progress.say(
                f"left running: {', '.join(names) or 'no job'}; give the same command again to "
                "attach to them, or zeta jobs cancel to end them"
            )
            return
        for name in names:
            self.service.cancel(name)
            self.progress.say(f"cancelled: {name}")
