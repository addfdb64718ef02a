"""Memory of a pass over a batch, counted in storages."""

import weakref

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def bytes_kept(model, batch):
    """Bytes that a forward pass leaves alive for the backward pass, and the explicit edges."""
    given = [batch.features, *model.parameters()]
    known = {tensor.untyped_storage().data_ptr() for tensor in given}
    kept, held = {}, []

    def count(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()

    def pack(tensor):
        count(tensor)
        held.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model(batch)
    for name in ("edges", "edge_type"):
        for tensor in tree_leaves(vars(batch.graph).get(name)):
            if isinstance(tensor, Tensor):
                count(tensor)
    del output
    return sum(kept.values())


class _Living(TorchDispatchMode):
    """Sums the storages made inside that are alive, and their peak."""

    def __init__(self):
        super().__init__()
        self.alive, self.peak = {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        given = {
            x.untyped_storage()._cdata for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)
        }
        for tensor in tree_leaves(result):
            if not isinstance(tensor, Tensor):
                continue
            storage = tensor.untyped_storage()
            if storage._cdata not in self.alive and storage._cdata not in given:
                self.alive[storage._cdata] = storage.nbytes()
                weakref.finalize(storage, self.alive.pop, storage._cdata, None)
        self.peak = max(self.peak, sum(self.alive.values()))
        return result


def bytes_forward(model, batch):
    """Most bytes alive at once in a forward pass without gradient."""
    with torch.no_grad(), _Living() as living:
        model(batch)
    return living.peak


def bytes_backward(model, batch):
    """Most bytes alive at once that a backward pass has made."""
    output = model(batch)
    with _Living() as living:
        output.backward(torch.ones_like(output))
    return living.peak
