"""AdamW for weights in bfloat16 with the updates of float32: what a weight lacks of float32 is kept beside it.

A step of lr 1e-6 is a hundredth of the distance between two bfloat16 numbers near 0.02: without the rest it is lost. A
weight in bfloat16 and 16 bits more are exactly one in float32 (arXiv:2010.06192 splits them so); moments are float32.
That is 12 bytes a weight beside the gradient's 2, as many as float32 weights and moments take beside the gradient's 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from veritune.kernels.backend import wants_triton


class AdamW(torch.optim.Optimizer):
    """Decoupled weight decay (arXiv:1711.05101), as :class:`torch.optim.AdamW`; bfloat16 parameters hold the upper
    half of a float32 weight, ``rest`` in the state the lower."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
        return loss

    def _update(self, parameter: Tensor, group: Mapping[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(parameter, dtype=torch.float32)
            state["exp_avg_sq"] = torch.zeros_like(parameter, dtype=torch.float32)
            if parameter.dtype is torch.bfloat16:
                state["rest"] = torch.zeros_like(parameter, dtype=torch.int16)
        state["step"] += 1
        beta, beta_sq = group["betas"]
        step = int(state["step"])
        correction, correction_sq = 1 - beta**step, 1 - beta_sq**step
        rest = state.get("rest")
        tensors = [parameter, parameter.grad, state["exp_avg"], state["exp_avg_sq"], rest]
        own, gradient, average, average_sq, rest = (_local(t) for t in tensors)
        assert own is not None
        assert gradient is not None
        assert average is not None
        assert average_sq is not None
        numbers = (group["lr"], beta, beta_sq, group["eps"], group["weight_decay"], correction, correction_sq)
        if rest is not None and own.is_contiguous() and gradient.is_contiguous() and wants_triton(own, "auto"):
            from veritune.trainer.policy.adamw_launch import update

            update(own, rest, gradient, average, average_sq, *numbers)
            torch.autograd.graph.increment_version(parameter)
            return
        wide = own if rest is None else joined(own, rest)
        _adamw(wide, gradient.float(), average, average_sq, *numbers)
        if rest is not None:
            split_into(wide, own, rest)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As it was saved: torch would give moments and ``rest`` the parameters' dtype."""
        super().load_state_dict(state_dict)
        parameters = [p for group in self.param_groups for p in group["params"]]
        numbers = [n for group in state_dict["param_groups"] for n in group["params"]]
        for number, parameter in zip(numbers, parameters, strict=True):
            for name, value in state_dict["state"].get(number, {}).items():
                if isinstance(value, Tensor) and value.ndim == parameter.ndim:
                    value = value.float() if value.is_floating_point() else value
                    self.state[parameter][name] = value.to(parameter.device, copy=True)
            state = self.state[parameter]
            if state and parameter.dtype is torch.bfloat16 and "rest" not in state:  # as torch's optimizer saved it
                state["rest"] = torch.zeros_like(parameter, dtype=torch.int16)


def _adamw(
    wide: Tensor,
    gradient: Tensor,
    average: Tensor,
    average_sq: Tensor,
    lr: float,
    beta: float,
    beta_sq: float,
    eps: float,
    decay: float,
    correction: float,
    correction_sq: float,
) -> None:
    """One step in float32, in place."""
    wide.mul_(1 - lr * decay)
    average.lerp_(gradient, 1 - beta)
    average_sq.mul_(beta_sq).addcmul_(gradient, gradient, value=1 - beta_sq)
    wide.addcdiv_(average, (average_sq / correction_sq).sqrt_().add_(eps), value=-lr / correction)


def joined(upper: Tensor, rest: Tensor) -> Tensor:
    """The float32 numbers whose nearest bfloat16 are ``upper``, by their bits: upper · 2^16 + rest."""
    bits = (upper.view(torch.int16).to(torch.int32) << 16) + rest.to(torch.int32)
    return bits.view(torch.float32)


def split_into(wide: Tensor, upper: Tensor, rest: Tensor) -> None:
    """The inverse of :func:`joined`, in place; half way between two bfloat16 numbers away from 0."""
    bits = wide.view(torch.int32)
    high = (bits + 0x8000) >> 16
    rest.copy_(bits - (high << 16))
    upper.view(torch.int16).copy_(high)


def _local(tensor: Tensor | None) -> Tensor | None:
    """This process's part, where a tensor is spread over several."""
    own = getattr(tensor, "to_local", None)
    return tensor if own is None else own()
