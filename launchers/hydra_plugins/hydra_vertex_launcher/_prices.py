"""What jobs cost: a dated table, the worst case of a sweep, the bill of a job."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from zeta_exp.errors import UserError

from .config import VertexConf

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import CustomJob

# USD an hour of custom training on demand, the fee of Vertex AI included: approximate, entered at
# DATE without the price list at hand, and neither checked against it nor against a bill.  Look at
# https://cloud.google.com/vertex-ai/pricing and put what it says into hydra.launcher.prices, which
# goes first.  SPOT and FLEX_START are taken to cost as much.
DATE, REGION = "2026-11", "us-central1"
PRICES: dict[str, float] = {
    "a2-highgpu-1g": 4.43,
    "a2-ultragpu-1g": 5.79,
    "a2-ultragpu-2g": 11.57,
    "a2-ultragpu-4g": 23.13,
    "a2-ultragpu-8g": 46.26,
    "a3-highgpu-1g": 12.63,
    "a3-highgpu-2g": 25.26,
    "a3-highgpu-4g": 50.51,
    "a3-highgpu-8g": 101.01,
    "e2-standard-4": 0.16,
    "e2-standard-8": 0.31,
    "e2-standard-16": 0.62,
    "g2-standard-4": 0.82,
    "g2-standard-8": 0.99,
    "g2-standard-12": 1.16,
    "g2-standard-16": 1.32,
    "g2-standard-24": 2.31,
    "g2-standard-32": 2.00,
    "g2-standard-48": 4.61,
    "g2-standard-96": 9.21,
}
DISKS = {"pd-ssd": 0.17, "pd-standard": 0.04}  # USD a GB and month, before the fee
FEE, HOURS_A_MONTH = 1.15, 730


def hourly(conf: VertexConf, machine: str) -> float | None:
    """USD an hour of all replicas of a job with their disks; None where no price is known."""
    price = conf.prices.get(machine)
    if price is None and conf.region == REGION:
        price = PRICES.get(machine)
    if price is None:
        return None
    disk = conf.boot_disk_gb * DISKS[conf.boot_disk_type] * FEE / HOURS_A_MONTH
    return (price + disk) * conf.replicas


def worst(conf: VertexConf, machines: Iterable[str]) -> float | None:
    """USD where every attempt of every job runs until it is stopped; None for want of a price."""
    prices = [hourly(conf, machine) for machine in machines]
    if None in prices:
        return None
    return sum(filter(None, prices)) * conf.timeout_min / 60 * conf.max_attempts


def billed(price: float | None, jobs: Sequence["CustomJob"]) -> float | None:
    """USD that attempts have cost: the time from their start to their end, at this price."""
    if price is None:
        return None
    return price * sum(map(minutes, jobs)) / 60


def minutes(job: "CustomJob") -> float:
    """How long an attempt has run, by the clock of the service."""
    if not job.start_time:
        return 0.0
    end = job.end_time or datetime.now(UTC)
    return float(max((end - job.start_time).total_seconds() / 60, 0.0))


class Ledger:
    """What the batches of one sweep may cost together."""

    def __init__(self, conf: VertexConf) -> None:
        self._conf = conf
        self._machines: list[str] = []  # of the batches so far

    def check(self, machines: Sequence[str], whole: Sequence[str]) -> None:
        """Raises `UserError` where the sweep could cost more than max_cost.

        machines: those of the jobs of this batch; whole: of all the sweep, as far as is known.
        """
        self._machines += machines
        limit = self._conf.max_cost
        if limit is None:
            return
        jobs = max(self._machines, list(whole), key=len)
        unknown = sorted({name for name in jobs if hourly(self._conf, name) is None})
        if unknown:
            raise UserError(
                f"hydra.launcher.max_cost={limit:g} needs a price of {', '.join(unknown)} in "
                f"{self._conf.region}: give +hydra.launcher.prices.{unknown[0]}=… in USD an hour"
            )
        cost = worst(self._conf, jobs) or 0.0
        if cost > limit:
            raise UserError(
                f"the sweep could cost {cost:.2f} USD ({len(jobs)} jobs of up to "
                f"{self._conf.timeout_min:g} minutes, {self._conf.max_attempts} attempts each), "
                f"more than hydra.launcher.max_cost={limit:g}: lower hydra.launcher.timeout_min "
                "or max_attempts, run fewer jobs or raise max_cost"
            )
