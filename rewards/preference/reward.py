"""The reward ``preference``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, NonNegativeFloat, PositiveInt

from veritune.plugins.errors import ColumnError, ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score, prompt_text
from veritune.rewards.judge.golds import as_text, usable
from veritune.rewards.preference.encoding import EncodingOptions, Template, TooLong
from veritune.rewards.preference.items import Item, View, make_item, view_text
from veritune.rewards.preference.model import DType, LocalScorer, Outcome, load_model, logit_weights
from veritune.rewards.preference.remote import HTTPScorer, RayScorer
from veritune.rewards.preference.statistics import Running, Squash, sigmoid, squash, standardise
from veritune.rewards.text import Prefilled


class Scorer(Protocol):
    """Items in, logits out; here, in a Ray actor, or behind HTTP."""

    @property
    def labels(self) -> Mapping[str, int]: ...

    @property
    def trained(self) -> Mapping[str, Any]: ...

    def score(self, items: Sequence[Item]) -> list[Outcome]: ...


class Preference:
    """The score of a reward model: a transformers sequence-classification checkpoint.

    reward = squash(clip(normalise(Σ wᵢ · logitᵢ)))

    ``model`` is a folder or hub name (with ``endpoint``, nothing). ``view``: the ``full`` completion (as the policy
    wrote it), the ``summary`` after the reasoning, or the ``reasoning``. ``template``, ``eos``, ``special_tokens``:
    how the text is put before the model; by default as TRL does (see docs/preference.md). Texts over ``max_length``
    tokens (default: the model's own limit) lose their middle or are refused (undecided), and the reason says so.
    ``logit``: an index, a label, or label → weight. ``win_rate``: not the score r but the chance to beat the answer in
    the column ``reference``, sigmoid(r(completion) − r(reference)); with ``pair_format`` (a format string of
    ``{prompt}``, ``{first}``, ``{second}``) the model reads both at once, and its probability that the first is better
    is averaged over both orders. ``normalise``: ``running`` statistics of this process, or ``calibrated`` by ``mean``
    and ``std`` (default: those the checkpoint brings). ``device`` is ``auto``, ``cpu``, ``cuda:1`` …; ``executor: ray``
    keeps the model in an actor; ``endpoint`` is the URL of a scoring server. The model is loaded at the first use in a
    process, and pickling sends parameters only.
    """

    needs_groups = False

    def __init__(
        self,
        *,
        model: str | None = None,
        view: View = "full",
        prefilled: Prefilled = "auto",
        template: Template = "auto",
        eos: Literal["auto", "append", "none"] = "auto",
        special_tokens: bool | None = None,
        max_length: PositiveInt | None = None,
        too_long: TooLong = "cut_middle",
        logit: int | str | dict[str, float] | None = None,
        win_rate: bool = False,
        pair_format: str | None = None,
        normalise: Literal["none", "running", "calibrated"] = "none",
        mean: float | None = None,
        std: NonNegativeFloat | None = None,
        clip: tuple[float, float] | None = None,
        squash: Squash = "none",
        token_budget: PositiveInt = 16_384,
        device: str = "auto",
        dtype: DType = "auto",
        endpoint: str | None = None,
        timeout: Annotated[float, Field(gt=0)] = 60.0,
        executor: Literal["local", "ray"] = "local",
    ) -> None:
        self.model, self.view, self.prefilled, self.logit = model, view, prefilled, logit
        self.encoding = EncodingOptions(template, eos, special_tokens, max_length, too_long)
        self.win_rate, self.pair_format = win_rate, pair_format
        self.normalise, self.mean, self.std = normalise, mean, std
        self.clip, self.squash = clip, squash
        self.token_budget, self.device, self.dtype = token_budget, device, dtype
        self.running = Running()
        self.scorer = self._scorer(endpoint, timeout, executor)

    def __call__(
        self,
        samples: Sequence[Sample],
        reference: Sequence[Any] | None = None,
        *,
        log_metric: Callable[[str, float], None] | None = None,
    ) -> list[Score]:
        """One score a sample. Undecided (None): a refused length, no such part, a failed server or model."""
        if self.win_rate and reference is None:
            raise ColumnError("reward 'preference': win_rate needs the column 'reference' (columns: {reference: …})")
        items = [make_item(sample, self.view, self.prefilled) for sample in samples]
        found: list[Score] = [Score.none(f"the completion has no {self.view}")] * len(samples)
        usable = [i for i, item in enumerate(items) if item is not None]
        if self.win_rate:
            assert reference is not None
            usable, found = _with_reference(usable, found, reference)
            raw = self._win_rates([samples[i] for i in usable], [_said(reference[i]) for i in usable])
        else:
            raw = self._raw([item for i in usable if (item := items[i]) is not None])
        for i, score in zip(usable, self._finish(raw), strict=True):
            found[i] = score
        if log_metric is not None:
            _log(found, log_metric)
        return found

    # -- raw scores ------------------------------------------------------------------------------------------------

    def _raw(self, items: Sequence[Item]) -> list[Score]:
        """Σ wᵢ · logitᵢ of each item."""
        scores = []
        for outcome in self.scorer.score(items):
            if outcome.logits is None:
                scores.append(Score.none(outcome.note, Cause(outcome.failure or "infra_error")))
                continue
            weights = logit_weights(self.logit, self.scorer.labels, len(outcome.logits))
            value = sum(w * x for w, x in zip(weights, outcome.logits, strict=True))
            scores.append(Score(value, "; ".join(filter(None, [f"score {value:.4g}", outcome.note]))))
        return scores

    def _win_rates(self, samples: Sequence[Sample], references: Sequence[str]) -> list[Score]:
        ours, theirs = [], []
        for sample, other in zip(samples, references, strict=True):
            if self.pair_format is None:
                ours.append(make_item(sample, self.view, self.prefilled) or Item(sample.prompt, ""))
                chat = sample.prompt is not None and not isinstance(sample.prompt, str)
                theirs.append(Item(sample.prompt, [{"role": "assistant", "content": other}] if chat else other))
                continue
            text = view_text(sample, self.view, self.prefilled) or ""
            ours.append(self._both(sample, text, other))
            theirs.append(self._both(sample, other, text))
        raw = self._raw([*ours, *theirs])
        return [self._win(a, b) for a, b in zip(raw[: len(ours)], raw[len(ours) :], strict=True)]

    def _both(self, sample: Sample, first: str, second: str) -> Item:
        assert self.pair_format is not None
        fields = {"{prompt}": prompt_text(sample.prompt), "{first}": first, "{second}": second}
        return Item(None, _fill(self.pair_format, fields))

    def _win(self, ours: Score, theirs: Score) -> Score:
        """Chance that the completion beats the reference; undecided where either score is."""
        if ours.value is None or theirs.value is None:
            return ours if ours.value is None else theirs
        if self.pair_format is None:
            value = sigmoid(ours.value - theirs.value)
        else:
            value = (sigmoid(ours.value) + 1 - sigmoid(theirs.value)) / 2
        return Score(value, f"beats the reference with {value:.1%} ({ours.reason} against {theirs.reason})")

    # -- what becomes of them --------------------------------------------------------------------------------------

    def _finish(self, raw: Sequence[Score]) -> list[Score]:
        mean, std = self._statistics([score.value for score in raw if score.value is not None])
        return [score if score.value is None else self._bend(score, score.value, mean, std) for score in raw]

    def _bend(self, score: Score, value: float, mean: float, std: float) -> Score:
        if self.normalise != "none":
            value = standardise(value, mean, std)
        if self.clip is not None:
            value = min(max(value, self.clip[0]), self.clip[1])
        return Score(squash(value, self.squash), score.reason)

    def _statistics(self, values: Sequence[float]) -> tuple[float, float]:
        if self.normalise == "running":
            return self.running.update(values)
        if self.normalise == "none":
            return 0.0, 1.0
        mean = self.mean if self.mean is not None else self.scorer.trained.get("mean")
        std = self.std if self.std is not None else self.scorer.trained.get("std")
        if mean is None or std is None:
            raise ParameterError(
                "reward 'preference': normalise: calibrated needs mean and std, and the checkpoint brings none; "
                "measure them with veritune.rewards.preference.statistics.calibrate on reference answers"
            )
        return float(mean), float(std)

    def _scorer(self, endpoint: str | None, timeout: float, executor: str) -> Scorer:
        if endpoint is not None:
            return HTTPScorer(endpoint, self.encoding, timeout)
        if self.model is None:
            raise ParameterError("reward 'preference' needs a model (a checkpoint's folder or hub name) or an endpoint")
        if executor == "ray":
            return RayScorer(self.model, self.device, self.dtype, self.encoding, self.token_budget)
        return LocalScorer(load_model(self.model, self.device, self.dtype), self.encoding, self.token_budget)


preference = reward(name="preference")(Preference)


preference.example = {"model": "Skywork/Skywork-Reward-V2-Qwen3-0.6B"}


@preference.check
def _check(
    model: str | None,
    endpoint: str | None,
    clip: tuple[float, float] | None,
    win_rate: bool,
    pair_format: str | None,
) -> None:
    if (model is None) == (endpoint is None):
        raise ParameterError("reward 'preference' needs either a model (a folder or hub name) or an endpoint (a URL)")
    if clip is not None and clip[0] > clip[1]:
        raise ParameterError(f"reward 'preference': clip is [low, high], got {list(clip)}")
    if pair_format is not None and not (win_rate and "{first}" in pair_format and "{second}" in pair_format):
        raise ParameterError("reward 'preference': pair_format holds {first} and {second}, and needs win_rate: true")


def _fill(template: str, fields: Mapping[str, str]) -> str:
    """Replace each field once, left to right: what is filled in is never searched for fields."""
    import re

    return re.sub("|".join(map(re.escape, fields)), lambda found: fields[found[0]], template)


def _with_reference(
    usable: Sequence[int], found: Sequence[Score], reference: Sequence[Any]
) -> tuple[list[int], list[Score]]:
    scores, kept = list(found), []
    for i in usable:
        if not _said(reference[i]).strip():
            scores[i] = Score.none(f"the reference answer is missing: {reference[i]!r:.80}", Cause.INVALID_GOLD)
        else:
            kept.append(i)
    return kept, scores


def _said(reference: Any) -> str:
    """A reference as text, of messages the last assistant turn; empty where it says nothing (None, NaN, {})."""
    if isinstance(reference, str):
        return reference
    return "" if isinstance(reference, Mapping) or not usable(reference) else as_text(reference)


def _log(scores: Sequence[Score], log_metric: Callable[[str, float], None]) -> None:
    log_metric("preference/cut", sum("cut in the middle" in score.reason for score in scores) / max(1, len(scores)))
    for cause, count in Counter(str(score.cause) for score in scores if score.value is None).items():
        log_metric(f"preference/undecided/{cause}", count / len(scores))
