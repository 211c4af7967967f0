"""Conversations → token ids, and which of them the assistant wrote: those a loss is on.

What is learnt is what will be asked for: the tokens before each of the assistant's turns are those that the policy is
shown when it has the word there, and each turn ends with the token that ends a completion. So one turn is the rendered
prompt, the assistant's words as they stand, and that token. Several turns are one sequence where the chat template
renders the whole conversation as it renders its beginnings (or marks the assistant's tokens itself, with
``{% generation %}``, and loses none of its words); where it does not, as templates that drop earlier thoughts, every
turn is a sequence of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from veritune.plugins import DataError, Message
from veritune.plugins.types import message_text
from veritune.trainer.data.conversations import TURNS
from veritune.trainer.data.prompts import PROBE, PromptEncoder, without_beginning
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row


class ConversationEncoder:
    """Rows with :data:`TURNS` as token sequences; ``written`` of each says which tokens have a loss."""

    def __init__(self, encode: PromptEncoder, eos_ids: Sequence[int]) -> None:
        self.encode, self.tokenizer, self.ends = encode, encode.tokenizer, set(eos_ids)

    def __call__(self, row: Row) -> list[Rollout]:
        """Raises DataError for what cannot be rendered."""
        turns: Sequence[Message] = [self._unended(turn) for turn in row.columns[TURNS]]
        if len(turns) == 1 and not turns[0].get("tool_calls"):
            return [self._turn(row.prompt, turns[0])]
        opening = [{"role": "user", "content": row.prompt}] if isinstance(row.prompt, str) else list(row.prompt)
        messages = self.encode.with_system([dict(m) for m in [*opening, *turns]])
        spoken = [n for n, message in enumerate(messages) if n >= len(messages) - len(turns) and _says(message)]
        if not self.encode.chat:
            raise DataError("a conversation of several turns needs a chat template, and none is used")
        self._check_calls(messages, spoken)
        whole = self._by_marks(messages, spoken) or self._by_beginnings(messages, spoken)
        if whole is not None:
            return [whole]
        if any(messages[n].get("tool_calls") for n in spoken):
            raise DataError("the chat template renders a conversation with tool calls unlike its beginnings")
        return [self._turn(messages[:n], messages[n]) for n in spoken]

    def _check_calls(self, messages: list[dict[str, Any]], spoken: Sequence[int]) -> None:
        """Raise DataError where the template leaves tool calls out: an answer without them would be learnt."""
        for n in spoken:
            if messages[n].get("tool_calls"):
                without = {key: value for key, value in messages[n].items() if key != "tool_calls"}
                without["content"] = without.get("content") or ""
                if self.encode.render(messages[: n + 1]) == self.encode.render([*messages[:n], without]):
                    raise DataError(
                        "the chat template leaves the tool calls of a turn out, and nothing of them is learnt"
                    )

    def _unended(self, turn: Message) -> Message:
        """The turn without end tokens that its text spells already: it ends with one that is put behind it."""
        if turn["role"] != "assistant" or not isinstance(turn.get("content"), str):
            return turn
        text = without_ends(turn["content"], self.end_texts)
        return turn if text == turn["content"] else {**turn, "content": text}

    @cached_property
    def end_texts(self) -> list[str]:
        return end_texts(self.tokenizer, [*self.ends, self.end])

    def ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @cached_property
    def end(self) -> int:
        """The token that ends a turn: the chat template's, where generation stops at it, else the tokenizer's own."""
        if self.encode.chat:
            asked = [{"role": "user", "content": PROBE}]
            text = self.encode.render([*asked, {"role": "assistant", "content": PROBE}])
            after = self.ids(text.rpartition(PROBE)[2])
            if after and after[0] in self.ends:
                return after[0]
        return int(self.tokenizer.eos_token_id)

    # -- one turn --------------------------------------------------------------------------------------------------

    def _turn(self, prompt: Any, turn: Message) -> Rollout:
        """The prompt as it is shown, and what is left to say of a turn that the prompt has begun."""
        text = without_beginning(message_text(turn), self.encode.begun(prompt))
        return Rollout(0, self.encode(prompt), [*self.ids(text), self.end], [], "eos", text)

    # -- a whole conversation --------------------------------------------------------------------------------------

    def _by_marks(self, messages: list[dict[str, Any]], spoken: Sequence[int]) -> Rollout | None:
        """By the template's own ``{% generation %}`` marks."""
        if "{% generation" not in str(self.tokenizer.chat_template).replace("{%-", "{%"):
            return None
        found = self.encode.render(messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
        ids, marks = list(found["input_ids"]), [bool(mark) for mark in found["assistant_masks"]]
        for place in range(1, len(ids)):  # the end of a turn belongs to it, wherever the template's author put it
            marks[place] = marks[place] or (marks[place - 1] and ids[place] in self.ends)
        said = self.tokenizer.decode([token for token, mark in zip(ids, marks, strict=True) if mark])
        if not all(message_text(messages[n]).strip() in said for n in spoken) or not any(marks):
            return None
        return _sequence(ids, marks)

    def _by_beginnings(self, messages: list[dict[str, Any]], spoken: Sequence[int]) -> Rollout | None:
        """By what the template adds for each turn, where every beginning is rendered as it stands in the whole."""
        ids: list[int] = []
        marks: list[bool] = []
        done = ""
        whole = self.encode.render(messages)
        for n in spoken:
            before = self.encode.render(messages[:n], add_generation_prompt=True)
            through = self.encode.render(messages[: n + 1])
            if not (whole.startswith(through) and through.startswith(before) and before.startswith(done)):
                return None
            turn = self.ids(through[len(before) :])
            ends = [place for place, token in enumerate(turn) if token in self.ends]
            if not ends or message_text(messages[n]).strip() not in through[len(before) :]:
                return None
            header = self.ids(before[len(done) :])
            ids += [*header, *turn]
            marks += [False] * len(header) + [True] * (ends[-1] + 1) + [False] * (len(turn) - ends[-1] - 1)
            done = through
        return _sequence(ids, marks)


def end_texts(tokenizer: Any, ends: Iterable[int]) -> list[str]:
    """End tokens as a text spells them: those that it is read back as."""
    texts = {end: str(tokenizer.decode([end])) for end in ends}
    return sorted(
        {text for end, text in texts.items() if tokenizer(text, add_special_tokens=False)["input_ids"] == [end]}
    )


def without_ends(text: str, ends: Sequence[str]) -> str:
    """A text without the end tokens that it closes with, and the white space between and behind them."""
    while any(end in text for end in ends) and (found := [end for end in ends if text.rstrip().endswith(end)]):
        text = text.rstrip().removesuffix(found[0])
    return text


def _says(message: Message) -> bool:
    return bool(message["role"] == "assistant")


def _sequence(ids: list[int], marks: list[bool]) -> Rollout:
    """From the first token to the last that has a loss."""
    first, last = marks.index(True), len(marks) - marks[::-1].index(True)
    written = marks[first:last]
    return Rollout(0, ids[:first], ids[first:last], [], "eos", "", None if all(written) else written)
