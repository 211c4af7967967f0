"""Messages of an environment as the text that follows a turn of the policy, by the tokenizer's chat template.

The template renders a stand-in conversation whose assistant turn is a mark; what comes after the mark is the text:
the end of the turn, the messages, and the beginning of the next turn. The policy's own turns are never rendered again,
so its tokens stay what it drew, also where a template drops the thinking of earlier turns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins import VerituneError

MARK = "3f9c1turn"
"""A text that no template contains, and that survives stripping and JSON."""
PROBE = "7b2e4probe"


class ReplyTemplate:
    """Renders messages that follow an assistant turn. Every method raises VerituneError where the template cannot."""

    def __init__(self, tokenizer: Any, eos_ids: Sequence[int] = ()) -> None:
        """``eos_ids``: what ends the policy's turns, whether or not the tokenizer flags it as special."""
        self.tokenizer = tokenizer
        self._roles: set[str] = set()
        """Roles that are known to be rendered."""
        special = [str(token) for token in getattr(tokenizer, "added_tokens_decoder", {}).values() if token.special]
        ends = [tokenizer.decode([i], skip_special_tokens=False) for i in eos_ids]
        # a lone letter or a line's end may be somebody's end token: no environment could write without it
        special += [end for end in ends if len(end.strip()) > 1 and end not in special]
        self._special = re.compile("|".join(map(re.escape, special)) or r"(?!)")

    def __call__(self, messages: Sequence[Mapping[str, Any]], more: bool) -> str:
        """The text after the policy's last word; with ``more``, up to where the policy has the word again."""
        for message in messages:
            self._check(message["role"])
        return self._render(messages, more)

    def defuse(self, value: Any) -> Any:
        """The same message or messages with every special token in them broken up: ``< |im_end|>``.

        What a tool answers is often the policy's doing, such as the output of its program: it must not end turns.
        """
        if isinstance(value, str):
            return self._special.sub(lambda found: f"{found[0][:1]} {found[0][1:]}", value)
        if isinstance(value, Mapping):
            return {key: self.defuse(each) for key, each in value.items()}
        return [self.defuse(each) for each in value] if isinstance(value, list | tuple) else value

    def _check(self, role: str) -> None:
        """Some templates silently leave out roles they do not know: the policy would wait for an answer in vain."""
        if role not in self._roles:
            if PROBE not in self._render([{"role": role, "content": PROBE}], more=True):
                raise VerituneError(f"the tokenizer's chat template leaves out messages of role {role!r}; try 'user'")
            self._roles.add(role)

    def _render(self, messages: Sequence[Mapping[str, Any]], more: bool) -> str:
        roles = ", ".join(repr(m["role"]) for m in messages)
        if not getattr(self.tokenizer, "chat_template", None):
            raise VerituneError(f"the tokenizer has no chat template to render messages ({roles}) with; yield a text")
        talk = [{"role": "user", "content": "?"}, {"role": "assistant", "content": MARK}, *map(dict, messages)]
        try:
            text: str = self.tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=more)
        except Exception as error:  # templates are programs, and raise what they like
            raise VerituneError(
                f"the tokenizer's chat template does not take {roles} after an assistant turn: {error}"
            ) from error
        _, mark, reply = text.partition(MARK)
        if not mark or MARK in reply:
            times = "leaves out" if not mark else "repeats"
            raise VerituneError(f"the tokenizer's chat template {times} the assistant turn before {roles}")
        return reply
