"""Every causal architecture of transformers: the trainer's log-probs against the model's own logits, or a refusal.

    python benchmarks/architectures.py [--only llama,qwen3] [--out benchmarks/results/architectures.txt]

A tiny random model each, its sizes set where its configuration has them. What cannot be made tiny is named, and not
counted. Ends with status 1 where log-probs are wrong and nothing said so.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import os
import platform
import sys
import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch

from veritune.plugins import ConfigError
from veritune.trainer.data.packing import make_batch
from veritune.trainer.policy.architecture import check_architecture
from veritune.trainer.policy.logprobs import completion_logprobs, plain_head

ROOT = Path(__file__).resolve().parent.parent
_NAMES: dict[Any, str] = {
    32: "hidden_size n_embd d_model model_dim width embedding_size word_embed_proj_dim embedding_dim",
    48: "intermediate_size n_inner d_ff ffn_dim ffn_hidden_size decoder_ffn_dim",
    2: "num_hidden_layers n_layer num_layers decoder_layers n_layers encoder_layers num_key_value_heads num_kv_heads "
    "num_experts_per_tok moe_topk moe_k",
    4: "num_attention_heads n_head num_heads decoder_attention_heads encoder_attention_heads num_local_experts "
    "num_experts n_routed_experts moe_num_experts mamba_num_heads mamba_n_heads",
    8: "rotary_dim head_dim attention_head_dim qk_nope_head_dim v_head_dim qk_rope_head_dim mamba_d_state state_size",
    16: "moe_intermediate_size shared_expert_intermediate_size intermediate_size_mlp q_lora_rank kv_lora_rank "
    "lru_width mamba_head_dim",
    64: "max_position_embeddings n_positions max_seq_len",
    1: "n_group topk_group first_k_dense_replace",
}
SIZES: dict[str, Any] = {name: value for value, names in _NAMES.items() for name in names.split()}
SIZES |= {"vocab_size": 50, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2, "is_decoder": True}
SIZES |= {"use_mamba_kernels": False}
"""Set where the default configuration has the name."""
IDS = [5, 9, 3, 14, 22, 7, 30, 41, 11, 6]
LARGEST = 30_000_000
"""Parameters of a model that is made here."""


def make(kind: str) -> Any:
    """A tiny random model of an architecture."""
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    default = CONFIG_MAPPING[kind]()
    if hasattr(default, "get_text_config") and default.get_text_config() is not default:
        raise ValueError("a model of several parts; its text part is an architecture of its own")
    names = {*default.to_dict(), *getattr(default, "attribute_map", {})}
    fields = {name: value for name, value in SIZES.items() if name in names}
    if "qk_rope_head_dim" in names:
        fields.pop("head_dim", None)  # another name of it
        fields["num_key_value_heads"] = fields.get("num_attention_heads", 4)
    if isinstance(getattr(default, "layer_types", None), list) and "layer_types" in default.to_dict():
        kinds = list(dict.fromkeys(default.layer_types))
        fields |= {"layer_types": kinds, "num_hidden_layers": len(kinds)}
    config = CONFIG_MAPPING[kind](**fields)
    with torch.device("meta"):
        size = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
    if size > LARGEST:
        raise ValueError(f"it stays large ({size / 1e6:.0f} M parameters) with the sizes known here")
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[kind](**fields)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


@torch.no_grad()
def judge(kind: str) -> tuple[str, str]:
    """``right`` (through the head), ``logits`` (right through the logits), ``refused``, ``untried`` or ``WRONG``."""
    try:
        model = make(kind)
    except Exception as error:  # a configuration that needs more than sizes
        return "untried", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:90]
    try:
        reason = check_architecture(model)
    except ConfigError as error:
        return "refused", str(error)[:110]
    logps, _ = completion_logprobs(model, make_batch([IDS[:3]], [IDS[3:]], "cpu"))
    logits = model(input_ids=torch.tensor([IDS]), use_cache=False).logits.float()
    exact = torch.log_softmax(logits[0, 2:-1], -1).gather(1, torch.tensor(IDS[3:])[:, None])[:, 0]
    off = float((logps[0] - exact).abs().max())
    if not off < 5e-3:
        return "WRONG", f"{off:.3g} nats off"
    return ("right", "") if plain_head(model) else ("logits", reason or "its configuration says so")


def main() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "architectures.txt")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    kinds = [k for k in options.only.split(",") if k] or sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    lines: list[str] = []
    counts: Counter[str] = Counter()
    for kind in kinds:
        try:
            with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                found, detail = judge(kind)
        except Exception as error:
            found, detail = "WRONG", f"{type(error).__name__}: {error}"[:110]
        counts[found] += 1
        lines.append(f"{found:8} {kind:28} {detail}".rstrip())
        print(lines[-1], flush=True)
    summary = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    head = (
        f"date      {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC\n"
        f"machine   {platform.machine()}, CPU\n"
        f"versions  Python {platform.python_version()}, torch {version('torch')}, "
        f"transformers {version('transformers')}\n"
        f"command   python benchmarks/architectures.py\n"
        "right: through the language head; logits: right, from the model's own logits; refused: with a reason before\n"
        "training; untried: no tiny model of it could be made here\n"
    )
    text = f"{head}\n{summary}\n\n" + "\n".join(lines) + "\n"
    if not options.only:
        options.out.write_text(text, encoding="utf-8")
    print(summary)
    sys.exit(1 if counts["WRONG"] else 0)


if __name__ == "__main__":
    main()
