"""The model that a KL is measured against: a frozen copy, or for LoRA the same model without its adapter."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Reference:
    """Use ``model`` within ``active()``."""

    def __init__(self, policy: Any) -> None:
        self.adapter = hasattr(policy, "disable_adapter")
        self.model = policy if self.adapter else copy.deepcopy(policy).eval()
        if not self.adapter:
            for parameter in self.model.parameters():
                parameter.requires_grad_(False)

    def active(self) -> AbstractContextManager[Any]:
        if not self.adapter:
            return nullcontext()
        context: AbstractContextManager[Any] = self.model.disable_adapter()
        return context

    def take(self, policy: Any) -> None:
        """Become a copy of the policy; without effect for LoRA, whose reference is the base model."""
        if not self.adapter:
            self.model.load_state_dict(policy.state_dict())

    def state(self) -> Any:
        """What a checkpoint has to keep."""
        return None if self.adapter else self.model.state_dict()

    def restore(self, state: Any) -> None:
        if state is not None and not self.adapter:
            self.model.load_state_dict(state)
