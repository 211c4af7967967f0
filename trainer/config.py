"""The run configuration: what a YAML file may say, with defaults, and errors that name the nearest right key."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, field_validator, model_validator

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.rewards.composition import validate
from veritune.trainer.algorithms import ALGORITHMS, Objective
from veritune.trainer.config_sampling import SamplingConfig as SamplingConfig
from veritune.trainer.config_sampling import Strict as Strict
from veritune.trainer.config_sampling import VLLMServerConfig as VLLMServerConfig

Strategy = Literal["auto", "ddp", "fsdp2"]
"""How several processes train one model."""


class LoraConfig(Strict):
    """Low-rank adapters in place of training every weight (peft)."""

    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32, gt=0)
    targets: str | list[str] = "all-linear"
    """Module names, or ``all-linear``: every linear layer but the head."""
    rslora: bool = False
    """Scale by alpha/√rank in place of alpha/rank."""
    save: Literal["adapter", "merged"] = "adapter"
    """What ``model/`` holds at the end: the adapter, or a whole model with the adapter in its weights."""


class ModelConfig(Strict):
    """A checkpoint (``path``) or a model made from scratch (``build``); exactly one of the two."""

    path: str | None = None
    """Folder or hub name of a transformers checkpoint with its tokenizer."""
    build: dict[str, Any] | None = None
    """``model_type`` and the fields of its transformers config; the vocabulary size comes from the tokenizer."""
    tokenizer: str | None = None
    """Folder or hub name of a tokenizer. With ``build`` and without this, the task's own vocabulary is used."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """``auto``: float32 weights, computed in bfloat16 on a GPU that has it. ``bfloat16``: weights too."""
    attention: str | None = None
    """transformers' ``attn_implementation``."""
    activation_checkpointing: bool = False
    fused: bool = True
    """On a GPU, norms and gated MLPs of Llama-like models that keep fewer activations."""
    fp8: bool | Literal["always"] = False
    """Linear layers in FP8 where that is faster (``always``: wherever widths allow); needs an H100 or newer."""
    lora: LoraConfig | None = None
    adapter: Literal["merge", "continue"] = "merge"
    """What becomes of an adapter that ``path`` holds: merged into its base model's weights (with ``lora`` a new one is
    trained on top, else all weights), or trained further itself."""

    @model_validator(mode="after")
    def _one_source(self) -> ModelConfig:
        if (self.path is None) == (self.build is None):
            raise ValueError("give either model.path (a checkpoint) or model.build (a model from scratch)")
        if self.adapter == "continue" and self.lora is not None:
            raise ValueError("adapter: continue goes on with the rank and targets the adapter has; leave out lora")
        if self.build is not None and "model_type" not in self.build:
            raise ValueError("model.build needs a model_type, such as qwen3")
        return self


class DataConfig(Strict):
    """Where prompts come from: files (``train``, ``eval``) or a generated ``task``."""

    task: str | None = None
    """``arithmetic`` or ``countdown``."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the task."""
    train: str | dict[str, float] | None = None
    """A file by its name's end: .jsonl, .json (a list), .csv, .tsv or .parquet; or several, each with its weight: the
    share of the prompts that are drawn from it."""
    eval: str | None = None
    """Held-out rows; without it no evaluation is run on file data."""
    prompt: str = "prompt"
    """The column that holds the prompt, a string or chat messages."""
    template: str | None = None
    """Python format string over the columns, e.g. ``"{question}\\nAnswer in \\\\boxed{{}}."``; replaces ``prompt``."""
    system: str | None = None
    """A system message before the prompt, where it has none of its own; needs a chat template."""
    chat: bool | Literal["auto"] = "auto"
    """Whether to apply the tokenizer's chat template; ``auto``: where it has one. Never to what it has rendered."""
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """What the chat template takes beside the messages, such as ``{enable_thinking: false}``."""
    prefill: str = ""
    """Text that begins every completion, e.g. ``<think>``; it is part of the prompt for the model."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Renames: new name → column in the file."""
    limit: int | None = Field(default=None, ge=1)
    """Use the first rows only."""
    max_prompt_tokens: int | None = Field(default=None, ge=1)
    """Longer prompts are left out of training, warm-up and evaluation, and counted."""

    @field_validator("train")
    @classmethod
    def _weights_are_positive(cls, train: Any) -> Any:
        if isinstance(train, dict) and (not train or not all(math.isfinite(w) and w > 0 for w in train.values())):
            raise ValueError("name at least one file, each with a weight above 0")
        return train

    @model_validator(mode="after")
    def _one_source(self) -> DataConfig:
        if (self.task is None) == (self.train is None):
            raise ValueError("give either data.task (generated) or data.train (a file)")
        return self


OPTIMIZERS = {
    "adamw": "AdamW", "adam": "Adam", "nadam": "NAdam", "radam": "RAdam", "adamax": "Adamax", "adagrad": "Adagrad",
    "adadelta": "Adadelta", "adafactor": "Adafactor", "rmsprop": "RMSprop", "sgd": "SGD",
}  # fmt: skip
"""What ``optimizer`` may say: classes of torch.optim."""


class OptimizerConfig(Strict):
    optimizer: str = "adamw"
    """A class of torch.optim: adamw, adam, nadam, radam, adamax, adagrad, adadelta, adafactor, rmsprop or sgd."""
    optimizer_params: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of that class, such as ``{momentum: 0.9}``."""
    lr: float = Field(default=1e-6, gt=0)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: int = Field(default=0, ge=0)
    final_lr: float = Field(default=0.0, ge=0, le=1)
    """The schedule ends at this share of ``lr``."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of the optimizers that have them."""
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float | None = Field(default=1.0, gt=0)

    @field_validator("optimizer")
    @classmethod
    def _known_optimizer(cls, name: str) -> str:
        if name not in OPTIMIZERS:
            raise ValueError(
                f"unknown optimizer {name!r}.{did_you_mean(name, OPTIMIZERS)} Known: {', '.join(OPTIMIZERS)}"
            )
        return name


class WarmupConfig(OptimizerConfig):
    """Supervised warm-up on demonstrations: of the task, or the ``completion`` column of ``train``."""

    steps: int = Field(default=100, ge=0)
    batch: int = Field(default=64, ge=1)
    lr: float = Field(default=1e-5, gt=0)
    train: str | None = None
    completion: str = "completion"
    habits: list[dict[str, Any]] = Field(default_factory=list)
    """Of a task: how demonstrations look, in order; each entry has ``share`` (of the steps) and the task's options."""


class GRPOConfig(OptimizerConfig):
    """The reinforcement stage. ``algorithm`` fills every part of ``objective`` that is not given."""

    steps: int = Field(default=100, ge=0)
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the rows of ``data.train``, in place of ``steps``."""
    prompts: int = Field(default=16, ge=1)
    """Groups a step."""
    samples: int = Field(default=8, ge=1)
    """Completions a prompt (the group's size)."""
    algorithm: str = "grpo"
    objective: Objective = Field(default_factory=Objective)
    updates: int = Field(default=1, ge=1)
    """Passes over each batch of rollouts."""
    minibatches: int = Field(default=1, ge=1)
    """Optimizer steps a pass."""
    micro_batch_tokens: int = Field(default=6144, ge=1)
    """Padded tokens of one forward pass; more is faster and takes more memory, the result is the same."""
    head: Literal["auto", "fused", "reference"] = "auto"
    """The language head: ``fused`` never holds the logits of all tokens; ``auto``: fused on a GPU and where large."""
    share_prompts: bool = True
    """Run a prompt once for several short completions of it, where the model allows."""
    mask_truncated: bool = False
    """Completions cut at max_tokens count in their group's statistics, and get no gradient."""
    dynamic_sampling: bool = False
    """Draw further prompts until every group has signal (DAPO)."""
    max_draws: int = Field(default=4, ge=1)
    """Most rounds of drawing a step, with dynamic_sampling."""
    reference_every: int | None = Field(default=None, ge=1)
    """Copy the policy into the reference model every so many steps; only with beta > 0."""
    reference_device: str | None = None
    """Where the reference model is: by default where the policy is, else for example ``cuda:1`` or ``cpu``."""
    entropy: bool = True
    """Log the policy's entropy."""
    bad_steps: int = Field(default=5, ge=1)
    """Non-finite losses or gradients in a row that stop the run; each such step is skipped and counted."""

    @field_validator("algorithm")
    @classmethod
    def _known_algorithm(cls, name: str) -> str:
        if name not in ALGORITHMS:
            raise ValueError(
                f"unknown algorithm {name!r}.{did_you_mean(name, ALGORITHMS)} Known: {', '.join(ALGORITHMS)}"
            )
        return name

    @model_validator(mode="after")
    def _fill_objective(self) -> GRPOConfig:
        given = self.objective.model_dump(include=self.objective.model_fields_set)
        self.objective = Objective(**{**ALGORITHMS[self.algorithm], **given})
        if self.samples < 2 and self.objective.baseline in ("group", "leave_one_out"):
            raise ValueError(f"grpo.samples must be 2 or more: {self.algorithm} compares completions of one prompt")
        return self


class EvaluationConfig(Strict):
    prompts: int = Field(default=128, ge=1)
    samples: int = Field(default=1, ge=1)
    """Completions a prompt; more than one adds pass@k."""
    every: int | None = Field(default=None, ge=0)
    """Steps between evaluations; before and after training there is always one, and with 0 or null no other."""
    temperature: float | None = Field(default=None, ge=0)
    """By default the sampling temperature; 0 is greedy."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, lt=1)
    max_tokens: int | None = Field(default=None, ge=1)
    """These four: by default as in training."""
    patience: int | None = Field(default=None, ge=1)
    """Evaluations in a row without a better ``metric`` (or, where it is no reward's name, mean reward) that end the
    stage."""
    metric: str = "accuracy"
    """The reward (by alias) that counts as accuracy in the summary and in pass@k."""


class RolloutConfig(Strict):
    """Completions of several turns, between the policy and a function of the user's. See docs/episodes.md."""

    use: str
    """``file.py:function`` or ``package.module:function``: a generator function, one episode a call."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Its parameters: what it takes after ``*``."""
    max_turns: int = Field(default=8, ge=1)
    """Most turns of the policy; asked for one more, the completion counts as truncated."""
    turn_tokens: int | None = Field(default=None, ge=1)
    """Most tokens of one turn; ``sampling.max_tokens`` bounds the whole completion, the environment's text too."""
    threads: int = Field(default=1, ge=1)
    """Episodes whose function runs at once: more than one pays where it waits for something."""

    @field_validator("use")
    @classmethod
    def _is_a_path(cls, use: str) -> str:
        if not all(use.rpartition(":")[::2]):
            raise ValueError(f"write file.py:function or package.module:function, got {use!r}")
        return use


class DistributedConfig(Strict):
    """Several processes, as ``accelerate launch`` or ``torchrun`` start them."""

    strategy: Strategy = "auto"
    """``ddp``: every process holds the whole model. ``fsdp2``: each a part of every parameter, gradient and moment.
    ``auto``: what ``accelerate launch`` was told (``--use_fsdp --fsdp_version 2``), else ``ddp``."""


class ScoringConfig(Strict):
    """Where completions are scored: in this process, or on a Ray cluster by several actors of one CPU each."""

    executor: Literal["local", "ray"] = "local"
    actors: int = Field(default=4, ge=1)
    overlap: bool = True
    """Score groups as they are complete, while others are still being drawn."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that one call of the rewards may take; beyond it the run ends, its state saved, and says where the
    reward stands. Without it, a call of over a minute is said and waited for."""


class CheckpointConfig(Strict):
    every: int | None = Field(default=None, ge=0)
    """Steps between checkpoints; 0 or null: only at the end. The last state is always saved, whatever ends the run."""
    keep: int = Field(default=2, ge=1)
    best: bool = False
    """Keep the model of the best evaluation in ``best/``."""


class LogConfig(Strict):
    completions_every: int = Field(default=10, ge=1)
    """Steps between saved batches of completions; first and last step always."""
    to: list[Literal["tensorboard", "wandb", "trackio"]] = Field(default_factory=list)
    """Beside metrics.jsonl, which is always written."""


class RunConfig(Strict):
    """One run, one folder. See docs/training.md."""

    seed: int = 0
    output: str = "runs/run"
    resume: bool = False
    """Go on from the newest checkpoint in ``output``."""
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)
    """CPU threads of torch; by default one for models under 5 million parameters."""
    model: ModelConfig
    data: DataConfig
    rewards: Any = None
    """As ``veritune score`` takes them; checked by :func:`veritune.rewards.composition.compose`."""
    preset: str | None = None
    combine: str | None = None
    undecided: str | None = None
    warmup: WarmupConfig | None = None
    grpo: GRPOConfig = Field(default_factory=GRPOConfig)
    sampling: SamplingConfig = Field(default_factory=SamplingConfig)
    rollout: RolloutConfig | None = None
    scoring: ScoringConfig = Field(default_factory=ScoringConfig)
    distributed: DistributedConfig = Field(default_factory=DistributedConfig)
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    checkpoint: CheckpointConfig = Field(default_factory=CheckpointConfig)
    log: LogConfig = Field(default_factory=LogConfig)
    note: str | None = None
    """Printed at the end and in the report."""


def load_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a YAML file, apply ``key.sub=value`` overrides (values in YAML), validate. Raises ConfigError."""
    return parse_config(read_values(path, overrides), str(path))


def read_values(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A YAML file with overrides, not yet validated. Raises ConfigError."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config {str(path)!r}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a YAML file: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold a mapping of sections (model, data, rewards, grpo …), got {values!r:.80}")
    for override in overrides:
        apply_override(values, override)
    return values


def apply_override(values: dict[str, Any], override: str) -> None:
    """Set ``a.b.c=value`` in a nested mapping."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"an override is written key=value, such as grpo.steps=20; got {override!r}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"the value of {key}= is not YAML: {text!r}") from error
    *parents, last = key.strip().split(".")
    node = values
    for parent in parents:
        child = node.setdefault(parent, {})
        if child is None:
            child = node[parent] = {}
        if not isinstance(child, dict):
            raise ConfigError(f"override {override!r}: {parent!r} is {child!r}, not a section")
        node = child
    node[last] = value


def parse_config(values: Mapping[str, Any], where: str = "") -> RunConfig:
    """Validate a mapping. Raises ConfigError, one line a mistake."""
    return validate(RunConfig, dict(values), where)


def rewards_section(config: RunConfig) -> dict[str, Any]:
    """What ``compose`` takes."""
    keys = ("preset", "rewards", "combine", "undecided")
    return {key: getattr(config, key) for key in keys if getattr(config, key) is not None}


def dump_config(config: RunConfig) -> str:
    """The resolved configuration as YAML; reading it gives the same run."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Where two resolved configs differ: ``["grpo.lr: 1e-06 → 0.0001"]``."""
    changes: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            changes += changed_keys(before, after, f"{prefix}{key}.")
        elif before != after:
            changes.append(f"{prefix}{key}: {before!r} → {after!r}")
    return changes
