"""What stages of a policy with prompts have in common: how it is loaded, checked and evaluated."""

from __future__ import annotations

from typing import Any

from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.policy.reference import find_reference
from veritune.trainer.rollout.held_out import best_numbers, evaluate
from veritune.trainer.stages.inputs import read_inputs
from veritune.trainer.stages.interface import Context, Inputs, Records, Say, Stage
from veritune.trainer.stages.preflight import check_model_limits


class PolicyStage(Stage):
    """A stage whose config is a :class:`PolicyRunConfig`."""

    @classmethod
    def read(cls, config: Any, world: World, say: Say) -> Inputs:
        return read_inputs(config, world, say)

    @classmethod
    def numbers(cls, inputs: Inputs) -> list[str]:
        aliases = inputs.rewards.aliases
        return best_numbers(inputs.config, list(inputs.held_out), aliases) if inputs.draws and aliases else []

    @classmethod
    def load_model(cls, inputs: Inputs, config: Any, world: World, say: Say) -> Policy:
        return load_policy(config, inputs.task, place=not world.sharded, say=say)

    @classmethod
    def make_encoder(cls, policy: Policy, config: Any) -> PromptEncoder | None:
        return PromptEncoder(policy.tokenizer, config.data)

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: Any, say: Say) -> None:
        check_model_limits(inputs, policy.model, encode, say)
        section: Any = getattr(inputs.config, cls.name, None)
        if getattr(getattr(section, "objective", None), "beta", 0) > 0 and hasattr(section, "reference"):
            policy.other = find_reference(inputs.config, policy)

    def evaluation_due(self, every: int | None) -> bool:
        """Before the first step, after the last, and every so many."""
        step = self.progress.step
        return step in (0, self.steps) or bool(every and step % every == 0)

    def evaluate(self, context: Context) -> tuple[dict[str, float], Records] | None:
        """Held-out prompts, drawn and scored."""
        sets, drawing = context.inputs.held_out, context.drawing
        if not sets or drawing is None:
            return None
        return evaluate(context.config, context.policy, drawing, sets, context.encode, self.progress.step)
