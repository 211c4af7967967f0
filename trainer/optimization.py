"""Optimizer and learning-rate schedule, shared by the warm-up and the reinforcement stage."""

from __future__ import annotations

import math
from typing import Any

import torch

from veritune.trainer.config import OptimizerConfig
from veritune.trainer.sharding import whole


def make_optimizer(model: Any, config: OptimizerConfig) -> torch.optim.AdamW:
    """AdamW; weight decay on matrices only."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    fused = all(p.is_cuda for p in matrices)  # one kernel for all parameters
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.lr, betas=config.betas, fused=fused or None)


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
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm if math.isfinite(norm) else None
