"""Optimizer and learning-rate schedule, shared by the warm-up and the reinforcement stage."""

from __future__ import annotations

import inspect
import math
from contextlib import suppress
from typing import Any

import torch

from veritune.plugins import ConfigError, RunError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import OPTIMIZERS, OptimizerConfig
from veritune.trainer.policy.adamw import AdamW
from veritune.trainer.policy.experts.routing import balance_after_step
from veritune.trainer.policy.sharding import whole


def make_optimizer(model: Any, config: OptimizerConfig) -> torch.optim.Optimizer:
    """The optimizer that the config names; weight decay on matrices only. Raises ConfigError for wrong arguments."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    kind = getattr(torch.optim, OPTIMIZERS[config.optimizer])
    halves = any(p.dtype is torch.bfloat16 for p in (*matrices, *others))
    if kind is torch.optim.AdamW and halves and config.optimizer_params.keys() <= {"eps"}:
        kind = AdamW  # else most steps would be lost in the weights' rounding
    takes = {k: v for k, v in inspect.signature(kind).parameters.items() if k not in ("params", "differentiable")}
    given: dict[str, Any] = {"lr": config.lr}
    if "betas" in takes:
        given["betas"] = config.betas
    there = all(p.is_cuda or p.is_meta for p in matrices) or _plain_on_cpu([*matrices, *others])
    if "fused" in takes and there and "foreach" not in config.optimizer_params:
        given["fused"] = True  # one kernel for all parameters
    beside = [name for name in ("lr", "weight_decay") if name in config.optimizer_params]
    if beside:
        raise ConfigError(f"optimizer_params: {beside[0]} is a key of its own, beside optimizer_params")
    unknown = [name for name in config.optimizer_params if name not in takes]
    if unknown:
        known = sorted(takes.keys() - {"lr", "weight_decay"})
        raise ConfigError(
            f"optimizer_params: {config.optimizer} takes no {unknown[0]!r}.{did_you_mean(unknown[0], known)} "
            f"It takes {', '.join(known)}"
        )
    further = {name: _argument(name, value, takes[name].default) for name, value in config.optimizer_params.items()}
    try:
        made: torch.optim.Optimizer = kind([g for g in groups if g["params"]], **{**given, **further})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"optimizer {config.optimizer}: {error}") from error
    return made


def _plain_on_cpu(parameters: list[torch.nn.Parameter]) -> bool:
    """Whether the CPU's fused optimizers take them: of one process, in full precision."""
    whole = all(p.device.type == "cpu" and not hasattr(p, "to_local") for p in parameters)
    return whole and all(p.dtype in (torch.float32, torch.float64) for p in parameters)


def _argument(name: str, value: Any, default: Any) -> Any:
    """The value as torch takes it, a number also where it is written as a text. Raises ConfigError where it is of
    another kind than the ``default``."""
    kind = None
    if isinstance(default, bool):
        kind = None if isinstance(value, bool) else "true or false"
    elif isinstance(default, int | float):
        value = _number(value)
        kind = None if isinstance(value, int | float) else "a number"
    elif isinstance(default, tuple):
        value = tuple(map(_number, value)) if isinstance(value, list | tuple) else value
        numbers = isinstance(value, tuple) and all(isinstance(one, int | float | None) for one in value)
        kind = None if numbers and len(value) == len(default) else f"a list of {len(default)} numbers"
    if kind is not None:
        raise ConfigError(f"optimizer_params.{name}: {kind} is expected, got {value!r}; its default is {default!r}")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value)  # which is none
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return value


def set_lr(optimizer: torch.optim.Optimizer, config: OptimizerConfig, step: int, steps: int) -> float:
    """The rate of step ``step`` (from 0): a linear rise, then constant, linear or cosine down to ``final_lr``."""
    rise = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    progress = step / max(1, steps)
    fall = {"constant": 1.0, "linear": 1 - progress, "cosine": (1 + math.cos(math.pi * progress)) / 2}[config.schedule]
    if config.schedule != "constant":
        fall = max(fall, config.final_lr)
    lr = config.lr * rise * fall
    for group in optimizer.param_groups:
        group["lr"] = lr
    return lr


def gradient_step(model: Any, optimizer: torch.optim.Optimizer, clip_norm: float | None) -> float | None:
    """Clip and step; the gradient's norm, or None where it is not finite and nothing was changed."""
    parameters = [p for p in model.parameters() if p.grad is not None]
    total = torch.nn.utils.clip_grad_norm_(parameters, clip_norm if clip_norm is not None else math.inf)
    norm = float(whole(total))  # of sharded gradients it is a sum over processes
    if math.isfinite(norm):
        try:
            optimizer.step()
        except RuntimeError as error:
            if "overflow" not in str(error):
                raise
            raise RunError(f"the optimizer's step overflows ({error}): lower lr") from error
    optimizer.zero_grad(set_to_none=True)
    balance_after_step(model, math.isfinite(norm))
    return norm if math.isfinite(norm) else None


class BadSteps:
    """Counts updates in a row that were skipped because a loss or gradient was not finite; too many end the run."""

    def __init__(self, most: int) -> None:
        self.most, self.count = most, 0

    def watch(self, finite: bool, where: str, hint: str) -> None:
        """Raises RunError at the ``most``-th in a row. ``where`` is the step, ``hint`` what to do."""
        self.count = 0 if finite else self.count + 1
        if self.count >= self.most:
            raise RunError(
                f"{self.count} updates in a row had a loss or gradient that is not finite (last at {where}); {hint}"
            )
