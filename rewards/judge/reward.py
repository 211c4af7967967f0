"""The reward ``judge``."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, FiniteFloat, PositiveInt

from veritune.plugins.errors import ColumnError, ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score, Verdict, prompt_text
from veritune.rewards.judge.backend import Backend, Reply
from veritune.rewards.judge.backends import Positive, Settings
from veritune.rewards.judge.golds import as_text, usable
from veritune.rewards.judge.injection import LIMIT, injections
from veritune.rewards.judge.prompts import Form, Mode, Question, cut_middle, make_question
from veritune.rewards.judge.second import Opinion, agreed, without_addresses
from veritune.rewards.judge.verdicts import Reading, read_reply
from veritune.rewards.preference.items import View, view_text
from veritune.rewards.text import Prefilled

HELPFUL = "How well it does what was asked: right, complete, clear, and no longer than it needs to be."


@dataclass(frozen=True)
class _Case:
    """A sample's texts and questions (two for ``pairwise``), or the score it already has."""

    questions: tuple[Question, ...] = ()
    score: Score | None = None
    flags: dict[str, str] | None = None
    cut: tuple[str, ...] = ()
    """Which texts are shown without their middle."""
    read: str | None = None
    """What is looked at for addresses to the judge while it is asked."""
    shown: Mapping[str, str] = field(default_factory=dict)
    rubric: str = ""
    second: tuple[tuple[Form, tuple[Question, ...]], ...] = ()
    """What was asked again because it was flagged."""


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
    code. A completion that addresses its judge is flagged in the verdict's evidence, and unless it has lost already the
    judge (or the one that ``second`` configures) is asked about it twice more: with a mark between all its words, and
    without the sentences that address anybody. Opinions that agree decide, the lowest of them; others leave it
    undecided. ``flagged: judge`` asks once, ``flagged: undecided`` not at all.

    Completion, prompt, gold and reference over ``max_chars`` lose their middle (``too_long: cut_middle``; the evidence
    says which) or are refused.

    Undecided, never 0: unparsable, unsure, refused (``abstain``); every attempt failed (``infra_error``); no time left
    (``timeout``); a row whose gold or reference says nothing (``invalid_gold``). Data without that column at all
    raise ColumnError.
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
        flagged: Literal["second", "judge", "undecided"] = "second",
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
        second: dict[str, Any] | None = None,
    ) -> None:
        self.mode, self.rubric, self.scale = mode, rubric, scale
        self.view, self.prefilled = view, prefilled
        self.right, self.wrong, self.disagreement = right, wrong, disagreement
        self.flagged, self.canary = flagged, canary
        self.max_chars, self.too_long = max_chars, too_long
        if mode != "compare" and not rubric:
            self.rubric = HELPFUL
        self.first = Settings(
            model, backend, endpoint, api_key_env, temperature, max_tokens, extra, concurrency, timeout, deadline,
            retries, wait, rpm, tpm, cache, price, device, batch,
        )  # fmt: skip
        self.other = self.first.other(second) if second else self.first
        self.backend: Backend = self.first.make()
        self.second: Backend = self.other.make() if second else self.backend

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
            raise ColumnError(
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

        def look() -> Iterator[None]:
            known: dict[str, dict[str, str]] = {}
            for i, case in enumerate(cases):
                if case.read is not None:
                    if case.read not in known:
                        known[case.read] = injections(case.read, max(LIMIT, self.max_chars))
                        yield
                    flags[i] = known[case.read]

        replies = self.backend.ask([question for case in cases for question in case.questions], look())
        cases = [replace(case, flags=found) for case, found in zip(cases, flags, strict=True)]
        remaining = iter(replies)
        firsts = [[next(remaining) for _ in case.questions] for case in cases]
        hide = self.first.hide()
        opinions = [
            [self._opinion(case.questions, got, hide)] if case.score is None else []
            for case, got in zip(cases, firsts, strict=True)
        ]
        cases = [self._asked_again(case, said) for case, said in zip(cases, opinions, strict=True)]
        more = self.second.ask([q for case in cases for _, questions in case.second for q in questions])
        remaining, scores, hide = iter(more), list[Score](), self.other.hide()
        for case, got, said in zip(cases, firsts, opinions, strict=True):
            all_of_it = list(got)
            for _, questions in case.second:
                again = [next(remaining) for _ in questions]
                said.append(self._opinion(questions, again, hide))
                all_of_it += again
            scores.append(case.score or self._score(case, said, all_of_it))
        if log_metric is not None:
            self._log(scores, replies, more, cases, log_metric)
        return scores

    # -- before ----------------------------------------------------------------------------------------------------

    def _case(self, sample: Sample, other: Any, rubric: str | None = None) -> _Case:
        text = view_text(sample, self.view, self.prefilled)
        if text is None:
            return _Case(score=Score.none(f"the completion has no {self.view}"))
        if self.mode != "rubric" and not usable(other):
            missing = "gold" if self.mode == "compare" else "reference"
            return _Case(score=_undecided(Cause.INVALID_GOLD, f"the {missing} is missing: {other!r:.80}"))
        flags = injections(text, max(LIMIT, self.max_chars)) if self.flagged == "undecided" else {}
        if flags:
            return _Case(
                score=_undecided(Cause.ABSTAIN, f"it addresses the judge: {flags}", injection=flags), flags=flags
            )
        texts = {"completion": text, "prompt": prompt_text(sample.prompt)}
        if self.mode != "rubric":
            texts["reference" if self.mode == "pairwise" else "gold"] = as_text(other)
        long = {name: len(each) for name, each in texts.items() if len(each) > self.max_chars}
        if long and self.too_long == "refuse":
            lengths = ", ".join(f"the {name} has {count} characters" for name, count in long.items())
            score = _undecided(Cause.ABSTAIN, f"{lengths}, more than {self.max_chars}")
            return _Case(score=score, read=text)
        shown = {name: cut_middle(each, self.max_chars) for name, each in texts.items()}
        read = text if self.flagged != "undecided" else None
        wanted = self.rubric if rubric is None else rubric
        return _Case(self._questions(shown, wanted), None, flags, tuple(long), read, shown, wanted)

    def _asked_again(self, case: _Case, said: Sequence[Opinion]) -> _Case:
        """What addresses the judge and has anything to lose is asked about in two more forms."""
        if not case.flags or self.flagged != "second" or not said or not said[0].share:
            return case
        less = {**case.shown, "completion": without_addresses(case.shown["completion"])}
        marked, shortened = (
            self._questions(case.shown, case.rubric, "marked"), self._questions(less, case.rubric, "shortened")
        )  # fmt: skip
        return replace(case, second=(("marked", marked), ("shortened", shortened)))

    def _questions(self, shown: Mapping[str, str], rubric: str, form: Form = "plain") -> tuple[Question, ...]:
        text = shown["completion"]
        common: dict[str, Any] = {"prompt": shown["prompt"], "rubric": rubric, "scale": self.scale, "form": form}
        if self.mode != "pairwise":
            gold = shown.get("gold")
            return (make_question(self.mode, answers=(text,), gold=gold, **common),)
        rival = shown["reference"]
        orders = ((text, rival), (rival, text))
        return tuple(make_question("pairwise", answers=order, gold=None, **common) for order in orders)

    # -- after -----------------------------------------------------------------------------------------------------

    def _score(self, case: _Case, said: Sequence[Opinion], replies: Sequence[Reply]) -> Score:
        evidence: dict[str, Any] = {
            "prompt_tokens": sum(reply.prompt_tokens for reply in replies),
            "completion_tokens": sum(reply.completion_tokens for reply in replies),
            "seconds": round(sum(reply.seconds for reply in replies), 4),
            "attempts": sum(reply.attempts for reply in replies),
            "cached": all(reply.cached for reply in replies),
        }
        if unheard := sum(reply.unheard for reply in replies):
            evidence["unheard"] = unheard
        if case.flags:
            evidence["injection"] = case.flags
        if case.cut:
            evidence["cut"] = {"to": self.max_chars, "texts": list(case.cut)}
        if case.second:
            forms = ("plain", *(form for form, _ in case.second))
            evidence["opinions"] = {form: one.share for form, one in zip(forms, said, strict=True)}
        found = agreed(said) if len(said) > 1 else said[0]
        if found.share is None:
            shown = {"reply": found.reply} if found.reply else {}
            return _undecided(found.cause or Cause.INFRA_ERROR, found.reason, **shown, **evidence)
        if self.mode == "compare":
            make = Verdict.right if found.share > 0.5 else Verdict.wrong
            return Score.of(make(found.reason, evidence=evidence), self.right, self.wrong)
        verdict = Verdict(found.share > 0.5, score=found.share, reason=found.reason, evidence=evidence)
        reason = found.reason
        if self.mode == "rubric":
            reason = f"{round(found.share * self.scale)} of {self.scale}: {reason}"
        return Score(found.share, reason, verdict)

    def _opinion(self, questions: Sequence[Question], replies: Sequence[Reply], hide: Callable[[str], str]) -> Opinion:
        """What the replies to a sample's questions in one form come to."""
        readings = []
        for question, reply in zip(questions, replies, strict=True):
            if reply.text is None:
                return Opinion(None, reply.problem, reply.cause or Cause.INFRA_ERROR)
            reading = read_reply(reply.text, self.mode, question.canary if self.canary else None, self.scale)
            reading = replace(reading, reason=hide(reading.reason), problem=hide(reading.problem))
            if reading.verdict is None or reading.verdict == "unsure":
                problem = reading.problem or f"the judge is unsure: {reading.reason}"
                return Opinion(None, problem, Cause.ABSTAIN, hide(reply.text[:2000]))
            readings.append(reading)
        first = readings[0]
        if self.mode == "compare":
            return Opinion(float(first.verdict == "correct"), first.reason)
        if self.mode == "rubric":
            return Opinion(int(first.verdict or 0) / self.scale, first.reason)
        return self._of_both_orders(first, readings[1])

    def _of_both_orders(self, first: Reading, swapped: Reading) -> Opinion:
        points = (_points(first.verdict, "A"), _points(swapped.verdict, "B"))
        reason = f"first: {first.reason}; swapped: {swapped.reason}"
        if points[0] != points[1] and 0.5 not in points:
            if self.disagreement == "undecided":
                return Opinion(None, f"the judge prefers a place, not an answer ({reason})", Cause.ABSTAIN)
            points = (0.5, 0.5)
        return Opinion((points[0] + points[1]) / 2, reason)

    def _log(
        self,
        scores: Sequence[Score],
        replies: Sequence[Reply],
        more: Sequence[Reply],
        cases: Sequence[_Case],
        log_metric: Callable[[str, float], None],
    ) -> None:
        """Totals of this call: requests, tokens, money, seconds, retries, answers not heard, flagged, undecided."""
        both = [*replies, *more]
        asked, again = ([r for r in some if not r.cached] for some in (both, more))
        tokens, extra = _tokens(asked), _tokens(again)
        first = (tokens[0] - extra[0], tokens[1] - extra[1])
        log_metric("judge/asked", float(len(asked)))
        log_metric("judge/cached", float(len(both) - len(asked)))
        log_metric("judge/prompt_tokens", float(tokens[0]))
        log_metric("judge/completion_tokens", float(tokens[1]))
        log_metric("judge/cost", self.first.cost(first) + self.other.cost(extra))
        log_metric("judge/seconds", sum(r.seconds for r in asked) / max(1, len(asked)))
        log_metric("judge/retries", float(sum(max(0, r.attempts - 1) for r in asked)))
        log_metric("judge/unheard", float(sum(r.unheard for r in asked)))
        log_metric("judge/flagged", float(sum(bool(case.flags) for case in cases)))
        log_metric("judge/second", float(sum(bool(case.second) for case in cases)))
        for cause, count in Counter(str(score.cause) for score in scores if score.value is None).items():
            log_metric(f"judge/undecided/{cause}", float(count))


def _tokens(replies: Sequence[Reply]) -> tuple[int, int]:
    return sum(r.prompt_tokens for r in replies), sum(r.completion_tokens for r in replies)


judge = reward(name="judge")(Judge)


judge.example = {"model": "Qwen/Qwen2.5-7B-Instruct"}


@judge.check
def _check(
    model: str, timeout: float, deadline: float, price: tuple[float, float], endpoint: str,
    extra: dict[str, Any] | None, second: dict[str, Any] | None,
) -> None:  # fmt: skip
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
    addresses = {"endpoint": endpoint}
    if second:
        addresses["second.endpoint"] = Settings(model, endpoint=endpoint).other(second).endpoint
    for name, address in addresses.items():
        if not _is_address(address):
            shown = re.sub(r"//[^/@]*@", "//***@", address)
            raise ParameterError(f"reward 'judge': {name} is a URL such as http://localhost:8000/v1, got {shown!r}")


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


def _points(verdict: str | int | None, ours: str) -> float:
    return 0.5 if verdict == "tie" else float(verdict == ours)
