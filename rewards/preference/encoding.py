"""From an item to token ids: template, end of text, length. Training and scoring share it, so that they agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

from veritune.plugins.errors import ParameterError
from veritune.plugins.types import completion_text, message_text, prompt_text
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


def check_options(options: EncodingOptions) -> None:
    """Raise ParameterError for a value that is none: options also come over a network."""
    allowed = {"template": get_args(Template), "too_long": get_args(TooLong), "eos": ("auto", "append", "none")}
    for name, known in allowed.items():
        if getattr(options, name) not in known:
            raise ParameterError(f"{name} is one of {', '.join(known)}, got {getattr(options, name)!r:.80}")
    if options.max_length is not None and not (isinstance(options.max_length, int) and options.max_length > 0):
        raise ParameterError(f"max_length is a number of tokens above 0, got {options.max_length!r:.80}")


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
        check_options(options)
        self.eos = options.eos == "append" or (options.eos == "auto" and eos)
        if options.template == "chat" and not getattr(tokenizer, "chat_template", None):
            raise ParameterError(_NO_TEMPLATE)
        if self.eos and tokenizer.eos_token_id is None:
            raise ParameterError("reward 'preference': eos: append, but the tokenizer has no end-of-text token")

    def __call__(self, item: Item) -> Encoded:
        try:
            ids, special = self._ids(item)
        except TemplateRefusal as error:
            return Encoded(None, str(error))
        except (TypeError, ValueError, AttributeError, OverflowError) as error:  # no text, or one no tokenizer takes
            return Encoded(None, f"it cannot be encoded: {type(error).__name__}: {error}"[:500])
        if self.eos and (not ids or ids[-1] != self.tokenizer.eos_token_id):
            ids.append(self.tokenizer.eos_token_id)
            special.append(0)
        if not ids:
            return Encoded(None, "prompt and completion are empty")
        if self.max_length is None or len(ids) <= self.max_length:
            return Encoded(ids)
        if self.options.too_long == "refuse":
            return Encoded(None, f"{len(ids)} tokens, more than max_length={self.max_length}")
        cut = _without_middle(ids, special, self.max_length)
        return Encoded(cut, f"cut in the middle from {len(ids)} to {self.max_length} tokens")

    def _ids(self, item: Item) -> tuple[list[int], list[int]]:
        """The ids, and which of them are special tokens that hold the text together (1)."""
        template, special = self.options.template, self.options.special_tokens
        if template == "pair":
            pair = (prompt_text(item.prompt), self.harmless(completion_text(item.completion)))
            encoded = self.tokenizer(
                *pair, add_special_tokens=special is not False, return_special_tokens_mask=special is not False
            )
        else:
            encoded = self.tokenizer(self.text(item), add_special_tokens=bool(special))
        ids = list(encoded["input_ids"])
        return ids, list(encoded.get("special_tokens_mask") or [0] * len(ids))

    def types(self, ids: Sequence[int]) -> list[int] | None:
        """The segment of each token of a pair, for models that were trained with them; None for others."""
        if not self._segmented:
            return None
        first = ids.index(self.tokenizer.sep_token_id) + 1 if self.tokenizer.sep_token_id in ids else len(ids)
        return [0] * first + [1] * (len(ids) - first)

    @cached_property
    def _segmented(self) -> bool:
        names = getattr(self.tokenizer, "model_input_names", ())
        if self.options.template != "pair" or "token_type_ids" not in names or self.options.special_tokens is False:
            return False
        probe = self.tokenizer("a b", "c d e", return_token_type_ids=True)
        ids, wanted = list(probe["input_ids"]), list(probe["token_type_ids"])
        first = ids.index(self.tokenizer.sep_token_id) + 1 if self.tokenizer.sep_token_id in ids else len(ids)
        if wanted not in ([0] * first + [1] * (len(ids) - first), [0] * len(ids)):
            raise ParameterError(
                "reward 'preference': template: pair is for encoders with two segments ([CLS] a [SEP] b [SEP]); this "
                f"tokenizer ({type(self.tokenizer).__name__}) numbers segments otherwise"
            )
        return any(wanted)

    def harmless(self, text: str) -> str:
        """The policy's text with the tokenizer's control tokens broken: it may write about turns, and makes none.

        One at the very end stays: that is how a completion ends.
        """
        if self._control is None or not (found := self._control.search(text)) or found.end() == len(text):
            return text
        return self._control.sub(lambda m: m[0] if m.end() == len(text) else f"{m[0][0]}\u2060{m[0][1:]}", text)

    @cached_property
    def _control(self) -> re.Pattern[str] | None:
        added = getattr(self.tokenizer, "added_tokens_decoder", {}).values()
        written = {str(token) for token in added if getattr(token, "special", False)}
        tokens = sorted(
            (t for t in {*written, *self.tokenizer.all_special_tokens} if len(t) > 2), key=len, reverse=True
        )
        return re.compile("|".join(map(re.escape, tokens))) if tokens else None

    def text(self, item: Item) -> str:
        """The string that is tokenised."""
        conversational = item.prompt is not None and not isinstance(item.prompt, str)
        if self.options.template == "chat" or (self.options.template == "auto" and conversational):
            if not getattr(self.tokenizer, "chat_template", None):
                raise ParameterError(_NO_TEMPLATE)
            turns = [_spoken(turn, self.harmless(message_text(turn))) for turn in _turns(item)]
            return self._templated([*(_spoken(m, message_text(m)) for m in messages_of(item.prompt, "user")), *turns])
        return prompt_text(item.prompt) + self.harmless(completion_text(item.completion))

    def _templated(self, messages: list[dict[str, Any]]) -> str:
        """Through the chat template; of one that knows no system turn, that stands before the first user turn."""
        try:
            text: str = self.tokenizer.apply_chat_template(messages, tokenize=False)
        except Exception as error:  # what a template raises is its author's choice
            rest = messages[1:]
            if messages[0].get("role") != "system" or not rest or rest[0].get("role") != "user":
                raise TemplateRefusal(
                    f"the chat template refuses these turns: {type(error).__name__}: {error}"
                ) from None
            return self._templated(
                [{**rest[0], "content": f"{messages[0]['content']}\n\n{rest[0]['content']}"}, *rest[1:]]
            )
        return text


class TemplateRefusal(ValueError):
    """A chat template that takes no such conversation."""


def _spoken(message: Mapping[str, Any], text: str) -> dict[str, Any]:
    """A message whose content is one text, as templates of text models expect."""
    return {**message, "content": text}


def _without_middle(ids: Sequence[int], special: Sequence[int], length: int) -> list[int]:
    """At most ``length`` ids; what goes is text, not what holds it together."""
    text = [i for i, one in enumerate(special) if not one]
    excess = len(ids) - length
    if excess > len(text):
        return [*ids[: length // 2], *ids[len(ids) - (length - length // 2) :]]
    # as many are kept at the front as half of the length, special tokens counted
    head = max(0, min(len(text) - excess, sum(i < length // 2 for i in text)))
    gone = set(text[head : head + excess])
    return [one for i, one in enumerate(ids) if i not in gone]


def _turns(item: Item) -> list[Any]:
    """The completion's turns; an empty string is an empty answer, not a missing one."""
    return messages_of(item.completion, "assistant") or [{"role": "assistant", "content": ""}]


_NO_TEMPLATE = (
    "reward 'preference': the reward model's tokenizer has no chat template, and the prompts are chat messages (or "
    "template: chat is set); set template: text to join their texts"
)
