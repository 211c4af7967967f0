"""``veritune rescore`` and ``veritune diff``: logs give their numbers again, and two rewards are told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from veritune.cli.app import app
from veritune.lab.replay.effect import Effect, advantages
from veritune.lab.replay.logged import CountedIds
from veritune.plugins import DataError
from veritune.rewards.composition import compose

MINE = """
from veritune import Cause, Score, reward

@reward
def near(completion: str, gold: str, *, within: float = 0.0) -> Score:
    "1 where the number is within reach of the gold."
    if completion == "?":
        return Score.none("no number", Cause.ABSTAIN)
    return Score(float(abs(float(completion) - float(gold)) <= within), f"within {within:g} of {gold}")

@reward
def size(completion: str, *, by: float = 10.0) -> float:
    "The number, divided."
    return 0.0 if completion == "?" else float(completion) / by
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def found(result: Result, status: int = 0) -> dict[str, Any]:
    assert result.exit_code == status, result.output
    read: dict[str, Any] = json.loads(result.stdout)
    return read


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Rewards in two versions, and rows in groups of four."""
    (tmp_path / "mine.py").write_text(MINE)
    for name, within in (("old", 0.0), ("new", 1.0)):
        (tmp_path / f"{name}.yaml").write_text(
            f"rewards:\n  near: {{use: '{tmp_path}/mine.py:near', params: {{within: {within}}}}}\n"
            f"  size: {{use: '{tmp_path}/mine.py:size', weight: 0.1}}\n"
        )
    groups = {"a": ["4", "5", "9", "9"], "b": ["7", "7", "7", "7"], "c": ["1", "?", "3", "2"]}
    golds = {"a": "4", "b": "9", "c": "9"}
    rows = [{"prompt": p, "completion": c, "gold": golds[p]} for p, texts in groups.items() for c in texts]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_diff_names_exactly_the_rows_that_changed(lab: Path) -> None:
    out = lab / "changed.jsonl"
    result = found(run("diff", lab / "old.yaml", lab / "new.yaml", "--on", lab / "rows.jsonl", "-o", out, "--json"))
    assert result["changed"] == 1
    assert [place.rpartition("/")[2] for place in result["rows"]] == ["rows.jsonl:2"]
    assert result["rewards"]["near"]["moves"] == {"0 → 1": 1}
    assert result["rewards"]["size"]["changed"] == 0
    assert any("rewards.near.params.within: 0.0 → 1.0" in change for change in result["differences"])
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["completion"], row["changed"]) for row in rows] == [("5", ["near", "= reward"])]
    assert json.loads(rows[0]["changes"])["near"]["before"]["reason"] == "within 0 of 4"
    shown = run("diff", lab / "old.yaml", lab / "new.yaml", "--on", lab / "rows.jsonl")
    assert "within 0 of 4" in shown.stdout
    assert "within 1 of 4" in shown.stdout
    assert "groups with signal" in shown.stdout


def test_diff_says_what_becomes_of_groups(lab: Path) -> None:
    result = found(run("diff", lab / "old.yaml", lab / "new.yaml", "--on", lab / "rows.jsonl", "--json"))
    assert result["groups"] == 3
    assert result["signal"] == {"before": 2, "after": 2, "gained": 0, "lost": 0}
    assert result["advantages"]["samples"] == 12
    assert result["advantages"]["moved"] == 4, "of group a, all"
    assert result["ranking"]["reversed"] == 3, "5 is above the two 9s now, and above 4"


def test_the_same_reward_twice_changes_nothing(lab: Path) -> None:
    result = found(run("diff", lab / "old.yaml", lab / "old.yaml", "--on", lab / "rows.jsonl", "--json", "--check"))
    assert (result["changed"], result["differences"]) == (0, [])
    assert result["advantages"]["cosine"] == pytest.approx(1.0)
    assert found(run("diff", lab / "old.yaml", lab / "new.yaml", "--on", lab / "rows.jsonl", "--json", "--check"), 1)


def test_what_score_wrote_is_scored_again(lab: Path) -> None:
    for name in ("out.jsonl", "out.parquet", "out.csv", "out.tsv"):
        out = lab / name
        assert run("score", lab / "rows.jsonl", "--config", lab / "old.yaml", "-o", out, "--explain").exit_code == 0
        same = found(run("rescore", out, "--config", lab / "old.yaml", "--json", "--check"))
        assert same["reward"]["compared"] == 12
        other = found(run("rescore", out, "--config", lab / "new.yaml", "--json", "--check"), 1)
        assert other["reward"]["changed"] == 1


def test_a_comparison_with_nothing_to_compare_is_no_success(lab: Path) -> None:
    result = run("rescore", lab / "rows.jsonl", "--config", lab / "old.yaml", "--check", "--quiet")
    assert result.exit_code == 1
    assert "nothing was compared" in result.stderr
    assert "near, size" in result.stderr


def test_golds_are_joined_by_the_prompt_and_an_ambiguous_one_is_left_out(lab: Path) -> None:
    bare, data = lab / "bare.jsonl", lab / "data.jsonl"
    rows = [json.loads(line) for line in (lab / "rows.jsonl").read_text().splitlines()]
    bare.write_text("".join(json.dumps({k: r[k] for k in ("prompt", "completion")}) + "\n" for r in rows))
    golds = [("a", "4"), ("a", "4"), ("b", "9"), ("b", "8")]
    data.write_text("".join(json.dumps({"question": q, "answer": a, "id": i}) + "\n" for i, (q, a) in enumerate(golds)))
    result = found(run("rescore", bare, "--config", lab / "old.yaml", "--data", data, "--json"))
    assert (result["completions"], result["skipped"]) == (4, 8)
    assert "2 rows of the data have this prompt, and differ" in result["faults"][0]
    assert "no row of the data has the prompt 'c'" in result["faults"][4]


def test_a_run_of_ours_gives_its_numbers_again(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the trainer needs torch")
    from tests.trainer.conftest import TOY, tiny_config
    from veritune.trainer.run import train

    rewards = {
        "even": {"use": f"{TOY}:even"},
        "late": {
            **{"use": "soft_overlong_punishment", "weight": {0: 0.1, 2: 0.7}},
            "params": {"max_completion_len": 12, "soft_punish_cache": 8},
        },
        "short": {"use": f"{TOY}:short", "weight": 0.3, "gate": "even"},
    }
    folder = train(
        tiny_config(
            tmp_path, rewards=rewards, log={"completions_every": 1}, evaluation={"prompts": 2, "metric": "even"}
        ),
        quiet=True,
    )
    result = found(run("rescore", folder, "--json", "--check"))
    assert result["differences"] == []
    assert result["completions"] > 36, "of three steps and of evaluations"
    assert result["reward"] == {**result["reward"], "compared": result["completions"], "changed": 0}
    config = (folder / "config.yaml").read_text()
    (tmp_path / "other.yaml").write_text(config.replace("soft_punish_cache: 8", "soft_punish_cache: 6"))
    other = found(run("rescore", folder, "--config", tmp_path / "other.yaml", "--json"))
    assert other["rewards"]["late"]["changed"] > 0
    assert other["rewards"]["even"]["changed"] == 0
    assert any("rewards.late.params.soft_punish_cache: 8 → 6" in change for change in other["differences"])


def test_a_conversation_is_scored_again_as_it_was(tmp_path: Path) -> None:
    from veritune.cli.rows import Row
    from veritune.cli.scoring import Reader
    from veritune.lab.replay.logged import LogReader
    from veritune.plugins import Sample
    from veritune.rewards.appeal.logged import scoring_inputs

    said = [
        {"role": "assistant", "content": "4?"},
        {"role": "user", "content": "no"},
        {"role": "assistant", "content": "5"},
    ]
    sample = Sample(said, [{"role": "user", "content": "2+3"}], [1, 2, 3], {"gold": "5", "digits": [2, 3]})
    data = {
        **{"phase": "grpo", "step": 4, "group": 0, "prompt": "2+3", "completion": "[assistant]\n4?…", "gold": "5"},
        **{"tokens": 3, "finish": "eos", "completion_ids": [1, 2, 3], "inputs": scoring_inputs(sample, 3)},
        **{"reward": 1.0, "reason": "right", "cause": None},
    }
    [logged] = LogReader(None, ["accuracy"], "veritune", Reader(None, None, None)).read(Row("x.parquet: row 1", data))
    assert logged.sample == sample
    assert (logged.step, logged.evaluation, logged.fault) == (3, False, "")


def test_tokens_that_were_not_logged_are_not_invented() -> None:
    assert len(CountedIds(3)) == 3
    with pytest.raises(DataError, match="only how many"):
        CountedIds(3)[0]


def test_advantages_are_the_trainer_s() -> None:
    torch: Any = pytest.importorskip("torch")
    from veritune.trainer.objective import advantages as trainers
    from veritune.trainer.objective.algorithms import Objective

    for group in ([1.0, 0.0, 0.0, 1.0], [0.5, None, 0.25, 3.0], [1.0, 1.0, None, None], [None] * 4):
        rewards = torch.tensor([[float("nan") if r is None else r for r in group]], dtype=torch.float64)
        expected = trainers.advantages(rewards, Objective(baseline="group", scale="group"))[0].tolist()
        mine = [float("nan") if a is None else a for a in advantages(group)]
        assert mine == pytest.approx(expected, nan_ok=True)


def test_an_undecided_sample_has_no_rank_and_no_advantage() -> None:
    effect = Effect()
    effect.add([1.0, 0.0, 0.0], [None, 0.0, 1.0])
    assert (effect.pairs, effect.parted, effect.best_changed) == (1, 1, 1)


@pytest.mark.parametrize("change", ["params", "code", "neighbour", "data", "weight", "order"])
def test_everything_that_a_score_comes_of_is_in_the_identity(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def identity(name: str, **given: Any) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "words.txt").write_text(given.get("data", "a\n"))
        (folder / "near_by.py").write_text(f"X = {given.get('neighbour', 1)}\n")
        (folder / "r.py").write_text(
            "from near_by import X\nfrom veritune import reward\n@reward\n"
            "def r(completion, *, words: str = '', by: int = 1):\n"
            f"    'A reward.'\n    return {given.get('code', 0)}\n"
        )
        params = {"by": given.get("params", 1), "words": str(folder / "words.txt")}
        rewards = {"r": {"use": f"{folder}/r.py:r", "params": params, "weight": given.get("weight", 1)}, "digit": {}}
        order = list(rewards)[:: -1 if given.get("order") else 1]
        made = compose({"rewards": {alias: rewards[alias] for alias in order}})
        parts = made.identity
        parts["rewards"]["r"]["params"].pop("words")  # the path, which is another folder here
        from veritune.rewards.identity import digest

        return digest(parts)

    monkeypatch.syspath_prepend(str(tmp_path))
    assert identity("one") == identity("two"), "of the folder nothing depends"
    values: dict[str, Any] = {"params": 2, "code": 1, "neighbour": 2, "data": "b\n", "weight": 2, "order": True}
    assert identity("three", **{change: values[change]}) != identity("four")
