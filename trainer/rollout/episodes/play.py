"""All episodes of a step side by side: in every round each function has the word once, then the policy.

A round is one call of the sampler with the contexts of all episodes that go on, so a step takes as many calls as its
longest episode has turns. A turn runs its whole context again: nothing is kept of the cache between rounds.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch

from veritune.plugins import Message, VerituneError
from veritune.plugins.types import is_chat
from veritune.trainer.config import RolloutConfig, SamplingConfig
from veritune.trainer.data.rollouts import Finish, Rollout
from veritune.trainer.data.sources import Row
from veritune.trainer.policy.distributed import same_device
from veritune.trainer.rollout.decode.tokens import decode
from veritune.trainer.rollout.episodes.chat import ReplyTemplate
from veritune.trainer.rollout.episodes.defuse import Defuse
from veritune.trainer.rollout.episodes.function import Episode, EpisodeFunction
from veritune.trainer.rollout.episodes.transcript import Transcript, Turn
from veritune.trainer.rollout.interface import Done, Sampler

HALVES = re.compile("[\ud800-\udfff]")


@dataclass
class _Live:
    """An episode being played."""

    place: int
    row: Row
    episode: Episode
    transcript: Transcript
    turn: Turn | None = None
    """The policy's last; None before the first."""
    finish: Finish | None = None


class Episodes:
    """Plays an episode function against a policy.

    ``sampler`` draws single turns; ``eos_ids`` are the tokens that end one. With ``chat`` the prompts were rendered by
    the chat template, and the function may answer with messages.
    """

    def __init__(
        self,
        function: EpisodeFunction,
        config: RolloutConfig,
        sampler: Sampler,
        tokenizer: Any,
        eos_ids: Sequence[int],
        chat: bool = True,
    ) -> None:
        self.function, self.config, self.sampler = function, config, sampler
        self.tokenizer, self.eos_ids = tokenizer, list(eos_ids)
        self.template = ReplyTemplate(tokenizer) if chat else None
        self.defuse = Defuse(tokenizer, eos_ids)

    def play(
        self,
        rows: Sequence[Row],
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        """``samples`` completions of every prompt, in prompt order, samples of one prompt side by side.

        ``prompts`` are the token ids of the ``rows``. ``done(place, rollout)`` is called from this thread as each
        completion ends, in any order. Raises VerituneError, with its cause, for an exception inside the function.
        """
        everybody = self._start(rows, prompts, samples, generator)
        live = list(everybody)
        rollouts: list[Rollout | None] = [None] * len(live)
        try:
            with self._threads() as pool:
                while live:
                    self._answer(live, sampling.max_tokens, pool)
                    live = self._settle(live, rollouts, done)
                    if live:
                        self._write(live, samples, sampling, generator)
                        live = self._settle(live, rollouts, done)
        except BaseException:
            for one in everybody:  # the others let go of what they hold; the first error is the one to tell
                with suppress(Exception, SystemExit):
                    one.episode.close()
            raise
        return [rollout for rollout in rollouts if rollout is not None]

    def _start(
        self, rows: Sequence[Row], prompts: Sequence[Sequence[int]], samples: int, generator: torch.Generator
    ) -> list[_Live]:
        count = len(rows) * samples
        seeds = [0] * count
        if self.function.takes_seed:
            seeds = torch.randint(2**31, (count,), generator=generator, device=generator.device).tolist()
        return [
            _Live(
                place,
                rows[place // samples],
                self.function.start(rows[place // samples], seed),
                Transcript(place // samples, list(prompts[place // samples])),
            )
            for place, seed in enumerate(seeds)
        ]

    @contextmanager
    def _threads(self) -> Iterator[Executor | None]:
        if self.config.threads == 1:
            yield None
            return
        pool = ThreadPoolExecutor(self.config.threads, "veritune-episode", initializer=same_device())
        try:
            yield pool
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)  # at once: a function that hangs is not waited for
            raise
        finally:
            pool.shutdown(wait=not isinstance(sys.exc_info()[1], KeyboardInterrupt))

    # -- the function's word ---------------------------------------------------------------------------------------

    def _answer(self, live: Sequence[_Live], limit: int, pool: Executor | None) -> None:
        """Every function's answer to its turn, appended; ``finish`` is set where the episode is over."""
        answers = pool.map(self._resume, live) if pool is not None else map(self._resume, live)
        for one, (answer, over) in zip(live, answers, strict=True):
            try:
                fits = self._append(one, answer, over, limit)
            except VerituneError as error:
                raise self._failure(one, error) from error
            if not fits:
                self._cut(one)
            elif over:
                assert one.turn is not None
                one.finish = one.turn.finish

    def _resume(self, one: _Live) -> tuple[Any, bool]:
        """What the function yields, and False; or what it returns, and True."""
        try:
            return one.episode.send(one.turn), False
        except StopIteration as stop:
            return stop.value, True
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # sys.exit in the function is a bug like any other
            raise self._failure(one, error) from error

    def _append(self, one: _Live, answer: Any, over: bool, limit: int) -> bool:
        """Add what the environment says; False, and nothing added, where there is no room for it and a turn after."""
        transcript, answer = one.transcript, self._clean(answer)
        if one.turn is None and over:
            raise VerituneError("it returned before the policy had the word; yield at least once")
        if transcript.turns >= self.config.max_turns and not over:
            return False
        messages = _messages(answer)
        text = answer if isinstance(answer, str) else ""
        if messages:
            messages, text, ids = self._rendered(one, messages, more=not over)
        else:
            text, ids = self._words(text)
        if messages and ids and one.turn is not None and one.turn.finish == "eos" and ids[0] in self.eos_ids:
            ids = ids[1:]  # the policy has ended its turn itself
        if len(transcript.token_ids) + len(ids) + (not over) > limit:
            if one.turn is None:
                raise VerituneError(f"it begins with {len(ids)} tokens, and sampling.max_tokens is {limit}")
            return False
        if messages:
            transcript.insert_messages(messages, text, ids)
        elif text:
            transcript.insert_text(text, ids)
        return True

    def _template(self, one: _Live) -> ReplyTemplate:
        if self.template is None:
            raise VerituneError("it answered with messages, but the prompts use no chat template; yield a text")
        if one.turn is None:
            raise VerituneError("it began with messages; they follow a turn of the policy (begin with yield or a text)")
        return self.template

    def _rendered(self, one: _Live, messages: list[Message], more: bool) -> tuple[list[Message], str, list[int]]:
        """Messages as they are said, their text and its tokens: every special token is the template's own."""
        template = self._template(one)
        messages = self.defuse(messages)
        text = template(messages, more)
        ids, strict = self._encode(text), self.defuse.strictly(messages)
        if strict != messages:
            instead = template(strict, more)
            plain = self._encode(instead)
            if self.defuse.count(ids) > self.defuse.count(plain):
                return strict, instead, plain
        return messages, text, ids

    def _words(self, text: str) -> tuple[str, list[int]]:
        """A text as it is said, and its tokens: with no special one among them, unless the config lets them count."""
        if self.config.special_tokens:
            return text, self._encode(text)
        text = self.defuse(text)
        ids = self._encode(text)
        if self.defuse.count(ids):
            text = self.defuse.strictly(text)
            ids = self._encode(text)
        return text, ids

    def _encode(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []

    def _clean(self, answer: Any) -> Any:
        """The answer with halves of surrogate pairs replaced: a program's output may hold them, no tokenizer takes
        them."""
        if isinstance(answer, str):
            return answer.encode("utf-8", "replace").decode() if HALVES.search(answer) else answer
        if isinstance(answer, Mapping):
            return {key: self._clean(value) for key, value in answer.items()}
        return [self._clean(value) for value in answer] if isinstance(answer, list | tuple) else answer

    # -- the policy's word -----------------------------------------------------------------------------------------

    def _write(self, live: Sequence[_Live], samples: int, sampling: SamplingConfig, generator: torch.Generator) -> None:
        """A turn of the policy for every episode; ``finish`` is set where the completion was cut.

        All are drawn up to the largest limit among them, and what is beyond an episode's own is thrown away: what is
        left has the distribution it would have had alone.
        """
        limits = [sampling.max_tokens - len(one.transcript.token_ids) for one in live]
        if self.config.turn_tokens is not None:
            limits = [min(limit, self.config.turn_tokens) for limit in limits]
        contexts = [one.transcript.context for one in live]
        # in the first round every group still stands at its prompt, which is then run once for all of it
        first = all(not one.transcript.token_ids for one in live)
        each = samples if first else 1
        this_round = sampling.model_copy(update={"max_tokens": max(limits)})
        drawn = self.sampler.generate(contexts[::each], each, this_round, generator)
        for one, rollout, limit in zip(live, drawn, limits, strict=True):
            ids, finish, text = rollout.token_ids, rollout.finish, rollout.text
            if len(ids) > limit:
                ids, finish = ids[:limit], "length"
                text = decode(self.tokenizer, ids, self.eos_ids)
            one.transcript.count(rollout)
            one.turn = one.transcript.write(ids, rollout.logprobs[: len(ids)], text, finish)
            if finish == "length" and len(one.transcript.token_ids) >= sampling.max_tokens:
                self._cut(one)

    # -- ends ------------------------------------------------------------------------------------------------------

    def _settle(self, live: Sequence[_Live], rollouts: list[Rollout | None], done: Done | None) -> list[_Live]:
        """Hand in what has ended; returns the episodes that go on."""
        for one in live:
            if one.finish is not None:
                rollouts[one.place] = rollout = one.transcript.rollout(one.finish)
                if done is not None:
                    done(one.place, rollout)
        return [one for one in live if one.finish is None]

    def _cut(self, one: _Live) -> None:
        """The completion ends here, truncated; the function may clean up."""
        one.finish = "length"
        try:
            one.episode.close()
        except (Exception, SystemExit) as error:
            raise self._failure(one, error) from error

    def _failure(self, one: _Live, error: BaseException) -> VerituneError:
        return self.function.failure(error, one.row, one.transcript.turns, one.transcript.text)


def _messages(answer: Any) -> list[Message]:
    """The messages of an answer; none where it is a text or nothing. Raises VerituneError for anything else."""
    if answer is None or isinstance(answer, str):
        return []
    messages = [answer] if isinstance(answer, Mapping) else answer
    if not is_chat(messages):
        raise VerituneError(f"it answers with nothing, a text, a message or a list of messages, got {answer!r:.120}")
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if not isinstance(role, str) or content is None:
            raise VerituneError(f"a message has a role and a content, got {message!r:.120}")
        if role == "assistant":
            raise VerituneError("it answered with an assistant message; the assistant's turns are the policy's")
    return list(messages)
