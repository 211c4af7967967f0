"""Bradley–Terry training: the loss, the split, the figures, and a checkpoint that everybody reads alike."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from veritune import get_reward
from veritune.plugins import ColumnError, ConfigError, DataError, Sample
from veritune.trainer.config.reward_model import PairsConfig, RewardModelConfig
from veritune.trainer.data.pairs import EncodedPair, load_pairs
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.observe.pair_metrics import length_accuracy, pair_metrics, wilson
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.run import train, train_from_cli
from veritune.trainer.stages.progress import Progress
from veritune.trainer.stages.reward_model import RewardModel, read_pairs
from veritune.trainer.stages.table import parse_run

BUILD = {
    "model_type": "qwen3", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 512,
}  # fmt: skip


def write_pairs(folder: Path, count: int = 120) -> Path:
    made = random.Random(0)
    words = ["alpha", "beta", "gamma", "delta"]
    path = folder / "pairs.jsonl"
    with path.open("w") as lines:
        for i in range(count):
            text = " ".join(made.choices(words, k=made.randint(2, 8)))
            row = {"prompt": f"Ask {i}: ", "chosen": f"{text} kind", "rejected": f"{text} rude", "gap": 0.5}
            lines.write(json.dumps(row) + "\n")
    return path


def config(folder: Path, **changes: Any) -> RewardModelConfig:
    values: dict[str, Any] = {
        "output": str(folder / "run"),
        "device": "cpu",
        "model": {"build": BUILD, "vocabulary": 320},
        "data": {"train": str(write_pairs(folder)), "max_length": 64, **changes.pop("data", {})},
        "reward_model": {"epochs": 4, "batch": 8, "lr": 3e-3, **changes.pop("reward_model", {})},
    }
    return RewardModelConfig(**values, **changes)


def test_it_learns_saves_and_reads_alike_everywhere(tmp_path: Path) -> None:
    folder = train(config(tmp_path), quiet=True)
    found = json.loads((folder / "evaluation.json").read_text())
    assert found["accuracy"] > 0.95
    assert found["accuracy_low"] > 0.5
    judged = [r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "evaluation"]
    assert [r["epoch"] for r in judged] == [0, 1, 2, 3, 4]  # before is before training
    assert judged[0]["loss"] > judged[-1]["loss"]
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    model = AutoModelForSequenceClassification.from_pretrained(folder / "model")
    assert tokenizer.pad_token_id == model.config.pad_token_id != tokenizer.eos_token_id
    texts = ["alpha kind", "beta beta gamma delta rude", "x"]
    with torch.inference_mode():
        each = [float(model(**tokenizer(f"Ask: {t}", return_tensors="pt")).logits[0, 0]) for t in texts]
        padded = tokenizer([f"Ask: {t}" for t in texts], return_tensors="pt", padding=True)
        together = model(**padded).logits[:, 0].tolist()
    reward = get_reward("preference", model=str(folder / "model"), device="cpu")
    ours = [score.value for score in reward.score_batch([Sample(t, "Ask: ") for t in texts])]
    assert ours == pytest.approx(each, abs=1e-5)
    assert together == pytest.approx(each, abs=1e-5)
    calibrated = get_reward("preference", model=str(folder / "model"), device="cpu", normalise="calibrated")
    expected = (each[0] - found["mean"]) / found["std"]
    assert calibrated.score(texts[0], "Ask: ").value == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("budget", [16, 100_000])
def test_the_loss_is_bradley_terry_with_margin_and_centring(tmp_path: Path, budget: int) -> None:
    made = config(tmp_path, reward_model={"centre": 0.3, "token_budget": budget})
    torch.manual_seed(0)
    inputs = RewardModel.read(made, ALONE, print)
    policy = RewardModel.load_model(inputs, made, ALONE, print)
    stage = RewardModel(made, policy, inputs.own, Progress("reward_model"))
    pairs = [EncodedPair([5, 6, 7], [5, 8], 0.5), EncodedPair([9], [9, 10, 11, 12], 0.0)]
    loss = stage.backward(pairs)
    with torch.no_grad():
        scores = [[float(stage.scores([ids])[0]) for ids in (p.chosen, p.rejected)] for p in pairs]
    terms = [
        math.log1p(math.exp(-(c - r - p.margin))) + 0.3 * (c + r) ** 2 for (c, r), p in zip(scores, pairs, strict=True)
    ]
    assert loss == pytest.approx(sum(terms) / 2, abs=1e-5)


def test_a_prompt_is_never_on_both_sides(tmp_path: Path) -> None:
    train, held = load_pairs(PairsConfig(train=str(write_pairs(tmp_path)), margin="gap"))
    assert not {pair.prompt for pair in train} & {pair.prompt for pair in held}
    assert 0.1 < len(held) / (len(train) + len(held)) < 0.3
    assert train[0].margin == 0.5


def test_whole_conversations_share_their_prompt(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    ask, good, bad = ({"role": r, "content": c} for r, c in (("user", "hi"), ("assistant", "a"), ("assistant", "b")))
    path.write_text(json.dumps({"chosen": [ask, good], "rejected": [ask, bad]}) + "\n")
    pair = load_pairs(PairsConfig(train=str(path), eval=str(path), prompt=None))[0][0]
    assert (pair.prompt, pair.chosen, pair.rejected) == ([ask], [good], [bad])


def test_pairs_are_made_of_completions_by_one_reward_and_read_as_the_reward_will_read_them(tmp_path: Path) -> None:
    rows = [
        {"prompt": "Ask", "completion": f"<think>{thought}</think>{said}", "reward": whole, "reward/helpful": helpful}
        for thought, said, whole, helpful in (
            ("rude", "all", 0.0, 1.0), ("kind", "nothing", 1.0, 0.0), ("kind", "all", 1.0, None),
            ("dull", "all", 0.0, 1.0),
        )
    ]  # fmt: skip
    path = tmp_path / "completions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def read(**more: Any) -> list[tuple[str, str, float]]:
        made = PairsConfig(completions=str(path), eval=str(write_pairs(tmp_path)), per_prompt=3, **more)
        return [(*pair.texts, pair.margin) for pair in read_pairs(made, print)[0]]

    assert read(by="reward/helpful", view="summary") == [("all", "nothing", 0.0)]
    assert read(by="reward/helpful") == [("<think>rude</think>all", "<think>kind</think>nothing", 0.0)]
    assert read(min_gap=0.5)[0] == ("<think>kind</think>nothing", "<think>dull</think>all", 0.0)
    with pytest.raises(DataError, match="view: reasoning: no pair is left"):
        read_pairs(PairsConfig(train=str(write_pairs(tmp_path)), view="reasoning"), print)
    with pytest.raises(ColumnError, match=r"no column 'reward/helpfull'.*'reward/helpful'"):
        read(by="reward/helpfull")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "name a file of pairs"),
        ({"completions": "c", "train": "t"}, "either train"),
        ({"completions": "c", "margin": "gap"}, "margin is a column of a file"),
        ({"train": "t", "by": "reward/x"}, "by is for pairs made of completions"),
    ],
)
def test_pairs_have_one_source(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        PairsConfig(**values)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="Did you mean 'chosen'"):
        load_pairs(PairsConfig(train=str(write_pairs(tmp_path)), chosen="choosen"))


def test_the_command_line_picks_the_stage(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    values = config(tmp_path, reward_model={"epochs": 1}).model_dump(mode="json")
    path.write_text(json.dumps(values))
    train_from_cli(path, ["reward_model.batch=32", f"output={tmp_path / 'other'}"])
    assert (tmp_path / "other" / "model" / "config.json").is_file()
    with pytest.raises(ConfigError, match="centre"):
        train_from_cli(path, ["reward_model.center=1"])
    with pytest.raises(ConfigError, match="reward_model"):
        train_from_cli(path, ["stage=reward_modl"])


def test_metrics_of_known_differences() -> None:
    found = pair_metrics([2.0, 2.0, 2.0, -2.0, 0.0])
    p = 1 / (1 + math.exp(-2))
    assert found["accuracy"] == pytest.approx(0.7)
    assert found["brier"] == pytest.approx((3 * (1 - p) ** 2 + p**2 + 0.25) / 5)
    assert found["ece"] == pytest.approx((abs(4 * p - 3) + 0) / 5)
    assert wilson(75, 103) == pytest.approx((0.635, 0.805), abs=1e-3)
    assert length_accuracy([("long", "s"), ("s", "long"), ("a", "b")]) == 0.5


@pytest.mark.slow
def test_real_pairs_are_told_apart_better_than_chance(shared: Path, tmp_path: Path) -> None:
    import yaml

    values = yaml.safe_load((Path(__file__).parents[2] / "examples" / "reward_model.yaml").read_text())
    values["data"]["train"] = str(shared / "data/preferences/llamafactory_dpo_demo_en_zh.jsonl")
    values["output"] = str(tmp_path / "run")
    values["data"] |= {"max_length": 192}  # a third of the time, and still far from chance
    values["reward_model"] |= {"epochs": 1}
    found = json.loads((train(parse_run(values), quiet=True) / "evaluation.json").read_text())
    assert found["accuracy_low"] > 0.5
