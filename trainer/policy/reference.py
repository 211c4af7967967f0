"""The model that a KL is measured against: the policy as it was when the stage began, or as it was last taken over;
or, where the config says so, the model without its adapter, or another folder's model or adapter.

Of a whole policy it is a frozen copy. Of one with an adapter it is the same model with the adapter's earlier weights in
place, or with the adapter switched off where it changed nothing then: no second model is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from veritune.plugins import ConfigError
from veritune.trainer.config import PolicyRunConfig
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.lora import adapter_like, has_adapter, untouched
from veritune.trainer.policy.models import Policy, load_other, pick_device
from veritune.trainer.policy.mtp import copy_without_mtp
from veritune.trainer.policy.sharding import blend_weights, copy_weights, load_named, load_whole, whole, whole_state


class Reference:
    """Use ``model`` on ``device`` within ``active()``."""

    def __init__(
        self, policy: Policy, world: World = ALONE, device: str | None = None, other: Any = None, averaged: bool = False
    ) -> None:
        """``device``: by default the policy's. Of a sharded policy the copy is sharded too, beside it.

        ``other``: a whole model that is the reference for good; or the weights of an adapter of the policy's shape, by
        name, none of them: the adapter switched off. ``averaged``: :meth:`blend` will be called.
        """
        self.averaged = averaged
        self.adapter = has_adapter(policy.model) and (other is None or isinstance(other, dict))
        self.fixed = other is not None
        """Whether it stays what the config names, and no checkpoint has to keep it."""
        self.device = policy.device
        self.earlier: dict[str, Tensor] | None = None
        """The adapter's weights then, this process's part of them; None where it is switched off instead."""
        if self.adapter:
            self.model = policy.model
            if other is None:
                self.take(self.model)
            else:
                self._become(other)
            return
        if other is not None or not world.sharded:
            self.device = policy.device if device is None else pick_device(device)
            self.model = (copy_without_mtp(policy.model) if other is None else other).eval()
            for parameter in self.model.parameters():
                parameter.requires_grad_(False)
            if world.sharded:
                world.shard(self.model)
            else:
                self.model.to(self.device)
        else:
            self.model = copy_without_mtp(policy.spare)
            world.shard(self.model)
            copy_weights(policy.model, self.model)

    @contextmanager
    def active(self) -> Iterator[None]:
        if not self.adapter:
            yield
        elif self.earlier is None:
            with self.model.disable_adapter():
                yield
        else:
            self._swap()
            try:
                yield
            finally:
                self._swap()

    def follow(self, policy: Any, step: int, every: int | None, ema: float | None) -> None:
        """After step ``step``: become the policy every so many steps, or be mixed with it (by default at each)."""
        every = every or (1 if ema is not None else None)
        if every is None or step % every:
            return
        if ema is None:
            self.take(policy)
        else:
            self.blend(policy, ema)

    def take(self, policy: Any) -> None:
        """Become what the policy is now."""
        if not self.adapter:
            copy_weights(policy, self.model)
        elif untouched(self.model) and not self.averaged:
            self.earlier = None
        else:
            self.earlier = {name: local.clone() for name, local in _trained(self.model)}

    @torch.no_grad()
    def blend(self, policy: Any, decay: float) -> None:
        """Become ``decay`` of what it is and the rest of what the policy is now; of an adapter, factor by factor."""
        if not self.adapter:
            blend_weights(policy, self.model, decay)
            return
        assert self.earlier is not None
        for name, local in _trained(self.model):
            self.earlier[name].mul_(decay).add_(local, alpha=1 - decay)

    def state(self, keep: bool = True) -> Any:
        """What a checkpoint has to keep; of a sharded model gathered by all, for those that ``keep`` it."""
        if self.fixed:
            return None
        if not self.adapter:
            return whole_state(self.model, keep)
        if self.earlier is None:
            return {}
        with self.active():
            found = {n: whole(p).cpu().clone() for n, p in self.model.named_parameters() if p.requires_grad}
        return found if keep else {}

    def restore(self, state: Any) -> None:
        """Become what a checkpoint kept."""
        if self.fixed:
            return
        if self.adapter:
            self._become(state)
        else:
            load_whole(self.model, state)

    def _become(self, state: dict[str, Tensor]) -> None:
        """These weights of the adapter, or without any the model without it."""
        self.earlier = None
        if state:
            now = {name: local.clone() for name, local in _trained(self.model)}
            load_named(self.model, state)
            self.earlier = {name: local.clone() for name, local in _trained(self.model)}
            self._swap_with(now)

    def _swap(self) -> None:
        assert self.earlier is not None
        self._swap_with(self.earlier)

    def _swap_with(self, others: dict[str, Tensor]) -> None:
        """The adapter's weights and these change places. Not counted as a change: what autograd holds of the policy's
        pass is the parameters themselves, which are back before the backward."""
        for name, local in _trained(self.model):
            kept = local.clone()
            local.copy_(others[name])
            others[name] = kept


def make_reference(config: PolicyRunConfig, policy: Policy, world: World = ALONE) -> Reference:
    """What ``reference`` names in the stage's section. Raises ConfigError as :func:`find_reference` does."""
    section = getattr(config, config.stage)
    if section.reference == "start":
        return Reference(policy, world, section.reference_device, averaged=_averaged(section))
    other, policy.other = find_reference(config, policy) if policy.other is None else policy.other, None
    return Reference(policy, world, section.reference_device, other=other)


def find_reference(config: PolicyRunConfig, policy: Policy) -> Any:
    """The whole model that ``reference`` names, or an adapter's weights (none of them: without it); None for ``start``.

    Raises ConfigError where it is no model of the policy's vocabulary.
    """
    wanted = getattr(config, config.stage).reference
    if wanted == "start":
        return None
    if has_adapter(policy.model):
        weights = {} if wanted == "base" else adapter_like(policy.model, wanted)
        if weights is not None:
            return weights
    path = config.model.path if wanted == "base" else wanted
    if path is None:
        raise ConfigError(
            f"{config.stage}.reference: base is what model.path holds, and this model is made from scratch"
        )
    try:
        return load_other(path, config.model, policy)
    except ConfigError as error:
        raise ConfigError(f"{config.stage}.reference: {error}") from error


def _averaged(section: Any) -> bool:
    return getattr(section, "reference_ema", None) is not None


def _trained(model: Any) -> list[tuple[str, Tensor]]:
    """The trained parameters' own data, of sharded ones this process's part."""
    found = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            data = parameter.data
            found.append((name, data.to_local() if hasattr(data, "to_local") else data))
    return found
