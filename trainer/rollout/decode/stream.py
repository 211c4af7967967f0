"""One completion, handed over as it is written: text as soon as it is whole characters, thinking told from the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.decode.tokens import decode, draw
from veritune.trainer.rollout.decode.transformers import cache_name

TAGS = ("think", "thinking", "reasoning", "thought")
OPEN = re.compile(rf"<({'|'.join(TAGS)})>")
CLOSE = re.compile(rf"</({'|'.join(TAGS)})>")
LONGEST_TAG = max(map(len, TAGS)) + 3


@torch.no_grad()
def stream(
    policy: Policy,
    prompt: Sequence[int],
    sampling: SamplingConfig,
    generator: torch.Generator,
    written: list[int] | None = None,
) -> Iterator[str]:
    """The completion's text in pieces, drawn as the trainer draws: together they are what rewards would see.

    Its tokens are appended to ``written``.
    """
    from transformers import DynamicCache

    model: Any = policy.model
    model.eval()
    text = Growing(policy.tokenizer, sampling.stop)
    cache, name = DynamicCache(config=model.config), cache_name(model)
    fed = torch.tensor([list(prompt)], device=policy.device)
    for _ in range(sampling.max_tokens):
        with policy.autocast():
            output = model(input_ids=fed, use_cache=True, logits_to_keep=1, **{name: cache})
        tokens_B, _ = draw(output.logits[:, -1], sampling, generator)
        token = int(tokens_B[0])
        if written is not None:
            written.append(token)
        if token in policy.eos_ids:
            break
        yield text.add(token)
        if text.stopped:
            return
        fed = tokens_B[:, None]
    yield text.rest()


class Growing:
    """The text of tokens that come one by one. What may be half a character, or half a stop string, is held back."""

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self.tokenizer, self.stop = tokenizer, list(stop)
        self.stopped = False
        """Whether a stop string has ended it."""
        self._ids: list[int] = []
        self._before, self._told = 0, 0
        self._held = ""
        """Whole characters that may be the beginning of a stop string."""

    def add(self, token: int) -> str:
        """What is new and settled."""
        self._ids.append(token)
        known = decode(self.tokenizer, self._ids[self._before : self._told], ())
        now = decode(self.tokenizer, self._ids[self._before :], ())
        if (now.endswith("\ufffd") and len(self._ids) - self._told < 8) or len(now) <= len(known):
            return ""  # a character of several tokens
        self._before, self._told = self._told, len(self._ids)
        return self._checked(now[len(known) :])

    def rest(self) -> str:
        """What was held back, at the end."""
        known = decode(self.tokenizer, self._ids[self._before : self._told], ())
        now = decode(self.tokenizer, self._ids[self._before :], ())
        self._told = self._before = len(self._ids)
        held, self._held = self._held, ""
        return held + now[len(known) :]

    def _checked(self, piece: str) -> str:
        text = self._held + piece
        ends = [text.find(each) + len(each) for each in self.stop if each in text]
        if ends:
            self.stopped, self._held = True, ""
            return text[: min(ends)]
        keep = max((n for each in self.stop for n in range(1, len(each)) if text.endswith(each[:n])), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


class Thoughts:
    """Tells the pieces of a text that are thinking, tags included, from those that are not."""

    def __init__(self) -> None:
        self.inside = False
        self._held = ""

    def feed(self, piece: str, last: bool = False) -> list[tuple[str, bool]]:
        """Pieces, each with whether it is thinking; the beginning of a tag waits for its end, until the ``last``."""
        text, found = self._held + piece, []
        while (match := (CLOSE if self.inside else OPEN).search(text)) is not None:
            cut = match.end() if self.inside else match.start()
            found.append((text[:cut], self.inside))
            text = text[cut:]
            if not self.inside:
                found.append((match[0], True))
                text = text.removeprefix(match[0])
            self.inside = not self.inside
        begin = text.rfind("<")
        waits = not last and begin >= 0 and ">" not in text[begin:] and len(text) - begin < LONGEST_TAG
        self._held = text[begin:] if waits else ""
        found.append((text[:begin] if waits else text, self.inside))
        return [(part, inside) for part, inside in found if part]
