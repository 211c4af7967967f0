"""The model that a run leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.lora import has_adapter, merged
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.sharding import whole_state


def save_model(folder: Path, policy: Policy, world: World = ALONE, merge: bool = False) -> None:
    """The whole model and its tokenizer, written by process 0; with ``merge`` the adapter is in the weights."""
    if merge and has_adapter(policy.model):
        world.only_first(lambda: replace(policy, model=merged(policy.model)).save(folder))
        return
    weights = whole_state(policy.model, world.first) if world.sharded else None
    world.only_first(lambda: policy.save(folder, weights))
