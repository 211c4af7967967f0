"""What is loaded is what was saved, and what cannot be loaded is passed over or refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
from veritune.plugins import ConfigError, MissingExtraError
from veritune.trainer.config import RunConfig
from veritune.trainer.data.tasks import get_task
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.policy.weights import load_or_none, load_weights, tied
from veritune.trainer.run import train
from veritune.trainer.run.checkpoint import list_checkpoints

Make = Callable[..., RunConfig]
EVERY = {"every": 1, "keep": 9}


def _cut(path: Path, share: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def _spoil(checkpoint: Path, how: str) -> None:
    name, _, what = how.partition(" ")
    if what == "cut":
        _cut(checkpoint / name)
    elif what == "empty":
        (checkpoint / name).write_bytes(b"")
    else:
        (checkpoint / name).unlink()


@pytest.mark.parametrize("how", ["trainer.pt cut", "progress.json empty", "model.safetensors cut", "trainer.pt gone"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    make_config: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    folder = train(make_config(grpo={"steps": 2}, checkpoint=EVERY), quiet=True)
    newest = list_checkpoints(folder / "checkpoints")[-1]
    _spoil(newest, how)
    train(make_config(grpo={"steps": 2}, checkpoint=EVERY, resume=True), quiet=True)
    said = capsys.readouterr().err
    assert "grpo-000002 is damaged" in said
    assert "going on after grpo step 1" in said
    assert torch.load(newest / "trainer.pt", weights_only=False)["optimizer"]  # and it is written anew


def test_where_no_checkpoint_can_be_read_the_run_does_not_begin(make_config: Make) -> None:
    folder = train(make_config(grpo={"steps": 1}), quiet=True)
    _spoil(folder / "checkpoints" / "grpo-000001", "trainer.pt empty")
    before = (folder / "metrics.jsonl").read_bytes()
    with pytest.raises(ConfigError, match="can be read"):
        train(make_config(grpo={"steps": 1}, resume=True), quiet=True)
    assert (folder / "metrics.jsonl").read_bytes() == before


@pytest.mark.parametrize("other", ["sgd", "adagrad", "rmsprop", "adam"])
def test_another_optimizer_is_refused_before_anything_is_written(make_config: Make, other: str) -> None:
    folder = train(make_config(grpo={"steps": 1}), quiet=True)
    before = (folder / "config.yaml").read_bytes()
    with pytest.raises(ConfigError, match=rf"another optimizer \(AdamW, now {other}\)"):
        train(make_config(grpo={"steps": 2, "optimizer": other}, resume=True), quiet=True)
    assert (folder / "config.yaml").read_bytes() == before


def test_what_a_run_goes_on_with_otherwise_than_it_began_is_said(
    make_config: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another model in a sentence, other rows, and fewer steps than are done."""
    rows, held_out = tmp_path / "rows.jsonl", tmp_path / "held_out.jsonl"
    for path in (rows, held_out):
        path.write_text("".join(json.dumps({"prompt": f"{n}+1+1="}) + "\n" for n in range(9)))
    make_tokenizer(get_task("arithmetic", {"terms": 3}).vocabulary()).save_pretrained(tmp_path / "tokenizer")
    model = {"build": TINY, "tokenizer": str(tmp_path / "tokenizer")}
    data: dict[str, Any] = {"task": None, "params": {}, "train": str(rows), "eval": str(held_out)}
    train(make_config(model=model, data=data, grpo={"steps": 2}), quiet=True)
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:5]))
    capsys.readouterr()
    train(make_config(model=model, data=data, grpo={"steps": 1}, resume=True), quiet=True)
    said = " ".join(capsys.readouterr().err.split())
    assert f"{rows} has changed since the checkpoint" in said
    assert f"{held_out} has changed" not in said
    assert "2 steps are done, more than the 1 asked for: nothing is left to train" in said
    wide = {"build": {**TINY, "hidden_size": 48}, "tokenizer": str(tmp_path / "tokenizer")}
    with pytest.raises(
        ConfigError, match=r"another model: \d+ of its \d+ tensors .* such as \S+ \(\d+×32, and here"
    ) as found:
        train(make_config(model=wide, data=data, grpo={"steps": 3}, resume=True), quiet=True)
    assert len(str(found.value).splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"no archive", None, b"PK\x03\x04"])
def test_what_can_be_made_again_is_where_its_file_is_damaged(tmp_path: Path, content: bytes | None) -> None:
    """A reference's log-probs, a teacher's words; None stands for half of the file."""
    path = tmp_path / "kept.pt"
    torch.save({"logps": torch.zeros(1000)}, path)
    assert load_or_none(path)["logps"].shape == (1000,)
    path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    assert load_or_none(path) is None
    assert load_or_none(tmp_path / "absent.pt") is None


def test_a_start_that_fails_leaves_the_name_free(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> None:
        raise MissingExtraError("wandb", "wandb", "log.to: wandb")

    monkeypatch.setattr("veritune.trainer.observe.trackers.Wandb", missing)
    with pytest.raises(MissingExtraError):
        train(make_config(log={"to": ["wandb"]}), quiet=True)
    monkeypatch.undo()
    assert train(make_config(grpo={"steps": 0}), quiet=True).name == "run"


def test_a_finished_run_that_is_resumed_is_the_same_run(make_config: Make) -> None:
    changes = {"grpo": {"steps": 2, "samples": 2}, "sampling": {"max_tokens": 2}}  # its completions are cut: a warning
    folder = train(make_config(**changes), quiet=True)
    before = (folder / "metrics.jsonl").read_text()
    assert "warning" in before
    train(make_config(**changes, resume=True), quiet=True)
    assert (folder / "metrics.jsonl").read_text() == before


def test_warnings_are_not_repeated_after_a_resume(make_config: Make, tmp_path: Path) -> None:
    changes = {"sampling": {"max_tokens": 2}, "checkpoint": EVERY}
    whole = train(make_config(grpo={"steps": 3}, **changes, output=str(tmp_path / "whole")), quiet=True)
    train(make_config(grpo={"steps": 1}, **changes), quiet=True)
    train(make_config(grpo={"steps": 3}, **changes, resume=True), quiet=True)
    said = [[r for r in read_metrics(f / "metrics.jsonl") if "warning" in r] for f in (whole, tmp_path / "run")]
    assert said[0] == said[1]


# -- weights -----------------------------------------------------------------------------------------------------------

FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {},
    "qwen3": {"head_dim": 8},
    "mistral": {},
    "gemma2": {"head_dim": 8},
    "gpt2": {},
    "phi3": {},
    "qwen3_moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "head_dim": 8},
    "mixtral": {"num_local_experts": 4},
    "gpt_neox": {},
}


def _model(kind: str, tie: bool) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    more = {"num_key_value_heads": 2} if kind not in ("gpt2", "gpt_neox") else {}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        kind, vocab_size=50, **sizes, **more, **ids, **FAMILIES[kind], tie_word_embeddings=tie
    )
    return AutoModelForCausalLM.from_config(config).eval()


@torch.no_grad()
def _moved(model: Any) -> Any:
    """The weights as training leaves them: every one its own."""
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model


@torch.no_grad()
def _logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model(input_ids=torch.arange(3, 23).view(2, 10)).logits
    return found


@pytest.mark.parametrize("tie", [True, False])
@pytest.mark.parametrize("kind", FAMILIES)
def test_a_loaded_checkpoint_has_the_saved_policys_logits_to_the_bit(kind: str, tie: bool, tmp_path: Path) -> None:
    saved = _moved(_model(kind, tie))
    saved.save_pretrained(tmp_path)
    loaded = _model(kind, tie)
    load_weights(tmp_path, loaded)
    assert torch.equal(_logits(loaded), _logits(saved))
    assert bool(tied(loaded)) == bool(tied(saved))


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2"])
def test_a_head_that_the_file_holds_apart_is_not_tied_again(kind: str, tmp_path: Path) -> None:
    saved = _model(kind, tie=True)
    saved.lm_head.weight = torch.nn.Parameter(saved.lm_head.weight.detach() * 1.5)
    from safetensors.torch import save_file

    save_file({name: t.clone() for name, t in saved.state_dict().items()}, str(tmp_path / "model.safetensors"))
    loaded = _model(kind, tie=True)
    load_weights(tmp_path, loaded)
    assert torch.equal(_logits(loaded), _logits(saved))


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    _model("llama", True).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="of another model"):
        load_weights(tmp_path, _model("qwen3", True))
