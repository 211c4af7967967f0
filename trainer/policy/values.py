"""The value model: how much reward is still to come, estimated before every token and after the last one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from veritune.plugins import ConfigError
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.logprobs import completion_states
from veritune.trainer.policy.models import Policy


class ValueModel(torch.nn.Module):
    """A linear head on the last states of the policy itself (``head``) or of a copy of it (``copy``).

    The head begins at zero: the first estimate is 0 everywhere. ``parameters()`` are those that are not the policy's.
    """

    def __init__(self, policy: Policy, kind: Literal["copy", "head"]) -> None:
        """Raises ConfigError where the architecture has no separate decoder."""
        super().__init__()
        model, self.policy = policy.model, policy
        self.head = torch.nn.Linear(states_size(model), 1, device=policy.device)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)
        self.copied = _without_language_head(copy.deepcopy(model)) if kind == "copy" else None

    def values(self, rollouts: Sequence[Rollout]) -> Tensor:
        """(B, T + 1) float32: at t the estimate before token t, at a row's length the one after its last token."""
        tokens = [[*r.token_ids, 0] for r in rollouts]  # what stands there is never read: its state is not looked at
        batch = make_batch([r.prompt_ids for r in rollouts], tokens, self.policy.device)
        model = self.policy.model if self.copied is None else self.copied
        trained = model.training
        model.train(torch.is_grad_enabled())  # an adapter's dropout is for updates: what is estimated has no noise
        with self.policy.autocast():
            states_NH = completion_states(model, batch)
        model.train(trained)
        with torch.autocast(states_NH.device.type, enabled=False):
            values_N: Tensor = self.head(states_NH.float())[:, 0]
        return values_N.new_zeros(batch.mask_RT.shape).masked_scatter(batch.mask_RT, values_N)

    def trained_state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps: the trained parameters, on the CPU."""
        return {name: p.detach().cpu().clone() for name, p in self.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def load_trained(self, state: dict[str, Tensor]) -> None:
        """Go on with :meth:`trained_state`."""
        for name, parameter in self.named_parameters():
            if name in state:
                parameter.copy_(state[name])


def states_size(model: Any) -> int:
    """The width of a model's last states. Raises ConfigError where there are none that a head could read."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    size = getattr(inner.config.get_text_config(), "hidden_size", None)
    if not hasattr(inner, "get_decoder") or size is None:
        raise ConfigError(f"ppo.value: {type(inner).__name__} has no decoder whose states a value head could read")
    return int(size)


def _without_language_head(model: Any) -> Any:
    """Its matrix is not trained, where it is not the embedding too: no value depends on it."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    head, shared = inner.get_output_embeddings(), {id(p) for p in inner.get_input_embeddings().parameters()}
    for parameter in head.parameters() if head is not None else ():
        if id(parameter) not in shared:
            parameter.requires_grad_(False)
    return model
