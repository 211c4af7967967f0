"""Messages of an environment as the text that follows a turn of the policy, by the tokenizer's chat template.

The template renders a stand-in conversation whose assistant turn is a mark; what comes after the mark is the text:
the end of the turn, the messages, and the beginning of the next turn. The policy's own turns are never rendered again,
so its tokens stay what it drew, also where a template drops the thinking of earlier turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins import VerituneError

MARK = "3f9c1turn"
"""A text that no template contains, and that survives stripping and JSON."""
PROBE = "7b2e4probe"


class ReplyTemplate:
    """Renders messages that follow an assistant turn. Every method raises VerituneError where the template cannot."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._roles: set[str] = set()
        """Roles that are known to be rendered."""

    def __call__(self, messages: Sequence[Mapping[str, Any]], more: bool) -> str:
        """The text after the policy's last word; with ``more``, up to where the policy has the word again."""
        for message in messages:
            self._check(message["role"])
        return self._render(messages, more)

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
