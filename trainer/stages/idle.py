"""Settings that are allowed and, because of others, come to nothing: said before the run begins."""

from __future__ import annotations

from typing import Any

from veritune.trainer.config import OptimizerConfig
from veritune.trainer.rollout.decode.rescore import truncated


def idle_settings(config: Any) -> list[str]:
    """A sentence for each of them."""
    found: list[str] = []
    for name in type(config).model_fields:
        section = getattr(config, name)
        if isinstance(section, OptimizerConfig):
            found += [f"{name}.{words}" for words in _of_section(section)]
    objective = getattr(getattr(config, "grpo", None), "objective", None)
    if objective is not None and objective.importance != "none" and truncated(config.sampling):
        found.append(
            "grpo.objective.importance: with top_k, top_p or min_p the sampler's log-probs are those of the whole "
            "distribution, and what was cut away is not corrected"
        )
    return found


def _of_section(section: OptimizerConfig) -> list[str]:
    found = []
    steps = getattr(section, "steps", None)
    if section.final_lr and section.schedule == "constant":
        found.append(f"final_lr: with schedule: constant the rate stays at lr={section.lr:g}; say linear or cosine")
    if steps and section.warmup_steps > steps:
        found.append(f"warmup_steps: {section.warmup_steps} of {steps} steps; lr={section.lr:g} is never reached")
    beta = getattr(getattr(section, "objective", None), "beta", None)
    if beta == 0 and getattr(section, "reference_every", None):
        found.append("reference_every: with objective.beta: 0 there is no reference")
    return found
