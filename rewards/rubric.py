"""The reward ``rubric``: weighted criteria from the row or the config, each by a rule or by a judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import FiniteFloat

from veritune.plugins.errors import ParameterError, VerituneError
from veritune.plugins.registry import get_reward
from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.verifiers.rubric.criteria import InvalidCriteria, read_criteria
from veritune.verifiers.rubric.verifier import Ask, RubricVerifier

if TYPE_CHECKING:
    from veritune.rewards.judge.reward import Judge


class Rubric:
    """Σ weight · met / Σ positive weights over the criteria, in [0, 1]; negative weights take away (HealthBench).

    Criteria are the row's (``rubrics: [{criterion, points}]``, ``rubric: [{title, description, weight}]``), or with
    ``criteria`` the config's, which come first. One with ``use`` is decided by that reward (with its ``params``, and
    ``columns`` of its own), the others by the judge that ``judge`` configures (parameters of the reward ``judge``),
    asked about each by itself. Each criterion's finding is in the verdict's evidence.

    An undecided criterion leaves the sample undecided, unless the value is the same however it would turn out.
    ``pass_at``: ``right`` from this score on, else ``wrong``, instead of the score itself. ``clip: false`` keeps scores
    below 0. ``weights`` says what weights in words are (``essential`` 1, ``important`` 0.7, ``optional`` 0.3,
    ``pitfall`` 0.9).

    Source: HealthBench (2505.08775), Rubrics as Rewards (2507.17746).
    """

    def __init__(
        self,
        *,
        criteria: list[Any] | None = None,
        judge: dict[str, Any] | None = None,
        pass_at: FiniteFloat | None = None,
        right: FiniteFloat = 1.0,
        wrong: FiniteFloat = 0.0,
        clip: bool = True,
        weights: dict[str, float] | None = None,
    ) -> None:
        self.pass_at, self.right, self.wrong = pass_at, right, wrong
        named = {name.lower(): weight for name, weight in weights.items()} if weights is not None else None
        self.weights = named
        self.criteria = _own(criteria, named)
        self.verifier = RubricVerifier(
            ask=_asker(judge), pass_at=0.5 if pass_at is None else pass_at, binary=pass_at is not None, clip=clip,
            weights=named,
        )  # fmt: skip

    def __call__(
        self,
        samples: Sequence[Sample],
        rubrics: Sequence[Any] | None = None,
        rubric: Sequence[Any] | None = None,
        *,
        log_metric: Callable[[str, float], None] | None = None,
    ) -> list[Score]:
        """One score a sample, with the verdict's reason."""
        given = rubrics if rubrics is not None else rubric
        if given is None and not self.criteria:
            raise ParameterError(
                "reward 'rubric' needs the column 'rubrics' or 'rubric' (columns: {rubrics: COLUMN}), or criteria in "
                "its params"
            )
        wanted = [self._of_row(value) for value in given] if given is not None else [self.criteria] * len(samples)
        verdicts = self.verifier.judge(samples, wanted)
        if log_metric is not None:
            shares = [one["met"] is None for v in verdicts for one in v.evidence.get("criteria", ())]
            log_metric("rubric/undecided_criteria", sum(shares) / max(1, len(shares)))
        scores: list[Score] = []
        for verdict in verdicts:
            if verdict.correct is None:
                scores.append(Score.of(verdict))
            elif self.pass_at is not None:
                scores.append(Score.of(verdict, self.right, self.wrong))
            else:
                scores.append(Score(float(verdict.evidence["score"]), verdict.reason, verdict))
        return scores

    def _of_row(self, value: Any) -> Any:
        """The config's criteria before the row's; what cannot be read stays as it is, for the verdict to say so."""
        if self.criteria and (value is None or value != value or (hasattr(value, "__len__") and len(value) == 0)):
            return self.criteria
        try:
            return [*self.criteria, *read_criteria(value, weights=self.weights)]
        except InvalidCriteria:
            return value


def _own(criteria: list[Any] | None, weights: Mapping[str, float] | None) -> list[Any]:
    if not criteria:
        return []
    try:
        found = read_criteria(criteria, trusted=True, weights=weights)
        for one in found:
            if one.use:
                get_reward(one.use, **one.params)
    except (InvalidCriteria, VerituneError) as error:
        raise ParameterError(f"reward 'rubric': criteria: {error}") from None
    return found


def _asker(judge: Mapping[str, Any] | None) -> Ask | None:
    """A judge that is asked whether a criterion is met: a rubric of its own, on a scale of 0 and 1."""
    if judge is None:
        return None
    settings = {**judge, "mode": "rubric", "scale": 1}
    configured = get_reward("judge", **settings)

    def ask(samples: Sequence[Sample], texts: Sequence[str]) -> Sequence[Score]:
        from veritune.rewards.judge.reward import Judge

        if not made:
            made.append(Judge(**configured.resolved))
        return made[0].grades(samples, [CRITERION + text for text in texts])

    made: list[Judge] = []
    return ask


CRITERION = "1 if the submission meets this criterion, 0 if it does not (half met is not met): "

rubric = reward(name="rubric")(Rubric)
rubric.example = {"criteria": [{"criterion": "Its answer is in a box.", "use": "format", "params": {"style": "boxed"}}]}


@rubric.check
def _check(criteria: list[Any] | None, judge: dict[str, Any] | None, weights: dict[str, float] | None) -> None:
    """Raise ParameterError for criteria or a judge that cannot be, before anything is scored."""
    _own(criteria, {name.lower(): weight for name, weight in weights.items()} if weights is not None else None)
    _asker(judge)
