"""From an item to token ids: template, end of text, length. Training and scoring share it, so that they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from veritune.plugins.errors import ParameterError
from veritune.plugins.types import completion_text, prompt_text
from veritune.rewards.preference.items import Item, messages_of

Template: TypeAlias = Literal["auto", "chat", "text", "pair"]
TooLong: TypeAlias = Literal["cut_middle", "refuse"]

_UNBOUNDED = 1_000_000
"""Tokenizers without a limit say so by a very large number."""


@dataclass(frozen=True)
class EncodingOptions:
    """How a text is put before the model. The defaults are TRL's: prompt + completion, nothing added."""

    template: Template = "auto"
    """``text``: prompt and completion joined. ``chat``: through the tokenizer's chat template. ``pair``: as two
    segments, with the special tokens of the model (encoders). ``auto``: ``chat`` for prompts of messages."""
    eos: Literal["auto", "append", "none"] = "auto"
    """Whether the end-of-text token follows. ``auto``: as the checkpoint says it was trained, else not."""
    special_tokens: bool | None = None
    """Whether the tokenizer adds its own; by default only for ``pair``."""
    max_length: int | None = None
    """Tokens; by default the model's own limit."""
    too_long: TooLong = "cut_middle"
    """Over-long texts lose their middle, or are refused. Either is said in the reason."""


@dataclass(frozen=True)
class Encoded:
    """Token ids, or None with the reason in ``note``."""

    ids: list[int] | None
    note: str = ""


class Encoder:
    """Encodes items for one tokenizer. ``limit`` is the model's own length."""

    def __init__(self, tokenizer: Any, options: EncodingOptions, limit: int | None = None, eos: bool = False) -> None:
        self.tokenizer, self.options = tokenizer, options
        own = getattr(tokenizer, "model_max_length", None)
        known = [n for n in (limit, own if own is not None and own < _UNBOUNDED else None) if n]
        self.max_length: int | None = options.max_length or (min(known) if known else None)
        self.eos = options.eos == "append" or (options.eos == "auto" and eos)
        if options.template == "chat" and not getattr(tokenizer, "chat_template", None):
            raise ParameterError(_NO_TEMPLATE)
        if self.eos and tokenizer.eos_token_id is None:
            raise ParameterError("reward 'preference': eos: append, but the tokenizer has no end-of-text token")

    def __call__(self, item: Item) -> Encoded:
        ids = self._ids(item)
        if self.eos and (not ids or ids[-1] != self.tokenizer.eos_token_id):
            ids.append(self.tokenizer.eos_token_id)
        if not ids:
            return Encoded(None, "prompt and completion are empty")
        if self.max_length is None or len(ids) <= self.max_length:
            return Encoded(ids)
        if self.options.too_long == "refuse":
            return Encoded(None, f"{len(ids)} tokens, more than max_length={self.max_length}")
        head = self.max_length // 2
        cut = ids[:head] + ids[len(ids) - (self.max_length - head) :]
        return Encoded(cut, f"cut in the middle from {len(ids)} to {self.max_length} tokens")

    def _ids(self, item: Item) -> list[int]:
        template, special = self.options.template, self.options.special_tokens
        if template == "pair":
            pair = (prompt_text(item.prompt), completion_text(item.completion))
            encoded = self.tokenizer(*pair, add_special_tokens=special is not False)
        else:
            encoded = self.tokenizer(self.text(item), add_special_tokens=bool(special))
        return list(encoded["input_ids"])

    def text(self, item: Item) -> str:
        """The string that is tokenised."""
        conversational = item.prompt is not None and not isinstance(item.prompt, str)
        if self.options.template == "chat" or (self.options.template == "auto" and conversational):
            if not getattr(self.tokenizer, "chat_template", None):
                raise ParameterError(_NO_TEMPLATE)
            messages = [*messages_of(item.prompt, "user"), *_turns(item)]
            text: str = self.tokenizer.apply_chat_template(messages, tokenize=False)
            return text
        return prompt_text(item.prompt) + completion_text(item.completion)


def _turns(item: Item) -> list[Any]:
    """The completion's turns; an empty string is an empty answer, not a missing one."""
    return messages_of(item.completion, "assistant") or [{"role": "assistant", "content": ""}]


_NO_TEMPLATE = (
    "reward 'preference': the reward model's tokenizer has no chat template, and the prompts are chat messages (or "
    "template: chat is set); set template: text to join their texts"
)
