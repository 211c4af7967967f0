"""Models and optimizers whose tensors are spread over the processes (FSDP2, or the stages of a pipeline), and their
whole state.

What is gathered here is gathered by all processes together: each function but :func:`is_sharded` and :func:`bare` is a
meeting.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from veritune.trainer.policy.decoder import decoder_layers
from veritune.trainer.policy.logprobs import LAST_STATES, TOKEN_LOGPROBS, last_states, token_logprobs
from veritune.trainer.policy.mtp import FUTURE_LOGPROBS, future_logprobs, mtp_of

T = TypeVar("T")
ROOM = 1 / 6
"""The share of a device's memory that whole weights and gradients may take beside their shards: the optimizer's
moments, the sampler's copy and its cache, and activations want the rest."""


@dataclass(frozen=True)
class Home:
    """Where the values of a pipeline's tensor are."""

    held: Sequence[int]
    """The processes that have them; the first is the one to ask."""
    device: torch.device
    """This process's."""


def settle(tensor: Tensor, home: Home) -> None:
    tensor.veritune_home = home  # type: ignore[attr-defined]


def home_of(tensor: Any) -> Home | None:
    """None of a tensor that is no pipeline's."""
    return getattr(tensor, "veritune_home", None)


def bare(model: Any) -> Any:
    """The transformers model inside peft's wrapper."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def is_sharded(model: Any) -> bool:
    """Whether :func:`shard` was applied."""
    base = bare(model)
    return hasattr(base, "unshard") or home_of(next(base.parameters())) is not None


def shard(model: Any, mesh: Any) -> None:
    """Spread the parameters over the processes of ``mesh``, in place: each decoder layer is gathered when it runs.

    Parameters are gathered in their own dtype, so that the numbers are those of one process, to the order of sums.
    Gradients are averaged by FSDP2: a loss that is a sum over processes is to be multiplied by their number.
    """
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    base = bare(model)
    modules = mtp_of(base)
    for layer in [*decoder_layers(base), *(modules.layers if modules is not None else ())]:
        fully_shard(layer, mesh=mesh)
    fully_shard(base, mesh=mesh)
    # What training calls in place of forward: it must gather the embedding and the head as forward would.
    called: dict[str, Callable[..., Any]] = {TOKEN_LOGPROBS: token_logprobs, LAST_STATES: last_states}
    if modules is not None:
        called[FUTURE_LOGPROBS] = future_logprobs
    for name, function in called.items():
        setattr(base, name, MethodType(function, base))
        register_fsdp_forward_method(base, name)


def fits_whole(model: Any) -> bool:
    """Whether every process has room for the whole of a sharded model's weights and gradients, while it is updated."""
    parameters = list(bare(model).parameters())
    device = parameters[0].device
    if device.type != "cuda":
        return True
    size = sum(p.numel() * p.element_size() * (2 if p.requires_grad else 1) for p in parameters)
    return bool(size <= ROOM * torch.cuda.get_device_properties(device).total_memory)


def gathered_once(model: Any, cuts: Sequence[T]) -> Iterator[T]:
    """The micro-batches of an optimizer step, one after the other; a sharded model's weights stay whole from the first
    one's forward pass to the end of the last one, whose backward pass reduces the gradients of all."""
    root = bare(model)
    parts = [module for module in root.modules() if hasattr(module, "unshard")]
    try:
        root.set_reshard_after_forward(False)
        for number, cut in enumerate(cuts, 1):
            last = number == len(cuts)
            root.set_reshard_after_backward(last)
            root.set_requires_gradient_sync(last)
            yield cut
    finally:
        root.set_reshard_after_backward(True)
        root.set_requires_gradient_sync(True)
        for part in parts:
            part.set_reshard_after_forward(part is not root, recurse=False)
            part.reshard()  # after passes without backward: a copy that the optimizer does not see


def spare_copy(model: Any) -> Any:
    """A frozen copy on the CPU, of a model that is about to be sharded and cannot be copied then."""
    made = copy.deepcopy(model).to("cpu").eval()
    for parameter in made.parameters():
        parameter.requires_grad_(False)
    return made


def whole(tensor: Tensor) -> Tensor:
    """The tensor without gradient; gathered where it is sharded, asked for where another process has it."""
    home = home_of(tensor)
    if home is not None:
        return _asked(tensor, home)
    sharded: Any = tensor
    if not hasattr(sharded, "full_tensor"):
        return tensor.detach()
    if tensor.dtype is torch.int16:  # which neither gloo nor NCCL sends: the same bits under another name
        sharded = _renamed(tensor, torch.bfloat16)
    gathered: Tensor = sharded.full_tensor()
    return gathered.view(tensor.dtype).detach()


def whole_state(model: Any, keep: bool = True) -> dict[str, Tensor]:
    """Name → whole parameter or buffer on the CPU, one at a time; empty where not to ``keep``. Tied ones are one."""
    found: dict[int, Tensor] = {}
    state: dict[str, Tensor] = {}
    for name, value in _named(model):
        tensor = found.get(id(value))
        if tensor is None:
            gathered = whole(value)
            tensor = found[id(value)] = gathered.cpu() if keep else gathered.new_empty(0)
        if keep:
            state[name] = tensor
    return state


@torch.no_grad()
def copy_weights(source: Any, target: Any) -> None:
    """Every parameter and buffer of ``target`` takes the value it has in ``source``; either may be sharded."""
    values = dict(_named(source))
    for name, own in _named(target):
        _write(own, whole(values[name]))


def trained(model: Any) -> dict[str, Tensor]:
    """What training changes of a model that is whole: its trained parameters, and persistent buffers, as they live."""
    return {n: v for n, v in _named(model) if not isinstance(v, torch.nn.Parameter) or v.requires_grad}


@torch.no_grad()
def copy_values(values: Mapping[str, Tensor], target: Any) -> None:
    """Write values into the parameters and buffers of these names, on whatever device they are."""
    for name, own in _named(target):
        if name in values:
            own.copy_(values[name])


@torch.no_grad()
def blend_weights(source: Any, target: Any, decay: float) -> None:
    """Every parameter and buffer of ``target`` becomes ``decay`` of itself and the rest of ``source``'s."""
    values, done = dict(_named(source)), set[int]()
    for name, own in _named(target):
        if id(own) in done:  # tied: under each of its names the same
            continue
        done.add(id(own))
        value = whole(values[name])
        if own.is_floating_point():
            own.mul_(decay).add_(_placed(value.to(own.device, own.dtype), own), alpha=1 - decay)
        else:
            _write(own, value)


@torch.no_grad()
def load_whole(model: Any, state: Mapping[str, Tensor]) -> None:
    """Write whole values (those of :func:`whole_state`) into a model, sharded or not."""
    for name, own in _named(model):
        _write(own, state[name])


@torch.no_grad()
def load_named(model: Any, state: Mapping[str, Tensor]) -> None:
    """Write whole values into the parameters of these names alone."""
    for name, own in model.named_parameters():
        if name in state:
            _write(own, state[name])


def whole_optimizer(optimizer: torch.optim.Optimizer, keep: bool = True) -> dict[str, Any]:
    """``optimizer.state_dict()`` with every sharded tensor whole, on the CPU; empty where not to ``keep``."""
    state = optimizer.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if any(home_of(p) is not None for p in parameters):
        return {**state, "state": _told(parameters, state["state"], keep)} if keep else _nothing(parameters, state)
    gathered = {
        index: {name: _gathered(value, keep) for name, value in entries.items()}
        for index, entries in state["state"].items()
    }
    return {**state, "state": gathered} if keep else {}


def load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Load the state of :func:`whole_optimizer`, or of an optimizer that was never sharded.

    Moments are the saved ones, settings (betas, weight decay …) those that ``optimizer`` was made with.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    placed = {
        # copied: what was read may be a view of the checkpoint's file, which does not stay
        index: {name: _own(_placed(value, parameters[index])) for name, value in entries.items()}
        for index, entries in state["state"].items()
        if not parameters[index].is_meta  # another process's
    }
    groups = [
        {**saved, **{name: value for name, value in own.items() if name != "params"}}
        for saved, own in zip(state["param_groups"], optimizer.param_groups, strict=True)
    ]
    optimizer.load_state_dict({**state, "state": placed, "param_groups": groups})


def _named(model: Any) -> list[tuple[str, Tensor]]:
    """Every parameter and persistent buffer by name, tied ones under each of their names, as the live objects."""
    persistent = set(model.state_dict(keep_vars=True))
    named = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    return [(name, value) for name, value in named if name in persistent]


def _renamed(tensor: Any, dtype: torch.dtype) -> Any:
    """A sharded tensor whose bits are taken for numbers of another kind, of the same size."""
    from torch.distributed.tensor import DTensor

    local = tensor.to_local().contiguous().view(dtype)
    shape, stride = tensor.shape, tensor.stride()
    return DTensor.from_local(local, tensor.device_mesh, tensor.placements, run_check=False, shape=shape, stride=stride)


def _asked(tensor: Tensor, home: Home) -> Tensor:
    """The values of a pipeline's tensor, from the first process that holds it."""
    value = tensor.detach()
    if value.is_meta:
        value = torch.empty(tensor.shape, dtype=tensor.dtype, device=home.device)
    dist.broadcast(value, home.held[0])
    return value


def _told(
    parameters: Sequence[Tensor], state: Mapping[int, Mapping[str, Any]], keep: bool
) -> dict[int, dict[str, Any]]:
    """The optimizer's entries of every parameter, from the process that has them, one parameter at a time."""
    found: dict[int, dict[str, Any]] = {}
    for index, parameter in enumerate(parameters):
        home = home_of(parameter)
        assert home is not None
        mine = {name: _gathered(value, True) for name, value in state.get(index, {}).items()}
        holder = [mine]
        dist.broadcast_object_list(holder, src=home.held[0])
        if keep and holder[0]:
            found[index] = holder[0]
    return found


def _nothing(parameters: Sequence[Tensor], state: Mapping[str, Any]) -> dict[str, Any]:
    _told(parameters, state["state"], keep=False)
    return {}


def _write(own: Tensor, value: Tensor) -> None:
    if not own.is_meta:
        own.copy_(_placed(value.to(own.dtype), own))


def _placed(value: T, like: Tensor) -> T:
    """A whole tensor as ``like`` is: sharded over the same mesh, or as it stands."""
    mesh = getattr(like, "device_mesh", None)
    if mesh is None or not isinstance(value, Tensor) or value.shape != like.shape:
        return value
    from torch.distributed.tensor import DTensor, distribute_tensor

    if isinstance(value, DTensor):
        return value
    # Every process has the whole: each takes its part, and nothing is sent.
    return distribute_tensor(value.to(like.device), mesh, like.placements, src_data_rank=None)  # type: ignore[attr-defined,return-value]


def _own(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _gathered(value: Any, keep: bool) -> Any:
    if not isinstance(value, Tensor):
        return value
    return whole(value).cpu() if keep else whole(value).new_empty(0)
