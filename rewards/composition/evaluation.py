"""Which component is evaluated on which samples: gates first, routed rows only, whole groups where needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from veritune.plugins import Cause, Sample, Score
from veritune.rewards.composition.component import Component


class Evaluation:
    """The scores of one batch, filled on demand: nothing is evaluated twice, and nothing that is not needed."""

    def __init__(
        self,
        components: Sequence[Component],
        samples: Sequence[Sample],
        injected: Mapping[str, Any] | None = None,
        step: int | None = None,
    ) -> None:
        self.components = {component.alias: component for component in components}
        self.samples = samples
        self.injected = dict(injected or {})
        self.step = step
        self.scores: dict[str, dict[int, Score]] = {alias: {} for alias in self.components}

    def ensure(self, alias: str, rows: Iterable[int], *, strictly: bool = False) -> None:
        """Have this component's score for every one of ``rows``.

        ``strictly``: show the reward no other row, unless it declares that it needs whole groups.
        """
        component, known = self.components[alias], self.scores[alias]
        open_rows = []
        for row in rows:
            if row in known:
                continue
            mismatch = component.mismatch(self.samples[row])
            if mismatch is None:
                open_rows.append(row)
            else:
                known[row] = Score.none(mismatch)
        unsure: dict[int, Score] = {}
        for gate in component.config.gate:
            self.ensure(gate, open_rows)
            still_open = []
            for row in open_rows:
                closed = _closed(gate, self.scores[gate][row])
                if closed is not None and closed.value is not None:
                    known[row] = closed  # a closed gate decides, whichever order they are named in
                    continue
                still_open.append(row)
                if closed is not None and (row not in unsure or not undecided(unsure[row])):
                    unsure[row] = closed
            open_rows = still_open
        known.update({row: unsure[row] for row in open_rows if row in unsure})
        open_rows = [row for row in open_rows if row not in unsure]
        if open_rows:
            known.update(self._evaluate(component, open_rows, strictly))

    def _evaluate(self, component: Component, rows: Sequence[int], strictly: bool) -> dict[int, Score]:
        seen = self._whole_groups(rows) if component.whole_groups(presume=not strictly) else rows
        scores = component.score_batch([self.samples[row] for row in seen], **self.injected)
        found = dict(zip(seen, scores, strict=True))
        judged = component.judged([found[row] for row in rows], [self.samples[row] for row in rows], self.step)
        return dict(zip(rows, judged, strict=True))

    @cached_property
    def _groups(self) -> list[int]:
        """The number of each sample's group: contiguous samples with the same prompt."""
        numbers = [0] * len(self.samples)
        for i in range(1, len(self.samples)):
            numbers[i] = numbers[i - 1] + (self.samples[i].prompt != self.samples[i - 1].prompt)
        return numbers

    def _whole_groups(self, rows: Sequence[int]) -> list[int]:
        touched = {self._groups[row] for row in rows}
        return [row for row in range(len(self.samples)) if self._groups[row] in touched]


def undecided(score: Score) -> bool:
    """None for a cause of ours, as opposed to "does not apply"."""
    return score.value is None and score.cause is not Cause.NOT_APPLICABLE


def _closed(gate: str, score: Score) -> Score | None:
    """What a gate that does not open makes of the component behind it; None where it opens."""
    if score.value is None:
        assert score.cause is not None
        state = "undecided" if undecided(score) else "not applicable"
        return Score.none(f"gate {gate!r} is {state}: {score.reason or score.cause}", score.cause)
    if score.value > 0:
        return None
    return Score(0.0, f"gate {gate!r} is closed ({score.value:g})")
