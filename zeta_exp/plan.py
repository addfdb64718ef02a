"""What a run will do, in the words of one who asks before it begins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from zeta_exp.budget import Budget
from zeta_exp.files import shortest
from zeta_exp.memory import GIB, Memory, Need, Room, Workload
from zeta_exp.strategies import Strategy

_WIDTH = 10  # of the labels


@dataclass(frozen=True)
class Plan:
    """A title, and a line for each thing that is asked."""

    title: str
    lines: Mapping[str, str]  # label → words
    terms: tuple[str, ...]  # names of the loss terms that train

    def text(self) -> Iterator[str]:
        """Plain lines."""
        yield self.title
        for label, words in self.lines.items():
            yield f"  {label:<{_WIDTH}}{words}"


def plan_of(
    strategy: Strategy,
    budget: Budget,
    work: Workload,
    device: torch.device,
    memory: tuple[Need, Room],
    named: Mapping[str, str],
) -> Plan:
    """The plan of a run that fits.

    named: what the parts are called: "zeros", "features", "target", "directory"; and "labels"
    where some zeros have none.
    """
    split, model, loss = work.split, work.model, work.loss
    first, stop = split.train
    lines = {
        "zeros": f"{named['zeros']}, N = {split.N:,} from ordinal {split.start:,}: "
        f"{stop - first:,} train, {split.N - (stop - first):,} validate",
        **({"labels": named["labels"]} if "labels" in named else {}),
        "features": f"{named['features']}, {work.dim} a zero; target: {named['target']}",
        "model": f"{type(model).__name__}, {model.n_parameters:,} parameters"
        f"{f' in {model.size}' if model.size else ''}, sees {model.receptive_field:,} zeros to "
        "either side",
        "loss": " + ".join(_weighted(loss.weights[name], name) for name in loss.active),
        "strategy": f"{strategy.name}, {_at_once(strategy, work)}",
        "budget": budget.words,
        "device": _device(device),
        "memory": _memory(*memory, device.type),
        "writes to": shortest(named["directory"]),
    }
    title = f"{strategy.name} training on the zeros {first:,} to {stop - 1:,}"
    return Plan(title, lines, tuple(loss.active))


def _weighted(weight: float, name: str) -> str:
    return name if weight == 1 else f"{weight:g} {name}"


def _at_once(strategy: Strategy, work: Workload) -> str:
    nodes = strategy.portion(work.split, work.loss, work.model, work.device_type).nodes
    return f"{nodes:,} zeros at once with their margins"


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"cpu, {threads} thread{'s' * (threads > 1)}"


def _memory(need: Need, room: Room, device_type: str) -> str:
    """Needed and available, of the device and of the host where these are two."""
    told = [_of_place(need.device, room.device, f"on {device_type}" if need.host else "")]
    if need.host is not None:
        told.append(_of_place(need.host, room.host, "in main memory"))
    return "; ".join(told)


def _of_place(need: Memory, have: int, where: str) -> str:
    return f"{need.total / GIB:.2g} GB needed, {have / GIB:.3g} GB free {where}".rstrip()
