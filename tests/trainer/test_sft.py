"""Supervised fine-tuning: the loss is the cross-entropy of the assistant's tokens, in a run like any other."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
from tests.trainer.test_conversations import LETTERS, UNMARKED
from tests.trainer.test_distributed import together
from tests.trainer.test_run import _numbers
from tests.trainer.test_stages import TOY, assert_close, go_on_from, same_weights
from veritune.plugins import ColumnError, ConfigError, DataError, VerituneError
from veritune.trainer.config import CommonConfig
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.run import train
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.stages.progress import Progress
from veritune.trainer.stages.sft import SFT
from veritune.trainer.stages.table import parse_run

Make = Callable[..., CommonConfig]


def _talks(count: int) -> list[dict[str, Any]]:
    made = random.Random(0)
    rows = []
    for _ in range(count):
        talk = []
        for _ in range(made.randint(1, 2)):
            a, b = made.randint(0, 9), made.randint(0, 9)
            talk += [{"role": "user", "content": f"{a}+{b}="}]
            talk += [{"role": "assistant", "content": f"<think>{'x' * made.randint(0, 9)}</think>{a + b}"}]
        rows.append({"messages": talk})
    return rows


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A run on conversations; keyword arguments replace sections or values."""
    tokenizer = make_tokenizer(["<think>", "</think>", "<|user|>", "<|assistant|>", "\n", *LETTERS])
    tokenizer.chat_template = UNMARKED
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    (tmp_path / "talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _talks(20)))

    def config(output: str = "run", **changes: Any) -> CommonConfig:
        values: dict[str, Any] = {
            "stage": "sft",
            "output": str(tmp_path / output),
            "model": {"build": TINY, "tokenizer": str(tmp_path / "tokenizer")},
            "data": {"train": str(tmp_path / "talks.jsonl")},
            "sft": {"steps": 4, "batch": 6, "lr": 1e-2, "eval": str(tmp_path / "talks.jsonl")},
            "evaluation": {"prompts": 5, "every": 2},
            "checkpoint": {"every": 2, "keep": 9},
        }
        for name, value in changes.items():
            values[name] = {**values.get(name, {}), **value} if isinstance(value, dict) else value
        return parse_run(values)

    return config


def _stage(config: CommonConfig) -> SFT:
    inputs = SFT.read(config, ALONE, print)  # type: ignore[arg-type]
    torch.manual_seed(0)
    policy = SFT.load_model(inputs, config, ALONE, print)
    policy.model.double()
    encode = SFT.make_encoder(policy, config)
    assert encode is not None
    return SFT(inputs.config, policy, inputs.own, encode, Progress("sft"))


@pytest.mark.parametrize(
    "section", [{}, {"packing": True}, {"micro_batch_tokens": 60, "packing": True}, {"micro_batch_tokens": 60}]
)
def test_loss_and_gradients_are_those_of_cross_entropy_row_by_row(make: Make, section: dict[str, Any]) -> None:
    stage = _stage(make(sft=section))
    rollouts = stage.take(8)
    assert any(rollout.written is not None for rollout in rollouts)  # conversations of several turns
    other = copy.deepcopy(stage.model)
    loss = stage.backward(rollouts)
    terms = []
    for rollout in rollouts:
        ids = torch.tensor([[*rollout.prompt_ids, *rollout.token_ids]])
        logps = torch.log_softmax(other(input_ids=ids).logits[0], -1)
        start = len(rollout.prompt_ids)
        for n, token in enumerate(rollout.token_ids):
            if rollout.written is None or rollout.written[n]:
                terms.append(-logps[start + n - 1, token])
    expected = torch.stack(terms).mean()
    expected.backward()  # type: ignore[no-untyped-call]
    assert loss == pytest.approx(float(expected.detach()), rel=1e-6)
    for mine, theirs in zip(stage.model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-7)
    source = stage.rows.held_out
    assert source is not None
    rows = [stage.rows.held_out.row(n) for n in range(5)]  # type: ignore[union-attr]
    held = [each for row in rows for each in stage.encode(row)]
    stage.model.zero_grad()
    assert stage.held_out_loss(source, 5) == pytest.approx(stage.backward(held), rel=1e-6)  # the softmax is in float32


@pytest.mark.parametrize(
    ("build", "attention", "says"),
    [
        (TINY, None, ""),
        (TINY, "eager", "its attention is eager, not sdpa"),
        (
            {**TINY, "use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1},
            None,
            "not of full attention",
        ),
        ({**TINY, "model_type": "mistral"}, None, "the architecture mistral is not one of"),
    ],
)
def test_packing_that_comes_to_nothing_says_why(
    make: Make, build: dict[str, Any], attention: str | None, says: str
) -> None:
    config, said = make(model={"build": build, "attention": attention}, sft={"packing": True}), list[str]()
    inputs = SFT.read(config, ALONE, print)  # type: ignore[arg-type]
    policy = SFT.load_model(inputs, config, ALONE, print)
    encode = SFT.make_encoder(policy, config)
    assert encode is not None
    SFT.check_model(inputs, policy, encode, said.append)
    found = [words for words in said if words.startswith("sft.packing: rows are padded, not packed")]
    assert bool(found) is bool(says)
    assert all(says in words for words in found)


def test_packed_rows_are_fewer_tokens_and_see_only_themselves(make: Make) -> None:
    from veritune.trainer.data.packing import make_batch, make_rows_packed

    stage = _stage(make())
    rollouts = stage.take(12)
    prompts, completions = [r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts]
    packed = make_rows_packed(prompts, completions, 256, "cpu")
    assert packed.ids_BL.numel() < make_batch(prompts, completions, "cpu").ids_BL.numel()
    assert make_rows_packed(prompts, completions, 1, "cpu").attention_B1LL is None  # each alone


def test_a_run_learns_resumes_to_the_same_bits_and_leaves_a_model(make: Make, tmp_path: Path) -> None:
    whole = train(make("whole"), quiet=True)
    lines = read_metrics(whole / "metrics.jsonl")
    assert [(r["phase"], r["step"]) for r in lines] == [
        ("evaluation", 0), ("sft", 1), ("sft", 2), ("evaluation", 2), ("sft", 3), ("sft", 4), ("evaluation", 4),
    ]  # fmt: skip
    losses = [r["loss"] for r in lines if r["phase"] == "evaluation"]
    assert losses[-1] < losses[0] - 0.5
    for checkpoint in list_checkpoints(whole / "checkpoints")[:1]:
        part = go_on_from(whole, checkpoint, tmp_path / "part", make("whole"))
        assert _numbers(part) == _numbers(whole)
        assert same_weights(part, whole)


def test_an_adapter_learns_and_resumes_to_the_same_bits(make: Make, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    lora = {"model": {"lora": {"rank": 2}}}
    whole = train(make("whole", **lora), quiet=True)
    part = go_on_from(whole, list_checkpoints(whole / "checkpoints")[0], tmp_path / "part", make("whole", **lora))
    first, second = (load_file(str(f / "model" / "adapter_model.safetensors")) for f in (whole, part))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(bool(tensor.any()) for name, tensor in first.items() if "lora_B" in name)


def test_two_processes_learn_what_one_does(make: Make, tmp_path: Path) -> None:
    alone = train(make("alone"), quiet=True)
    assert together(make("two")) == [0, 0]
    assert_close(_numbers(alone), _numbers(tmp_path / "two"))


def test_epochs_are_steps_and_held_out_prompts_are_scored(make: Make, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "1+1="}\n{"prompt": "2+2="}\n')
    rewards = {"even": {"use": f"{TOY}:even"}}
    data = {"eval": str(prompts)}
    config = make(sft={"epochs": 0.5}, rewards=rewards, data=data, sampling={"max_tokens": 4}, checkpoint={"every": 0})
    folder = train(config.model_copy(update={"evaluation": make(evaluation={"metric": "even"}).evaluation}), quiet=True)  # type: ignore[attr-defined]
    lines = read_metrics(folder / "metrics.jsonl")
    assert [r["step"] for r in lines if r["phase"] == "sft"] == [1, 2]  # 10 of 20 rows, 6 a step
    last = lines[-1]
    assert {"loss", "accuracy", "reward/even", "length"} <= last.keys()


def test_a_task_teaches_its_own_demonstrations(make: Make) -> None:
    task = {"task": "arithmetic", "params": {"terms": 3}, "train": None}
    habits = [{"share": 0.5, "think": 1.0}, {"share": 0.5, "think": 0.0}]
    folder = train(make(data=task, model={"tokenizer": None}, sft={"eval": None, "habits": habits}), quiet=True)
    lines = [r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "sft"]
    assert lines[0]["tokens"] > 1.2 * lines[-1]["tokens"]  # the second habit leaves thoughts empty
    assert read_metrics(folder / "metrics.jsonl")[-1]["loss"] > 0


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"sft": {"form": "message"}}, ConfigError, "messages"),
        ({"sft": {"stpes": 3}}, ConfigError, "steps"),
        ({"sft": {"shape": "thinks"}}, ConfigError, "think"),
        ({"sft": {"shape": "think", "off_shape": "refuse", "form": "alpaca"}}, DataError, "row 1.*'instruction'"),
        ({"sft": {"shape": "boxed"}}, DataError, "no row is left"),
        ({"sft": {"eval": "nowhere.jsonl"}}, DataError, "does not exist"),
        ({"sft": {"habits": [{"think": 1.0}]}}, ConfigError, "habits"),
        ({"sft": {"form": "prompt_completion"}}, ColumnError, "prompt"),
        ({"sft": {"optimizer_params": {"momentum": 0.9}}}, ConfigError, "momentum"),
        ({"rewards": {"acuracy": {}}}, VerituneError, "accuracy"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    make: Make, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    def loaded(*_: Any, **__: Any) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr("veritune.trainer.stages.policy_stage.load_policy", loaded)
    with pytest.raises(error, match=message):
        train(make(**changes), quiet=True)


def test_rows_that_are_too_long_are_left_out_and_said(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    train(make(sft={"max_tokens": 30, "steps": 1}), quiet=True)
    assert "rows are longer than 30 tokens and left out" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(ConfigError, match="every row is longer"):
        train(make(sft={"max_tokens": 5}), quiet=True)
