"""The examples run, with a model of a few thousand parameters in place of the user's."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from veritune.plugins import reward_names
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import Policy, make_tokenizer
from veritune.trainer.run import train_from_cli

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
CHAT = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A random character-level Qwen3 on disk, as a user's model would be."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    characters = [chr(c) for c in range(32, 127)]
    tokenizer = make_tokenizer(["<think>", "</think>", "<answer>", "</answer>", "\n", *characters])
    tokenizer.chat_template = CHAT
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Qwen3Config(vocab_size=len(tokenizer), head_dim=16, num_key_value_heads=1, eos_token_id=1, **sizes)
    folder = tmp_path / "model"
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_countdown(checkpoint: Path, tmp_path: Path) -> None:
    if "countdown" not in reward_names():
        pytest.skip("the countdown reward is not built in")
    train_from_cli(
        EXAMPLES / "countdown.yaml",
        [
            f"model.path={checkpoint}",
            f"output={tmp_path / 'run'}",
            "grpo.steps=2",
            "grpo.prompts=2",
            "grpo.samples=2",
            "grpo.max_draws=1",
            "sampling.max_tokens=8",
            "evaluation.prompts=2",
        ],
    )
    lines = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert sum(r["phase"] == "grpo" for r in lines) == 2
    assert all(r["reward/countdown"] == 0.0 for r in lines if r["phase"] == "grpo")


def test_arithmetic(tmp_path: Path) -> None:
    train_from_cli(
        EXAMPLES / "arithmetic.yaml",
        [
            f"output={tmp_path / 'run'}",
            "warmup.steps=2",
            "warmup.batch=4",
            "grpo.steps=1",
            "grpo.prompts=2",
            "grpo.samples=2",
            "evaluation.prompts=4",
        ],
    )
    after = read_metrics(tmp_path / "run" / "metrics.jsonl")[-1]
    assert after["phase"] == "evaluation"
    assert {"accuracy", "thinks", "reward/format", "reward/language"} <= after.keys()


def test_the_recipe_of_r1(tmp_path: Path) -> None:
    small = ["base.sft.steps=2", "zero.grpo.steps=1", "cold_start.sft.steps=1", "reasoning_rl.grpo.steps=1"]
    small += ["select.select.steps=1", "select.select.keep={accuracy: 0}", "sft.sft.epochs=1", "final_rl.grpo.steps=1"]
    small += [f"{name}.grpo.{key}=2" for name in ("zero", "reasoning_rl", "final_rl") for key in ("prompts", "samples")]
    small += ["student_sft.sft.steps=1", "student_kl.distill.steps=1", "evaluation.prompts=2"]
    train_from_cli(EXAMPLES / "r1.yaml", [f"output={tmp_path / 'r1'}", *small])
    timeline = {r["name"]: r for r in json.loads((tmp_path / "r1" / "timeline.json").read_text())}
    assert list(timeline)[:4] == ["base", "zero", "cold_start", "reasoning_rl"]
    assert all(r["done"] for r in timeline.values())
    assert {"accuracy", "reward/language", "length", "thinks"} <= timeline["student_kl"]["after"].keys()
    assert timeline["select"]["summary"]["kept"] > 0


def test_calculator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    train_from_cli(
        EXAMPLES / "calculator.yaml",
        [
            f"output={tmp_path / 'run'}",
            "warmup.steps=2",
            "warmup.batch=4",
            "grpo.steps=1",
            "grpo.prompts=2",
            "grpo.samples=2",
            "evaluation.prompts=4",
        ],
    )
    step = next(r for r in read_metrics(tmp_path / "run" / "metrics.jsonl") if r["phase"] == "grpo")
    assert 1.0 <= step["turns"] <= 2.0


def test_gsm8k_with_trl(checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="the example trains with trl")
    spec = importlib.util.spec_from_file_location("gsm8k_trl", EXAMPLES / "gsm8k_trl.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = tmp_path / "gsm8k.jsonl"
    rows = [{"question": f"What is {n} + 1?", "answer": f"{n} + 1 = {n + 1}\n#### 1,{n:03d}"} for n in range(4)]
    data.write_text("".join(json.dumps(r) + "\n" for r in rows))
    output = tmp_path / "out"
    module.main(
        [
            str(EXAMPLES / "gsm8k.yaml"),
            f"model={checkpoint}",
            f"data={data}",
            f"trl.output_dir={output}",
            "trl.max_steps=1",
            "trl.num_generations=2",
            "trl.per_device_train_batch_size=2",
            "trl.max_completion_length=4",
            "trl.use_cpu=true",
            "trl.bf16=false",
            "trl.save_strategy='no'",
        ]
    )
    assert (output / "model.safetensors").is_file()
    assert module.load(str(data), "be brief")[3]["gold"] == "1003"


def test_the_demo_vocabulary_covers_every_demonstration(policy: Policy) -> None:
    """No ``<unk>`` in what the warm-up teaches."""
    from random import Random

    from veritune.trainer.data.tasks import get_task

    for name, habit in (("arithmetic", {"chinese": 0.5}), ("countdown", {})):
        task, random = get_task(name, {}), Random(0)
        tokenizer = make_tokenizer(task.vocabulary())
        for _ in range(200):
            row = task.row(random)
            text = row["prompt"] + task.demonstration(row, random, **habit)
            ids = tokenizer(text)["input_ids"]
            assert tokenizer.unk_token_id not in ids
            assert tokenizer.decode(ids) == text
