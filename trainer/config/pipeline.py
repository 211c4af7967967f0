"""Layers spread over processes as the stages of a pipeline: ``distributed.pipeline``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict

Schedule = Literal["gpipe", "1f1b", "interleaved", "interleaved_zb", "zbv", "dualpipev"]
"""A schedule of torch.distributed.pipelining."""


class PipelineConfig(Strict):
    """A pipeline over all processes of the run, for supervised fine-tuning."""

    stages: int = Field(ge=2)
    """Processes, each with a part of the layers (a pipeline stage, or several); the run is started with so many."""
    schedule: Schedule = "1f1b"
    """``gpipe``: all forwards, then all backwards. ``1f1b``: in turn, so that at most ``stages`` micro-batches are kept
    (2006.09503). ``interleaved``: ``chunks`` stages a process (2104.04473). ``interleaved_zb``: the same with gradients
    of weights deferred into the bubble (2401.10241). ``zbv``: two stages a process in a V, zero bubble (2405.15362).
    ``dualpipev``: DeepSeek-V3's DualPipe (2412.19437, 3.2.1) cut in half: the V, two micro-batches at once."""
    chunks: int = Field(default=2, ge=2)
    """Stages a process, of the interleaved schedules; the V-shaped ones have two, ``gpipe`` and ``1f1b`` one."""
    micro_batches: int | None = Field(default=None, ge=1)
    """That an optimizer step is cut into. By default as many as ``micro_batch_tokens`` asks for, and enough to fill the
    pipeline."""

    @model_validator(mode="after")
    def _chunks_are_of_the_schedule(self) -> PipelineConfig:
        if not self.schedule.startswith("interleaved"):
            held = "one stage" if self.schedule in ("gpipe", "1f1b") else "two stages"
            self._refuse(
                "chunks", why=f"is of the interleaved schedules, and with {self.schedule} a process has {held}"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_schedule(self) -> PipelineConfig:
        count = self.micro_batches
        if count is None:
            return self
        least = {"1f1b": self.stages, "dualpipev": 2 * self.stages}.get(self.schedule, 1)
        if count < least:
            raise ValueError(
                f"micro_batches: {count}, and {self.schedule} over {self.stages} processes takes {least} at least"
            )
        if self.schedule.startswith("interleaved") and count % max(1, count // self.stages):
            raise ValueError(f"micro_batches: {count}; {self.schedule} takes a multiple of stages: {self.stages}")
        return self
