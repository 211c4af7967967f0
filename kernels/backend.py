"""Which implementation an operation runs: Triton or the PyTorch reference."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import os
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar, cast, get_args

import torch

Backend = Literal["auto", "triton", "reference"]
VARIABLE = "VERITUNE_KERNELS"
_P = ParamSpec("_P")
_R = TypeVar("_R")


@functools.cache
def has_triton() -> bool:
    """Whether Triton can be imported; it comes with PyTorch's CUDA builds on Linux."""
    return importlib.util.find_spec("triton") is not None


def interpreting() -> bool:
    """Whether Triton's interpreter is on: its kernels then run on CPU tensors, slowly, for tests."""
    return os.environ.get("TRITON_INTERPRET", "0") == "1"


@functools.cache
def _capability(index: int) -> tuple[int, int]:
    return torch.cuda.get_device_capability(index)


def compute_capability(tensor: torch.Tensor) -> tuple[int, int]:
    """The CUDA compute capability of the tensor's device, (0, 0) on other devices."""
    if tensor.device.type != "cuda" or torch.version.cuda is None:
        return (0, 0)
    return _capability(tensor.device.index or 0)


def wants_triton(tensor: torch.Tensor, backend: Backend, *, supported: bool = True, why: str = "") -> bool:
    """Whether to run the Triton kernel for an operation on `tensor`.

    `backend="auto"` takes Triton on CUDA where it is installed and the inputs are `supported`, else the reference.
    The environment variable `VERITUNE_KERNELS` (`triton` or `reference`) replaces `auto`.

    Raises:
        ValueError: the back-end is unknown, or `"triton"` was asked for and cannot run (`why` says what is missing).
    """
    if backend not in get_args(Backend):
        raise ValueError(f"backend={backend!r}: expected one of {', '.join(get_args(Backend))}")
    forced = backend == "triton"
    if backend == "auto":
        backend = _from_environment()
    if backend == "reference":
        return False
    runs_here = has_triton() and (tensor.device.type == "cuda" or interpreting())
    if forced and not runs_here:
        raise ValueError(
            f"backend='triton' needs Triton (`pip install triton`) and a CUDA tensor, got a tensor on {tensor.device}; "
            "leave backend='auto' to run the PyTorch reference there"
        )
    if forced and not supported:
        raise ValueError(f"backend='triton' does not cover this call: {why}")
    return runs_here and supported and (tensor.device.type == "cuda" or forced or backend == "triton")


def _from_environment() -> Backend:
    value = os.environ.get(VARIABLE, "auto")
    if value in get_args(Backend):
        return cast(Backend, value)
    raise ValueError(f"{VARIABLE}={value!r}: expected one of {', '.join(get_args(Backend))}")


def on_own_gpu(op: Callable[_P, _R]) -> Callable[_P, _R]:
    """`op` with its first argument's GPU as the current one, where Triton launches whatever the tensors' device is."""
    name = next(iter(inspect.signature(op).parameters))

    @functools.wraps(op)
    def run(*args: _P.args, **options: _P.kwargs) -> _R:
        first: Any = args[0] if args else options.get(name)
        holder = first if isinstance(first, torch.Tensor) else getattr(first, "data", None)
        device: Any = getattr(holder, "device", None)
        if getattr(device, "type", "") != "cuda" or device.index in (None, torch.cuda.current_device()):
            return op(*args, **options)
        with torch.cuda.device(device):
            return op(*args, **options)

    return run
