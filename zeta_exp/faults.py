"""What breaks a training from outside, memory that runs out or a device that fails, as a sentence.

torch has a class for some of these and a plain `RuntimeError` for others, known by its words.
"""

from pathlib import Path

import torch

MEMORY_WORDS = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
DEVICE_WORDS = ("CUDA error", "CUBLAS_STATUS", "cuDNN error")


def is_memory(error: BaseException) -> bool:
    """Whether the error says that memory has run out, on the device or the host."""
    named = any(words in str(error) for words in MEMORY_WORDS)
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and named


def is_device(error: BaseException) -> bool:
    """Whether the error says that the device has failed; it can't be used by this process again."""
    if isinstance(error, torch.AcceleratorError):
        return True
    return isinstance(error, RuntimeError) and any(w in str(error) for w in DEVICE_WORDS)


def device_name(device: torch.device) -> str:
    """What the user knows the device by; its own name where it can still tell."""
    try:
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    except RuntimeError:
        name = ""
    return f"{device} ({name})" if name else str(device)


def sentence(
    error: BaseException, device: torch.device, update: int, smaller: str, kept: str
) -> str:
    """What happened in the given update (from 1) and what to do.

    smaller: what needs less memory.  kept: what is left of the run, from `what_is_kept`.
    """
    where = device_name(device)
    if is_memory(error):
        host = isinstance(error, MemoryError) or "CPUAllocator" in str(error)
        place = "main memory" if host else where
        return f"{place} has no room for update {update}: in a new run use {smaller}; {kept}"
    said = str(error).strip().split("\n", 1)[0]
    return f"the device {where} has failed in update {update} ({said}); {kept}"


def what_is_kept(directory: Path, checkpoint: bool, update: int | None) -> str:
    """The end of the sentence: whether there is a checkpoint, and of which update if known."""
    if not checkpoint:
        return "it was before the first checkpoint, so that nothing is kept"
    which = "the last checkpoint" if update is None else f"all before it, up to update {update},"
    return f"{which} is kept: resume={directory} continues there, with hardware=… on another device"
