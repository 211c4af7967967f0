"""Everything that can be checked is checked before the first step, in a sentence that names file and row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
from veritune.plugins import ColumnError, ConfigError, DataError, VerituneError
from veritune.trainer.config import DataConfig, ModelConfig, RunConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.records import read_records
from veritune.trainer.data.sources import load_rows
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.architecture import check_architecture
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.run import train

Make = Callable[..., RunConfig]
LETTERS = list("abcdefghijklmnopqrstuvwxyz0123456789+= ")


@pytest.fixture
def tokenizer(tmp_path: Path) -> str:
    folder = tmp_path / "tokenizer"
    make_tokenizer(LETTERS).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def with_rows(make_config: Make, tmp_path: Path, tokenizer: str) -> Callable[..., RunConfig]:
    """A config that trains on these rows."""

    def make(rows: list[Any], name: str = "rows.jsonl", **changes: Any) -> RunConfig:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        data = {"task": None, "params": {}, "train": str(path), **changes.pop("data", {})}
        return make_config(model={"build": TINY, "tokenizer": tokenizer}, data=data, **changes)

    return make


GOOD = [{"prompt": f"{i}+1=", "answer": str(i + 1)} for i in range(20)]
USER = {"role": "user", "content": "a"}


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (None, "NoneType"),
        (7, "int"),
        ("", "empty"),
        ([], "empty"),
        (["a", "b"], "message 1"),
        ([USER, None], "message 2"),
        ([{"rol": "user", "content": "a"}], "no 'role'. Is it under 'rol'"),
        ([{"role": "user", "contnet": "a"}], "no 'content'"),
        ([{"from": "human", "value": "a"}], "no 'role'"),
        ([{"role": "usr", "content": "a"}], "Did you mean 'user'"),
        ([{"role": "User", "content": "a"}], "Did you mean 'user'"),
        ([{"role": None, "content": "a"}], "no 'role'"),
        ([{"role": "user", "content": None}], "no 'content'"),
        ([{"role": "user", "content": 3}], "content is 3"),
        ([{"role": "user", "content": [{"type": "image"}]}], "no text"),
        ({"role": "user", "content": "a"}, "dict"),
        ("half \ud83d", "surrogate"),
    ],
)
def test_a_row_that_is_no_prompt_is_named_before_the_run(
    with_rows: Callable[..., RunConfig], tmp_path: Path, prompt: Any, message: str
) -> None:
    rows = [*GOOD[:14], {"prompt": prompt, "answer": "1"}, *GOOD[15:]]
    with pytest.raises(DataError, match=r"rows\.jsonl, row 15") as raised:
        train(with_rows(rows), quiet=True)
    assert message in str(raised.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b'{"prompt": "caf\xe9"}\n', "d.jsonl", r"line 1: not UTF-8 \(byte 0xe9\)"),
        ('{"prompt": "a"}\n'.encode("utf-16"), "d.jsonl", "UTF-16"),
        (b"\x1f\x8b\x08\x00", "d.jsonl", "gzip"),
        (b"prompt,answer\na,1\n", "d.jsonl", "csv"),
        (b"prompt,answer\na,1\nb\n", "d.csv", "line 3: 1 fields, and the header names 2"),
        (b"prompt,answer\na,1,2\n", "d.csv", "line 2: 3 fields"),
        (b"prompt,prompt\na,1\n", "d.csv", "twice"),
        (b'prompt,answer\n"a,1\n', "d.csv", "not CSV"),
        (b"3", "d.json", "list of objects"),
        (b'["a"]', "d.json", "row 1"),
        (b"PAR1 not really", "d.parquet", "not a Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(content: bytes, name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_records(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'\xef\xbb\xbf{"prompt": "a,b", "answer": "1"}\r\n', "d.jsonl"),
        (b'\xef\xbb\xbfprompt,answer\r\n"a,b",1\r\n', "d.csv"),
        (b"prompt\tanswer\na,b\t1\n", "d.tsv"),
        (b'[{"prompt": "a,b", "answer": "1"}]', "d.json"),
        (b'{"prompt": "a,b", "answer": "1"}\n', "d.json"),
        (b'{"prompt": "a,b", "answer": "1"}\n\n', "d.txt"),
    ],
)
def test_the_same_row_in_every_kind_of_file(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert read_records(tmp_path / name) == [{"prompt": "a,b", "answer": "1"}]


def test_a_row_without_a_gold_is_undecided_and_counted(
    with_rows: Callable[..., RunConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*GOOD[:4], {"prompt": "5+1="}]
    changes = {"rewards": {"accuracy": {}}, "evaluation": {"metric": "accuracy"}}
    folder = train(with_rows(rows, **changes, grpo={"steps": 5, "prompts": 1}), quiet=True)
    assert "'answer' has no value in 1 of 5 rows of data.train (the first is row 5)" in capsys.readouterr().err
    steps = [r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "grpo"]
    assert sorted(r["undecided"] for r in steps) == [0, 0, 0, 0, 1]
    with pytest.raises(ColumnError, match="no value in any row"):
        train(with_rows([{**row, "answer": None} for row in GOOD], **changes), quiet=True)


def test_prompts_that_are_too_long_are_counted_everywhere(
    with_rows: Callable[..., RunConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*GOOD[:6], {"prompt": "a" * 60, "answer": "1"}]
    (tmp_path / "eval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [rows[6], *rows[:3]]))
    data = {"max_prompt_tokens": 20, "eval": str(tmp_path / "eval.jsonl")}
    folder = train(with_rows(rows, data=data, grpo={"steps": 1}), quiet=True)
    said = capsys.readouterr().err
    assert "data.train: 1 of 7 rows are longer than data.max_prompt_tokens=20" in said
    assert "data.eval: 1 of 4 rows are longer" in said
    import pyarrow.parquet as parquet

    evaluated = parquet.read_table(folder / "completions" / "evaluation-000000.parquet").to_pylist()
    assert {len(r["prompt"]) < 20 for r in evaluated} == {True}
    with pytest.raises(ConfigError, match="every prompt of data"):
        train(with_rows(rows, data={"max_prompt_tokens": 1}), quiet=True)


@pytest.mark.parametrize("kind", ["qwen3", "gpt2"])
def test_more_tokens_than_positions_are_refused(with_rows: Callable[..., RunConfig], tokenizer: str, kind: str) -> None:
    build = {"model_type": "gpt2", "n_positions": 128, "n_embd": 32, "n_layer": 1, "n_head": 2}
    model: dict[str, Any] = {"build": TINY if kind == "qwen3" else build, "tokenizer": tokenizer}
    long = [*GOOD, {"prompt": "a" * 122, "answer": "1"}]
    for rows, sampling, message in (
        (long, {}, r"row 21: a prompt of 122 tokens.*128 positions"),
        (GOOD, {"max_tokens": 300}, r"sampling.max_tokens=300.*128 positions"),
    ):
        config = with_rows(rows, sampling={"max_tokens": 8, **sampling})
        config = config.model_copy(update={"model": ModelConfig(**model)})
        with pytest.raises(ConfigError, match=message):
            train(config, quiet=True)


def test_demonstrations_are_checked_row_by_row(with_rows: Callable[..., RunConfig]) -> None:
    rows = [{**row, "completion": "b"} for row in GOOD]
    rows[11]["completion"] = None  # type: ignore[assignment]
    with pytest.raises(ColumnError, match=r"row 12.*warmup\.completion"):
        train(with_rows(rows, warmup={"steps": 1}), quiet=True)
    rows[11]["completion"] = "b" * 200
    with pytest.raises(ConfigError, match=r"row 12: prompt and demonstration have 20\d tokens"):
        train(with_rows(rows, warmup={"steps": 1}), quiet=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluation": {"metric": "evn"}}, "no reward is called 'evn'. Did you mean 'even'"),
        ({"model": {"build": {**TINY, "hiden_size": 3}}}, "no 'hiden_size'. Did you mean 'hidden_size'"),
        ({"model": {"build": {**TINY, "num_attention_heads": 3, "num_key_value_heads": 2}}}, "model"),
        ({"model": {"build": {**TINY, "hidden_act": "nope"}}}, "model.build.hidden_act: unknown 'nope'"),
        ({"model": {"path": "/nope", "build": None}}, "no folder '/nope'"),
        ({"warmup": {"steps": 9, "habits": [{"share": 0.9}, {"share": 0.1, "thinks": 1}]}}, "unknown habit 'thinks'"),
        (
            {"warmup": {"steps": 9, "habits": [{"think": "often"}]}},
            "a share from 0 to 1 is expected, got 'often'",
        ),
    ],
)
def test_names_are_checked_before_the_run(
    make_config: Make, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(VerituneError) as raised:
        train(make_config(**changes), quiet=True)
    assert message in str(raised.value)
    assert not (tmp_path / "run").exists()


# -- architectures -----------------------------------------------------------------------------------------------------


def _model(kind: str, **fields: Any) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, vocab_size=50, **sizes, **ids, **fields)).eval()


UNUSUAL: dict[str, dict[str, Any]] = {
    "recurrent_gemma": {"num_key_value_heads": 1, "lru_width": 32, "logits_soft_cap": 3.0, "attention_window_size": 64},
    "gemma2": {"head_dim": 8, "num_key_value_heads": 2},
    "cohere": {"num_key_value_heads": 2},
    "granite": {"num_key_value_heads": 2, "logits_scaling": 4.0},
    "bert": {"is_decoder": True},
    "roberta": {"is_decoder": True},
    "llama4_text": {"num_key_value_heads": 2, "head_dim": 8, "num_local_experts": 2, "intermediate_size_mlp": 48},
    "modernbert-decoder": {},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_log_probs_are_those_of_the_models_own_logits_or_the_model_is_refused(kind: str) -> None:
    """What stands behind a head is seen by comparing numbers, not by a list of names."""
    try:
        model = _model(kind, **UNUSUAL[kind])
    except (ValueError, KeyError, TypeError) as error:
        pytest.skip(f"this version of transformers does not make it: {error}")
    for parameter in model.parameters():
        parameter.data *= 3
    check_architecture(model)
    ids = [5, 9, 3, 14, 22, 7, 30, 41]
    logps, _ = completion_logprobs(model, make_batch([ids[:3]], [ids[3:]], "cpu"))
    logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits.float()
    exact = torch.log_softmax(logits[0, 2:-1], -1).gather(1, torch.tensor(ids[3:])[:, None])[:, 0]
    torch.testing.assert_close(logps[0], exact, atol=1e-3, rtol=1e-3)


def test_a_model_that_looks_ahead_is_refused() -> None:
    with pytest.raises(ConfigError, match="looks at later tokens"):
        check_architecture(_model("bert", is_decoder=False))


def test_a_model_of_broken_weights_is_refused() -> None:
    model = _model("llama", num_key_value_heads=2)
    model.model.layers[1].mlp.up_proj.weight.data[0, 0] = float("nan")
    with pytest.raises(ConfigError, match="not finite"):
        check_architecture(model)


def test_data_of_the_docs_is_read(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("question,answer\nhow many?,4\n")
    config = DataConfig(train=str(tmp_path / "d.csv"), template="{question} Box it.", columns={"gold": "answer"})
    (row,) = load_rows(str(tmp_path / "d.csv"), config)
    assert (row.prompt, row.columns["gold"]) == ("how many? Box it.", "4")
