"""The replicas and GPUs that Vertex AI gives a job, as a command that starts torchrun.

CLUSTER_SPEC is all that Vertex AI promises a custom container of several replicas:
https://cloud.google.com/vertex-ai/docs/training/distributed-training#cluster-spec-format
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zeta_exp.errors import UserError


@dataclass(frozen=True)
class Replica:
    """This machine among the machines of a job."""

    rank: int
    count: int
    host: str  # of the first machine
    port: int  # where the first machine listens


def replica(specification: str) -> Replica:
    """Reads CLUSTER_SPEC: the machines of all worker pools in order, workerpool0 being the first.

    Raises `UserError` for what Vertex AI does not write.
    """
    try:
        stated = json.loads(specification)
        pools: dict[str, list[str]] = stated["cluster"]
        names = sorted(name for name in pools if name.startswith("workerpool"))
        host, _, port = pools["workerpool0"][0].rpartition(":")
        kind, index = stated["task"]["type"], int(stated["task"]["index"])
        if kind not in names or not 0 <= index < len(pools[kind]) or not host:
            raise ValueError(f"no machine {kind} {index}")
        before = sum(len(pools[name]) for name in names[: names.index(kind)])
        count = sum(len(pools[name]) for name in names)
        return Replica(before + index, count, host, int(port))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UserError(
            f"CLUSTER_SPEC is not what Vertex AI writes ({type(error).__name__}: {error}): "
            "unset it outside of a Vertex AI job"
        ) from error


def visible_gpus(environment: Mapping[str, str], devices: Path = Path("/dev")) -> int:
    """How many GPUs a process may use, without asking torch, whose import takes seconds."""
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return len([name for name in chosen.split(",") if name.strip() not in ("", "-1")])
    return len([path for path in devices.glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)])


def torchrun(place: Replica, gpus: int, program: Sequence[str]) -> list[str] | None:
    """The command that runs `program` in a process for every GPU of every machine, at least one.

    None where there is to be one process in all.
    """
    processes = max(gpus, 1)
    if place.count == processes == 1:
        return None
    if place.count == 1:
        where = ["--standalone"]
    else:
        where = [
            f"--nnodes={place.count}",
            f"--node_rank={place.rank}",
            f"--master_addr={place.host}",
            f"--master_port={place.port}",
        ]
    start = [sys.executable, "-m", "torch.distributed.run"]
    return [*start, *where, f"--nproc_per_node={processes}", *program]
