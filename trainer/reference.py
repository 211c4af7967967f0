"""The model that a KL is measured against: a frozen copy, or for LoRA the same model without its adapter."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from veritune.trainer.distributed import ALONE, World
from veritune.trainer.models import Policy, pick_device
from veritune.trainer.sharding import copy_weights, load_whole, whole_state


class Reference:
    """Use ``model`` on ``device`` within ``active()``."""

    def __init__(self, policy: Policy, world: World = ALONE, device: str | None = None) -> None:
        """``device``: by default the policy's. Of a sharded policy the copy is sharded too, beside it."""
        self.adapter = hasattr(policy.model, "disable_adapter")
        self.device = policy.device
        if self.adapter:
            self.model = policy.model
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

    def active(self) -> AbstractContextManager[Any]:
        if not self.adapter:
            return nullcontext()
        context: AbstractContextManager[Any] = self.model.disable_adapter()
        return context

    def take(self, policy: Any) -> None:
        """Become a copy of the policy; without effect for LoRA, whose reference is the base model."""
        if not self.adapter:
            copy_weights(policy, self.model)

    def state(self, keep: bool = True) -> Any:
        """What a checkpoint has to keep; of a sharded model gathered by all, for those that ``keep`` it."""
        return None if self.adapter else whole_state(self.model, keep)

    def restore(self, state: Any) -> None:
        if state is not None and not self.adapter:
            load_whole(self.model, state)
