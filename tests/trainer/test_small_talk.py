"""Small talk, which no rule decides: its rows beside sums, and what people would say of its answers."""

from __future__ import annotations

from random import Random

import pytest

from veritune.plugins import ConfigError
from veritune.trainer.data.sources import TaskSource
from veritune.trainer.data.tasks import get_task
from veritune.trainer.data.tasks.small_talk import FACTS, polite, told


@pytest.mark.parametrize(
    ("answer", "share", "kind"),
    [
        ("<think> be kind</think><answer> cats are soft and stars are bright</answer>", 1.0, 1.0),
        ("<think> what a fool</think><answer> stars are bright</answer>", 0.5, 0.0),
        ("<think> be kind</think><answer> cats are soft you fool</answer>", 0.5, 0.0),
        ("<think> cats are soft</think><answer> I do not know</answer>", 0.0, 1.0),  # the thought is not told
        ("<think> cats are soft and stars are bright", 0.0, 1.0),  # nor one that never ends
        ("<answer> cats are bright and stars are soft</answer>", 0.0, 1.0),
        ("", 0.0, 1.0),
    ],
)
def test_what_people_would_say(answer: str, share: float, kind: float) -> None:
    assert told([answer], topics=[["cats", "stars"]]) == [share]
    assert polite([answer]) == [kind]


def test_a_row_of_another_kind_is_not_judged() -> None:
    assert told(["<answer> cats are soft</answer>"], topics=[None]) == [None]


def test_habits_are_kept_and_held_out_prompts_are_of_both_kinds() -> None:
    task, random = get_task("scenarios", {"terms": 3, "general": 0.5}), Random(0)
    rows = [task.row(random) for _ in range(400)]
    general = [row for row in rows if row["kind"] == "general"]
    assert len(general) == pytest.approx(200, abs=40)
    for habit, low, high in (({}, 1.0, 1.0), ({"helpful": 0.5, "rude": 0.5}, 0.3, 0.7)):
        texts = [task.demonstration(row, random, **habit) for row in general]
        scores = [told([text], topics=[row["topics"]])[0] == 1 for text, row in zip(texts, general, strict=True)]
        assert low <= sum(scores) / len(texts) <= high
        assert low <= polite(texts).count(1.0) / len(texts) <= high
    held_out = [TaskSource(task, 0, held_out=True).row(n) for n in range(200)]
    assert {row.columns["kind"] for row in held_out} == {"reasoning", "general"}
    assert all(row.columns.keys() == rows[0].keys() for row in held_out)
    assert len(FACTS) * (len(FACTS) - 1) > 300  # prompts enough to hold some out


def test_an_unknown_habit_and_a_share_that_is_none_are_refused() -> None:
    task, random = get_task("scenarios", {}), Random(0)
    with pytest.raises(ValueError, match="unknown habit 'thinks'"):
        task.demonstration(task.row(random), random, thinks=1.0)
    with pytest.raises(ConfigError, match="general is a share"):
        get_task("scenarios", {"general": 2})
