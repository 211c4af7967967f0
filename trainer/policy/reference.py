"""The model that a KL is measured against: the policy as it was when the stage began, or as it was last taken over.

Of a whole policy it is a frozen copy. Of one with an adapter it is the same model with the adapter's earlier weights in
place, or with the adapter switched off where it changed nothing then: no second model is held.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.lora import has_adapter, untouched
from veritune.trainer.policy.models import Policy, pick_device
from veritune.trainer.policy.sharding import copy_weights, load_named, load_whole, whole, whole_state


class Reference:
    """Use ``model`` on ``device`` within ``active()``."""

    def __init__(self, policy: Policy, world: World = ALONE, device: str | None = None) -> None:
        """``device``: by default the policy's. Of a sharded policy the copy is sharded too, beside it."""
        self.adapter = has_adapter(policy.model)
        self.device = policy.device
        self.earlier: dict[str, Tensor] | None = None
        """The adapter's weights then, this process's part of them; None where it is switched off instead."""
        if self.adapter:
            self.model = policy.model
            self.take(self.model)
            return
        if not world.sharded:
            self.device = policy.device if device is None else pick_device(device)
            self.model = copy.deepcopy(policy.model).to(self.device).eval()
            for parameter in self.model.parameters():
                parameter.requires_grad_(False)
        else:
            self.model = copy.deepcopy(policy.spare)
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

    def take(self, policy: Any) -> None:
        """Become what the policy is now."""
        if not self.adapter:
            copy_weights(policy, self.model)
        elif untouched(self.model):
            self.earlier = None
        else:
            self.earlier = {name: local.clone() for name, local in _trained(self.model)}

    def state(self, keep: bool = True) -> Any:
        """What a checkpoint has to keep; of a sharded model gathered by all, for those that ``keep`` it."""
        if not self.adapter:
            return whole_state(self.model, keep)
        if self.earlier is None:
            return {}
        with self.active():
            found = {n: whole(p).cpu().clone() for n, p in self.model.named_parameters() if p.requires_grad}
        return found if keep else {}

    def restore(self, state: Any) -> None:
        """Become what a checkpoint kept."""
        if not self.adapter:
            load_whole(self.model, state)
        elif not state:
            self.earlier = None
        else:
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


def _trained(model: Any) -> list[tuple[str, Tensor]]:
    """The trained parameters' own data, of sharded ones this process's part."""
    found = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            data = parameter.data
            found.append((name, data.to_local() if hasattr(data, "to_local") else data))
    return found
