"""Where a run goes on: the newest checkpoint that can be read, with an optimizer of the kind that the config names."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veritune.plugins import ConfigError
from veritune.trainer.config import CommonConfig
from veritune.trainer.policy.optimization import make_optimizer
from veritune.trainer.policy.weights import load_weights
from veritune.trainer.run.checkpoint import list_checkpoints, read_progress, read_state
from veritune.trainer.stages.interface import Stage
from veritune.trainer.stages.progress import Progress

NEED_STATE = ("amsgrad", "centered", "momentum")
"""Settings for which an optimizer keeps a tensor a weight from its first step on."""


def resume_point(
    folder: Path, stage: type[Stage], config: CommonConfig, model: Any, say: Callable[[str], None]
) -> tuple[Path, Progress] | None:
    """The newest whole checkpoint of ``folder``, its weights loaded into ``model``; None where there is none.

    A damaged one (cut off, or without a file) is passed over, and said. Raises ConfigError where the checkpoint is of
    another model or another optimizer, or where none of several can be read.
    """
    phases = {phase.name: phase for phase in stage.phases()}
    found = list_checkpoints(folder, list(phases))
    for checkpoint in reversed(found):
        try:
            progress = read_progress(checkpoint)
            state = read_state(checkpoint)
            phase = phases[progress.phase]
            if phase.changes_policy:
                load_weights(checkpoint, model)
            check_optimizer(state["optimizer"], phase, config, progress, model, checkpoint)
        except ConfigError:
            raise
        except _damage() as error:
            say(f"the checkpoint {checkpoint} is damaged ({type(error).__name__}: {str(error)[:200]}); passed over")
            continue
        return checkpoint, progress
    if found:
        raise ConfigError(f"none of the {len(found)} checkpoints in {folder} can be read; start anew without resume")
    say(f"there is no checkpoint in {folder}: the run begins anew")
    return None


def check_optimizer(
    saved: dict[str, Any] | None,
    phase: type[Stage],
    config: CommonConfig,
    progress: Progress,
    model: Any,
    checkpoint: Path,
) -> None:
    """Raise ConfigError where the checkpoint's optimizer is of another kind than the config's, or has not kept what
    the config's settings go by."""
    section = phase.optimizer_config(config)
    if section is None or saved is None:
        return
    fresh = make_optimizer(model, section)
    now = [set(group) for group in fresh.state_dict()["param_groups"]]
    before = [set(group) for group in saved["param_groups"]]
    sizes = [[len(group["params"]) for group in groups] for groups in (fresh.param_groups, saved["param_groups"])]
    kind = saved.get("kind", type(fresh).__name__)
    anew = f"or start a new run with model.path={checkpoint}"
    if kind != type(fresh).__name__:
        raise ConfigError(
            f"the checkpoint {checkpoint} was written with another optimizer ({kind}, now {section.optimizer}): set "
            f"{progress.phase}.optimizer back, {anew}"
        )
    if now != before and not phase.more_parameters:
        where = "model.dtype or " if kind == "AdamW" else ""  # bfloat16 weights have an AdamW of their own
        raise ConfigError(
            f"the checkpoint {checkpoint} was written by another {kind}, of other settings: set "
            f"{where}{progress.phase}.optimizer_params back, {anew}"
        )
    for own, saved_group in zip(fresh.param_groups, saved["param_groups"], strict=False):
        for name in NEED_STATE:
            if own.get(name) and not saved_group.get(name) and kind != "SGD":  # which begins its own at any step
                raise ConfigError(
                    f"{progress.phase}.optimizer_params.{name}: {own[name]}, and the checkpoint {checkpoint} was "
                    f"written without what that goes by: set it back to {saved_group.get(name)}, {anew}"
                )
    if sizes[0] != sizes[1] and not phase.more_parameters:
        raise ConfigError(f"the checkpoint {checkpoint} is of another model: it trained other parameters")


def _damage() -> tuple[type[BaseException], ...]:
    from safetensors import SafetensorError

    return (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        RuntimeError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        SafetensorError,
    )
