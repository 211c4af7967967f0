"""Models and tokenizers of folders as they come: other names of layers, weights that are lacking, odd tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BertConfig, BertModel

from veritune.plugins import ConfigError
from veritune.trainer.config import RunConfig
from veritune.trainer.data.tasks import get_task
from veritune.trainer.policy.models import Policy, load_policy, make_tokenizer
from veritune.trainer.run import train

WORDS = ["1", "2", "+", "="]
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 7}
OTHERS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 7},
    "bloom": {"hidden_size": 16, "n_layer": 2, "n_head": 2, "vocab_size": 7},
    "gpt_neox": {**SIZES, "intermediate_size": 32},
    "falcon": {**SIZES},
    "opt": {**SIZES, "ffn_dim": 32, "word_embed_proj_dim": 16},
    "mpt": {"d_model": 16, "n_layers": 2, "n_heads": 2, "vocab_size": 7},
}


def folder_of(path: Path, kind: str = "qwen3", **fields: Any) -> Path:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    sizes = {**SIZES, "intermediate_size": 32, "num_key_value_heads": 1, "head_dim": 8} if kind == "qwen3" else fields
    ids = {"eos_token_id": 1, "pad_token_id": 0, "bos_token_id": None}
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(CONFIG_MAPPING[kind](**{**sizes, **fields, **ids})).save_pretrained(path)
    make_tokenizer(WORDS).save_pretrained(path)
    return path


def loaded(path: Path, **model: Any) -> Policy:
    return load_policy(configured(path, model=model), None)


def configured(path: Path, output: Path = Path("unused"), **over: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "output": str(output),
            "device": "cpu",
            "data": {"train": "rows.jsonl"},
            "rewards": {"repetition_penalty": {}},
            **over,
            "model": {"path": str(path), **over.get("model", {})},
        }
    )


@pytest.mark.parametrize("kind", OTHERS)
def test_a_decoder_may_call_its_layers_what_it_likes(kind: str, tmp_path: Path) -> None:
    policy = loaded(folder_of(tmp_path, kind, **OTHERS[kind]))
    assert policy.parameters > 0


def test_a_model_whose_file_lacks_weights_is_refused_and_not_made_up(tmp_path: Path) -> None:
    file = folder_of(tmp_path) / "model.safetensors"
    state = load_file(str(file))
    del state["model.layers.1.mlp.up_proj.weight"]
    save_file(state, str(file), metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"lacks 1 .*model\.layers\.1\.mlp\.up_proj\.weight"):
        loaded(tmp_path)


def test_a_model_without_a_language_head_is_refused(tmp_path: Path) -> None:
    BertModel(BertConfig(vocab_size=7, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)).save_pretrained(
        tmp_path
    )
    make_tokenizer(WORDS).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="cannot load the model"):
        loaded(tmp_path)


def test_a_tied_head_that_the_file_leaves_out_is_not_missed(tmp_path: Path) -> None:
    file = folder_of(tmp_path, tie_word_embeddings=True) / "model.safetensors"
    assert "lm_head.weight" not in load_file(str(file))
    assert loaded(tmp_path).parameters > 0


def test_a_folder_without_a_tokenizer_says_so(tmp_path: Path) -> None:
    for file in folder_of(tmp_path).glob("token*"):
        file.unlink()
    with pytest.raises(ConfigError, match=r"no tokenizer.*model\.tokenizer"):
        loaded(tmp_path)


def test_a_tokenizers_end_beyond_the_models_embedding_is_refused(tmp_path: Path) -> None:
    folder_of(tmp_path / "model")
    tokenizer = make_tokenizer(WORDS)
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    with pytest.raises(ConfigError, match=r"'<end>' is token 7, .*embedding of 7"):
        loaded(tmp_path / "model", tokenizer=str(tmp_path / "tokenizer"))


def test_a_prompts_token_beyond_the_models_embedding_is_refused_with_its_row(tmp_path: Path) -> None:
    folder_of(tmp_path / "model")
    make_tokenizer([*WORDS, "9"]).save_pretrained(tmp_path / "tokenizer")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "1+1="}\n{"prompt": "9="}\n')
    config = configured(
        tmp_path / "model",
        tmp_path / "run",
        model={"tokenizer": str(tmp_path / "tokenizer")},
        data={"train": str(rows)},
        sampling={"max_tokens": 2},
        grpo={"steps": 1, "prompts": 1, "samples": 2},
    )
    with pytest.raises(ConfigError, match=r"row 2.*'9'.*embedding"):
        train(config)
    assert not (tmp_path / "run").exists()


def test_no_layers_are_refused() -> None:
    config = configured(Path("unused"))
    build = {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 0, "num_attention_heads": 2}
    config = config.model_copy(update={"model": config.model.model_copy(update={"path": None, "build": build})})
    with pytest.raises(ConfigError, match="num_hidden_layers"):
        load_policy(config, get_task("arithmetic", {}))
