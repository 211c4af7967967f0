"""Prompts → token ids: through the chat template where one is used, otherwise as plain text.

What a model must never see is settled here: one begin-of-sequence token, one rendering, one system turn, no
end-of-sequence token after the prompt; a conversation that ends with the assistant's words is continued.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from veritune.plugins import ConfigError, DataError, Message, Text
from veritune.plugins.types import message_text
from veritune.trainer.config import DataConfig

PROBE = "7b2e4probe"
OPENED = re.compile(r"<(think|thinking|reasoning|thought)>\s*\Z")
"""A rendered prompt that ends so has opened the reasoning: the completion begins inside it."""


class PromptEncoder:
    """Token ids of prompts. Raises ConfigError for a config that the tokenizer cannot serve."""

    def __init__(self, tokenizer: Any, config: DataConfig) -> None:
        has_template = bool(getattr(tokenizer, "chat_template", None))
        if config.chat is True and not has_template:
            raise ConfigError("data.chat is true, but the tokenizer has no chat template; set data.chat: false")
        self.tokenizer, self.config = tokenizer, config
        self.chat = has_template if config.chat == "auto" else bool(config.chat)
        if config.system and not self.chat:
            raise ConfigError("data.system needs a chat template, and this tokenizer has none (or data.chat is false)")
        if config.chat_template_kwargs and not self.chat:
            raise ConfigError("data.chat_template_kwargs needs a chat template, and none is used")
        self.bos = str(tokenizer.bos_token or "") if getattr(tokenizer, "bos_token_id", None) is not None else ""
        self._roles: set[tuple[str, ...]] = set()
        self._marks = self._template_marks() if self.chat else []

    def __call__(self, prompt: Text) -> list[int]:
        return self.many([prompt])[0]

    def many(self, prompts: Sequence[Text]) -> list[list[int]]:
        """Token ids of several prompts; one call of the tokenizer is much cheaper than many."""
        texts = [self.text(prompt) for prompt in prompts]
        if self.chat:
            return [list(ids) for ids in self.tokenizer(texts, add_special_tokens=False)["input_ids"]]
        encoded = self.tokenizer(texts, add_special_tokens=True)["input_ids"]
        return [
            self._without_end(self._one_begin(list(ids), text), text) for ids, text in zip(encoded, texts, strict=True)
        ]

    def text(self, prompt: Text) -> str:
        """What the model is shown, as text; the begin-of-sequence token of a plain prompt is not part of it."""
        if not self.chat:
            if not isinstance(prompt, str):
                raise DataError(f"the prompt is a list of messages, and no chat template is used: {prompt!r:.200}")
            return prompt + self.config.prefill
        if isinstance(prompt, str) and self.rendered(prompt):
            if self.config.system:
                raise DataError(f"the prompt has been through the chat template already; data.system: {prompt!r:.80}")
            begin = self.bos if self.header_begins and not prompt.startswith(self.bos) else ""
            return _joined(begin + prompt, self.config.prefill)
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else [dict(m) for m in prompt]
        return _joined(self._render(self.with_system(messages)), self.config.prefill)

    def rendered(self, prompt: str) -> bool:
        """Whether a text has been through the chat template already: it holds the marks that the template sets."""
        return any(mark in prompt for mark in self._marks)

    @cached_property
    def header_begins(self) -> bool:
        """Whether the template itself writes the begin-of-sequence token."""
        return bool(self.bos) and self.render([{"role": "user", "content": PROBE}]).startswith(self.bos)

    def begun(self, prompt: Text) -> str:
        """What stands before the completion and is the policy's own turn, so that rewards see it with the completion:
        the reasoning tag that the template opens, the assistant's words that are continued, ``data.prefill``."""
        if not self.chat or (isinstance(prompt, str) and self.rendered(prompt)):
            return self.config.prefill
        found = OPENED.search(self.header)
        opened = self.header[found.start() :] if found else ""
        words = own_words(prompt)
        return _joined(_joined(opened, words), self.config.prefill)

    # -- rendering -------------------------------------------------------------------------------------------------

    def with_system(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """``data.system`` first; where the conversation brings its own system turn, that one stays alone."""
        if not self.config.system or messages[0]["role"] in ("system", "developer"):
            return messages
        return [{"role": "system", "content": self.config.system}, *messages]

    def _render(self, messages: list[dict[str, Any]]) -> str:
        """The conversation up to where the policy has the word; the assistant's last words are continued."""
        words = own_words(messages)
        heard = messages[:-1] if messages[-1]["role"] == "assistant" else messages
        roles = tuple(m["role"] for m in heard)
        if roles not in self._roles:
            self._check_roles(heard)
            self._roles.add(roles)
        return _joined(self.render(heard, add_generation_prompt=True), words)

    def render(self, messages: Sequence[Message], **how: Any) -> Any:
        """Through the chat template: a text, or what ``how`` asks for. Raises DataError for what it does not take."""
        try:
            rendered = self.tokenizer.apply_chat_template(
                [_flat(m) for m in messages], **{"tokenize": False, **how}, **self.config.chat_template_kwargs
            )
        except Exception as error:  # templates are programs, and raise what they like
            roles = ", ".join(repr(m["role"]) for m in messages)
            raise DataError(f"the tokenizer's chat template does not take the roles {roles}: {error}") from error
        return rendered

    def _check_roles(self, messages: list[dict[str, Any]]) -> None:
        """Some templates leave out what they do not know: no prompt may lose a message without a word."""
        probes = [{**m, "content": f"{PROBE}{i}."} for i, m in enumerate(messages)]
        text = self.render(probes, add_generation_prompt=True)
        lost = [m["role"] for i, m in enumerate(messages) if f"{PROBE}{i}." not in text]
        if lost:
            raise DataError(f"the tokenizer's chat template leaves out messages of role {lost[0]!r}; try 'user'")

    @cached_property
    def header(self) -> str:
        """What the template writes between a user's last word and the policy's first."""
        text: str = self.render([{"role": "user", "content": PROBE}], add_generation_prompt=True)
        return text.rpartition(PROBE)[2]

    def _template_marks(self) -> list[str]:
        """What shows that a text has been through the template: the special tokens around a user's words, and the
        beginning of the policy's turn."""
        try:
            text = self.render([{"role": "user", "content": PROBE}], add_generation_prompt=True)
        except DataError:
            return []
        special = {str(t) for t in getattr(self.tokenizer, "all_special_tokens", [])}
        special |= {str(t) for t in getattr(self.tokenizer, "added_tokens_decoder", {}).values()}
        marks = [t for t in special if len(t) > 2 and t in text and t != self.bos]
        before = text.partition(PROBE)[0].removeprefix(self.bos).strip()
        return sorted({*marks, *([before] if len(before) > 4 and not before.isalpha() else [])})

    # -- begin and end ---------------------------------------------------------------------------------------------

    def _one_begin(self, ids: list[int], text: str) -> list[int]:
        """A plain prompt that spells the begin-of-sequence token itself is not given another."""
        bos = self.tokenizer.bos_token_id
        return ids[1:] if self.bos and text.startswith(self.bos) and ids[:2] == [bos, bos] else ids

    def _without_end(self, ids: list[int], text: str) -> list[int]:
        """Without the end-of-sequence tokens that the tokenizer appends: after them a model has nothing to say."""
        appended = self._appended
        if appended and len(ids) > len(appended) and ids[-len(appended) :] == appended:
            return ids[: -len(appended)]
        return ids

    @cached_property
    def _appended(self) -> list[int]:
        """Tokens that the tokenizer puts after every text, such as [SEP] or the end of the sequence."""
        bare, whole = (list(self.tokenizer("a", add_special_tokens=flag)["input_ids"]) for flag in (False, True))
        for start in range(len(whole) - len(bare) + 1) if bare else ():
            if whole[start : start + len(bare)] == bare:
                return whole[start + len(bare) :]
        return []


def own_words(prompt: Text) -> str:
    """The assistant's words with which a conversation ends; none elsewhere."""
    if isinstance(prompt, str) or not prompt or prompt[-1]["role"] != "assistant":
        return ""
    return message_text(prompt[-1])


def without_beginning(completion: str, begun: str) -> str:
    """What is left to write of a demonstration where the prompt has begun it, white space aside."""
    if completion.startswith(begun):
        return completion.removeprefix(begun)
    bare = begun.strip()
    return completion.removeprefix(bare).lstrip("\n") if bare and begun != bare else completion


def _joined(text: str, more: str) -> str:
    """``text`` and ``more``, without what ``more`` begins with where the text ends in the same tag already."""
    found = OPENED.search(text)
    opened = f"<{found[1]}>" if found else ""
    if opened and more.lstrip().startswith(opened):
        more = more.lstrip().removeprefix(opened)
        if text[-1:].isspace():
            more = more.lstrip("\n")
    return text + more


def _flat(message: Mapping[str, Any]) -> dict[str, Any]:
    """Blocks of text as one text: few templates take blocks."""
    if isinstance(message.get("content"), list):
        return {**message, "content": message_text(message)}
    return dict(message)
