"""Prompts by pass rate: who is left out, passed over and drawn more often, and that a resumed run draws the same."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import TINY
from veritune.plugins import Cause, ColumnError, ConfigError, DataError, Score
from veritune.trainer.config import RunConfig
from veritune.trainer.config.curriculum import CurriculumConfig
from veritune.trainer.data.difficulty import within
from veritune.trainer.data.sources import FileSource, Mixture, Row
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.run import train
from veritune.trainer.stages.curriculum import Curriculum

Make = Callable[..., RunConfig]


def _source(rates: list[Any]) -> FileSource:
    return FileSource([Row(f"p{i}", {"rate": rate}) for i, rate in enumerate(rates)], 0, shuffle=False)


def _encode(prompt: Any) -> list[int]:
    return [1] * len(prompt)


def _score(value: float | None) -> Score:
    part = Score.none("starved", Cause.TIMEOUT) if value is None else Score(value)
    return Score(part.value, parts={"ok": part})


def _steps(made: Curriculum, rate: Callable[[int], float], steps: int, count: int = 2) -> list[list[int]]:
    """Rows drawn in each step; of four completions the share that passes is each row's ``rate``."""
    drawn, position = [], 0
    for _ in range(steps):
        rows, _, position = made.next_prompts(_encode, position, count, math.inf)
        places = [int(str(row.prompt)[1:]) for row in rows]
        scores = [_score(float(k < 4 * rate(place))) for place in places for k in range(4)]
        made.see(rows, scores, 4)
        made.commit()
        drawn.append(places)
    return drawn


# -- before the run ----------------------------------------------------------------------------------------------------


def test_rows_outside_the_offline_rates_are_left_out_and_unknown_ones_stay() -> None:
    config = CurriculumConfig(column="rate", min=0.1, max=0.9)
    kept, left_out = within(_source([0.0, 0.1, "0.5", None, "", 0.9, 1.0, True]), config)
    assert [row.prompt for row in kept.rows] == ["p1", "p2", "p3", "p4", "p5"]
    assert left_out == 3


def test_files_with_weights_keep_them_without_an_emptied_one() -> None:
    files = [[Row(f"{name}{i}", {"rate": rate}) for i, rate in enumerate(rates)] for name, rates in _RATES.items()]
    kept, _ = within(Mixture(files, [3.0, 1.0, 4.0], 0), CurriculumConfig(column="rate", max=0.5))
    drawn = Counter(str(kept.row(i).prompt)[0] for i in range(1000))
    assert drawn == {"a": 750, "b": 250}


_RATES: dict[str, list[float]] = {"a": [0.1, 0.9], "b": [0.5, 0.2], "c": [0.8, 0.9]}


@pytest.mark.parametrize(
    ("rates", "column", "error", "message"),
    [
        ([0.5, 50], "rate", DataError, r"row 2: the pass rate 'rate' is 50"),
        ([0.5, "high"], "rate", DataError, "row 2"),
        ([0.5, float("nan")], "rate", DataError, "row 2"),
        ([0.5], "rat", ColumnError, "Did you mean 'rate'"),
        ([0.0, 1.0], "rate", ConfigError, "no row has a pass rate"),
    ],
)
def test_rates_that_are_none_are_refused(rates: list[Any], column: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        within(_source(rates), CurriculumConfig(column=column, min=0.1, max=0.9))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "say what to do"),
        ({"min": 0.2}, "name it with column"),
        ({"column": "x", "min": 0.8, "max": 0.2}, "above max"),
        ({"band": (0.8, 0.2)}, "band goes from"),
        ({"skip_solved": 0}, "greater than or equal"),
    ],
)
def test_settings_without_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CurriculumConfig(**values)


# -- within the run ----------------------------------------------------------------------------------------------------


def test_what_is_always_or_never_solved_is_passed_over_and_seen_again() -> None:
    """Rows 0 and 1 are always solved, 2 and 3 never, 4 to 7 half the time."""
    made = Curriculum(CurriculumConfig(skip_solved=2, skip_unsolved=1, revisit=3), _source([None] * 8), "ok", 0)
    drawn = _steps(made, lambda place: (1.0, 0.0, 0.5, 0.5)[place // 2], 40)
    times = Counter(place for step in drawn for place in step)
    assert [place for step in drawn[:4] for place in step] == list(range(8))  # each is met once
    epochs = (sum(times[p] for p in (4, 5, 6, 7))) / 4
    for place in (4, 5, 6, 7):
        assert abs(times[place] - epochs) <= 1
    for place in (0, 1, 2, 3):  # after the first visits, every fourth time
        assert 0.2 * epochs < times[place] < 0.4 * epochs


def test_a_prompt_that_is_no_longer_solved_comes_back() -> None:
    made = Curriculum(CurriculumConfig(skip_solved=1, revisit=2), _source([None] * 4), "ok", 0)
    _steps(made, lambda place: float(place == 0), 4)
    later = _steps(made, lambda place: 0.5, 12)
    assert sum(0 in step for step in later) >= 3


def test_prompts_in_the_band_are_drawn_as_much_oftener_as_said() -> None:
    config = CurriculumConfig(band=(0.2, 0.8), oversample=3.0)
    made = Curriculum(config, _source([None] * 8), "ok", 0)
    drawn = _steps(made, lambda place: 0.5 if place < 4 else 1.0, 600)
    times = Counter(place for step in drawn for place in step)
    inside, outside = sum(times[p] for p in range(4)), sum(times[p] for p in range(4, 8))
    assert 2.6 < inside / outside < 3.4


def test_offline_rates_are_what_is_known_of_a_prompt_at_first() -> None:
    config = CurriculumConfig(column="rate", band=(0.2, 0.8), oversample=1000.0)
    made = Curriculum(config, _source([0.5, 0.0, 1.0, None, 0.5]), "ok", 0)
    assert made.next_prompts(_encode, 0, 3, math.inf)[0] == [made.source.rows[i] for i in (0, 3, 4)]
    assert made.commit()["difficulty/skipped_outside"] == 2


def test_a_data_set_that_is_solved_goes_on() -> None:
    """The run is not the place to hang or end: what was passed over fills the step, and is counted."""
    made = Curriculum(CurriculumConfig(skip_solved=1, revisit=1000), _source([None] * 4), "ok", 0)
    drawn = _steps(made, lambda place: 1.0, 6, count=4)
    assert [sorted(step) for step in drawn] == [[0, 1, 2, 3]] * 6
    made.next_prompts(_encode, 0, 4, math.inf)
    assert made.commit()["difficulty/filled"] == 4


def test_prompts_too_long_are_never_drawn() -> None:
    source = FileSource([Row("p" * (n + 1), {"rate": None}) for n in range(4)], 0, shuffle=False)
    made = Curriculum(CurriculumConfig(skip_solved=1), source, "ok", 0)
    assert {row.prompt for row in made.next_prompts(_encode, 0, 4, 2)[0]} == {"p", "pp"}
    with pytest.raises(DataError, match="longer than 0 tokens"):
        made.next_prompts(_encode, 0, 4, 0)


def test_undecided_completions_count_for_nothing() -> None:
    made = Curriculum(CurriculumConfig(skip_solved=1, skip_unsolved=1), _source([None, None]), "ok", 0)
    rows = made.source.rows
    made.see(rows, [_score(v) for v in (1.0, None, 1.0, 1.0, None, None, None, None)], 4)
    metrics = made.commit()
    assert (metrics["difficulty/solved"], metrics["difficulty/unsolved"]) == (1, 0)
    assert metrics["difficulty/pass_rate"] == 1.0
    assert metrics["difficulty/visited"] == 0.5


def test_only_whole_steps_are_kept() -> None:
    """A step that fails has taught nothing: the resumed run draws it again."""
    made = Curriculum(CurriculumConfig(skip_solved=1), _source([None] * 3), "ok", 0)
    _steps(made, lambda place: 1.0, 1)
    before = made.state()
    made.see(made.source.rows, [_score(1.0)] * 12, 4)
    made.next_prompts(_encode, 0, 2, math.inf)
    assert made.state() == before
    other = Curriculum(CurriculumConfig(skip_solved=1), _source([None] * 3), "ok", 0)
    other.restore(json.loads(json.dumps(before), object_hook=_numbered))
    assert other.state() == before
    third = Curriculum(CurriculumConfig(skip_solved=1), _source([None] * 4), "ok", 0)  # other rows
    third.restore(before)
    assert third.state()["known"] == {}


def _numbered(found: dict[str, Any]) -> dict[Any, Any]:
    return {int(key) if key.isdigit() else key: value for key, value in found.items()}


# -- a whole run -------------------------------------------------------------------------------------------------------


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    make_tokenizer(list("p0123456789")).save_pretrained(tmp_path / "tokenizer")
    rows = [{"prompt": f"p{i}", "answer": "1", "rate": i / 9} for i in range(10)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {
        "model": {"build": TINY, "tokenizer": str(tmp_path / "tokenizer")},
        "data": {"task": None, "params": {}, "train": str(tmp_path / "rows.jsonl")},
        "curriculum": {"column": "rate", "max": 0.9, "band": [0.3, 0.7], "skip_unsolved": 1, "skip_solved": 1},
        "grpo": {"steps": 6, "prompts": 3, "samples": 2, "dynamic_sampling": True, "lr": 1e-2},
    }


def test_a_run_says_what_it_passed_over_and_resumes_to_the_same_bits(
    make_config: Make, values: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train(make_config(**values, output=str(tmp_path / "whole"), checkpoint={"every": 3, "keep": 9}), quiet=True)
    assert "1 of 10 rows of data.train have a pass rate (rate) below 0 or above 0.9" in capsys.readouterr().err
    steps = [r for r in read_metrics(whole / "metrics.jsonl") if r["phase"] == "grpo"]
    assert sum(r[f"difficulty/skipped_{why}"] for r in steps for why in ("unsolved", "solved", "outside")) > 3
    part = tmp_path / "part"
    (part / "checkpoints").mkdir(parents=True)
    for name in ("config.yaml", "metrics.jsonl"):
        (part / name).write_bytes((whole / name).read_bytes())
    (part / "checkpoints" / "grpo-000003").symlink_to(whole / "checkpoints" / "grpo-000003")
    train(make_config(**values, output=str(part), resume=True), quiet=True)
    again = [r for r in read_metrics(part / "metrics.jsonl") if r["phase"] == "grpo"]
    for one, other in zip(steps, again, strict=True):
        assert {k: v for k, v in one.items() if "difficulty" in k} == {
            k: v for k, v in other.items() if "difficulty" in k
        }
    weights = [folder / "model" / "model.safetensors" for folder in (whole, part)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"curriculum": {"skip_solved": 1, "metric": "evne"}}, "no reward is called 'evne'. Did you mean 'even'"),
        ({"data": {"task": "arithmetic", "train": None}}, "never shows a prompt twice"),
        ({"sampling": {"staleness": 1}}, "needs a step's scores before the next is drawn"),
    ],
)
def test_a_curriculum_that_cannot_be_is_refused_before_the_run(
    make_config: Make, values: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    config = make_config(**{**values, **{k: {**values.get(k, {}), **v} for k, v in changes.items()}})
    with pytest.raises(ConfigError, match=message):
        train(config, quiet=True)
