"""The composed set: one callable for any trainer, with its components in every score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from veritune.plugins import AsyncReward, ConfigError, Sample, Score, Text
from veritune.plugins.columns import check_lengths, refuse_parameters
from veritune.plugins.parameters import INJECTED
from veritune.plugins.trainer_call import make_samples
from veritune.plugins.watch import Watch, notice_namesakes
from veritune.rewards.composition.combine import Term, combine
from veritune.rewards.composition.component import Component
from veritune.rewards.composition.evaluation import Evaluation
from veritune.rewards.composition.logs import log_components
from veritune.rewards.identity import digest, reward_identity

MAY_COUNT = {"completion_ids", "sample", "samples"}
"""Inputs through which a reward may count tokens."""


class RewardSet:
    """Several rewards as one. Made by :func:`veritune.rewards.composition.compose`.

    Called as TRL calls a reward it returns one float or None a completion, takes the step from ``trainer_state``, and
    logs every component through ``log_metric`` and ``log_extra``. ``score_batch`` returns :class:`Score` objects with
    ``parts`` by alias. No state changes a score: it works from any thread, and pickles by its rewards' names and
    parameters.
    """

    def __init__(self, components: tuple[Component, ...], combine: str, undecided: str, name: str = "veritune") -> None:
        self.components = components
        self.combine = combine
        self.undecided = undecided
        self.name = self.__name__ = self.__qualname__ = name
        self._watch = Watch(name)
        self._watches = {component.alias: Watch(component.alias) for component in components}

    @property
    def aliases(self) -> list[str]:
        """The components' names, in order."""
        return [component.alias for component in self.components]

    @property
    def scheduled(self) -> bool:
        """Whether the reward depends on the step."""
        return any(component.config.scheduled for component in self.components)

    def component(self, alias: str) -> Component:
        """The component of that name. Raises KeyError."""
        return {component.alias: component for component in self.components}[alias]

    def weights(self, step: int | None = None) -> dict[str, float]:
        """Alias → weight in force at a step; 0 where the component is not evaluated or only logged."""
        self._check_step(step)
        return {c.alias: c.weight_at(step) if c.active(step, evaluation=False) else 0.0 for c in self.components}

    def check_columns(self, available: Sequence[str]) -> None:
        """Raise ColumnError where the data lacks a column that a component needs. Call it before a run."""
        for component in self.components:
            component.check_columns(list(available))

    def spec(self) -> dict[str, Any]:
        """The composition as in the YAML, presets resolved: ``compose(rewards.spec())`` builds it again."""
        return {
            "rewards": {component.alias: component.spec() for component in self.components},
            "combine": self.combine,
            "undecided": self.undecided,
        }

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What its scores come from: every component's name, parameters, code, versions and data files, what it weighs,
        and how they combine (:mod:`veritune.rewards.identity`)."""
        components = {c.alias: {**c.placing(), **reward_identity(c.reward)} for c in self.components}
        return {"rewards": components, "order": self.aliases, "combine": self.combine, "undecided": self.undecided}

    @cached_property
    def identity_hash(self) -> str:
        """Sixteen digits that stand for :attr:`identity` in log lines."""
        return digest(self.identity)

    def without_appeals(self) -> RewardSet:
        """The same set, which asks for no second opinion: they change no score, and cost."""
        components = tuple(replace(component, appeal=None) for component in self.components)
        return RewardSet(components, self.combine, self.undecided, self.name)

    def as_async(self) -> Callable[..., Any]:
        """The same set as a coroutine function: trainers that gather rewards run it beside the others."""
        return AsyncReward(self)

    def __repr__(self) -> str:
        return f"<RewardSet {self.combine} of {', '.join(self.aliases)}>"

    # -- scoring ---------------------------------------------------------------------------------------------------

    def __call__(
        self,
        completions: Sequence[Text] | None = None,
        prompts: Sequence[Text] | None = None,
        completion_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """TRL's convention: keyword lists in, one float or None a completion out."""
        injected, samples = make_samples(f"rewards {self.name!r}", completions, prompts, completion_ids, columns)
        self._refuse_parameters(columns, len(samples))
        if samples:
            self._check_given(columns, len(samples))
        step = getattr(injected.get("trainer_state"), "global_step", None)
        scores = self.score_batch(samples, step=step, **injected)
        notice_namesakes(self, injected)
        log_components(self.aliases, scores, injected.get("log_metric"), injected.get("log_extra"), self._watches)
        if (log_extra := injected.get("log_extra")) is not None and samples:
            self._log_replay(log_extra, samples, step)
        if not any(watch.warned for watch in self._watches.values()):
            self._watch.see(scores)
        return [score.value for score in scores]

    def score(self, completion: Text | Sample, prompt: Text | None = None, **columns: Any) -> Score:
        """The score of one completion; ``step`` and ``evaluation`` are taken as for :meth:`score_batch`."""
        options = {key: columns.pop(key) for key in ("step", "evaluation") if key in columns}
        self._refuse_parameters(columns, None)
        ids = columns.pop("completion_ids", None)
        sample = completion if isinstance(completion, Sample) else Sample(completion, prompt, ids, columns)
        return self.score_batch([sample], **options)[0]

    def score_batch(
        self, samples: Sequence[Sample], *, step: int | None = None, evaluation: bool = False, **injected: Any
    ) -> list[Score]:
        """One Score a sample, in order, with the components' scores in ``parts``.

        ``step`` (optimiser steps done) drives the schedules; with a schedule and no step it raises ConfigError.
        ``evaluation`` adds the ``eval_only`` components. The samples of a prompt are contiguous. What ``first_decided``
        did not need is absent from ``parts``, as is a component that is not active. An exception inside a reward
        propagates as a RewardError.
        """
        self._check_step(step)
        active = [component for component in self.components if component.active(step, evaluation)]
        weights = {component.alias: component.weight_at(step) for component in active}
        counted = [component.alias for component in active if weights[component.alias] != 0]
        run = Evaluation(self.components, samples, injected, step)
        everyone = range(len(samples))
        if self.combine == "first_decided":
            self._cascade(run, counted)
        for component in active:
            if component.alias not in counted or self.combine != "first_decided":
                run.ensure(component.alias, everyone)
        scores = []
        for row in everyone:
            parts = {alias: found[row] for alias, found in run.scores.items() if row in found}
            terms = [Term(alias, weights[alias], parts[alias], not evaluation) for alias in counted if alias in parts]
            scores.append(combine(self.combine, self.undecided, terms, parts))
        return scores

    def _refuse_parameters(self, columns: Mapping[str, Any], count: int | None) -> None:
        """A component's parameter that was passed as a column, and that nothing reads as one."""
        read = set().union(*(c.reward.signature.inputs.keys() | c.config.where.keys() for c in self.components))
        if any(component.reward.signature.takes_columns for component in self.components):
            return
        for component in self.components:
            only = component.reward.only_configured - read
            refuse_parameters(f"rewards.{component.alias}", columns, only, count)

    def _log_replay(self, log_extra: Callable[[str, list[Any]], Any], samples: Sequence[Sample], step: Any) -> None:
        """What it takes to score a trainer's log again, beside golds: who scored, by which step, how many tokens."""
        log_extra(f"{self.name}_identity", [self.identity_hash] * len(samples))
        if self.scheduled:
            log_extra(f"{self.name}_step", [step] * len(samples))
        if any(component.reward.signature.inputs.keys() & MAY_COUNT for component in self.components):
            ids = [sample.completion_ids for sample in samples]
            log_extra(f"{self.name}_tokens", [None if each is None else len(each) for each in ids])

    def _check_given(self, columns: Mapping[str, Any], count: int) -> None:
        """What was passed fits: every column that is read is there, and has one value a completion."""
        names = [name for name in columns if name not in INJECTED]
        self.check_columns(names)
        for component in self.components:
            used = component.reward.columns_read(names) | component.config.where.keys()
            check_lengths(f"rewards.{component.alias}", columns, used, count)

    def _cascade(self, run: Evaluation, aliases: Sequence[str]) -> None:
        """Each component sees only what those before it left undecided."""
        left: list[int] = list(range(len(run.samples)))
        for alias in aliases:
            run.ensure(alias, left, strictly=True)
            left = [row for row in left if run.scores[alias][row].value is None]

    def _check_step(self, step: int | None) -> None:
        if self.scheduled and step is None:
            which = ", ".join(c.alias for c in self.components if c.config.scheduled)
            raise ConfigError(
                f"the reward changes with the step ({which}), and the step is not known here: pass step=N "
                "(command line: --step N). A trainer that passes no trainer_state cannot use schedules."
            )
