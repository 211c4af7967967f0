"""A conversation with the result of a run: prompts as in its training, answers as they are written, and scored."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from veritune.plugins import DataError, Reward, Sample, Score
from veritune.trainer.config import PolicyRunConfig, SamplingConfig
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.policy.models import Policy, positions_of
from veritune.trainer.rollout.decode.stream import stream


@dataclass
class Chat:
    """The words so far. Without a chat template there is no conversation: every prompt stands alone."""

    config: PolicyRunConfig
    policy: Policy
    sampling: SamplingConfig
    seed: int | None = None
    raw: bool = False
    """Leave out the template and the system turn of the training data."""
    gold: str | None = None
    """Of the next answers, for rewards that compare with one."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    last: Sample | None = None
    """The last answer as a reward sees it."""

    def __post_init__(self) -> None:
        self.generator = torch.Generator(self.policy.device)
        if self.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(self.seed)
        self.fields = _fields(None if self.raw else self.config.data.template)
        self.system(None if self.raw else self.config.data.system)

    @property
    def talks(self) -> bool:
        """Whether turns are remembered."""
        return self.encode.chat

    @property
    def fills(self) -> bool:
        """Whether the training data's template takes what is said as its one column."""
        return len(self.fields) == 1 and (not self.talks or not self.messages)

    def system(self, text: str | None) -> None:
        """Another system turn, and a new conversation. Raises ConfigError where the tokenizer has no chat template."""
        data = self.config.data.model_copy(update={"system": text or None})
        self.encode = PromptEncoder(self.policy.tokenizer, data)
        self.reset()

    def reset(self) -> None:
        self.messages, self.last = [], None

    def say(self, text: str) -> Iterator[str]:
        """The answer, in pieces; the first is what the prompt has begun of it (``<think>``, a prefill).

        Raises DataError where there is no room for one. One that is left off is forgotten, with its question.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"what was said is no UTF-8 text at character {error.start + 1}") from None
        if self.fills:
            assert self.config.data.template is not None
            text = self.config.data.template.format(**{self.fields[0]: text})
        heard = [*self.messages, {"role": "user", "content": text}]
        prompt: Any = heard if self.talks and self.messages else text
        ids = self.encode(prompt)
        begun = self.encode.begun(prompt)
        if begun:
            yield begun
        pieces, written = [begun], list[int]()
        for piece in stream(self.policy, ids, self._room(len(ids)), self.generator, written):
            pieces.append(piece)
            yield piece
        answer = "".join(pieces)
        self.last = Sample(answer, prompt, written, {})
        if self.talks:
            self.messages = [*heard, {"role": "assistant", "content": answer}]

    def score(self, reward: Reward) -> Score:
        """What a reward says of the last answer. Raises ColumnError for a column that a chat does not have."""
        assert self.last is not None
        columns = dict.fromkeys(["gold", *reward.columns.values()], self.gold)
        return reward.score(replace(self.last, columns=columns))

    def _room(self, tokens: int) -> SamplingConfig:
        positions = positions_of(self.policy.model)
        if positions is None:
            return self.sampling
        if tokens >= positions:
            raise DataError(f"the conversation has {tokens} tokens and the model {positions} positions; /reset it")
        return self.sampling.model_copy(update={"max_tokens": min(self.sampling.max_tokens, positions - tokens)})


def _fields(template: str | None) -> list[str]:
    """The columns that a template names."""
    if template is None:
        return []
    return list(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(template) if name is not None))
