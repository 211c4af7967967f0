"""The model that a student learns from: a frozen one beside it, or its most likely tokens, kept in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from veritune.kernels import divergence, linear_divergence
from veritune.plugins import ConfigError
from veritune.trainer.config import ModelConfig, PolicyRunConfig
from veritune.trainer.config.distill import TeacherConfig
from veritune.trainer.data.packing import TokenBatch
from veritune.trainer.objective.distillation import (
    DistillationObjective,
    TopTokens,
    linear_top_divergence,
    linear_top_tokens,
    top_divergence,
    top_tokens,
)
from veritune.trainer.policy.logprobs import completion_logits, completion_states, plain_head
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.policy.weights import load_or_none


@dataclass
class Predictions:
    """What a model says at N positions: its last states with its head's matrix, or its logits where its logits are
    more than the head times the states."""

    states_NH: Tensor | None
    weight_VH: Tensor | None
    bias_V: Tensor | None
    logits_NV: Tensor | None


def predictions(model: Any, batch: TokenBatch, linear: bool) -> Predictions:
    """At the completion tokens of ``batch``; ``linear``: as states and head."""
    if not linear:
        return Predictions(None, None, None, completion_logits(model, batch))
    head = output_head(model)
    assert head is not None
    return Predictions(completion_states(model, batch), head.weight, head.bias, None)


def output_head(model: Any) -> torch.nn.Linear | None:
    """The matrix that logits are made with, where they are that and nothing else (no soft-capping, no adapter on
    it)."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    head = inner.get_output_embeddings() if plain_head(inner) else None
    return head if type(head) is torch.nn.Linear else None


def embedded(model: Any) -> int:
    """How many tokens it can read."""
    return int(model.get_input_embeddings().num_embeddings)


class Teacher:
    """A frozen model on a device of its own or the student's."""

    def __init__(self, config: PolicyRunConfig, settings: TeacherConfig, student: Policy) -> None:
        model = ModelConfig(path=settings.path, dtype=settings.dtype, attention=settings.attention)
        device = str(student.device) if settings.device is None else settings.device
        self.policy = load_policy(config.model_copy(update={"model": model, "device": device}), None)
        if student.device.type == "cuda":
            torch.cuda.set_device(student.device)
        self.policy.model.eval().requires_grad_(False)
        self.linear = output_head(self.policy.model) is not None and output_head(student.model) is not None
        self.device = student.device
        self._head: tuple[Tensor, Tensor | None] | None = None

    @property
    def embedded(self) -> int:
        """Tokens that it can read."""
        return embedded(self.policy.model)

    @torch.no_grad()
    def predictions(self, batch: TokenBatch) -> Predictions:
        """On the student's device, where its head is kept as well."""
        own = self.policy.device
        with self.policy.autocast():
            found = predictions(self.policy.model, batch.to(own), self.linear)
        if own == self.device:
            return found
        if found.logits_NV is not None:
            return Predictions(None, None, None, found.logits_NV.to(self.device))
        assert found.states_NH is not None
        assert found.weight_VH is not None
        if self._head is None:
            bias_V = None if found.bias_V is None else found.bias_V.to(self.device)
            self._head = found.weight_VH.to(self.device), bias_V
        return Predictions(found.states_NH.to(self.device), *self._head, None)

    def divergence(self, student: Predictions, batch: TokenBatch, objective: DistillationObjective) -> Tensor:
        """(N,) from the student's predictions. From states and heads neither's logits are ever whole in memory."""
        teacher = self.predictions(batch)
        kind, alpha, beta, heat = objective.divergence, objective.alpha, objective.beta, objective.temperature
        if student.logits_NV is not None:
            assert teacher.logits_NV is not None
            both = student.logits_NV, teacher.logits_NV
            return divergence(*both, kind, alpha=alpha, beta=beta, temperature=heat)
        assert student.states_NH is not None
        assert student.weight_VH is not None
        assert teacher.states_NH is not None
        assert teacher.weight_VH is not None
        return linear_divergence(
            student.states_NH, student.weight_VH, teacher.states_NH, teacher.weight_VH, kind, alpha=alpha, beta=beta,
            temperature=heat, student_bias=student.bias_V, teacher_bias=teacher.bias_V,
        )  # fmt: skip

    @torch.no_grad()
    def top(self, batch: TokenBatch, count: int, vocabulary: int, temperature: float) -> TopTokens:
        """Its ``count`` most likely tokens of the first ``vocabulary``, at the completion tokens of ``batch``."""
        model, own = self.policy.model, batch.to(self.policy.device)
        head = output_head(model)
        with self.policy.autocast():
            found = predictions(model, own, head is not None)
        if found.logits_NV is not None:
            top = top_tokens(found.logits_NV[:, :vocabulary], count, temperature)
        else:
            assert found.states_NH is not None
            assert found.weight_VH is not None
            bias_V = None if found.bias_V is None else found.bias_V[:vocabulary]
            top = linear_top_tokens(found.states_NH, found.weight_VH[:vocabulary], bias_V, count, temperature)
        return top.to(torch.device("cpu"))


class TopCache:
    """A teacher's most likely tokens of every row, without the teacher. ``size``: of the vocabulary they are from."""

    def __init__(self, top: TopTokens, lengths: Sequence[int], size: int) -> None:
        self.top, self.ends, self.size = top, [0, *accumulate(lengths)], size

    def rows(self, rows: Sequence[int], device: torch.device) -> TopTokens:
        """Of the completion tokens of these rows, one row after the other."""
        places = torch.cat([torch.arange(self.ends[r], self.ends[r + 1]) for r in rows])
        found = TopTokens(self.top.ids_NK[places].long(), self.top.logps_NK[places], self.top.rest_N[places])
        return found.to(device)

    def save(self, path: Path, key: str) -> None:
        """Whole or not at all; ``key``: what it is of."""
        partial = path.with_suffix(".partial")
        torch.save({"key": key, "ends": self.ends, "size": self.size, **vars(self.top)}, partial)
        os.replace(partial, path)

    @classmethod
    def read(cls, path: Path, key: str) -> TopCache | None:
        """None where there is none of this key that can be read."""
        kept = load_or_none(path)
        if kept is None or kept["key"] != key:
            return None
        made = cls(TopTokens(kept["ids_NK"], kept["logps_NK"], kept["rest_N"]), [], kept["size"])
        made.ends = kept["ends"]
        return made


def cached_divergence(
    student: Predictions, cache: TopCache, rows: Sequence[int], device: torch.device, objective: DistillationObjective
) -> Tensor:
    """(N,) from the student's predictions at the completion tokens of ``rows``."""
    top, size = cache.rows(rows, device), cache.size
    if student.logits_NV is not None:
        return top_divergence(student.logits_NV[:, :size], top, objective)
    assert student.states_NH is not None
    assert student.weight_VH is not None
    bias_V = None if student.bias_V is None else student.bias_V[:size]
    return linear_top_divergence(student.states_NH, student.weight_VH[:size], bias_V, top, objective)


def check_tokens(student: Any, path: str, texts: Sequence[str], say: Callable[[str], None]) -> None:
    """Raise ConfigError where a token is one number for the student and another for the teacher, or where ``texts``
    are not the same tokens to both. What only one of them has (padding of the vocabulary, more special tokens) may
    differ, and is said."""
    from transformers import AutoTokenizer

    try:
        teacher = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"teacher.path: no tokenizer can be loaded from {path!r}: {error}") from error
    ours, theirs = ({i: token for token, i in t.get_vocab().items()} for t in (student, teacher))
    differ = sorted(i for i in ours.keys() & theirs.keys() if ours[i] != theirs[i])
    if differ:
        first = differ[0]
        raise ConfigError(
            f"teacher.path: {path!r} has other tokens than the student: token {first} is {theirs[first]!r} there and "
            f"{ours[first]!r} here ({len(differ)} differ); a teacher's distribution is compared token by token, so "
            "take one of the same family, or distil by its texts (stage: sft)"
        )
    for text in texts:
        if student(text)["input_ids"] != teacher(text)["input_ids"]:
            raise ConfigError(
                f"teacher.path: {path!r} cuts texts into other tokens than the student, such as {text!r:.80}"
            )
    if len(ours) != len(theirs):
        say(f"the teacher has {len(theirs)} tokens and the student {len(ours)}: compared over those that both have")
