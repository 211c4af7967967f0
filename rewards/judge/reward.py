"""The reward ``judge``."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, FiniteFloat, PositiveInt

from veritune.plugins.errors import ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score, Verdict, completion_text, prompt_text
from veritune.plugins.unseen import visible
from veritune.rewards.judge.backend import Backend, Reply
from veritune.rewards.judge.credentials import Credentials
from veritune.rewards.judge.injection import injections
from veritune.rewards.judge.local import LocalBackend
from veritune.rewards.judge.openai import Endpoint, OpenAIBackend
from veritune.rewards.judge.prompts import Mode, Question, cut_middle, make_question
from veritune.rewards.judge.verdicts import Reading, read_reply
from veritune.rewards.preference.items import View, view_text
from veritune.rewards.text import Prefilled

HELPFUL = "How well it does what was asked: right, complete, clear, and no longer than it needs to be."
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class _Case:
    """A sample's questions (two for ``pairwise``), or the score it already has."""

    questions: tuple[Question, ...] = ()
    score: Score | None = None
    flags: dict[str, str] | None = None
    cut: tuple[str, ...] = ()
    """Which texts are shown without their middle."""
    read: str | None = None
    """What is looked at for addresses to the judge while it is asked."""


class Judge:
    """A generative model's verdict on a completion.

    ``mode: compare`` with the gold: ``right`` or ``wrong``. ``rubric``: a whole grade from 0 to ``scale`` by the text
    in ``rubric``, divided by ``scale``. ``pairwise`` against the column ``reference``, asked in both orders: 1 better,
    0 worse, ½ a tie; a judge that contradicts itself when the order changes makes a tie (``disagreement: tie``) or no
    verdict (``undecided``).

    ``backend: openai`` asks ``endpoint`` (any OpenAI-compatible URL, up to ``/v1``) for ``model``, ``concurrency`` at a
    time, each attempt up to ``timeout`` seconds and each judgement up to ``deadline``, with ``retries`` on 408, 409,
    425, 429, 5xx, time-outs and broken connections, ``rpm`` and ``tpm`` limits, and answers remembered in the SQLite
    file ``cache``. ``backend: local`` runs a transformers checkpoint here.

    What the policy wrote is quoted as data behind a fence that no text can contain, and a genuine verdict carries a
    code. A completion that addresses its judge is flagged in the verdict's evidence; ``flagged: undecided`` does not
    even ask. Completion, prompt, gold and reference over ``max_chars`` lose their middle (``too_long: cut_middle``; the
    evidence says which) or are refused.

    Undecided, never 0: unparsable, unsure, refused (``abstain``); every attempt failed (``infra_error``); no time left
    (``timeout``); a missing gold or reference (``invalid_gold``).
    """

    needs_groups = False

    def __init__(
        self,
        *,
        model: str,
        mode: Mode = "compare",
        backend: Literal["openai", "local"] = "openai",
        endpoint: str = "https://api.openai.com/v1",
        api_key_env: str = "OPENAI_API_KEY",
        rubric: str = "",
        scale: PositiveInt = 10,
        view: View = "summary",
        prefilled: Prefilled = "auto",
        right: FiniteFloat = 1.0,
        wrong: FiniteFloat = 0.0,
        disagreement: Literal["tie", "undecided"] = "tie",
        flagged: Literal["judge", "undecided"] = "judge",
        canary: bool = True,
        max_chars: PositiveInt = 24_000,
        too_long: Literal["cut_middle", "refuse"] = "cut_middle",
        temperature: Annotated[float, Field(ge=0)] = 0.0,
        max_tokens: PositiveInt = 1024,
        extra: dict[str, Any] | None = None,
        concurrency: PositiveInt = 32,
        timeout: Positive = 60.0,
        deadline: Positive = 180.0,
        retries: Annotated[int, Field(ge=0)] = 5,
        wait: Positive = 0.5,
        rpm: Positive | None = None,
        tpm: Positive | None = None,
        cache: str | None = None,
        price: tuple[float, float] = (0.0, 0.0),
        device: str = "auto",
        batch: PositiveInt = 8,
    ) -> None:
        self.mode, self.rubric, self.scale = mode, rubric, scale
        self.view, self.prefilled = view, prefilled
        self.right, self.wrong, self.disagreement = right, wrong, disagreement
        self.flagged, self.canary = flagged, canary
        self.max_chars, self.too_long = max_chars, too_long
        self.price = price
        if mode != "compare" and not rubric:
            self.rubric = HELPFUL
        self._sent = (endpoint, api_key_env) if backend == "openai" else None
        if backend == "local":
            self.backend: Backend = LocalBackend(model, device, max_tokens, batch, deadline)
        else:
            where = Endpoint(
                endpoint, model, api_key_env, temperature, max_tokens, extra, concurrency, timeout, deadline, retries,
                wait, rpm, tpm, cache,
            )  # fmt: skip
            self.backend = OpenAIBackend(where)

    def __call__(
        self,
        samples: Sequence[Sample],
        gold: Sequence[Any] | None = None,
        reference: Sequence[Any] | None = None,
        *,
        log_metric: Callable[[str, float], None] | None = None,
    ) -> list[Score]:
        """One score a sample, with the judge's reason, and tokens, seconds and flags in the verdict's evidence."""
        wanted = {"compare": ("gold", gold), "pairwise": ("reference", reference)}.get(self.mode)
        if wanted is not None and wanted[1] is None:
            name = wanted[0]
            raise ParameterError(
                f"reward 'judge': mode {self.mode} needs the column {name!r} (or columns: {{{name}: COLUMN}})"
            )
        others = wanted[1] if wanted is not None and wanted[1] is not None else [None] * len(samples)
        cases = [self._case(sample, other) for sample, other in zip(samples, others, strict=True)]
        return self._answered(cases, log_metric)

    def grades(self, samples: Sequence[Sample], rubrics: Sequence[str]) -> list[Score]:
        """Each sample by a rubric of its own (``mode: rubric``), all asked at once."""
        cases = [self._case(sample, None, text) for sample, text in zip(samples, rubrics, strict=True)]
        return self._answered(cases, None)

    def _answered(self, cases: Sequence[_Case], log_metric: Callable[[str, float], None] | None) -> list[Score]:
        flags = [case.flags for case in cases]

        def look() -> None:
            for i, case in enumerate(cases):
                if case.read is not None:
                    flags[i] = injections(case.read)

        replies = self.backend.ask([question for case in cases for question in case.questions], look)
        cases = [replace(case, flags=found) for case, found in zip(cases, flags, strict=True)]
        remaining = iter(replies)
        scores = [self._score(case, [next(remaining) for _ in case.questions]) for case in cases]
        if log_metric is not None:
            self._log(scores, replies, sum(bool(case.flags) for case in cases), log_metric)
        return scores

    # -- before ----------------------------------------------------------------------------------------------------

    def _case(self, sample: Sample, other: Any, rubric: str | None = None) -> _Case:
        text = view_text(sample, self.view, self.prefilled)
        if text is None:
            return _Case(score=Score.none(f"the completion has no {self.view}"))
        if self.mode != "rubric" and not _usable(other):
            missing = "gold" if self.mode == "compare" else "reference"
            return _Case(score=_undecided(Cause.INVALID_GOLD, f"the {missing} is missing: {other!r:.80}"))
        flags = injections(text) if self.flagged == "undecided" else {}
        if flags:
            return _Case(
                score=_undecided(Cause.ABSTAIN, f"it addresses the judge: {flags}", injection=flags), flags=flags
            )
        texts = {"completion": text, "prompt": prompt_text(sample.prompt)}
        if self.mode != "rubric":
            texts["reference" if self.mode == "pairwise" else "gold"] = _text(other)
        long = {name: len(each) for name, each in texts.items() if len(each) > self.max_chars}
        if long and self.too_long == "refuse":
            lengths = ", ".join(f"the {name} has {count} characters" for name, count in long.items())
            score = _undecided(Cause.ABSTAIN, f"{lengths}, more than {self.max_chars}")
            return _Case(score=score, read=text)
        shown = {name: cut_middle(each, self.max_chars) for name, each in texts.items()}
        read = text if self.flagged == "judge" else None
        return _Case(self._questions(shown, rubric), None, flags, tuple(long), read)

    def _questions(self, shown: Mapping[str, str], rubric: str | None) -> tuple[Question, ...]:
        text = shown["completion"]
        common: dict[str, Any] = {
            "prompt": shown["prompt"],
            "rubric": self.rubric if rubric is None else rubric,
            "scale": self.scale,
        }
        if self.mode != "pairwise":
            gold = shown.get("gold")
            return (make_question(self.mode, answers=(text,), gold=gold, **common),)
        rival = shown["reference"]
        orders = ((text, rival), (rival, text))
        return tuple(make_question("pairwise", answers=order, gold=None, **common) for order in orders)

    # -- after -----------------------------------------------------------------------------------------------------

    def _score(self, case: _Case, replies: Sequence[Reply]) -> Score:
        if case.score is not None:
            return case.score
        evidence: dict[str, Any] = {
            "prompt_tokens": sum(reply.prompt_tokens for reply in replies),
            "completion_tokens": sum(reply.completion_tokens for reply in replies),
            "seconds": round(sum(reply.seconds for reply in replies), 4),
            "attempts": sum(reply.attempts for reply in replies),
            "cached": all(reply.cached for reply in replies),
        }
        if case.flags:
            evidence["injection"] = case.flags
        if case.cut:
            evidence["cut"] = {"to": self.max_chars, "texts": list(case.cut)}
        readings, hide = [], self._hide()
        for question, reply in zip(case.questions, replies, strict=True):
            if reply.text is None:
                return _undecided(reply.cause or Cause.INFRA_ERROR, reply.problem, **evidence)
            reading = read_reply(reply.text, self.mode, question.canary if self.canary else None, self.scale)
            reading = replace(reading, reason=hide(reading.reason), problem=hide(reading.problem))
            if reading.verdict is None or reading.verdict == "unsure":
                problem = reading.problem or f"the judge is unsure: {reading.reason}"
                return _undecided(Cause.ABSTAIN, problem, reply=hide(reply.text[:2000]), **evidence)
            readings.append(reading)
        return self._decided(readings, evidence)

    def _hide(self) -> Callable[[str], str]:
        """Takes the key out of a text: a judge, or a server in its place, may repeat what it was sent."""
        return Credentials.of(*self._sent).out_of if self._sent is not None else str

    def _decided(self, readings: Sequence[Reading], evidence: dict[str, Any]) -> Score:
        first = readings[0]
        if self.mode == "compare":
            make = Verdict.right if first.verdict == "correct" else Verdict.wrong
            return Score.of(make(first.reason, evidence=evidence), self.right, self.wrong)
        if self.mode == "rubric":
            share = int(first.verdict or 0) / self.scale
            verdict = Verdict(share > 0.5, score=share, reason=first.reason, evidence=evidence)
            return Score(share, f"{first.verdict} of {self.scale}: {first.reason}", verdict)
        points = (_points(first.verdict, "A"), _points(readings[1].verdict, "B"))
        reason = f"first: {first.reason}; swapped: {readings[1].reason}"
        if points[0] != points[1] and 0.5 not in points:
            if self.disagreement == "undecided":
                return _undecided(Cause.ABSTAIN, f"the judge prefers a place, not an answer ({reason})", **evidence)
            points = (0.5, 0.5)
        value = (points[0] + points[1]) / 2
        return Score(value, reason, Verdict(value > 0.5, score=value, reason=reason, evidence=evidence))

    def _log(
        self, scores: Sequence[Score], replies: Sequence[Reply], flagged: int, log_metric: Callable[[str, float], None]
    ) -> None:
        """Totals of this call: requests, cache, tokens, money, seconds a judgement, undecided by cause, flagged."""
        asked = [reply for reply in replies if not reply.cached]
        tokens = (sum(r.prompt_tokens for r in asked), sum(r.completion_tokens for r in asked))
        log_metric("judge/asked", float(len(asked)))
        log_metric("judge/cached", float(len(replies) - len(asked)))
        log_metric("judge/prompt_tokens", float(tokens[0]))
        log_metric("judge/completion_tokens", float(tokens[1]))
        log_metric("judge/cost", (tokens[0] * self.price[0] + tokens[1] * self.price[1]) / 1e6)
        log_metric("judge/seconds", sum(r.seconds for r in asked) / max(1, len(asked)))
        log_metric("judge/retries", float(sum(max(0, r.attempts - 1) for r in asked)))
        log_metric("judge/flagged", float(flagged))
        for cause, count in Counter(str(score.cause) for score in scores if score.value is None).items():
            log_metric(f"judge/undecided/{cause}", float(count))


judge = reward(name="judge")(Judge)


judge.example = {"model": "Qwen/Qwen2.5-7B-Instruct"}


@judge.check
def _check(
    model: str, timeout: float, deadline: float, price: tuple[float, float], endpoint: str, extra: dict[str, Any] | None
) -> None:
    if not model.strip():
        raise ParameterError("reward 'judge': model is the name that the endpoint knows (or a checkpoint), got nothing")
    try:
        json.dumps(extra)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"reward 'judge': extra goes into a JSON request and cannot: {error}") from None
    if timeout > deadline:
        raise ParameterError(f"reward 'judge': timeout={timeout:g} (one attempt) is over deadline={deadline:g} (all)")
    if min(price) < 0:
        raise ParameterError(f"reward 'judge': price is [prompt, completion] per million tokens, got {list(price)}")
    if not _is_address(endpoint):
        shown = re.sub(r"//[^/@]*@", "//***@", endpoint)
        raise ParameterError(f"reward 'judge': endpoint is a URL such as http://localhost:8000/v1, got {shown!r}")


def _is_address(endpoint: str) -> bool:
    if re.search(r"[\s\x00-\x1f]", endpoint.strip()):
        return False
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port over 65,535, half an IPv6 address
        return False


def _undecided(cause: Cause, reason: str, **evidence: Any) -> Score:
    return Score.of(Verdict.undecided(cause, reason, evidence=evidence))


def _usable(gold: Any) -> bool:
    """A gold that says something: no None, NaN or empty text, also as the only ones of a list."""
    if isinstance(gold, list) and gold and not isinstance(gold[0], dict):
        return all(map(_usable, gold))
    if gold is None or gold in ([], {}) or (isinstance(gold, float) and not math.isfinite(gold)):
        return False
    return bool(visible(_text(gold)).strip())


def _text(value: Any) -> str:
    """A gold or reference as text: messages by their last assistant turn, several golds as alternatives."""
    if isinstance(value, list) and value and not isinstance(value[0], dict):
        return " or ".join(map(str, value))
    return completion_text(value) if isinstance(value, list) else str(value)


def _points(verdict: str | int | None, ours: str) -> float:
    return 0.5 if verdict == "tie" else float(verdict == ours)
