"""Which process holds which layers: stages of neighbouring layers, dealt out in turn or in a V."""

from __future__ import annotations

from veritune.plugins import ConfigError
from veritune.trainer.config.pipeline import PipelineConfig

V_SHAPED = ("zbv", "dualpipev")
"""Schedules in which a process holds one stage of the way down and one of the way back: the first also the last."""
SPLIT = ("interleaved_zb", "zbv", "dualpipev")
"""Schedules that compute gradients of inputs and of weights apart, to fill the bubble with the latter."""
SINGLE = ("gpipe", "1f1b")
"""Schedules of one stage a process."""


def chunks(config: PipelineConfig) -> int:
    """Stages that a process holds."""
    if config.schedule in SINGLE:
        return 1
    return 2 if config.schedule in V_SHAPED else config.chunks


def stages_of(rank: int, config: PipelineConfig) -> list[int]:
    """The stages of a process, in the model's order."""
    if config.schedule in V_SHAPED:
        return [rank, 2 * config.stages - 1 - rank]
    return [rank + config.stages * chunk for chunk in range(chunks(config))]


def process_of(stage: int, config: PipelineConfig) -> int:
    """Where a stage is: the inverse of :func:`stages_of`."""
    return next(rank for rank in range(config.stages) if stage in stages_of(rank, config))


def layers_of(layers: int, config: PipelineConfig) -> list[range]:
    """The layers of every stage, as even as can be, the larger ones first. Raises ConfigError where there are fewer
    layers than stages."""
    stages = config.stages * chunks(config)
    if layers < stages:
        raise ConfigError(
            f"distributed.pipeline: {stages} stages ({config.stages} processes with {chunks(config)} each) "
            f"and a model of {layers} layers; take fewer stages, or schedule: 1f1b with one a process"
        )
    small, extra = divmod(layers, stages)
    found, start = [], 0
    for stage in range(stages):
        stop = start + small + (stage < extra)
        found.append(range(start, stop))
        start = stop
    return found


def micro_batches(rows: int, length: int, budget: int, config: PipelineConfig) -> int:
    """How many micro-batches a step is cut into: those that the config names, else enough for ``budget`` tokens each
    and for the pipeline to be filled, and a number that the schedule can deal with."""
    if config.micro_batches is not None:
        return config.micro_batches
    filled = 2 * config.stages * (2 if config.schedule == "dualpipev" else 1)
    wanted = max(filled, min(rows, -(-rows * length // budget)))  # one of no row at all would be run in vain
    return -(-wanted // config.stages) * config.stages
