"""Settings that are allowed and, because of others, come to nothing: said before the run begins."""

from __future__ import annotations

from typing import Any

from veritune.trainer.config import OptimizerConfig
from veritune.trainer.rollout.decode.rescore import truncated

WITHOUT_BETAS = ("adagrad", "adadelta", "adafactor", "rmsprop", "sgd")


def idle_settings(config: Any) -> list[str]:
    """A sentence for each of them."""
    found: list[str] = []
    for name in type(config).model_fields:
        section = getattr(config, name)
        if isinstance(section, OptimizerConfig):
            found += [f"{name}.{words}" for words in [*_of_section(section), *_of_optimizer(section, config)]]
    objective = getattr(getattr(config, "grpo", None), "objective", None)
    if objective is not None and objective.importance != "none" and truncated(config.sampling):
        found.append(
            "grpo.objective.importance: with top_k, top_p or min_p the sampler's log-probs are those of the whole "
            "distribution, and what was cut away is not corrected"
        )
    return found


def _of_optimizer(section: OptimizerConfig, config: Any) -> list[str]:
    found, kind, model = [], section.optimizer, getattr(config, "model", None)
    if section.betas != type(section).model_fields["betas"].default and kind in WITHOUT_BETAS:
        found.append(f"betas: {kind} has none, and nothing comes of it")
    lora = getattr(model, "lora", None)
    adapter = lora is not None or getattr(model, "adapter", "merge") == "continue"
    wide = adapter and not getattr(lora, "modules_to_save", [])  # an adapter is float32, whatever it stands on
    further = sorted(section.optimizer_params.keys() - {"eps"})
    if getattr(model, "dtype", "auto") == "bfloat16" and not wide and (kind != "adamw" or further):
        what = f"optimizer: {kind}" if kind != "adamw" else f"optimizer_params.{further[0]}"
        found.append(
            f"{what}: with it nothing is kept of what the rounding of model.dtype: bfloat16 takes away, and small "
            "steps are lost; adamw without arguments but eps keeps it"
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
