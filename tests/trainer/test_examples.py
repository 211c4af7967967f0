"""The examples run, with a model of a few thousand parameters in place of the user's."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
import yaml

from tests.trainer.conftest import TOY
from veritune.plugins import reward_names
from veritune.trainer.data.records import read_records
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


SMALL: dict[str, dict[str, object]] = {
    "sft": {"steps": 1, "batch": 4},
    "grpo": {"steps": 1, "prompts": 2, "samples": 2},
    "ppo": {"steps": 1, "prompts": 2},
    "dpo": {"steps": 1, "batch": 2, "pairs.min_gap": 0},
    "select": {"steps": 1, "prompts": 8, "samples": 4, "keep": "{reward: 0}", "truncated": "true"},
    "distill": {"steps": 1, "batch": 4},
    "reward_model": {"epochs": 1},
}
"""What makes a stage one of a moment, by its kind."""


def test_the_recipe_of_r1(tmp_path: Path) -> None:
    """Every stage runs and leaves what the next one needs; what it teaches is measured by benchmarks/recipe.py."""
    stages = yaml.safe_load((EXAMPLES / "r1.yaml").read_text(encoding="utf-8"))["stages"]
    small = [f"{s['name']}.{s['stage']}.{key}={value}" for s in stages for key, value in SMALL[s["stage"]].items()]
    small += [f"sft.sft.{key}" for key in ("epochs=null", "steps=1")]
    small += [f"{name}.model.build.{key}=16" for name in ("base", "student_sft", "student_kl")
              for key in ("hidden_size", "intermediate_size", "head_dim")]  # fmt: skip
    rated = f"{{told: {{use: '{TOY}:even'}}, polite: {{use: '{TOY}:even'}}}}"  # a model that knows nothing, too
    small += [f"{name}.rewards={rated}" for name in ("drawn", "talk")] + [
        "evaluation.prompts=6",
        "sampling.max_tokens=6",
    ]
    small += [f"{name}.data.held_out=0.4" for name in ("helpful", "harmless")] + ["talk.select.prompts=16"]
    train_from_cli(EXAMPLES / "r1.yaml", [f"output={tmp_path / 'r1'}", *small])
    timeline = {r["name"]: r for r in json.loads((tmp_path / "r1" / "timeline.json").read_text())}
    assert list(timeline) == [stage["name"] for stage in stages]
    assert all(r["done"] for r in timeline.values())
    assert {"accuracy", "reward/language", "length", "thinks"} <= timeline["student_kl"]["after"].keys()
    assert {"accuracy", "reward/helpful", "reward/harmless", "reward/polite"} <= timeline["all_rl"]["after"].keys()
    assert timeline["select"]["summary"]["mixed"] > 0
    drawn = read_records(next((tmp_path / "r1" / "all_rl" / "completions").glob("step-*")))
    for row in drawn:  # by rules where there are, by preference elsewhere
        by_rule = row["prompt"].endswith("=")
        assert (row["reward/accuracy"] is not None) == by_rule
        assert (row["reward/helpful"] is not None) == (row["reward/harmless"] is not None) == (not by_rule)


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

    habits = {
        "arithmetic": {"chinese": 0.5},
        "countdown": {},
        "scenarios": {"chinese": 0.5, "helpful": 0.5, "rude": 0.5},
    }
    for name, habit in habits.items():
        task, random = get_task(name, {}), Random(0)
        tokenizer = make_tokenizer(task.vocabulary())
        for _ in range(200):
            row = task.row(random)
            text = row["prompt"] + task.demonstration(row, random, **habit)
            ids = tokenizer(text)["input_ids"]
            assert tokenizer.unk_token_id not in ids
            assert tokenizer.decode(ids) == text
