"""What a run can do: one class a stage, and a line in :data:`veritune.trainer.stages.table.STAGES`.

A stage in full::

    class Name(PolicyStage):                  # PolicyStage: a policy, prompts, drawing; else Stage itself
        name = "name"                         # `stage: name`, the config's section, the phase in log and checkpoints
        title = "Name"                        # the progress bar's
        config_type = NameRunConfig           # a PolicyRunConfig with `stage: Literal["name"]` and the section `name`

        @classmethod
        def read(cls, config, world, say):    # before there is a model: rows, and every check that needs none
            inputs = read_inputs(config, world, say)
            inputs.own = ...                  # rows of its own
            return inputs

        @classmethod
        def begin(cls, context):              # the model is there: self.progress, optimizer, reference, what it holds
            ...

        steps = property(...)                 # how many there are
        def step(self) -> dict[str, float]: ...          # one step; `progress.step` is one higher afterwards

Everything else has a default: what is evaluated and when (held-out prompts drawn and scored, before, after and every
``evaluation.every`` steps), ``records`` (completions to keep), ``state``/``restore`` (what a checkpoint holds beside
weights, optimizer, reference and random states), ``finish`` (what is left in the folder: ``model/``).

The run (``run/run.py``) does the rest for every stage alike, and knows none by name: folder, checkpoints, resuming,
signals, logs, report, several processes. It calls, in this order: ``read``, ``load_model``, ``check_model`` (of the
stage that the config names); then for each of its ``phases`` that is ``due``: ``begin``, ``restore``, and around every
``step`` ``random_before``, ``records``, ``evaluate``, ``state``; ``close``; at last ``finish``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from veritune.rewards.composition import RewardSet
from veritune.trainer.config import CommonConfig, OptimizerConfig
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import Source
from veritune.trainer.data.tasks import Task
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import Policy
from veritune.trainer.policy.reference import Reference
from veritune.trainer.policy.saving import save_model
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.episodes import EpisodeFunction
from veritune.trainer.stages.progress import Progress

Say = Callable[[str], None]
Records = list[dict[str, Any]]


@dataclass
class Inputs:
    """What a run has before there is a model, all of it checked."""

    config: Any
    """The stage's config with everything in it settled, such as epochs turned into steps."""
    rewards: RewardSet
    """Without components where nothing is scored."""
    task: Task | None = None
    source: Source | None = None
    """Prompts to train on."""
    held_out: dict[str, Source] = field(default_factory=dict)
    """Prompts to evaluate on, by the set's name; a single set has none."""
    episode: EpisodeFunction | None = None
    demonstrations: Source | None = None
    draws: bool = True
    """Whether completions are drawn: the run then makes ``Context.drawing``."""
    own: Any = None
    """Rows of the stage's own kind."""


@dataclass
class Context:
    """What the run gives a stage."""

    config: Any
    inputs: Inputs
    policy: Policy
    encode: Any
    """The :class:`PromptEncoder`; None where the config has no prompts."""
    drawing: Drawing | None
    generator: torch.Generator
    """Of everything that is drawn; its state is in every checkpoint."""
    progress: Progress
    world: World
    folder: Path
    say: Say
    asked_to_end: Callable[[], bool]
    """Whether a signal has asked the run to end after this step; of this process alone."""


class Stage:
    """One phase of a run, or the whole of it."""

    name: ClassVar[str]
    title: ClassVar[str]
    config_type: ClassVar[type[CommonConfig]]
    product: ClassVar[Literal["a model", "a reward model", "rows"]] = "a model"
    """What it leaves, for other stages to go on with."""
    product_path: ClassVar[str] = "model"
    """Where that is in the run's folder."""
    changes_policy: ClassVar[bool] = True
    """False: checkpoints hold no weights."""
    more_parameters: ClassVar[bool] = False
    """Whether its optimizer moves parameters beyond the policy's."""

    pipelines: ClassVar[bool] = False
    """Whether it can train a model whose layers are a pipeline's (``distributed.pipeline``)."""

    progress: Progress
    optimizer: torch.optim.Optimizer | None = None
    reference: Reference | None = None

    # -- before there is a model -----------------------------------------------------------------------------------

    @classmethod
    def phases(cls) -> tuple[type[Stage], ...]:
        """What a run of this stage goes through, in order; itself last."""
        return (cls,)

    @classmethod
    def due(cls, config: Any) -> bool:
        """Whether the config has this phase."""
        return True

    @classmethod
    def describe(cls, config: Any) -> str:
        """A word or two for the console's first line."""
        return cls.title

    @classmethod
    def optimizer_config(cls, config: Any) -> OptimizerConfig | None:
        """The section that its optimizer is made of."""
        section = getattr(config, cls.name, None)
        return section if isinstance(section, OptimizerConfig) else None

    @classmethod
    def read(cls, config: Any, world: World, say: Say) -> Inputs:
        """Rows, rewards and every check that needs no model. Raises ConfigError, DataError, ColumnError."""
        raise NotImplementedError

    @classmethod
    def numbers(cls, inputs: Inputs) -> list[str]:
        """The numbers of an evaluation that ``evaluation.best`` may name; none where there is no evaluation."""
        return []

    # -- the model, before anything is written ---------------------------------------------------------------------

    @classmethod
    def load_model(cls, inputs: Inputs, config: Any, world: World, say: Say) -> Policy:
        """``config``: with this process's device."""
        raise NotImplementedError

    @classmethod
    def make_encoder(cls, policy: Policy, config: Any) -> PromptEncoder | None:
        return None

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: Any, say: Say) -> None:
        """Rows against the model's limits. Raises ConfigError, DataError."""

    @classmethod
    def keeps_copy(cls, config: Any) -> bool:
        """Whether a copy of a sharded policy will be needed: ``policy.spare``."""
        return False

    @classmethod
    def begin(cls, context: Context) -> Stage:
        raise NotImplementedError

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        raise NotImplementedError

    def step(self) -> dict[str, float]:
        """One step: its metrics. ``progress.step`` and ``progress.position`` move on."""
        raise NotImplementedError

    def random_before(self) -> dict[str, Any] | None:
        """The random states to go on with after this step, where they are not those of now."""
        return None

    def records(self) -> Records | None:
        """Completions of the last step, for the Parquet file."""
        return None

    def evaluation_due(self, every: int | None) -> bool:
        """Whether now, before or after a step, is the time; ``every``: ``evaluation.every``."""
        return False

    def evaluate(self, context: Context) -> tuple[dict[str, float], Records] | None:
        """Metrics and completions; nothing that is trained or drawn from changes. On every process."""
        return None

    # -- what is kept ----------------------------------------------------------------------------------------------

    def state(self, keep: bool) -> Any:
        """What a checkpoint holds of this stage beside weights, optimizer, reference and random states. On every
        process, which must meet in the same order; only those that ``keep`` it need return it."""
        return None

    def state_alone(self) -> Any:
        """:meth:`state` without a meeting, of a run that fails; where one would be needed, what a resumed run can do
        without."""
        return self.state(True)

    def restore(self, state: Any) -> None:
        """Go on with :meth:`state`: called after :meth:`begin`, where there is a checkpoint of this phase."""

    def close(self) -> bool:
        """The phase ends, well or not. False where something of it goes on."""
        return True

    def finish(self, context: Context) -> str | None:
        """Leave ``product`` in the folder. On every process. Returns what there is to say about it."""
        lora = getattr(context.config.model, "lora", None)
        merge = lora is not None and lora.save == "merged"
        save_model(context.folder / "model", context.policy, context.world, merge=merge)
        return None
