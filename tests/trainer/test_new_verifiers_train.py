"""Each verifier's reward scores what a policy draws, in a run of two steps: a row of VERIFIERS a verifier."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY, tiny_config
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.run import train

VERIFIERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # reward, its parameters, the columns of a row beside the prompt
    ("exact_match", {}, {"gold": ["ab", "a"]}),
    ("f1", {}, {"gold": "a b"}),
    ("contains", {}, {"gold": "aaab"}),
    (
        "rubric",
        {},
        {
            "rubrics": [
                {"title": "short", "weight": 2, "use": "f1", "columns": {"gold": "a b"}},
                {"title": "long", "points": -1, "use": "exact_match", "columns": {"gold": "p"}},
            ]
        },
    ),
    ("sql", {}, {"query": "SELECT a FROM t", "database": "CREATE TABLE t (a); INSERT INTO t VALUES (1)"}),
    ("lean", {}, {"formal_statement": "theorem t : 1 = 1 := by sorry"}),
    ("puzzles", {}, {"kind": "24", "nums": [8, 2, 4, 1]}),
    ("tool_calls", {"credit": "fraction"}, {"ground_truth": [{"a": {"b": [1, ""]}}]}),
    ("json_schema", {"credit": "fraction"}, {"schema": {"type": "object"}, "expected": {"a": "b"}}),
    ("bleu", {}, {"gold": ["a b", "b a"]}),
    ("chrf", {"word_order": 2}, {"gold": "a b"}),
    ("rouge", {}, {"gold": "a b"}),
    ("yaml", {}, {"expected": {"a": "b"}}),
    ("xml", {"credit": "fraction"}, {"elements": {"a": None}}),
    ("regex", {"match": "search"}, {"pattern": "a+b"}),
    ("instructions", {"credit": "fraction"}, {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One policy for all of them, of the letters that a prompt here has."""
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    folder = str(tmp_path_factory.mktemp("policy"))
    tokenizer = make_tokenizer(list("pab <>{}()"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    fields = {name: value for name, value in TINY.items() if name != "model_type"}
    made = CONFIG_MAPPING[TINY["model_type"]](vocab_size=len(tokenizer), **fields)
    AutoModelForCausalLM.from_config(made).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("name", "params", "columns"), VERIFIERS, ids=[row[0] for row in VERIFIERS])
def test_a_policy_trains_two_steps_on_it(
    name: str, params: dict[str, Any], columns: dict[str, Any], model: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"prompt": "p", **columns}) + "\n" for _ in range(2)))
    config = tiny_config(
        tmp_path,
        model={"build": None, "path": model},
        data={"task": None, "params": {}, "train": str(tmp_path / "rows.jsonl")},
        rewards={"verified": {"use": name, "params": params}},
        grpo={"steps": 2, "prompts": 2, "samples": 2},
        sampling={"max_tokens": 4},
        evaluation={"metric": "verified"},
    )
    folder = train(config, quiet=True)
    steps = [row for row in read_metrics(folder / "metrics.jsonl") if row["phase"] == "grpo"]
    assert len(steps) == 2
    assert all(math.isfinite(row["loss"]) for row in steps if row.get("loss") is not None)
    assert any("verified" in key for row in steps for key in row)
